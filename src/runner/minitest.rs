//! minitest, by `rake test` or plain `ruby`: a module of loom's own, loaded first, tells of each test; this file reads
//! what it wrote.
//!
//! A test is named `FILE::Class::test_method`; one of a spec (`describe`, `it`) by its words, without the number that
//! minitest gives it. A test that is not there is absent from the cases; a file that cannot be loaded is a `Load`
//! trouble. Under rake it ends the whole run, so that every file is then run by itself.

mod files;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::findings::Findings;
use super::run::Reading;
use super::session::{Child, Deadline, Session, ended_by_itself};
use super::text::{first_lines, streams};
use super::words::line;
use super::{Case, FaultKind, Outcome, Selection, TestId, TroubleKind, one_by_one, ruby};
use crate::error::Result;
use crate::sandbox::{Ending, Finished};

const MODULE: &str = include_str!("plugins/loom_minitest.rb");
/// Hooks of minitest before and after a test's own code.
const HOOKS: [&str; 6] = ["setup", "before_setup", "after_setup", "teardown", "before_teardown", "after_teardown"];

/// Runs the suite, or the part of it that was asked for.
pub(super) fn run(session: &Session<'_>) -> Result<Reading> {
    let deadline = Deadline::after(session.settings.timeout.duration());
    let command = ruby::command(session, deadline)?;
    match session.selection {
        Selection::All => run_whole(session, command, deadline),
        Selection::Files(asked) => run_files(session, &command, &files::with_tests(session, asked), &[], deadline),
        Selection::Tests(tests) => {
            let asked: Vec<String> = tests.iter().map(|test| test.file().to_owned()).collect();
            run_files(session, &command, &files::with_tests(session, &asked), tests, deadline)
        }
    }
}

fn run_whole(session: &Session<'_>, command: String, deadline: Deadline) -> Result<Reading> {
    let mut findings = Findings::default();
    let (finished, told) = start(session, &command, deadline, &mut findings)?;
    let silent = !told && finished.ending != Ending::Exited(127) && ended_by_itself(finished.ending);
    let alone = if silent { files::of_suite(session) } else { Vec::new() };
    if alone.is_empty() {
        explain(&finished, told, None, &mut findings);
        return Ok(Reading { command, findings, ending: finished.ending, output: streams(&finished) });
    }
    let mut reading = run_files(session, &command, &alone, &[], deadline)?;
    reading.command = format!("{command} (file by file)");
    Ok(reading)
}

/// Every file in a process of its own.
fn run_files(session: &Session<'_>, command: &str, files: &[String], tests: &[TestId], deadline: Deadline) -> Result<Reading> {
    one_by_one::run(command, files, deadline, |file, findings| {
        let own: Vec<&TestId> = tests.iter().filter(|test| test.file() == file).collect();
        let alone = files::command_for(session, command, &session.in_dir(file), pattern(&own).as_deref());
        let (finished, told) = start(session, &alone, deadline, findings)?;
        explain(&finished, told, Some(file), findings);
        Ok((alone, finished))
    })
}

/// A pattern for the methods asked for; blanks of names were cleaned.
fn pattern(tests: &[&TestId]) -> Option<String> {
    let names: Vec<String> = tests
        .iter()
        .filter_map(|test| test.unnumbered().rsplit("::").next())
        .map(|name| regex::escape(name).replace("\\ ", " ").replace(' ', "\\s+").replace('/', "\\/"))
        .collect();
    (!names.is_empty() && names.iter().all(|name| name.len() < 300 && !name.contains(['\'', '"', '`', '$'])))
        .then(|| format!("/^(test_\\d+_)?({})$/", names.join("|")))
}

/// Runs one command with the module loaded; whether anything of minitest was heard.
fn start(session: &Session<'_>, command: &str, deadline: Deadline, findings: &mut Findings) -> Result<(Finished, bool)> {
    let planted = session.plant("loom_minitest.rb", MODULE)?.join("loom_minitest.rb");
    let results = session.drop("jsonl")?;
    let before = session.tree.env.get("RUBYOPT").map(|before| format!("{before} ")).unwrap_or_default();
    let child = Child::shell(command)
        .env("RUBYOPT", format!("{before}-r{}", planted.display()))
        .env("LOOM_CASE_LIMIT", session.settings.case_timeout.duration().as_secs_f64().to_string())
        .env("LOOM_RESULTS", results.inside.to_string_lossy());
    let finished = session.start(child, deadline)?;
    let told = read(&String::from_utf8_lossy(&results.take()), finished.ending, &|path| session.relative(path), findings);
    Ok((finished, told))
}

fn explain(finished: &Finished, told: bool, file: Option<&str>, findings: &mut Findings) {
    if told {
        return;
    }
    let output = streams(finished);
    let said: Vec<&str> = output.lines().filter(|line| !line.trim_start().starts_with("from ")).collect();
    let said = first_lines(&said.join("\n"), 10);
    match finished.ending {
        Ending::TimedOut => {}
        Ending::Exited(127) => findings.trouble(TroubleKind::Missing, file, &said),
        Ending::Exited(0) => findings.trouble(TroubleKind::NoTests, file, "minitest ran no test"),
        Ending::Exited(_) if file.is_some() => findings.trouble(TroubleKind::Load, file, &said),
        Ending::Exited(_) => findings.trouble(TroubleKind::Unreadable, None, &said),
        Ending::Signalled(signal) => findings.trouble(TroubleKind::Crash, file, &format!("ruby died of signal {signal}\n{said}")),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    p: i64,
    k: String,
    cls: String,
    name: String,
    file: Option<String>,
    secs: Option<f64>,
    faults: Option<Vec<Told>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Told {
    kind: String,
    mro: Vec<String>,
    msg: String,
    frames: Vec<String>,
}

type Place<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Whether any line was there.
fn read(text: &str, ending: Ending, place: Place<'_>, findings: &mut Findings) -> bool {
    let mut running: Vec<Line> = Vec::new();
    let mut open: BTreeMap<i64, bool> = BTreeMap::new();
    for line in text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
        match line.k.as_str() {
            "start" => drop(open.insert(line.p, true)),
            "end" => drop(open.insert(line.p, false)),
            "begin" => running.push(line),
            "result" => {
                running.retain(|one| (&one.cls, &one.name) != (&line.cls, &line.name));
                // Without its list of faults nothing says that it passed.
                let outcome = line.faults.as_deref().map(|faults| outcome(faults, place));
                outcome.into_iter().for_each(|outcome| add(&line, outcome, place, findings));
            }
            _ => {}
        }
    }
    for line in running {
        let outcome = match ending {
            Ending::TimedOut => Outcome::failed(FaultKind::Hang, "still running when the run was stopped at its limit", ""),
            _ => Outcome::failed(FaultKind::Crash, "the test process ended while this test ran", ""),
        };
        add(&line, outcome, place, findings);
    }
    if open.values().any(|open| *open) && ended_by_itself(ending) {
        findings.trouble(TroubleKind::Crash, None, "minitest ended before its run was finished");
    }
    !open.is_empty()
}

fn add(test: &Line, outcome: Outcome, place: Place<'_>, findings: &mut Findings) {
    let file = test.file.as_deref().and_then(place).unwrap_or_default();
    let case = Case { file: Some(file.clone()).filter(|file| !file.is_empty()), ..Case::new(outcome).after(test.secs) };
    findings.add(TestId::new(&[&file, &test.cls, unnumbered(&test.name)]), case);
}

/// `test_0001_adds numbers` without the number that shifts when a test is added before it.
fn unnumbered(name: &str) -> &str {
    let rest = name.strip_prefix("test_").and_then(|rest| rest.split_once('_'));
    rest.filter(|(number, rest)| number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit()) && !rest.is_empty())
        .map_or(name, |(_, rest)| rest)
}

fn outcome(faults: &[Told], place: Place<'_>) -> Outcome {
    let Some(first) = faults.iter().find(|fault| fault.kind != "skip") else {
        return match faults.first() {
            Some(skip) => Outcome::Skipped(first_lines(skip.msg.trim_start_matches("Minitest::Skip: "), 2)),
            None => Outcome::Passed,
        };
    };
    let kind = if ruby::raised_in(&first.frames, &HOOKS, place) { FaultKind::Fixture } else { ruby::kind(&first.mro) };
    let said: Vec<String> =
        faults.iter().map(|fault| ruby::arity(fault.msg.trim_start_matches("Minitest::Assertion: "), &fault.frames)).collect();
    Outcome::failed(kind, &first_lines(&said.join("\n"), 16), &ruby::trace(&first.frames, place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TestSettings;
    use crate::runner::trial::{Trial, found, lines, never_invents_a_pass};

    const CALC: &str = "class Calc\n  def add(a, b)\n    raise ArgumentError, 'too big' if a > 100\n    a + b\n  end\nend\n";
    const TEST: &str = "require 'minitest/autorun'\nrequire 'calc'\nclass TestCalc < Minitest::Test\n  def setup; raise 'no' if name == 'test_hook'; end\n  def test_adds; assert_equal 3, Calc.new.add(1, 2); end\n  def test_wrong; assert_equal 4, Calc.new.add(1, 2); end\n  def test_error; Calc.new.add(101, 2); end\n  def test_skip; skip 'later'; end\n  def test_hook; assert true; end\nend\ndescribe 'words' do\n  it('adds two numbers') { _(Calc.new.add(1, 2)).must_equal 3 }\nend\n";
    const RAKE: &str =
        "require 'rake/testtask'\nRake::TestTask.new(:test) { |t| t.libs << 'test'; t.pattern = 'test/**/{test_*,*_test}.rb' }\n";

    fn check(files: &[(&str, &str)], command: &str) {
        let trial = Trial::new(files, TestSettings::default());
        assert_eq!(trial.bench.suites[0].command, command);
        let tree = trial.tree("one", files);
        let report = trial.run(&tree, &Selection::All);
        let expected = [
            "TestCalc::test_adds: passed",
            "TestCalc::test_error: Error",
            "TestCalc::test_hook: Fixture",
            "TestCalc::test_skip: skipped, later",
            "TestCalc::test_wrong: Assertion",
            "words::adds two numbers: passed",
        ];
        assert_eq!(lines(&report), expected.map(|line| format!("test/test_calc.rb::{line}")), "{:?}", report.troubles);
        let error = &report.cases[&TestId::new(&["test/test_calc.rb", "TestCalc", "test_error"])];
        let Outcome::Failed(fault) = &error.outcome else { panic!() };
        assert!(fault.trace.starts_with("lib/calc.rb:3 in add\ntest/test_calc.rb:7 in test_error"), "{}", fault.trace);
        for name in ["TestCalc::test_adds", "words::adds two numbers"] {
            let one = TestId::new(&["test/test_calc.rb", name]);
            let alone = trial.run(&tree, &Selection::Tests(vec![one]));
            assert_eq!(lines(&alone), [format!("test/test_calc.rb::{name}: passed")], "{}", alone.output);
            assert!(alone.output.contains("1 runs, 1 assertions"), "{}", alone.output);
        }
        let broken: Vec<(&str, &str)> = files.iter().copied().chain([("test/broken_test.rb", "require 'absent/thing'\n")]).collect();
        let report = trial.run(&trial.tree("two", &broken), &Selection::All);
        assert_eq!(report.cases.len(), 6, "{:?}", report.troubles);
        assert_eq!((report.troubles[0].kind, report.troubles[0].file.as_deref()), (TroubleKind::Load, Some("test/broken_test.rb")));
        assert!(report.troubles[0].message.contains("cannot load such file -- absent/thing"), "{:?}", report.troubles);
    }

    #[test]
    fn a_real_suite_under_rake() {
        check(&[("lib/calc.rb", CALC), ("test/test_calc.rb", TEST), ("Rakefile", RAKE)], "rake test");
    }

    #[test]
    fn a_real_suite_without_rake() {
        let command = "ruby -Ilib -Itest -e 'Dir[\"./test/**/{test_*,*_test}.rb\"].sort.each { |file| require file }'";
        check(&[("lib/calc.rb", CALC), ("test/test_calc.rb", TEST)], command);
    }

    #[test]
    fn a_test_that_ends_the_process_is_named() {
        let exits = "require 'minitest/autorun'\nclass TestExit < Minitest::Test\n  def test_exit; exit!(0); end\nend\n";
        let files = [("test/test_exit.rb", exits)];
        let trial = Trial::new(&files, TestSettings::default());
        let report = trial.run(&trial.tree("one", &files), &Selection::All);
        assert_eq!(lines(&report), ["test/test_exit.rb::TestExit::test_exit: Crash"]);
        assert_eq!(report.troubles[0].kind, TroubleKind::Crash);
    }

    #[test]
    fn a_test_that_hangs_costs_no_other_its_result() {
        let test = "require 'minitest/autorun'\nclass TestWait < Minitest::Test\n  def test_sleeps; sleep 1000; end\n  def test_quick; assert_equal 1, [1].size; end\nend\n";
        let files = [("test/test_wait.rb", test)];
        let trial = Trial::new(&files, TestSettings { case_timeout: crate::config::Span::seconds(1), ..TestSettings::default() });
        let report = trial.run(&trial.tree("one", &files), &Selection::All);
        let expected = ["test_quick: passed", "test_sleeps: Hang"].map(|line| format!("test/test_wait.rb::TestWait::{line}"));
        assert_eq!(lines(&report), expected, "{:?}", report.troubles);
    }

    #[test]
    fn torn_and_mutated_results() {
        never_invents_a_pass(include_str!("fixtures/minitest.jsonl"), |text| {
            found(|place, findings| read(text, Ending::Exited(0), place, findings))
        });
    }
}
