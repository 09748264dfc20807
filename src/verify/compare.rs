//! Holds the reports of the four cells against each other: what proves, what broke, what was red before, which old
//! expectations no longer hold. Pure over reports; reruns and the word are `judge` and `ruling`.

use std::collections::{BTreeMap, BTreeSet};

use super::died::died_inside;
use super::facts::{Broken, EVIDENCE, Unproven, decisive};
use super::identify::{Tests, TextChange, function_key};
use super::lost;
use super::red::{Known, Red, Weak, classify, classify_trouble};
use super::{Proven, RedKind};
use crate::runner::{Case, Fault, Outcome, Report, TestId, Trouble, TroubleKind};

/// The reports of one suite; cells that follow from others are absent.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    /// Base source, base tests.
    pub baseline: &'a Report,
    /// Head source, head tests.
    pub must_pass: &'a Report,
    /// Base source, head tests.
    pub must_fail: Option<&'a Report>,
    /// Head source, base tests.
    pub regression: Option<&'a Report>,
}

/// What the reports say together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Tests that passed and pass, those that prove something not included.
    pub pass_to_pass: u64,
    /// Red before and red now.
    pub red_before: Vec<TestId>,
    /// Red before and green now, untouched by the patch.
    pub mended: Vec<TestId>,
    /// Candidates that were red on base and are green on head.
    pub proven: Vec<Proven>,
    /// Candidates that are green on head and prove nothing.
    pub unproven: Vec<Unproven>,
    /// New or changed tests that fail on head.
    pub failing: Vec<Broken>,
    /// Passed before, fail now, their text untouched.
    pub broken: Vec<Broken>,
    /// Passed before, not run now, and no change of the test files says why.
    pub lost: Vec<Broken>,
    /// Passed before, not run now, and as many new ones of the same group pass with and without the patch: rows of data
    /// that were renamed, as far as can be told.
    pub renamed: Vec<(TestId, TestId)>,
    /// Functions of tables that have fewer rows than before: how many had passed, how many there are.
    pub fewer: Vec<(String, usize, usize)>,
    /// Old texts that fail on head.
    pub altered: Vec<Broken>,
    /// Untouched tests that a changed support file makes pass on the base source.
    pub covered_up: Vec<TestId>,
    /// What head has and the baseline had not: targets or files that do not build or load.
    pub troubles: Vec<Trouble>,
}

/// Compares the cells of one suite.
pub fn compare(seen: Observed<'_>, tests: &Tests, known: &Known) -> Comparison {
    let mut out = Comparison { troubles: troubles_of_head(seen.baseline, seen.must_pass), ..Comparison::default() };
    for (id, case) in &seen.must_pass.cases {
        match &case.outcome {
            Outcome::Passed => passed_on_head(&mut out, seen, id, case, tests, known),
            Outcome::Failed(fault) => {
                let broken = Broken { test: id.clone(), lines: evidence(fault) };
                match (outcome(seen.baseline, id), tests.change(id, case.file.as_deref())) {
                    (Some(Outcome::Failed(_)), _) => out.red_before.push(id.clone()),
                    // Green with the old test side beside the same source: the data or helpers it stands on changed.
                    (Some(Outcome::Passed), TextChange::Same | TextChange::Unknown) if !passes(seen.regression, id) => {
                        out.broken.push(broken)
                    }
                    _ => out.failing.push(broken),
                }
            }
            Outcome::Skipped(why) if outcome(seen.baseline, id) == Some(&Outcome::Passed) => {
                out.lost.push(Broken { test: id.clone(), lines: format!("skipped: {why}") });
            }
            Outcome::Skipped(_) => {}
        }
    }
    // What is red on the base source with its new text is counted as proof, not as something that stayed.
    let before = |one: &&Proven| outcome(seen.baseline, &one.test) == Some(&Outcome::Passed);
    out.pass_to_pass -= out.proven.iter().filter(before).count() as u64;
    lost::look(&mut out, seen, tests);
    old_on_head(&mut out, seen, tests);
    if tests.data_changed {
        covered_up(&mut out, seen, tests);
    }
    out
}

/// Support files may serve new tests; they may not change what untouched tests say about the unchanged source.
fn covered_up(out: &mut Comparison, seen: Observed<'_>, tests: &Tests) {
    let Some(must_fail) = seen.must_fail else { return };
    for (id, case) in &seen.baseline.cases {
        let same = tests.change(id, case.file.as_deref()) == TextChange::Same;
        if same && matches!(case.outcome, Outcome::Failed(_)) && outcome(must_fail, id) == Some(&Outcome::Passed) {
            out.covered_up.push(id.clone());
        }
    }
}

pub(super) fn outcome<'r>(report: &'r Report, id: &TestId) -> Option<&'r Outcome> {
    report.cases.get(id).map(|case| &case.outcome)
}

pub(super) fn passes(report: Option<&Report>, id: &TestId) -> bool {
    report.is_some_and(|report| outcome(report, id) == Some(&Outcome::Passed))
}

fn evidence(fault: &Fault) -> String {
    format!("{}\n", fault.decisive(EVIDENCE))
}

/// Troubles of head that the baseline has not. The end of a run is told by `judge`.
fn new_troubles(baseline: &Report, head: &Report) -> Vec<Trouble> {
    let known: BTreeSet<_> = baseline.troubles.iter().map(|one| (one.kind as u8, one.file.clone())).collect();
    head.troubles
        .iter()
        .filter(|one| one.kind != TroubleKind::NoTests && !known.contains(&(one.kind as u8, one.file.clone())))
        .cloned()
        .collect()
}

/// What is new, and that the run was stopped: where both were, nobody knows what they did not come to.
fn troubles_of_head(baseline: &Report, head: &Report) -> Vec<Trouble> {
    let new = new_troubles(baseline, head);
    let cut = |one: &&Trouble| one.kind == TroubleKind::Timeout && one.file.is_none() && !new.contains(one);
    let again: Vec<Trouble> = head.troubles.iter().filter(cut).cloned().collect();
    [new, again].concat()
}

fn passed_on_head(out: &mut Comparison, seen: Observed<'_>, id: &TestId, case: &Case, tests: &Tests, known: &Known) {
    let before = outcome(seen.baseline, id);
    let file = case.file.as_deref();
    let change = tests.change(id, file);
    if before == Some(&Outcome::Passed) {
        out.pass_to_pass += 1;
    }
    let was_red = matches!(before, Some(Outcome::Failed(_)));
    let touched = before.is_none() || !matches!(change, TextChange::Same);
    let by_data = tests.data_changed && before == Some(&Outcome::Passed);
    let Some(must_fail) = seen.must_fail.filter(|_| touched && !(was_red && change == TextChange::Unknown) || by_data) else {
        if was_red {
            out.mended.push(id.clone());
        }
        return;
    };
    match base_red(must_fail, id, file, tests, known) {
        // Tests that only stand on changed data are no candidates until they differ; that their file does not load
        // beside the old source says nothing of them.
        (Red::No(_) | Red::Proof(RedKind::MissingApi), _) if !touched => {}
        (Red::No(Weak::Passes | Weak::NotRun), _) if change == TextChange::Same || change == TextChange::Unknown && before.is_some() => {}
        (Red::Proof(red), lines) => out.proven.push(Proven { test: id.clone(), red, lines }),
        (Red::No(why), lines) => out.unproven.push(Unproven { test: id.clone(), why, lines }),
    }
}

/// What one test showed on the base source with the head tests, with the lines that say so.
pub fn base_red(must_fail: &Report, id: &TestId, file: Option<&str>, tests: &Tests, known: &Known) -> (Red, String) {
    match must_fail.cases.get(id) {
        Some(case) => match &case.outcome {
            Outcome::Passed => (Red::No(Weak::Passes), String::new()),
            Outcome::Skipped(why) => (Red::No(Weak::Skipped), why.clone()),
            Outcome::Failed(fault) => {
                let lines = evidence(fault);
                (classify(fault, case.file.as_deref().or(file), known), lines)
            }
        },
        None => absent_on_base(must_fail, id, file, tests, known),
    }
}

/// A test that did not run: its file or target may say why.
fn absent_on_base(must_fail: &Report, id: &TestId, file: Option<&str>, tests: &Tests, known: &Known) -> (Red, String) {
    let about_file = |trouble: &&Trouble| concerns(trouble, id, file);
    let troubles =
        || must_fail.troubles.iter().filter(|one| matches!(one.kind, TroubleKind::Build | TroubleKind::Load | TroubleKind::Crash));
    let told: Vec<_> = troubles().filter(about_file).collect();
    let all = if told.is_empty() && !tests.files.is_empty() && must_fail.cases.is_empty() { troubles().collect() } else { told };
    let red = |one: &Trouble| died_inside(one, id, file, tests, known).unwrap_or_else(|| classify_trouble(one, known));
    let judged: Vec<(Red, &Trouble)> = all.into_iter().map(|one| (red(one), one)).collect();
    let proof = judged.iter().find(|(red, _)| matches!(red, Red::Proof(_)));
    match proof.or(judged.first()) {
        Some((red, trouble)) => (*red, decisive(&trouble.message)),
        // Tests inside a source file that the base tree has not: the whole module is what the patch adds.
        None if file.is_some_and(|file| known.new_sources.contains(file)) => {
            (Red::Proof(RedKind::MissingApi), format!("{} is not in the base tree", file.unwrap_or_default()))
        }
        None => (Red::No(Weak::NotRun), String::new()),
    }
}

/// Whether a trouble is about a test: it names the test's file or build target, or prints its file.
pub(super) fn concerns(trouble: &Trouble, id: &TestId, file: Option<&str>) -> bool {
    let Some(named) = trouble.file.as_deref() else { return true };
    let target = id.as_str().split("::").next().unwrap_or_default();
    named == target || file.is_none_or(|file| named == file || trouble.message.contains(file))
}

/// Old texts on the head source.
fn old_on_head(out: &mut Comparison, seen: Observed<'_>, tests: &Tests) {
    let Some(regression) = seen.regression else { return };
    let broken: BTreeSet<TestId> = out.broken.iter().map(|one| one.test.clone()).collect();
    let troubles = new_troubles(seen.baseline, regression);
    for (id, case) in &seen.baseline.cases {
        if case.outcome != Outcome::Passed || broken.contains(id) {
            continue;
        }
        let lines = match outcome(regression, id) {
            Some(Outcome::Failed(fault)) => evidence(fault),
            Some(Outcome::Passed | Outcome::Skipped(_)) => continue,
            None => {
                // The old text does not even build or load beside the new source. Untouched tests of the same target
                // are shown by must-pass.
                let trouble = troubles.iter().find(|one| concerns(one, id, case.file.as_deref()));
                let same = tests.change(id, case.file.as_deref()) == TextChange::Same;
                let Some(trouble) = trouble.filter(|_| !same) else { continue };
                decisive(&trouble.message)
            }
        };
        // Red with the old tests and green with the new ones although its own text is the same: something else on the
        // test side (a helper, data) keeps it green. That is an altered expectation too.
        if outcome(seen.must_pass, id) == Some(&Outcome::Passed) || tests.change(id, case.file.as_deref()) != TextChange::Same {
            out.altered.push(Broken { test: id.clone(), lines });
        } else {
            out.broken.push(Broken { test: id.clone(), lines });
        }
    }
}

/// Red-to-green tests by the function they belong to.
pub fn by_function(proven: &[Proven], tests: &Tests, files: impl Fn(&TestId) -> Option<String>) -> BTreeMap<String, Vec<Proven>> {
    let mut groups: BTreeMap<String, Vec<Proven>> = BTreeMap::new();
    for one in proven {
        let file = files(&one.test);
        let key = match tests.head_item(&one.test, file.as_deref()) {
            Some((path, item)) => format!("{path}::{}", item.path()),
            None => function_key(&one.test),
        };
        groups.entry(key).or_default().push(one.clone());
    }
    groups
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::identify::tests::of;
    use super::*;
    use crate::runner::FaultKind;
    use crate::sandbox::Ending;

    pub(in crate::verify) const FILE: &str = "tests/test_a.py";
    pub(in crate::verify) const OLD: &str = "def test_old():\n    assert f() == 1\n\ndef test_same():\n    assert g()\n";
    const NEW: &str = "def test_old():\n    assert f() == 2\n\ndef test_same():\n    assert g()\n\ndef test_new():\n    assert h()\n";

    pub(in crate::verify) fn id(name: &str) -> TestId {
        TestId::new(&[FILE, name])
    }

    fn failed(kind: FaultKind, message: &str) -> Outcome {
        Outcome::Failed(Fault { kind, message: message.into(), trace: String::new() })
    }

    pub(in crate::verify) fn red() -> Outcome {
        failed(FaultKind::Assertion, "assert 1 == 2")
    }

    pub(in crate::verify) fn report(cases: &[(&str, Outcome)]) -> Report {
        let each =
            cases.iter().map(|(name, outcome)| (id(name), Case { outcome: outcome.clone(), file: Some(FILE.into()), elapsed_ms: None }));
        Report {
            command: "pytest".into(),
            cases: each.collect(),
            troubles: Vec::new(),
            ending: Ending::Exited(0),
            elapsed_ms: 10,
            output: String::new(),
            loaded: Default::default(),
        }
    }

    pub(in crate::verify) fn troubled(mut report: Report, kind: TroubleKind, file: &str, message: &str) -> Report {
        report.troubles.push(Trouble { kind, file: Some(file.into()), message: message.into() });
        report
    }

    fn compared(baseline: &Report, must_pass: &Report, must_fail: &Report, regression: Option<&Report>) -> Comparison {
        let known = Known { added: ["fresh".to_owned()].into(), ..Known::default() };
        compare(Observed { baseline, must_pass, must_fail: Some(must_fail), regression }, &of(FILE, OLD, NEW), &known)
    }

    use Outcome::Passed;

    #[test]
    fn a_new_test_that_is_red_on_base_and_green_on_head_proves() {
        let base = report(&[("test_old", Passed), ("test_same", Passed)]);
        let head = report(&[("test_old", Passed), ("test_same", Passed), ("test_new", Passed)]);
        let mixed = report(&[("test_old", red()), ("test_same", Passed), ("test_new", red())]);
        let old = report(&[("test_old", red()), ("test_same", Passed)]);
        let out = compared(&base, &head, &mixed, Some(&old));
        let proven: Vec<&str> = out.proven.iter().map(|one| one.test.as_str()).collect();
        assert_eq!(proven, ["tests/test_a.py::test_new", "tests/test_a.py::test_old"]);
        assert_eq!(out.pass_to_pass, 1, "a test counts once: what proves is not among what stayed");
        assert_eq!(out.altered.len(), 1);
        assert!(out.broken.is_empty() && out.lost.is_empty() && out.failing.is_empty());
    }

    #[test]
    fn an_unchanged_test_that_turns_red_is_broken_and_a_changed_one_fails_its_own_patch() {
        let base = report(&[("test_old", Passed), ("test_same", Passed)]);
        let head = report(&[("test_old", red()), ("test_same", red()), ("test_new", red())]);
        let out = compared(&base, &head, &report(&[]), None);
        assert_eq!(out.broken, [Broken { test: id("test_same"), lines: "assert 1 == 2\n".into() }]);
        assert_eq!(out.failing.len(), 2);
        let old = report(&[("test_old", Passed), ("test_same", Passed)]);
        let out = compared(&base, &head, &report(&[]), Some(&old));
        assert_eq!((out.broken.len(), out.failing.len()), (0, 3), "its data or a helper of the patch made it red");
    }

    #[test]
    fn what_was_red_before_is_never_blamed_and_what_is_mended_is_told() {
        let base = report(&[("test_old", Passed), ("test_same", red())]);
        let head = report(&[("test_old", Passed), ("test_same", red())]);
        assert_eq!(compared(&base, &head, &report(&[]), None).red_before, [id("test_same")]);
        let head = report(&[("test_old", Passed), ("test_same", Passed)]);
        assert_eq!(compared(&base, &head, &report(&[]), None).mended, [id("test_same")]);
    }

    #[test]
    fn what_proves_nothing_is_named() {
        let base = report(&[("test_old", Passed), ("test_same", Passed)]);
        let head = report(&[("test_old", Passed), ("test_same", Passed), ("test_new", Passed)]);
        let why = |mixed: &Report| {
            let out = compared(&base, &head, mixed, None);
            assert!(out.proven.is_empty(), "{:?}", out.proven);
            out.unproven.iter().find(|one| one.test == id("test_new")).map(|one| one.why)
        };
        assert_eq!(why(&report(&[("test_new", Passed)])), Some(Weak::Passes));
        assert_eq!(why(&report(&[("test_new", Outcome::Skipped("no".into()))])), Some(Weak::Skipped));
        assert_eq!(why(&report(&[("test_new", failed(FaultKind::Fixture, "x"))])), Some(Weak::Fixture));
        assert_eq!(why(&report(&[("test_new", failed(FaultKind::Crash, "x"))])), Some(Weak::Crash));
        assert_eq!(why(&report(&[("test_new", failed(FaultKind::Error, "KeyError"))])), Some(Weak::OwnError));
        assert_eq!(why(&report(&[("test_same", Passed)])), Some(Weak::NotRun));
        assert_eq!(why(&troubled(report(&[]), TroubleKind::Load, FILE, "SyntaxError: invalid syntax")), Some(Weak::Load));
        assert_eq!(why(&troubled(report(&[]), TroubleKind::Crash, FILE, "died")), Some(Weak::Crash));
        assert_eq!(why(&troubled(report(&[]), TroubleKind::Timeout, FILE, "stopped")), Some(Weak::NotRun));
    }

    #[test]
    fn a_file_that_misses_an_added_name_is_missing_api() {
        let base = report(&[("test_old", Passed), ("test_same", Passed)]);
        let head = report(&[("test_old", Passed), ("test_same", Passed), ("test_new", Passed)]);
        let mixed = troubled(report(&[]), TroubleKind::Load, FILE, "ImportError: cannot import name 'fresh' from 'pkg'");
        let out = compared(&base, &head, &mixed, None);
        assert_eq!(out.proven.iter().map(|one| one.red).collect::<Vec<_>>(), [RedKind::MissingApi, RedKind::MissingApi]);
        assert!(out.proven.iter().all(|one| one.test != id("test_same")), "an untouched test of the file is no proof");
    }

    #[test]
    fn a_test_that_no_longer_runs_is_lost_unless_head_says_why() {
        let base = report(&[("test_old", Passed), ("test_same", Passed)]);
        let head = report(&[("test_old", Passed)]);
        assert_eq!(compared(&base, &head, &report(&[]), None).lost[0].test, id("test_same"));
        let skipped = report(&[("test_old", Passed), ("test_same", Outcome::Skipped("why".into()))]);
        assert_eq!(compared(&base, &skipped, &report(&[]), None).lost[0].lines, "skipped: why");
        let broken = troubled(head, TroubleKind::Load, FILE, "SyntaxError");
        let out = compared(&base, &broken, &report(&[]), None);
        assert!(out.lost.is_empty() && out.troubles.len() == 1);
        // Stopped on both sides: what head did not come to is not lost, and that it was stopped is told.
        let stopped = |mut report: Report| {
            report.troubles.push(Trouble { kind: TroubleKind::Timeout, file: None, message: "stopped".into() });
            report
        };
        let out = compared(&stopped(base), &stopped(report(&[("test_old", Passed)])), &report(&[]), None);
        assert!(out.lost.is_empty() && out.troubles.len() == 1, "{:?}", out.troubles);
    }

    #[test]
    fn rows_of_a_table_whose_ids_shift_are_not_lost() {
        let base = report(&[("test_same[1]", Passed), ("test_same[2]", Passed)]);
        let head = report(&[("test_same[1-a]", Passed), ("test_same[2-b]", Passed)]);
        assert_eq!(compared(&base, &head, &report(&[]), None).lost, []);
    }
}
