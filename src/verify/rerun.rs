//! Runs what differs again, alone and on both trees: a test that passes and fails by turns neither blocks nor proves,
//! and one that was red only beside others proves nothing.

use std::collections::BTreeSet;

use super::cells::Cells;
use super::compare::Comparison;
use super::{Cell, RedKind};
use crate::error::Result;
use crate::runner::{Outcome, Report, Selection, TestId};
use crate::task::TreeId;

/// How often a test that seems broken is given another chance.
const CHANCES: usize = 3;
/// How often a proof is repeated.
const REPEATS: usize = 2;
/// More differences than this are no flakes.
const MANY: usize = 60;

/// The trees that are run again.
pub struct Trees<'t> {
    /// Base source, base tests.
    pub base: &'t TreeId,
    /// Head source, head tests.
    pub head: &'t TreeId,
    /// Base source, head tests.
    pub must_fail: &'t TreeId,
    /// Head source, base tests.
    pub regression: &'t TreeId,
}

/// What came of it.
#[derive(Default)]
pub struct Settled {
    /// Passed and failed by turns.
    pub flaky: BTreeSet<TestId>,
    /// How often what was run, for the record.
    pub note: Option<String>,
}

/// Runs the broken and the proving tests of one suite again.
pub fn settle(cells: &mut Cells<'_>, suite: usize, trees: &Trees<'_>, compared: &Comparison) -> Result<Settled> {
    let mut settled = Settled::default();
    let broken: Vec<TestId> = compared.broken.iter().map(|one| one.test.clone()).collect();
    if (1..=MANY).contains(&broken.len()) {
        unsettle(cells, Cell::MustPass, trees.head, suite, broken.clone(), passes, CHANCES, &mut settled)?;
        let still: Vec<TestId> = broken.iter().filter(|id| !settled.flaky.contains(*id)).cloned().collect();
        unsettle(cells, Cell::Baseline, trees.base, suite, still, fails, CHANCES, &mut settled)?;
    }
    let altered: Vec<TestId> = compared.altered.iter().map(|one| one.test.clone()).collect();
    if (1..=MANY).contains(&altered.len()) {
        unsettle(cells, Cell::Regression, trees.regression, suite, altered, passes, 1, &mut settled)?;
    }
    // Red before and green beside the new set-up: by that set-up, or by chance. Only the base tree is asked; the new
    // set-up could tell what suits it.
    if (1..=MANY).contains(&compared.covered_up.len()) {
        unsettle(cells, Cell::Baseline, trees.base, suite, compared.covered_up.clone(), passes, CHANCES, &mut settled)?;
    }
    // A test whose file did not load on base has no result there to repeat.
    let red: Vec<TestId> = compared.proven.iter().filter(|one| one.red != RedKind::MissingApi).map(|one| one.test.clone()).collect();
    if (1..=MANY).contains(&red.len()) {
        let hangs = compared.proven.iter().any(|one| one.red == RedKind::Hang);
        let repeats = if hangs { 1 } else { REPEATS };
        unsettle(cells, Cell::MustFail, trees.must_fail, suite, red.clone(), passes, repeats, &mut settled)?;
        unsettle(cells, Cell::MustPass, trees.head, suite, red.clone(), fails, repeats, &mut settled)?;
        settled.note = Some(format!("{} proving tests were run alone {repeats} more times on both trees.", red.len()));
    }
    Ok(settled)
}

/// Repeats tests in one tree; those that for once do what they did not before are flaky.
#[expect(clippy::too_many_arguments, reason = "one private loop, called in one place")]
fn unsettle(
    cells: &mut Cells<'_>,
    cell: Cell,
    tree: &TreeId,
    suite: usize,
    mut tests: Vec<TestId>,
    surprises: fn(&Report, &TestId) -> bool,
    times: usize,
    settled: &mut Settled,
) -> Result<()> {
    for _ in 0..times {
        tests.retain(|id| !settled.flaky.contains(id));
        if tests.is_empty() {
            return Ok(());
        }
        // Out of time: what was seen so far stands.
        let Some(run) = cells.run(cell, tree, suite, &Selection::Tests(tests.clone()))? else { return Ok(()) };
        settled.flaky.extend(tests.iter().filter(|id| surprises(&run.report, id)).cloned());
    }
    Ok(())
}

fn passes(report: &Report, id: &TestId) -> bool {
    report.cases.get(id).is_some_and(|case| case.outcome == Outcome::Passed)
}

fn fails(report: &Report, id: &TestId) -> bool {
    report.cases.get(id).is_some_and(|case| matches!(case.outcome, Outcome::Failed(_)))
}
