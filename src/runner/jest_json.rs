//! The report that jest and vitest both write as JSON, and a run of either.

use serde::Deserialize;

use super::canary::{Canary, keeping_options};
use super::findings::Findings;
use super::run::Reading;
use super::session::{Child, Deadline, Drop, Session, ended_by_itself};
use super::text::{first_lines, plain, streams};
use super::words::line;
use super::{Case, FaultKind, Outcome, TestId, TroubleKind};
use crate::error::Result;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Whole {
    test_results: Vec<File>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct File {
    name: String,
    status: String,
    message: Option<String>,
    assertion_results: Vec<Test>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Test {
    ancestor_titles: Vec<String>,
    title: String,
    status: String,
    duration: Option<f64>,
    failure_messages: Option<Vec<String>>,
}

/// Runs `command` with the options that make `program` leave its report in `results`.
pub(super) fn run(session: &Session<'_>, program: &str, command: String, options: &[String], results: &Drop) -> Result<Reading> {
    let started = format!("{} {}", keeping_options(&command), line(options));
    let canary = Canary::plant(session)?;
    let mut child = Child::shell(&started).env("NO_COLOR", "1").env("FORCE_COLOR", "0");
    if let Some(canary) = &canary {
        child = canary.on(child);
    }
    let finished = session.start(child, Deadline::after(session.settings.timeout.duration()))?;
    let mut findings = Findings::default();
    let written = results.take();
    let readable = read(&String::from_utf8_lossy(&written), &|path| session.relative(path), &mut findings);
    if let Some(canary) = &canary {
        canary.read(&mut findings);
    }
    let output = streams(&finished);
    if !readable && ended_by_itself(finished.ending) {
        let missing = [": command not found", ": not found"].iter().any(|said| output.contains(&format!("{program}{said}")));
        let kind = if missing { TroubleKind::Missing } else { TroubleKind::Unreadable };
        findings.trouble(kind, None, &first_lines(&output, 12));
    }
    Ok(Reading { command, findings, ending: finished.ending, output })
}

/// Reads a report; false when it is none. `place` turns an absolute path into one relative to the root.
pub(super) fn read(text: &str, place: &dyn Fn(&str) -> Option<String>, findings: &mut Findings) -> bool {
    let Ok(whole) = serde_json::from_str::<Whole>(text) else { return false };
    for file in whole.test_results {
        let path = place(&file.name).unwrap_or_else(|| file.name.clone());
        if file.status == "failed" && !file.assertion_results.iter().any(|test| test.status == "failed") {
            let said = plain(file.message.as_deref().unwrap_or("the file failed without a failing test"));
            findings.trouble(TroubleKind::Load, Some(&path), &first_lines(&said, 12));
        }
        for test in file.assertion_results {
            let Some(outcome) = outcome(&test) else { continue };
            let mut parts = vec![path.as_str()];
            parts.extend(test.ancestor_titles.iter().filter(|title| !title.is_empty()).map(String::as_str));
            parts.push(&test.title);
            let seconds = test.duration.map(|ms| ms / 1_000.0);
            findings.add(TestId::new(&parts), Case::new(outcome).in_file(path.clone()).after(seconds));
        }
    }
    true
}

fn outcome(test: &Test) -> Option<Outcome> {
    match test.status.as_str() {
        "passed" => Some(Outcome::Passed),
        "failed" => {
            let messages = test.failure_messages.clone().unwrap_or_default();
            let all = plain(&messages.join("\n\n"));
            let first = plain(messages.first().map_or("", String::as_str));
            let said: Vec<&str> = first.lines().take_while(|line| !line.trim_start().starts_with("at ")).collect();
            Some(Outcome::failed(kind(&first), &first_lines(&said.join("\n"), 14), &all))
        }
        "pending" | "skipped" | "todo" | "disabled" => Some(Outcome::Skipped(test.status.clone())),
        _ => None,
    }
}

fn kind(message: &str) -> FaultKind {
    let first = message.lines().next().unwrap_or("");
    let asserted = ["AssertionError", "JestAssertionError", "expect("].iter().any(|word| first.contains(word))
        || message.lines().take(3).any(|line| line.contains("expect(") && line.contains(")."));
    if first.contains("xceeded timeout") || first.contains("Test timed out") {
        FaultKind::Hang
    } else if asserted {
        FaultKind::Assertion
    } else {
        FaultKind::Error
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::trial::never_invents_a_pass;

    fn parsed(text: &str) -> Findings {
        let mut findings = Findings::default();
        read(text, &|path| path.strip_prefix("/loom/repo/").map(str::to_owned), &mut findings);
        findings
    }

    #[test]
    fn recorded_reports_of_both() {
        for text in [include_str!("fixtures/jest.json"), include_str!("fixtures/vitest.json")] {
            let findings = parsed(text);
            let shown: Vec<String> = findings
                .cases
                .iter()
                .map(|(id, case)| match &case.outcome {
                    Outcome::Passed => format!("{id} ok"),
                    Outcome::Failed(fault) => format!("{id} {:?}", fault.kind),
                    Outcome::Skipped(_) => format!("{id} skip"),
                })
                .collect();
            let expected = ["adds ok", "group::later skip", "group::soon skip", "group::throws Error", "wrong Assertion"];
            assert_eq!(shown, expected.map(|line| format!("test/calc.test.js::{line}")));
            let load = &findings.troubles[0];
            assert_eq!((load.kind, load.file.as_deref()), (TroubleKind::Load, Some("test/broken.test.js")));
            assert!(load.message.contains("absent-package"));
        }
    }

    #[test]
    fn torn_and_mutated_reports() {
        never_invents_a_pass(include_str!("fixtures/vitest.json"), parsed);
    }
}
