//! The agent's tree: made at a base commit, resumed at a snapshot.
//! Owns the folder's life; file access is in `confined`, its git folder in `surroundings`, reading it back in `snapshot`.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::cache::Cache;
use super::ignored::Rules;
use super::snapshot::{Known, Stamp};
use super::{Patch, surroundings};
use crate::error::{Kind, OrFail, Result};
use crate::task::{CommitId, TreeId};

/// The agent's tree: a checkout at the base commit whose file access cannot leave it.
#[derive(Debug)]
pub struct Workspace {
    pub(super) root: PathBuf,
    pub(super) dir: Dir,
    pub(super) cache: Cache,
    pub(super) base: CommitId,
    pub(super) memory: Mutex<Memory>,
}

/// What is remembered from one snapshot to the next.
#[derive(Debug)]
pub(super) struct Memory {
    /// Every file of the base tree and of the last snapshot.
    pub known: HashMap<Vec<u8>, Known>,
    /// What the base tree ignores.
    pub rules: Rules,
    /// The last snapshot's tree, which the cache keeps.
    pub last: Option<TreeId>,
    /// What the last snapshot left out, and why.
    pub left_out: Vec<String>,
}

impl Workspace {
    /// Writes the tree of `base` into `folder` (made, and empty) with a small git repository around it, so that the
    /// repository's own tools find one. Loom itself never reads that repository again: the agent can write to it.
    pub fn create(cache: &Cache, base: &CommitId, folder: &Path) -> Result<Workspace> {
        let tree = cache.tree_of(base)?;
        Workspace::written(cache, base, &tree, folder)
    }

    /// The workspace an earlier attempt left, its files set to `tree`. The folder is written anew, so that nothing
    /// half-done survives; what was ignored there (build output) is gone.
    pub fn resume(cache: &Cache, base: &CommitId, tree: &TreeId, folder: &Path) -> Result<Workspace> {
        clear(folder)?;
        Workspace::written(cache, base, tree, folder)
    }

    fn written(cache: &Cache, base: &CommitId, tree: &TreeId, folder: &Path) -> Result<Workspace> {
        let base_tree = cache.tree_of(base)?;
        let leaves = cache.leaves(tree)?;
        cache.write_leaves(&leaves, folder).map_err(|failure| failure.context(format_args!("making the workspace {}", folder.display())))?;
        let doing = || format!("opening the workspace {}", folder.display());
        let root = std::fs::canonicalize(folder).or_fail(Kind::Workspace, doing)?;
        let dir = Dir::open_ambient_dir(&root, ambient_authority()).or_fail(Kind::Workspace, doing)?;
        let same = *tree == base_tree;
        let tracked = if same { leaves.clone() } else { cache.leaves(&base_tree)? };
        let mut known: HashMap<Vec<u8>, Known> =
            tracked.iter().map(|leaf| (leaf.path.clone(), Known { id: leaf.id, mode: leaf.mode, tracked: true, stamp: None })).collect();
        for leaf in &leaves {
            let tracked = known.contains_key(&leaf.path);
            let stamp = Stamp::of(&root, &leaf.path);
            known.insert(leaf.path.clone(), Known { id: leaf.id, mode: leaf.mode, tracked, stamp });
        }
        surroundings::settle(cache, base, &tracked, &known, &root)?;
        let rules = Rules::of_tree(cache, &tracked)?;
        let memory = Mutex::new(Memory { known, rules, last: None, left_out: Vec::new() });
        Ok(Workspace { root, dir, cache: cache.clone(), base: base.clone(), memory })
    }

    /// The root on this machine.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Base to the present files.
    pub fn patch(&self) -> Result<Patch> {
        let tree = self.snapshot()?;
        self.cache.patch(&self.base, &tree)
    }

    /// The folder that holds it.
    pub fn folder(&self) -> PathBuf {
        self.root().to_path_buf()
    }
}

/// Removes a folder with all that is in it, closed folders too; links are removed, not followed.
fn clear(folder: &Path) -> Result<()> {
    if std::fs::symlink_metadata(folder).is_err() || std::fs::remove_dir_all(folder).is_ok() {
        return Ok(());
    }
    open_up(folder);
    std::fs::remove_dir_all(folder).or_fail(Kind::Workspace, || format!("clearing the workspace {}", folder.display()))
}

/// A child may have taken its own rights away; they are given back where that is possible, the removal tells the rest.
fn open_up(folder: &Path) {
    let _ = std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700));
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}
