//! Tests that passed and are not among the results of head: gone without a word, or renamed. Pure, as all of `compare`.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::{Comparison, Observed, concerns, outcome, passes};
use super::facts::Broken;
use super::identify::{Tests, TextChange, function_key};
use crate::runner::{Outcome, Report, TestId, TroubleKind};

/// Tests that passed and are not among the results of head.
pub fn look(out: &mut Comparison, seen: Observed<'_>, tests: &Tests) {
    let functions: BTreeSet<String> = seen.must_pass.cases.keys().map(function_key).collect();
    let mut heirs = heirs(seen, tests);
    let stopped = out.troubles.iter().any(|one| matches!(one.kind, TroubleKind::Timeout | TroubleKind::Crash | TroubleKind::Unreadable));
    for (id, case) in &seen.baseline.cases {
        if case.outcome != Outcome::Passed || seen.must_pass.cases.contains_key(id) || functions.contains(&function_key(id)) {
            continue;
        }
        let file = case.file.as_deref();
        let told = stopped || out.troubles.iter().any(|one| concerns(one, id, file));
        // A deleted function is judged by its text, and so is one that runs under another name, in another class or
        // in another file.
        if told
            || tests.change(id, file) == TextChange::Deleted
            || matches!(tests.change(id, file), TextChange::Changed | TextChange::Same) && has_heir(&mut heirs, id, file, tests)
        {
            continue;
        }
        if matches!(tests.change(id, file), TextChange::Unknown)
            && seen.regression.is_some_and(|r| outcome(r, id) != Some(&Outcome::Passed))
        {
            continue; // told as an altered expectation
        }
        out.lost.push(Broken { test: id.clone(), lines: "passed at the baseline, not among the results with the patch".into() });
    }
    renamed_rows(out, seen, tests);
    fewer_rows(out, seen);
}

/// Tables that lost rows: their ids shift, so only their number tells.
fn fewer_rows(out: &mut Comparison, seen: Observed<'_>) {
    let rows = |report: &Report, counts: fn(&Outcome) -> bool| {
        let mut rows: BTreeMap<String, usize> = BTreeMap::new();
        let counted = report.cases.iter().filter(|(_, case)| counts(&case.outcome));
        counted.for_each(|(id, _)| *rows.entry(function_key(id)).or_default() += 1);
        rows
    };
    let before = rows(seen.baseline, |outcome| *outcome == Outcome::Passed);
    let after = rows(seen.must_pass, |outcome| !matches!(outcome, Outcome::Skipped(_)));
    let fewer = before.into_iter().filter_map(|(key, count)| Some((*after.get(&key)?, key, count))).filter(|(now, _, count)| now < count);
    out.fewer.extend(fewer.map(|(now, key, count)| (key, count, now)));
}

/// A function of head: its file and its name.
type Place = (String, String);

/// How many tests of each function head has under names that the baseline does not know.
fn heirs(seen: Observed<'_>, tests: &Tests) -> BTreeMap<Place, usize> {
    let mut heirs = BTreeMap::new();
    let fresh = seen.must_pass.cases.iter().filter(|(id, _)| !seen.baseline.cases.contains_key(*id));
    for (id, case) in fresh.filter(|(_, case)| !matches!(case.outcome, Outcome::Skipped(_))) {
        if let Some((path, item)) = tests.head_item(id, case.file.as_deref()) {
            *heirs.entry((path.to_owned(), item.path())).or_default() += 1;
        }
    }
    heirs
}

/// Whether the function that took a test's place runs under another name; each such name stands for one test.
fn has_heir(heirs: &mut BTreeMap<Place, usize>, id: &TestId, file: Option<&str>, tests: &Tests) -> bool {
    let place = tests.base_item(id, file).and_then(|(path, item)| tests.successor(path, item));
    let left = place.and_then(|(path, item)| heirs.get_mut(&(path.to_owned(), item.path())));
    left.is_some_and(|left| {
        let some = *left > 0;
        *left = left.saturating_sub(1);
        some
    })
}

/// The file and class, suite or table that a test stands in.
fn group(id: &TestId) -> &str {
    id.as_str().rsplit_once("::").map_or("", |(group, _)| group)
}

/// Its name without the group.
fn own_name(id: &TestId) -> &str {
    id.as_str().rsplit_once("::").map_or(id.as_str(), |(_, name)| name)
}

/// Tests made from data have no function of their own to match them by. Where as many are new in their group, and those
/// say the same of the base source as of the head, a person can see whether they are the same under other names.
fn renamed_rows(out: &mut Comparison, seen: Observed<'_>, tests: &Tests) {
    let file = |report: &Report, id: &TestId| report.cases.get(id).and_then(|case| case.file.clone());
    let by_data = |id: &TestId| match tests.change(id, file(seen.baseline, id).as_deref()) {
        TextChange::Unknown => true,
        TextChange::Same => tests.data_changed,
        TextChange::New | TextChange::Changed | TextChange::Deleted => false,
    };
    let is_guard = |id: &&TestId| {
        !seen.baseline.cases.contains_key(*id)
            && passes(Some(seen.must_pass), id)
            && seen.must_fail.is_none_or(|cell| passes(Some(cell), id))
    };
    let mut fresh: BTreeMap<&str, Vec<&TestId>> = BTreeMap::new();
    seen.must_pass.cases.keys().filter(is_guard).for_each(|id| fresh.entry(group(id)).or_default().push(id));
    // The same name in another group: a file or suite that is called otherwise now.
    let mut elsewhere: Vec<&TestId> = fresh.values().flatten().copied().collect();
    let (renamed, lost) = (&mut out.renamed, &mut out.lost);
    lost.retain(|one| {
        let same = elsewhere.iter().position(|new| by_data(&one.test) && own_name(new) == own_name(&one.test));
        same.map(|at| renamed.push((one.test.clone(), elsewhere.swap_remove(at).clone()))).is_none()
    });
    fresh.values_mut().for_each(|list| list.retain(|id| elsewhere.contains(id)));
    let mut gone: BTreeMap<String, Vec<TestId>> = BTreeMap::new();
    out.lost
        .iter()
        .filter(|one| by_data(&one.test))
        .for_each(|one| gone.entry(group(&one.test).to_owned()).or_default().push(one.test.clone()));
    for (group, ids) in gone {
        let Some(new) = fresh.get(group.as_str()).filter(|new| new.len() >= ids.len()) else { continue };
        out.lost.retain(|one| !ids.contains(&one.test));
        out.renamed.extend(ids.into_iter().zip(new.iter().map(|id| (*id).clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::super::compare::compare;
    use super::super::compare::tests::{FILE, OLD, id, red, report};
    use super::super::identify::tests::of;
    use super::super::red::Known;
    use super::*;
    use crate::runner::Outcome::Passed;

    #[test]
    fn a_renamed_function_is_the_same_test_and_renamed_rows_are_for_a_person() {
        let old = "def test_first_name():\n    result = f(1, 2)\n    assert result == 1\n";
        let (renamed, known) = (of(FILE, old, &old.replace("first", "second")), Known::default());
        let cells = |names: [&str; 3]| names.map(|name| report(&[(name, Passed)]));
        let run = |cells: &[Report; 3], tests: &Tests| {
            let seen = Observed { baseline: &cells[0], must_pass: &cells[1], must_fail: Some(&cells[2]), regression: Some(&cells[0]) };
            compare(seen, tests, &known)
        };
        let out = run(&cells(["test_first_name", "test_second_name", "test_second_name"]), &renamed);
        assert!(out.lost.is_empty() && out.renamed.is_empty(), "{out:?}");
        let mut rows = of(FILE, OLD, OLD);
        rows.data_changed = true;
        let out = run(&cells(["test_row_a", "test_row_b", "test_row_b"]), &rows);
        assert_eq!((out.renamed, out.lost.len()), (vec![(id("test_row_a"), id("test_row_b"))], 0));
        let mut fewer = cells(["test_row_a", "test_row_b", "test_row_b"]);
        fewer[0].cases.extend(report(&[("test_row_c", Passed)]).cases);
        assert_eq!(run(&fewer, &rows).lost.len(), 2, "a row less is a row lost");
        let moved = |name: &str| report(&[(name, Passed)]);
        let cells_moved = [moved("one.sh::a name"), moved("two.sh::a name"), moved("two.sh::a name")];
        assert_eq!(run(&cells_moved, &rows).renamed, [(id("one.sh::a name"), id("two.sh::a name"))], "its file has another name");
        let mut proof = cells(["test_row_a", "test_row_b", "test_row_b"]);
        proof[2] = report(&[("test_row_b", red())]);
        assert_eq!(run(&proof, &rows).lost.len(), 1, "a row for new behaviour does not stand in for an old one");
    }
}
