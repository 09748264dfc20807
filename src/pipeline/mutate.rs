//! When mutants are tried: after the word is spoken, where it was asked for or costs little. The gate makes them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::verify::{Cell, Judge, Verdict, mutants};
use crate::workspace::Patch;

/// A suite that takes more than this part of the budget is not fast.
const PART: u32 = 10;

/// When mutants are tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mutate {
    /// Not at all.
    #[default]
    Never,
    /// Where a run of the suite takes a small part of their budget.
    WhenFast,
    /// Whatever it takes, within their budget.
    Always,
}

/// Tries them and adds what came of it to the evidence; the ruling stays.
pub(super) fn mutate(when: Mutate, judge: &Judge<'_>, patch: &Patch, verdict: &mut Verdict) -> Result<()> {
    let budget = judge.config.gate.mutants_budget.duration();
    let runs = verdict.evidence.runs.iter().filter(|run| run.cell == Cell::MustPass);
    let suite: Duration = runs.map(|run| Duration::from_millis(run.report.elapsed_ms)).sum();
    let wanted = match when {
        Mutate::Never => false,
        Mutate::WhenFast => suite * PART <= budget,
        Mutate::Always => true,
    };
    if wanted && let Some(found) = mutants(judge, patch, verdict)? {
        verdict.evidence.take_mutants(found);
    }
    Ok(())
}
