//! The real difference between two trees, never the model's words.

use serde::{Deserialize, Serialize};

use crate::task::{CommitId, TreeId};

/// What the work changed, from the base commit's tree to the head tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {
    /// Where the work began.
    pub base: CommitId,
    /// The tree of `base`.
    pub base_tree: TreeId,
    /// The tree after the work.
    pub head_tree: TreeId,
    /// One entry per file, by path.
    pub files: Vec<FileChange>,
    /// The whole as a git patch (binary parts too); kept beside `proposal.json`, not inside it.
    #[serde(skip)]
    pub diff: Vec<u8>,
}

/// What happened to one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// Path in the head tree, or in the base tree when it was deleted; `/` between parts.
    pub path: String,
    /// What happened.
    pub change: Change,
    /// Git's file mode in the head tree (0o100644, 0o100755, 0o120000 for a link, 0o160000 for a submodule); 0 when deleted.
    pub mode: u32,
    /// Lines added; 0 for binary files.
    pub added: u64,
    /// Lines removed; 0 for binary files.
    pub removed: u64,
    /// Whether git takes it for binary.
    pub binary: bool,
}

/// What happened to a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Not there before.
    Added,
    /// Other content or mode.
    Modified,
    /// Gone.
    Deleted,
    /// Moved from this path, perhaps with other content.
    Renamed(String),
}

impl Patch {
    /// Nothing was changed.
    pub fn is_empty(&self) -> bool {
        self.base_tree == self.head_tree
    }
}
