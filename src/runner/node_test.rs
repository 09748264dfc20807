//! `node --test`: a reporter of loom's own tells of each test; this file reads what it wrote.
//!
//! A test is named `FILE::suite::test`. A test that is not there is absent from the cases; a file that cannot be loaded
//! is a `Load` trouble.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;
use serde::Deserialize;

use super::canary::{Canary, keeping_options};
use super::findings::Findings;
use super::run::Reading;
use super::session::{Child, Deadline, Session, ended_by_itself};
use super::text::{first_lines, streams};
use super::words::{Words, assigned, line, words};
use super::{Case, FaultKind, Outcome, TestId, TroubleKind};
use crate::error::Result;
use crate::sandbox::Ending;

const REPORTER: &str = include_str!("plugins/loom_node.mjs");

/// The command without its own reporters: each needs a destination of its own, and loom's would be left without.
fn without_reporters(command: &str) -> String {
    static OWN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\s--test-reporter(?:-destination)?(?:=|\s+)\S+").expect("a fixed pattern"));
    OWN.replace_all(command, "").into_owned()
}

/// Runs the suite, or the part of it that was asked for.
pub(super) fn run(session: &Session<'_>) -> Result<Reading> {
    let planted = session.plant("loom_node.mjs", REPORTER)?.join("loom_node.mjs");
    let results = session.drop("jsonl")?;
    let command = without_reporters(&command(session));
    let reporters = [
        format!("--test-reporter={}", planted.display()),
        format!("--test-reporter-destination={}", results.inside.display()),
        "--test-reporter=spec".to_owned(),
        "--test-reporter-destination=stdout".to_owned(),
    ];
    let reporters: Vec<String> = reporters.into_iter().chain(limit(session, &command)?).collect();
    let started = match command.find("node ") {
        Some(at) => format!("{}node {} {}", &command[..at], line(&reporters), &command[at + 5..]),
        None => command.clone(),
    };
    let canary = Canary::plant(session)?;
    let mut child = Child::shell(&keeping_options(&started));
    if let Some(canary) = &canary {
        child = canary.on(child);
    }
    let finished = session.start(child, Deadline::after(session.settings.timeout.duration()))?;
    let mut findings = Findings::default();
    let written = results.take();
    read(&String::from_utf8_lossy(&written), finished.ending, &|path| session.relative(path), &mut findings);
    if let Some(canary) = &canary {
        canary.read(&mut findings);
    }
    let output = streams(&finished);
    if written.is_empty() && ended_by_itself(finished.ending) {
        findings.trouble(TroubleKind::Unreadable, None, &first_lines(&output, 10));
    }
    Ok(Reading { command, findings, ending: finished.ending, output })
}

/// The limit of one file, where this node knows one: there is none of one test. A hanging file must leave time for the
/// others, so it gets a quarter of the whole.
fn limit(session: &Session<'_>, command: &str) -> Result<Option<String>> {
    let settings = session.settings;
    let most = settings.case_timeout.duration().max(settings.timeout.duration() / 4);
    let option = format!("--test-timeout={}", most.as_millis());
    if command.contains("--test-timeout") {
        return Ok(None);
    }
    // An older node ends at an option that it does not know.
    let asked = session.start(Child::new(["node", &option, "--version"]), Deadline::after(Duration::from_secs(20)))?;
    Ok(asked.ok().then_some(option))
}

/// The suite's command with the files asked for in place of those it names.
fn command(session: &Session<'_>) -> String {
    let Some(files) = session.files() else { return session.suite.command.clone() };
    let Some(Words { vars, words }) = words(&session.suite.command) else { return session.suite.command.clone() };
    let kept = words.iter().enumerate().filter(|(at, word)| {
        *at == 0 || word.starts_with('-') || words[at - 1] == "--import" || words[at - 1] == "--require" || words[at - 1] == "-r"
    });
    let kept: Vec<&str> = kept.map(|(_, word)| word.as_str()).chain(files.iter().map(String::as_str)).collect();
    let vars = assigned(&vars);
    format!("{vars}{}", line(&kept))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    k: String,
    name: String,
    nesting: usize,
    file: Option<String>,
    kind: Option<String>,
    ms: Option<f64>,
    skip: Option<serde_json::Value>,
    todo: Option<serde_json::Value>,
    error: Option<Told>,
    text: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Told {
    r#type: Option<String>,
    name: Option<String>,
    code: Option<serde_json::Value>,
    message: String,
    stack: String,
    exit: Option<i64>,
    signal: Option<String>,
}

/// A result whose suites are not all known yet.
struct Waiting {
    nesting: usize,
    path: Vec<String>,
    file: String,
    outcome: Outcome,
    seconds: Option<f64>,
}

fn read(text: &str, ending: Ending, place: &dyn Fn(&str) -> Option<String>, findings: &mut Findings) {
    let mut waiting: Vec<Waiting> = Vec::new();
    let mut running = Running::default();
    let (mut ended, mut printed) = (false, String::new());
    for line in text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
        match line.k.as_str() {
            "end" => ended = true,
            "dequeue" => running.begin(&line),
            "complete" => running.end(&line),
            "stderr" if printed.len() < 20_000 => printed.push_str(&line.text),
            "pass" | "fail" => {
                let top = line.nesting == 0;
                if let Some(file) = timed_out(&line, place) {
                    running.hang(&file, place, findings, line.error.as_ref().map_or("", |error| error.message.as_str()));
                } else if let Some(file) = unloadable(&line, place) {
                    let why = std::mem::take(&mut printed);
                    let said = if why.trim().is_empty() { line.error.map(|error| error.message).unwrap_or_default() } else { why };
                    findings.trouble(TroubleKind::Load, Some(&file), &first_lines(&said, 12));
                } else {
                    take(line, place, &mut waiting);
                }
                if top {
                    waiting.drain(..).for_each(|one| add(one, findings));
                    printed.clear();
                }
            }
            _ => {}
        }
    }
    waiting.into_iter().for_each(|one| add(one, findings));
    if ending == Ending::TimedOut {
        running.hang_all(place, findings);
    }
    if !ended && !text.is_empty() && ended_by_itself(ending) {
        findings.trouble(TroubleKind::Crash, None, "node ended before its report was finished");
    }
}

/// Tests that began and have not ended, by their file.
#[derive(Default)]
struct Running {
    open: BTreeMap<String, Vec<(usize, String)>>,
}

impl Running {
    fn begin(&mut self, line: &Line) {
        let file = line.file.clone().unwrap_or_default();
        if line.name != file {
            self.open.entry(file).or_default().push((line.nesting, line.name.clone()));
        }
    }

    fn end(&mut self, line: &Line) {
        let Some(open) = self.open.get_mut(line.file.as_deref().unwrap_or_default()) else { return };
        if let Some(at) = open.iter().rposition(|(nesting, name)| *nesting == line.nesting && *name == line.name) {
            open.remove(at);
        }
    }

    /// What is open in a file hangs; the names around the innermost are its groups.
    fn hang(&mut self, file: &str, place: &dyn Fn(&str) -> Option<String>, findings: &mut Findings, said: &str) {
        let own: Vec<String> = self.open.keys().filter(|path| place(path).as_deref() == Some(file)).cloned().collect();
        let names: Vec<String> = own.into_iter().filter_map(|path| self.open.remove(&path)).flatten().map(|(_, name)| name).collect();
        if names.is_empty() {
            findings.trouble(TroubleKind::Timeout, Some(file), &format!("{file} did not end, and none of its tests was heard of: {said}"));
            return;
        }
        let parts: Vec<&str> = std::iter::once(file).chain(names.iter().map(String::as_str)).collect();
        let hang = Outcome::failed(FaultKind::Hang, if said.is_empty() { "still running at the limit" } else { said }, "");
        findings.add(TestId::new(&parts), Case::new(hang).in_file(file));
    }

    fn hang_all(&mut self, place: &dyn Fn(&str) -> Option<String>, findings: &mut Findings) {
        let files: BTreeSet<String> = self.open.iter().filter(|(_, open)| !open.is_empty()).filter_map(|(path, _)| place(path)).collect();
        files.iter().for_each(|file| self.hang(file, place, findings, ""));
    }
}

/// The file, when this is node's word on a whole file that was stopped at the limit.
fn timed_out(line: &Line, place: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let over = line.error.as_ref().is_some_and(|error| error.r#type.as_deref() == Some("testTimeoutFailure"));
    let named = place(&line.name).filter(|_| over && line.nesting == 0)?;
    line.file.as_deref().is_none_or(|file| place(file).as_deref() == Some(named.as_str())).then_some(named)
}

/// The file, when this is node's word on a whole file that failed.
fn unloadable(line: &Line, place: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let error = line.error.as_ref()?;
    let named = place(&line.name).filter(|_| line.nesting == 0 && line.name.ends_with(['s', 'x']) && line.name.contains('.'))?;
    let same = line.file.as_deref().is_none_or(|file| place(file).as_deref() == Some(named.as_str()));
    (same && (error.exit.is_some() || error.signal.is_some())).then_some(named)
}

fn take(line: Line, place: &dyn Fn(&str) -> Option<String>, waiting: &mut Vec<Waiting>) {
    let inner = waiting.iter_mut().filter(|one| one.nesting > line.nesting);
    let mut parent = false;
    for one in inner {
        one.path.insert(0, line.name.clone());
        one.nesting = line.nesting;
        parent = true;
    }
    let only_children = line.error.as_ref().is_none_or(|error| error.r#type.as_deref() == Some("subtestsFailed"));
    let suite = line.kind.as_deref() == Some("suite");
    if (parent || suite) && only_children && line.skip.is_none() {
        return;
    }
    let file = line.file.as_deref().and_then(place).unwrap_or_default();
    let seconds = line.ms.map(|ms| ms / 1_000.0);
    waiting.push(Waiting { nesting: line.nesting, path: vec![line.name.clone()], file, outcome: outcome(line), seconds });
}

fn outcome(line: Line) -> Outcome {
    let reason = |word: &str, value: &serde_json::Value| value.as_str().map_or_else(|| word.to_owned(), |why| format!("{word}: {why}"));
    let on = |value: &Option<serde_json::Value>| {
        value.as_ref().is_some_and(|value| value != &serde_json::Value::Bool(false) && !value.is_null())
    };
    if let Some(value) = line.skip.as_ref().filter(|_| on(&line.skip)) {
        return Outcome::Skipped(reason("skipped", value));
    }
    if line.k == "pass" {
        return Outcome::Passed;
    }
    if let Some(value) = line.todo.as_ref().filter(|_| on(&line.todo)) {
        return Outcome::Skipped(reason("todo", value));
    }
    let error = line.error.unwrap_or_default();
    let kind = match error.r#type.as_deref() {
        Some("hookFailed") => FaultKind::Fixture,
        Some("testTimeoutFailure") => FaultKind::Hang,
        _ if error.name.as_deref() == Some("AssertionError") || error.code == Some("ERR_ASSERTION".into()) => FaultKind::Assertion,
        _ => FaultKind::Error,
    };
    let name = error.name.as_deref().filter(|name| !error.message.starts_with(name)).map(|name| format!("{name}: ")).unwrap_or_default();
    Outcome::failed(kind, &format!("{name}{}", error.message), &error.stack)
}

fn add(one: Waiting, findings: &mut Findings) {
    let parts: Vec<&str> = std::iter::once(one.file.as_str()).chain(one.path.iter().map(String::as_str)).collect();
    let mut case = Case::new(one.outcome).after(one.seconds);
    case.file = Some(one.file.clone()).filter(|file| !file.is_empty());
    findings.add(TestId::new(&parts), case);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Span, TestSettings};
    use crate::runner::Selection;
    use crate::runner::trial::{Trial, found, lines, never_invents_a_pass};

    const TESTS: &str = "import { test, describe, it, beforeEach } from 'node:test';\nimport assert from 'node:assert';\nimport { add } from '../calc.mjs';\ntest('adds', () => assert.equal(add(1, 2), 3));\ntest('wrong', () => assert.equal(add(1, 2), 4));\ndescribe('group', () => { it('throws', () => { throw new TypeError('no'); }); it('later', { skip: 'why' }, () => {}); it('todo', { todo: true }, () => { assert(false); }); });\ndescribe('hooked', () => { beforeEach(() => { throw new Error('hook'); }); it('never', () => {}); });\n";

    #[test]
    fn reporters_of_the_command_give_way() {
        for own in ["--test-reporter=spec", "--test-reporter spec --test-reporter-destination stdout"] {
            assert_eq!(without_reporters(&format!("node --test {own} test/a.js")), "node --test test/a.js");
        }
    }

    #[test]
    fn a_real_suite_with_every_outcome() {
        let files = [
            (
                "package.json",
                r#"{"name": "calc", "scripts": {"pretest": "eslint .", "test": "npm run unit", "unit": "c8 node --test test/"}}"#,
            ),
            ("calc.mjs", "export const add = (a, b) => a + b;\n"),
            ("test/calc.test.mjs", TESTS),
            ("test/broken.test.mjs", "import 'absent-package';\n"),
        ];
        let trial = Trial::new(&files, TestSettings::default());
        assert_eq!(trial.bench.suites[0].command, "node --test test/");
        let tree = trial.tree("one", &files);
        let report = trial.run(&tree, &Selection::All);
        let expected = [
            "adds: passed",
            "group::later: skipped, skipped: why",
            "group::throws: Error",
            "group::todo: skipped, todo",
            "hooked::never: Fixture",
            "wrong: Assertion",
        ];
        assert_eq!(lines(&report), expected.map(|line| format!("test/calc.test.mjs::{line}")), "{:#?}", report.troubles);
        assert_eq!((report.troubles[0].kind, report.troubles[0].file.as_deref()), (TroubleKind::Load, Some("test/broken.test.mjs")));
        let one = TestId::new(&["test/calc.test.mjs", "adds"]);
        let report = trial.run(&tree, &Selection::Tests(vec![one]));
        assert_eq!((lines(&report), report.troubles.len()), (vec!["test/calc.test.mjs::adds: passed".to_owned()], 0));
    }

    #[test]
    fn torn_and_mutated_results() {
        never_invents_a_pass(include_str!("fixtures/node.jsonl"), |text| {
            found(|place, findings| read(text, Ending::Exited(0), place, findings))
        });
    }

    #[test]
    fn a_test_that_hangs_costs_no_other_file_its_results() {
        let stuck = "import { test, describe, it } from 'node:test';\ntest('first', () => {});\ndescribe('group', () => { it('waits', () => new Promise((go) => setTimeout(go, 600000))); });\n";
        let spins = "import { test } from 'node:test';\ntest('spins', () => { for (;;) {} });\n";
        let own = "import { test } from 'node:test';\ntest('limited', { timeout: 100 }, () => new Promise((go) => setTimeout(go, 600000)));\ntest('last', () => {});\n";
        let files = [
            ("package.json", r#"{"name": "stuck", "scripts": {"test": "node --test test/"}}"#),
            ("test/a.test.mjs", stuck),
            ("test/b.test.mjs", spins),
            ("test/c.test.mjs", own),
        ];
        let settings = TestSettings { timeout: Span::seconds(16), case_timeout: Span::seconds(3), ..TestSettings::default() };
        let trial = Trial::new(&files, TestSettings { setup: Some(Vec::new()), ..settings });
        let report = trial.run(&trial.tree("one", &files), &Selection::All);
        let expected = [
            "test/a.test.mjs::first: passed",
            "test/a.test.mjs::group::waits: Hang",
            "test/c.test.mjs::last: passed",
            "test/c.test.mjs::limited: Hang",
        ];
        assert_eq!(lines(&report), expected, "{:#?}\n{}", report.troubles, report.output);
        assert!(report.troubles.iter().any(|one| one.kind == TroubleKind::Timeout && one.file.as_deref() == Some("test/b.test.mjs")));
    }
}
