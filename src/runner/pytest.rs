//! `pytest`: a small plugin of loom's own tells of each phase of each test; this file reads what it wrote.
//!
//! A test is named `FILE::Class::function[parameters]`, the file relative to the root. A test that is not there is
//! absent from the cases; a file that cannot be collected is a `Load` trouble. An expected failure (xfail) is
//! `Skipped`; one that passes after all is `Passed`.

mod command;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;

use super::findings::Findings;
use super::restarts::{self, HARD, cut_off, over_a_limit};
use super::run::Reading;
use super::session::{Child, Session, ended_by_itself};
use super::text::{first_lines, marked};
use super::words::line;
use super::{Case, FaultKind, Outcome, TestId, TroubleKind};
use crate::error::Result;
use crate::sandbox::Ending;
use command::command;

const PLUGIN: &str = concat!(include_str!("plugins/loom_python.py"), include_str!("plugins/loom_pytest.py"));

/// The plugin takes these words out of the environment again.
const ADDED: &str = "-p loom_pytest --continue-on-collection-errors";

/// Runs the suite, or the part of it that was asked for.
pub(super) fn run(session: &Session<'_>) -> Result<Reading> {
    let planted = session.plant("loom_pytest.py", PLUGIN)?;
    let command = command(session);
    let mut options = session.tree.env.get("PYTEST_ADDOPTS").cloned().unwrap_or_default();
    let cache = session.tree.private_point().join("cache/pytest");
    options.push_str(&format!(" {ADDED} -o cache_dir={}", line(&[cache.to_string_lossy()])));
    let place = |path: &str| session.relative(path);
    let mut findings = Findings::default();
    let child = || Child::shell(&command).env("PYTEST_ADDOPTS", options.trim());
    let (ending, output) = restarts::run(session, &planted, child, |heard| {
        let told = read(heard.written, heard.ending, &place, heard.done, &mut findings);
        if findings.cases.is_empty() && findings.troubles.is_empty() {
            explain_nothing(heard.output, heard.ending, &mut findings);
        }
        told
    })?;
    Ok(Reading { command, findings, ending, output })
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
    loaded: BTreeMap<String, String>,
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

/// Reads the plugin's lines, those about tests that are done left out. `place` turns an absolute path into one relative
/// to the root.
pub(super) fn read(
    text: &str,
    ending: Ending,
    place: &dyn Fn(&str) -> Option<String>,
    done: &BTreeSet<String>,
    findings: &mut Findings,
) -> restarts::Told {
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
            "begin" | "phase" if done.contains(&line.id) => {}
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
                findings.trouble(TroubleKind::Load, Some(&file).filter(|file| !file.is_empty()).map(String::as_str), &marked(&long));
            }
            "collect-skipped" => {
                let file = file_of(&line.id, None, &root, place);
                findings
                    .add(TestId::new(&[&file]), Case::new(Outcome::Skipped(first_lines(&line.long.unwrap_or_default(), 2))).in_file(file));
            }
            "internal" => findings.trouble(TroubleKind::Crash, None, &marked(&line.long.unwrap_or_default())),
            "loaded" => findings.loaded = line.loaded,
            "end" => {
                finished = true;
                if line.exit == Some(5) && seen.is_empty() {
                    findings.trouble(TroubleKind::NoTests, None, "pytest collected no tests");
                }
            }
            _ => {}
        }
    }
    let told = restarts::Told { finished: finished || text.is_empty() || !cut_off(ending), begun: order.clone() };
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
    told
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
    let better = matches!((&test.outcome, &outcome), (Some(Outcome::Failed(_)), _) | (Some(Outcome::Skipped(_)), Outcome::Passed));
    if !better {
        test.outcome = Some(outcome);
    }
}

fn failure(line: &Line, place: &dyn Fn(&str) -> Option<String>) -> Outcome {
    let long = line.long.as_deref().unwrap_or_default();
    let asserts = ["AssertionError", "Failed"].iter().any(|name| line.mro.iter().any(|one| one == name));
    let of_example =
        ["DocTestFailure", "MultipleDoctestFailures", "UnexpectedException"].iter().any(|name| line.mro.iter().any(|one| one == name));
    let strict = line.mro.is_empty() && long.contains("[XPASS(strict)]");
    let kind = match line.when.as_str() {
        "call" if long.contains("from pytest-timeout") => FaultKind::Hang,
        // An example that printed something else.
        "call" if of_example && !long.contains("UNEXPECTED EXCEPTION") => FaultKind::Assertion,
        "call" if strict => FaultKind::UnexpectedPass,
        "call" if asserts => FaultKind::Assertion,
        "call" if over_a_limit(&line.mro, line.frames.last().map_or("", |(file, _, _)| file)) => FaultKind::Hang,
        "call" => FaultKind::Error,
        _ => FaultKind::Fixture,
    };
    let mut message = line.msg.clone().filter(|_| !of_example).unwrap_or_else(|| marked(long));
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

/// What a test came to once no more lines will come; none when it was not run.
fn settle(test: &Seen, ending: Ending, finished: bool) -> Option<Outcome> {
    match (&test.outcome, ending) {
        (Some(Outcome::Passed), _) if test.ended || finished => Some(Outcome::Passed),
        (Some(Outcome::Passed) | None, HARD) => Some(Outcome::failed(FaultKind::Hang, "still running at its limit, deaf to signals", "")),
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
        findings.trouble(kind, None, &marked(output));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TestSettings;
    use crate::runner::Selection;
    use crate::runner::trial::{Trial, lines};

    const SOURCE: &str = "def add(a, b):\n    return a + b\n\ndef broken():\n    raise ValueError('no')\n";
    const TESTS: &str = r#"
import pytest
from calc import add, broken

def test_ok(): assert add(1, 2) == 3
def test_wrong(): assert add(1, 2) == 4
def test_error(): broken()
@pytest.mark.skip(reason="later")
def test_skipped(): pass
@pytest.mark.xfail(reason="known")
def test_known(): assert False
@pytest.mark.xfail(strict=True)
def test_known_no_more(): pass
@pytest.mark.parametrize("value", [object(), "a\nb"], ids=["<obj at 0x7f3a10c0aa10>", "two"])
def test_table(value): pass
@pytest.fixture
def bad(): raise RuntimeError("fixture")
def test_fixture(bad): pass
class TestGroup:
    def test_inside(self): pytest.fail("said so")
def test_nested(tmp_path):
    import subprocess, sys
    (tmp_path / "test_inner.py").write_text("def test_inner(): assert False\n")
    assert subprocess.run([sys.executable, "-m", "pytest", "-q", str(tmp_path)], capture_output=True).returncode == 1
"#;

    #[test]
    fn a_real_suite_with_every_outcome_and_a_broken_file() {
        let files = [
            ("pyproject.toml", "[tool.pytest.ini_options]\npythonpath = ['.']\n"),
            ("calc.py", SOURCE),
            ("tests/test_calc.py", TESTS),
            ("tests/test_broken.py", "import absent\n"),
        ];
        let trial = Trial::new(&files, TestSettings::default());
        let base = trial.tree("one", &files);
        let report = trial.run(&base, &Selection::All);
        assert_eq!(
            lines(&report),
            [
                "tests/test_calc.py::TestGroup::test_inside: Assertion",
                "tests/test_calc.py::test_error: Error",
                "tests/test_calc.py::test_fixture: Fixture",
                "tests/test_calc.py::test_known: skipped, expected failure: known",
                "tests/test_calc.py::test_known_no_more: UnexpectedPass",
                "tests/test_calc.py::test_nested: passed",
                "tests/test_calc.py::test_ok: passed",
                "tests/test_calc.py::test_skipped: skipped, Skipped: later",
                "tests/test_calc.py::test_table[<obj at 0x>]: passed",
                "tests/test_calc.py::test_table[two]: passed",
                "tests/test_calc.py::test_wrong: Assertion",
            ],
            "{:#?}\n{}",
            report.troubles,
            report.output
        );
        let load = &report.troubles[0];
        assert_eq!((load.kind, load.file.as_deref()), (TroubleKind::Load, Some("tests/test_broken.py")));
        let Outcome::Failed(error) = &report.cases[&TestId::new(&["tests/test_calc.py", "test_error"])].outcome else { panic!() };
        assert!(error.trace.contains("calc.py:5 in broken"), "{}", error.trace);
        assert_eq!(error.message, "ValueError: no");
        assert_eq!(report.loaded, [("calc".to_owned(), "calc.py".to_owned())].into());

        // Another tree with other source, at the same place; and only one table's row.
        let mut other = files;
        other[1].1 = "def add(a, b):\n    return 4\n\ndef broken():\n    pass\n";
        let head = trial.tree("two", &other);
        let ids = ["test_wrong", "test_table[<obj at 0x>]"].map(|name| TestId::new(&["tests/test_calc.py", name]));
        let report = trial.run(&head, &Selection::Tests(ids.to_vec()));
        assert_eq!(lines(&report), ["tests/test_calc.py::test_table[<obj at 0x>]: passed", "tests/test_calc.py::test_wrong: passed"]);
        let report = trial.run(&head, &Selection::Files(vec!["tests/test_calc.py".into()]));
        assert_eq!((report.cases.len(), report.troubles.len()), (11, 0));
    }

    #[test]
    fn another_installation_of_the_package_is_noticed() {
        let conftest = "import os, sys, tempfile\nfolder = tempfile.mkdtemp()\nopen(os.path.join(folder, 'calc.py'), 'w').write('x = 1')\nsys.path.insert(0, folder)\n";
        let files = [
            ("pyproject.toml", "[tool.pytest.ini_options]\n"),
            ("src/calc.py", "x = 2\n"),
            ("tests/conftest.py", conftest),
            ("tests/test_calc.py", "from calc import x\ndef test_x(): assert x == 1\n"),
        ];
        let trial = Trial::new(&files, TestSettings::default());
        let report = trial.run(&trial.tree("one", &files), &Selection::All);
        assert_eq!(lines(&report), ["tests/test_calc.py::test_x: passed"]);
        assert!(report.loaded["calc"].starts_with("/tmp/"), "{:?}", report.loaded);
    }

    #[test]
    fn what_was_running_at_the_limit_hangs_and_torn_lines_pass_nothing() {
        let text = concat!(
            r#"{"k":"start","root":"/r"}"#,
            "\n",
            r#"{"k":"begin","id":"t.py::a"}"#,
            "\n",
            r#"{"k":"phase","id":"t.py::a","when":"call","outcome":"passed"}"#,
            "\n",
            r#"{"k":"phase","id":"t.py::a","when":"teardown","outcome":"passed"}"#,
            "\n",
            r#"{"k":"begin","id":"t.py::b"}"#,
            "\n",
            r#"{"k":"phase","id":"t.py::b","when":"call","outc"#,
        );
        let mut findings = Findings::default();
        read(text, Ending::TimedOut, &|path| path.strip_prefix("/r/").map(str::to_owned), &BTreeSet::new(), &mut findings);
        assert_eq!(findings.cases[&TestId::new(&["t.py", "a"])].outcome, Outcome::Passed);
        let Outcome::Failed(hang) = &findings.cases[&TestId::new(&["t.py", "b"])].outcome else { panic!() };
        assert_eq!(hang.kind, FaultKind::Hang);
    }
}
