//! Head source with base tests: nothing that passed may fail. Follows from head where no old test or support file changed.

use super::{Heard, Trial};
use crate::error::Result;
use crate::runner::Selection;
use crate::verify::Cell;
use crate::verify::facts::Shape;

impl Trial<'_> {
    /// Runs the old tests on the head source, where the patch changes old tests.
    pub(super) fn old_tests(&mut self, heard: &mut [Heard]) -> Result<()> {
        let spent = self.facts.unknowable.is_some();
        if spent || self.facts.shape != Shape::Both || !self.split.touches_old_tests() {
            return Ok(());
        }
        let tree = self.split.regression.clone();
        let Some(reports) = self.cell(Cell::Regression, &tree, |_| Some(Selection::All))? else { return Ok(()) };
        for (one, report) in heard.iter_mut().zip(reports) {
            one.regression = report;
        }
        Ok(())
    }
}
