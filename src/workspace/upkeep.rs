//! The life of a cache's folder: made, locked, cleared after a killed fetch, set aside when damaged.
//! Owns the files around the objects; what is fetched into them is `fetch`'s work.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use super::cache::Cache;
use super::fetch::Call;
use crate::error::{Failure, Kind, OrFail, Result};

impl Cache {
    /// Makes the bare repository, or clears what a killed fetch left in it. Only under the lock.
    pub(super) fn prepare(&self) -> Result<()> {
        if self.repository().is_ok() {
            return self.clear_leftovers();
        }
        if self.path.exists() {
            self.set_aside()?;
        }
        let fresh = self.path.with_extension("new");
        if fresh.exists() {
            std::fs::remove_dir_all(&fresh).or_fail(Kind::Workspace, || format!("removing {}", fresh.display()))?;
        }
        let mut options = git2::RepositoryInitOptions::new();
        options.bare(true).external_template(false).initial_head("loom-cache");
        git2::Repository::init_opts(&fresh, &options).or_fail(Kind::Workspace, || format!("making the cache {}", self.path.display()))?;
        std::fs::rename(&fresh, &self.path).or_fail(Kind::Workspace, || format!("making the cache {}", self.path.display()))
    }

    /// Keeps a damaged cache beside the new one: snapshots in it may still be of use to a person.
    pub(super) fn set_aside(&self) -> Result<()> {
        let aside = self.path.with_extension("broken");
        if aside.exists() {
            std::fs::remove_dir_all(&aside).or_fail(Kind::Workspace, || format!("removing {}", aside.display()))?;
        }
        std::fs::rename(&self.path, &aside).or_fail(Kind::Workspace, || format!("setting the damaged cache {} aside", self.path.display()))
    }

    /// Lock files and half-written packs that only a killed fetch can have left, as fetches hold the lock.
    fn clear_leftovers(&self) -> Result<()> {
        let mut stale = vec![self.path.join("packed-refs.lock"), self.path.join("shallow.lock"), self.path.join("config.lock")];
        let mut folders = vec![self.path.join("refs/remotes"), self.path.join("refs/tags"), self.path.join("objects/pack")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(entry.path());
                } else if name.ends_with(".lock") || name.starts_with("tmp_") {
                    stale.push(entry.path());
                }
            }
        }
        for path in stale.into_iter().filter(|path| path.exists()) {
            std::fs::remove_file(&path).or_fail(Kind::Workspace, || format!("removing the stale {}", path.display()))?;
        }
        Ok(())
    }
}

/// The exclusive right to change one cache; ends with the value, and with the process.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub fn take(path: &Path, call: &Call<'_>) -> Result<Lock> {
        let doing = || format!("locking the cache by {}", path.display());
        let file = File::options().create(true).append(true).open(path).or_fail(Kind::Workspace, doing)?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock { _file: file }),
                Err(TryLockError::Error(error)) => return Err(error).or_fail(Kind::Workspace, doing),
                Err(TryLockError::WouldBlock) => {}
            }
            call.cancel.check()?;
            if Instant::now() >= call.deadline {
                return Err(Failure::new(Kind::Workspace, "another loom is still fetching this repository")
                    .hint("try again later")
                    .context(doing()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
