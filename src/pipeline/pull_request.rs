//! `loom verify owner/repo#34`: the gate on a pull request, whoever opened it, and its word as a check run on the commit.
//! Owns the order of steps and which conclusion a word becomes. Nothing of the pull request runs outside the sandbox, and
//! settings come from the base.

use super::change::{Change, Found, Proved, find};
use super::mutate::Mutate;
use super::order::Means;
use crate::config::Span;
use crate::error::{Failure, Kind, Result};
use crate::forge::{CheckRun, Conclusion, Incoming, PullRequests};
use crate::guard::Redactor;
use crate::proposal::{self, Shown};
use crate::sandbox::Cancel;
use crate::task::{CommitId, Event, IssueRef};
use crate::verify::{Ruling, Verdict};

/// How long an interrupted run tries to say so.
const PARTING: Span = Span::seconds(2);

/// Whether the word is told on the forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// Only to who asked.
    Here,
    /// By a check run on the head commit.
    CheckRun,
}

/// What the gate says about a pull request.
pub struct ProvedPull {
    /// The pull request.
    pub pull: Incoming,
    /// The gate's word.
    pub proved: Proved,
    /// The check run's page.
    pub check_run: Option<String>,
}

/// Proves a pull request.
pub fn prove_pull_request(reference: &IssueRef, tell: Tell, mutate: Mutate, means: &Means<'_>) -> Result<ProvedPull> {
    let token = means.secrets.forge_token()?;
    if tell == Tell::CheckRun && token.is_none() {
        return Err(Failure::new(Kind::Config, "a check run needs a token")
            .hint("set GITHUB_TOKEN to one with the permission `checks: write`, or leave --check-run out"));
    }
    let forge = PullRequests::connect(&means.settings.config, token, means.cancel)?;
    let pull = forge.incoming(reference)?;
    let change = Change {
        repository: pull.home.url.clone(),
        base: Some(format!("refs/heads/{}", pull.home.base)),
        head: format!("refs/pull/{}/head", pull.number),
        labels: pull.labels.clone(),
        mutate,
    };
    let found = find(&change, pull.home.credential.as_ref(), means)?;
    if found.head != pull.head {
        let text = format!("the pull request was pushed to meanwhile: {} is proved, not {}", found.head.short(), pull.head.short());
        means.reporter.event(&Event::Warning { text });
    }
    if tell == Tell::Here {
        return Ok(ProvedPull { proved: found.prove(means)?, pull, check_run: None });
    }
    told(found, pull, &forge, means)
}

/// Proves between two writes of the check run: who may not write hears of it before anything runs.
fn told(found: Found, pull: Incoming, forge: &PullRequests, means: &Means<'_>) -> Result<ProvedPull> {
    let head = found.head.clone();
    let run = |conclusion, title: &str, summary: &str| CheckRun {
        repo: pull.repo.clone(),
        head: head.clone(),
        external_id: format!("loom-verify-{}", pull.number),
        conclusion,
        title: title.to_owned(),
        summary: summary.to_owned(),
    };
    forge.tell(&run(None, "the proof is being made", "loom runs the repository's tests on base and head."))?;
    match found.prove(means) {
        Ok(proved) => {
            let redactor = Redactor::new(means.secrets.all());
            let shown = Shown { verdict: &proved.verdict, patch: &proved.patch, about: &proved.about, base_branch: Some(&proved.into) };
            let page = redactor.text(&proposal::check_run(&shown)?);
            let title = redactor.text(&format!("{}: {}", proved.verdict.word(), proposal::claim(&proved.verdict)));
            let url = forge.tell(&run(Some(conclusion(&proved.verdict)), &title, &page))?;
            Ok(ProvedPull { pull, proved, check_run: Some(url) })
        }
        Err(failure) => Err(told_failure(failure, &run, &head, means)),
    }
}

/// GitHub lets `neutral` pass where a check is required and stops at `action_required`: what cannot be known must not be
/// taken for a pass, or a change that breaks its own proof would get in.
const fn conclusion(verdict: &Verdict) -> Conclusion {
    match verdict.ruling {
        Ruling::Verified(_) => Conclusion::Success,
        Ruling::Review(_) => Conclusion::Neutral,
        Ruling::Rejected(_) => Conclusion::Failure,
        Ruling::Inconclusive(_) => Conclusion::ActionRequired,
    }
}

/// The check run does not stay in progress when the proof could not be made. An interrupted run has little time for it.
fn told_failure(failure: Failure, run: &dyn Fn(Option<Conclusion>, &str, &str) -> CheckRun, head: &CommitId, means: &Means<'_>) -> Failure {
    let stopped = matches!(failure.kind, Kind::Interrupted | Kind::Terminated | Kind::Cancelled);
    let ended = if stopped { Conclusion::Cancelled } else { Conclusion::ActionRequired };
    let line = Redactor::new(means.secrets.all()).text(&failure.line());
    let mut config = means.settings.config.clone();
    if stopped {
        config.github.retry_budget = PARTING;
    }
    let page = format!("The proof of {} could not be made:\n\n{}", head.short(), super::text::quoted(&line));
    let forge = means.secrets.forge_token().and_then(|token| PullRequests::connect(&config, token, &Cancel::default()));
    match forge.and_then(|forge| forge.tell(&run(Some(ended), "the proof could not be made", &page))) {
        Ok(_) => failure,
        Err(second) => failure.hint(format!("the check run could not be told either: {}", second.line())),
    }
}
