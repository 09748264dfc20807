//! Perl: `prove` over the `t` folder of a distribution.

use super::{Found, at};
use crate::runner::{Program, Suite};

const MANIFESTS: [&str; 5] = ["Makefile.PL", "Build.PL", "cpanfile", "dist.ini", "META.json"];

/// One suite per folder with a manifest that no other one contains.
pub(super) fn suites(found: &Found<'_>) -> Vec<Suite> {
    let mut folders: Vec<String> = MANIFESTS.iter().flat_map(|name| found.folders_with(name)).collect();
    if folders.is_empty() && found.any_file("t", |path| path.ends_with(".t") && is_perl(found, path)).is_some() {
        folders.push(String::new());
    }
    super::apart(folders, |dir| suite(found, dir))
}

fn suite(found: &Found<'_>, dir: &str) -> Option<Suite> {
    let test = found.any_file(&at(dir, "t"), |path| path.ends_with(".t") && is_perl(found, path))?;
    let compiled = found.any_file(dir, |path| path.ends_with(".xs")).is_some();
    let (command, build) = match (compiled, found.is_file(&at(dir, "Makefile.PL"))) {
        (true, true) => ("prove -br t", vec!["perl Makefile.PL && make".to_owned()]),
        (true, false) => ("prove -br t", vec!["perl Build.PL && ./Build".to_owned()]),
        (false, _) => ("prove -lr t", Vec::new()),
    };
    let manifest = MANIFESTS.iter().map(|name| at(dir, name)).find(|path| found.is_file(path));
    Some(Suite {
        program: Program::Prove,
        dir: dir.to_owned(),
        command: command.to_owned(),
        junit: None,
        setup: setup(found, dir),
        build,
        why: format!("{}first test in {test}", manifest.map(|path| format!("{path}; ")).unwrap_or_default()),
    })
}

/// Other languages name files `.t` too.
fn is_perl(found: &Found<'_>, path: &str) -> bool {
    found.text(path).is_some_and(|text| text.contains("use ") || text.lines().next().is_some_and(|line| line.contains("perl")))
}

/// Installs by cpanm where something says what is needed.
pub(super) fn setup(found: &Found<'_>, dir: &str) -> Vec<String> {
    let says = ["cpanfile", "META.json", "Makefile.PL", "Build.PL"].iter().any(|name| found.is_file(&at(dir, name)));
    if says && (found.has)("cpanm") { vec!["cpanm --notest --installdeps .".to_owned()] } else { Vec::new() }
}
