//! Head source with head tests: all that was not red before must pass. The patch's own tests come first where the whole
//! suite takes long.

use super::{Heard, Trial};
use crate::error::Result;
use crate::runner::{Conditions, Report, Selection, TestId, TroubleKind};
use crate::verify::compare::{Comparison, Observed, compare, passes};
use crate::verify::history::Setting;
use crate::verify::{Cell, CellRun};

/// A suite that takes longer than this, in milliseconds, has the patch's own tests run apart first.
const LONG: u64 = 20_000;

impl Trial<'_> {
    /// All cells, each of them whole. What was heard is empty when the budget was spent, which is then in the facts.
    pub(super) fn whole(&mut self, baseline: Vec<Report>) -> Result<Vec<Heard>> {
        if let Some(heard) = self.own_tests_first(&baseline)? {
            return Ok(heard);
        }
        let tree = self.patch.head_tree.clone();
        let Some(reports) = self.cell(Cell::MustPass, &tree, |_| Some(Selection::All))? else { return Ok(Vec::new()) };
        let pairs = baseline.into_iter().zip(reports.into_iter().flatten());
        let mut heard: Vec<Heard> = pairs.map(|(baseline, must_pass)| Heard::new(baseline, must_pass)).collect();
        if !self.is_hopeless(&heard)? {
            self.base_source(&mut heard)?;
            self.old_tests(&mut heard)?;
        }
        Ok(heard)
    }

    /// The patch's own tests on head, where the suite takes long; something when they are hopeless already.
    fn own_tests_first(&mut self, baseline: &[Report]) -> Result<Option<Vec<Heard>>> {
        if baseline.iter().map(|report| report.elapsed_ms).sum::<u64>() < LONG {
            return Ok(None);
        }
        let own: Vec<_> = (0..baseline.len()).map(|suite| self.own_files(suite)).collect();
        if own.iter().all(Vec::is_empty) {
            return Ok(None);
        }
        let mut heard = Vec::new();
        for (suite, (before, files)) in baseline.iter().zip(own).enumerate() {
            let mut after = Report::nothing(&before.command);
            if !files.is_empty() {
                let left = self.cells.left();
                let report = self.cells.run_within(Cell::MustPass, &self.patch.head_tree, suite, files.clone(), left)?;
                after = report.unwrap_or(after);
            }
            heard.push(Heard::new(before.about(&files, &after), after));
        }
        if !self.is_hopeless(&heard)? {
            return Ok(None);
        }
        let tree = self.patch.head_tree.clone();
        self.runs.extend(heard.iter().map(|one| CellRun { cell: Cell::MustPass, tree: tree.clone(), report: one.must_pass.clone() }));
        self.notes.push("The patch's own tests already fail, so the rest of the suite was not run with it.".into());
        Ok(Some(heard))
    }

    /// A head that does not build, or fails its own tests, goes back to the coder at once. A test that passed before its
    /// text changed gets a second chance, alone: it may be flaky.
    pub(super) fn is_hopeless(&mut self, heard: &[Heard]) -> Result<bool> {
        for (suite, one) in heard.iter().enumerate() {
            let alone = Observed { baseline: &one.baseline, must_pass: &one.must_pass, must_fail: None, regression: None };
            let seen: Comparison = compare(alone, &self.tests, &self.known);
            let changed = one.changed_and_broken(&seen);
            if seen.failing.len() > changed.len() || seen.troubles.iter().any(|trouble| trouble.kind == TroubleKind::Build) {
                return Ok(true);
            }
            if !changed.is_empty() && !self.all_pass_alone(suite, changed)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn all_pass_alone(&mut self, suite: usize, tests: Vec<TestId>) -> Result<bool> {
        let setting = Setting::alone(Cell::MustPass, Conditions::plain());
        let run = self.cells.run_again(&setting, &self.patch.head_tree, suite, &Selection::Tests(tests.clone()))?;
        Ok(run.is_some_and(|run| tests.iter().all(|id| passes(Some(&run.report), id))))
    }
}
