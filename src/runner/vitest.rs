//! `vitest`: its own JSON report, left outside of the tree.
//!
//! A test is named `FILE::describe::test`. A test that is not there is absent from the cases; a file that cannot be
//! loaded is a `Load` trouble. Tests that a name filter left out are not reported.

use super::Condition;
use super::jest_json;
use super::run::Reading;
use super::session::Session;
use super::words::{line, words};
use crate::error::Result;

const REPORTER: &str = include_str!("plugins/loom_vitest.mjs");

/// Runs the suite, or the part of it that was asked for.
pub(super) fn run(session: &Session<'_>) -> Result<Reading> {
    let results = session.drop("json")?;
    let out = results.inside.to_string_lossy().into_owned();
    let command = command(session);
    let own = session.plant("loom_vitest.mjs", REPORTER)?.join("loom_vitest.mjs");
    let own = format!("--reporter={}", own.display());
    let mut options =
        vec!["--reporter=default".to_owned(), "--reporter=json".to_owned(), own, format!("--outputFile.json={out}"), "--bail=0".to_owned()];
    if session.conditions.changes(Condition::Order) {
        options.push("--sequence.shuffle=true".to_owned());
    }
    jest_json::run(session, "vitest", command, &options, &results)
}

/// The suite's command with the files asked for; names are picked out of whole files afterwards.
fn command(session: &Session<'_>) -> String {
    let Some(files) = session.files() else { return session.suite.command.clone() };
    // Only what the command itself says can be added to; a shell's own constructs are run whole.
    if words(&session.suite.command).is_none() {
        return session.suite.command.clone();
    }
    format!("{} {}", session.suite.command, line(&files))
}
