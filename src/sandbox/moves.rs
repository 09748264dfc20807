//! Stands in for mounts where there is no sandbox: what a mount shows is moved to its place for the length of a run and
//! moved back afterwards. A link would not do: programs that resolve it find another path in every tree, and with it
//! what was installed or built for another tree.
//!
//! Loom can be killed in the middle, so what is moved is written down first, and the next run moves it back.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde::{Deserialize, Serialize};

use super::Mount;
use crate::error::{Kind, OrFail, Result};

/// One exchange of two paths: afterwards `inside` holds what `host` held, and the other way round.
#[derive(Debug, Serialize, Deserialize)]
struct Move {
    host: PathBuf,
    inside: PathBuf,
    /// The inode of what belongs to `inside`; none when nothing does: then a link that leads to itself holds the place.
    other: Option<u64>,
}

/// Trees and folders in the place of a run; back in their own when it is dropped.
pub(super) struct Moves {
    /// Where they are written down.
    record: PathBuf,
    made: Vec<Move>,
}

impl Moves {
    /// Moves everything to where the mounts show it, those that lie inside others last.
    pub(super) fn make(mounts: &[Mount]) -> Result<Moves> {
        let Some(record) = mounts.first().and_then(|mount| mount.inside().parent()).map(|parent| parent.join("moved.json")) else {
            return Ok(Moves { record: PathBuf::new(), made: Vec::new() });
        };
        recover(&record).or_fail(Kind::Workspace, || format!("moving back what {} tells", record.display()))?;
        let mut moves = Moves { record, made: Vec::new() };
        for mount in mounts {
            let (host, inside) = (mount.host(), mount.inside());
            moves
                .add(host, inside)
                .or_fail(Kind::Workspace, || format!("moving {} to {} for a run without a sandbox", host.display(), inside.display()))?;
        }
        Ok(moves)
    }

    fn add(&mut self, host: &Path, inside: &Path) -> io::Result<()> {
        // As the children of `inside` see it: a folder on the way may be a link of the user's.
        let host = host.canonicalize()?;
        if inside.canonicalize().is_ok_and(|there| there == host) {
            return Ok(());
        }
        if let Some(parent) = inside.parent() {
            fs::create_dir_all(parent)?;
        }
        let other = match fs::symlink_metadata(inside) {
            Ok(meta) => Some(meta.ino()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        self.made.push(Move { host: host.clone(), inside: inside.to_path_buf(), other });
        fs::write(&self.record, serde_json::to_vec(&self.made)?)?;
        if other.is_none() {
            symlink(inside, inside)?;
        }
        renameat_with(CWD, &host, CWD, inside, RenameFlags::EXCHANGE)?;
        Ok(())
    }
}

impl Drop for Moves {
    fn drop(&mut self) {
        // What cannot be moved back now stays written down for the next run, which tells of it.
        if !self.made.is_empty() && undo(&self.made).is_ok() {
            let _ = fs::remove_file(&self.record);
        }
    }
}

/// Moves back what a killed run left.
fn recover(record: &Path) -> io::Result<()> {
    let text = match fs::read(record) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        text => text?,
    };
    undo(&serde_json::from_slice::<Vec<Move>>(&text)?)?;
    fs::remove_file(record)
}

/// Goes through all of them, whatever happens to one.
fn undo(made: &[Move]) -> io::Result<()> {
    made.iter().rev().map(Move::undo).fold(Ok(()), io::Result::and)
}

impl Move {
    fn undo(&self) -> io::Result<()> {
        let (host, inside) = (&self.host, &self.inside);
        let leads_there = |place: &Path| fs::read_link(place).is_ok_and(|to| to == *inside);
        let moved = match self.other {
            Some(other) => fs::symlink_metadata(host).is_ok_and(|meta| meta.ino() == other),
            None => leads_there(host),
        };
        if moved && inside.symlink_metadata().is_ok() {
            renameat_with(CWD, host, CWD, inside, RenameFlags::EXCHANGE)?;
        } else if moved {
            // The child removed what was shown to it.
            fs::rename(host, inside)?;
        }
        if self.other.is_none() && leads_there(inside) {
            fs::remove_file(inside)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(folder: &Path, name: &str) -> Vec<Mount> {
        let host = folder.join(name);
        fs::create_dir_all(host.join("src")).unwrap();
        fs::write(host.join("src/name"), name).unwrap();
        fs::write(host.join("own"), name).unwrap();
        let point = folder.join("here/repo");
        vec![
            Mount::ReadWrite { host, inside: point.clone() },
            Mount::ReadOnly { host: folder.join("deps/0"), inside: point.join("node_modules") },
            Mount::ReadOnly { host: folder.join("deps/1"), inside: point.join("own") },
        ]
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("deps/0")).unwrap();
        fs::write(folder.path().join("deps/0/lib"), "lib").unwrap();
        fs::write(folder.path().join("deps/1"), "shown").unwrap();
        folder
    }

    fn all(folder: &Path) -> Vec<(PathBuf, Option<String>)> {
        let mut found = Vec::new();
        let mut open = vec![folder.to_path_buf()];
        while let Some(next) = open.pop() {
            for entry in fs::read_dir(next).unwrap().flatten() {
                let path = entry.path();
                assert!(!path.is_symlink(), "{}", path.display());
                found.push((path.clone(), fs::read_to_string(&path).ok()));
                open.extend(path.is_dir().then_some(path));
            }
        }
        found.sort();
        found
    }

    #[test]
    fn trees_appear_at_one_path_one_after_another() {
        let folder = folder();
        let point = folder.path().join("here/repo");
        let (one, two) = (tree(folder.path(), "one"), tree(folder.path(), "two"));
        fs::create_dir(folder.path().join("here")).unwrap();
        let before = all(folder.path());
        for (mounts, name) in [(&one, "one"), (&two, "two"), (&one, "one")] {
            let _moves = Moves::make(mounts).unwrap();
            assert_eq!(point.join("src").canonicalize().unwrap(), folder.path().canonicalize().unwrap().join("here/repo/src"));
            assert_eq!(fs::read_to_string(point.join("src/name")).unwrap(), name);
            assert_eq!(fs::read_to_string(point.join("own")).unwrap(), "shown");
            assert_eq!(fs::read_to_string(point.join("node_modules/lib")).unwrap(), "lib");
            // Whoever knows a tree by its own path finds it still.
            assert_eq!(fs::read_to_string(folder.path().join(name).join("src/name")).unwrap(), name);
        }
        assert_eq!(all(folder.path()), before);
    }

    #[test]
    fn a_killed_run_is_moved_back_by_the_next() {
        let folder = folder();
        let (one, two) = (tree(folder.path(), "one"), tree(folder.path(), "two"));
        fs::create_dir(folder.path().join("here")).unwrap();
        let before = all(folder.path());
        for told in 0..=3 {
            let mut moves = Moves::make(&one[..told]).unwrap();
            if let Some(next) = one.get(told) {
                // Killed between the word and the deed.
                moves.made.push(Move { host: next.host().into(), inside: next.inside().into(), other: Some(1) });
                moves.record = folder.path().join("here/moved.json");
                fs::write(&moves.record, serde_json::to_vec(&moves.made).unwrap()).unwrap();
            }
            std::mem::forget(moves);
            let seen = Moves::make(&two).unwrap();
            assert_eq!(fs::read_to_string(folder.path().join("here/repo/src/name")).unwrap(), "two");
            drop(seen);
            assert_eq!(all(folder.path()), before);
        }
    }

    #[test]
    fn what_a_child_removed_does_not_stop_the_rest() {
        let folder = folder();
        let one = tree(folder.path(), "one");
        let moves = Moves::make(&one).unwrap();
        fs::remove_dir_all(folder.path().join("here/repo/node_modules")).unwrap();
        drop(moves);
        assert_eq!(fs::read_to_string(folder.path().join("one/own")).unwrap(), "one");
        assert_eq!(fs::read_to_string(folder.path().join("deps/1")).unwrap(), "shown");
        assert!(Moves::make(&one).is_err());
    }
}
