//! What a workspace remembers from one snapshot to the next: how each file looked, which folders are known, what is ignored.
//! Owns the rule when a file need not be read again; the walk over the files is `snapshot`'s.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use git2::{ObjectType, Odb, Oid, Repository};
use rustix::fs::Stat;

use super::cache::{Cache, Leaf, find_tree};
use super::export::place;
use super::ignored::Rules;
use crate::error::{Kind, OrFail, Result};
use crate::task::TreeId;

/// A change within one tick of the file system's clock after the look would go unseen: such young stamps are not trusted.
const TICK_NS: i128 = 50_000_000;

/// The mode of a folder in a tree.
pub(super) const FOLDER: u32 = 0o040000;

/// What is remembered.
#[derive(Debug)]
pub(super) struct Memory {
    /// Every file of the base tree and of the last snapshot.
    pub known: HashMap<Vec<u8>, Known>,
    /// Every folder that holds a file of the base tree.
    pub tracked_folders: HashSet<Vec<u8>>,
    /// What the base tree ignores.
    pub rules: Rules,
    /// New files at these paths are by-products.
    pub by_products: HashSet<Vec<u8>>,
    /// The last snapshot's tree, which the cache keeps.
    pub last: Option<TreeId>,
    /// What the last snapshot left out, and why.
    pub left_out: Vec<String>,
    /// Folders that are in the cache, by the bytes loom would write for them. Old tools wrote some differently; an
    /// untouched folder must keep the id it has.
    folders: HashMap<Vec<u8>, Oid>,
}

impl Memory {
    /// Of a workspace whose base tree has these files, and in which `written` was just written below `root`.
    pub fn of_base(cache: &Cache, base: &TreeId, tracked: &[Leaf], written: &[Leaf], root: &Path) -> Result<Memory> {
        let fresh = |leaf: &Leaf, tracked, stamp| (leaf.path.clone(), Known { id: leaf.id, mode: leaf.mode, tracked, stamp });
        let mut known: HashMap<Vec<u8>, Known> = tracked.iter().map(|leaf| fresh(leaf, true, None)).collect();
        for leaf in written {
            let tracked = known.contains_key(&leaf.path);
            known.extend([fresh(leaf, tracked, Stamp::of(root, &leaf.path))]);
        }
        let repository = cache.repository()?;
        let mut folders = HashMap::new();
        remember(&repository, &find_tree(&repository, base)?, &mut folders)?;
        let (tracked_folders, rules) = (folders_of(tracked), Rules::of_tree(cache, tracked)?);
        Ok(Memory { known, tracked_folders, rules, by_products: HashSet::new(), last: None, left_out: Vec::new(), folders })
    }

    /// The id of the folder with these lines, written unless it is known.
    pub fn folder(&mut self, odb: &Odb<'_>, entries: &mut [Entry]) -> Result<Oid> {
        let bytes = encoded(entries);
        if let Some(id) = self.folders.get(&bytes) {
            return Ok(*id);
        }
        let id = odb.write(ObjectType::Tree, &bytes).or_fail(Kind::Workspace, || "writing a folder into the cache")?;
        self.folders.insert(bytes, id);
        Ok(id)
    }
}

/// One line of a folder's tree.
#[derive(Debug)]
pub(super) struct Entry {
    pub name: Vec<u8>,
    pub id: Oid,
    pub mode: u32,
}

/// The bytes of a tree, in git's order: a folder sorts as if its name ended in a slash.
fn encoded(entries: &mut [Entry]) -> Vec<u8> {
    entries.sort_by_cached_key(|entry| [&entry.name[..], if entry.mode == FOLDER { b"/" } else { b"" }].concat());
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend_from_slice(format!("{:o} ", entry.mode).as_bytes());
        bytes.extend_from_slice(&entry.name);
        bytes.push(0);
        bytes.extend_from_slice(entry.id.as_bytes());
    }
    bytes
}

fn remember(repository: &Repository, tree: &git2::Tree<'_>, folders: &mut HashMap<Vec<u8>, Oid>) -> Result<()> {
    let line = |entry: git2::TreeEntry<'_>| Entry { name: entry.name_bytes().to_vec(), id: entry.id(), mode: entry.filemode_raw() as u32 };
    let mut entries: Vec<Entry> = tree.iter().map(line).collect();
    for entry in entries.iter().filter(|entry| entry.mode == FOLDER) {
        let inner = repository.find_tree(entry.id).or_fail(Kind::Workspace, || "reading a folder of the base tree")?;
        remember(repository, &inner, folders)?;
    }
    folders.insert(encoded(&mut entries), tree.id());
    Ok(())
}

fn folders_of(leaves: &[Leaf]) -> HashSet<Vec<u8>> {
    let mut folders = HashSet::new();
    for leaf in leaves {
        let mut end = leaf.path.len();
        while let Some(at) = leaf.path[..end].iter().rposition(|b| *b == b'/') {
            if !folders.insert(leaf.path[..at].to_vec()) {
                break;
            }
            end = at;
        }
    }
    folders
}

/// What is known of one file.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub id: Oid,
    pub mode: u32,
    /// Whether the base tree has it.
    pub tracked: bool,
    /// How it looked when `id` was right; none when it must be read.
    pub stamp: Option<Stamp>,
}

/// How a file looks without being read. The change time cannot be set by a program, so equal stamps mean equal content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    pub size: u64,
    pub modified: (i64, u32),
    pub changed: (i64, u32),
    pub inode: u64,
    pub owner: (u32, u32),
    pub mode: u32,
}

impl Stamp {
    pub fn read(stat: &Stat) -> Stamp {
        Stamp {
            size: stat.st_size as u64,
            modified: (stat.st_mtime, stat.st_mtime_nsec as u32),
            changed: (stat.st_ctime, stat.st_ctime_nsec as u32),
            inode: stat.st_ino,
            owner: (stat.st_uid, stat.st_gid),
            mode: stat.st_mode,
        }
    }

    /// The stamp, unless it is too young to be trusted.
    pub fn settled(stat: &Stat, now_ns: i128) -> Option<Stamp> {
        let stamp = Stamp::read(stat);
        let changed = i128::from(stamp.changed.0) * 1_000_000_000 + i128::from(stamp.changed.1);
        (changed + TICK_NS < now_ns).then_some(stamp)
    }

    /// Of a file that loom has just written.
    pub fn of(root: &Path, path: &[u8]) -> Option<Stamp> {
        rustix::fs::lstat(place(root, path)).ok().and_then(|stat| Stamp::settled(&stat, now_ns()))
    }
}

pub(super) fn now_ns() -> i128 {
    jiff::Timestamp::now().as_nanosecond()
}
