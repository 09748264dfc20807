//! `test`: the repository's tests through the runner, told compactly: counts, then failures, those that were red before marked.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;

use super::{Reply, input, paths};
use crate::agent::Assignment;
use crate::config::Span;
use crate::error::Result;
use crate::runner::{self, Case, Fault, Outcome, Report, Selection, Suite, TestId};
use crate::sandbox::Ending;
use crate::task::Event;

/// Failures told in full, and further ones by name.
const IN_FULL: usize = 8;
const BY_NAME: usize = 40;
/// Bytes of a failure's message and of its trace.
const MESSAGE: usize = 1_200;
const TRACE: usize = 1_500;
/// Bytes of output where nothing could be read from it.
const OUTPUT: usize = 6_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    #[serde(default, deserialize_with = "input::texts")]
    files: Vec<String>,
    #[serde(default, deserialize_with = "input::texts")]
    tests: Vec<String>,
    #[serde(default)]
    suite: Option<String>,
}

/// Tests that some run has named.
#[derive(Default)]
pub(super) struct KnownTests(BTreeSet<TestId>);

pub(super) fn run(desk: &Assignment<'_>, input: Input, left: Duration, known: &mut KnownTests) -> Result<Reply> {
    let suites = &desk.bench.suites;
    let at = match choose(suites, &input) {
        Ok(at) => at,
        Err(why) => return Ok(Reply::error(why)),
    };
    let before = desk.baseline.get().and_then(|reports| reports.get(at));
    known.0.extend(before.iter().flat_map(|report| report.cases.keys().cloned()));
    let selection = selection(desk, &input, known);
    let mut settings = desk.config.test.clone();
    let seconds = left.as_secs().max(1).min(settings.timeout.duration().as_secs().max(1));
    settings.timeout = Span::seconds(seconds);
    let report = runner::run(desk.sandbox, desk.tree, &suites[at], &selection, &settings, desk.cancel)?;
    known.0.extend(report.cases.keys().cloned());
    let (passed, failed, skipped) = report.counts();
    desk.reporter.event(&Event::Tests { cell: "agent".to_owned(), passed, failed, skipped, elapsed_ms: report.elapsed_ms });
    Ok(Reply::text(told(&report, before, seconds)))
}

/// How a suite is named in calls.
pub(in crate::agent) fn suite_name(suite: &Suite) -> String {
    let program = format!("{:?}", suite.program).to_lowercase();
    if suite.dir.is_empty() { program } else { format!("{program}:{}", suite.dir) }
}

/// The suite that is asked for: by its name, by the folder of the files, or the first.
fn choose(suites: &[Suite], input: &Input) -> Result<usize, String> {
    if suites.is_empty() {
        return Err("no test suite was found in the repository; run tests by shell".to_owned());
    }
    if let Some(name) = input.suite.as_deref().filter(|name| !name.is_empty()) {
        let found = suites.iter().position(|suite| suite_name(suite) == name || suite.dir == name || suite.command == name);
        let names: Vec<String> = suites.iter().map(suite_name).collect();
        return found.ok_or_else(|| format!("there is no suite {name:?}; there are: {}", names.join(", ")));
    }
    let inside = |suite: &Suite| input.files.iter().any(|file| file.starts_with(&format!("{}/", suite.dir)));
    let deepest =
        suites.iter().enumerate().filter(|(_, suite)| !suite.dir.is_empty() && inside(suite)).max_by_key(|(_, suite)| suite.dir.len());
    Ok(deepest.map_or(0, |(at, _)| at))
}

/// What to run. A test's name may be a part of a known one.
fn selection(desk: &Assignment<'_>, input: &Input, known: &KnownTests) -> Selection {
    if !input.tests.is_empty() {
        return Selection::Tests(input.tests.iter().flat_map(|name| known.named(name)).collect());
    }
    match input.files.is_empty() {
        true => Selection::All,
        false => Selection::Files(input.files.iter().map(|file| paths::relative(desk, file)).collect()),
    }
}

impl KnownTests {
    /// The tests meant by a name: the one of that name, or all that contain it, or a name nobody knows yet.
    fn named(&self, name: &str) -> Vec<TestId> {
        let exact = TestId::new(&[name]);
        if self.0.contains(&exact) {
            return vec![exact];
        }
        let containing: Vec<TestId> = self.0.iter().filter(|id| id.as_str().contains(name)).cloned().collect();
        if containing.is_empty() { vec![exact] } else { containing }
    }
}

/// Counts, command and time in one line.
pub(in crate::agent) fn summary_of(report: &Report) -> String {
    let (passed, failed, skipped) = report.counts();
    let seconds = report.elapsed_ms as f64 / 1000.0;
    let ending = match report.ending {
        Ending::TimedOut => ", killed at its limit",
        Ending::Signalled(_) => ", died",
        Ending::Exited(_) => "",
    };
    let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    format!("{failed} failed, {passed} passed{skipped} in {seconds:.1} s{ending} (`{}`)", report.command)
}

/// A report for the model.
fn told(report: &Report, before: Option<&Report>, limit: u64) -> String {
    let mut text = summary_of(report);
    if report.ending == Ending::TimedOut {
        text.push_str(&format!("\nThe limit of a run is {limit} s: run fewer tests, or look for a hang."));
    }
    for trouble in report.troubles.iter().take(5) {
        let file = trouble.file.as_deref().map(|file| format!(" {file}")).unwrap_or_default();
        text.push_str(&format!("\n\n{:?}{file}:\n{}", trouble.kind, cut(&trouble.message, 3_000)));
    }
    let mut failed: Vec<(&TestId, &Fault)> = report.cases.iter().filter_map(|(id, case)| fault(case).map(|fault| (id, fault))).collect();
    // what this change broke stands first
    failed.sort_by_key(|(id, _)| was_red(before, id));
    for (id, fault) in failed.iter().take(IN_FULL) {
        text.push_str(&format!("\n\nFAILED {id}{}\n{}", mark(before, id), shown(fault)));
    }
    if failed.len() > IN_FULL {
        text.push_str("\n\nFailed as well:");
        let names = failed[IN_FULL..].iter().take(BY_NAME).map(|(id, _)| format!("\n{id}{}", mark(before, id)));
        text.extend(names);
        if failed.len() > IN_FULL + BY_NAME {
            text.push_str(&format!("\nand {} more", failed.len() - IN_FULL - BY_NAME));
        }
    }
    if report.cases.is_empty() || (failed.is_empty() && report.troubles.is_empty() && report.ending != Ending::Exited(0)) {
        text.push_str(&format!("\n\nOutput:\n{}", cut(report.output.trim(), OUTPUT)));
    }
    text
}

fn fault(case: &Case) -> Option<&Fault> {
    match &case.outcome {
        Outcome::Failed(fault) => Some(fault),
        Outcome::Passed | Outcome::Skipped(_) => None,
    }
}

fn was_red(before: Option<&Report>, id: &TestId) -> bool {
    before.and_then(|report| report.cases.get(id)).is_some_and(|case| fault(case).is_some())
}

fn mark(before: Option<&Report>, id: &TestId) -> &'static str {
    if was_red(before, id) { " (red before your change too)" } else { "" }
}

/// Message and the end of the trace, which stands nearest to the failure.
fn shown(fault: &Fault) -> String {
    let message = cut(fault.message.trim(), MESSAGE);
    let trace = fault.trace.trim();
    if trace.is_empty() || trace == fault.message.trim() {
        return message;
    }
    let from = trace.ceil_char_boundary(trace.len().saturating_sub(TRACE));
    let dots = if from > 0 { format!("[... {from} bytes cut ...]") } else { String::new() };
    format!("{message}\n{dots}{}", &trace[from..]).trim_end().to_owned()
}

fn cut(text: &str, most: usize) -> String {
    crate::agent::brief::capped(text, most)
}
