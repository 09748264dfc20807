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
        self.write_leaves(&leaves, into).map_err(|failure| failure.context(format_args!("writing tree {} to {}", tree.short(), into.display())))
    }

    pub(super) fn write_leaves(&self, leaves: &[Leaf], into: &Path) -> Result<()> {
        vacant(into)?;
        make_folders(leaves, into)?;
        let files: Vec<&Leaf> = leaves.iter().filter(|leaf| !matches!(leaf.mode, LINK | SUBMODULE)).collect();
        let hands = std::thread::available_parallelism().map_or(1, |count| count.get().min(4));
        let share = files.len().div_ceil(hands).max(256);
        std::thread::scope(|scope| {
            let started: Vec<_> = files.chunks(share).map(|part| scope.spawn(move || self.write_files(part, into))).collect();
            started.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(Failure::new(Kind::Internal, "a writer panicked"))))
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
            let mode = if leaf.mode == EXECUTABLE { 0o755 } else { 0o644 };
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
