//! Base source with head tests: at least one new or changed test must fail here.

use super::{Heard, Trial};
use crate::error::Result;
use crate::runner::{Report, Selection, Trouble, TroubleKind};
use crate::verify::doctests::Examples;
use crate::verify::facts::Shape;
use crate::verify::identify::Tests;
use crate::verify::red::{Red, classify_trouble};
use crate::verify::split::{Inline, Side, Split};
use crate::verify::{Cell, RedKind};

impl Trial<'_> {
    /// Runs the new and changed tests on the base source; when a split inside a file does not build, the file counts as
    /// source and the cell runs once more.
    pub(super) fn base_source(&mut self, heard: &mut [Heard]) -> Result<()> {
        if self.facts.shape != Shape::Both {
            return Ok(());
        }
        let Some(mut reports) = self.touched_on_base()? else { return Ok(()) };
        if self.is_badly_split(&reports) {
            let examples = Examples::of(&self.judge.bench.suites, self.judge.cache, &self.patch.base_tree)?;
            let split = Split::of(self.judge.cache, self.patch, &self.judge.config.test.paths, Inline::AsSource, examples)?;
            self.not_verified.extend(split.notes.iter().filter(|note| !self.notes.contains(note)).cloned());
            self.split = split;
            self.tests = Tests::of(&self.split);
            self.runs.retain(|run| run.cell != Cell::MustFail);
            let Some(again) = self.touched_on_base()? else { return Ok(()) };
            reports = again;
        }
        for (one, report) in heard.iter_mut().zip(reports) {
            one.must_fail = report;
        }
        Ok(())
    }

    fn touched_on_base(&mut self) -> Result<Option<Vec<Option<Report>>>> {
        let selections: Vec<_> = (0..self.judge.bench.suites.len()).map(|suite| self.touched_tests(suite)).collect();
        let tree = self.split.must_fail.clone();
        self.cell(Cell::MustFail, &tree, |suite| selections[suite].clone())
    }

    /// Whether a file was split inside, and the tree does not build or load for another reason than a name that the patch adds.
    fn is_badly_split(&self, reports: &[Option<Report>]) -> bool {
        let mixed = self.split.files.iter().any(|file| file.side == Side::Mixed);
        let broken = |trouble: &&Trouble| matches!(trouble.kind, TroubleKind::Build | TroubleKind::Load);
        let troubles: Vec<&Trouble> = reports.iter().flatten().flat_map(|report| &report.troubles).filter(broken).collect();
        let by_name = troubles.iter().any(|one| classify_trouble(one, &self.known) == Red::Proof(RedKind::MissingApi));
        mixed && !troubles.is_empty() && !by_name
    }

    /// The tests of the patch that belong to a suite; all of it when data or set-up changed; none when it has none.
    fn touched_tests(&self, suite: usize) -> Option<Selection> {
        if self.reaches_all_tests() {
            return Some(Selection::All);
        }
        let files = self.own_files(suite);
        (!files.is_empty()).then_some(Selection::Files(files))
    }

    /// Whether data or set-up changed, on which any test may stand.
    pub(super) fn reaches_all_tests(&self) -> bool {
        self.split.touches_support() || self.tests.data_changed
    }

    /// The patch's test files of the head tree that belong to a suite.
    pub(super) fn own_files(&self, suite: usize) -> Vec<String> {
        let own = self.split.test_side().filter(|file| file.head.is_some() && file.side != Side::Support);
        own.filter(|file| self.judge.bench.suites[suite].may_run(&file.path)).map(|file| file.path.clone()).collect()
    }
}
