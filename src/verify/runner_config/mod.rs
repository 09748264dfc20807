//! Changes of how the suite runs: configuration files and sections that decide which tests run and how they count.
//! Other settings of the same files (versions, metadata, other tools) are nobody's tampering. One file here per family of
//! settings. Pure.

mod cargo;
mod compiled;
mod python;
mod script;
mod scripted;

use std::collections::BTreeMap;

use super::split::{Sided, Split};
use super::{Question, Reason};

/// Files that hold nothing else.
const WHOLE: [&str; 20] = [
    "phpunit.xml",
    "phpunit.xml.dist",
    "phpunit.dist.xml",
    ".rspec",
    ".proverc",
    ".mvn/maven.config",
    ".mvn/extensions.xml",
    ".mvn/jvm.config",
    "pytest.ini",
    ".pytest.ini",
    "tox.ini",
    "noxfile.py",
    ".coveragerc",
    ".config/nextest.toml",
    ".cargo/config.toml",
    ".cargo/config",
    ".taprc",
    "karma.conf.js",
    ".nycrc",
    ".nycrc.json",
];
/// Files that decide with what the suite is run.
const ASKED: [&str; 11] = [
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pnpmfile.cjs",
    "bunfig.toml",
    "rust-toolchain",
    "rust-toolchain.toml",
    ".tool-versions",
    ".node-version",
    ".nvmrc",
    "nyc.config.js",
];
/// Beginnings of the names of such files.
const BEGINNINGS: [&str; 6] = ["jest.config.", "vitest.config.", "vitest.workspace.", "ava.config.", ".mocharc.", "playwright.config."];

/// What a difference of settings means for the tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    /// Nothing: versions, metadata, other tools, how coverage is measured.
    #[default]
    Nothing,
    /// Something that may be meant well: a timeout, a glob, a warning filter.
    Asked,
    /// Tests are left out, replaced or judged by other code, or a threshold is lowered.
    Silences,
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Certain: rejected unless allowed.
    pub reasons: Vec<Reason>,
    /// Possible: a person must look.
    pub questions: Vec<Question>,
}

/// At most one word per file in which the settings of the runner differ.
pub fn changes(split: &Split) -> Found {
    let mut found = Found::default();
    let is_gone = |path: &str| split.files.iter().any(|file| file.head.is_none() && file.existed && file.path == path);
    for file in split.files.iter().filter(|file| file.existed || is_new_config(&file.path)) {
        let (path, lines) = (&file.path, String::new());
        match change(file, &is_gone) {
            Change::Nothing => {}
            Change::Asked => found.questions.push(Question {
                name: "runner-config".into(),
                text: format!("{path} changes settings of the test runner. Does the issue ask for that?"),
                lines,
            }),
            Change::Silences => found.reasons.push(Reason {
                name: "tampering-runner-config".into(),
                text: format!(
                    "{path} changes which tests run or how they count. Leave the runner's settings as they are; the proof must run the maintainers' suite."
                ),
                lines,
            }),
        }
    }
    found
}

/// A new file of this name can take over where the old tree had none; a new package brings its own manifest.
fn is_new_config(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    is_whole(path) || path.ends_with("setup.cfg") || path == "pyproject.toml" || ASKED.contains(&name) || name.starts_with(".env")
}

fn is_whole(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    WHOLE.iter().any(|one| path == *one || path.ends_with(&format!("/{one}"))) || BEGINNINGS.iter().any(|start| name.starts_with(start))
}

fn change(file: &Sided, is_gone: &dyn Fn(&str) -> bool) -> Change {
    let (base, head) = (file.base.as_deref().unwrap_or_default(), file.head.as_deref().unwrap_or_default());
    let name = file.path.rsplit('/').next().unwrap_or_default();
    match name {
        "tox.ini" => python::tox(base, head),
        "pytest.ini" | ".pytest.ini" => python::pytest_ini(base, head, "pytest"),
        "setup.cfg" => python::pytest_ini(base, head, "tool:pytest"),
        "pyproject.toml" => python::pyproject(base, head),
        "package.json" | "composer.json" => script::package(base, head),
        "phpunit.xml" | "phpunit.xml.dist" | "phpunit.dist.xml" => scripted::phpunit(base, head),
        ".rspec" => scripted::rspec(base, head),
        "Rakefile" => scripted::rakefile(base, head),
        ".nycrc" | ".nycrc.json" => said(script::preloads(base) != script::preloads(head)).max(thresholds(base, head)),
        ".coveragerc" => said(python::plugins(base) != python::plugins(head)).max(thresholds(base, head)),
        _ if ASKED.contains(&name) || name.starts_with(".env") => asked(base != head),
        "pom.xml" => said(compiled::pom(base, head)),
        "go.mod" | "go.work" => said(compiled::go(base, head)),
        "build.gradle" | "build.gradle.kts" | "gradle.properties" => said(compiled::gradle(base, head)),
        "Cargo.toml" => said(cargo::loses(base, head, &file.path, is_gone)).max(asked(cargo::features_of_tests(base, head))),
        _ if is_whole(&file.path) => said(base != head),
        _ => Change::Nothing,
    }
}

fn said(silences: bool) -> Change {
    if silences { Change::Silences } else { Change::Nothing }
}

fn asked(differs: bool) -> Change {
    if differs { Change::Asked } else { Change::Nothing }
}

/// Numbers that coverage must reach: none may fall or go.
fn thresholds(base: &str, head: &str) -> Change {
    let numbers = |text: &str| -> BTreeMap<String, f64> {
        let pairs = text.lines().filter_map(|line| line.split_once(['=', ':']));
        let named = pairs.map(|(key, value)| (key.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase(), value));
        let about = named.filter(|(key, _)| matches!(key.as_str(), "fail_under" | "lines" | "branches" | "functions" | "statements"));
        about.filter_map(|(key, value)| Some((key, value.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok()?))).collect()
    };
    let after = numbers(head);
    said(numbers(base).iter().any(|(key, least)| after.get(key).is_none_or(|now| now < least)))
}

#[cfg(test)]
mod tests {
    use super::super::split::Side;
    use super::*;

    fn names(path: &str, base: &str, head: &str) -> Vec<String> {
        let file = Sided::for_trial(path, Side::Source, Some(base), Some(head));
        let found = match change(&file, &|_| false) {
            Change::Nothing => None,
            Change::Asked => Some("asked"),
            Change::Silences => Some("silences"),
        };
        found.into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn coverage_may_change_but_for_its_thresholds() {
        assert!(names(".coveragerc", "[report]\nfail_under = 90\n", "[report]\nfail_under = 95\nexclude_lines = x\n").is_empty());
        assert_eq!(names(".coveragerc", "[report]\nfail_under = 90\n", "[report]\nfail_under = 80\n"), ["silences"]);
        assert_eq!(names(".nycrc", "{}", "{\"require\": [\"./x.js\"]}"), ["silences"]);
        assert_eq!(names(".coveragerc", "[run]\nbranch = 1\n", "[run]\nbranch = 1\nplugins = shim\n"), ["silences"]);
        assert_eq!(names(".npmrc", "", "node-options=--require ./x.cjs"), ["asked"]);
        assert_eq!(names(".nycrc", "{\n\"lines\": 86,\n\"branches\": 82\n}", "{\n\"lines\": 86\n}"), ["silences"]);
    }

    #[test]
    fn files_that_only_configure_a_runner_are_left_alone() {
        assert_eq!(names("pkg/jest.config.ts", "a", "b"), ["silences"]);
        assert_eq!(names(".config/nextest.toml", "a", "b"), ["silences"]);
        assert!(names("src/config.rs", "a", "b").is_empty());
    }
}
