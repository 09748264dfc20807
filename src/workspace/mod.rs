//! One clone on disk: fetch through a shared bare cache, files that cannot be left, snapshots, the real diff, commit and push.
//! Git objects are read and written by git2 here; the git program is started through `sandbox::git`.

mod advertised;
mod cache;
mod checkout;
mod commit;
mod confined;
mod difference;
mod export;
mod fetch;
#[cfg(test)]
mod fixture;
mod history;
mod ignored;
mod intake;
mod memory;
mod merge;
mod names;
mod overlay;
mod patch;
mod push;
mod refusal;
mod remote;
mod revision;
mod snapshot;
mod surroundings;
mod touched;
mod tree;
mod upkeep;
mod walk;

pub use cache::Cache;
pub use checkout::Workspace;
pub use commit::Commit;
pub use merge::Merged;
pub use overlay::Content;
pub use patch::{Change, FileChange, Patch};
pub use tree::{Shared, Tree};
