//! STUB: signatures other rooms build on; the bodies move to files of their own.
use std::path::Path;

use super::{CellRun, Verdict};
use crate::config::Config;
use crate::error::Result;
use crate::runner::Bench;
use crate::sandbox::{Cancel, Sandbox};
use crate::task::{CommitId, Issue, Reporter};
use crate::workspace::{Cache, Patch};

/// Everything the gate needs; it makes its own clean trees below `folder`.
pub struct Judge<'a> {
    /// Starts the tests.
    pub sandbox: &'a Sandbox,
    /// What setup made.
    pub bench: &'a Bench,
    /// Where the trees come from.
    pub cache: &'a Cache,
    /// An empty folder for the cells.
    pub folder: &'a Path,
    /// Limits and what the maintainers allow.
    pub config: &'a Config,
    /// Hears of every run.
    pub reporter: &'a dyn Reporter,
    /// Ends it.
    pub cancel: &'a Cancel,
}

/// Base source with base tests; may run beside the agent. One run per suite of the bench.
pub fn baseline(_judge: &Judge<'_>, _base: &CommitId) -> Result<Vec<CellRun>> {
    todo!()
}

/// The proof of one patch. Every outcome is a verdict; a failure only when the machine fails or a stop was asked for.
pub fn prove(_judge: &Judge<'_>, _patch: &Patch, _baseline: &[CellRun], _issue: &Issue) -> Result<Verdict> {
    todo!()
}
