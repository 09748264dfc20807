//! Head source with base tests: nothing that passed may fail. Follows from head where no old test or support file changed,
//! and for every test file that the patch leaves alone while no other test stands on what it changes.

use super::{Heard, Trial};
use crate::error::Result;
use crate::runner::{Report, Selection};
use crate::verify::facts::Shape;
use crate::verify::{Cell, leaned_on};

/// Which old tests must be run on the head source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Old {
    /// None: head has shown them.
    Follow,
    /// Those of the files that the patch changes.
    Changed,
    /// All: what changed may stand below any of them.
    All,
}

impl Trial<'_> {
    /// Runs the old tests on the head source, where the patch changes old tests.
    pub(super) fn old_tests(&mut self, heard: &mut [Heard]) -> Result<()> {
        if self.facts.unknowable.is_some() {
            return Ok(());
        }
        let tree = self.split.regression.clone();
        let baseline: Vec<&Report> = heard.iter().map(|one| &one.baseline).collect();
        let reports = match self.old(&baseline)? {
            Old::Follow => return Ok(()),
            Old::All => self.cell(Cell::Regression, &tree, |_| Some(Selection::All))?,
            Old::Changed => {
                let files: Vec<_> = (0..heard.len()).map(|suite| self.old_files(suite)).collect();
                self.cell(Cell::Regression, &tree, |suite| {
                    let files = files[suite].clone();
                    (!files.is_empty()).then_some(Selection::Files(files))
                })?
            }
        };
        for (one, report) in heard.iter_mut().zip(reports.into_iter().flatten()) {
            one.regression = report;
        }
        Ok(())
    }

    /// Which old tests say something that head does not.
    pub(super) fn old(&self, baseline: &[&Report]) -> Result<Old> {
        if self.facts.shape != Shape::Both || !self.split.touches_old_tests() {
            return Ok(Old::Follow);
        }
        let (judge, test) = (self.judge, &self.judge.config.test);
        let by_others = || leaned_on::by_others(judge.cache, self.patch, &self.split, &test.paths);
        // Of a test whose file is not known nobody can say whether the patch leaves it alone.
        let unplaced =
            |(suite, report): (usize, &&Report)| !self.old_files(suite).is_empty() && report.cases.values().any(|case| case.file.is_none());
        let unplaced = baseline.iter().enumerate().any(unplaced);
        // Only new files, which decide what old tests beside them do.
        let beside = (0..baseline.len()).all(|suite| self.old_files(suite).is_empty());
        Ok(if self.reaches_all_tests() || beside || unplaced || by_others()? { Old::All } else { Old::Changed })
    }

    /// The patch's test files of the base tree that belong to a suite.
    pub(super) fn old_files(&self, suite: usize) -> Vec<String> {
        let old = self.split.test_side().filter(|file| file.existed);
        old.filter(|file| self.judge.bench.suites[suite].may_run(&file.path)).map(|file| file.path.clone()).collect()
    }
}
