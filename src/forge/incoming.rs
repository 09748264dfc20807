//! A pull request as somebody opened it, and what loom says on its commit. GitHub only: elsewhere there is no such page.

use secrecy::SecretString;

use super::Home;
use super::github::GitHub;
use crate::config::Config;
use crate::error::Result;
use crate::sandbox::Cancel;
use crate::task::{CommitId, IssueRef, RepoName};

/// A pull request by anyone.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The repository it goes to, by its present name.
    pub repo: RepoName,
    /// Its number.
    pub number: u64,
    /// One line; untrusted.
    pub title: String,
    /// The page for people.
    pub url: String,
    /// The commit it stands at.
    pub head: CommitId,
    /// Label names; only who may triage can set them.
    pub labels: Vec<String>,
    /// The repository; its base branch is that of the pull request.
    pub home: Home,
}

/// What is said on a commit.
#[derive(Debug, Clone)]
pub struct CheckRun {
    /// Where.
    pub repo: RepoName,
    /// The commit.
    pub head: CommitId,
    /// The same for the same pull request: a check run of this commit with this id is brought up to date, not doubled.
    pub external_id: String,
    /// How it ended; none while it goes on.
    pub conclusion: Option<Conclusion>,
    /// One line.
    pub title: String,
    /// Markdown, redacted.
    pub summary: String,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// Good.
    Success,
    /// For people to look at; does not hinder a merge.
    Neutral,
    /// Bad.
    Failure,
    /// Not known; hinders a merge where the check is required.
    ActionRequired,
    /// Stopped.
    Cancelled,
}

impl Conclusion {
    /// GitHub's word.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Conclusion::Success => "success",
            Conclusion::Neutral => "neutral",
            Conclusion::Failure => "failure",
            Conclusion::ActionRequired => "action_required",
            Conclusion::Cancelled => "cancelled",
        }
    }
}

/// Pull requests at GitHub, seen with one token or none.
pub struct PullRequests(GitHub);

impl PullRequests {
    /// Checks address and token; nothing is sent yet.
    pub fn connect(config: &Config, token: Option<SecretString>, cancel: &Cancel) -> Result<PullRequests> {
        GitHub::connect(config, token, cancel).map(PullRequests)
    }

    /// Reads a pull request.
    pub fn incoming(&self, reference: &IssueRef) -> Result<Incoming> {
        self.0.read_incoming(reference)
    }

    /// Makes the check run, or brings the one that is there up to date; answers with its page.
    pub fn tell(&self, run: &CheckRun) -> Result<String> {
        self.0.tell_check(run)
    }
}
