//! One clone on disk: fetch through a shared bare cache, files that cannot be left, snapshots, the real diff, commit and push.
//! Git objects are read and written by git2 here; the git program is started through `sandbox::git`.

mod contract;
mod patch;
mod tree;

pub use contract::{Cache, Commit, Workspace};
pub use patch::{Change, FileChange, Patch};
pub use tree::{Shared, Tree};
