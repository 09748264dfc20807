//! The small git repository around a workspace, for the repository's own tools: `git status`, `git ls-files`, version
//! numbers from tags. It is a copy: whatever the agent does to it reaches neither the cache nor loom, which never reads it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use git2::{Index, IndexEntry, IndexTime, Repository};

use super::cache::{Cache, Leaf, oid};
use super::snapshot::{Known, Stamp};
use crate::error::{Kind, OrFail, Result};
use crate::task::CommitId;

/// The branch that HEAD names in a workspace.
const BRANCH: &str = "refs/heads/work";

/// Makes `.git` with the real base commit and its history, the tags, and an index that matches the files.
pub(super) fn settle(cache: &Cache, base: &CommitId, tracked: &[Leaf], known: &HashMap<Vec<u8>, Known>, root: &Path) -> Result<()> {
    let doing = || format!("making the git folder of {}", root.display());
    let mut options = git2::RepositoryInitOptions::new();
    options.external_template(false).initial_head("work").no_reinit(true);
    let repository = Repository::init_opts(root, &options).or_fail(Kind::Workspace, doing)?;
    let folder = repository.path().to_path_buf();
    drop(repository);
    copy_packs(cache, &folder).or_fail(Kind::Workspace, doing)?;
    std::fs::write(folder.join("packed-refs"), tags(&cache.repository()?)).or_fail(Kind::Workspace, doing)?;
    let repository = Repository::open(root).or_fail(Kind::Workspace, doing)?;
    complete(&cache.repository()?, &repository, base, tracked)?;
    repository.reference(BRANCH, oid(base.as_str())?, true, "base").or_fail(Kind::Workspace, doing)?;
    if !cache.remote.local {
        repository.remote("origin", &cache.remote.address).or_fail(Kind::Workspace, doing)?;
    }
    write_index(&folder, tracked, known).or_fail(Kind::Workspace, doing)
}

/// Copies, never links: a linked pack is a file of the cache that the agent could write to.
fn copy_packs(cache: &Cache, folder: &Path) -> std::io::Result<()> {
    let into = folder.join("objects/pack");
    std::fs::create_dir_all(&into)?;
    for entry in std::fs::read_dir(cache.path.join("objects/pack"))? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|end| end == "pack" || end == "idx") {
            std::fs::copy(entry.path(), into.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// `packed-refs` with the remote's tags.
fn tags(repository: &Repository) -> String {
    let mut names: Vec<(String, git2::Oid, Option<git2::Oid>)> = Vec::new();
    for reference in repository.references_glob("refs/tags/*").into_iter().flatten().flatten() {
        if let (Ok(name), Some(target)) = (reference.name(), reference.target()) {
            let peeled = reference.peel_to_commit().ok().map(|commit| commit.id()).filter(|id| *id != target);
            names.push((name.to_owned(), target, peeled));
        }
    }
    names.sort();
    let mut text = String::from("# pack-refs with: peeled fully-peeled sorted \n");
    for (name, target, peeled) in names {
        let _ = writeln!(text, "{target} {name}");
        if let Some(peeled) = peeled {
            let _ = writeln!(text, "^{peeled}");
        }
    }
    text
}

/// Objects of the base commit that lie loose in the cache, and so were not copied with the packs.
fn complete(from: &Repository, to: &Repository, base: &CommitId, tracked: &[Leaf]) -> Result<()> {
    let doing = || format!("copying commit {} into the workspace", base.short());
    let (source, target) = (from.odb().or_fail(Kind::Workspace, doing)?, to.odb().or_fail(Kind::Workspace, doing)?);
    let carry = |id: git2::Oid| -> Result<(), git2::Error> {
        if target.exists_ext(id, git2::OdbLookupFlags::NO_REFRESH) {
            return Ok(());
        }
        let object = source.read(id)?;
        target.write(object.kind(), object.data()).map(drop)
    };
    let commit = from.find_commit(oid(base.as_str())?).or_fail(Kind::Workspace, doing)?;
    carry(commit.id()).or_fail(Kind::Workspace, doing)?;
    carry_folders(from, commit.tree_id(), &carry).or_fail(Kind::Workspace, doing)?;
    let blobs = tracked.iter().filter(|leaf| leaf.mode != super::export::SUBMODULE);
    blobs.map(|leaf| carry(leaf.id)).collect::<Result<(), _>>().or_fail(Kind::Workspace, doing)
}

fn carry_folders(from: &Repository, tree: git2::Oid, carry: &dyn Fn(git2::Oid) -> Result<(), git2::Error>) -> Result<(), git2::Error> {
    carry(tree)?;
    let found = from.find_tree(tree)?;
    found.iter().filter(|entry| entry.kind() == Some(git2::ObjectType::Tree)).try_for_each(|entry| carry_folders(from, entry.id(), carry))
}

/// An index of the base tree whose stamps match the files, so that git need not read them again.
fn write_index(folder: &Path, tracked: &[Leaf], known: &HashMap<Vec<u8>, Known>) -> Result<(), git2::Error> {
    let mut index = Index::open(&folder.join("index"))?;
    for leaf in tracked {
        let stamp = known.get(&leaf.path).filter(|now| now.id == leaf.id).and_then(|now| now.stamp.as_ref());
        index.add(&entry(leaf, stamp))?;
    }
    index.write()
}

fn entry(leaf: &Leaf, stamp: Option<&Stamp>) -> IndexEntry {
    let time = |(seconds, nanoseconds): (i64, u32)| IndexTime::new(seconds as i32, nanoseconds);
    IndexEntry {
        ctime: stamp.map_or(IndexTime::new(0, 0), |stamp| time(stamp.changed)),
        mtime: stamp.map_or(IndexTime::new(0, 0), |stamp| time(stamp.modified)),
        dev: 0,
        ino: stamp.map_or(0, |stamp| stamp.inode as u32),
        mode: leaf.mode,
        uid: stamp.map_or(0, |stamp| stamp.owner.0),
        gid: stamp.map_or(0, |stamp| stamp.owner.1),
        file_size: stamp.map_or(0, |stamp| stamp.size as u32),
        id: leaf.id,
        flags: 0,
        flags_extended: 0,
        path: leaf.path.clone(),
    }
}
