//! What is asked of the pipeline, with what means, and what came of it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::{Locations, Resolved, Secrets};
use crate::forge::PullRequest;
use crate::sandbox::Cancel;
use crate::task::{IssueRef, Reporter, TaskId, Usage};

/// One issue to work on.
#[derive(Debug, Clone)]
pub struct Order {
    /// Which one.
    pub issue: IssueRef,
    /// The repository, where the issue does not say it: a path or a URL.
    pub repository: Option<String>,
    /// How far to go.
    pub until: Until,
    /// What to do when this episode has ended before.
    pub again: Again,
}

/// How far to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// To the proposal folder; nothing leaves the machine.
    Proposal,
    /// To the draft pull request.
    PullRequest,
}

/// What to do when this episode has ended before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Go on from the last stage; an episode that is done stays done.
    Resume,
    /// Start a new episode.
    Anew,
}

/// What the pipeline works with.
pub struct Means<'a> {
    /// Settings, resolved and checked.
    pub settings: &'a Resolved,
    /// Where loom keeps its files.
    pub locations: &'a Locations,
    /// Keys and tokens.
    pub secrets: &'a Secrets,
    /// Hears of everything.
    pub reporter: &'a dyn Reporter,
    /// Ends everything.
    pub cancel: &'a Cancel,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The task's row.
    pub task: TaskId,
    /// `verified`, `review`, `rejected`, `inconclusive`; none when the pull request was only adopted.
    pub verdict: Option<String>,
    /// What the verdict says, in one sentence.
    pub claim: Option<String>,
    /// The proposal's folder.
    pub proposal: Option<PathBuf>,
    /// Its digest.
    pub digest: Option<String>,
    /// The branch with the work, once it is pushed.
    pub branch: Option<String>,
    /// The pull request.
    pub pull_request: Option<PullRequest>,
    /// Tokens of the whole task.
    pub usage: Usage,
    /// Requests to the model.
    pub turns: u32,
    /// Wall clock of this attempt in milliseconds.
    pub elapsed_ms: u64,
    /// CPU time of loom's own process in milliseconds, children not counted.
    pub own_cpu_ms: u64,
}

impl Done {
    /// A task of which nothing has come yet.
    pub(super) fn nothing_yet(task: TaskId) -> Done {
        Done {
            task,
            verdict: None,
            claim: None,
            proposal: None,
            digest: None,
            branch: None,
            pull_request: None,
            usage: Usage::default(),
            turns: 0,
            elapsed_ms: 0,
            own_cpu_ms: 0,
        }
    }
}
