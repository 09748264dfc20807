//! `test`: the repository's tests through the runner, told compactly: counts, then failures, those that were red before marked.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use serde::Deserialize;

use super::{Reply, input, paths};
use crate::agent::Assignment;
use crate::config::Span;
use crate::error::Result;
use crate::runner::{self, Case, Fault, Outcome, Report, Room, Selection, Suite, TestId, Trouble, TroubleKind};
use crate::sandbox::Ending;
use crate::task::Event;

/// Failures told in full, and further ones by name.
const IN_FULL: usize = 8;
const BY_NAME: usize = 40;
/// How much is told of one failure.
const ROOM: Room = Room { lines: 40, bytes: 3_600 };
/// Names told where failures say the same.
const ALIKE: usize = 12;
/// Largest file that is looked at for a test's name.
const LARGEST_SOURCE: u64 = 1 << 20;
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
    let (selection, note) = selection(desk, &input, known);
    let mut settings = desk.config.test.clone();
    let seconds = left.as_secs().max(1).min(settings.timeout.duration().as_secs().max(1));
    settings.timeout = Span::seconds(seconds);
    settings.build_timeout = settings.build_timeout.min(Span::seconds(left.as_secs().max(1)));
    let run = |suite: &Suite| runner::run(desk.sandbox, desk.tree, suite, &selection, &settings, desk.cancel);
    let narrow = runner::narrowed(&suites[at], &selection, desk.tree).map(|suite| run(&suite)).transpose()?;
    // a part may not build alone, or have its tests only beside others
    let report = match narrow.filter(is_answer) {
        Some(report) => report,
        None => run(&suites[at])?,
    };
    known.0.extend(report.cases.keys().cloned());
    let (passed, failed, skipped) = report.counts();
    desk.reporter.event(&Event::Tests { cell: "agent".to_owned(), passed, failed, skipped, elapsed_ms: report.elapsed_ms });
    Ok(Reply::text(format!("{note}{}", told(&report, before, seconds))))
}

/// Whether a run of a part says something about the tests: results, or which file does not build or takes too long.
fn is_answer(report: &Report) -> bool {
    let about_tests = |trouble: &Trouble| match trouble.kind {
        TroubleKind::Build | TroubleKind::Load => trouble.file.is_some(),
        TroubleKind::Timeout | TroubleKind::Crash => true,
        TroubleKind::NoTests | TroubleKind::Missing | TroubleKind::Unreadable => false,
    };
    !report.cases.is_empty() || report.troubles.iter().any(about_tests)
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

/// What to run, and what the model should know about it. A test's name may be a part of a known one; files beside names say
/// where those are looked for. Of a test that no run has named yet, the files that contain its name are run.
fn selection(desk: &Assignment<'_>, input: &Input, known: &KnownTests) -> (Selection, String) {
    let mut files: Vec<String> = input.files.iter().map(|file| paths::relative(desk, file)).collect();
    if input.tests.is_empty() {
        return (if files.is_empty() { Selection::All } else { Selection::Files(files) }, String::new());
    }
    let (mut tests, mut unknown) = (Vec::new(), Vec::new());
    for name in &input.tests {
        let named: Vec<TestId> =
            known.named(name).into_iter().filter(|id| files.is_empty() || files.iter().any(|file| file == id.file())).collect();
        let file = name.split("::").next().unwrap_or_default();
        match named.is_empty() {
            false => tests.extend(named),
            true if desk.workspace.is_file(file) => tests.push(TestId::new(&[name])),
            true => unknown.push(name.as_str()),
        }
    }
    if unknown.is_empty() {
        return (Selection::Tests(tests), String::new());
    }
    let names = unknown.join(", ");
    if files.is_empty() {
        files = unknown.iter().flat_map(|name| files_with(desk, name)).collect();
        files.dedup();
    }
    if files.is_empty() {
        tests.extend(unknown.into_iter().map(|name| TestId::new(&[name])));
        return (Selection::Tests(tests), String::new());
    }
    // one run has one kind of selection: the files of the tests that are known join
    files.extend(tests.iter().map(|test| test.file().to_owned()).filter(|file| desk.workspace.is_file(file)));
    files.dedup();
    let note = format!("{names} is not known from a run yet: ran all of {}\n", files.join(", "));
    (Selection::Files(files), note)
}

/// Files that contain the last part of a test's name.
fn files_with(desk: &Assignment<'_>, name: &str) -> Vec<String> {
    let plain = name.split('[').next().unwrap_or(name);
    let word = plain.rsplit("::").next().unwrap_or(plain).trim();
    if word.len() < 3 {
        return Vec::new();
    }
    let contains = |path: &String| {
        desk.workspace.read(path, LARGEST_SOURCE).is_ok_and(|bytes| bytes.windows(word.len()).any(|window| window == word.as_bytes()))
    };
    let files = paths::files(desk.workspace, "").into_iter();
    files.filter(|path| path.to_lowercase().contains("test") || path.ends_with(".rs")).filter(contains).take(3).collect()
}

impl KnownTests {
    /// The tests meant by a name: the one of that name, or all that contain it; none when nobody knows it yet.
    fn named(&self, name: &str) -> Vec<TestId> {
        let exact = TestId::new(&[name]);
        if self.0.contains(&exact) {
            return vec![exact];
        }
        self.0.iter().filter(|id| id.as_str().contains(name)).cloned().collect()
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
    let failed = failures(report, before);
    for alike in failed.iter().take(IN_FULL) {
        let names: Vec<String> = alike.names.iter().take(ALIKE).map(|id| format!("{id}{}", mark(before, id))).collect();
        let more = if alike.names.len() > ALIKE { format!("\nand {} more", alike.names.len() - ALIKE) } else { String::new() };
        text.push_str(&format!("\n\nFAILED {}{more}\n{}", names.join("\nFAILED "), alike.said));
    }
    let rest: Vec<&TestId> = failed.iter().skip(IN_FULL).flat_map(|alike| alike.names.iter().copied()).collect();
    if !rest.is_empty() {
        text.push_str("\n\nFailed as well:");
        text.extend(rest.iter().take(BY_NAME).map(|id| format!("\n{id}{}", mark(before, id))));
        if rest.len() > BY_NAME {
            text.push_str(&format!("\nand {} more", rest.len() - BY_NAME));
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

/// Failures that say the same.
struct Alike<'r> {
    names: Vec<&'r TestId>,
    said: String,
}

/// The failures; what this change broke stands first.
fn failures<'r>(report: &'r Report, before: Option<&Report>) -> Vec<Alike<'r>> {
    let mut failed: Vec<(&TestId, &Fault)> = report.cases.iter().filter_map(|(id, case)| fault(case).map(|fault| (id, fault))).collect();
    failed.sort_by_key(|(id, _)| was_red(before, id));
    let mut groups: Vec<Alike<'r>> = Vec::new();
    let mut known: HashMap<(bool, &str, &str), usize> = HashMap::new();
    for (id, fault) in failed {
        let at = *known.entry((was_red(before, id), &fault.message, &fault.trace)).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(alike) => alike.names.push(id),
            None => groups.push(Alike { names: vec![id], said: fault.decisive(ROOM) }),
        }
    }
    groups
}

fn cut(text: &str, most: usize) -> String {
    crate::agent::brief::capped(text, most)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::agent::scene::{Scene, with_assignment};
    use crate::runner::FaultKind;

    fn failing(message: &str, trace: &str) -> Case {
        let fault = Fault { kind: FaultKind::Assertion, message: message.into(), trace: trace.into() };
        Case { outcome: Outcome::Failed(fault), file: None, elapsed_ms: None }
    }

    fn report(cases: Vec<(&str, Case)>) -> Report {
        Report {
            command: "pytest -q".into(),
            cases: cases.into_iter().map(|(name, case)| (TestId::new(&[name]), case)).collect(),
            troubles: Vec::new(),
            ending: Ending::Exited(1),
            elapsed_ms: 1_500,
            output: "raw output".into(),
            loaded: Default::default(),
        }
    }

    #[test]
    fn what_the_change_broke_stands_first() {
        let before = report(vec![("a::old", failing("x", ""))]);
        let passed = Case { outcome: Outcome::Passed, file: None, elapsed_ms: None };
        let now = report(vec![("a::old", failing("x", "")), ("b::new", failing("1 != 2", "in b.py:3")), ("c", passed)]);
        let expected = "2 failed, 1 passed in 1.5 s (`pytest -q`)\n\nFAILED b::new\n1 != 2\nin b.py:3\n\nFAILED a::old (red before your change too)\nx";
        assert_eq!(told(&now, Some(&before), 300), expected);
    }

    #[test]
    fn many_failures_and_long_traces_stay_short() {
        let names: Vec<String> = (0..100).map(|n| format!("t::{n:03}")).collect();
        let long: String = (0..400).map(|n| if n == 200 { ">   decisive\n".to_owned() } else { format!("    line {n}\n") }).collect();
        let case = |at: usize| failing(&format!("no {at}"), &long);
        let different = told(&report(names.iter().enumerate().map(|(at, name)| (name.as_str(), case(at))).collect()), None, 300);
        assert!(different.len() < 12_000 && different.contains("and 52 more"), "{}", different.len());
        assert!(
            different.contains("no 0\n    line 0\n") && different.contains("    line 199\n>   decisive\n    line 201\n"),
            "{different}"
        );
        let same = told(&report(names.iter().map(|name| (name.as_str(), failing("no", "in x"))).collect()), None, 300);
        assert!(same.ends_with("\nFAILED t::010\nFAILED t::011\nand 88 more\nno\nin x"), "{same}");
    }

    #[test]
    fn a_run_that_cannot_be_read_shows_why() {
        let mut broken = report(Vec::new());
        broken.troubles.push(Trouble { kind: TroubleKind::Load, file: Some("t.py".into()), message: "SyntaxError".into() });
        assert!(told(&broken, None, 300).ends_with("\n\nLoad t.py:\nSyntaxError\n\nOutput:\nraw output"));
        broken.ending = Ending::TimedOut;
        assert!(told(&broken, None, 300).contains("killed at its limit") && told(&broken, None, 300).contains("limit of a run is 300 s"));
    }

    #[test]
    fn tests_are_found_by_part_of_their_name_or_by_their_file() {
        let scene = Scene::new();
        let mut known = KnownTests::default();
        known.0.extend([TestId::new(&["a.py", "one"]), TestId::new(&["a.py", "one_more"]), TestId::new(&["b.py", "two"])]);
        let select = |tests: &[&str]| {
            let input: Input = serde_json::from_value(json!({"tests": tests})).unwrap();
            with_assignment(&scene, 0, None, |desk| selection(desk, &input, &known))
        };
        let ids = |names: &[&str]| Selection::Tests(names.iter().map(|name| TestId::new(&[name])).collect());
        assert_eq!(select(&["a.py::one"]).0, ids(&["a.py::one"]));
        assert_eq!(select(&["one", "two"]).0, ids(&["a.py::one", "a.py::one_more", "b.py::two"]));
        assert_eq!(select(&[]).0, Selection::All);
        assert_eq!(select(&["test/sum.test.js::new"]).0, ids(&["test/sum.test.js::new"]));
        let (found, note) = select(&["red before"]);
        assert_eq!(found, Selection::Files(vec!["test/sum.test.js".into()]));
        assert!(note.starts_with("red before is not known from a run yet"));
        assert_eq!(select(&["nowhere at all"]).0, ids(&["nowhere at all"]));
        let both = |files: &[&str], tests: &[&str]| {
            let input: Input = serde_json::from_value(json!({"files": files, "tests": tests})).unwrap();
            with_assignment(&scene, 0, None, |desk| selection(desk, &input, &known))
        };
        assert_eq!(both(&["b.py"], &["o"]).0, ids(&["b.py::two"]), "names are looked for in the files");
        let (found, note) = both(&["test/sum.test.js"], &["not there"]);
        assert_eq!(found, Selection::Files(vec!["test/sum.test.js".into()]));
        assert!(note.starts_with("not there is not known from a run yet: ran all of test/sum.test.js"), "{note}");
    }
}
