//! Tests whose names hold a duration, an address or a count have other names in each run. The base tree, run once more,
//! says which: what it does not have again under its name was not lost by the patch.

use std::collections::BTreeSet;

use super::{Heard, Trial};
use crate::error::Result;
use crate::runner::{Outcome, Report, Selection, TestId};
use crate::verify::Cell;
use crate::verify::compare::Comparison;
use crate::verify::facts::some_of;

/// More than this is a suite that broke down, not one with restless names.
const MOST: usize = 2_000;

impl Trial<'_> {
    /// Takes out of what was lost the tests that the base tree does not have under their names again either.
    pub(super) fn changing_names(&mut self, suite: usize, heard: &Heard, compared: &mut Comparison) -> Result<()> {
        let absent = |id: &TestId| !heard.must_pass.cases.contains_key(id);
        let suspects: BTreeSet<TestId> = compared.lost.iter().map(|one| one.test.clone()).filter(absent).collect();
        let selection = self.their_files(suite, &suspects, &heard.baseline);
        if suspects.is_empty() || suspects.len() > MOST {
            return Ok(());
        }
        let Some(run) = self.cells.run(Cell::Baseline, &self.patch.base_tree, suite, &selection)? else { return Ok(()) };
        let again = &run.report;
        let as_many = as_many(&suspects, &heard.baseline, again, &heard.must_pass);
        let changing: BTreeSet<&TestId> =
            suspects.iter().filter(|id| !again.cases.contains_key(id) && as_many.contains(place(id))).collect();
        compared.lost.retain(|one| !changing.contains(&one.test));
        if !changing.is_empty() {
            let names = some_of(changing.iter().map(|id| id.as_str()));
            self.not_verified.push(format!("Tests whose names change with every run were counted and not compared one by one: {names}."));
        }
        Ok(())
    }

    /// The files of these tests, or the whole suite where one of them has none.
    fn their_files(&self, suite: usize, tests: &BTreeSet<TestId>, baseline: &Report) -> Selection {
        let files: Option<BTreeSet<String>> = tests.iter().map(|id| file(baseline, id)).collect();
        match files.filter(|_| self.judge.bench.suites[suite].takes_files()) {
            Some(files) => Selection::Files(files.into_iter().collect()),
            None => Selection::All,
        }
    }
}

fn file(report: &Report, id: &TestId) -> Option<String> {
    report.cases.get(id)?.file.clone()
}

/// What all tests of a file have in common: the first part of their names.
fn place(id: &TestId) -> &str {
    id.as_str().split("::").next().unwrap_or_default()
}

/// Files that have as many results on the base tree again, and no fewer with the patch.
fn as_many<'t>(tests: &'t BTreeSet<TestId>, baseline: &Report, again: &Report, head: &Report) -> BTreeSet<&'t str> {
    let count = |report: &Report, place_of: &str| {
        let of_it = report.cases.iter().filter(|(id, case)| place(id) == place_of && !matches!(case.outcome, Outcome::Skipped(_)));
        of_it.count()
    };
    let places: BTreeSet<&str> = tests.iter().map(place).collect();
    let holds = |place: &&str| {
        let before = count(baseline, place);
        count(again, place) == before && before <= count(head, place)
    };
    places.into_iter().filter(holds).collect()
}
