//! `mocha`: a file of loom's own, loaded by `--require`, tells of each test; `told` reads what it wrote.
//!
//! A test is named `FILE::suite::test`. A test that is not there is absent from the cases; a file that cannot be loaded
//! is a `Load` trouble, and the others still run. Tests that a failing hook took along are fixture failures.

use super::canary::keeping_options;
use super::run::Reading;
use super::session::{Child, Session};
use super::told;
use crate::error::Result;

const PLUGIN: &str = include_str!("plugins/loom_mocha.cjs");

/// Runs the suite, or the part of it that was asked for: the command stays as it is, and the plugin leaves files out.
pub(super) fn run(session: &Session<'_>) -> Result<Reading> {
    let planted = session.plant("loom_mocha.cjs", PLUGIN)?.join("loom_mocha.cjs");
    let command = session.suite.command.clone();
    let started = format!("{} --no-bail --require {}", keeping_options(&command), super::words::line(&[planted.to_string_lossy()]));
    let mut child = Child::shell(&started);
    if let Some(files) = session.files() {
        let files: Vec<String> = files.iter().map(|file| session.dir().join(file).to_string_lossy().into_owned()).collect();
        child = child.env("LOOM_FILES", serde_json::json!(files).to_string());
    }
    told::run(session, "mocha", command, child)
}
