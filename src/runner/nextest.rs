//! `cargo nextest run`: one process per test, read through its libtest-like JSON events; doctests by cargo, as nextest
//! has none. Tests are named as under `cargo test`, so that both give the same ids.

use std::collections::BTreeMap;

use super::cargo::{Flags, Target, append, begin, environment, run_doctests, wanted};
use super::libtest::read_json;
use super::run::Reading;
use super::session::{Child, Deadline, Session, ended_by_itself};
use super::text::{first_lines, plain};
use super::words::line;
use super::{Case, FaultKind, Outcome, Selection, TestId, TroubleKind};
use crate::error::Result;
use crate::sandbox::Ending;

/// Builds and runs the suite, or the part of it that was asked for.
pub(super) fn run(session: &Session<'_>) -> Result<Reading> {
    let flags = Flags::of(&session.suite.command);
    let (built, mut reading) = begin(session, &flags)?;
    if built.ending == Ending::TimedOut {
        return Ok(reading);
    }
    let names: BTreeMap<String, &Target> = built
        .targets
        .iter()
        .filter(|target| target.executable.is_some())
        .map(|target| (binary_id(built.packages.get(&target.package).map_or("", |package| package.name.as_str()), target), target))
        .collect();
    let broken = reading.findings.troubles.iter().any(|trouble| trouble.kind == TroubleKind::Build);
    let deadline = Deadline::after(session.settings.timeout.duration());
    if broken {
        // nextest runs nothing when one target is broken: the others are run by themselves.
        return super::cargo::run(session);
    }
    let filter = filter(session.selection, &names);
    if filter.as_deref() != Some("none()") {
        events(session, &flags, filter.as_deref(), &names, deadline, &mut reading)?;
    }
    run_doctests(session, &flags, &built, deadline, &mut reading)?;
    Ok(reading)
}

/// As nextest names a binary.
fn binary_id(package: &str, target: &Target) -> String {
    match target.kind.as_str() {
        "test" => format!("{package}::{}", target.name),
        "bin" | "example" | "bench" => format!("{package}::{}/{}", target.kind, target.name),
        _ => package.to_owned(),
    }
}

/// A filter expression; none for everything.
fn filter(selection: &Selection, names: &BTreeMap<String, &Target>) -> Option<String> {
    if *selection == Selection::All {
        return None;
    }
    let mut parts = Vec::new();
    for (id, target) in names {
        let Some(tests) = wanted(selection, &target.source) else { continue };
        if tests.is_empty() {
            parts.push(format!("binary_id(={id})"));
        }
        parts.extend(tests.iter().map(|test| format!("(binary_id(={id}) & test(={test}))")));
    }
    Some(if parts.is_empty() { "none()".to_owned() } else { parts.join(" | ") })
}

fn events(
    session: &Session<'_>,
    flags: &Flags,
    filter: Option<&str>,
    names: &BTreeMap<String, &Target>,
    deadline: Deadline,
    reading: &mut Reading,
) -> Result<()> {
    let mut argv = flags.cargo();
    argv.extend(["nextest", "run", "--no-fail-fast", "--message-format", "libtest-json-plus"].map(str::to_owned));
    argv.extend(flags.build.iter().cloned());
    // Below the repository's own settings, so that its limits stand.
    let limit = session.settings.case_timeout.duration().as_millis();
    let config = session.plant(
        "nextest.toml",
        &format!("[profile.default]\nslow-timeout = {{ period = \"{limit}ms\", terminate-after = 1, grace-period = \"1s\" }}\n"),
    )?;
    argv.extend(["--tool-config-file".to_owned(), format!("loom:{}", config.join("nextest.toml").display())]);
    if let Some(filter) = filter {
        argv.extend(["-E".to_owned(), filter.to_owned()]);
    }
    let mut child = Child::new(argv).parsed().env("NEXTEST_EXPERIMENTAL_LIBTEST_JSON", "1").env("NEXTEST_HIDE_PROGRESS_BAR", "1");
    child.env.extend(environment(session));
    child.env.extend(flags.vars.iter().cloned());
    reading.command = line(&child.argv[..3]);
    let finished = session.start(child, deadline)?;
    take_in(&finished.stdout.text(), &plain(&finished.stderr.text()), finished.ending, names, reading);
    Ok(())
}

/// What nextest printed, as JSON and in words, and how it ended.
fn take_in(json: &str, said: &str, ending: Ending, names: &BTreeMap<String, &Target>, reading: &mut Reading) {
    let told = read_json(json);
    append(&mut reading.output, said);
    let mut add = |name: &str, outcome: Outcome, seconds: Option<f64>| {
        let (binary, test) = name.split_once('$').unwrap_or(("", name));
        let source = names.get(&json_id(binary)).or_else(|| names.get(binary)).map_or(binary, |target| target.source.as_str());
        reading.findings.add(TestId::new(&[source, test]), Case::new(outcome).in_file(source).after(seconds));
    };
    for (name, (outcome, seconds)) in &told.ended {
        // A test that fails prints why; one whose process died says nothing.
        let silent = matches!(outcome, Outcome::Failed(fault) if fault.message.is_empty() && fault.trace.is_empty());
        let died = || Outcome::failed(FaultKind::Crash, "its process died", "");
        add(name, if silent { died() } else { outcome.clone() }, *seconds);
    }
    for name in &told.running {
        match ending {
            Ending::TimedOut => {
                add(name, Outcome::failed(FaultKind::Hang, "still running when the run was stopped at its limit", ""), None)
            }
            _ => add(name, Outcome::failed(FaultKind::Crash, "its process died", ""), None),
        }
    }
    match ending {
        Ending::TimedOut => reading.stopped(),
        ending if !ended_by_itself(ending) => reading.findings.trouble(TroubleKind::Crash, None, &first_lines(said, 8)),
        // 4: nothing to run; that is the filter's doing.
        Ending::Exited(0 | 4 | 100) => {}
        _ if told.announced.is_none() => {
            let kind = if said.contains("no such command") { TroubleKind::Missing } else { TroubleKind::Unreadable };
            let from = said.find("error").unwrap_or(0);
            reading.findings.trouble(kind, None, &first_lines(&said[from..], 10));
        }
        _ => {}
    }
}

/// In its JSON nextest names a library's binary `package::name`.
fn json_id(binary: &str) -> String {
    match binary.split_once("::") {
        Some((package, name)) if package.replace('-', "_") == name.replace('-', "_") => package.to_owned(),
        _ => binary.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::findings::Findings;

    /// What cargo-nextest 0.9 printed for a package with these two binaries; `.ci/nightly runners` really runs it.
    const RECORDED: &str = include_str!("fixtures/nextest.jsonl");

    fn read(json: &str, said: &str, ending: Ending) -> Reading {
        let target = |name: &str, kind: &str, source: &str| Target {
            package: "my-calc".into(),
            name: name.into(),
            kind: kind.into(),
            source: source.into(),
            folder: "/loom/repo".into(),
            executable: Some("/loom/private/target/debug/deps/x".into()),
            program: None,
            doctest: false,
        };
        let targets = [target("my_calc", "lib", "src/lib.rs"), target("outer", "test", "tests/outer.rs")];
        let names = targets.iter().map(|target| (binary_id("my-calc", target), target)).collect();
        let mut reading = Reading { command: String::new(), findings: Findings::default(), ending, output: String::new() };
        take_in(json, said, ending, &names, &mut reading);
        reading
    }

    fn lines(reading: &Reading) -> Vec<String> {
        let cases = reading.findings.cases.iter();
        cases.map(|(id, case)| format!("{id}: {}", if case.outcome == Outcome::Passed { "passed" } else { "not passed" })).collect()
    }

    #[test]
    fn binaries_are_named_by_their_root_file() {
        let reading = read(RECORDED, "", Ending::Exited(100));
        let expected = [
            "src/lib.rs::tests::ok: passed",
            "src/lib.rs::tests::slow: not passed",
            "src/lib.rs::tests::wrong: not passed",
            "tests/outer.rs::dies: not passed",
            "tests/outer.rs::lives: passed",
        ];
        assert_eq!((lines(&reading), reading.findings.troubles.len()), (expected.map(str::to_owned).to_vec(), 0));
        let fault = |id: &[&str]| match &reading.findings.cases[&TestId::new(id)].outcome {
            Outcome::Failed(fault) => Some(fault.kind),
            _ => None,
        };
        assert_eq!(fault(&["src/lib.rs", "tests::wrong"]), Some(FaultKind::Assertion));
        assert_eq!(fault(&["tests/outer.rs", "dies"]), Some(FaultKind::Crash));
    }

    #[test]
    fn a_cut_report_passes_nothing_more_and_a_missing_nextest_is_said() {
        let (begun, _) = RECORDED.split_once("{\"type\":\"test\",\"event\":\"ok\"").unwrap();
        let reading = read(begun, "", Ending::TimedOut);
        assert!(reading.findings.cases.values().all(|case| case.outcome != Outcome::Passed) && !reading.findings.cases.is_empty());
        let reading = read("", "error: no such command: `nextest`\n", Ending::Exited(101));
        assert_eq!(reading.findings.troubles[0].kind, TroubleKind::Missing);
    }

    #[test]
    fn torn_and_mutated_results() {
        crate::runner::trial::never_invents_a_pass(RECORDED, |text| read(text, "", Ending::Exited(0)).findings);
    }
}
