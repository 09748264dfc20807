//! Reads the agent's files back as a tree in the cache. Loom walks the folder itself (`walk`): all of it, the `.git`
//! inside too, may have been written by the agent. A stat cache spares the unchanged files.

use std::os::fd::AsFd as _;

use git2::ObjectType;

use super::cache::{keep, tree_id};
use super::checkout::Workspace;
use super::intake::open_folder;
use super::walk::{Inside, Walk};
use crate::error::{Kind, OrFail as _, Result};
use crate::task::TreeId;

impl Workspace {
    /// Writes the files as they are now (ignored ones left out, tracked ones in) as a tree into the cache; fast when
    /// nothing changed. What could not be taken in is told by [`Workspace::left_out`].
    pub fn snapshot(&self) -> Result<TreeId> {
        let mut memory = self.memory.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let repository = self.cache.repository()?;
        let odb = repository.odb().or_fail(Kind::Workspace, || "opening the cache's objects")?;
        let mut walk = Walk::new(&mut memory, &odb);
        // The confined folder is a handle for paths only; listing needs one that can be read.
        let top = open_folder(self.dir.as_fd(), c".");
        let root = top.or_fail(Kind::Workspace, || "opening its root").and_then(|top| walk.folder(top.as_fd(), b"", Inside::Open));
        let root = root.map_err(|failure| failure.context(format_args!("reading the workspace {}", self.root.display())))?;
        walk.forget_the_gone();
        let id = match root {
            Some(id) => id,
            None => odb.write(ObjectType::Tree, b"").or_fail(Kind::Workspace, || "writing the empty tree")?,
        };
        let left_out = std::mem::take(&mut walk.left_out);
        let tree = tree_id(id)?;
        memory.left_out = left_out;
        if memory.last.as_ref() != Some(&tree) {
            keep(&repository, "trees", id)?;
            memory.last = Some(tree.clone());
        }
        Ok(tree)
    }

    /// New files at these paths are never taken in: setup made them, not the work. It is loom's own word: the git folder's
    /// `info/exclude` says the same to git, but the agent can write to that.
    pub fn leave_out(&self, by_products: Vec<String>) {
        let mut memory = self.memory.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        memory.by_products.extend(by_products.into_iter().map(String::into_bytes));
    }

    /// What the last snapshot could not take in and why: pipes, sockets, devices, git folders. One sentence each.
    pub fn left_out(&self) -> Vec<String> {
        self.memory.lock().unwrap_or_else(std::sync::PoisonError::into_inner).left_out.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::export::EXECUTABLE;
    use crate::workspace::fixture::Origin;
    use crate::workspace::walk::LARGEST;
    use rustix::fs::{FileType, Mode};
    use std::fs::File;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn changed(workspace: &Workspace) -> Vec<String> {
        let mut paths: Vec<String> = workspace.patch().unwrap().files.into_iter().map(|file| file.path).collect();
        paths.sort();
        paths
    }

    #[test]
    fn an_untouched_workspace_is_its_base_tree() {
        let origin = Origin::new();
        let (cache, base, workspace) = origin.workspace();
        assert_eq!(workspace.snapshot().unwrap(), cache.tree_of(&base).unwrap());
        assert_eq!(workspace.left_out(), Vec::<String>::new());
    }

    #[test]
    fn a_change_of_the_same_size_and_time_is_seen() {
        let origin = Origin::new();
        let (_, _, workspace) = origin.workspace();
        let path = workspace.root().join("README.md");
        workspace.snapshot().unwrap();
        let times = std::fs::metadata(&path).unwrap().modified().unwrap();
        std::fs::write(&path, b"# gadget\n").unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(times).unwrap();
        assert_eq!(changed(&workspace), ["README.md"]);
    }

    #[test]
    fn what_setup_made_stays_out_unless_it_is_tracked() {
        let origin = Origin::new();
        let (_, _, workspace) = origin.workspace();
        workspace.leave_out(vec!["Cargo.lock".into(), "README.md".into()]);
        for path in ["Cargo.lock", "sub/Cargo.lock", "README.md"] {
            workspace.write(path, b"changed\n").unwrap();
        }
        assert_eq!(changed(&workspace), ["README.md", "sub/Cargo.lock"]);
    }

    #[test]
    fn ignored_files_stay_out_and_a_new_pattern_hides_nothing() {
        let origin = Origin::new();
        let (_, _, workspace) = origin.workspace();
        for (path, text) in [
            ("x.log", "by-product"),
            ("build/out.bin", "by-product"),
            ("node_modules/m/index.js", "by-product"),
            ("pkg/__pycache__/a.pyc", "by-product"),
            ("env/pyvenv.cfg", "by-product"),
            ("src/new.rs", "work"),
            ("src/deep/.gitignore", "*\n"),
            ("src/deep/hidden.rs", "work"),
        ] {
            workspace.write(path, text.as_bytes()).unwrap();
        }
        workspace.write(".gitignore", b"*.log\n/build/\nnew.rs\n*\n").unwrap();
        assert_eq!(changed(&workspace), [".gitignore", "src/deep/.gitignore", "src/deep/hidden.rs", "src/new.rs"]);
    }

    #[test]
    fn a_pattern_that_was_too_wide_can_be_mended() {
        let origin = Origin::new();
        let (_, _, workspace) = origin.workspace();
        workspace.write("build/rules.rs", b"work").unwrap();
        workspace.write(".gitignore", b"*.log\n").unwrap();
        assert_eq!(changed(&workspace), [".gitignore", "build/rules.rs"]);
    }

    #[test]
    fn tracked_files_in_an_ignored_folder_belong() {
        let origin = Origin::new();
        origin.write("build/kept.txt", b"kept\n");
        origin.commit("forced");
        let (_, _, workspace) = origin.workspace();
        workspace.write("build/kept.txt", b"changed\n").unwrap();
        workspace.write("build/new.txt", b"by-product\n").unwrap();
        assert_eq!(changed(&workspace), ["build/kept.txt"]);
    }

    #[test]
    fn hostile_files_do_not_stop_or_leave_the_tree() {
        let origin = Origin::new();
        let (cache, _, workspace) = origin.workspace();
        let root = workspace.root().to_path_buf();
        rustix::fs::mknodat(rustix::fs::CWD, root.join("pipe"), FileType::Fifo, Mode::from(0o644), 0).unwrap();
        std::fs::remove_file(root.join("README.md")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, root.join("README.md"), FileType::Fifo, Mode::from(0o644), 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
        symlink("/", root.join("slash")).unwrap();
        symlink("..", root.join("src/up")).unwrap();
        std::fs::create_dir_all(root.join("nested/.git/hooks")).unwrap();
        std::fs::write(root.join("nested/file.txt"), "file").unwrap();
        std::fs::create_dir(root.join(".GIT")).unwrap();
        std::fs::write(root.join(".GIT/config"), "evil").unwrap();
        std::fs::write(root.join(std::ffi::OsStr::from_bytes(b"caf\xe9.txt")), "odd").unwrap();
        let tree = workspace.snapshot().unwrap();
        let paths = cache.paths(&tree).unwrap();
        for there in ["nested/file.txt", "slash", "src/up", "caf\u{fffd}.txt"] {
            assert!(paths.iter().any(|path| path == there), "{there}: {paths:?}");
        }
        for absent in ["pipe", "README.md", "socket"] {
            assert!(!paths.iter().any(|path| path == absent), "{absent}");
            assert!(workspace.left_out().iter().any(|line| line.starts_with(absent)), "{absent}");
        }
        assert!(!paths.iter().any(|path| path.to_lowercase().contains(".git/")), "{paths:?}");
        assert_eq!(cache.blob(&tree, "slash").unwrap().unwrap(), b"/");
    }

    #[test]
    fn a_folder_that_became_a_link_is_a_link() {
        let origin = Origin::new();
        let (cache, _, workspace) = origin.workspace();
        std::fs::remove_dir_all(workspace.root().join("src")).unwrap();
        symlink("/etc", workspace.root().join("src")).unwrap();
        let tree = workspace.snapshot().unwrap();
        assert_eq!(cache.blob(&tree, "src").unwrap().unwrap(), b"/etc");
        assert!(!cache.paths(&tree).unwrap().iter().any(|path| path.starts_with("src/")));
    }

    #[test]
    fn a_giant_is_refused_by_name_and_nothing_is_lost() {
        let origin = Origin::new();
        let (_, _, workspace) = origin.workspace();
        workspace.write("src/new.rs", b"work").unwrap();
        let giant = workspace.root().join("core.dump");
        File::create(&giant).unwrap().set_len(LARGEST + 1).unwrap();
        let failure = workspace.snapshot().unwrap_err();
        assert_eq!(failure.kind, Kind::Workspace);
        assert!(failure.line().contains("core.dump has 50 MB"), "{failure:?}");
        std::fs::remove_file(giant).unwrap();
        assert_eq!(changed(&workspace), ["src/new.rs"]);
    }

    #[test]
    fn snapshots_are_kept_from_collection() {
        let origin = Origin::new();
        let (cache, _, workspace) = origin.workspace();
        workspace.write("src/new.rs", b"work").unwrap();
        let tree = workspace.snapshot().unwrap();
        crate::workspace::fixture::run_git(&cache.path, &["--git-dir=.", "gc", "--quiet", "--prune=now"]);
        assert_eq!(cache.blob(&tree, "src/new.rs").unwrap().unwrap(), b"work");
    }

    #[test]
    fn the_exec_bit_and_file_order_are_gits_own() {
        let origin = Origin::new();
        let (cache, _, workspace) = origin.workspace();
        for path in ["a.txt", "a/x", "a-b", "a0"] {
            workspace.write(path, b"x").unwrap();
        }
        std::fs::set_permissions(workspace.root().join("a0"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let tree = workspace.snapshot().unwrap();
        crate::workspace::fixture::run_git(&cache.path, &["--git-dir=.", "fsck", "--strict", "--no-dangling", tree.as_str()]);
        assert!(cache.leaves(&tree).unwrap().iter().any(|leaf| leaf.path == b"a0" && leaf.mode == EXECUTABLE));
    }

    #[test]
    fn trees_of_old_tools_keep_their_ids() {
        let origin = Origin::new();
        let (cache, base, _) = origin.workspace();
        let file = cache.repository().unwrap().blob(b"old\n").unwrap();
        let repository = cache.repository().unwrap();
        let mut inner = b"100664 f.txt\0".to_vec();
        inner.extend_from_slice(file.as_bytes());
        let inner = repository.odb().unwrap().write(git2::ObjectType::Tree, &inner).unwrap();
        let mut top = b"040000 d\0".to_vec();
        top.extend_from_slice(inner.as_bytes());
        let top: TreeId = repository.odb().unwrap().write(git2::ObjectType::Tree, &top).unwrap().to_string().parse().unwrap();
        let identity = crate::config::GitSettings::default();
        let commit = crate::workspace::Commit { message: "old", identity: &identity, at: jiff::Timestamp::UNIX_EPOCH };
        let old = cache.commit(&base, &top, &commit).unwrap();
        let workspace = Workspace::create(&cache, &old, &origin.beside("old")).unwrap();
        assert!(workspace.patch().unwrap().is_empty());
        workspace.write("d/f.txt", b"new\n").unwrap();
        assert_eq!(changed(&workspace), ["d/f.txt"]);
    }
}
