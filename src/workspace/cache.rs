//! The shared bare clone of one remote and how its objects are read.
//! Filling it is `fetch`'s work, writing to it that of `overlay`, `snapshot` and `commit`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Once;

use git2::{ObjectType, Oid, Repository};

use super::names;
use super::remote::Remote;
use crate::error::{Failure, Kind, OrFail, Result};
use crate::task::{CommitId, TreeId};

/// The shared bare clone of one remote: makes the second clone fast and keeps the snapshots of tasks.
/// Cheap to clone and to share between threads: the repository is opened for each piece of work.
#[derive(Debug, Clone)]
pub struct Cache {
    pub(super) path: PathBuf,
    pub(super) remote: Remote,
}

/// One entry of a whole tree, by its path in bytes.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub path: Vec<u8>,
    pub id: Oid,
    pub mode: u32,
}

static UNCHECKED: Once = Once::new();

impl Cache {
    pub(super) fn at(folder: &Path, remote: Remote) -> Cache {
        Cache { path: folder.join(remote.folder_name()), remote }
    }

    /// The cache as it is, without asking the remote.
    pub fn open(folder: &Path, url: &str) -> Result<Cache> {
        let cache = Cache::at(folder, Remote::parse(url)?);
        cache.repository()?;
        Ok(cache)
    }

    /// What the remote is called: a URL, or an absolute path.
    pub fn address(&self) -> &str {
        &self.remote.address
    }

    /// Only the cache's own configuration counts: what a machine's other files say must not change a diff.
    pub(super) fn repository(&self) -> Result<Repository> {
        let doing = || format!("opening the cache of {}", self.remote.address);
        // As git itself reads: what was checked when it was fetched is not hashed again at each look. No sandboxed child
        // can write to the cache, and damage is found by its checksums or by `git fsck`.
        UNCHECKED.call_once(|| git2::opts::strict_hash_verification(false));
        let repository = Repository::open_bare(&self.path).or_fail(Kind::Workspace, doing)?;
        let own = git2::Config::open(&self.path.join("config")).or_fail(Kind::Workspace, doing)?;
        repository.set_config(&own).or_fail(Kind::Workspace, doing)?;
        Ok(repository)
    }

    /// The commit a revision names (branch, tag, id).
    pub fn resolve(&self, revision: &str) -> Result<CommitId> {
        let repository = self.repository()?;
        for place in ["refs/remotes/origin/", "refs/tags/", ""] {
            let name = format!("{place}{revision}");
            if git2::Reference::is_valid_name(&name)
                && let Ok(found) = repository.find_reference(&name)
            {
                return commit_of(&found.peel_to_commit().or_fail(Kind::Workspace, || format!("reading {revision}"))?);
            }
        }
        let digits = revision.len() >= 7 && revision.bytes().all(|b| b.is_ascii_hexdigit());
        match repository.find_commit_by_prefix(revision) {
            Ok(found) if digits => commit_of(&found),
            _ => Err(Failure::new(Kind::Workspace, format_args!("{} has no branch, tag or commit {revision:?}", self.remote.address))),
        }
    }

    /// The tree of a commit.
    pub fn tree_of(&self, commit: &CommitId) -> Result<TreeId> {
        let repository = self.repository()?;
        let found = repository.find_commit(oid(commit.as_str())?).or_fail(Kind::Workspace, || format!("reading commit {commit}"))?;
        tree_id(found.tree_id())
    }

    /// One file of a tree (the target's spelling for a link); none when it is absent or no file.
    pub fn blob(&self, tree: &TreeId, path: &str) -> Result<Option<Vec<u8>>> {
        let repository = self.repository()?;
        let root = find_tree(&repository, tree)?;
        let Ok(entry) = root.get_path(Path::new(path)) else { return Ok(None) };
        if entry.kind() != Some(ObjectType::Blob) {
            return Ok(None);
        }
        let blob = repository.find_blob(entry.id()).or_fail(Kind::Workspace, || format!("reading {path} of tree {}", tree.short()))?;
        Ok(Some(blob.content().to_vec()))
    }

    /// All paths of a tree, sorted; submodules too. Names that are not UTF-8 are shown with U+FFFD and cannot be
    /// asked for by that spelling.
    pub fn paths(&self, tree: &TreeId) -> Result<Vec<String>> {
        let mut paths: Vec<String> = self.leaves(tree)?.iter().map(|leaf| names::shown(&leaf.path)).collect();
        paths.sort_unstable();
        Ok(paths)
    }

    /// Every file, link and submodule of a tree, folder by folder.
    pub(super) fn leaves(&self, tree: &TreeId) -> Result<Vec<Leaf>> {
        let repository = self.repository()?;
        let mut leaves = Vec::new();
        let root = find_tree(&repository, tree)?;
        gather(&repository, &root, b"", &mut leaves)?;
        Ok(leaves)
    }
}

/// Deeper than any honest tree, shallow enough for the stack.
const DEEPEST: usize = 4096;

fn gather(repository: &Repository, tree: &git2::Tree<'_>, at: &[u8], leaves: &mut Vec<Leaf>) -> Result<()> {
    if at.len() > DEEPEST {
        return Err(Failure::new(Kind::Workspace, format_args!("the tree is too deep at {}", names::shown(at))));
    }
    for entry in tree {
        let path = names::joined(at, entry.name_bytes());
        if let Some(why) = names::objection(entry.name_bytes()) {
            return Err(Failure::new(Kind::Workspace, format_args!("the tree holds {why}: {:?}", names::shown(&path))));
        }
        if entry.kind() == Some(ObjectType::Tree) {
            let inner = repository.find_tree(entry.id()).or_fail(Kind::Workspace, || format!("reading folder {}", names::shown(&path)))?;
            gather(repository, &inner, &path, leaves)?;
        } else {
            leaves.push(Leaf { path, id: entry.id(), mode: entry.filemode_raw() as u32 });
        }
    }
    Ok(())
}

pub(super) fn oid(text: &str) -> Result<Oid> {
    Oid::from_str(text).or_fail(Kind::Workspace, || format!("reading object id {text}"))
}

pub(super) fn tree_id(id: Oid) -> Result<TreeId> {
    id.to_string().parse()
}

pub(super) fn find_tree<'r>(repository: &'r Repository, tree: &TreeId) -> Result<git2::Tree<'r>> {
    repository.find_tree(oid(tree.as_str())?).or_fail(Kind::Workspace, || format!("reading tree {tree}"))
}

fn commit_of(commit: &git2::Commit<'_>) -> Result<CommitId> {
    commit.id().to_string().parse()
}

/// Keeps an object from being collected: a reference below `refs/loom/`. Its name says its content, so that many may
/// write it at the same time: whole files that take each other's place, without the lock that a killed writer leaves.
pub(super) fn keep(repository: &Repository, family: &str, id: Oid) -> Result<()> {
    let name = format!("refs/loom/{family}/{id}");
    if repository.find_reference(&name).is_ok_and(|reference| reference.target() == Some(id)) {
        return Ok(());
    }
    let folder = repository.path().join("refs/loom").join(family);
    let written = std::fs::create_dir_all(&folder).and_then(|()| {
        let mut file = tempfile::Builder::new().prefix(".new-").suffix(".lock").tempfile_in(&folder)?;
        writeln!(file, "{id}")?;
        file.persist(folder.join(id.to_string())).map_err(|error| error.error)
    });
    written.map(drop).or_fail(Kind::Workspace, || format!("keeping {id} in the cache"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::fixture::Origin;

    #[test]
    fn revisions_blobs_and_paths_are_read() {
        let origin = Origin::new();
        let (cache, base) = origin.cached();
        for revision in ["main", base.as_str(), base.short()] {
            assert_eq!(cache.resolve(revision).unwrap(), base, "{revision}");
        }
        for wrong in ["nowhere", "", "HEAD~1", "../x", "abc"] {
            assert_eq!(cache.resolve(wrong).unwrap_err().kind, Kind::Workspace, "{wrong}");
        }
        let tree = cache.tree_of(&base).unwrap();
        assert_eq!(cache.blob(&tree, "README.md").unwrap().unwrap(), b"# widget\n");
        assert_eq!(cache.blob(&tree, "src").unwrap(), None);
        assert_eq!(cache.blob(&tree, "src/none.rs").unwrap(), None);
        let paths = cache.paths(&tree).unwrap();
        assert!(paths.is_sorted() && paths.contains(&"src/deep/er.rs".to_owned()), "{paths:?}");
    }

    #[test]
    fn a_cache_is_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Cache>();
        shared::<crate::workspace::Workspace>();
    }

    #[test]
    fn a_cache_that_was_never_fetched_cannot_be_opened() {
        let origin = Origin::new();
        let failure = Cache::open(&origin.beside("cache"), &origin.url()).unwrap_err();
        assert!(failure.line().contains("opening the cache"), "{failure:?}");
    }

    #[test]
    fn the_same_object_is_kept_by_many_and_past_a_stale_lock() {
        let origin = Origin::new();
        let (cache, base) = origin.cached();
        let id = oid(cache.tree_of(&base).unwrap().as_str()).unwrap();
        std::fs::create_dir_all(cache.path.join("refs/loom/trees")).unwrap();
        std::fs::write(cache.path.join(format!("refs/loom/trees/{id}.lock")), "").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| keep(&cache.repository().unwrap(), "trees", id).unwrap());
            }
        });
        assert!(cache.repository().unwrap().find_reference(&format!("refs/loom/trees/{id}")).is_ok());
    }
}
