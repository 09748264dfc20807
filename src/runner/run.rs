//! One run of one suite in one tree: the repository's own build commands, then the runner's file, then a report that
//! never stays silent.

use std::time::Instant;

use super::conditions::Conditions;
use super::findings::Findings;
use super::session::{Child, Deadline, Session};
use super::text::{OUTPUT, clip, first_lines, streams};
use super::{Program, Report, Selection, Suite, TroubleKind};
use super::{
    ava, cargo, frames, go, jest, junit, jvm, minitest, mocha, nextest, node_test, phpunit, prove, pytest, rspec, tap, unittest, vitest,
};
use crate::config::TestSettings;
use crate::error::Result;
use crate::sandbox::{Cancel, Ending, Sandbox};
use crate::workspace::Tree;

/// What a runner's file made of a run.
pub(super) struct Reading {
    pub(super) command: String,
    pub(super) findings: Findings,
    pub(super) ending: Ending,
    /// For people.
    pub(super) output: String,
}

impl Reading {
    /// The limit was reached; what was reported so far stays.
    pub(super) fn stopped(&mut self) {
        self.ending = Ending::TimedOut;
    }
}

/// Builds and runs one suite in one tree and reads the result of every test.
/// A failing suite is a report; a failure only when nothing could be started or a stop was asked for.
pub fn run(
    sandbox: &Sandbox,
    tree: &Tree,
    suite: &Suite,
    selection: &Selection,
    settings: &TestSettings,
    cancel: &Cancel,
) -> Result<Report> {
    run_under(&Conditions::plain(), sandbox, tree, suite, selection, settings, cancel)
}

/// The same with something about the surroundings changed.
pub fn run_under(
    conditions: &Conditions,
    sandbox: &Sandbox,
    tree: &Tree,
    suite: &Suite,
    selection: &Selection,
    settings: &TestSettings,
    cancel: &Cancel,
) -> Result<Report> {
    let started = Instant::now();
    let session = Session { sandbox, tree, suite, selection, settings, conditions, cancel, restarts: Default::default() };
    let mut reading = match build(&session)? {
        Some(broken) => broken,
        None => match suite.program {
            Program::Cargo => cargo::run(&session)?,
            Program::Nextest => nextest::run(&session)?,
            Program::Pytest => pytest::run(&session)?,
            Program::Unittest => unittest::run(&session)?,
            Program::Jest => jest::run(&session)?,
            Program::Vitest => vitest::run(&session)?,
            Program::Ava => ava::run(&session)?,
            Program::Mocha => mocha::run(&session)?,
            Program::NodeTest => node_test::run(&session)?,
            Program::Phpunit => phpunit::run(&session)?,
            Program::Rspec => rspec::run(&session)?,
            Program::Minitest => minitest::run(&session)?,
            Program::Prove => prove::run(&session)?,
            Program::Go => go::run(&session)?,
            Program::Maven => jvm::maven::run(&session)?,
            Program::Gradle => jvm::gradle::run(&session)?,
            Program::Tap => tap::run(&session)?,
            Program::Junit => junit::run(&session)?,
        },
    };
    conclude(&mut reading, &session);
    frames::at_home(&mut reading.findings, &session);
    Ok(Report {
        command: reading.command,
        cases: reading.findings.cases,
        troubles: reading.findings.troubles,
        loaded: reading.findings.loaded,
        ending: reading.ending,
        elapsed_ms: started.elapsed().as_millis() as u64,
        output: clip(&frames::printed(reading.output.trim(), &session), OUTPUT),
    })
}

/// The repository's own build commands; a reading when one of them fails.
fn build(session: &Session<'_>) -> Result<Option<Reading>> {
    let deadline = Deadline::after(session.settings.build_timeout.duration());
    for command in &session.suite.build {
        let finished = session.start(Child::shell(command), deadline)?;
        if finished.ok() {
            continue;
        }
        let output = streams(&finished);
        let mut findings = Findings::default();
        let kind = if finished.ending == Ending::TimedOut { TroubleKind::Timeout } else { TroubleKind::Build };
        let tail: Vec<&str> = output.lines().filter(|line| !line.trim().is_empty()).collect();
        findings.trouble(kind, None, &format!("`{command}` failed:\n{}", tail[tail.len().saturating_sub(12)..].join("\n")));
        return Ok(Some(Reading { command: command.clone(), findings, ending: finished.ending, output }));
    }
    Ok(None)
}

/// Keeps what was asked for, and says what would otherwise be a silent nothing.
fn conclude(reading: &mut Reading, session: &Session<'_>) {
    match session.selection {
        Selection::All => {}
        // A case whose file is not known is kept: better one too many than a proof without it.
        Selection::Files(files) => reading.findings.cases.retain(|id, case| {
            let shared = session.suite.program == Program::Cargo || session.suite.program == Program::Nextest;
            shared || case.file.as_ref().is_none_or(|file| files.contains(file)) || files.iter().any(|file| file == id.file())
        }),
        Selection::Tests(tests) => reading.findings.cases.retain(|id, _| tests.contains(id)),
    }
    let findings = &mut reading.findings;
    if reading.ending == Ending::TimedOut && !findings.troubles.iter().any(|trouble| trouble.kind == TroubleKind::Timeout) {
        let limit = session.settings.timeout;
        findings.trouble(TroubleKind::Timeout, None, &format!("stopped at the limit of {limit}; what was reported until then is kept"));
    }
    if findings.cases.is_empty() && findings.troubles.is_empty() {
        let said = first_lines(&reading.output, 6);
        match reading.ending {
            Ending::Exited(127) => findings.trouble(TroubleKind::Missing, None, &said),
            Ending::Exited(0) | Ending::TimedOut => findings.trouble(TroubleKind::NoTests, None, "the run named no test"),
            Ending::Exited(_) if said.is_empty() => findings.trouble(TroubleKind::Unreadable, None, "the run printed nothing and failed"),
            Ending::Exited(_) => findings.trouble(TroubleKind::Unreadable, None, &said),
            Ending::Signalled(signal) => findings.trouble(TroubleKind::Crash, None, &format!("the runner died of signal {signal}: {said}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SandboxSettings;
    use crate::runner::Outcome;
    use crate::runner::trial::Trial;

    /// What setup installs leads back to the tree that it ran in, what cargo built to the one that was built first.
    #[test]
    fn without_a_sandbox_too_each_tree_is_tested_from_its_own_source() {
        let python = [
            ("pyproject.toml", "[project]\nname = \"calc\"\nversion = \"1\"\n"),
            (
                "tests/test_calc.py",
                "import unittest, calc\nclass A(unittest.TestCase):\n    def test_it(self): self.assertEqual(calc.ANSWER, 42)\n",
            ),
            ("src/calc/__init__.py", "ANSWER = 42\n"),
        ];
        let rust = [
            ("Cargo.toml", "[package]\nname = \"calc\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
            ("tests/calc.rs", "#[test]\nfn it() { assert_eq!(calc::ANSWER, 42); }\n"),
            ("src/lib.rs", "pub const ANSWER: u32 = 42;\n"),
        ];
        for files in [python, rust] {
            let trial = Trial::under(&SandboxSettings { unsafe_none: true, ..SandboxSettings::default() }, &files, TestSettings::default());
            let broken = files.map(|(path, text)| (path, if path.starts_with("src") { text.replace("42", "41") } else { text.to_owned() }));
            let broken: Vec<(&str, &str)> = broken.iter().map(|(path, text)| (*path, text.as_str())).collect();
            let (right, wrong) = (trial.tree("right", &files), trial.tree("wrong", &broken));
            let passes = |tree: &Tree| {
                let report = trial.run(tree, &Selection::All);
                assert_eq!((report.cases.len(), report.troubles.len()), (1, 0), "{}", report.output);
                report.cases.values().all(|case| case.outcome == Outcome::Passed)
            };
            assert!(passes(&right));
            trial.bench.seed(&right, &wrong, &crate::runner::Age::AllNew).unwrap();
            assert_eq!((passes(&wrong), passes(&right), passes(&wrong)), (false, true, false), "{}", files[0].0);
        }
    }
}
