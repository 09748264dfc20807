//! What a forge can be asked, and what it answers. Owns the trait; the two forges that keep it are next door.

use serde::{Deserialize, Serialize};

use crate::config::Labels;
use crate::error::Result;
use crate::sandbox::Credential;
use crate::task::{CommitId, Issue, IssueRef};

/// A place where issues are read and pull requests are opened.
/// Every call retries inside (see `github.retry_budget`) and looks before it repeats a write.
pub trait Forge: Send + Sync {
    /// Reads and freezes the issue: pages through comments, finds who set the ready label and when.
    /// Refuses what is no issue (a pull request) with `Kind::Skipped`.
    fn issue(&self, reference: &IssueRef) -> Result<Issue>;

    /// Where the repository is and what its base branch is called.
    fn home(&self, reference: &IssueRef) -> Result<Home>;

    /// The actor's role by name: `admin`, `maintain`, `write`, `triage`, `read`, `none`; the rule about it is `guard`'s.
    fn role(&self, reference: &IssueRef, actor: &str) -> Result<String>;

    /// The open pull request with this head branch, if there is one. A closed one is a refusal (`Kind::Skipped`): a
    /// branch is named after its episode, and somebody has ended that.
    fn find_pull_request(&self, reference: &IssueRef, branch: &str) -> Result<Option<PullRequest>>;

    /// Opens it, or adopts the open one with the same head and brings its title and body up to date; then reads it
    /// back and checks its head commit. Reviewers and labels that cannot be set are warnings in the answer.
    fn publish(&self, reference: &IssueRef, draft: &Draft) -> Result<PullRequest>;

    /// Writes the one status comment, found by the hidden marker `<!-- loom:status episode=... -->`.
    fn comment(&self, reference: &IssueRef, marker: &str, body: &str) -> Result<()>;

    /// The text of the status comment with this marker, as it stands.
    fn read_comment(&self, reference: &IssueRef, marker: &str) -> Result<Option<String>>;

    /// Makes exactly this one of loom's labels stand on the issue (others of loom's are removed, foreign ones stay).
    fn status(&self, reference: &IssueRef, status: Status) -> Result<()>;
}

/// Where the repository is.
#[derive(Debug, Clone)]
pub struct Home {
    /// What git clones.
    pub url: String,
    /// The base branch; the default one when settings name none.
    pub base: String,
    /// For git, if the remote asks.
    pub credential: Option<Credential>,
    /// The forge's own id of the repository, stable over renames; a digest of the path for a local one.
    pub repository_id: String,
}

/// What a pull request shall be.
#[derive(Debug, Clone)]
pub struct Draft {
    /// One line.
    pub title: String,
    /// Markdown, redacted and capped.
    pub body: String,
    /// Head branch, already pushed.
    pub branch: String,
    /// Base branch.
    pub base: String,
    /// What the head branch must point to.
    pub head: CommitId,
}

/// A pull request as the forge shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// Its number; 0 for a local branch.
    pub number: u64,
    /// The page for people, or `branch NAME in PATH`.
    pub url: String,
    /// True when it was there before.
    pub adopted: bool,
    /// What could not be set, for the log.
    pub warnings: Vec<String>,
}

/// Which of loom's labels shall stand on the issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Waits.
    Ready,
    /// Work goes on.
    Running,
    /// A pull request was opened.
    Completed,
    /// None could be opened.
    Failed,
    /// The issue must say more.
    NeedsInfo,
}

impl Status {
    /// Every status, in the order of a task's life.
    pub(super) const ALL: [Status; 5] = [Status::Ready, Status::Running, Status::Completed, Status::Failed, Status::NeedsInfo];

    /// The label that says so.
    pub(super) fn label(self, labels: &Labels) -> &str {
        match self {
            Status::Ready => &labels.ready,
            Status::Running => &labels.running,
            Status::Completed => &labels.completed,
            Status::Failed => &labels.failed,
            Status::NeedsInfo => &labels.needs_info,
        }
    }

    /// What the label says to people, for a repository that lacks it.
    pub(super) const fn description(self) -> &'static str {
        match self {
            Status::Ready => "Asks loom to work on this issue",
            Status::Running => "loom is working on this issue",
            Status::Completed => "loom opened a pull request",
            Status::Failed => "loom could not open a pull request",
            Status::NeedsInfo => "loom needs more information",
        }
    }

    /// The label's colour, for a repository that lacks it.
    pub(super) const fn colour(self) -> &'static str {
        match self {
            Status::Ready => "0e8a16",
            Status::Running => "fbca04",
            Status::Completed => "1d76db",
            Status::Failed => "b60205",
            Status::NeedsInfo => "d876e3",
        }
    }
}
