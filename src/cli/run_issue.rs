//! `run-issue`, `verify` and `publish`: hand the words over to the pipeline and show what comes back.

use serde_json::Value;

use super::arguments::{ProposalRun, RunIssue};
use super::session::Session;
use crate::error::{Failure, Kind, Result};
use crate::task::Reporter;

/// What a run leaves to show.
pub struct Shown {
    /// For people.
    pub text: String,
    /// For programs.
    pub json: Value,
}

/// Works on one issue.
pub fn run_issue(session: &Session, _run: &RunIssue, _reporter: &dyn Reporter) -> Result<Shown> {
    session.resolved.demand_model()?;
    Err(not_connected())
}

/// Proves a proposal again.
pub fn verify(_session: &Session, _run: &ProposalRun, _reporter: &dyn Reporter) -> Result<Shown> {
    Err(not_connected())
}

/// Publishes a proposal.
pub fn publish(_session: &Session, _run: &ProposalRun, _reporter: &dyn Reporter) -> Result<Shown> {
    Err(not_connected())
}

fn not_connected() -> Failure {
    Failure::new(Kind::Internal, "the pipeline is not connected to the command line")
}
