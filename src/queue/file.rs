//! The open queue file: how it is opened, locked and written. What is in it is the neighbours' business.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::{Owner, failure, migrate};
use crate::error::{Kind, OrFail, Result};

/// Longest wait for another process's write.
const PATIENCE: Duration = Duration::from_secs(15);

/// What time it is; passed in, so that tests have their own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// An open queue file. Clones share the connection.
#[derive(Clone)]
pub struct Queue {
    path: Arc<PathBuf>,
    connection: Arc<Mutex<Connection>>,
    clock: Clock,
    owner: Arc<Owner>,
}

impl Queue {
    /// Opens or makes the file; migrates older ones, refuses newer ones and damaged ones with a hint.
    pub fn open(path: &Path) -> Result<Queue> {
        Queue::open_as(path, Owner::this_process(), Arc::new(Timestamp::now))
    }

    /// Opens the file when it is there; looking at an empty queue makes none.
    pub fn open_existing(path: &Path) -> Result<Option<Queue>> {
        let there = path.try_exists().or_fail(Kind::Workspace, || format!("looking for the queue file {}", path.display()))?;
        there.then(|| Queue::open(path)).transpose()
    }

    /// Opens it for this owner, by this clock.
    pub fn open_as(path: &Path, owner: Owner, clock: Clock) -> Result<Queue> {
        if let Some(folder) = path.parent() {
            make_private(folder)?;
        }
        let connection = connect(path)?;
        Ok(Queue { path: Arc::new(path.to_owned()), connection: Arc::new(Mutex::new(connection)), clock, owner: Arc::new(owner) })
    }

    /// For whom this queue claims tasks.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Reads something; `doing` is a phrase like "listing tasks".
    pub(super) fn read<T>(&self, doing: &str, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        read(&connection).map_err(|error| failure::of(&self.path, doing, error))
    }

    /// Writes something whole or not at all, alone from its first look to its last write.
    pub(super) fn write<T>(&self, doing: &str, write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        alone(&mut connection, write).map_err(|error| failure::of(&self.path, doing, error))
    }
}

fn alone<T>(connection: &mut Connection, write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = write(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

/// Titles and logs of private repositories are nobody else's business.
fn make_private(folder: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.or_fail(Kind::Workspace, || format!("making the folder {}", folder.display()))
        .map_err(|failure| failure.hint("another place for loom's files is set by paths.state (LOOM_PATHS_STATE)"))
}

fn connect(path: &Path) -> Result<Connection> {
    let sql = |error| failure::of(path, "opening", error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(sql)?;
    wait_fairly(&mut connection).map_err(sql)?;
    // Whose file it is comes first: switching the journal already writes.
    migrate::refuse_unusable(&connection, path)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(sql)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(sql)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(sql)?;
    migrate::to_newest(&mut connection, path)?;
    Ok(connection)
}

/// SQLite's own handler waits longer each time, so that newcomers overtake; short random waits are fair.
fn wait_fairly(connection: &mut Connection) -> rusqlite::Result<()> {
    let mut since = Instant::now();
    connection.busy_handler(Some(move |tries: i32| {
        if tries == 0 {
            since = Instant::now();
        }
        std::thread::sleep(Duration::from_micros(fastrand::u64(500..6000)));
        since.elapsed() < PATIENCE
    }))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::task::{Issue, IssueRef, IssueState, TaskState, Trigger};
    use std::sync::atomic::{AtomicI64, Ordering};

    /// A queue in a folder of its own, whose clock stands still until it is moved.
    pub struct Bed {
        pub folder: tempfile::TempDir,
        seconds: Arc<AtomicI64>,
    }

    impl Bed {
        pub fn new() -> Bed {
            Bed { folder: tempfile::tempdir().unwrap(), seconds: Arc::new(AtomicI64::new(1_700_000_000)) }
        }

        pub fn path(&self) -> PathBuf {
            self.folder.path().join("queue.sqlite")
        }

        pub fn queue(&self) -> Queue {
            self.queue_of(Owner::this_process())
        }

        pub fn queue_of(&self, owner: Owner) -> Queue {
            let seconds = self.seconds.clone();
            let clock = move || Timestamp::from_second(seconds.load(Ordering::SeqCst)).unwrap();
            Queue::open_as(&self.path(), owner, Arc::new(clock)).unwrap()
        }

        pub fn later(&self, seconds: i64) {
            self.seconds.fetch_add(seconds, Ordering::SeqCst);
        }
    }

    pub fn issue(number: u64, event: u64) -> Issue {
        Issue {
            reference: IssueRef::GitHub { repo: "acme/widget".parse().unwrap(), number },
            title: "It breaks".into(),
            body: "Badly".into(),
            author: "ann".into(),
            state: IssueState::Open,
            labels: Vec::new(),
            comments: Vec::new(),
            trigger: Some(Trigger { actor: "ann".into(), label: "loom:ready".into(), event, at: Timestamp::UNIX_EPOCH }),
            url: None,
        }
    }

    #[test]
    fn what_was_written_is_there_after_opening_again() {
        let bed = Bed::new();
        let task = bed.queue().add("R1", &issue(12, 1), false).unwrap();
        let again = bed.queue().task(task.id).unwrap().unwrap();
        assert_eq!((again.title.as_str(), again.state, again.github_issue_id), ("It breaks", TaskState::Pending, 12));
        assert!(Queue::open_existing(&bed.folder.path().join("other")).unwrap().is_none());
    }

    #[test]
    fn the_file_is_durable_and_shared() {
        let queue = Bed::new().queue();
        let pragma =
            |name: &str| queue.read("asking", |connection| connection.pragma_query_value(None, name, |row| row.get::<_, String>(0)));
        assert_eq!(pragma("journal_mode").unwrap(), "wal");
        let full = queue.read("asking", |connection| connection.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0)));
        assert_eq!(full.unwrap(), 2);
    }

    #[test]
    fn a_full_disk_and_a_read_only_file_say_what_to_do() {
        let bed = Bed::new();
        let queue = bed.queue();
        queue.read("limiting", |connection| connection.pragma_update(None, "max_page_count", 1)).ok();
        let mut big = issue(1, 1);
        big.title = "x".repeat(200);
        let failure = (1..2000).find_map(|event| {
            queue
                .add(
                    "R1",
                    &{
                        let mut one = big.clone();
                        one.trigger.as_mut().unwrap().event = event;
                        one
                    },
                    true,
                )
                .err()
        });
        let failure = failure.expect("the file cannot grow");
        assert_eq!(failure.kind, Kind::Workspace);
        assert!(failure.hints[0].contains("disk is full"), "{failure:?}");
        let queue = bed.queue();
        queue.read("locking", |connection| connection.pragma_update(None, "query_only", true)).unwrap();
        let failure = queue.add("R2", &issue(1, 1), false).unwrap_err();
        assert!(failure.kind == Kind::Workspace && failure.hints[0].contains("writable"), "{failure:?}");
    }

    #[test]
    fn a_place_that_cannot_hold_the_file_is_named() {
        let bed = Bed::new();
        std::fs::write(bed.folder.path().join("file"), "x").unwrap();
        let failure = Queue::open(&bed.folder.path().join("file/queue.sqlite")).err().unwrap();
        assert!(failure.kind == Kind::Workspace && failure.hints[0].contains("paths.state"), "{failure:?}");
        let failure = Queue::open(bed.folder.path()).err().unwrap();
        assert!(failure.kind == Kind::Workspace && failure.hints[0].contains("paths.queue"), "{failure:?}");
    }
}
