//! Writes a tree's files into an empty folder: no repository, no hook, no filter, and never through a link.
//! Owns the order that makes it safe: folders, files, links last. Which tree is the callers' choice.

use std::ffi::OsStr;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::cache::{Cache, Leaf};
use super::names::shown;
use crate::error::{Failure, Kind, OrFail, Result};
use crate::task::TreeId;

pub(super) const FILE: u32 = 0o100644;
pub(super) const EXECUTABLE: u32 = 0o100755;
pub(super) const LINK: u32 = 0o120000;
pub(super) const SUBMODULE: u32 = 0o160000;

impl Cache {
    /// Writes a tree's files into an empty folder, without a repository around them. No hooks, no filters (a large-file
    /// pointer stays a pointer); links stay links and are never followed; submodules become empty folders.
    /// Names that are not UTF-8 are written byte by byte.
    pub fn export(&self, tree: &TreeId, into: &Path) -> Result<()> {
        let leaves = self.leaves(tree)?;
        self.write_leaves(&leaves, into)
            .map_err(|failure| failure.context(format_args!("writing tree {} to {}", tree.short(), into.display())))
    }

    pub(super) fn write_leaves(&self, leaves: &[Leaf], into: &Path) -> Result<()> {
        vacant(into)?;
        make_folders(leaves, into)?;
        let files: Vec<&Leaf> = leaves.iter().filter(|leaf| !matches!(leaf.mode, LINK | SUBMODULE)).collect();
        let hands = std::thread::available_parallelism().map_or(1, |count| count.get().min(4));
        // Few files can be large ones.
        let share = files.len().div_ceil(hands).max(16);
        std::thread::scope(|scope| {
            let started: Vec<_> = files.chunks(share).map(|part| scope.spawn(move || self.write_files(part, into))).collect();
            started
                .into_iter()
                .try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(Failure::new(Kind::Internal, "a writer panicked"))))
        })?;
        // Links come last, so that nothing can be written through one.
        let repository = self.repository()?;
        for leaf in leaves.iter().filter(|leaf| leaf.mode == LINK) {
            let doing = || format!("writing the link {}", shown(&leaf.path));
            let target = repository.find_blob(leaf.id).or_fail(Kind::Workspace, doing)?;
            symlink(OsStr::from_bytes(target.content()), place(into, &leaf.path)).or_fail(Kind::Workspace, doing)?;
        }
        Ok(())
    }

    fn write_files(&self, leaves: &[&Leaf], into: &Path) -> Result<()> {
        let repository = self.repository()?;
        for leaf in leaves {
            let doing = || format!("writing {}", shown(&leaf.path));
            let blob = repository.find_blob(leaf.id).or_fail(Kind::Workspace, doing)?;
            let mode = if leaf.mode & 0o100 != 0 { 0o755 } else { 0o644 };
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(mode).open(place(into, &leaf.path)).or_fail(Kind::Workspace, doing)?;
            file.write_all(blob.content()).or_fail(Kind::Workspace, doing)?;
        }
        Ok(())
    }
}

/// Makes the folder, or takes an empty one.
fn vacant(into: &Path) -> Result<()> {
    let doing = || format!("making the folder {}", into.display());
    DirBuilder::new().recursive(true).mode(0o755).create(into).or_fail(Kind::Workspace, doing)?;
    match std::fs::read_dir(into).or_fail(Kind::Workspace, doing)?.next() {
        None => Ok(()),
        Some(_) => Err(Failure::new(Kind::Workspace, format_args!("{} is not empty", into.display()))),
    }
}

/// Every folder once, parents first. A folder that is there already means a tree that names it twice.
fn make_folders(leaves: &[Leaf], into: &Path) -> Result<()> {
    let mut last: Vec<u8> = Vec::new();
    for leaf in leaves {
        let folder = if leaf.mode == SUBMODULE { &leaf.path[..] } else { parent(&leaf.path) };
        if folder == last {
            continue;
        }
        let ends = folder.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at).chain([folder.len()]);
        for made in ends.map(|end| &folder[..end]).filter(|made| !made.is_empty() && !is_within(&last, made)) {
            let doing = || format!("making the folder {}", shown(made));
            DirBuilder::new().mode(0o755).create(place(into, made)).or_fail(Kind::Workspace, doing)?;
        }
        last = folder.to_vec();
    }
    Ok(())
}

fn is_within(path: &[u8], folder: &[u8]) -> bool {
    path.starts_with(folder) && path.get(folder.len()).is_none_or(|next| *next == b'/')
}

fn parent(path: &[u8]) -> &[u8] {
    path.iter().rposition(|b| *b == b'/').map_or(&[], |at| &path[..at])
}

pub(super) fn place(root: &Path, path: &[u8]) -> PathBuf {
    root.join(OsStr::from_bytes(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::fixture::{Origin, raw_tree, run_git};
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn files_links_and_modes_are_written_as_they_are() {
        let origin = Origin::new();
        let (cache, base) = origin.cached();
        let into = origin.beside("tree");
        cache.export(&cache.tree_of(&base).unwrap(), &into).unwrap();
        assert_eq!(std::fs::read(into.join("src/deep/er.rs")).unwrap(), b"// deeper\n");
        assert_eq!(std::fs::metadata(into.join("run.sh")).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(std::fs::read_link(into.join("out")).unwrap(), Path::new("/etc"));
        assert!(!into.join(".git").exists());
        assert!(cache.export(&cache.tree_of(&base).unwrap(), &into).is_err_and(|failure| failure.line().contains("not empty")));
    }

    #[test]
    fn no_filter_and_no_line_ending_rule_touches_the_bytes() {
        let origin = Origin::new();
        origin.write(".gitattributes", b"* text eol=crlf ident filter=evil\n");
        origin.write("plain.txt", b"$Id$\nline\n");
        run_git(&origin.path(), &["config", "filter.evil.smudge", "touch /tmp/loom-was-here"]);
        origin.commit("attributes");
        let (cache, base) = origin.cached();
        cache.export(&cache.tree_of(&base).unwrap(), &origin.beside("tree")).unwrap();
        assert_eq!(std::fs::read(origin.beside("tree/plain.txt")).unwrap(), b"$Id$\nline\n");
    }

    #[test]
    fn a_submodule_becomes_an_empty_folder_and_odd_names_keep_their_bytes() {
        let origin = Origin::new();
        let (cache, base) = origin.cached();
        let odd = std::ffi::OsStr::from_bytes(b"caf\xe9.txt");
        std::fs::write(origin.path().join(odd), "odd").unwrap();
        run_git(&origin.path(), &["add", "."]);
        run_git(&origin.path(), &["update-index", "--add", "--cacheinfo", &format!("160000,{base},vendor/lib")]);
        run_git(&origin.path(), &["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "odd"]);
        let (_, base) = origin.cached();
        let tree = cache.tree_of(&base).unwrap();
        cache.export(&tree, &origin.beside("tree")).unwrap();
        assert_eq!(std::fs::read(origin.beside("tree").join(odd)).unwrap(), b"odd");
        assert_eq!(std::fs::read_dir(origin.beside("tree/vendor/lib")).unwrap().count(), 0);
        assert!(cache.paths(&tree).unwrap().contains(&"caf\u{fffd}.txt".to_owned()));
    }

    #[test]
    fn trees_that_lead_out_are_refused() {
        let origin = Origin::new();
        let (cache, _) = origin.cached();
        let repository = cache.repository().unwrap();
        let file = repository.blob(b"evil").unwrap();
        let link = repository.blob(origin.beside("outside").to_str().unwrap().as_bytes()).unwrap();
        let folder = crate::workspace::cache::oid(raw_tree(&cache, &[("b", FILE, file)]).as_str()).unwrap();
        std::fs::create_dir(origin.beside("outside")).unwrap();
        let hostile: [&[(&str, u32, git2::Oid)]; 5] = [
            &[("..", 0o040000, folder)],
            &[(".git", 0o040000, folder)],
            &[(".GIT", 0o040000, folder)],
            &[("a/b", FILE, file)],
            &[("a", LINK, link), ("a", 0o040000, folder)],
        ];
        for (at, entries) in hostile.iter().enumerate() {
            let tree = raw_tree(&cache, entries);
            assert!(cache.export(&tree, &origin.beside(&format!("tree{at}"))).is_err(), "{entries:?}");
            assert!(!origin.beside("outside/b").exists() && !origin.beside("b").exists());
        }
    }
}
