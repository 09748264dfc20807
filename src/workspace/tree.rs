//! A tree on disk and how it appears to its children.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::sandbox::{Job, Limits, Mount, Network};

/// A tree on disk and how it appears to its children.
#[derive(Debug, Clone)]
pub struct Tree {
    /// On this machine.
    pub host: PathBuf,
    /// As children see it: the same path for every tree of a task, or installed links would lead from one to another.
    pub point: PathBuf,
    /// Folders that setup made (dependencies), mounted over the tree to read.
    pub shared: Vec<Shared>,
    /// A host folder of this tree alone, for HOME, temporary files and build output.
    pub private: PathBuf,
    /// Variables its children need (the environment that setup made: PATH prefix, VIRTUAL_ENV, CARGO_HOME, ...).
    pub env: BTreeMap<String, String>,
}

/// Something setup made, that all trees of the task share to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// On this machine.
    pub host: PathBuf,
    /// As children see it.
    pub inside: PathBuf,
}

impl Tree {
    /// A child at the root of this tree, without network.
    pub fn job(&self, argv: Vec<String>, limits: Limits) -> Job {
        let own = Mount::ReadWrite { host: self.host.clone(), inside: self.point.clone() };
        let private = Mount::ReadWrite { host: self.private.clone(), inside: self.private_point() };
        let shared = self.shared.iter().map(|one| Mount::ReadOnly { host: one.host.clone(), inside: one.inside.clone() });
        Job {
            argv,
            cwd: self.point.clone(),
            env: self.env.clone(),
            mounts: [own, private].into_iter().chain(shared).collect(),
            network: Network::Private,
            limits,
            stdin: Vec::new(),
            silence: None,
        }
    }

    /// Where children see `private`: beside the tree.
    pub fn private_point(&self) -> PathBuf {
        self.point.parent().unwrap_or(Path::new("/")).join("private")
    }
}
