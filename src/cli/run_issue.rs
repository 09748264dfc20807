//! `run-issue`, `verify` and `publish`: hand the words over to the pipeline and show what comes back.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::arguments::{ProposalRun, RunIssue};
use super::session::Session;
use crate::error::{Kind, OrFail, Result};
use crate::forge::PullRequest;
use crate::pipeline::{self, Again, Done, Means, Order, Until};
use crate::proposal;
use crate::task::{Reporter, TaskId};

/// What a run leaves to show.
pub struct Shown {
    /// For people.
    pub text: String,
    /// For programs.
    pub json: Value,
    /// The task whose working files nobody needs any more.
    pub finished: Option<TaskId>,
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
    Ok(Shown { text: told(&done), json, finished: Some(done.task) })
}

/// Proves a proposal again. Rejected and inconclusive are failures, as they are for a run.
pub fn verify(session: &Session, run: &ProposalRun, reporter: &dyn Reporter) -> Result<Shown> {
    let reproved = pipeline::reprove(&run.proposal, run.repo.as_deref(), &means(session, reporter))?;
    let (now, before) = (&reproved.verdict, reproved.proposal.verdict());
    let claim = proposal::claim(now);
    let agrees = now.word() == before.word();
    let mut text = format!("{}: {claim}\n", now.word());
    if !agrees {
        let _ = writeln!(text, "the proposal itself says {}: {}", before.word(), proposal::claim(before));
    }
    let json = json!({ "verdict": now, "claim": claim, "recorded": before.word(), "agrees": agrees });
    match pipeline::refusal(now) {
        None => Ok(Shown { text, json, finished: None }),
        Some(failure) => Err(failure),
    }
}

/// Publishes a proposal.
pub fn publish(session: &Session, run: &ProposalRun, reporter: &dyn Reporter) -> Result<Shown> {
    let pull_request = pipeline::publish(&run.proposal, run.repo.as_deref(), &means(session, reporter))?;
    let json = serde_json::to_value(&pull_request).or_fail(Kind::Internal, || "writing the result as JSON")?;
    Ok(Shown { text: format!("{}\n", page(&pull_request)), json, finished: None })
}

fn means<'a>(session: &'a Session, reporter: &'a dyn Reporter) -> Means<'a> {
    Means { settings: &session.resolved, locations: &session.locations, secrets: &session.secrets, reporter, cancel: &session.cancel }
}

fn told(done: &Done) -> String {
    let mut text = String::new();
    if let (Some(verdict), Some(claim)) = (&done.verdict, &done.claim) {
        let _ = writeln!(text, "{verdict}: {claim}");
    }
    if let Some(pull_request) = &done.pull_request {
        let _ = writeln!(text, "{}", page(pull_request));
    }
    if let Some(folder) = &done.proposal {
        let _ = writeln!(text, "proposal: {}", folder.display());
        if done.pull_request.is_none() {
            let _ = writeln!(text, "to publish it: loom publish {}", folder.display());
        }
    }
    let _ = writeln!(text, "task {}: loom status {}", done.task, done.task);
    text
}

fn page(pull_request: &PullRequest) -> String {
    let how = if pull_request.adopted { "pull request was there already" } else { "draft pull request" };
    format!("{how}: {}", pull_request.url)
}
