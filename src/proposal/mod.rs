//! Patch and verdict, on disk and in memory; the pull request's text. The only thing a forge will publish.
//! Owns the folder's format and the pages people read; deciding and publishing are left to `verify` and `forge`.

mod agreement;
mod figures;
mod folder;
#[cfg(test)]
mod gallery;
mod junit;
mod page;
mod record;
mod status;
mod template;
mod words;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Failure, Kind, Result};
use crate::task::{CommitId, Issue, Usage};
use crate::verify::Verdict;
use crate::workspace::Patch;

pub use agreement::{Difference, differences};
pub use figures::claim;
pub use folder::{DIFF, EVIDENCE, PAGE, PROPOSAL, TRAJECTORY};
pub use junit::junit;
pub use page::{Layout, Shown, check_run, pull_request, terminal};
pub use record::{Circumstances, Environment, Moved, Record};
pub use status::{Line, Mark, Progress, SHOWN, episode_name, marker, status_comment};
pub use template::render;

/// What the gate judged and how it came about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Proposal {
    /// What was asked for.
    pub issue: Issue,
    /// Where it belongs.
    pub target: Target,
    /// Subject of the commit and title of the pull request; untrusted text, sanitised.
    pub title: String,
    /// What the model says it did; untrusted Markdown, sanitised.
    pub summary: String,
    /// How it was made.
    pub work: Work,
    patch: Patch,
    verdict: Verdict,
}

/// Where a proposal belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// What git clones; no credentials in it.
    pub url: String,
    /// The forge's id of the repository.
    pub repository_id: String,
    /// The base branch.
    pub base: String,
    /// The branch that will carry the work: a function of the task.
    pub branch: String,
    /// The task's episode: what the branch, the commit and the status comment are named after.
    pub episode: String,
}

/// How a proposal was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// `provider/name`, or `replay of PATH`.
    pub model: String,
    /// Requests to the model.
    pub turns: u32,
    /// Tokens.
    pub usage: Usage,
    /// Rounds of repair that the gate asked for.
    pub repairs: u32,
    /// Wall clock of the whole task, in milliseconds.
    pub elapsed_ms: u64,
    /// Why the agent ended early, in one line; none when it submitted.
    pub ended_early: Option<String>,
    /// When the proposal was made.
    pub made_at: Timestamp,
    /// loom's version.
    pub loom: String,
    /// With what it was proved.
    #[serde(default)]
    pub environment: Environment,
}

impl Proposal {
    /// A proposal is only as good as its verdict: both must speak of the same base and the same tree.
    pub fn new(issue: Issue, target: Target, text: (String, String), work: Work, patch: Patch, verdict: Verdict) -> Result<Proposal> {
        let (title, summary) = text;
        let proposal = Proposal { issue, target, title, summary, work, patch, verdict };
        proposal.agrees()?;
        Ok(proposal)
    }

    /// The change.
    pub fn patch(&self) -> &Patch {
        &self.patch
    }

    /// The gate's word on it.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// The commit the work began at.
    pub fn base(&self) -> &CommitId {
        &self.patch.base
    }

    fn agrees(&self) -> Result<()> {
        let Proposal { patch, verdict, .. } = self;
        if patch.head_tree != verdict.head_tree || patch.base != verdict.base {
            return Err(Failure::new(
                Kind::Internal,
                format_args!(
                    "the verdict speaks of tree {} on {}, the patch makes tree {} on {}",
                    verdict.head_tree.short(),
                    verdict.base.short(),
                    patch.head_tree.short(),
                    patch.base.short()
                ),
            ));
        }
        if patch.is_empty() {
            return Err(Failure::new(Kind::NoPatch, "the patch changes nothing"));
        }
        Ok(())
    }
}
