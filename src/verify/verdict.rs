//! What the gate says about one tree. Built by this room alone; read back from disk it is only as good as its digest.

pub(super) mod allow;

use serde::{Deserialize, Serialize};

use super::Evidence;
use crate::task::{CommitId, TreeId};

/// The gate's word on one head tree.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Verdict {
    /// The base it was compared with.
    pub base: CommitId,
    /// The tree it judged.
    pub head_tree: TreeId,
    /// The word.
    pub ruling: Ruling,
    /// What it rests on.
    pub evidence: Evidence,
}

/// The word itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ruling", content = "because", rename_all = "kebab-case")]
pub enum Ruling {
    /// Proved, in this sense.
    Verified(Proof),
    /// A person must answer these first.
    Review(Vec<Question>),
    /// Not good enough, for these reasons; they go back to the coder.
    Rejected(Vec<Reason>),
    /// Cannot be known here, for this cause.
    Inconclusive(String),
}

impl Ruling {
    /// The names of reasons and questions that `gate.allow` lifts.
    pub const LIFTED: &[&str] = &allow::LIFTED;
}

/// What exactly was proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// New or changed tests fail on the base source and pass on the head source; nothing that passed fails.
    FailToPass,
    /// No new behaviour was asked for; nothing that passed fails.
    NoRegression,
    /// Only documentation, comments or formatting changed.
    NoBehaviourChange,
}

/// Something a person must decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Question {
    /// A stable name, like `altered-expectation`.
    pub name: String,
    /// The question in one or two sentences, with the test or file it is about.
    pub text: String,
    /// The lines it rests on.
    pub lines: String,
}

/// Why a patch is not good enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Reason {
    /// A stable name, like `no-failing-test` or `tampering-skipped-test`.
    pub name: String,
    /// One or two sentences that a coder can act on.
    pub text: String,
    /// The lines it rests on.
    pub lines: String,
}

impl Verdict {
    /// `verified`, `review`, `rejected` or `inconclusive`.
    pub fn word(&self) -> &'static str {
        match self.ruling {
            Ruling::Verified(_) => "verified",
            Ruling::Review(_) => "review",
            Ruling::Rejected(_) => "rejected",
            Ruling::Inconclusive(_) => "inconclusive",
        }
    }

    /// May a pull request be opened on it?
    pub fn publishable(&self) -> bool {
        matches!(self.ruling, Ruling::Verified(_) | Ruling::Review(_))
    }
}
