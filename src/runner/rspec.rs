//! `rspec`: a formatter of loom's own tells of each example; this file reads what it wrote.
//!
//! A test is named `FILE::group::example`, the file being the one that was run, not that of a shared example; an example
//! without a description goes by its line of code. A test that is not there is absent from the cases. A file that does
//! not load is a `Load` trouble; rspec then runs no file at all, so the others are run once more without it.

use serde::Deserialize;

use super::findings::Findings;
use super::run::Reading;
use super::session::{Child, Deadline, Session, ended_by_itself};
use super::text::{first_lines, streams};
use super::words::{Words, assigned, line, words};
use super::{Case, FaultKind, Outcome, Selection, TestId, TroubleKind, ruby};
use crate::error::Result;
use crate::sandbox::{Ending, Finished};

const FORMATTER: &str = include_str!("plugins/loom_rspec.rb");
/// How often files that do not load are left out.
const PASSES: usize = 3;
/// Longer names are cut, so that no example is found by them.
const CUT: usize = 380;

/// Runs the suite, or the part of it that was asked for.
pub(super) fn run(session: &Session<'_>) -> Result<Reading> {
    let deadline = Deadline::after(session.settings.timeout.duration());
    let command = ruby::command(session, deadline)?;
    let mut broken: Vec<String> = Vec::new();
    let mut findings = Findings::default();
    for pass in 1.. {
        let Some(started) = narrowed(session, &command, &broken) else { break };
        let (finished, told) = start(session, &started, &broken, deadline, &mut findings)?;
        let fresh: Vec<String> = told.unloadable.into_iter().filter(|file| !broken.contains(file)).collect();
        if !fresh.is_empty() && !told.any && pass < PASSES && finished.ending != Ending::TimedOut {
            broken.extend(fresh);
            continue;
        }
        let output = streams(&finished);
        if !told.started && ended_by_itself(finished.ending) && broken.is_empty() {
            let kind = if finished.ending == Ending::Exited(127) { TroubleKind::Missing } else { TroubleKind::Unreadable };
            findings.trouble(kind, None, &first_lines(&output, 12));
        }
        return Ok(Reading { command: started, findings, ending: finished.ending, output });
    }
    Ok(Reading { command, findings, ending: Ending::Exited(1), output: String::new() })
}

/// The command with the files asked for in place of those it names; none when no file is left to run.
fn narrowed(session: &Session<'_>, command: &str, broken: &[String]) -> Option<String> {
    let Some(files) = session.files() else { return Some(command.to_owned()) };
    let Some(Words { vars, words }) = words(command) else { return Some(command.to_owned()) };
    let Some(program) = words.iter().position(|word| word.rsplit('/').next() == Some("rspec")) else { return Some(command.to_owned()) };
    let is_spec = |file: &&String| file.ends_with("_spec.rb") && session.host_dir().join(file.as_str()).is_file();
    let files: Vec<&String> = files.iter().filter(is_spec).filter(|file| !broken.contains(file)).collect();
    if files.is_empty() {
        return None;
    }
    let named = |at: usize, word: &str| {
        at > program && !word.starts_with('-') && session.host_dir().join(word.split(['[', ':']).next().unwrap_or(word)).exists()
    };
    let kept = words.iter().enumerate().filter(|(at, word)| !named(*at, word)).map(|(_, word)| word.as_str());
    let kept: Vec<&str> = kept.chain(files.into_iter().map(String::as_str)).collect();
    let vars = assigned(&vars);
    Some(format!("{vars}{}", line(&kept)))
}

/// The options go into a variable that rspec reads and the formatter removes: they hold however rspec is started.
fn start(session: &Session<'_>, command: &str, broken: &[String], deadline: Deadline, findings: &mut Findings) -> Result<(Finished, Told)> {
    let planted = session.plant("loom_rspec.rb", FORMATTER)?.join("loom_rspec.rb");
    let results = session.drop("jsonl")?;
    let mut options =
        format!("--require {} --no-color --format progress --format Loom::Formatter --out {}", planted.display(), results.inside.display());
    if !broken.is_empty() {
        options.push_str(&format!(" --exclude-pattern {}", broken.join(",")));
    }
    let limit = session.settings.case_timeout.duration().as_secs_f64().to_string();
    let mut child = Child::shell(command).env("SPEC_OPTS", options).env("LOOM_CASE_LIMIT", limit);
    if let Some(selected) = selected(session)? {
        child = child.env("LOOM_SELECTED", selected);
    }
    let finished = session.start(child, deadline)?;
    let written = results.take();
    let told = read(&String::from_utf8_lossy(&written), finished.ending, &|path| session.relative(path), findings);
    Ok((finished, told))
}

/// A file with the names of the examples asked for, as the formatter makes them.
fn selected(session: &Session<'_>) -> Result<Option<String>> {
    let Selection::Tests(tests) = session.selection else { return Ok(None) };
    let names: Vec<&str> = tests.iter().filter_map(|test| Some(test.unnumbered().split_once("::")?.1)).collect();
    if names.iter().any(|name| name.len() > CUT) {
        return Ok(None);
    }
    let list = serde_json::to_string(&names).unwrap_or_default();
    Ok(Some(session.plant("selected.json", &list)?.join("selected.json").to_string_lossy().into_owned()))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    k: String,
    id: String,
    names: Vec<String>,
    file: String,
    secs: Option<f64>,
    reason: String,
    expected: bool,
    fixed: bool,
    phase: Option<String>,
    mro: Vec<String>,
    msg: String,
    frames: Vec<String>,
    text: String,
    outside: i64,
}

/// What a run has told beside its results.
#[derive(Debug, Default)]
struct Told {
    started: bool,
    /// Whether any example began.
    any: bool,
    /// Files that could not be loaded, relative to the suite's folder.
    unloadable: Vec<String>,
}

type Place<'a> = &'a dyn Fn(&str) -> Option<String>;

fn read(text: &str, ending: Ending, place: Place<'_>, findings: &mut Findings) -> Told {
    let mut told = Told::default();
    let (mut running, mut ended): (Vec<Line>, bool) = (Vec::new(), false);
    for line in text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
        match line.k.as_str() {
            "start" => told.started = true,
            "end" => {
                ended = true;
                if line.outside > 0 && findings.troubles.is_empty() {
                    findings.trouble(TroubleKind::Load, None, "errors occurred outside of examples");
                }
            }
            "message" => outside(&line.text, place, &mut told, findings),
            "begin" => {
                told.any = true;
                running.push(line);
            }
            "passed" | "failed" | "pending" => {
                running.retain(|one| one.id != line.id);
                let outcome = outcome(&line, place);
                add(&line, outcome, place, findings);
            }
            _ => {}
        }
    }
    for line in running {
        let outcome = match ending {
            Ending::TimedOut => Outcome::failed(FaultKind::Hang, "still running when the run was stopped at its limit", ""),
            _ => Outcome::failed(FaultKind::Crash, "the test process ended while this example ran", ""),
        };
        add(&line, outcome, place, findings);
    }
    if told.started && !ended && ended_by_itself(ending) {
        findings.trouble(TroubleKind::Crash, None, "rspec ended before its run was finished");
    }
    if ended && !told.any && told.unloadable.is_empty() && findings.troubles.is_empty() {
        findings.trouble(TroubleKind::NoTests, None, "rspec found no examples");
    }
    told
}

fn add(line: &Line, outcome: Outcome, place: Place<'_>, findings: &mut Findings) {
    let file = place(&line.file).unwrap_or_else(|| line.file.clone());
    let parts: Vec<&str> = std::iter::once(file.as_str()).chain(line.names.iter().map(String::as_str)).collect();
    findings.add(TestId::new(&parts), Case::new(outcome).in_file(file.clone()).after(line.secs));
}

fn outcome(line: &Line, place: Place<'_>) -> Outcome {
    match line.k.as_str() {
        "passed" => Outcome::Passed,
        "pending" if line.expected => Outcome::Skipped(format!("expected failure: {}", first_lines(&line.reason, 1))),
        "pending" => Outcome::Skipped(first_lines(&line.reason, 2)),
        _ => {
            let kind = match line.phase.as_deref() {
                _ if line.fixed => FaultKind::Assertion,
                Some("call") => ruby::kind(&line.mro),
                _ => FaultKind::Fixture,
            };
            let class = line.mro.first().filter(|class| !class.starts_with("RSpec::")).map_or(String::new(), |class| format!("{class}: "));
            let said = ruby::arity(&line.msg, &line.frames);
            Outcome::failed(kind, &format!("{class}{}", first_lines(&said, 16)), &ruby::trace(&line.frames, place))
        }
    }
}

/// An error outside of examples: while a file was loaded, or in a hook of the whole suite.
fn outside(text: &str, place: Place<'_>, told: &mut Told, findings: &mut Findings) {
    let said = first_lines(text, 14);
    let Some(at) = text.find("An error occurred ") else { return };
    let loaded = text[at..].strip_prefix("An error occurred while loading ").and_then(|rest| rest.lines().next());
    let file =
        loaded.map(|rest| rest.split(" - Did you mean?").next().unwrap_or(rest).trim_end_matches('.').trim_start_matches("./").to_owned());
    findings.trouble(TroubleKind::Load, file.as_deref().and_then(place).as_deref(), &said);
    told.unloadable.extend(file);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TestSettings;
    use crate::runner::trial::{Trial, found, lines, never_invents_a_pass};

    const CALC: &str = "class Calc\n  def add(a, b)\n    raise ArgumentError, 'too big' if a > 100\n    a + b\n  end\nend\n";
    const SPEC: &str = "require 'calc'\nRSpec.shared_examples 'summing' do\n  it('sums') { expect(described_class.new.add(1, 1)).to eq 2 }\nend\nRSpec.describe Calc do\n  subject { Calc.new.add(1, 2) }\n  it { is_expected.to eq 3 }\n  it { is_expected.to eq 4 }\n  describe '#add' do\n    it('wrong') { expect(Calc.new.add(1, 2)).to eq 4 }\n    it('errors') { Calc.new.add(101, 2) }\n    xit('later') { }\n    it('pends') { pending 'soon'; expect(1).to eq 2 }\n    it('fixed') { pending 'soon'; expect(1).to eq 1 }\n  end\n  it_behaves_like 'summing'\n  context 'hook' do\n    before { raise 'no' }\n    it('x') { }\n  end\nend\n";

    #[test]
    fn a_real_suite_with_every_outcome() {
        let files = [
            ("lib/calc.rb", CALC),
            ("spec/calc_spec.rb", SPEC),
            ("spec/broken_spec.rb", "require 'absent/thing'\n"),
            (".rspec", "--format documentation\n"),
        ];
        let trial = Trial::new(&files, TestSettings::default());
        assert_eq!(trial.bench.suites[0].command, "rspec");
        let tree = trial.tree("one", &files);
        let report = trial.run(&tree, &Selection::All);
        let expected = [
            "#add::errors: Error",
            "#add::fixed: Assertion",
            "#add::later: skipped, Temporarily skipped with xit",
            "#add::pends: skipped, expected failure: soon",
            "#add::wrong: Assertion",
            "behaves like summing::sums: passed",
            "hook::x: Fixture",
            "it { is_expected.to eq 3 }: passed",
            "it { is_expected.to eq 4 }: Assertion",
        ];
        assert_eq!(lines(&report), expected.map(|line| format!("spec/calc_spec.rb::Calc::{line}")), "{:?}", report.troubles);
        let troubles: Vec<_> = report.troubles.iter().map(|one| (one.kind, one.file.as_deref())).collect();
        assert_eq!(troubles, [(TroubleKind::Load, Some("spec/broken_spec.rb"))], "{:?}", report.troubles);
        assert!(report.troubles[0].message.contains("cannot load such file -- absent/thing"));
        let error = &report.cases[&TestId::new(&["spec/calc_spec.rb", "Calc", "#add", "errors"])];
        let Outcome::Failed(fault) = &error.outcome else { panic!() };
        assert_eq!(fault.message, "ArgumentError: too big");
        assert!(fault.trace.starts_with("lib/calc.rb:3 in add\nspec/calc_spec.rb:11 in"), "{}", fault.trace);
        let one = TestId::new(&["spec/calc_spec.rb", "Calc", "it { is_expected.to eq 3 }"]);
        let alone = trial.run(&tree, &Selection::Tests(vec![one]));
        assert_eq!(lines(&alone), ["spec/calc_spec.rb::Calc::it { is_expected.to eq 3 }: passed"]);
        assert!(alone.output.contains("1 example, 0 failures"), "{}", alone.output);
    }

    #[test]
    fn an_example_that_hangs_costs_no_other_its_result() {
        let spec = "RSpec.describe 'waiting' do\n  it('sleeps') { sleep 1000 }\n  it('is quick') { expect(1).to eq 1 }\nend\n";
        let files = [("spec/wait_spec.rb", spec)];
        let trial = Trial::new(&files, TestSettings { case_timeout: crate::config::Span::seconds(1), ..TestSettings::default() });
        let report = trial.run(&trial.tree("one", &files), &Selection::All);
        let expected = ["is quick: passed", "sleeps: Hang"].map(|line| format!("spec/wait_spec.rb::waiting::{line}"));
        assert_eq!(lines(&report), expected, "{:?}", report.troubles);
    }

    #[test]
    fn torn_and_mutated_results() {
        never_invents_a_pass(include_str!("fixtures/rspec.jsonl"), |text| {
            found(|place, findings| read(text, Ending::Exited(0), place, findings))
        });
    }
}
