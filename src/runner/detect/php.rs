//! PHP: PHPUnit, by its configuration, composer.json or the names of test files.

use serde_json::Value;

use super::{Found, at};
use crate::runner::words::{assigned, line, words};
use crate::runner::{Program, Suite};

const CONFIGURATIONS: [&str; 3] = ["phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml"];

/// One suite per folder with a manifest that no other one contains.
pub(super) fn suites(found: &Found<'_>) -> Vec<Suite> {
    let mut folders: Vec<String> = CONFIGURATIONS.iter().chain(&["composer.json"]).flat_map(|name| found.folders_with(name)).collect();
    if folders.is_empty() && found.any_file("", is_test).is_some() {
        folders.push(String::new());
    }
    super::apart(folders, |dir| suite(found, dir))
}

fn is_test(path: &str) -> bool {
    path.ends_with("Test.php")
}

fn suite(found: &Found<'_>, dir: &str) -> Option<Suite> {
    let test = found.any_file(dir, is_test)?;
    let configured = CONFIGURATIONS.iter().map(|name| at(dir, name)).find(|path| found.is_file(path));
    let (command, why) = match (script(found, dir), configured) {
        (Some(command), _) => (command, format!("scripts.test of {}", at(dir, "composer.json"))),
        (None, Some(path)) => ("phpunit".to_owned(), path),
        (None, None) => (unconfigured(found, dir, &test), "PHPUnit test files".to_owned()),
    };
    Some(Suite {
        program: Program::Phpunit,
        dir: dir.to_owned(),
        command,
        junit: None,
        setup: setup(found, dir),
        build: Vec::new(),
        why: format!("{why}; first test in {test}"),
    })
}

/// The `test` script of composer.json, when it is nothing but phpunit. Its folder of programs comes first in PATH.
fn script(found: &Found<'_>, dir: &str) -> Option<String> {
    let manifest: Value = serde_json::from_str(&found.text(&at(dir, "composer.json"))?).ok()?;
    let script = manifest.get("scripts")?.get("test")?;
    let script = script.as_str().or_else(|| script.as_array().filter(|list| list.len() == 1)?.first()?.as_str())?;
    let mut split = words(script)?;
    let program = split.words.first()?.rsplit('/').next()?.to_owned();
    if program != "phpunit" {
        return None;
    }
    split.words[0] = program;
    split.words.retain(|word| !word.starts_with("--coverage") && !word.starts_with("--log-") && !word.starts_with("--color"));
    let vars = assigned(&split.vars);
    Some(format!("{vars}{}", line(&split.words)))
}

/// Without a configuration phpunit must be told the folder, and what loads the classes.
fn unconfigured(found: &Found<'_>, dir: &str, test: &str) -> String {
    let inner = test.strip_prefix(&at(dir, "")).unwrap_or(test).trim_start_matches('/');
    let folder = inner.split_once('/').map_or(".", |(folder, _)| folder);
    let loads = if found.text(&at(dir, "composer.json")).is_some() { " --bootstrap vendor/autoload.php" } else { "" };
    format!("phpunit{loads} {folder}")
}

/// Installs by composer where it is used.
pub(super) fn setup(found: &Found<'_>, dir: &str) -> Vec<String> {
    if found.is_file(&at(dir, "composer.json")) { vec!["composer install --no-interaction --no-progress".to_owned()] } else { Vec::new() }
}
