//! The hollow run: head with every added function made to fail. A test that only missed a name must turn red here, or
//! it asserts nothing about what the name does.

use super::cells::Cells;
use super::facts::{Hollow, some_of};
use super::functions;
use super::split::Split;
use crate::error::Result;
use crate::runner::{Outcome, Report, Selection, TestId, TroubleKind};
use crate::task::TreeId;
use crate::workspace::Cache;

/// The head tree with hollow functions; none when the patch adds none that can be made to fail.
pub fn tree(cache: &Cache, head: &TreeId, split: &Split) -> Result<Option<TreeId>> {
    let mut changes = Vec::new();
    for file in split.source_side() {
        let Some(text) = file.head.as_deref() else { continue };
        let added = functions::added(&file.path, file.base.as_deref().unwrap_or_default(), text);
        if let Some(hollow) = functions::hollowed(&file.path, text, &added) {
            changes.push((file.path.clone(), Some((hollow.into_bytes(), file.mode()))));
        }
    }
    if changes.is_empty() { Ok(None) } else { cache.overlay(head, &changes).map(Some) }
}

/// Which of the tests turn red in it.
pub fn run(cells: &mut Cells<'_>, tree: &TreeId, heads: &[&Report], tests: &[TestId]) -> Result<Hollow> {
    let (mut noticed, mut silent) = (Vec::new(), Vec::new());
    for (suite, head) in heads.iter().enumerate() {
        let own: Vec<TestId> = tests.iter().filter(|id| head.cases.contains_key(id)).cloned().collect();
        if own.is_empty() {
            continue;
        }
        let Some(report) = cells.run_in("hollow", tree, suite, &Selection::Tests(own.clone()))? else {
            return Ok(Hollow::Unable("the proof's budget was spent before the hollow run".into()));
        };
        if let Some(trouble) = report.troubles.iter().find(|one| one.kind == TroubleKind::Build) {
            let line = trouble.message.lines().next().unwrap_or_default();
            return Ok(Hollow::Unable(format!("the tree with hollow functions does not build ({line})")));
        }
        hear(&report, own, &mut noticed, &mut silent);
    }
    // What has no result there has not passed there either.
    if noticed.is_empty() && !silent.is_empty() {
        let names = some_of(silent.iter().map(TestId::as_str));
        return Ok(Hollow::Unable(format!("with the functions behind it made to fail there is no result of {names}")));
    }
    Ok(Hollow::Noticed(noticed))
}

/// Sorts the tests by what they did: those that turned red, and those without a result.
fn hear(report: &Report, tests: Vec<TestId>, noticed: &mut Vec<TestId>, silent: &mut Vec<TestId>) {
    let at_load = report.troubles.iter().any(|one| one.message.contains(functions::HOLLOW));
    for id in tests {
        match report.cases.get(&id).map(|case| &case.outcome) {
            Some(Outcome::Failed(_)) => noticed.push(id),
            None if at_load => noticed.push(id),
            Some(Outcome::Passed) => {}
            Some(Outcome::Skipped(_)) | None => silent.push(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::compare::tests::{id, red, report, troubled};
    use super::*;

    #[test]
    fn a_test_without_a_result_has_not_passed() {
        let sorted = |report: &Report| {
            let (mut noticed, mut silent) = (Vec::new(), Vec::new());
            hear(report, ["test_a", "test_b", "test_c"].map(id).into(), &mut noticed, &mut silent);
            (noticed, silent)
        };
        let some = report(&[("test_a", red()), ("test_b", Outcome::Passed)]);
        assert_eq!(sorted(&some), (vec![id("test_a")], vec![id("test_c")]));
        let torn = troubled(some, TroubleKind::Load, "tests/test_a.py", &format!("RuntimeError: {}", functions::HOLLOW));
        assert_eq!(sorted(&torn), (vec![id("test_a"), id("test_c")], vec![]), "a file that hollow functions keep from loading");
    }
}
