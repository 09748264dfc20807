//! Changes of how the suite runs: configuration files and sections that decide which tests run and how they count.
//! Other settings of the same files (versions, metadata, dependencies) are nobody's tampering. Pure.

use super::Reason;
use super::split::{Sided, Split};

/// Files that hold nothing else.
const WHOLE: [&str; 18] = [
    "phpunit.xml",
    "phpunit.xml.dist",
    "phpunit.dist.xml",
    ".rspec",
    ".proverc",
    ".simplecov",
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
/// Beginnings of the names of such files.
const BEGINNINGS: [&str; 6] = ["jest.config.", "vitest.config.", "vitest.workspace.", "ava.config.", ".mocharc.", "playwright.config."];

/// One reason per file in which the settings of the runner differ.
pub fn changes(split: &Split) -> Vec<Reason> {
    let changed = split.files.iter().filter(|file| file.existed || is_new_config(&file.path)).filter(|file| differs(file));
    let each = changed.map(|file| Reason {
        name: "tampering-runner-config".into(),
        text: format!(
            "{} changes how the tests are run. Leave the runner's settings as they are; the proof must run the maintainers' suite.",
            file.path
        ),
        lines: String::new(),
    });
    each.collect()
}

/// A new file of this name can take over where the old tree had none; a new package brings its own manifest.
fn is_new_config(path: &str) -> bool {
    is_whole(path) || path.ends_with("setup.cfg") || path == "pyproject.toml"
}

fn is_whole(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    WHOLE.iter().any(|one| path == *one || path.ends_with(&format!("/{one}"))) || BEGINNINGS.iter().any(|start| name.starts_with(start))
}

fn differs(file: &Sided) -> bool {
    let (base, head) = (file.base.as_deref().unwrap_or_default(), file.head.as_deref().unwrap_or_default());
    let name = file.path.rsplit('/').next().unwrap_or_default();
    match name {
        _ if is_whole(&file.path) => base != head,
        "pyproject.toml" => toml_part(base, &PYPROJECT) != toml_part(head, &PYPROJECT),
        "Cargo.toml" => cargo_loses(base, head),
        "package.json" | "composer.json" => package_part(base) != package_part(head),
        "Rakefile" => tasks(base) != tasks(head),
        "setup.cfg" => section(base, "tool:pytest") != section(head, "tool:pytest"),
        _ => false,
    }
}

const PYPROJECT: [&[&str]; 6] =
    [&["tool", "pytest"], &["tool", "coverage"], &["tool", "tox"], &["tool", "nox"], &["tool", "hatch", "envs"], &["tool", "poe", "tasks"]];

fn toml_part(text: &str, tables: &[&[&str]]) -> Option<Vec<Option<toml::Value>>> {
    let whole: toml::Table = text.parse().ok()?;
    let whole = toml::Value::Table(whole);
    Some(tables.iter().map(|path| path.iter().try_fold(&whole, |at, key| at.get(key)).cloned()).collect())
}

/// New targets and members are welcome; what switches tests off is not.
fn cargo_loses(base: &str, head: &str) -> bool {
    let (Ok(base), Ok(head)) = (base.parse::<toml::Table>(), head.parse::<toml::Table>()) else { return base != head };
    let off = |table: &toml::Table| {
        let mut found = Vec::new();
        let targets = ["lib", "bin", "test", "example", "bench"].iter().filter_map(|key| Some((*key, table.get(*key)?)));
        for (key, value) in targets {
            let many = value.as_array().map_or_else(|| vec![value], |list| list.iter().collect());
            for one in many {
                for switch in ["test", "doctest", "harness"] {
                    if one.get(switch).and_then(toml::Value::as_bool) == Some(false) {
                        found.push(format!("{key} {:?} {switch}", one.get("name")));
                    }
                }
            }
        }
        for switch in ["autotests", "autobins", "autolib"] {
            if table.get("package").and_then(|package| package.get(switch)).and_then(toml::Value::as_bool) == Some(false) {
                found.push(switch.to_owned());
            }
        }
        found
    };
    let listed = |table: &toml::Table, key: &str| -> Vec<String> {
        let list = table.get("workspace").and_then(|w| w.get(key)).and_then(toml::Value::as_array);
        list.map_or_else(Vec::new, |list| list.iter().map(ToString::to_string).collect())
    };
    let names = |table: &toml::Table| -> Vec<String> {
        table
            .get("test")
            .and_then(toml::Value::as_array)
            .map_or_else(Vec::new, |list| list.iter().map(|one| format!("{:?}", one.get("path").or(one.get("name")))).collect())
    };
    let profile = |table: &toml::Table| table.get("profile").and_then(|p| p.get("test").or(p.get("dev"))).cloned();
    let lost = |before: Vec<String>, after: Vec<String>| before.iter().any(|one| !after.contains(one));
    lost(off(&head), off(&base))
        || lost(listed(&base, "members"), listed(&head, "members"))
        || lost(listed(&base, "default-members"), listed(&head, "default-members"))
        || lost(listed(&head, "exclude"), listed(&base, "exclude"))
        || lost(names(&base), names(&head))
        || profile(&base) != profile(&head)
}

fn package_part(text: &str) -> Option<Vec<(String, serde_json::Value)>> {
    let whole: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
    let runners = ["jest", "mocha", "ava", "tap", "nyc", "c8", "vitest", "workspaces"];
    let mut part: Vec<_> =
        whole.iter().filter(|(key, _)| runners.contains(&key.as_str())).map(|(key, value)| (key.clone(), value.clone())).collect();
    if let Some(scripts) = whole.get("scripts").and_then(serde_json::Value::as_object) {
        let about = scripts.iter().filter(|(key, _)| key.contains("test") || key.contains("unit") || key.contains("spec"));
        part.extend(about.map(|(key, value)| (format!("scripts.{key}"), value.clone())));
    }
    part.sort_by(|one, two| one.0.cmp(&two.0));
    Some(part)
}

/// The lines of a Rakefile that are about tests.
fn tasks(text: &str) -> Vec<String> {
    let about = ["test", "spec", "TestTask", "RakeTask", ".libs", ".pattern", ".ruby_opts", ".rspec_opts", ".options", "ENV"];
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#') && about.iter().any(|word| line.contains(word)));
    lines.map(str::to_owned).collect()
}

fn section(text: &str, name: &str) -> Vec<String> {
    let head = format!("[{name}]");
    let lines = text.lines().skip_while(|line| line.trim() != head).skip(1).take_while(|line| !line.trim_start().starts_with('['));
    lines.map(|line| line.trim().to_owned()).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_switches_tests_off_is_seen() {
        let base = "[package]\nname = \"a\"\n[workspace]\nmembers = [\"x\", \"y\"]\n";
        assert!(cargo_loses(base, &format!("{base}[lib]\ntest = false\n")));
        assert!(cargo_loses(base, &base.replace(", \"y\"", "")));
        assert!(cargo_loses(base, &base.replace("name = \"a\"", "name = \"a\"\nautotests = false")));
        assert!(!cargo_loses(base, &format!("{base}[dependencies]\nserde = \"1\"\n[[test]]\nname = \"new\"\n")));
        let package = r#"{"version": "1.0.0", "scripts": {"test": "jest", "lint": "eslint"}}"#;
        assert_ne!(package_part(package), package_part(&package.replace("\"jest\"", "\"exit 0\"")));
        assert_eq!(package_part(package), package_part(&package.replace("1.0.0", "1.0.1").replace("eslint", "biome")));
        assert_ne!(
            toml_part("[tool.pytest.ini_options]\naddopts = \"\"", &PYPROJECT),
            toml_part("[tool.pytest.ini_options]\naddopts = \"-k x\"", &PYPROJECT)
        );
        assert_eq!(toml_part("[project]\nversion = \"1\"", &PYPROJECT), toml_part("[project]\nversion = \"2\"", &PYPROJECT));
        assert_ne!(
            section("[tool:pytest]\naddopts =\n[x]\n", "tool:pytest"),
            section("[tool:pytest]\naddopts = -k y\n[x]\n", "tool:pytest")
        );
        assert!(
            is_whole("pytest.ini") && is_whole("pkg/jest.config.ts") && is_whole("a/.config/nextest.toml") && !is_whole("src/config.rs")
        );
    }
}
