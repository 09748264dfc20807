//! `jest`: its own JSON report, left outside of the tree.
//!
//! A test is named `FILE::describe::test`. A test that is not there is absent from the cases; a file that cannot be
//! loaded is a `Load` trouble. Tests that a name filter left out are not reported.

use super::Condition;
use super::jest_json;
use super::run::Reading;
use super::session::Session;
use super::words::{line, words};
use crate::error::Result;

/// Runs the suite, or the part of it that was asked for.
pub(super) fn run(session: &Session<'_>) -> Result<Reading> {
    let results = session.drop("json")?;
    let out = results.inside.to_string_lossy().into_owned();
    let cache = session.tree.private_point().join("cache/jest");
    let command = command(session);
    // A run that stops at the first failure says nothing of the other tests.
    let all = "--bail=0".to_owned();
    let mut options =
        vec![all, "--json".to_owned(), "--ci".to_owned(), format!("--outputFile={out}"), format!("--cacheDirectory={}", cache.display())];
    let workers = ["--runInBand", "-i", "--maxWorkers", "-w"].iter().any(|option| command.split(['=', ' ']).any(|word| word == *option));
    if session.conditions.changes(Condition::Parallelism) && !workers {
        options.push("--maxWorkers=1".to_owned());
    }
    jest_json::run(session, "jest", command, &options, &results)
}

/// The suite's command with the files asked for; names are picked out of whole files afterwards.
fn command(session: &Session<'_>) -> String {
    let Some(files) = session.files() else { return session.suite.command.clone() };
    // Only what the command itself says can be added to; a shell's own constructs are run whole.
    if words(&session.suite.command).is_none() {
        return session.suite.command.clone();
    }
    format!("{} --runTestsByPath {}", session.suite.command, line(&files))
}
