//! What setup made, kept between proofs of one repository: by what its manifests say, and by its tree where something of
//! the source went in. A bench in use is locked; old ones, and those nobody used for long, are removed.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::ground::Ground;
use crate::config::Locations;
use crate::error::{Kind, OrFail, Result};
use crate::runner::{self, Bench, Reach, Suite};
use crate::sandbox::Cancel;
use crate::task::{Digest, Reporter, TreeId};

/// Below loom's cache.
const BENCHES: &str = "benches";
/// What a registry offers changes: a bench is made anew after this long.
const OLDEST: Duration = Duration::from_secs(7 * 24 * 3600);
/// One that lacks something is tried again after this long.
const OLDEST_WITH_GAPS: Duration = Duration::from_secs(3600);
/// How many are kept.
const MOST: usize = 12;
/// A wait looks again after this long.
const STEP: Duration = Duration::from_millis(50);
/// loom's own word on a bench.
const RECORD: &str = "kept.json";

/// A bench, and the right to use it as long as this lives.
pub struct Held {
    /// What setup made.
    pub bench: Bench,
    _lock: Option<File>,
}

/// What is known of a kept bench.
#[derive(Serialize, Deserialize)]
struct Record {
    /// The only tree it is good for; none when it is good for all with the same manifests.
    tree: Option<TreeId>,
    /// Something could not be installed.
    gaps: bool,
}

/// The bench of this ground's base tree: a kept one where one serves, else a new one that is kept.
pub fn bench(ground: &Ground, locations: &Locations, reporter: &dyn Reporter, cancel: &Cancel) -> Result<Held> {
    let host = ground.exported()?;
    let suites = ground.suites(&host, reporter)?;
    let Some(fingerprint) = runner::fingerprint(&ground.sandbox, &suites, &host) else {
        let place = ground.folder.at("deps");
        return Ok(Held { bench: make(ground, suites, &host, &place, reporter, cancel)?, _lock: None });
    };
    let shelf = locations.cache.join(BENCHES);
    fs::create_dir_all(&shelf).or_fail(Kind::Workspace, || format!("making {}", shelf.display()))?;
    // The sandbox's PATH decides which Python or Node it is.
    let by_manifests = key(&[ground.cache.address(), fingerprint.as_str(), ground.sandbox.path(), env!("CARGO_PKG_VERSION")]);
    let by_tree = key(&[&by_manifests, ground.base_tree.as_str()]);
    let make = |place: &Path| make(ground, suites.clone(), &host, place, reporter, cancel);
    let held = match take(&shelf, &by_manifests, &ground.base_tree, cancel, &make)? {
        Some(held) => held,
        // It holds something of another tree's source.
        None => take(&shelf, &by_tree, &ground.base_tree, cancel, &make)?.expect("a name with the tree in it is of that tree"),
    };
    prune(&shelf);
    Ok(held)
}

fn key(parts: &[&str]) -> String {
    Digest::of_bytes(parts.join("\n").as_bytes()).as_str()[..24].to_owned()
}

fn make(ground: &Ground, suites: Vec<Suite>, host: &Path, place: &Path, reporter: &dyn Reporter, cancel: &Cancel) -> Result<Bench> {
    fs::create_dir_all(place).or_fail(Kind::Workspace, || format!("making {}", place.display()))?;
    runner::prepare(&ground.sandbox, suites, host, place, &ground.config.test, reporter, cancel)
}

/// The bench of this name, made when it is not there; none when it is there and good for another tree only.
fn take(shelf: &Path, name: &str, tree: &TreeId, cancel: &Cancel, make: &dyn Fn(&Path) -> Result<Bench>) -> Result<Option<Held>> {
    let (place, lock) = (shelf.join(name), shelf.join(format!("{name}.lock")));
    loop {
        let held = locked(&lock, File::try_lock_shared, cancel)?;
        if let Some(record) = usable(&place) {
            if record.tree.is_some_and(|only| only != *tree) {
                return Ok(None);
            }
            let _ = held.set_modified(SystemTime::now());
            return Ok(Some(Held { bench: make(&place)?, _lock: Some(held) }));
        }
        drop(held);
        let _alone = locked(&lock, File::try_lock, cancel)?;
        // Somebody else may have made it while this one waited.
        if usable(&place).is_none() {
            remove(&place)?;
            let bench = make(&place)?;
            let only = (runner::reach(&bench) == Reach::Tree).then(|| tree.clone());
            let record = Record { tree: only, gaps: !bench.warnings.is_empty() };
            let text = serde_json::to_vec(&record).or_fail(Kind::Internal, || "writing down what setup made")?;
            fs::write(place.join(RECORD), text).or_fail(Kind::Workspace, || format!("writing to {}", place.display()))?;
        }
        // Shared from the next turn on, so that others need not wait for the whole proof.
    }
}

/// Waits for a lock on the file that has this name then: the one that was opened may have been removed meanwhile.
fn locked(path: &Path, lock: fn(&File) -> std::result::Result<(), TryLockError>, cancel: &Cancel) -> Result<File> {
    let doing = || format!("locking {}", path.display());
    loop {
        let file = File::options().create(true).append(true).open(path).or_fail(Kind::Workspace, doing)?;
        match lock(&file) {
            Ok(()) if same(&file, path) => return Ok(file),
            Ok(()) => continue,
            Err(TryLockError::Error(error)) => return Err(error).or_fail(Kind::Workspace, doing),
            Err(TryLockError::WouldBlock) => cancel.check()?,
        }
        std::thread::sleep(STEP);
    }
}

fn same(file: &File, path: &Path) -> bool {
    let id = |meta: fs::Metadata| (meta.dev(), meta.ino());
    let (Ok(held), Ok(named)) = (file.metadata(), fs::metadata(path)) else { return false };
    id(held) == id(named)
}

fn usable(place: &Path) -> Option<Record> {
    let path = place.join(RECORD);
    let record: Record = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
    let age = fs::metadata(&path).ok()?.modified().ok()?.elapsed().unwrap_or_default();
    (age < if record.gaps { OLDEST_WITH_GAPS } else { OLDEST }).then_some(record)
}

/// Removes all but the last used ones; none that is in use.
fn prune(shelf: &Path) {
    let locks = fs::read_dir(shelf).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut known: Vec<(SystemTime, PathBuf)> = locks
        .filter(|path| path.extension().is_some_and(|extension| extension == "lock"))
        .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
        .collect();
    known.sort();
    let surplus = known.len().saturating_sub(MOST);
    for (_, lock) in known.into_iter().take(surplus) {
        let Ok(file) = File::open(&lock) else { continue };
        if file.try_lock().is_ok() && same(&file, &lock) && remove(&lock.with_extension("")).is_ok() {
            let _ = fs::remove_file(&lock);
        }
    }
}

fn remove(place: &Path) -> Result<()> {
    match fs::remove_dir_all(place) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).or_fail(Kind::Workspace, || format!("removing {}", place.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(shelf: &Path, name: &str) -> File {
        fs::create_dir_all(shelf.join(name)).unwrap();
        locked(&shelf.join(format!("{name}.lock")), File::try_lock_shared, &Cancel::default()).unwrap()
    }

    #[test]
    fn the_longest_unused_go_and_those_in_use_stay() {
        let shelf = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let mut files: Vec<File> = (0..MOST as u64 + 2)
            .map(|at| {
                let file = held(shelf.path(), &format!("b{at:02}"));
                file.set_modified(now - Duration::from_secs(1000 - at)).unwrap();
                file
            })
            .collect();
        let oldest = files.remove(0);
        drop(files);
        prune(shelf.path());
        let there = |name: &str| shelf.path().join(name).is_dir();
        assert!(there("b00") && !there("b01") && there("b02"));
        assert!(!shelf.path().join("b01.lock").exists());
        drop(oldest);
    }

    #[test]
    fn a_lock_that_was_removed_is_none() {
        let shelf = tempfile::tempdir().unwrap();
        let file = held(shelf.path(), "b");
        let path = shelf.path().join("b.lock");
        assert!(same(&file, &path));
        fs::remove_file(&path).unwrap();
        assert!(!same(&file, &path));
        let again = held(shelf.path(), "b");
        assert!(same(&again, &path) && !same(&file, &path));
    }

    #[test]
    fn a_bench_grows_old_sooner_when_something_is_missing() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join(RECORD);
        for (gaps, hours, expected) in [(false, 2, true), (true, 2, false), (false, 200, false)] {
            fs::write(&path, serde_json::to_vec(&Record { tree: None, gaps }).unwrap()).unwrap();
            File::options().append(true).open(&path).unwrap().set_modified(SystemTime::now() - Duration::from_secs(hours * 3600)).unwrap();
            assert_eq!(usable(place.path()).is_some(), expected, "{gaps} {hours}");
        }
    }
}
