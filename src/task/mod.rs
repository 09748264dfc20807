//! The nouns every room shares: ids, the frozen issue, stages, events, usage.
//! Plain data without I/O; who may build what is said in `docs/architecture.md`.

mod event;
mod flake;
mod ids;
mod issue;
mod reference;
mod stage;
mod usage;

pub use event::{Event, Reporter, Silent};
pub use flake::{Flake, Sighting, ledger_name};
pub use ids::{CommitId, Digest, RepoName, TaskId, TreeId};
pub use issue::{Comment, Issue, IssueState, Trigger};
pub use reference::IssueRef;
pub use stage::{Stage, TaskState};
pub use usage::Usage;
