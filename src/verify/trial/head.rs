//! Head source with head tests: all that was not red before must pass.

use super::{Heard, Trial};
use crate::error::Result;
use crate::runner::{Report, Selection, TroubleKind};
use crate::verify::Cell;
use crate::verify::compare::{Comparison, Observed, compare};

impl Trial<'_> {
    /// Runs head; none when the budget is spent.
    pub(super) fn head(&mut self, baseline: Vec<Report>) -> Result<Option<Vec<Heard>>> {
        let tree = self.patch.head_tree.clone();
        let Some(reports) = self.cell(Cell::MustPass, &tree, |_| Some(Selection::All))? else { return Ok(None) };
        let pairs = baseline.into_iter().zip(reports.into_iter().flatten());
        Ok(Some(pairs.map(|(baseline, must_pass)| Heard { baseline, must_pass, must_fail: None, regression: None }).collect()))
    }

    /// A head that does not build, or fails its own tests, goes back to the coder at once.
    pub(super) fn is_hopeless(&self, heard: &[Heard]) -> bool {
        heard.iter().any(|one| {
            let alone = Observed { baseline: &one.baseline, must_pass: &one.must_pass, must_fail: None, regression: None };
            let seen: Comparison = compare(alone, &self.tests, &self.known);
            !seen.failing.is_empty() || seen.troubles.iter().any(|trouble| trouble.kind == TroubleKind::Build)
        })
    }
}
