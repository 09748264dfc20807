//! A folder for one run that leaves nothing: gone when the run ends, and cleared by the next one when it was killed.
//! The lock beside it says whether somebody works there; it ends with the process, whatever ends that.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::ground::Folder;
use crate::config::Locations;
use crate::error::{Kind, OrFail, Result};
use crate::sandbox::end_strays;

/// Below loom's state.
const RUNS: &str = "verify";

/// One run's folder.
pub struct Scratch {
    folder: Folder,
    lock: PathBuf,
    _held: File,
}

impl Scratch {
    /// A fresh one; what killed runs left is cleared first.
    pub fn open(locations: &Locations) -> Result<Scratch> {
        let runs = locations.state.join(RUNS);
        let doing = || format!("making a folder in {}", runs.display());
        fs::create_dir_all(&runs)
            .or_fail(Kind::Workspace, doing)
            .map_err(|failure| failure.hint("paths.state says where loom keeps its files"))?;
        clear_the_dead(&runs);
        let lock = tempfile::Builder::new().prefix("run-").suffix(".lock").tempfile_in(&runs).or_fail(Kind::Workspace, doing)?;
        lock.as_file().try_lock().or_fail(Kind::Workspace, doing)?;
        let (held, lock) = lock.keep().or_fail(Kind::Workspace, doing)?;
        let path = lock.with_extension("");
        fs::create_dir_all(&path).or_fail(Kind::Workspace, doing)?;
        Ok(Scratch { folder: Folder::at_path(path), lock, _held: held })
    }

    /// Where the run's files are.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.folder.put_aside();
        let _ = fs::remove_file(&self.lock);
    }
}

/// Removes the folders whose lock nobody holds.
fn clear_the_dead(runs: &Path) {
    for entry in fs::read_dir(runs).into_iter().flatten().flatten() {
        let lock = entry.path();
        if lock.extension().is_none_or(|extension| extension != "lock") {
            continue;
        }
        // One that was just made and is not locked yet has no folder; it is left to its owner.
        let folder = lock.with_extension("");
        if folder.is_dir() && File::open(&lock).is_ok_and(|file| file.try_lock().is_ok()) {
            end_strays(&folder);
            Folder::at_path(folder).put_aside();
            let _ = fs::remove_file(&lock);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locations(folder: &Path) -> Locations {
        Locations { state: folder.join("state"), cache: folder.join("cache"), queue: folder.join("queue.sqlite") }
    }

    #[test]
    fn two_at_once_keep_apart_and_nothing_stays() {
        let home = tempfile::tempdir().unwrap();
        let locations = locations(home.path());
        let (one, other) = (Scratch::open(&locations).unwrap(), Scratch::open(&locations).unwrap());
        assert_ne!(one.folder().at("x"), other.folder().at("x"));
        one.folder().fresh("cells").unwrap();
        drop(one);
        assert!(other.folder().at("").is_dir());
        drop(other);
        assert_eq!(fs::read_dir(locations.state.join(RUNS)).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_run_left_is_cleared() {
        let home = tempfile::tempdir().unwrap();
        let locations = locations(home.path());
        let runs = locations.state.join(RUNS);
        fs::create_dir_all(runs.join("run-dead/cells")).unwrap();
        fs::write(runs.join("run-dead.lock"), "").unwrap();
        let living = Scratch::open(&locations).unwrap();
        assert!(!runs.join("run-dead").exists() && !runs.join("run-dead.lock").exists());
        drop(living);
    }
}
