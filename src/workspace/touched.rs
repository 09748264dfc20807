//! What a patch touches, as the rules on protected paths look at it.

use std::path::Path;

use super::cache::{Cache, find_tree};
use super::{Change, FileChange, Patch};
use crate::error::{Kind, OrFail, Result};
use crate::guard::Touched;

/// Git's mode of a link.
const LINK: u32 = 0o120000;

impl Cache {
    /// Every file of the patch with its modes, its size and where it leads.
    pub fn touched(&self, patch: &Patch) -> Result<Vec<Touched>> {
        let repository = self.repository()?;
        let (old, new) = (find_tree(&repository, &patch.base_tree)?, find_tree(&repository, &patch.head_tree)?);
        let blobs = repository.odb().or_fail(Kind::Workspace, || "opening the cache's objects")?;
        let describe = |file: &FileChange| -> Result<Touched> {
            let from = match &file.change {
                Change::Renamed(from) => Some(from.clone()),
                Change::Added | Change::Modified | Change::Deleted => None,
            };
            let before = from.as_deref().unwrap_or(&file.path);
            let old_mode = old.get_path(Path::new(before)).map_or(0, |entry| entry.filemode() as u32);
            let head = new.get_path(Path::new(&file.path)).ok();
            let size = head.as_ref().and_then(|entry| blobs.read_header(entry.id()).ok()).map_or(0, |(size, _)| size as u64);
            let link = if file.mode == LINK { self.blob(&patch.head_tree, &file.path)? } else { None };
            Ok(Touched { path: file.path.clone(), from, old_mode, mode: file.mode, link, size, binary: file.binary })
        };
        patch.files.iter().map(describe).collect()
    }
}
