//! `prove`: a formatter of loom's own, in prove's process and not in that of the tests, tells what each file printed;
//! that is TAP, and read as such.
//!
//! A test is named `FILE::subtest::description`. A test that is not there is absent from the cases; a file that ended
//! before its plan, or did not even begin, is a trouble with what it said last.

mod lines;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::findings::Findings;
use super::run::Reading;
use super::session::{Child, Deadline, Session, ended_by_itself};
use super::text::{first_lines, plain, streams};
use super::words::{Words, assigned, line, words};
use super::{Outcome, TroubleKind, tap};
use crate::error::Result;
use crate::sandbox::Ending;

const FORMATTER: &str = include_str!("plugins/LoomProve.pm");
/// Options of prove that take a value in the next word.
const VALUED: [&str; 8] = ["-I", "-j", "--jobs", "-e", "--exec", "--ext", "--state", "--rc"];

/// Runs the suite, or the part of it that was asked for.
pub(super) fn run(session: &Session<'_>) -> Result<Reading> {
    let planted = session.plant("LoomProve.pm", FORMATTER)?;
    let results = session.drop("jsonl")?;
    let command = command(session);
    let started = match command.find("prove ").filter(|at| command[..*at].ends_with(['/', ' ']) || *at == 0) {
        Some(at) => format!("{}prove --merge --formatter LoomProve {}", &command[..at], &command[at + "prove ".len()..]),
        None => format!("{command} --merge --formatter LoomProve"),
    };
    let before = session.tree.env.get("PERL5LIB").map(|before| format!(":{before}")).unwrap_or_default();
    let child = Child::shell(&started)
        .env("PERL5LIB", format!("{}{before}", planted.display()))
        .env("LOOM_RESULTS", results.inside.to_string_lossy());
    let finished = session.start(child, Deadline::after(session.settings.timeout.duration()))?;
    let mut findings = Findings::default();
    let written = results.take();
    read(&String::from_utf8_lossy(&written), finished.ending, &|path| session.relative(path), &mut findings);
    let output = streams(&finished);
    if written.is_empty() && ended_by_itself(finished.ending) {
        let kind = if finished.ending == Ending::Exited(127) { TroubleKind::Missing } else { TroubleKind::Unreadable };
        findings.trouble(kind, None, &first_lines(&output, 10));
    }
    Ok(Reading { command, findings, ending: finished.ending, output })
}

/// The suite's command with the files asked for in place of those it names.
fn command(session: &Session<'_>) -> String {
    let Some(files) = session.files() else { return session.suite.command.clone() };
    let Some(Words { vars, words }) = words(&session.suite.command) else { return session.suite.command.clone() };
    let mut kept: Vec<String> = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if VALUED.contains(&word.as_str()) {
            kept.push(word.clone());
            kept.extend(rest.next().cloned());
        } else if kept.is_empty() || word.starts_with('-') {
            kept.push(word.clone());
        }
    }
    let there = files.into_iter().filter(|file| file.ends_with(".t") && session.host_dir().join(file).is_file());
    kept.extend(there);
    let vars = assigned(&vars);
    format!("{vars}{}", line(&kept))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    k: String,
    file: String,
    text: String,
    exit: Option<i64>,
}

/// What one file has printed so far.
#[derive(Default)]
struct Printed {
    text: String,
    exit: Option<i64>,
    closed: bool,
}

type Place<'a> = &'a dyn Fn(&str) -> Option<String>;

fn read(text: &str, ending: Ending, place: Place<'_>, findings: &mut Findings) {
    let mut files: BTreeMap<String, Printed> = BTreeMap::new();
    let (mut finished, mut torn) = (false, false);
    for line in text.lines() {
        let Ok(line) = serde_json::from_str::<Line>(line) else {
            // A line that was lost could have been the worse one.
            torn = true;
            continue;
        };
        match line.k.as_str() {
            "open" => drop(files.insert(line.file, Printed::default())),
            "line" => {
                let printed = files.entry(line.file).or_default();
                printed.text.push_str(&plain(&line.text));
                printed.text.push('\n');
            }
            "close" => {
                let printed = files.entry(line.file).or_default();
                (printed.closed, printed.exit) = (true, line.exit);
            }
            "end" => finished = true,
            _ => {}
        }
    }
    for (file, printed) in files {
        let path = place(&file).unwrap_or(file);
        settle(&path, &printed, ending, findings);
    }
    if (!finished || torn) && !text.is_empty() && ended_by_itself(ending) {
        findings.trouble(TroubleKind::Crash, None, "prove ended before its run was finished");
    }
}

/// One file: its tests, and what went wrong beside them.
fn settle(path: &str, printed: &Printed, ending: Ending, findings: &mut Findings) {
    let split = lines::split(&printed.text);
    let mut own = Findings::default();
    tap::parse(&split.tap, Some(path), &mut own);
    own.cases.values_mut().for_each(unmarked);
    let failed = own.cases.values().any(|case| matches!(case.outcome, Outcome::Failed(_)));
    let said = first_lines(&split.said, 10);
    let unfinished = !own.troubles.is_empty();
    own.troubles.clear();
    let (kind, message) = match (printed.closed, printed.exit) {
        (false, _) if ending == Ending::TimedOut => {
            (TroubleKind::Timeout, format!("{path} was still running when the run was stopped at its limit"))
        }
        (false, _) => (TroubleKind::Crash, format!("{said}\nthe file did not end")),
        (true, Some(0)) if !unfinished => return findings.join(own),
        (true, exit) if own.cases.is_empty() && exit != Some(0) => (TroubleKind::Load, said),
        (true, _) if unfinished => (TroubleKind::Crash, format!("{said}\nthe file ended before its plan")),
        // Failing tests explain a failing exit.
        (true, _) if failed => return findings.join(own),
        (true, exit) => (TroubleKind::Crash, format!("{said}\nthe file ended with code {} after its tests", exit.unwrap_or(-1))),
    };
    findings.join(own);
    findings.trouble(kind, Some(path), &message);
}

/// Takes the mark of comments out of what a failure says.
fn unmarked(case: &mut super::Case) {
    if let Outcome::Failed(fault) = &mut case.outcome {
        for text in [&mut fault.message, &mut fault.trace] {
            let lines: Vec<&str> = text.lines().map(|line| line.trim_start().strip_prefix(lines::MARK).unwrap_or(line)).collect();
            *text = lines.join("\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TestSettings;
    use crate::runner::trial::{Trial, found, lines, never_invents_a_pass};
    use crate::runner::{Selection, TestId};

    const CALC: &str = "package Calc; use strict; use warnings;\nsub new { bless {}, shift }\nsub add { my ($self, $one, $two) = @_;\n  die \"too big\" if $one > 100;\n  return $one + $two }\n1;\n";
    const TEST: &str = "use strict; use warnings; use Test::More;\nuse Calc;\nis(Calc->new->add(1, 2), 3, 'adds');\nis(Calc->new->add(1, 2), 4, 'wrong');\nsubtest 'group' => sub { plan tests => 2; ok(1, 'inner'); is(1, 2, 'deep'); };\nSKIP: { skip 'no net', 1; ok(1, 'x'); }\nTODO: { local $TODO = 'later'; ok(0, 'todo one'); }\nok(1);\ndone_testing;\n";

    #[test]
    fn a_real_suite_with_every_outcome() {
        let files = [
            ("Makefile.PL", "use ExtUtils::MakeMaker;\nWriteMakefile(NAME => 'Calc');\n"),
            ("lib/Calc.pm", CALC),
            ("t/calc.t", TEST),
            ("t/dies.t", "use Test::More tests => 2; use Calc;\nok(1, 'before');\nis(Calc->new->add(101, 2), 103, 'big');\n"),
            ("t/load.t", "use NoSuchModule;\n"),
            ("t/none.t", "use Test::More skip_all => 'not here';\n"),
        ];
        let trial = Trial::new(&files, TestSettings::default());
        assert_eq!(trial.bench.suites[0].command, "prove -lr t");
        let tree = trial.tree("one", &files);
        let report = trial.run(&tree, &Selection::All);
        let expected = [
            "t/calc.t::(unnamed): passed",
            "t/calc.t::(unnamed): skipped, skip no net",
            "t/calc.t::adds: passed",
            "t/calc.t::group::deep: Assertion",
            "t/calc.t::group::inner: passed",
            "t/calc.t::todo one: skipped, todo later",
            "t/calc.t::wrong: Assertion",
            "t/dies.t::before: passed",
            "t/none.t::(whole file): skipped, SKIP not here",
        ];
        let mut shown: Vec<String> = lines(&report).into_iter().map(|line| line.replace(" #2", "")).collect();
        shown.sort();
        assert_eq!(shown, expected, "{:?}", report.troubles);
        let troubles: Vec<_> = report.troubles.iter().map(|one| (one.kind, one.file.as_deref().unwrap_or(""))).collect();
        assert_eq!(troubles, [(TroubleKind::Crash, "t/dies.t"), (TroubleKind::Load, "t/load.t")]);
        assert_eq!(report.troubles[0].message, "too big at lib/Calc.pm line 4.\nthe file ended before its plan");
        let wrong = &report.cases[&TestId::new(&["t/calc.t", "wrong"])];
        let Outcome::Failed(fault) = &wrong.outcome else { panic!() };
        assert!(fault.message.contains("got: '3'") && fault.message.contains("expected: '4'"), "{}", fault.message);
        let one = trial.run(&tree, &Selection::Files(vec!["t/none.t".into()]));
        assert_eq!((one.cases.len(), one.command.as_str()), (1, "prove -lr t/none.t"));
    }

    #[test]
    fn torn_and_mutated_results() {
        never_invents_a_pass(include_str!("fixtures/prove.jsonl"), |text| {
            found(|place, findings| read(text, Ending::Exited(0), place, findings))
        });
    }
}
