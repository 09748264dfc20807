//! Two proofs of the same change compared: do they say the same, and where not? A flaky test and the time it took are no
//! difference.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::figures::claim;
use crate::runner::{Outcome, TestId};
use crate::verify::{Cell, CellRun, Ruling, Verdict};

/// How many tests of one kind of difference are named.
const NAMED: usize = 20;

/// One thing that two proofs do not agree on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What: `ruling`, `reasons`, `questions`, `fail-to-pass`, `flips`, or the name of a cell.
    pub what: &'static str,
    /// As it was recorded, and as it is now, in words.
    pub text: String,
    /// The tests it is about.
    pub tests: Vec<String>,
}

/// Where `now` differs from what was recorded; empty when both proofs agree.
pub fn differences(recorded: &Verdict, now: &Verdict) -> Vec<Difference> {
    let mut found = Vec::new();
    let (before, after) = (recorded.word(), now.word());
    if before != after {
        let text = format!("recorded {before} ({}), now {after} ({})", claim(recorded), claim(now));
        found.push(Difference { what: "ruling", text, tests: Vec::new() });
    }
    for (what, of) in [("reasons", reasons as fn(&Verdict) -> Vec<String>), ("questions", questions)] {
        let (old, new) = (of(recorded), of(now));
        if old != new && before == after {
            found.push(Difference { what, text: format!("recorded {}, now {}", listed(&old), listed(&new)), tests: Vec::new() });
        }
    }
    let flaky: BTreeSet<&TestId> = recorded.evidence.flaky.iter().chain(&now.evidence.flaky).map(|one| &one.test).collect();
    found.extend(sets("fail-to-pass", &proven(recorded), &proven(now), &flaky));
    found.extend(sets("flips", &flips(recorded), &flips(now), &flaky));
    for cell in [Cell::Baseline, Cell::Regression, Cell::MustFail, Cell::MustPass] {
        found.extend(cells(cell, &outcomes(&recorded.evidence.runs, cell), &outcomes(&now.evidence.runs, cell), &flaky));
    }
    found
}

fn reasons(verdict: &Verdict) -> Vec<String> {
    let Ruling::Rejected(reasons) = &verdict.ruling else { return Vec::new() };
    sorted(reasons.iter().map(|one| one.name.clone()))
}

fn questions(verdict: &Verdict) -> Vec<String> {
    let Ruling::Review(questions) = &verdict.ruling else { return Vec::new() };
    sorted(questions.iter().map(|one| one.name.clone()))
}

fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn proven(verdict: &Verdict) -> BTreeSet<&TestId> {
    verdict.evidence.fail_to_pass.iter().map(|one| &one.test).collect()
}

fn flips(verdict: &Verdict) -> BTreeSet<&TestId> {
    verdict.evidence.flips.iter().map(|one| &one.test).collect()
}

fn sets(what: &'static str, old: &BTreeSet<&TestId>, new: &BTreeSet<&TestId>, flaky: &BTreeSet<&TestId>) -> Vec<Difference> {
    let only = |one: &BTreeSet<&TestId>, other: &BTreeSet<&TestId>| -> Vec<String> {
        one.difference(other).filter(|test| !flaky.contains(*test)).map(ToString::to_string).collect()
    };
    let (gone, come) = (only(old, new), only(new, old));
    let row = |text: &str, tests: Vec<String>| (!tests.is_empty()).then(|| difference(what, text, tests));
    [row("recorded and not found now", gone), row("found now and not recorded", come)].into_iter().flatten().collect()
}

fn difference(what: &'static str, text: &str, mut tests: Vec<String>) -> Difference {
    let more = tests.len().saturating_sub(NAMED);
    tests.truncate(NAMED);
    let text = if more > 0 { format!("{text} ({more} more are not named)") } else { text.to_owned() };
    Difference { what, text, tests }
}

/// What each test came to in a cell, all runs of it together.
fn outcomes(runs: &[CellRun], cell: Cell) -> BTreeMap<&TestId, &Outcome> {
    let here = runs.iter().filter(|run| run.cell == cell);
    here.flat_map(|run| &run.report.cases).map(|(test, case)| (test, &case.outcome)).collect()
}

fn cells(
    cell: Cell,
    old: &BTreeMap<&TestId, &Outcome>,
    new: &BTreeMap<&TestId, &Outcome>,
    flaky: &BTreeSet<&TestId>,
) -> Option<Difference> {
    let what = cell.as_str();
    if old.is_empty() != new.is_empty() {
        let text =
            if new.is_empty() { "results were recorded, there are none now" } else { "no results were recorded, there are some now" };
        return Some(difference(what, text, Vec::new()));
    }
    let word = |of: &BTreeMap<&TestId, &Outcome>, test: &TestId| of.get(test).map_or("absent", |outcome| outcome.word());
    let all: BTreeSet<&TestId> = old.keys().chain(new.keys()).copied().filter(|test| !flaky.contains(test)).collect();
    let differ = all.into_iter().filter(|test| word(old, test) != word(new, test));
    let tests: Vec<String> = differ.map(|test| format!("{test}: {}, now {}", word(old, test), word(new, test))).collect();
    (!tests.is_empty()).then(|| difference(what, "tests came to something else", tests))
}

#[cfg(test)]
mod tests {
    use super::super::gallery::{evidence, judged, run, shaky};
    use super::*;
    use crate::verify::{Evidence, Proof, Reason};

    fn verified(evidence: Evidence) -> Verdict {
        judged(Ruling::Verified(Proof::FailToPass), evidence)
    }

    #[test]
    fn the_same_proof_twice_agrees_whatever_time_it_took() {
        let mut again = verified(evidence());
        again.evidence.runs.iter_mut().for_each(|run| run.report.elapsed_ms += 500);
        assert_eq!(differences(&verified(evidence()), &again), []);
    }

    #[test]
    fn another_word_and_another_result_are_named_with_their_place() {
        let runs = vec![run(Cell::Baseline, 40, &[]), run(Cell::MustFail, 3, &["test_above"]), run(Cell::MustPass, 40, &["test_40"])];
        let reason = Reason { name: "regression".into(), text: "x".into(), lines: String::new() };
        let now = judged(Ruling::Rejected(vec![reason]), Evidence { runs, fail_to_pass: Vec::new(), ..evidence() });
        let found = differences(&verified(evidence()), &now);
        let whats: Vec<&str> = found.iter().map(|one| one.what).collect();
        assert_eq!(whats, ["ruling", "fail-to-pass", "regression", "must-pass"]);
        assert!(found[0].text.starts_with("recorded verified") && found[0].text.contains("now rejected"), "{found:?}");
        assert_eq!(found[3].tests, ["tests/test_clamp.py::test_40: passed, now failed"]);
    }

    #[test]
    fn a_flaky_test_is_no_difference() {
        let runs = vec![run(Cell::Baseline, 39, &["test_39"])];
        let now = verified(Evidence { runs, flaky: vec![shaky("test_39")], ..evidence() });
        let then = verified(Evidence { runs: vec![run(Cell::Baseline, 40, &[])], ..evidence() });
        assert_eq!(differences(&then, &now), []);
    }
}
