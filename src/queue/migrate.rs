//! Brings older files to today's tables; refuses newer, foreign and damaged ones. One numbered file per step.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::failure;
use crate::error::{Failure, Kind, Result};

/// The steps; a file's `user_version` is how many of them it has.
const STEPS: [&str; 2] = [include_str!("migrations/0001_tasks.sql"), include_str!("migrations/0002_flakes.sql")];

/// Marks a file as a queue of loom ("Loom" in ASCII).
const APPLICATION: i64 = 0x4c6f_6f6d;

/// Fails on a file of another program, of a newer loom, and on one that is no SQLite file at all; writes nothing.
pub(super) fn refuse_unusable(connection: &Connection, path: &Path) -> Result<()> {
    let sql = |error| failure::of(path, "opening", error);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(sql)?;
    if tables > 0 && pragma(connection, "application_id").map_err(sql)? != APPLICATION {
        return Err(Failure::new(Kind::Workspace, format_args!("{} is a database of another program", path.display()))
            .hint("name another file by paths.queue (LOOM_PATHS_QUEUE); this one was not changed"));
    }
    let (version, known) = (pragma(connection, "user_version").map_err(sql)?, STEPS.len() as i64);
    if version <= known {
        return Ok(());
    }
    let what = format!("the queue file {} is of a newer loom: its tables are version {version}, this one knows {known}", path.display());
    Err(Failure::new(Kind::Workspace, what)
        .hint("use the newer loom, or name another file by paths.queue (LOOM_PATHS_QUEUE); this one was not changed"))
}

/// Applies the steps the file lacks, each whole or not at all.
pub(super) fn to_newest(connection: &mut Connection, path: &Path) -> Result<()> {
    let sql = |error| failure::of(path, "migrating", error);
    while pragma(connection, "user_version").map_err(sql)? < STEPS.len() as i64 {
        step(connection).map_err(sql)?;
    }
    // A newer loom may have come between.
    refuse_unusable(connection, path)
}

/// One step, unless another process has just done it.
fn step(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = pragma(&transaction, "user_version")?;
    let Some(sql) = usize::try_from(version).ok().and_then(|done| STEPS.get(done)) else { return Ok(()) };
    transaction.execute_batch(sql)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", version + 1)?;
    transaction.commit()
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Queue;
    use crate::queue::file::tests::Bed;

    fn refused(bed: &Bed) -> Failure {
        let before = std::fs::read(bed.path()).unwrap();
        let failure = Queue::open(&bed.path()).err().expect("must be refused");
        assert!(std::fs::read(bed.path()).unwrap() == before, "a refused file is not changed");
        assert!(failure.kind == Kind::Workspace && !failure.hints.is_empty(), "{failure:?}");
        failure
    }

    #[test]
    fn a_newer_file_is_refused_and_left_alone() {
        let bed = Bed::new();
        drop(bed.queue());
        let connection = Connection::open(bed.path()).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        assert!(refused(&bed).line().contains("version 99"));
    }

    #[test]
    fn a_foreign_and_a_damaged_file_are_refused_and_left_alone() {
        let bed = Bed::new();
        std::fs::write(bed.path(), "this is a shopping list, not a database\n".repeat(50)).unwrap();
        assert!(refused(&bed).line().contains("not a database"));
        std::fs::remove_file(bed.path()).unwrap();
        Connection::open(bed.path()).unwrap().execute_batch("CREATE TABLE songs (title TEXT)").unwrap();
        assert!(refused(&bed).line().contains("another program"));
    }

    #[test]
    fn a_file_damaged_inside_says_so() {
        let bed = Bed::new();
        drop(bed.queue());
        let mut bytes = std::fs::read(bed.path()).unwrap();
        bytes[100..].fill(0xa5);
        std::fs::write(bed.path(), bytes).unwrap();
        assert!(refused(&bed).hints[0].contains(".recover"));
    }

    #[test]
    fn many_may_make_the_file_at_once() {
        let bed = Bed::new();
        std::thread::scope(|scope| {
            let opened: Vec<_> = (0..6).map(|_| scope.spawn(|| Queue::open(&bed.path()).map(drop))).collect();
            for one in opened {
                one.join().unwrap().unwrap();
            }
        });
    }
}
