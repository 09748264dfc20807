//! The hollow run: head with every added function made to fail. A test that only missed a name must turn red here, or
//! it asserts nothing about what the name does.

use super::cells::Cells;
use super::facts::Hollow;
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
    let mut noticed = Vec::new();
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
        let at_load = report.troubles.iter().any(|one| one.message.contains(functions::HOLLOW));
        noticed.extend(own.into_iter().filter(|id| match report.cases.get(id) {
            Some(case) => matches!(case.outcome, Outcome::Failed(_)),
            None => at_load,
        }));
    }
    Ok(Hollow::Noticed(noticed))
}
