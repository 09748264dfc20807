//! The Test Anything Protocol, versions 12 to 14, as tape, ava, mocha, prove and shell scripts print it.
//!
//! A test is named `FILE::group::description`, `FILE` only where loom ran the files one by one (tape); a group is a
//! subtest or the comment that tape prints in front of its assertions. A test that is not there is absent from the cases.

mod parse;

use globset::GlobBuilder;
use ignore::WalkBuilder;

pub(super) use parse::parse;

use super::canary::{Canary, keeping_options};
use super::findings::Findings;
use super::run::Reading;
use super::session::{Child, Deadline, Session, ended_by_itself};
use super::text::{first_lines, plain, streams};
use super::words::{Words, line, words};
use super::{Selection, TroubleKind};
use crate::error::Result;
use crate::sandbox::Ending;

/// Options of tape that take a value in the next word.
const VALUED: [&str; 4] = ["-r", "--require", "-i", "--ignore"];

/// Runs the suite, or the part of it that was asked for.
pub(super) fn run(session: &Session<'_>) -> Result<Reading> {
    match words(&session.suite.command).filter(|words| runs_files(&words.words)) {
        Some(words) => run_files(session, &words),
        None => run_whole(session),
    }
}

fn runs_files(words: &[String]) -> bool {
    words.first().is_some_and(|word| word.rsplit('/').next() == Some("tape"))
}

/// Every file in a process of its own: an uncaught error ends one file only.
fn run_files(session: &Session<'_>, Words { vars, words }: &Words) -> Result<Reading> {
    let (mut options, mut patterns) = (vec![words[0].clone()], Vec::new());
    let mut rest = words[1..].iter();
    while let Some(word) = rest.next() {
        if word.starts_with('-') {
            options.push(word.clone());
            if VALUED.contains(&word.as_str()) {
                options.extend(rest.next().cloned());
            }
        } else {
            patterns.push(word.trim_start_matches("./").to_owned());
        }
    }
    let mut reading =
        Reading { command: session.suite.command.clone(), findings: Findings::default(), ending: Ending::Exited(0), output: String::new() };
    let deadline = Deadline::after(session.settings.timeout.duration());
    let canary = Canary::plant(session)?;
    let mut ran = Vec::new();
    for file in expand(session, &patterns).iter().filter(|file| asked(session, file)) {
        if deadline.spent() {
            reading.stopped();
            break;
        }
        ran.push(file.clone());
        let argv: Vec<String> = options.iter().cloned().chain([file.clone()]).collect();
        let mut child = Child::new(argv).parsed();
        child.env.extend(vars.iter().cloned());
        if let Some(canary) = &canary {
            child = canary.on(child);
        }
        let finished = session.start(child, deadline)?;
        let path = session.relative(file).unwrap_or_else(|| file.clone());
        keep(&finished, Some(&path), &mut reading);
    }
    if let Some(canary) = &canary {
        canary.read(&mut reading.findings);
    }
    if *session.selection != Selection::All {
        reading.command = line(&options.iter().chain(&ran).collect::<Vec<_>>());
    }
    Ok(reading)
}

/// One command that prints everything.
fn run_whole(session: &Session<'_>) -> Result<Reading> {
    let mut reading =
        Reading { command: session.suite.command.clone(), findings: Findings::default(), ending: Ending::Exited(0), output: String::new() };
    let deadline = Deadline::after(session.settings.timeout.duration());
    let canary = Canary::plant(session)?;
    let mut child = Child::shell(&keeping_options(&session.suite.command)).parsed();
    if let Some(canary) = &canary {
        child = canary.on(child);
    }
    let finished = session.start(child, deadline)?;
    keep(&finished, None, &mut reading);
    if let Some(canary) = &canary {
        canary.read(&mut reading.findings);
    }
    Ok(reading)
}

fn keep(finished: &crate::sandbox::Finished, file: Option<&str>, reading: &mut Reading) {
    let before = (reading.findings.cases.len(), reading.findings.troubles.len());
    let text = plain(&finished.stdout.text());
    parse(&text, file, &mut reading.findings);
    let said = plain(&finished.stderr.text());
    let nothing = before == (reading.findings.cases.len(), reading.findings.troubles.len());
    match finished.ending {
        Ending::TimedOut => {
            reading.stopped();
            // A stream that was cut off has no plan; that says nothing more.
            let fresh = reading.findings.troubles.split_off(before.1);
            reading.findings.troubles.extend(fresh.into_iter().filter(|one| one.kind != TroubleKind::Crash));
        }
        Ending::Exited(0) => {}
        // Failing tests explain a failing exit; a run without any does not.
        Ending::Exited(code) if nothing => {
            reading.ending = finished.ending;
            let kind = if code == 127 { TroubleKind::Missing } else { TroubleKind::Load };
            reading.findings.trouble(kind, file, &first_lines(if said.trim().is_empty() { &text } else { &said }, 10));
        }
        ending => {
            reading.ending = ending;
            if !ended_by_itself(ending) {
                reading.findings.trouble(TroubleKind::Crash, file, &first_lines(&said, 10));
            } else if let Some(error) = uncaught(&said) {
                reading.findings.trouble(TroubleKind::Crash, file, &error);
            }
        }
    }
    super::cargo::append(&mut reading.output, &streams(finished));
}

/// What node prints when an error ends the process.
fn uncaught(said: &str) -> Option<String> {
    let lines: Vec<&str> = said.lines().collect();
    let at = lines.iter().position(|line| line.starts_with("    at ")).filter(|at| *at > 0)?;
    Some(first_lines(&lines[at.saturating_sub(6)..].join("\n"), 10))
}

fn asked(session: &Session<'_>, file: &str) -> bool {
    let path = session.relative(file).unwrap_or_else(|| file.to_owned());
    match session.selection {
        Selection::All => true,
        Selection::Files(files) => files.contains(&path),
        Selection::Tests(tests) => tests.iter().any(|test| test.file() == path),
    }
}

/// The files that patterns name, sorted, relative to the suite's folder.
fn expand(session: &Session<'_>, patterns: &[String]) -> Vec<String> {
    let root = session.host_dir();
    let mut files = Vec::new();
    let mut globs = Vec::new();
    for pattern in patterns {
        if root.join(pattern).is_file() {
            files.push(pattern.clone());
        } else if root.join(pattern).is_dir() {
            globs.extend(GlobBuilder::new(&format!("{}/*.js", pattern.trim_end_matches('/'))).literal_separator(true).build().ok());
        } else {
            globs.extend(GlobBuilder::new(pattern).literal_separator(true).build().ok());
        }
    }
    let matchers: Vec<_> = globs.iter().map(globset::Glob::compile_matcher).collect();
    if !matchers.is_empty() {
        let walk = WalkBuilder::new(&root).standard_filters(false).filter_entry(|entry| entry.file_name() != "node_modules").build();
        for entry in walk.flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file())) {
            let Ok(path) = entry.path().strip_prefix(&root) else { continue };
            if matchers.iter().any(|glob| glob.is_match(path)) {
                files.push(path.to_string_lossy().into_owned());
            }
        }
    }
    files.sort();
    files.dedup();
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TestSettings;
    use crate::runner::trial::{Trial, lines};

    #[test]
    fn any_command_that_prints_tap() {
        let script = "echo 1..3\necho 'ok 1 - fine'\necho 'not ok 2 - wrong'\necho 'ok 3 - later # SKIP why'\nexit 1\n";
        let files = [("check.sh", script)];
        let settings = TestSettings {
            command: Some("bash check.sh".into()),
            runner: Some("tap".into()),
            setup: Some(Vec::new()),
            ..TestSettings::default()
        };
        let trial = Trial::new(&files, settings);
        let tree = trial.tree("one", &files);
        let report = trial.run(&tree, &Selection::All);
        assert_eq!(lines(&report), ["fine: passed", "later: skipped, skip why", "wrong: Assertion"]);
        assert_eq!((report.troubles.len(), report.ending), (0, Ending::Exited(1)), "{:?}", report.troubles);

        let silent = trial.tree("two", &[("check.sh", "echo nothing >&2; exit 3\n")]);
        let report = trial.run(&silent, &Selection::All);
        assert!(report.cases.is_empty() && !report.troubles.is_empty());
    }
}
