//! STUB: signatures other rooms build on; the bodies move to files of their own.
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Patch;
use crate::config::GitSettings;
use crate::error::Result;
use crate::sandbox::{Cancel, Credential};
use crate::task::{CommitId, TreeId};

/// The shared bare clone of one remote: makes the second clone fast and keeps the snapshots of tasks.
pub struct Cache {}

impl Cache {
    /// Brings the bare cache of `url` (a URL or a local path) below `folder` up to date for `branch`
    /// (the remote's default when none); answers with the commit it stands at and the branch's name.
    pub fn fetch(
        _folder: &Path,
        _url: &str,
        _branch: Option<&str>,
        _credential: Option<&Credential>,
        _wall: Duration,
        _cancel: &Cancel,
    ) -> Result<(Cache, CommitId, String)> {
        todo!()
    }

    /// The cache as it is, without asking the remote.
    pub fn open(_folder: &Path, _url: &str) -> Result<Cache> {
        todo!()
    }

    /// The commit a revision names (branch, tag, id).
    pub fn resolve(&self, _revision: &str) -> Result<CommitId> {
        todo!()
    }

    /// The tree of a commit.
    pub fn tree_of(&self, _commit: &CommitId) -> Result<TreeId> {
        todo!()
    }

    /// Writes a tree's files into an empty folder, without a repository around them. No hooks, no filters; links stay links.
    pub fn export(&self, _tree: &TreeId, _into: &Path) -> Result<()> {
        todo!()
    }

    /// One file of a tree; none when it is absent or no file.
    pub fn blob(&self, _tree: &TreeId, _path: &str) -> Result<Option<Vec<u8>>> {
        todo!()
    }

    /// All paths of a tree, sorted.
    pub fn paths(&self, _tree: &TreeId) -> Result<Vec<String>> {
        todo!()
    }

    /// `base` with the given paths replaced by other content (`None` deletes); what `verify` builds mixed trees with.
    pub fn overlay(&self, _base: &TreeId, _changes: &[(String, Option<(Vec<u8>, u32)>)]) -> Result<TreeId> {
        todo!()
    }

    /// The difference between a commit's tree and another tree.
    pub fn patch(&self, _base: &CommitId, _head: &TreeId) -> Result<Patch> {
        todo!()
    }

    /// Applies a git patch as data to the tree of `base`; fails when it does not apply cleanly.
    pub fn apply(&self, _base: &CommitId, _diff: &[u8]) -> Result<TreeId> {
        todo!()
    }

    /// One commit of `tree` on top of `parent`, in the cache; the same input gives the same id.
    pub fn commit(&self, _parent: &CommitId, _tree: &TreeId, _commit: &Commit<'_>) -> Result<CommitId> {
        todo!()
    }

    /// Pushes a commit as `branch` to the cache's remote; never by force over work that is not loom's:
    /// `expected` is what the branch must point to now (none: must not exist).
    pub fn push(
        &self,
        _commit: &CommitId,
        _branch: &str,
        _expected: Option<&CommitId>,
        _credential: Option<&Credential>,
        _wall: Duration,
        _cancel: &Cancel,
    ) -> Result<()> {
        todo!()
    }

    /// What `branch` points to at the remote.
    pub fn remote_branch(
        &self,
        _branch: &str,
        _credential: Option<&Credential>,
        _wall: Duration,
        _cancel: &Cancel,
    ) -> Result<Option<CommitId>> {
        todo!()
    }
}

/// What a commit says and who says it.
pub struct Commit<'a> {
    /// Subject, blank line, body.
    pub message: &'a str,
    /// Author and committer; `sign_off` decides about the trailer.
    pub identity: &'a GitSettings,
    /// Author and commit time.
    pub at: jiff::Timestamp,
}

/// The agent's tree: a checkout at the base commit whose file access cannot leave it.
pub struct Workspace {}

impl Workspace {
    /// Writes the tree of `base` into `folder` (made, and empty) with a small git repository around it, so that the
    /// repository's own tools find one.
    pub fn create(_cache: &Cache, _base: &CommitId, _folder: &Path) -> Result<Workspace> {
        todo!()
    }

    /// The workspace an earlier attempt left, its files set to `tree`.
    pub fn resume(_cache: &Cache, _base: &CommitId, _tree: &TreeId, _folder: &Path) -> Result<Workspace> {
        todo!()
    }

    /// The root on this machine.
    pub fn root(&self) -> &Path {
        todo!()
    }

    /// A file's bytes, at most `limit`; refuses what is no regular file in the tree. Paths are relative, `/` between parts.
    pub fn read(&self, _path: &str, _limit: u64) -> Result<Vec<u8>> {
        todo!()
    }

    /// Writes a file, its folders made, its mode kept.
    pub fn write(&self, _path: &str, _bytes: &[u8]) -> Result<()> {
        todo!()
    }

    /// Removes a file.
    pub fn remove(&self, _path: &str) -> Result<()> {
        todo!()
    }

    /// Whether this is a regular file of the tree.
    pub fn is_file(&self, _path: &str) -> bool {
        todo!()
    }

    /// Writes the files as they are now (ignored ones left out, tracked ones in) as a tree into the cache; fast when nothing changed.
    pub fn snapshot(&self) -> Result<TreeId> {
        todo!()
    }

    /// Base to the present files.
    pub fn patch(&self) -> Result<Patch> {
        todo!()
    }

    /// The folder that holds it.
    pub fn folder(&self) -> PathBuf {
        self.root().to_path_buf()
    }
}
