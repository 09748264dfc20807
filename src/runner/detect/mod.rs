//! Which suites a repository has. The maintainer's settings win; otherwise manifests and CI files of the tree say so.
//! Nothing of the repository is run here.

mod built;
mod ci;
mod clue;
mod command;
mod go;
mod java;
mod node;
mod perl;
mod php;
mod practice;
mod python;
mod ruby;
mod rust;
mod script;
mod steps;

pub use clue::{Clue, Detection, Followed, Source, explore};

use std::cell::RefCell;
use std::fs;
use std::io::Read;
use std::path::Path;

use ignore::WalkBuilder;

use super::words::words;
use super::{Program, Suite};
use crate::config::TestSettings;
use crate::error::{Failure, Kind, Result};
use crate::sandbox::Sandbox;

/// A manifest is never longer than this.
const LONGEST: u64 = 2 << 20;
/// How deep below the root manifests are looked for.
const DEPTH: usize = 3;
/// Folders whose manifests are not the repository's own.
const FOREIGN: [&str; 14] = [
    "node_modules",
    "vendor",
    "third_party",
    "target",
    "fixtures",
    "fixture",
    "testdata",
    "test-data",
    "examples",
    "example",
    "templates",
    "docs",
    "benchmarks",
    "fuzz",
];

/// Finds the suites of a tree on disk; settings win over what is detected. Empty when there are no tests.
pub fn detect(root: &Path, settings: &TestSettings, sandbox: &Sandbox) -> Result<Vec<Suite>> {
    explore(root, settings, sandbox).map(|detection| detection.suites)
}

/// A tree on disk, and which programs children would find.
pub(super) struct Found<'a> {
    pub(super) root: &'a Path,
    pub(super) has: &'a dyn Fn(&str) -> bool,
    clues: RefCell<Vec<Clue>>,
}

impl<'a> Found<'a> {
    /// A tree that nothing was found in yet.
    pub(super) fn new(root: &'a Path, has: &'a dyn Fn(&str) -> bool) -> Found<'a> {
        Found { root, has, clues: RefCell::default() }
    }

    /// Takes note of something found.
    fn clue(&self, clue: Clue) {
        let mut clues = self.clues.borrow_mut();
        if !clues.contains(&clue) {
            clues.push(clue);
        }
    }

    fn clues(&self) -> Vec<Clue> {
        self.clues.borrow().clone()
    }

    fn suites(&self, settings: &TestSettings) -> Result<Vec<Suite>> {
        let mut suites = Vec::new();
        if settings.command.is_none() {
            suites.extend(rust::suites(self));
            suites.extend(python::suites(self));
            suites.extend(node::suites(self));
            suites.extend(php::suites(self));
            suites.extend(ruby::suites(self));
            suites.extend(perl::suites(self));
            suites.extend(go::suites(self));
            suites.extend(java::suites(self));
            if let Some(wanted) = &settings.runner {
                let wanted = program(wanted)?;
                suites.retain(|suite| suite.program == wanted);
            }
        }
        if let Some(command) = &settings.command {
            suites.push(self.commanded(command, settings)?);
        }
        for suite in &mut suites {
            if let Some(setup) = &settings.setup {
                suite.setup = setup.clone();
            }
            if !settings.build.is_empty() {
                suite.build = settings.build.clone();
            }
        }
        Ok(suites)
    }

    /// The suite the settings describe; setup is still found by manifest.
    fn commanded(&self, command: &str, settings: &TestSettings) -> Result<Suite> {
        let program = match (&settings.runner, &settings.junit) {
            (Some(name), _) => program(name)?,
            (None, Some(_)) => Program::Junit,
            (None, None) => by_words(command).ok_or_else(|| {
                Failure::new(Kind::Config, format_args!("test.command: which reader do the results of {command:?} need?"))
                    .hint("set test.runner to cargo, nextest, pytest, unittest, jest, vitest, mocha, ava, node, go, maven, gradle, phpunit, rspec, minitest, prove, tap or junit")
            })?,
        };
        if program == Program::Junit && settings.junit.is_none() {
            return Err(Failure::new(Kind::Config, "test.runner = \"junit\" needs test.junit")
                .hint("set test.junit to a glob of the XML files the command writes, like \"build/reports/**/*.xml\""));
        }
        let setup = match program {
            Program::Cargo | Program::Nextest => rust::setup(self, ""),
            Program::Pytest | Program::Unittest => python::setup(self, "", program),
            Program::Jest | Program::Vitest | Program::Mocha | Program::Ava | Program::NodeTest => node::setup(self, ""),
            Program::Go => go::setup(self, ""),
            Program::Maven => java::maven_setup(self, ""),
            Program::Gradle => java::gradle_setup(self, ""),
            Program::Phpunit => php::setup(self, ""),
            Program::Rspec | Program::Minitest => ruby::setup(self, ""),
            Program::Prove => perl::setup(self, ""),
            Program::Tap | Program::Junit => self.setup_by_manifest(),
        };
        Ok(Suite {
            program,
            dir: String::new(),
            command: command.to_owned(),
            junit: settings.junit.clone(),
            setup,
            build: Vec::new(),
            why: "test.command of the settings".to_owned(),
        })
    }

    fn setup_by_manifest(&self) -> Vec<String> {
        let mut setup = Vec::new();
        if self.text("package.json").is_some() {
            setup.extend(node::setup(self, ""));
        }
        if python::has_manifest(self, "") {
            setup.extend(python::setup(self, "", Program::Pytest));
        }
        if self.text("go.mod").is_some() {
            setup.extend(go::setup(self, ""));
        }
        if self.text("Cargo.toml").is_some() {
            setup.extend(rust::setup(self, ""));
        }
        setup.extend(php::setup(self, ""));
        setup.extend(ruby::setup(self, ""));
        setup
    }

    /// A small regular file of the tree, as text.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        let full = self.root.join(path);
        // A manifest that is a link may lead out of the tree.
        fs::symlink_metadata(&full).ok().filter(|meta| meta.is_file())?;
        let mut bytes = Vec::new();
        fs::File::open(full).ok()?.take(LONGEST).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Whether a regular file is there.
    pub(super) fn is_file(&self, path: &str) -> bool {
        fs::symlink_metadata(self.root.join(path)).is_ok_and(|meta| meta.is_file())
    }

    /// The workflow files of the repository's CI and their texts, by name.
    pub(super) fn workflows(&self) -> Vec<(String, String)> {
        ci::workflows(self)
    }

    /// Folders near the root that hold a file of this name, the root first; empty for the root.
    fn folders_with(&self, name: &str) -> Vec<String> {
        let walk = WalkBuilder::new(self.root)
            .standard_filters(false)
            .max_depth(Some(DEPTH + 1))
            .filter_entry(|entry| {
                let name = entry.file_name().to_string_lossy();
                entry.depth() == 0 || !(name.starts_with('.') || FOREIGN.contains(&name.as_ref()))
            })
            .sort_by_file_path(|a, b| a.cmp(b))
            .build();
        let mut folders: Vec<String> = walk
            .flatten()
            .filter(|entry| entry.file_name() == name && entry.file_type().is_some_and(|kind| kind.is_file()))
            .filter_map(|entry| Some(entry.path().parent()?.strip_prefix(self.root).ok()?.to_string_lossy().into_owned()))
            .collect();
        folders.sort_by_key(|folder| (folder.matches('/').count() + usize::from(!folder.is_empty()), folder.clone()));
        folders
    }

    /// The first file below `dir` (a few levels deep) whose path `wanted` accepts.
    fn any_file(&self, dir: &str, wanted: impl Fn(&str) -> bool) -> Option<String> {
        self.walked(dir).find(|path| wanted(path))
    }

    /// All of them.
    fn files(&self, dir: &str, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        self.walked(dir).filter(|path| wanted(path)).collect()
    }

    fn walked(&self, dir: &str) -> impl Iterator<Item = String> {
        let skipped = ["node_modules", "target", ".git", ".venv", "venv", ".tox", "vendor"];
        let walk = WalkBuilder::new(self.root.join(dir))
            .standard_filters(false)
            .max_depth(Some(8))
            .filter_entry(move |entry| entry.depth() == 0 || !skipped.contains(&entry.file_name().to_string_lossy().as_ref()))
            .sort_by_file_path(|a, b| a.cmp(b))
            .build();
        walk.flatten()
            .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
            .filter_map(|entry| Some(entry.path().strip_prefix(self.root).ok()?.to_string_lossy().into_owned()))
    }
}

/// One suite per folder, the upper ones first; none below a folder that has one.
fn apart(mut folders: Vec<String>, suite: impl Fn(&str) -> Option<Suite>) -> Vec<Suite> {
    folders.sort_by_key(|folder| (folder.matches('/').count() + usize::from(!folder.is_empty()), folder.clone()));
    folders.dedup();
    let mut suites: Vec<Suite> = Vec::new();
    for dir in folders {
        let inside = suites.iter().any(|suite| suite.dir.is_empty() || dir.starts_with(&format!("{}/", suite.dir)));
        if !inside {
            suites.extend(suite(&dir));
        }
    }
    suites
}

/// `dir/name`, or `name` at the root.
pub(super) fn at(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

/// The reader a settings file names.
fn program(name: &str) -> Result<Program> {
    Ok(match name {
        "cargo" => Program::Cargo,
        "nextest" => Program::Nextest,
        "pytest" => Program::Pytest,
        "unittest" => Program::Unittest,
        "jest" => Program::Jest,
        "vitest" => Program::Vitest,
        "node" | "node:test" | "node-test" => Program::NodeTest,
        "go" => Program::Go,
        "maven" | "mvn" => Program::Maven,
        "gradle" => Program::Gradle,
        "mocha" => Program::Mocha,
        "ava" => Program::Ava,
        "phpunit" => Program::Phpunit,
        "rspec" => Program::Rspec,
        "minitest" => Program::Minitest,
        "prove" => Program::Prove,
        "tap" | "tape" => Program::Tap,
        "junit" => Program::Junit,
        _ => {
            return Err(Failure::new(Kind::Config, format_args!("test.runner: no such runner: {name:?}"))
                .hint("known are cargo, nextest, pytest, unittest, jest, vitest, mocha, ava, node, go, maven, gradle, phpunit, rspec, minitest, prove, tap, junit"));
        }
    })
}

/// The reader a command needs, when its words say so.
fn by_words(command: &str) -> Option<Program> {
    let split = words(command)?;
    let has = |word: &str| split.words.iter().any(|one| one.rsplit('/').next() == Some(word));
    let table = [
        ("nextest", Program::Nextest),
        ("cargo", Program::Cargo),
        ("pytest", Program::Pytest),
        ("py.test", Program::Pytest),
        ("unittest", Program::Unittest),
        ("jest", Program::Jest),
        ("vitest", Program::Vitest),
        ("phpunit", Program::Phpunit),
        ("rspec", Program::Rspec),
        ("prove", Program::Prove),
        ("rake", Program::Minitest),
        ("ruby", Program::Minitest),
        ("go", Program::Go),
        ("mvn", Program::Maven),
        ("mvnw", Program::Maven),
        ("gradle", Program::Gradle),
        ("gradlew", Program::Gradle),
        ("mocha", Program::Mocha),
        ("ava", Program::Ava),
        ("tape", Program::Tap),
        ("--tap", Program::Tap),
        ("--test", Program::NodeTest),
    ];
    table.into_iter().find(|(word, _)| has(word)).map(|(_, program)| program)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::trial::write;

    fn detected(files: &[(&str, &str)], settings: TestSettings) -> Result<Vec<Suite>> {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), files);
        Found::new(folder.path(), &|_| true).suites(&settings)
    }

    fn commands(files: &[(&str, &str)]) -> Vec<(Program, String, Vec<String>)> {
        let suites = detected(files, TestSettings::default()).unwrap();
        suites.into_iter().map(|suite| (suite.program, format!("{}{}", suite.dir, suite.command), suite.setup)).collect()
    }

    #[test]
    fn no_tests_no_suites() {
        assert!(commands(&[("README.md", "hello"), ("src/main.py", "print(1)")]).is_empty());
        assert!(commands(&[("package.json", r#"{"scripts": {"test": "echo \"Error: no test specified\" && exit 1"}}"#)]).is_empty());
        assert!(commands(&[("Cargo.toml", "[package]\nname='a'\n"), ("src/main.rs", "fn main() {}")]).is_empty());
        assert!(commands(&[("package.json", "{ not json"), ("Cargo.toml", "= broken"), ("pyproject.toml", "\u{0}")]).is_empty());
    }

    #[test]
    fn scripts_are_followed_to_the_runner() {
        for (script, program, command) in [
            ("nyc tape 'test/**/*.js'", Program::Tap, "tape 'test/**/*.js'"),
            ("npm run lint && cross-env NODE_ENV=test jest --coverage", Program::Jest, "NODE_ENV=test jest"),
            ("vitest", Program::Vitest, "vitest run"),
            ("c8 --reporter lcov ava", Program::Ava, "ava"),
            ("mocha test", Program::Mocha, "mocha test"),
            ("node --test test/", Program::NodeTest, "node --test test/"),
            ("npx jest", Program::Jest, "jest"),
            ("tap", Program::Tap, "tap --reporter=tap --timeout=240"),
            ("pnpm lint && pnpm test:types && pnpm vitest run", Program::Vitest, "vitest run"),
        ] {
            let manifest =
                serde_json::json!({"scripts": {"test": "npm run --silent unit", "unit": script, "lint": "eslint ."}}).to_string();
            let found = commands(&[("package.json", &manifest)]);
            assert_eq!(found.first().map(|one| (one.0, one.1.as_str())), Some((program, command)), "{script}");
        }
        let looping = r#"{"scripts": {"test": "npm run a", "a": "npm run b", "b": "npm test"}}"#;
        assert!(commands(&[("package.json", looping)]).is_empty());
    }

    #[test]
    fn python_with_groups_and_extras() {
        let pyproject = "[project]\nname='a'\n[project.optional-dependencies]\ntest=['x']\n[dependency-groups]\ndev=['mypy', {include-group='more'}]\nmore=['hypothesis>=6']\n[tool.pytest.ini_options]\n";
        let found = commands(&[("pyproject.toml", pyproject), ("tests/test_a.py", "def test_a(): pass\n")]);
        assert_eq!(found[0].0, Program::Pytest);
        assert_eq!(found[0].2, ["pip install -e '.[test]' || pip install -e .", "pip install mypy 'hypothesis>=6' pytest"]);
        let found = commands(&[("setup.py", ""), ("tests/test_a.py", "import unittest\n")]);
        assert_eq!((found[0].0, found[0].1.as_str()), (Program::Unittest, "python -m unittest discover -s tests"));
    }

    #[test]
    fn rust_takes_flags_from_ci_and_a_monorepo_has_several_suites() {
        let files = [
            ("Cargo.toml", "[workspace]\nmembers=['a']\n"),
            ("a/Cargo.toml", "[package]\nname='a'\n"),
            ("a/src/lib.rs", "#[test] fn x() {}"),
            (".github/workflows/ci.yml", "      - run: cargo test --workspace --all-features\n"),
            ("web/package.json", r#"{"scripts": {"test": "vitest run"}}"#),
        ];
        let found = commands(&files);
        assert_eq!(found[0].1, "cargo test --workspace --all-features");
        assert_eq!(found[1].1, "webvitest run");
    }

    #[test]
    fn settings_win_and_unclear_ones_are_refused() {
        let set = |command: &str, runner: Option<&str>| TestSettings {
            command: Some(command.into()),
            runner: runner.map(str::to_owned),
            ..TestSettings::default()
        };
        let files = [("Cargo.toml", "[package]\nname='a'\n"), ("src/lib.rs", "#[test] fn x() {}")];
        assert_eq!(detected(&files, set("make check", Some("tap"))).unwrap()[0].command, "make check");
        assert_eq!(detected(&files, set("cargo test -p a", None)).unwrap()[0].program, Program::Cargo);
        for (command, runner) in [("make check", None), ("x", Some("no-such")), ("x", Some("junit"))] {
            let failure = detected(&files, set(command, runner)).unwrap_err();
            assert!(failure.kind == Kind::Config && !failure.hints.is_empty());
        }
    }
}
