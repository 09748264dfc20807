//! What happened on a branch since some work began, and the merge of both: on objects, without any checkout.

use std::collections::BTreeSet;

use git2::MergeOptions;

use super::cache::{Cache, find_tree, keep, oid, tree_id};
use super::names;
use crate::error::{Kind, OrFail, Result};
use crate::task::{CommitId, TreeId};

/// What came of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// Both together.
    Clean(TreeId),
    /// These paths were changed on both sides, each in its own way.
    Conflicts(Vec<String>),
}

impl Cache {
    /// Merges two trees that began as `base`.
    pub fn merge(&self, base: &TreeId, ours: &TreeId, theirs: &TreeId) -> Result<Merged> {
        let repository = self.repository()?;
        let doing = || format!("merging {} and {}", ours.short(), theirs.short());
        let (base, ours, theirs) = (find_tree(&repository, base)?, find_tree(&repository, ours)?, find_tree(&repository, theirs)?);
        let mut options = MergeOptions::new();
        options.find_renames(true);
        let mut index = repository.merge_trees(&base, &ours, &theirs, Some(&options)).or_fail(Kind::Workspace, doing)?;
        if index.has_conflicts() {
            let conflicts = index.conflicts().or_fail(Kind::Workspace, doing)?;
            let sides = conflicts.flatten().flat_map(|one| [one.ancestor, one.our, one.their]).flatten();
            let paths: BTreeSet<String> = sides.map(|entry| names::shown(&entry.path)).collect();
            return Ok(Merged::Conflicts(paths.into_iter().collect()));
        }
        let id = index.write_tree_to(&repository).or_fail(Kind::Workspace, doing)?;
        keep(&repository, "trees", id)?;
        Ok(Merged::Clean(tree_id(id)?))
    }

    /// Paths that differ between two trees; a moved file counts under both of its names.
    pub fn paths_between(&self, from: &TreeId, to: &TreeId) -> Result<BTreeSet<String>> {
        let repository = self.repository()?;
        let (from, to) = (find_tree(&repository, from)?, find_tree(&repository, to)?);
        let diff = repository.diff_tree_to_tree(Some(&from), Some(&to), None).or_fail(Kind::Workspace, || "comparing two trees")?;
        let sides = diff.deltas().flat_map(|delta| {
            let path = |file: git2::DiffFile<'_>| file.path_bytes().map(names::shown);
            [path(delta.old_file()), path(delta.new_file())]
        });
        Ok(sides.flatten().collect())
    }

    /// How many commits lead to `to` and not to `from`.
    pub fn commits_between(&self, from: &CommitId, to: &CommitId) -> Result<u64> {
        let repository = self.repository()?;
        let (ahead, _) = repository
            .graph_ahead_behind(oid(to.as_str())?, oid(from.as_str())?)
            .or_fail(Kind::Workspace, || format!("counting the commits from {} to {}", from.short(), to.short()))?;
        Ok(ahead as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::fixture::Origin;

    fn with(cache: &Cache, tree: &TreeId, path: &str, text: &str) -> TreeId {
        cache.overlay(tree, &[(path.to_owned(), Some((text.as_bytes().to_vec(), 0o100_644)))]).unwrap()
    }

    #[test]
    fn both_sides_come_together_or_the_paths_are_named() {
        let origin = Origin::new();
        let (cache, first) = origin.cached();
        let base = cache.tree_of(&first).unwrap();
        let ours = with(&cache, &base, "new.txt", "ours\n");
        let theirs = with(&cache, &base, "src/lib.rs", "pub fn one() -> u32 {\n    2\n}\n");
        let Merged::Clean(both) = cache.merge(&base, &ours, &theirs).unwrap() else { panic!("no conflict") };
        assert_eq!(cache.blob(&both, "new.txt").unwrap().unwrap(), b"ours\n");
        assert!(cache.blob(&both, "src/lib.rs").unwrap().unwrap().windows(5).any(|text| text == b"    2"));
        let other = with(&cache, &base, "src/lib.rs", "pub fn one() -> u32 {\n    3\n}\n");
        assert_eq!(cache.merge(&base, &other, &theirs).unwrap(), Merged::Conflicts(vec!["src/lib.rs".into()]));
        let paths: Vec<String> = cache.paths_between(&base, &both).unwrap().into_iter().collect();
        assert_eq!(paths, ["new.txt", "src/lib.rs"]);
    }

    #[test]
    fn commits_since_are_counted() {
        let origin = Origin::new();
        let (cache, first) = origin.cached();
        origin.write("new.txt", b"new\n");
        origin.commit("second");
        let (_, second, _) = origin.fetch(None).unwrap();
        assert_eq!((cache.commits_between(&first, &second).unwrap(), cache.commits_between(&second, &first).unwrap()), (1, 0));
    }
}
