//! Go: one suite per module with tests; flags that decide what is built as CI has them.

use super::{Found, at, ci};
use crate::runner::{Program, Suite};

/// One suite per module; what lies below a module's folder with a `go.mod` of its own is another module.
pub(super) fn suites(found: &Found<'_>) -> Vec<Suite> {
    found.folders_with("go.mod").iter().filter_map(|dir| suite(found, dir)).collect()
}

fn suite(found: &Found<'_>, dir: &str) -> Option<Suite> {
    let inner: Vec<String> = found.folders_with("go.mod").into_iter().filter(|other| other != dir && is_below(other, dir)).collect();
    let own = |path: &str| !inner.iter().any(|folder| is_below(&at(dir, path), folder)) && !path.contains("testdata/");
    let test = found.any_file(dir, |path| path.ends_with("_test.go") && own(path))?;
    let mut command = "go test".to_owned();
    let mut why = format!("{}; tests, first in {}", at(dir, "go.mod"), at(dir, &test));
    if let Some((file, flags)) = ci::go_flags(found) {
        command.push_str(&format!(" {flags}"));
        why.push_str(&format!("; {flags} as in {file}"));
    }
    command.push_str(" ./...");
    Some(Suite { program: Program::Go, dir: dir.to_owned(), command, junit: None, setup: setup(found, dir), build: Vec::new(), why })
}

fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Brings every module that go.mod names; with a vendor folder all of them are there.
pub(super) fn setup(found: &Found<'_>, dir: &str) -> Vec<String> {
    let manifest = found.text(&at(dir, "go.mod")).unwrap_or_default();
    let vendored = found.is_file(&at(dir, "vendor/modules.txt"));
    let requires = manifest.lines().any(|line| line.trim_start().starts_with("require"));
    if vendored || !requires && !found.is_file("go.work") { Vec::new() } else { vec!["go mod download".to_owned()] }
}
