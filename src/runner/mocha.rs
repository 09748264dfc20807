//! `mocha`: a file of loom's own, loaded by `--require`, tells of each test; `told` reads what it wrote.
//!
//! A test is named `FILE::suite::test`. A test that is not there is absent from the cases; a file that cannot be loaded
//! is a `Load` trouble, and the others still run. Tests that a failing hook took along are fixture failures.

use super::canary::{Canary, keeping_options};
use super::findings::Findings;
use super::run::Reading;
use super::session::{Child, Deadline, Session, ended_by_itself};
use super::text::{first_lines, streams};
use super::{TroubleKind, told};
use crate::error::Result;

const PLUGIN: &str = include_str!("plugins/loom_mocha.cjs");

/// Runs the suite, or the part of it that was asked for: the command stays as it is, and the plugin leaves files out.
pub(super) fn run(session: &Session<'_>) -> Result<Reading> {
    let planted = session.plant("loom_mocha.cjs", PLUGIN)?.join("loom_mocha.cjs");
    let results = session.drop("jsonl")?;
    let canary = Canary::plant(session)?;
    let command = session.suite.command.clone();
    let started = format!("{} --no-bail --require {}", keeping_options(&command), super::words::line(&[planted.to_string_lossy()]));
    let mut child = Child::shell(&started).env("LOOM_RESULTS", results.inside.to_string_lossy());
    if let Some(files) = session.files() {
        let files: Vec<String> = files.iter().map(|file| session.dir().join(file).to_string_lossy().into_owned()).collect();
        child = child.env("LOOM_FILES", serde_json::json!(files).to_string());
    }
    if let Some(canary) = &canary {
        child = canary.on(child);
    }
    let finished = session.start(child, Deadline::after(session.settings.timeout.duration()))?;
    let mut findings = Findings::default();
    let written = results.take();
    told::read(&String::from_utf8_lossy(&written), "mocha", finished.ending, &|path| session.relative(path), &mut findings);
    if let Some(canary) = &canary {
        canary.read(&mut findings);
    }
    let output = streams(&finished);
    if written.is_empty() && ended_by_itself(finished.ending) {
        let missing = ["mocha: command not found", "mocha: not found"].iter().any(|said| output.contains(said));
        let kind = if missing { TroubleKind::Missing } else { TroubleKind::Unreadable };
        findings.trouble(kind, None, &first_lines(&output, 10));
    }
    Ok(Reading { command, findings, ending: finished.ending, output })
}
