//! Runs a program with a plugin of loom's own, and reads what that tells of each test, one JSON object per line: the same words for mocha and ava. A test is
//! named `FILE::suite::test`; one whose try began and has no result hung or died.

use std::collections::HashMap;

use serde::Deserialize;

use super::canary::Canary;
use super::findings::Findings;
use super::run::Reading;
use super::session::{Child, Deadline, Session, ended_by_itself};
use super::text::{first_lines, streams};
use super::{Case, FaultKind, Outcome, TestId, TroubleKind};
use crate::error::Result;
use crate::sandbox::Ending;

const DIED: &str = "the test process died while this test ran";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    k: String,
    /// Which test, among all of the run.
    t: String,
    file: Option<String>,
    path: Vec<String>,
    ms: Option<f64>,
    hook: String,
    why: Option<String>,
    error: Told,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Told {
    name: Option<String>,
    code: Option<serde_json::Value>,
    message: String,
    stack: String,
    compared: bool,
}

#[derive(Default)]
struct Seen {
    file: String,
    path: Vec<String>,
    outcome: Option<Outcome>,
    seconds: Option<f64>,
    /// Only its last try counts.
    again: bool,
}

/// Starts `program` with its plugin, and reads what that wrote; the command is what people are shown.
pub(super) fn run(session: &Session<'_>, program: &str, command: String, child: Child) -> Result<Reading> {
    let results = session.drop("jsonl")?;
    let canary = Canary::plant(session)?;
    let mut child = child.env("LOOM_RESULTS", results.inside.to_string_lossy());
    if let Some(canary) = &canary {
        child = canary.on(child);
    }
    let finished = session.start(child, Deadline::after(session.settings.timeout.duration()))?;
    let mut findings = Findings::default();
    let written = results.take();
    read(&String::from_utf8_lossy(&written), program, finished.ending, &|path| session.relative(path), &mut findings);
    if let Some(canary) = &canary {
        canary.read(&mut findings);
    }
    let output = streams(&finished);
    if written.is_empty() && ended_by_itself(finished.ending) {
        let missing = ["command not found", "not found"].iter().any(|said| output.contains(&format!("{program}: {said}")));
        let kind = if missing { TroubleKind::Missing } else { TroubleKind::Unreadable };
        findings.trouble(kind, None, &first_lines(&output, 10));
    }
    Ok(Reading { command, findings, ending: finished.ending, output })
}

/// Reads what was written about a run of `program`; `place` turns a path into one relative to the root.
pub(super) fn read(text: &str, program: &str, ending: Ending, place: &dyn Fn(&str) -> Option<String>, findings: &mut Findings) {
    let mut seen: HashMap<String, Seen> = HashMap::new();
    let mut order = Vec::new();
    let mut last: HashMap<String, String> = HashMap::new();
    let (mut started, mut finished) = (false, false);
    for line in text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
        match line.k.as_str() {
            "start" => started = true,
            "end" => finished = true,
            "load" | "crash" => {
                let kind = if line.k == "load" { TroubleKind::Load } else { TroubleKind::Crash };
                let file = line.file.as_deref().map(|file| place(file).unwrap_or_else(|| file.to_owned()));
                findings.trouble(kind, file.as_deref(), &first_lines(&said(&line.error), 12));
            }
            "begin" | "pass" | "fail" | "pending" | "hook" | "retry" | "hang" | "died" if !line.t.is_empty() => {
                if !seen.contains_key(&line.t) {
                    order.push(line.t.clone());
                }
                last.insert(line.t.split('-').next().unwrap_or_default().to_owned(), line.t.clone());
                note(seen.entry(line.t.clone()).or_default(), line, place);
            }
            _ => {}
        }
    }
    for key in order {
        let Some(mut test) = seen.remove(&key) else { continue };
        // The clean-up of a test comes after its own result: where the words end there, nobody knows how it went.
        let open = !finished && last.values().any(|one| *one == key);
        test.outcome.take_if(|outcome| open && *outcome == Outcome::Passed);
        let Some(outcome) = settle(&test, ending, finished) else { continue };
        let parts: Vec<&str> = std::iter::once(test.file.as_str()).chain(test.path.iter().map(String::as_str)).collect();
        let mut case = Case::new(outcome).after(test.seconds);
        case.file = Some(test.file.clone()).filter(|file| !file.is_empty());
        findings.add(TestId::new(&parts), case);
    }
    if finished && findings.cases.is_empty() && findings.troubles.is_empty() {
        findings.trouble(TroubleKind::NoTests, None, &format!("{program} found no tests"));
    }
    if started && !finished && ended_by_itself(ending) {
        findings.trouble(TroubleKind::Crash, None, &format!("{program} ended before its run was finished"));
    }
}

/// A failure is never taken back: a test that passed and whose clean-up failed has failed.
fn note(test: &mut Seen, line: Line, place: &dyn Fn(&str) -> Option<String>) {
    if test.path.is_empty() {
        test.file = line.file.as_deref().and_then(place).unwrap_or_default();
        test.path.clone_from(&line.path);
    }
    test.seconds = line.ms.map(|ms| ms / 1_000.0).or(test.seconds);
    let failed = matches!(test.outcome, Some(Outcome::Failed(_)));
    match line.k.as_str() {
        "retry" => test.again = true,
        "pass" if !failed => test.outcome = Some(Outcome::Passed),
        "pending" if !failed => test.outcome = Some(Outcome::Skipped(line.why.unwrap_or_else(|| "pending".to_owned()))),
        "fail" if !failed => test.outcome = Some(Outcome::failed(kind(&line.error), &said(&line.error), &line.error.stack)),
        "hook" if !failed => {
            let message = format!("{} failed: {}", line.hook, said(&line.error));
            test.outcome = Some(Outcome::failed(FaultKind::Fixture, &message, &line.error.stack));
        }
        "hang" if !failed => test.outcome = Some(Outcome::failed(FaultKind::Hang, "still running when the runner stopped it", "")),
        "died" if !failed => test.outcome = Some(Outcome::failed(FaultKind::Crash, DIED, "")),
        _ => {}
    }
}

fn settle(test: &Seen, ending: Ending, finished: bool) -> Option<Outcome> {
    match &test.outcome {
        Some(outcome) => Some(outcome.clone()),
        None if finished || test.again => None,
        None if ending == Ending::TimedOut => {
            Some(Outcome::failed(FaultKind::Hang, "still running when the run was stopped at its limit", ""))
        }
        None => Some(Outcome::failed(FaultKind::Crash, DIED, "")),
    }
}

fn said(error: &Told) -> String {
    match error.name.as_deref().filter(|name| !name.is_empty() && !error.message.starts_with(name)) {
        Some(name) => format!("{name}: {}", error.message),
        None => error.message.clone(),
    }
}

fn kind(error: &Told) -> FaultKind {
    let name = error.name.as_deref().unwrap_or_default();
    let code = error.code.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
    if code == "ERR_MOCHA_TIMEOUT" || error.message.starts_with("Timeout of ") && error.message.contains("ms exceeded") {
        FaultKind::Hang
    } else if name.contains("Assert") || name == "UnexpectedError" || code == "ERR_ASSERTION" || error.compared {
        FaultKind::Assertion
    } else {
        FaultKind::Error
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::trial::{found, never_invents_a_pass};

    const MOCHA: &str = include_str!("fixtures/mocha.jsonl");
    const AVA: &str = include_str!("fixtures/ava.jsonl");

    fn parsed(text: &str, ending: Ending) -> Findings {
        found(|place, findings| read(text, "mocha", ending, place, findings))
    }

    fn shown(findings: &Findings) -> Vec<String> {
        let word = |outcome: &Outcome| match outcome {
            Outcome::Passed => "passed".to_owned(),
            Outcome::Failed(fault) => format!("{:?}", fault.kind),
            Outcome::Skipped(why) => why.clone(),
        };
        findings.cases.iter().map(|(id, case)| format!("{}: {}", id.inner(), word(&case.outcome))).collect()
    }

    #[test]
    fn a_recorded_run_of_mocha_with_every_outcome() {
        let findings = parsed(MOCHA, Ending::Exited(9));
        let expected = [
            "after all::\"after all\" hook for \"one\": Fixture",
            "after all::one: passed",
            "after each::one: Fixture",
            "after each::two: Fixture",
            "group::later: pending",
            "group::ok: passed",
            "group::same: passed",
            "group::same #2: passed",
            "group::slow: Hang",
            "group::throws: Error",
            "group::todo: pending",
            "group::wrong: Assertion",
            "hooked all::in::one: Fixture",
            "hooked all::two: Fixture",
            "hooked::one: Fixture",
            "hooked::two: Fixture",
            "esm::ok: passed",
        ];
        assert_eq!(shown(&findings), expected);
        assert!(findings.cases.keys().all(|id| id.file().starts_with("test/")));
        let load = &findings.troubles[0];
        assert_eq!((load.kind, load.file.as_deref()), (TroubleKind::Load, Some("test/b.test.js")));
        assert!(load.message.contains("absent-package") && findings.troubles.len() == 1, "{:#?}", findings.troubles);
    }

    #[test]
    fn a_recorded_run_of_ava_with_every_outcome() {
        let findings = parsed(AVA, Ending::Exited(1));
        let expected = [
            "adds: passed",
            "group › x: passed",
            "known: expected failure",
            "later: pending",
            "none: Error",
            "soon: pending",
            "throws: Error",
            "wrong: Assertion",
            "c: Fixture",
            "d: Fixture",
            "e: Crash",
            "f: Crash",
            "e: Crash",
        ];
        assert_eq!(shown(&findings), expected);
        let troubles: Vec<_> = findings.troubles.iter().map(|one| (one.kind, one.file.as_deref().unwrap_or_default())).collect();
        let load = TroubleKind::Load;
        assert!(troubles.contains(&(load, "test/g.js")) && troubles.contains(&(load, "test/deep/test-b.js")), "{troubles:?}");
        assert!(troubles.contains(&(TroubleKind::Crash, "test/f.js")) && troubles.len() == 3, "{troubles:?}");
        let thrown = findings.cases.iter().find(|(id, _)| id.inner() == "throws").map(|(_, case)| &case.outcome);
        let Some(Outcome::Failed(fault)) = thrown else { panic!() };
        assert!(fault.message == "TypeError: no" && fault.trace.contains("src/calc.js:1:59"), "{fault:?}");
    }

    #[test]
    fn what_ran_at_the_end_hangs_or_died_and_a_retried_test_counts_once() {
        let begin = "{\"k\":\"start\"}\n{\"k\":\"begin\",\"t\":\"1-1\",\"file\":\"/loom/repo/test/a.js\",\"path\":[\"a\"]}\n";
        assert_eq!(shown(&parsed(begin, Ending::TimedOut)), ["a: Hang"]);
        let died = parsed(begin, Ending::Exited(1));
        assert_eq!((shown(&died), died.troubles[0].kind), (vec!["a: Crash".to_owned()], TroubleKind::Crash));
        let again = format!(
            "{begin}{}",
            "{\"k\":\"retry\",\"t\":\"1-1\"}\n{\"k\":\"pass\",\"t\":\"1-2\",\"file\":\"/loom/repo/test/a.js\",\"path\":[\"a\"]}\n{\"k\":\"end\"}\n"
        );
        assert_eq!(shown(&parsed(&again, Ending::Exited(0))), ["a: passed"]);
        assert_eq!(parsed("{\"k\":\"start\"}\n{\"k\":\"end\"}\n", Ending::Exited(0)).troubles[0].kind, TroubleKind::NoTests);
    }

    #[test]
    fn torn_and_mutated_streams() {
        for text in [MOCHA, AVA] {
            never_invents_a_pass(text, |text| parsed(text, Ending::Exited(0)));
        }
    }
}
