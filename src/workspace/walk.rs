//! Walks the agent's files from open folder to open folder, follows no link, starts no program and asks nothing of the
//! `.git` inside. What a snapshot is and where it goes is for `snapshot`; what belongs to the work for `ignored`.

use std::collections::HashSet;
use std::ffi::CStr;
use std::os::fd::{AsFd as _, BorrowedFd};

use git2::{ObjectType, Odb, Oid};
use rustix::fs::{AtFlags, Dir, FileType, Stat};

use super::export::{EXECUTABLE, FILE, LINK, SUBMODULE};
use super::ignored::{MARKS, Rules, is_by_product};
use super::intake::{open_folder, read_file, what};
use super::memory::{Entry, FOLDER, Known, Memory, Stamp, now_ns};
use super::names::{self, joined, shown};
use crate::error::{Failure, Kind, OrFail as _, Result};

/// The largest file a patch may carry.
pub(super) const LARGEST: u64 = 50 << 20;
/// More new files than this are by-products that no rule names.
pub(super) const MOST_NEW: usize = 20_000;
/// The largest `.gitignore` that is read.
const LARGEST_RULES: u64 = 1 << 20;

/// Where the walk stands as to the ignore rules.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Inside {
    /// New files belong.
    Open,
    /// Below an ignored folder: only files of the base tree belong.
    Ignored,
}

pub(super) struct Walk<'a, 'r> {
    memory: &'a mut Memory,
    odb: &'a Odb<'r>,
    /// The rules as they stand in the agent's files.
    present: Rules,
    seen: HashSet<Vec<u8>>,
    new_files: usize,
    pub(super) left_out: Vec<String>,
    now_ns: i128,
}

impl<'a, 'r> Walk<'a, 'r> {
    pub(super) fn new(memory: &'a mut Memory, odb: &'a Odb<'r>) -> Self {
        let seen = HashSet::with_capacity(memory.known.len());
        let (present, left_out) = (Rules::default(), Vec::new());
        Walk { memory, odb, present, seen, new_files: 0, left_out, now_ns: now_ns() }
    }

    /// The tree of one open folder; none when nothing in it belongs.
    pub(super) fn folder(&mut self, dir: BorrowedFd<'_>, at: &[u8], inside: Inside) -> Result<Option<Oid>> {
        let doing = || format!("reading the folder {:?}", shown(at));
        let mut found = Vec::new();
        for entry in Dir::read_from(dir).or_fail(Kind::Workspace, doing)? {
            let entry = entry.or_fail(Kind::Workspace, doing)?;
            if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                found.push((entry.file_name().to_owned(), entry.file_type()));
            }
        }
        if found.iter().any(|(name, _)| name.to_bytes() == b".gitignore") {
            self.read_rules(dir, at)?;
        }
        let mut entries = Vec::with_capacity(found.len());
        for (name, kind) in &found {
            entries.extend(self.entry(dir, at, name, *kind, inside)?);
        }
        if entries.is_empty() {
            return Ok(None);
        }
        self.memory.folder(self.odb, &mut entries).map(Some)
    }

    fn entry(&mut self, dir: BorrowedFd<'_>, at: &[u8], name: &CStr, kind: FileType, inside: Inside) -> Result<Option<Entry>> {
        let path = joined(at, name.to_bytes());
        if names::is_repository(name.to_bytes()) {
            if path != b".git" {
                self.left_out.push(format!("{}: a git folder inside the tree", shown(&path)));
            }
            return Ok(None);
        }
        let tracked = self.memory.known.get(&path).filter(|known| known.tracked).map(|known| (known.id, known.mode));
        let kind = match kind {
            FileType::Unknown => FileType::from_raw_mode(self.stat(dir, name, &path)?.st_mode),
            known => known,
        };
        if let (Some((id, SUBMODULE)), FileType::Directory) = (tracked, kind) {
            self.seen.insert(path);
            return Ok(Some(Entry { name: name.to_bytes().to_vec(), id, mode: SUBMODULE }));
        }
        let is_folder = kind == FileType::Directory;
        let by_product = is_folder && !self.memory.tracked_folders.contains(&path) && is_by_product(name.to_bytes());
        let ignored = inside == Inside::Ignored || by_product || self.ignored(&path, is_folder);
        if is_folder {
            return self.subfolder(dir, name, path, ignored);
        }
        if tracked.is_none() && (ignored || self.memory.by_products.contains(&path)) {
            return Ok(None);
        }
        if !matches!(kind, FileType::RegularFile | FileType::Symlink) {
            self.left_out.push(format!("{}: {}, which git cannot hold", shown(&path), what(kind)));
            return Ok(None);
        }
        self.file(dir, name, path)
    }

    fn ignored(&self, path: &[u8], folder: bool) -> bool {
        self.memory.rules.ignores(path, folder) && self.present.ignores(path, folder)
    }

    fn subfolder(&mut self, dir: BorrowedFd<'_>, name: &CStr, path: Vec<u8>, ignored: bool) -> Result<Option<Entry>> {
        let holds_tracked = self.memory.tracked_folders.contains(&path);
        if ignored && !holds_tracked {
            return Ok(None);
        }
        let inner = open_folder(dir, name).or_fail(Kind::Workspace, || format!("opening the folder {}", shown(&path)))?;
        if !holds_tracked && MARKS.iter().any(|mark| rustix::fs::statat(&inner, *mark, AtFlags::SYMLINK_NOFOLLOW).is_ok()) {
            return Ok(None);
        }
        if path.len() > 4000 {
            return Err(Failure::new(Kind::Workspace, format_args!("folders are nested too deep at {}", shown(&path[..200]))));
        }
        let inside = if ignored { Inside::Ignored } else { Inside::Open };
        let tree = self.folder(inner.as_fd(), &path, inside)?;
        Ok(tree.map(|id| Entry { name: name.to_bytes().to_vec(), id, mode: FOLDER }))
    }

    fn file(&mut self, dir: BorrowedFd<'_>, name: &CStr, path: Vec<u8>) -> Result<Option<Entry>> {
        let stat = self.stat(dir, name, &path)?;
        let stamp = Stamp::read(&stat);
        let known = self.memory.known.get(&path);
        let (id, mode) = match known {
            Some(known) if known.stamp.as_ref() == Some(&stamp) => (known.id, known.mode),
            _ => {
                let tracked = known.is_some_and(|known| known.tracked);
                let before = known.map(|known| (known.id, known.mode));
                let (id, mode) = self.store(dir, name, &path, &stat)?;
                // Old tools wrote file modes that mean the same; an unchanged file keeps its own.
                let alike = |old: u32| old & 0o170_100 == mode & 0o170_100;
                let mode = before.filter(|(old, bits)| *old == id && alike(*bits)).map_or(mode, |(_, bits)| bits);
                let stamp = Stamp::settled(&stat, self.now_ns);
                self.memory.known.insert(path.clone(), Known { id, mode, tracked, stamp });
                (id, mode)
            }
        };
        if !self.memory.known.get(&path).is_some_and(|known| known.tracked) {
            self.new_files += 1;
            if self.new_files > MOST_NEW {
                let what = format!("more than {MOST_NEW} new files, the last one {}", shown(&path));
                return Err(Failure::new(Kind::Workspace, what).hint("by-products belong into .gitignore of the base branch"));
            }
        }
        self.seen.insert(path);
        Ok(Some(Entry { name: name.to_bytes().to_vec(), id, mode }))
    }

    fn stat(&self, dir: BorrowedFd<'_>, name: &CStr, path: &[u8]) -> Result<Stat> {
        rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).or_fail(Kind::Workspace, || format!("looking at {}", shown(path)))
    }

    /// Reads a file or a link into the cache.
    fn store(&self, dir: BorrowedFd<'_>, name: &CStr, path: &[u8], stat: &Stat) -> Result<(Oid, u32)> {
        let doing = || format!("reading {}", shown(path));
        let (bytes, mode) = if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
            let target = rustix::fs::readlinkat(dir, name, Vec::new()).or_fail(Kind::Workspace, doing)?;
            (target.into_bytes(), LINK)
        } else {
            let size = stat.st_size as u64;
            if size > LARGEST {
                let what = format!("{} has {} MB; files of a patch may have {} MB", shown(path), size >> 20, LARGEST >> 20);
                return Err(Failure::new(Kind::Workspace, what).hint("remove the file, or write it where .gitignore leaves it out"));
            }
            (read_file(dir, name, LARGEST).or_fail(Kind::Workspace, doing)?, if stat.st_mode & 0o100 != 0 { EXECUTABLE } else { FILE })
        };
        let id = self.odb.write(ObjectType::Blob, &bytes).or_fail(Kind::Workspace, || format!("writing {} into the cache", shown(path)))?;
        Ok((id, mode))
    }

    fn read_rules(&mut self, dir: BorrowedFd<'_>, at: &[u8]) -> Result<()> {
        // A link, a pipe or a monster of that name rules nothing; as a file it is met again in the walk.
        if let Ok(text) = read_file(dir, c".gitignore", LARGEST_RULES) {
            self.present.add(at, &text);
        }
        Ok(())
    }

    /// New files that are gone need not be remembered.
    pub(super) fn forget_the_gone(&mut self) {
        let seen = &self.seen;
        self.memory.known.retain(|path, known| known.tracked || seen.contains(path));
    }
}
