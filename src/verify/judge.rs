//! The two things others ask of the gate: the baseline of a commit, and the proof of a patch. Reads like the proof:
//! split, head first, base source, old tests, reruns, then the ruling.

use std::path::Path;

use super::cells::Cells;
use super::ruling::decide;
use super::trial::Trial;
use super::{Cell, CellRun, Verdict, first};
use crate::config::Config;
use crate::error::Result;
use crate::runner::{Bench, Report, Selection, Trouble, TroubleKind};
use crate::sandbox::{Cancel, Sandbox};
use crate::task::{CommitId, Flake, Issue, Reporter};
use crate::workspace::{Cache, Patch};

/// Everything the gate needs; it makes its own clean trees below `folder`.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    /// Starts the tests.
    pub sandbox: &'a Sandbox,
    /// What setup made.
    pub bench: &'a Bench,
    /// Where the trees come from.
    pub cache: &'a Cache,
    /// A folder for the cells, nobody else's. With the same folder, a proof takes over what the baseline built.
    pub folder: &'a Path,
    /// Limits and what the maintainers allow.
    pub config: &'a Config,
    /// Tests that earlier proofs saw pass and fail on the unchanged source, as far as that still counts.
    pub flakes: &'a [Flake],
    /// Hears of every run.
    pub reporter: &'a dyn Reporter,
    /// Ends it.
    pub cancel: &'a Cancel,
}

/// Base source with base tests; may run beside the agent. One run per suite of the bench.
pub fn baseline(judge: &Judge<'_>, base: &CommitId) -> Result<Vec<CellRun>> {
    let tree = judge.cache.tree_of(base)?;
    let mut cells = Cells::new(judge);
    (0..judge.bench.suites.len())
        .map(|suite| {
            let run = cells.run(Cell::Baseline, &tree, suite, &Selection::All)?;
            Ok(run.unwrap_or_else(|| CellRun { cell: Cell::Baseline, tree: tree.clone(), report: out_of_time(judge, suite) }))
        })
        .collect()
}

/// What a suite says that the budget left no time for.
fn out_of_time(judge: &Judge<'_>, suite: usize) -> Report {
    let mut report = Report::nothing(&judge.bench.suites[suite].command);
    let message = format!("the budget of {} was spent before it began", judge.config.gate.budget);
    report.troubles.push(Trouble { kind: TroubleKind::Timeout, file: None, message });
    report
}

/// The proof of one patch. Every outcome is a verdict; a failure only when the machine fails or a stop was asked for.
pub fn prove(judge: &Judge<'_>, patch: &Patch, baseline: &[CellRun], issue: &Issue) -> Result<Verdict> {
    let first = first::bench(judge, patch)?;
    let judge = &Judge { bench: first.as_ref().unwrap_or(judge.bench), ..*judge };
    let mut trial = Trial::open(judge, patch, issue)?;
    trial.hear(baseline)?;
    let ruling = decide(trial.facts());
    Ok(Verdict { base: patch.base.clone(), head_tree: patch.head_tree.clone(), ruling, evidence: trial.evidence()? })
}
