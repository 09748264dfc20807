//! Rust: a Cargo workspace or package with tests.

use super::{Found, at, ci};
use crate::runner::{Program, Suite};

/// One suite per workspace or package that no other one contains.
pub(super) fn suites(found: &Found<'_>) -> Vec<Suite> {
    let mut suites: Vec<Suite> = Vec::new();
    for dir in found.folders_with("Cargo.toml") {
        let inside = suites.iter().any(|suite| suite.dir.is_empty() || dir.starts_with(&format!("{}/", suite.dir)));
        if !inside && let Some(suite) = suite(found, &dir) {
            suites.push(suite);
        }
    }
    suites
}

fn suite(found: &Found<'_>, dir: &str) -> Option<Suite> {
    let manifest: toml::Table = found.text(&at(dir, "Cargo.toml"))?.parse().ok()?;
    let workspace = manifest.contains_key("workspace");
    if !workspace && !manifest.contains_key("package") {
        return None;
    }
    let test = found.any_file(dir, |path| path.ends_with(".rs") && holds_tests(found, path))?;
    let flags = ci::cargo_flags(found);
    let nextest = found.is_file(&at(dir, ".config/nextest.toml")) && (found.has)("cargo-nextest");
    let (program, mut command) = match nextest {
        true => (Program::Nextest, "cargo nextest run".to_owned()),
        false => (Program::Cargo, "cargo test".to_owned()),
    };
    if workspace {
        command.push_str(" --workspace");
    }
    let mut why = format!("{} ({}); tests, first in {test}", at(dir, "Cargo.toml"), if workspace { "workspace" } else { "package" });
    if nextest {
        why.push_str("; .config/nextest.toml");
    }
    if let Some((file, flags)) = flags {
        command.push_str(&format!(" {flags}"));
        why.push_str(&format!("; {flags} as in {file}"));
    }
    Some(Suite { program, dir: dir.to_owned(), command, junit: None, setup: setup(found, dir), build: Vec::new(), why })
}

/// A file that cargo would take for a test, or that holds one.
fn holds_tests(found: &Found<'_>, path: &str) -> bool {
    let integration = path.starts_with("tests/") || path.contains("/tests/");
    found.text(path).is_some_and(|text| {
        integration && text.contains("fn ")
            || text.contains("#[test]")
            || text.contains("::test]")
            || text.contains("#[cfg(test)]")
            || text.contains("/// ```")
    })
}

/// Brings every dependency, so that nothing is asked of the network later.
pub(super) fn setup(found: &Found<'_>, dir: &str) -> Vec<String> {
    let locked = found.is_file(&at(dir, "Cargo.lock"));
    vec![if locked { "cargo fetch --locked || cargo fetch" } else { "cargo fetch" }.to_owned()]
}
