//! `python -m unittest`: run through a module of loom's own that tells of each test; this file reads what it wrote.
//!
//! A test is named `FILE::Class::test_method`. A test that is not there is absent from the cases; a module that cannot be
//! imported is a `Load` trouble.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::findings::Findings;
use super::restarts::{self, HARD, cut_off, over_a_limit};
use super::run::Reading;
use super::session::{Child, Session, ended_by_itself};
use super::text::first_lines;
use super::words::{Words, assigned, line, words};
use super::{Case, FaultKind, Outcome, Selection, TestId, TroubleKind};
use crate::error::Result;
use crate::sandbox::Ending;

const MODULE: &str = concat!(include_str!("plugins/loom_python.py"), include_str!("plugins/loom_unittest.py"));

/// Runs the suite, or the part of it that was asked for.
pub(super) fn run(session: &Session<'_>) -> Result<Reading> {
    let planted = session.plant("loom_unittest.py", MODULE)?;
    let command = command(session);
    let mut findings = Findings::default();
    let child = || Child::shell(&command.replace("-m unittest", "-m loom_unittest"));
    let (ending, output) = restarts::run(session, &planted, child, |heard| {
        let told = read(heard.written, heard.ending, &|path| session.relative(path), &mut findings);
        if heard.written.is_empty() && ended_by_itself(heard.ending) {
            findings.trouble(TroubleKind::Unreadable, None, &first_lines(heard.output, 10));
        }
        told
    })?;
    Ok(Reading { command, findings, ending, output })
}

/// `discover` with a filter: files and methods are selected by name, so that the way modules are found stays the same.
fn command(session: &Session<'_>) -> String {
    let patterns: Vec<String> = match session.selection {
        Selection::All => return session.suite.command.clone(),
        Selection::Files(files) => files.iter().map(|file| module(file)).map(|module| format!("*{module}.*")).collect(),
        Selection::Tests(tests) => tests
            .iter()
            .map(|test| {
                format!("*{}.{}", module(test.file()), test.unnumbered().split_once("::").map_or("", |(_, inner)| inner).replace("::", "."))
            })
            .collect(),
    };
    let Some(Words { vars, mut words }) = words(&session.suite.command) else { return session.suite.command.clone() };
    for pattern in patterns {
        words.extend(["-k".to_owned(), pattern]);
    }
    let vars = assigned(&vars);
    format!("{vars}{}", line(&words))
}

/// The last part of the module's name; how many packages stand before it depends on where discovery began.
fn module(file: &str) -> String {
    file.rsplit('/').next().unwrap_or(file).trim_end_matches(".py").to_owned()
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    k: String,
    id: String,
    cls: String,
    method: Option<String>,
    file: Option<String>,
    secs: Option<f64>,
    reason: String,
    fixture: bool,
    context: Option<String>,
    mro: Vec<String>,
    msg: String,
    long: String,
    frames: Vec<(String, i64, String)>,
    loaded: BTreeMap<String, String>,
}

#[derive(Default)]
struct Seen {
    first: Line,
    outcome: Option<Outcome>,
    ended: bool,
    seconds: f64,
}

fn read(text: &str, ending: Ending, place: &dyn Fn(&str) -> Option<String>, findings: &mut Findings) -> restarts::Told {
    let mut seen: HashMap<String, Seen> = HashMap::new();
    let mut order: Vec<String> = Vec::new();
    let mut finished = false;
    for line in text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
        match line.k.as_str() {
            "loaded" => findings.loaded = line.loaded,
            "end" => finished = true,
            "load" if !line.msg.is_empty() => {
                let name = line.method.clone().unwrap_or_default();
                let file = format!("{}.py", name.replace('.', "/"));
                findings.trouble(TroubleKind::Load, Some(&file), last_lines(&line.long).as_str());
            }
            // `setUpClass (tests.test_a.A)`: none of the class ran.
            "fixture" if !line.msg.is_empty() => {
                let fault = Outcome::failed(FaultKind::Fixture, &line.msg, &trace(&line, place));
                let file = line.frames.iter().rev().find_map(|(file, _, _)| place(file)).unwrap_or_default();
                findings.add(TestId::new(&[&file, &line.id]), Case::new(fault).in_file(file));
            }
            "begin" | "passed" | "failed" | "skipped" | "ended" => {
                if !seen.contains_key(&line.id) {
                    order.push(line.id.clone());
                }
                note(seen.entry(line.id.clone()).or_default(), line, place);
            }
            _ => {}
        }
    }
    let told = restarts::Told { finished: finished || text.is_empty() || !cut_off(ending), begun: order.clone() };
    for id in order {
        let Some(test) = seen.remove(&id) else { continue };
        let Some(outcome) = settle(&test, ending, finished) else { continue };
        let file = test.first.file.as_deref().and_then(place).unwrap_or_default();
        let method = test.first.method.clone().unwrap_or(id);
        let class = test.first.cls.replace('.', "::");
        findings.add(TestId::new(&[&file, &class, &method]), Case::new(outcome).in_file(file).after(Some(test.seconds)));
    }
    if finished && findings.cases.is_empty() && findings.troubles.is_empty() {
        findings.trouble(TroubleKind::NoTests, None, "unittest found no tests");
    }
    if !finished && !text.is_empty() && ended_by_itself(ending) {
        findings.trouble(TroubleKind::Crash, None, "unittest ended before its run was finished");
    }
    told
}

fn note(test: &mut Seen, line: Line, place: &dyn Fn(&str) -> Option<String>) {
    let outcome = match line.k.as_str() {
        "passed" => Some(Outcome::Passed),
        "skipped" => Some(Outcome::Skipped(line.reason.clone())),
        "failed" => {
            let asserted = line.mro.iter().any(|name| name == "AssertionError");
            let hung = over_a_limit(&line.mro, line.frames.last().map_or("", |(file, _, _)| file));
            let kind = match (asserted, line.fixture) {
                _ if line.msg == "unexpected success" => FaultKind::UnexpectedPass,
                (_, true) => FaultKind::Fixture,
                _ if hung => FaultKind::Hang,
                (true, _) => FaultKind::Assertion,
                _ => FaultKind::Error,
            };
            let context = line.context.as_ref().map(|context| format!("\nin {context}")).unwrap_or_default();
            Some(Outcome::failed(kind, &format!("{}{context}", line.msg), &trace(&line, place)))
        }
        _ => None,
    };
    test.ended |= line.k == "ended";
    test.seconds = line.secs.unwrap_or(test.seconds);
    let kept = matches!(test.outcome, Some(Outcome::Failed(_)));
    if let Some(outcome) = outcome.filter(|_| !kept) {
        test.outcome = Some(outcome);
    }
    if test.first.k.is_empty() {
        test.first = line;
    }
}

fn settle(test: &Seen, ending: Ending, finished: bool) -> Option<Outcome> {
    match &test.outcome {
        Some(outcome) => Some(outcome.clone()),
        None if ending == HARD => Some(Outcome::failed(FaultKind::Hang, "still running at its limit, deaf to signals", "")),
        None if ending == Ending::TimedOut => {
            Some(Outcome::failed(FaultKind::Hang, "still running when the run was stopped at its limit", ""))
        }
        None if !finished && !test.ended => Some(Outcome::failed(FaultKind::Crash, "the test process died while this test ran", "")),
        // All of its subtests failed or none was there: unittest says nothing more of it.
        None => None,
    }
}

fn trace(line: &Line, place: &dyn Fn(&str) -> Option<String>) -> String {
    let frames = line.frames.iter().map(|(file, at, name)| format!("{}:{at} in {name}\n", place(file).unwrap_or_else(|| file.clone())));
    format!("{}\n{}", frames.collect::<String>(), line.long)
}

fn last_lines(long: &str) -> String {
    let lines: Vec<&str> = long.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TestSettings;
    use crate::runner::trial::{Trial, found, lines, never_invents_a_pass};

    #[test]
    fn a_real_suite_with_every_outcome() {
        let tests = "import unittest\nfrom calc import add\nclass A(unittest.TestCase):\n    def test_ok(self): self.assertEqual(add(1, 2), 3)\n    def test_wrong(self): self.assertEqual(add(1, 2), 4)\n    def test_error(self): add(1)\n    @unittest.expectedFailure\n    def test_fine(self): pass\n    @unittest.skip('later')\n    def test_skipped(self): pass\n    def test_sub(self):\n        for n in range(3):\n            with self.subTest(n=n): self.assertLess(n, 2)\nclass B(unittest.TestCase):\n    def setUp(self): raise RuntimeError('no')\n    def test_b(self): pass\n";
        let files = [
            ("setup.cfg", "[options]\n"),
            ("calc.py", "def add(a, b):\n    return a + b\n"),
            ("tests/__init__.py", ""),
            ("tests/test_calc.py", tests),
            ("tests/test_broken.py", "import absent\n"),
        ];
        let trial = Trial::new(&files, TestSettings::default());
        assert_eq!(trial.bench.suites[0].command, "python -m unittest discover -s tests -t .");
        let tree = trial.tree("one", &files);
        let report = trial.run(&tree, &Selection::All);
        let expected = [
            "A::test_error: Error",
            "A::test_fine: UnexpectedPass",
            "A::test_ok: passed",
            "A::test_skipped: skipped, later",
            "A::test_sub: Assertion",
            "A::test_wrong: Assertion",
            "B::test_b: Fixture",
        ];
        assert_eq!(lines(&report), expected.map(|line| format!("tests/test_calc.py::{line}")));
        assert_eq!(report.loaded, [("calc".to_owned(), "calc.py".to_owned())].into());
        assert_eq!(report.troubles[0].kind, TroubleKind::Load);
        assert_eq!(report.troubles[0].file.as_deref(), Some("tests/test_broken.py"));
        let one = TestId::new(&["tests/test_calc.py", "A", "test_ok"]);
        let report = trial.run(&tree, &Selection::Tests(vec![one]));
        assert_eq!(lines(&report), ["tests/test_calc.py::A::test_ok: passed"]);
    }

    #[test]
    fn torn_and_mutated_results() {
        never_invents_a_pass(include_str!("fixtures/unittest.jsonl"), |text| {
            found(|place, findings| read(text, Ending::Exited(0), place, findings))
        });
    }
}
