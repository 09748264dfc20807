//! The issue as it stood when it was read: a frozen snapshot with a digest.
//! Built by `forge`; everything in it is untrusted text.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Digest, IssueRef};

/// An issue, frozen when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// How the issue is named.
    pub reference: IssueRef,
    /// One line.
    pub title: String,
    /// Markdown, as the author wrote it; may be empty.
    pub body: String,
    /// Login of the author; empty for a file without one.
    pub author: String,
    /// Open or closed when it was read.
    pub state: IssueState,
    /// Label names on the issue.
    pub labels: Vec<String>,
    /// Comments of people whom `guard` admits, oldest first.
    pub comments: Vec<Comment>,
    /// Who asked loom to work on it; none from a terminal without a label.
    pub trigger: Option<Trigger>,
    /// The page for people; none for a file.
    pub url: Option<String>,
}

/// Whether the issue still asks for work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IssueState {
    /// Work is wanted.
    Open,
    /// Done, or not wanted.
    Closed,
}

/// One comment under the issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Login of the author.
    pub author: String,
    /// Markdown.
    pub body: String,
    /// When it was written.
    pub at: Timestamp,
}

/// The event that asked for the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// Login of who set the label.
    pub actor: String,
    /// The label that was set.
    pub label: String,
    /// The forge's id of the label event: names the episode.
    pub event: u64,
    /// When the label was set.
    pub at: Timestamp,
}

impl Issue {
    /// SHA-256 over title, body and comments, each with its length in front.
    pub fn digest(&self) -> Digest {
        let mut hash = Sha256::new();
        let texts = [self.title.as_str(), self.body.as_str()];
        let comments = self.comments.iter().flat_map(|comment| [comment.author.as_str(), comment.body.as_str()]);
        for text in texts.into_iter().chain(comments) {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        Digest::of(hash)
    }

    /// What names this episode of work: the label event, or the text itself.
    pub fn episode(&self) -> String {
        match &self.trigger {
            Some(trigger) => format!("event-{}", trigger.event),
            None => format!("text-{}", self.digest().short()),
        }
    }
}
