//! The ledger of flaky tests: sightings are added by repository, fade, and are removed once they count no more.
//! What counts as one is the gate's decision; how sightings fade is `task::Flake`.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Queue;
use super::task::{required_time, stored};
use crate::error::Result;
use crate::task::{Flake, Sighting};

/// So many are kept of one repository, the ones seen last: whoever writes the tests must not fill the disk.
const MOST: i64 = 2_000;

const COLUMNS: &str = "repository, suite, test, condition, times, first_at, last_at, weight";

impl Queue {
    /// The flaky tests of a repository that still count, the heaviest first.
    pub fn flakes(&self, repository: &str) -> Result<Vec<Flake>> {
        Ok(self.ledgers(Some(repository))?.into_iter().map(|(_, flake)| flake).collect())
    }

    /// The same of every repository, or of one, each with the repository's name.
    pub fn ledgers(&self, repository: Option<&str>) -> Result<Vec<(String, Flake)>> {
        let now = self.now();
        let sql = format!("SELECT {COLUMNS} FROM flakes WHERE ?1 IS NULL OR repository = ?1");
        let mut found: Vec<(String, Flake)> = self.read("reading the flaky tests", |connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_map([repository], |row| Ok((row.get("repository")?, flake(row)?)))?.collect()
        })?;
        found.retain(|(_, flake)| !flake.is_forgotten(now));
        found.sort_by(|(here, one), (there, other)| {
            let weights = other.weight_at(now).total_cmp(&one.weight_at(now));
            here.cmp(there).then(weights).then_with(|| one.seen.test.cmp(&other.seen.test))
        });
        Ok(found)
    }

    /// Adds what was seen in one proof; a test counts once however often it changed its mind there.
    pub fn saw_flakes(&self, repository: &str, sightings: &[Sighting]) -> Result<()> {
        if sightings.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let mut each: Vec<&Sighting> = sightings.iter().collect();
        each.sort_by_key(|seen| (&seen.suite, &seen.test, &seen.condition));
        each.dedup();
        self.write("noting flaky tests", |transaction| {
            for seen in each {
                let flake = match known(transaction, repository, seen)? {
                    Some(flake) => flake.again(now),
                    None => Flake::new(seen.clone(), now),
                };
                let sql = format!("INSERT OR REPLACE INTO flakes ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
                transaction.execute(
                    &sql,
                    params![
                        repository,
                        seen.suite,
                        seen.test,
                        seen.condition,
                        flake.times,
                        stored(flake.first),
                        stored(flake.last),
                        flake.weight
                    ],
                )?;
            }
            tidy(transaction, repository, |flake| flake.is_forgotten(now))
        })
    }

    /// Forgets tests by their ids, in one repository or in all; tells which of them were there.
    pub fn forget_flakes(&self, repository: Option<&str>, tests: &[String]) -> Result<Vec<String>> {
        self.write("forgetting flaky tests", |transaction| {
            let mut gone = Vec::new();
            for test in tests {
                let sql = "DELETE FROM flakes WHERE test = ?1 AND (?2 IS NULL OR repository = ?2)";
                if transaction.execute(sql, params![test, repository])? > 0 {
                    gone.push(test.clone());
                }
            }
            Ok(gone)
        })
    }
}

fn known(connection: &Connection, repository: &str, seen: &Sighting) -> rusqlite::Result<Option<Flake>> {
    let sql = format!("SELECT {COLUMNS} FROM flakes WHERE repository = ?1 AND suite = ?2 AND test = ?3 AND condition = ?4");
    connection.query_row(&sql, params![repository, seen.suite, seen.test, seen.condition], flake).optional()
}

/// Removes what is forgotten, and what is too much.
fn tidy(connection: &Connection, repository: &str, forgotten: impl Fn(&Flake) -> bool) -> rusqlite::Result<()> {
    let sql = format!("SELECT {COLUMNS} FROM flakes WHERE repository = ?1");
    let all: Vec<Flake> = connection.prepare_cached(&sql)?.query_map([repository], flake)?.collect::<rusqlite::Result<_>>()?;
    for flake in all.iter().filter(|flake| forgotten(flake)) {
        let sql = "DELETE FROM flakes WHERE repository = ?1 AND suite = ?2 AND test = ?3 AND condition = ?4";
        connection.execute(sql, params![repository, flake.seen.suite, flake.seen.test, flake.seen.condition])?;
    }
    let sql = "DELETE FROM flakes WHERE repository = ?1 AND (suite, test, condition) NOT IN
               (SELECT suite, test, condition FROM flakes WHERE repository = ?1 ORDER BY last_at DESC LIMIT ?2)";
    connection.execute(sql, params![repository, MOST]).map(drop)
}

fn flake(row: &Row<'_>) -> rusqlite::Result<Flake> {
    Ok(Flake {
        seen: Sighting { suite: row.get("suite")?, test: row.get("test")?, condition: row.get("condition")? },
        times: row.get("times")?,
        first: required_time(row, "first_at")?,
        last: required_time(row, "last_at")?,
        weight: row.get("weight")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::file::tests::Bed;

    const DAY: i64 = 86_400;

    fn seen(test: &str) -> Sighting {
        Sighting { suite: "pytest".into(), test: test.into(), condition: "alone".into() }
    }

    fn names(queue: &Queue, repository: &str) -> Vec<String> {
        queue.flakes(repository).unwrap().into_iter().map(|flake| flake.seen.test).collect()
    }

    #[test]
    fn sightings_add_up_and_fade_by_the_queues_clock() {
        let bed = Bed::new();
        let queue = bed.queue();
        queue.saw_flakes("acme/widget", &[seen("a"), seen("b"), seen("a")]).unwrap();
        bed.later(20 * DAY);
        queue.saw_flakes("acme/widget", &[seen("b")]).unwrap();
        queue.saw_flakes("acme/other", &[seen("c")]).unwrap();
        assert_eq!(names(&queue, "acme/widget"), ["b", "a"], "the heavier first, each once");
        let flakes = queue.flakes("acme/widget").unwrap();
        assert_eq!((flakes[0].times, flakes[1].times), (2, 1));
        assert_eq!(queue.ledgers(None).unwrap().len(), 3);
        bed.later(85 * DAY);
        assert_eq!(names(&queue, "acme/widget"), ["b"], "105 days after its only sighting");
        bed.later(300 * DAY);
        assert_eq!(names(&queue, "acme/widget"), [""; 0]);
        queue.saw_flakes("acme/widget", &[seen("d")]).unwrap();
        let rows: i64 = queue
            .read("counting", |c| c.query_row("SELECT count(*) FROM flakes WHERE repository = 'acme/widget'", [], |r| r.get(0)))
            .unwrap();
        assert_eq!(rows, 1, "what is forgotten is removed");
    }

    #[test]
    fn one_can_be_forgotten_by_its_name() {
        let bed = Bed::new();
        let queue = bed.queue();
        for repository in ["acme/widget", "acme/other"] {
            queue.saw_flakes(repository, &[seen("a"), seen("b")]).unwrap();
        }
        assert_eq!(queue.forget_flakes(Some("acme/widget"), &["a".into(), "x".into()]).unwrap(), ["a"]);
        assert_eq!((names(&queue, "acme/widget"), names(&queue, "acme/other")), (vec!["b".into()], vec!["a".into(), "b".into()]));
        assert_eq!(queue.forget_flakes(None, &["b".into()]).unwrap(), ["b"]);
        assert_eq!((names(&queue, "acme/widget").len(), names(&queue, "acme/other").len()), (0, 1));
    }

    #[test]
    fn a_ledger_does_not_grow_without_end() {
        let bed = Bed::new();
        let queue = bed.queue();
        queue.saw_flakes("R", &[seen("old")]).unwrap();
        bed.later(60);
        let many: Vec<Sighting> = (0..MOST).map(|number| seen(&format!("t{number}"))).collect();
        queue.saw_flakes("R", &many).unwrap();
        let kept = names(&queue, "R");
        assert!(kept.len() == MOST as usize && !kept.contains(&"old".to_owned()));
    }

    #[test]
    fn a_file_of_the_first_version_gets_the_ledger() {
        let bed = Bed::new();
        let connection = Connection::open(bed.path()).unwrap_or_else(|_| panic!("a new file"));
        connection.execute_batch(include_str!("migrations/0001_tasks.sql")).unwrap();
        connection.pragma_update(None, "application_id", 0x4c6f_6f6d).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        drop(connection);
        let queue = bed.queue();
        queue.saw_flakes("R", &[seen("a")]).unwrap();
        assert_eq!(names(&bed.queue(), "R"), ["a"]);
    }
}
