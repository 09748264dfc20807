//! What the agent is given and what it answers, as plain data.

use std::path::Path;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::runner::{Bench, Report};
use crate::sandbox::{Cancel, Sandbox};
use crate::task::{Issue, Reporter, Usage};
use crate::workspace::{Tree, Workspace};

/// One round of work for the agent.
pub struct Assignment<'a> {
    /// What is asked for.
    pub issue: &'a Issue,
    /// Where it edits.
    pub workspace: &'a Workspace,
    /// How its commands see the workspace.
    pub tree: &'a Tree,
    /// The suites it can run.
    pub bench: &'a Bench,
    /// Starts its commands.
    pub sandbox: &'a Sandbox,
    /// Limits.
    pub config: &'a Config,
    /// Set once the baseline is known; one report per suite.
    pub baseline: &'a OnceLock<Vec<Report>>,
    /// 0, and one more for each repair: tells a repair that is resumed from the next one.
    pub round: u32,
    /// Why the gate turned the last patch away, as text for the model; none in the first round.
    pub repair: Option<&'a str>,
    /// `trajectory.jsonl`: appended and synced after every turn; what is in it already is resumed from, not paid again.
    /// The caller brings the workspace to its `last_tree` first.
    pub trajectory: &'a Path,
    /// Hears of turns and tools.
    pub reporter: &'a dyn Reporter,
    /// Ends it.
    pub cancel: &'a Cancel,
}

/// What came of a round. The patch is in the workspace, whatever ended it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Why it ended.
    pub ended: Ended,
    /// A subject line for the commit, by the model; untrusted text.
    pub title: String,
    /// What it says it did; untrusted Markdown.
    pub summary: String,
    /// Turns of the whole task, resumed ones included.
    pub turns: u32,
    /// Tokens of the whole task, resumed ones included.
    pub usage: Usage,
}

/// Why a round ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// The model called `submit`.
    Submitted,
    /// The model says it cannot, or needs to know more, in these words.
    GaveUp(String),
    /// The model refused.
    Refused(String),
    /// A limit ended it: `turns`, `tokens`, `time`, `loop` when it repeated itself, or `no calls` when it only talked.
    Limit(String),
}
