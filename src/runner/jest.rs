//! `jest`: its own JSON report, left outside of the tree.
//!
//! A test is named `FILE::describe::test`. A test that is not there is absent from the cases; a file that cannot be
//! loaded is a `Load` trouble. Tests that a name filter left out are not reported.

use super::findings::Findings;
use super::jest_json;
use super::run::Reading;
use super::session::{Child, Deadline, Session, ended_by_itself};
use super::text::{first_lines, streams};
use super::words::{line, words};
use super::{Selection, TroubleKind};
use crate::error::Result;

/// Runs the suite, or the part of it that was asked for.
pub(super) fn run(session: &Session<'_>) -> Result<Reading> {
    let results = session.drop("json")?;
    let out = results.inside.to_string_lossy().into_owned();
    let cache = session.tree.private_point().join("cache/jest");
    let command = command(session);
    let options = ["--json".to_owned(), "--ci".to_owned(), format!("--outputFile={out}"), format!("--cacheDirectory={}", cache.display())];
    let started = format!("{command} {}", line(&options));
    let child = Child::shell(&started).env("NO_COLOR", "1").env("FORCE_COLOR", "0");
    let finished = session.start(child, Deadline::after(session.settings.timeout.duration()))?;
    let mut findings = Findings::default();
    let written = results.take();
    let readable = jest_json::read(&String::from_utf8_lossy(&written), &|path| session.relative(path), &mut findings);
    let output = streams(&finished);
    if !readable && ended_by_itself(finished.ending) {
        let missing = output.contains("jest: command not found") || output.contains("jest: not found");
        let kind = if missing { TroubleKind::Missing } else { TroubleKind::Unreadable };
        findings.trouble(kind, None, &first_lines(&output, 12));
    }
    Ok(Reading { command, findings, ending: finished.ending, output })
}

/// The suite's command with the files asked for; names are picked out of whole files afterwards.
fn command(session: &Session<'_>) -> String {
    let mut files: Vec<String> = match session.selection {
        Selection::All => return session.suite.command.clone(),
        Selection::Files(files) => files.iter().map(|file| session.in_dir(file)).collect(),
        Selection::Tests(tests) => tests.iter().map(|test| session.in_dir(test.file())).collect(),
    };
    files.sort();
    files.dedup();
    // Only what the command itself says can be added to; a shell's own constructs are run whole.
    if words(&session.suite.command).is_none() {
        return session.suite.command.clone();
    }
    format!("{} --runTestsByPath {}", session.suite.command, line(&files))
}
