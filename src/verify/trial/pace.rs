//! How much of the suites there is time for: all of them in every cell, or the nearest parts first.

use std::time::Duration;

use super::Trial;
use super::old_tests::Old;
use crate::error::Result;
use crate::runner::{Report, TroubleKind};
use crate::verify::order::{self, Unit};

/// How the cells are run.
pub(super) enum Pace {
    /// Each of them whole.
    Whole,
    /// File by file in this order, until the time is up.
    Parts(Vec<Unit>),
}

impl Trial<'_> {
    /// Whether the suites fit into their limits, by the time that the baseline took.
    pub(super) fn pace(&self, baseline: &[Report]) -> Result<Pace> {
        let limit = self.judge.config.test.timeout.duration();
        let took = |report: &Report| Duration::from_millis(report.elapsed_ms);
        let all: Duration = baseline.iter().map(took).sum();
        let mut wanted = all;
        if self.reaches_all_tests() {
            wanted += all;
        }
        if self.old(&baseline.iter().collect::<Vec<_>>())? == Old::All {
            wanted += all;
        }
        let slow = baseline.iter().any(|report| was_cut(report) || took(report) > limit * 2 / 3);
        if !slow && wanted + wanted / 4 < self.cells.left() {
            return Ok(Pace::Whole);
        }
        let bench = self.judge.bench;
        if !bench.suites.iter().any(|suite| suite.takes_files()) {
            return Ok(Pace::Whole);
        }
        let own_folders = &self.judge.config.test.paths;
        let units = order::units(self.judge.cache, &self.patch.head_tree, &bench.suites, &self.split, &self.known, own_folders)?;
        Ok(if units.is_empty() { Pace::Whole } else { Pace::Parts(units) })
    }
}

/// Whether a run was stopped before all tests had run.
pub(super) fn was_cut(report: &Report) -> bool {
    report.troubles.iter().any(|one| one.kind == TroubleKind::Timeout && one.file.is_none())
}
