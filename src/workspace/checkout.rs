//! The agent's tree: made at a base commit, resumed at a snapshot.
//! Owns the folder's life; file access is in `confined`, its git folder in `surroundings`, reading it back in `snapshot`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::cache::Cache;
use super::memory::Memory;
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
        cache
            .write_leaves(&leaves, folder)
            .map_err(|failure| failure.context(format_args!("making the workspace {}", folder.display())))?;
        let doing = || format!("opening the workspace {}", folder.display());
        let root = std::fs::canonicalize(folder).or_fail(Kind::Workspace, doing)?;
        let dir = Dir::open_ambient_dir(&root, ambient_authority()).or_fail(Kind::Workspace, doing)?;
        let same = *tree == base_tree;
        let tracked = if same { leaves.clone() } else { cache.leaves(&base_tree)? };
        let memory = Memory::of_base(cache, &base_tree, &tracked, &leaves, &root)?;
        surroundings::settle(cache, base, &tracked, &memory.known, &root)?;
        let memory = Mutex::new(memory);
        Ok(Workspace { root, dir, cache: cache.clone(), base: base.clone(), memory })
    }

    /// The root on this machine.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The files of the base tree, those that the rules for ignored ones name as well, sorted.
    pub fn tracked(&self) -> Vec<String> {
        let memory = self.memory.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let tracked = memory.known.iter().filter(|(_, known)| known.tracked);
        let mut paths: Vec<String> = tracked.map(|(path, _)| String::from_utf8_lossy(path).into_owned()).collect();
        paths.sort_unstable();
        paths
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::fixture::{Origin, run_git};
    use std::os::unix::fs::symlink;

    #[test]
    fn the_repositorys_own_tools_find_a_clean_repository_at_the_real_commit() {
        let origin = Origin::new();
        run_git(&origin.path(), &["tag", "v1.2"]);
        let (_, base, workspace) = origin.workspace();
        let root = workspace.root();
        assert_eq!(run_git(root, &["rev-parse", "HEAD"]).stdout.text().trim(), base.as_str());
        assert_eq!(run_git(root, &["status", "--porcelain"]).stdout.text(), "");
        assert_eq!(run_git(root, &["describe", "--tags"]).stdout.text().trim(), "v1.2");
        assert!(run_git(root, &["ls-files"]).stdout.text().contains("src/lib.rs"));
        run_git(root, &["fsck", "--full", "--strict"]);
    }

    #[test]
    fn what_the_agent_does_to_git_reaches_neither_cache_nor_snapshot() {
        let origin = Origin::new();
        let (cache, base, workspace) = origin.workspace();
        let git = workspace.root().join(".git");
        for entry in std::fs::read_dir(git.join("objects/pack")).unwrap() {
            let path = entry.unwrap().path();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            std::fs::write(&path, "garbage").unwrap();
        }
        std::fs::write(git.join("config"), "[core]\n\tfsmonitor = touch /tmp/loom-was-here\n\tworktree = /etc\n").unwrap();
        std::fs::write(git.join("info/exclude"), "*\n").unwrap();
        workspace.write("new.txt", b"new\n").unwrap();
        let patch = workspace.patch().unwrap();
        assert_eq!(patch.files.len(), 1);
        assert_eq!(cache.tree_of(&base).unwrap(), patch.base_tree);
        std::fs::remove_dir_all(&git).unwrap();
        symlink("/etc", &git).unwrap();
        assert_eq!(workspace.snapshot().unwrap(), patch.head_tree);
    }

    #[test]
    fn a_resumed_workspace_has_the_snapshots_files_and_the_bases_history() {
        let origin = Origin::new();
        let (cache, base, workspace) = origin.workspace();
        workspace.write("src/new.rs", b"new\n").unwrap();
        workspace.remove("README.md").unwrap();
        let tree = workspace.snapshot().unwrap();
        let folder = workspace.folder();
        workspace.write("later.txt", b"lost\n").unwrap();
        std::fs::create_dir_all(folder.join("closed/inner")).unwrap();
        std::fs::set_permissions(folder.join("closed"), std::fs::Permissions::from_mode(0o000)).unwrap();
        symlink(origin.path(), folder.join("leads-out")).unwrap();
        drop(workspace);
        let resumed = Workspace::resume(&cache, &base, &tree, &folder).unwrap();
        assert_eq!(resumed.snapshot().unwrap(), tree);
        assert!(!resumed.is_file("later.txt") && !resumed.is_file("README.md"));
        assert_eq!(resumed.patch().unwrap().files.len(), 2);
        assert!(origin.path().join("README.md").exists());
        let status = run_git(&folder, &["status", "--porcelain"]).stdout.text();
        assert!(status.contains(" D README.md") && status.contains("?? src/new.rs"), "{status}");
    }

    #[test]
    fn a_base_that_loom_committed_itself_is_complete_too() {
        let origin = Origin::new();
        let (cache, base) = origin.cached();
        let tree = cache.overlay(&cache.tree_of(&base).unwrap(), &[("a/b.txt".into(), Some((b"b\n".to_vec(), 0o100644)))]).unwrap();
        let identity = crate::config::GitSettings::default();
        let commit = super::super::Commit { message: "x", identity: &identity, at: jiff::Timestamp::UNIX_EPOCH };
        let above = cache.commit(&base, &tree, &commit).unwrap();
        let workspace = Workspace::create(&cache, &above, &origin.beside("work")).unwrap();
        assert_eq!(run_git(workspace.root(), &["status", "--porcelain"]).stdout.text(), "");
        run_git(workspace.root(), &["fsck", "--full"]);
    }
}
