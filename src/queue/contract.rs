//! STUB: signatures other rooms build on; the bodies move to files of their own.
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use crate::error::Result;
use crate::task::{Issue, IssueRef, Stage, TaskId, TaskState};

/// An open queue file.
pub struct Queue {}

/// One row of `tasks`.
#[derive(Debug, Clone, Serialize)]
pub struct Task {
    /// Its row.
    pub id: TaskId,
    /// The forge's repository id.
    pub repository_id: String,
    /// How the issue is named.
    pub issue: IssueRef,
    /// The issue's number, 0 for a file.
    pub github_issue_id: u64,
    /// The issue's title.
    pub title: String,
    /// Names the label episode (`Issue::episode`).
    pub episode: String,
    /// Where it stands.
    pub state: TaskState,
    /// How often it was taken up.
    pub attempts: u32,
    /// The pull request's number.
    pub pr_number: Option<u64>,
    /// Its page, or where the branch is.
    pub pr_url: Option<String>,
    /// The verdict's word.
    pub verdict: Option<String>,
    /// Tokens so far.
    pub tokens: u64,
    /// The last failure in one line.
    pub error: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last taken up.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// One stage of a task.
#[derive(Debug, Clone, Serialize)]
pub struct StageRow {
    /// Which one.
    pub stage: Stage,
    /// Round of repair it belongs to, from 0.
    pub round: u32,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended well.
    pub ended_at: Option<Timestamp>,
    /// What came of it, as JSON of the pipeline; what a resumed attempt reads instead of repeating the stage.
    pub result: Option<String>,
}

/// One row of `task_logs`.
#[derive(Debug, Clone, Serialize)]
pub struct LogLine {
    /// Its row.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// `info`, `warn`, `error`, `debug`.
    pub level: String,
    /// One line, redacted by the writer.
    pub message: String,
    /// JSON, perhaps `null`.
    pub metadata: String,
}

impl Queue {
    /// Opens or makes the file; migrates older ones, refuses newer ones and damaged ones with a hint.
    pub fn open(_path: &Path) -> Result<Queue> {
        todo!()
    }

    /// The open task of this issue and episode, or a new one.
    /// An episode that has ended answers with its task too, unless `again`.
    pub fn add(&self, _repository_id: &str, _issue: &Issue, _again: bool) -> Result<Task> {
        todo!()
    }

    /// Takes the task up: `running`, one more attempt, owned by this process. `Kind::Skipped` when a live process holds it.
    pub fn claim(&self, _task: TaskId) -> Result<Claim> {
        todo!()
    }

    /// One task.
    pub fn task(&self, _task: TaskId) -> Result<Option<Task>> {
        todo!()
    }

    /// Newest first.
    pub fn list(&self, _limit: usize) -> Result<Vec<Task>> {
        todo!()
    }

    /// The stages of a task, in the order they began.
    pub fn stages(&self, _task: TaskId) -> Result<Vec<StageRow>> {
        todo!()
    }

    /// The last `limit` lines of its log, oldest first.
    pub fn log(&self, _task: TaskId, _limit: usize) -> Result<Vec<LogLine>> {
        todo!()
    }
}

/// The right to work on a task: only through it is anything recorded.
pub struct Claim {}

impl Claim {
    /// Whose right.
    pub fn task(&self) -> TaskId {
        todo!()
    }

    /// Records that a stage begins.
    pub fn stage_began(&self, _stage: Stage, _round: u32) -> Result<()> {
        todo!()
    }

    /// Records that it ended well, and with what.
    pub fn stage_ended(&self, _stage: Stage, _round: u32, _result: &str) -> Result<()> {
        todo!()
    }

    /// What the stage left when it ended in an earlier attempt.
    pub fn stage_result(&self, _stage: Stage, _round: u32) -> Result<Option<String>> {
        todo!()
    }

    /// Records tokens, verdict and pull request as they become known.
    pub fn note(&self, _tokens: Option<u64>, _verdict: Option<&str>, _pull_request: Option<(u64, &str)>) -> Result<()> {
        todo!()
    }

    /// Ends the task.
    pub fn finish(self, _state: TaskState, _error: Option<&str>) -> Result<()> {
        todo!()
    }

    /// Gives it back to the queue, as pending.
    pub fn release(self) -> Result<()> {
        todo!()
    }

    /// Adds a line to the task's log.
    pub fn log(&self, _level: &str, _message: &str, _metadata: &serde_json::Value) -> Result<()> {
        todo!()
    }
}
