//! `run-issue` and `publish`: hand the words over to the pipeline and show what comes back.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use super::arguments::{ProposalRun, RunIssue};
use super::session::Session;
use crate::error::{Kind, OrFail, Result};
use crate::forge::PullRequest;
use crate::pipeline::{self, Again, Done, Means, Order, Until};
use crate::task::Reporter;

/// What a run leaves to show.
pub struct Shown {
    /// For people.
    pub text: String,
    /// For programs.
    pub json: Value,
    /// The exit code that this result means.
    pub ends: Ends,
}

/// What a result means to the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// As it should.
    Well,
    /// With this kind's exit code; the result itself says why.
    As(Kind),
}

/// Works on one issue.
pub fn run_issue(session: &Session, run: &RunIssue, reporter: &dyn Reporter) -> Result<Shown> {
    session.resolved.demand_model()?;
    let order = Order {
        issue: run.issue.clone(),
        repository: run.repo.clone(),
        until: if run.dry_run { Until::Proposal } else { Until::PullRequest },
        again: if run.again { Again::Anew } else { Again::Resume },
    };
    let done = pipeline::run(&order, &means(session, reporter))?;
    let json = serde_json::to_value(&done).or_fail(Kind::Internal, || "writing the result as JSON")?;
    Ok(Shown { text: told(&done, run.repo.as_deref()), json, ends: Ends::Well })
}

/// Publishes a proposal.
pub fn publish(session: &Session, run: &ProposalRun, reporter: &dyn Reporter) -> Result<Shown> {
    let pull_request = pipeline::publish(&run.proposal, run.repo.as_deref(), &means(session, reporter))?;
    let json = serde_json::to_value(&pull_request).or_fail(Kind::Internal, || "writing the result as JSON")?;
    Ok(Shown { text: format!("{}\n", page(&pull_request)), json, ends: Ends::Well })
}

pub(super) fn means<'a>(session: &'a Session, reporter: &'a dyn Reporter) -> Means<'a> {
    Means { settings: &session.resolved, locations: &session.locations, secrets: &session.secrets, reporter, cancel: &session.cancel }
}

fn told(done: &Done, repository: Option<&str>) -> String {
    let mut text = String::new();
    if let (Some(verdict), Some(claim)) = (&done.verdict, &done.claim) {
        let _ = writeln!(text, "{verdict}: {claim}");
    }
    if let Some(pull_request) = &done.pull_request {
        let _ = writeln!(text, "{}", page(pull_request));
        // A branch on this machine has no page to look at.
        if let (Some(branch), Some(folder)) = (&done.branch, repository.filter(|folder| Path::new(folder).is_dir())) {
            let _ = writeln!(text, "to look at it: git -C {folder} show {branch}");
        }
    }
    if let Some(folder) = &done.proposal {
        let _ = writeln!(text, "proposal: {}", folder.display());
        if done.pull_request.is_none() {
            let _ = writeln!(text, "to publish it: loom publish {}", folder.display());
        }
    }
    let _ = writeln!(text, "how it went: loom status {}", done.task);
    text
}

fn page(pull_request: &PullRequest) -> String {
    let how = if pull_request.adopted { "pull request was there already" } else { "draft pull request" };
    format!("{how}: {}", pull_request.url)
}
