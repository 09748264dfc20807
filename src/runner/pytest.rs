//! `pytest`: a small plugin of loom's own tells of each phase of each test; this file reads what it wrote.
//!
//! A test is named `FILE::Class::function[parameters]`, the file relative to the root. A test that is not there is
//! absent from the cases; a file that cannot be collected is a `Load` trouble. An expected failure (xfail) is
//! `Skipped`; one that passes after all is `Passed`.

use std::collections::HashMap;

use serde::Deserialize;

use super::findings::Findings;
use super::run::Reading;
use super::session::{Child, Deadline, Session, ended_by_itself};
use super::text::{first_lines, streams};
use super::words::{Words, line, words};
use super::{Case, FaultKind, Outcome, Selection, TestId, TroubleKind};
use crate::error::Result;
use crate::sandbox::Ending;

const PLUGIN: &str = include_str!("plugins/loom_pytest.py");

/// Runs the suite, or the part of it that was asked for.
pub(super) fn run(session: &Session<'_>) -> Result<Reading> {
    let planted = session.plant("loom_pytest.py", PLUGIN)?;
    let results = session.drop("jsonl")?;
    let command = command(session);
    let mut options = session.tree.env.get("PYTEST_ADDOPTS").cloned().unwrap_or_default();
    options.push_str(" -p loom_pytest");
    let path = match session.tree.env.get("PYTHONPATH") {
        Some(before) => format!("{}:{before}", planted.display()),
        None => planted.display().to_string(),
    };
    let child = Child::shell(&command)
        .env("PYTEST_ADDOPTS", options.trim())
        .env("PYTHONPATH", path)
        .env("LOOM_RESULTS", results.inside.to_string_lossy());
    let finished = session.start(child, Deadline::after(session.settings.timeout.duration()))?;
    let mut findings = Findings::default();
    let written = results.take();
    let place = |path: &str| session.relative(path);
    read(&String::from_utf8_lossy(&written), finished.ending, &place, &mut findings);
    let output = streams(&finished);
    if findings.cases.is_empty() && findings.troubles.is_empty() {
        explain_nothing(&output, finished.ending, &mut findings);
    }
    Ok(Reading { command, findings, ending: finished.ending, output })
}

/// The suite's command with the selection in place of the paths it names.
fn command(session: &Session<'_>) -> String {
    let asked: Vec<String> = match session.selection {
        Selection::All => return session.suite.command.clone(),
        Selection::Files(files) => files.iter().map(|file| session.from_dir(file)).collect(),
        Selection::Tests(tests) => {
            let mut asked: Vec<String> = tests.iter().map(|test| node(session, test)).collect();
            asked.sort();
            asked.dedup();
            asked
        }
    };
    let Some(Words { vars, words }) = words(&session.suite.command) else { return session.suite.command.clone() };
    if !words.iter().any(|word| word.rsplit('/').next().is_some_and(|name| matches!(name, "pytest" | "py.test"))) {
        return session.suite.command.clone();
    }
    let kept = words.iter().enumerate().filter(|(at, word)| {
        let path = word.split("::").next().unwrap_or(word);
        *at == 0 || word.starts_with('-') || path == "pytest" || !session.host_dir().join(path).exists()
    });
    let kept: Vec<&str> = kept.map(|(_, word)| word.as_str()).chain(asked.iter().map(String::as_str)).collect();
    let vars: Vec<String> = vars.iter().map(|(name, value)| format!("{name}={} ", line(&[value]))).collect();
    format!("{}{}", vars.concat(), line(&kept))
}

/// What selects a test: its function, as parameters in names were cleaned.
fn node(session: &Session<'_>, test: &TestId) -> String {
    let name = test.unnumbered();
    let (file, inner) = name.split_once("::").unwrap_or((name, ""));
    let function = inner.split('[').next().unwrap_or(inner);
    let file = session.from_dir(file);
    if function.is_empty() { file } else { format!("{file}::{function}") }
}

/// One line of the plugin.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    k: String,
    id: String,
    when: String,
    outcome: String,
    secs: Option<f64>,
    xfail: Option<String>,
    skipped: Option<String>,
    long: Option<String>,
    printed: Vec<(String, String)>,
    context: Option<String>,
    file: Option<String>,
    mro: Vec<String>,
    msg: Option<String>,
    frames: Vec<(String, i64, String)>,
    exit: Option<i64>,
    root: Option<String>,
}

/// What one test showed so far.
#[derive(Default)]
struct Seen {
    outcome: Option<Outcome>,
    ended: bool,
    seconds: f64,
    file: Option<String>,
}

/// Reads the plugin's lines. `place` turns an absolute path into one relative to the root.
fn read(text: &str, ending: Ending, place: &dyn Fn(&str) -> Option<String>, findings: &mut Findings) {
    let mut seen: HashMap<String, Seen> = HashMap::new();
    let mut order: Vec<String> = Vec::new();
    let (mut finished, mut root) = (false, String::new());
    for line in text.lines() {
        let Ok(line) = serde_json::from_str::<Line>(line) else {
            // Only the last line of a killed run may be torn; anything else is foreign.
            continue;
        };
        match line.k.as_str() {
            "start" => root = line.root.unwrap_or_default(),
            "begin" | "phase" => {
                let test = seen.entry(line.id.clone()).or_insert_with(|| {
                    order.push(line.id.clone());
                    Seen::default()
                });
                if line.k == "phase" {
                    phase(line, test, place);
                }
            }
            "collect-failed" => {
                let long = line.long.unwrap_or_default();
                let file = file_of(&line.id, None, &root, place);
                findings.trouble(TroubleKind::Load, Some(&file).filter(|file| !file.is_empty()).map(String::as_str), &decisive(&long));
            }
            "collect-skipped" => {
                let file = file_of(&line.id, None, &root, place);
                findings
                    .add(TestId::new(&[&file]), Case::new(Outcome::Skipped(first_lines(&line.long.unwrap_or_default(), 2))).in_file(file));
            }
            "internal" => findings.trouble(TroubleKind::Crash, None, &decisive(&line.long.unwrap_or_default())),
            "end" => {
                finished = true;
                if line.exit == Some(5) && seen.is_empty() {
                    findings.trouble(TroubleKind::NoTests, None, "pytest collected no tests");
                }
            }
            _ => {}
        }
    }
    for id in order {
        let Some(test) = seen.remove(&id) else { continue };
        let Some(outcome) = settle(&test, ending, finished) else { continue };
        let file = file_of(&id, test.file.as_deref(), &root, place);
        let inner = id.split_once("::").map_or("", |(_, inner)| inner);
        findings.add(TestId::new(&[&file, inner]), Case::new(outcome).in_file(file).after(Some(test.seconds)));
    }
    if !finished && !text.is_empty() && ended_by_itself(ending) {
        findings.trouble(TroubleKind::Crash, None, "pytest ended before its session was finished");
    }
}

/// The defining file, relative to the root.
fn file_of(id: &str, told: Option<&str>, root: &str, place: &dyn Fn(&str) -> Option<String>) -> String {
    let named = id.split("::").next().unwrap_or(id);
    told.and_then(place).or_else(|| place(&format!("{root}/{named}"))).unwrap_or_else(|| named.to_owned())
}

/// Takes one phase of a test into account.
fn phase(line: Line, test: &mut Seen, place: &dyn Fn(&str) -> Option<String>) {
    test.seconds += line.secs.unwrap_or(0.0);
    test.ended |= line.when == "teardown";
    test.file = line.file.clone().or(test.file.take());
    let outcome = match line.outcome.as_str() {
        "passed" if line.when == "call" => Outcome::Passed,
        "skipped" => match line.xfail {
            Some(reason) => Outcome::Skipped(format!("expected failure: {}", first_lines(&reason, 1))),
            None => Outcome::Skipped(first_lines(line.skipped.as_deref().unwrap_or("skipped"), 2)),
        },
        "failed" => failure(&line, place),
        _ => return,
    };
    let worse = match (&test.outcome, &outcome) {
        (Some(Outcome::Failed(_)), _) => false,
        (Some(Outcome::Skipped(_)), Outcome::Passed) => false,
        _ => true,
    };
    if worse {
        test.outcome = Some(outcome);
    }
}

fn failure(line: &Line, place: &dyn Fn(&str) -> Option<String>) -> Outcome {
    let long = line.long.as_deref().unwrap_or_default();
    let asserts = ["AssertionError", "Failed"].iter().any(|name| line.mro.iter().any(|one| one == name));
    let strict = line.mro.is_empty() && long.contains("[XPASS(strict)]");
    let kind = match line.when.as_str() {
        "call" if asserts || strict => FaultKind::Assertion,
        "call" if line.mro.iter().any(|name| name == "Timeout" || name == "TimeoutExpired") => FaultKind::Hang,
        "call" => FaultKind::Error,
        _ => FaultKind::Fixture,
    };
    let mut message = line.msg.clone().unwrap_or_else(|| decisive(long));
    if let Some(context) = &line.context {
        message = format!("{message}\nin {context}");
    }
    let frames = line.frames.iter().map(|(file, at, name)| {
        let file = place(file).unwrap_or_else(|| file.clone());
        format!("{file}:{at} in {name}\n")
    });
    let printed = line.printed.iter().map(|(name, text)| format!("\n--- {name} ---\n{text}"));
    let trace = format!("{}\n{long}{}", frames.collect::<String>(), printed.collect::<String>());
    Outcome::failed(kind, &message, &trace)
}

/// The lines pytest marks as the error, or the last ones.
fn decisive(long: &str) -> String {
    let marked: Vec<&str> = long.lines().filter_map(|line| line.strip_prefix("E  ")).map(str::trim).collect();
    if !marked.is_empty() {
        return first_lines(&marked.join("\n"), 12);
    }
    let lines: Vec<&str> = long.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(6)..].join("\n")
}

/// What a test came to once no more lines will come; none when it was not run.
fn settle(test: &Seen, ending: Ending, finished: bool) -> Option<Outcome> {
    match (&test.outcome, ending) {
        (Some(Outcome::Passed), _) if test.ended || finished => Some(Outcome::Passed),
        (Some(Outcome::Passed) | None, Ending::TimedOut) => {
            Some(Outcome::failed(FaultKind::Hang, "still running when the run was stopped at its limit", ""))
        }
        (Some(Outcome::Passed) | None, _) if !finished => {
            Some(Outcome::failed(FaultKind::Crash, "the test process died while this test ran", ""))
        }
        (outcome, _) => outcome.clone(),
    }
}

/// Nothing was written: says whether pytest is missing or broke before its first line.
fn explain_nothing(output: &str, ending: Ending, findings: &mut Findings) {
    let missing = output.contains("No module named pytest") || output.contains("pytest: command not found");
    let kind = if missing { TroubleKind::Missing } else { TroubleKind::Unreadable };
    if ended_by_itself(ending) {
        findings.trouble(kind, None, &decisive(output));
    }
}
