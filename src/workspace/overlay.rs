//! A tree with some paths replaced: what mixed trees are built with.
//! Owns the grafting; which paths are taken from where is `verify`'s decision.

use std::collections::BTreeMap;

use git2::{ObjectType, Oid, Repository};

use super::cache::{Cache, find_tree, keep, tree_id};
use super::export::{EXECUTABLE, FILE, LINK};
use super::names;
use crate::error::{Failure, Kind, OrFail, Result};
use crate::task::TreeId;

/// What becomes of a path: content and mode, or gone.
type Content = Option<(Vec<u8>, u32)>;

/// The changes below one folder.
#[derive(Default)]
struct Graft<'a> {
    here: Option<&'a Content>,
    below: BTreeMap<&'a str, Graft<'a>>,
}

impl Cache {
    /// `base` with the given paths replaced by other content (`None` deletes); what `verify` builds mixed trees with.
    /// A file may take a folder's place and the other way round; deleting what is not there is no error.
    pub fn overlay(&self, base: &TreeId, changes: &[(String, Option<(Vec<u8>, u32)>)]) -> Result<TreeId> {
        let repository = self.repository()?;
        let mut root = Graft::default();
        for (path, content) in changes {
            check(path, content)?;
            let mut at = &mut root;
            for part in path.split('/') {
                at = at.below.entry(part).or_default();
            }
            at.here = Some(content);
        }
        let before = find_tree(&repository, base)?;
        let id = match grafted(&repository, Some(&before), &root)? {
            Some(id) => id,
            None => repository.treebuilder(None).and_then(|empty| empty.write()).or_fail(Kind::Workspace, || "writing the empty tree")?,
        };
        keep(&repository, "trees", id)?;
        tree_id(id)
    }
}

fn check(path: &str, content: &Content) -> Result<()> {
    if let Some(why) = path.split('/').find_map(|part| names::objection(part.as_bytes())) {
        return Err(Failure::new(Kind::Workspace, format_args!("the path {path:?} has {why}")));
    }
    match content {
        Some((_, mode)) if !matches!(*mode, FILE | EXECUTABLE | LINK) => {
            Err(Failure::new(Kind::Workspace, format_args!("{path} cannot be written with mode {mode:o}")))
        }
        _ => Ok(()),
    }
}

/// The folder's new tree; none when nothing is left in it.
fn grafted(repository: &Repository, before: Option<&git2::Tree<'_>>, graft: &Graft<'_>) -> Result<Option<Oid>> {
    let mut builder = repository.treebuilder(before).or_fail(Kind::Workspace, || "reading a folder of the tree")?;
    for (name, part) in &graft.below {
        let doing = || format!("replacing {name}");
        let old = builder.get(name).or_fail(Kind::Workspace, doing)?.map(|entry| (entry.id(), entry.kind()));
        let inner = match old {
            Some((id, Some(ObjectType::Tree))) if part.here.is_none() => Some(repository.find_tree(id).or_fail(Kind::Workspace, doing)?),
            _ => None,
        };
        let new = match (part.here, part.below.is_empty()) {
            (Some(Some((bytes, mode))), true) => Some((repository.blob(bytes).or_fail(Kind::Workspace, doing)?, *mode)),
            (Some(Some(_)), false) => return Err(Failure::new(Kind::Workspace, format_args!("{name} cannot be a file and a folder"))),
            (_, true) => None,
            (_, false) => grafted(repository, inner.as_ref(), part)?.map(|id| (id, 0o040000)),
        };
        match new {
            Some((id, mode)) => drop(builder.insert(*name, id, mode as i32).or_fail(Kind::Workspace, doing)?),
            None if old.is_some() => builder.remove(*name).or_fail(Kind::Workspace, doing)?,
            None => {}
        }
    }
    if builder.is_empty() {
        return Ok(None);
    }
    builder.write().map(Some).or_fail(Kind::Workspace, || "writing a folder of the tree")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::fixture::Origin;

    fn text(path: &str, content: &str) -> (String, Content) {
        (path.into(), Some((content.into(), FILE)))
    }

    fn gone(path: &str) -> (String, Content) {
        (path.into(), None)
    }

    #[test]
    fn paths_are_replaced_added_and_deleted() {
        let origin = Origin::new();
        let (cache, base) = origin.cached();
        let tree = cache.tree_of(&base).unwrap();
        assert_eq!(cache.overlay(&tree, &[]).unwrap(), tree);
        let changes = [text("src/lib.rs", "new"), text("a/b/c.rs", "c"), gone("src/deep/er.rs"), gone("no/where")];
        let mixed = cache.overlay(&tree, &changes).unwrap();
        assert_eq!(cache.blob(&mixed, "src/lib.rs").unwrap().unwrap(), b"new");
        assert_eq!(cache.blob(&mixed, "a/b/c.rs").unwrap().unwrap(), b"c");
        let paths = cache.paths(&mixed).unwrap();
        assert!(!paths.iter().any(|path| path.starts_with("src/deep") || path.starts_with("no")), "{paths:?}");
        assert_eq!(paths.len(), cache.paths(&tree).unwrap().len());
    }

    #[test]
    fn a_file_takes_a_folders_place_and_back() {
        let origin = Origin::new();
        let (cache, base) = origin.cached();
        let tree = cache.tree_of(&base).unwrap();
        let flat = cache.overlay(&tree, &[text("src", "now a file")]).unwrap();
        assert_eq!(cache.blob(&flat, "src").unwrap().unwrap(), b"now a file");
        let deep = cache.overlay(&flat, &[gone("src"), text("src/main.rs", "x")]).unwrap();
        assert_eq!(cache.blob(&deep, "src/main.rs").unwrap().unwrap(), b"x");
        assert!(cache.overlay(&tree, &[text("x", "1"), text("x/y", "2")]).is_err());
        let all: Vec<_> = cache.paths(&tree).unwrap().iter().map(|path| gone(path)).collect();
        assert!(cache.paths(&cache.overlay(&tree, &all).unwrap()).unwrap().is_empty());
    }

    #[test]
    fn paths_that_lead_out_are_refused() {
        let origin = Origin::new();
        let (cache, base) = origin.cached();
        let tree = cache.tree_of(&base).unwrap();
        for path in ["", "/x", "../x", "a//b", ".git/config", "a/./b"] {
            assert!(cache.overlay(&tree, &[text(path, "x")]).is_err(), "{path:?}");
        }
    }
}
