//! How work comes into the queue: one task per episode of an issue, at most one open task per issue.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::task::{COLUMNS, stored, stored_count};
use super::{Queue, Task};
use crate::error::{Kind, OrFail, Result};
use crate::task::{Issue, IssueRef, TaskState};

pub(super) const EPISODE_SQL: &str = "SELECT {columns} FROM tasks WHERE repository_id = ?1 AND issue_key = ?2 AND episode = ?3";
pub(super) const OPEN_SQL: &str =
    "SELECT {columns} FROM tasks WHERE repository_id = ?1 AND issue_key = ?2 AND status IN ('pending', 'running')";

/// A title longer than this is cut; it is for lists.
const TITLE: usize = 300;

impl Queue {
    /// The open task of this issue and episode, or a new one.
    /// An episode that has ended answers with its task too, unless `again`.
    ///
    /// An open task of another episode that nobody works on is cancelled in favour of the new one; one that somebody
    /// works on is the answer itself, and claiming it will say who that is.
    pub fn add(&self, repository_id: &str, issue: &Issue, again: bool) -> Result<Task> {
        let key = issue_key(&issue.reference)?;
        let reference = serde_json::to_string(&issue.reference).or_fail(Kind::Internal, || "naming the issue")?;
        let now = self.now();
        self.write("adding a task", |transaction| {
            let episode = issue.episode();
            let of_episode = find(transaction, EPISODE_SQL, params![repository_id, key, episode])?;
            let open = find(transaction, OPEN_SQL, params![repository_id, key])?;
            let held = open.as_ref().is_some_and(|task| task.held(now));
            match (of_episode, open) {
                (_, Some(open)) if held => return Ok(open),
                (_, Some(open)) if !again && same_episode(&open.episode, &episode) => return Ok(open),
                (Some(ended), None) if !again => return newest_of(transaction, repository_id, &key, ended),
                (_, Some(open)) => supersede(transaction, &open, &stored(now))?,
                (_, None) => {}
            }
            let episode = free_episode(transaction, repository_id, &key, &episode)?;
            let title: String = issue.title.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TITLE).collect();
            transaction.execute(
                "INSERT INTO tasks (repository_id, issue_key, issue, github_issue_id, title, episode, status, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', ?7, ?7)",
                params![repository_id, key, reference, stored_count(number(&issue.reference)), title, episode, stored(now)],
            )?;
            let sql = format!("SELECT {COLUMNS} FROM tasks WHERE id = last_insert_rowid()");
            transaction.query_row(&sql, [], Task::from_row)
        })
    }
}

/// What names the issue within its repository; a repository may be renamed, its id stays.
pub(super) fn issue_key(reference: &IssueRef) -> Result<String> {
    Ok(match reference {
        IssueRef::GitHub { number, .. } => format!("#{number}"),
        IssueRef::File(path) => {
            let path = std::path::absolute(path).or_fail(Kind::Workspace, || format!("locating {}", path.display()))?;
            path.to_string_lossy().into_owned()
        }
    })
}

fn number(reference: &IssueRef) -> u64 {
    match reference {
        IssueRef::GitHub { number, .. } => *number,
        IssueRef::File(_) => 0,
    }
}

/// A run asked for once more is the same episode with a count behind it: `text-ab12 +2`.
fn same_episode(stored: &str, episode: &str) -> bool {
    stored == episode || stored.strip_prefix(episode).is_some_and(|rest| rest.starts_with(" +"))
}

fn free_episode(transaction: &Transaction<'_>, repository_id: &str, key: &str, episode: &str) -> rusqlite::Result<String> {
    let mut name = episode.to_owned();
    let mut count = 1;
    while find(transaction, EPISODE_SQL, params![repository_id, key, name])?.is_some() {
        count += 1;
        name = format!("{episode} +{count}");
    }
    Ok(name)
}

/// The latest of an episode that was run several times.
fn newest_of(transaction: &Transaction<'_>, repository_id: &str, key: &str, first: Task) -> rusqlite::Result<Task> {
    let mut newest = first;
    let mut count = 2;
    let episode = newest.episode.clone();
    while let Some(next) = find(transaction, EPISODE_SQL, params![repository_id, key, format!("{episode} +{count}")])? {
        newest = next;
        count += 1;
    }
    Ok(newest)
}

fn supersede(transaction: &Transaction<'_>, open: &Task, now: &str) -> rusqlite::Result<()> {
    // The fence moves on, so that a claim which is thought dead cannot write any more.
    transaction.execute(
        "UPDATE tasks SET status = ?2, error = 'a newer request took its place', fence = fence + 1, owner_host = NULL, owner_pid = NULL,
         owner_start = NULL, lease_until = NULL, updated_at = ?3, finished_at = ?3 WHERE id = ?1",
        params![open.id.0, TaskState::Cancelled.as_str(), now],
    )?;
    Ok(())
}

fn find(connection: &Connection, sql: &str, parameters: &[&dyn rusqlite::ToSql]) -> rusqlite::Result<Option<Task>> {
    connection.prepare_cached(&sql.replace("{columns}", COLUMNS))?.query_row(parameters, Task::from_row).optional()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Owner;
    use crate::queue::file::tests::{Bed, issue};

    #[test]
    fn one_task_per_episode_whoever_brings_it() {
        let bed = Bed::new();
        let first = bed.queue().add("R1", &issue(12, 1), false).unwrap();
        let mut renamed = issue(12, 1);
        renamed.reference = "acme/gadget#12".parse().unwrap();
        assert_eq!(bed.queue().add("R1", &renamed, false).unwrap().id, first.id);
        assert_ne!(bed.queue().add("R2", &issue(12, 1), false).unwrap().id, first.id);
        assert_ne!(bed.queue().add("R1", &issue(13, 1), false).unwrap().id, first.id);
    }

    #[test]
    fn an_ended_episode_answers_until_it_is_asked_for_again() {
        let queue = Bed::new().queue();
        let first = queue.add("R1", &issue(12, 1), false).unwrap();
        queue.claim(first.id).unwrap().finish(TaskState::Completed, None).unwrap();
        assert_eq!(queue.add("R1", &issue(12, 1), false).unwrap().id, first.id);
        let second = queue.add("R1", &issue(12, 1), true).unwrap();
        assert_ne!(second.id, first.id);
        assert_eq!(queue.add("R1", &issue(12, 1), false).unwrap().id, second.id, "the open one counts");
        queue.claim(second.id).unwrap().finish(TaskState::Completed, None).unwrap();
        assert_eq!(queue.add("R1", &issue(12, 1), false).unwrap().id, second.id, "the newest counts");
        assert_ne!(queue.add("R1", &issue(12, 2), false).unwrap().id, second.id, "another label, another task");
    }

    #[test]
    fn a_new_episode_takes_the_place_of_one_nobody_works_on() {
        let bed = Bed::new();
        let queue = bed.queue();
        let first = queue.add("R1", &issue(12, 1), false).unwrap();
        let claim = queue.claim(first.id).unwrap();
        assert_eq!(queue.add("R1", &issue(12, 2), true).unwrap().id, first.id, "somebody works on it");
        claim.release().unwrap();
        let second = queue.add("R1", &issue(12, 2), false).unwrap();
        assert_ne!(second.id, first.id);
        assert_eq!(queue.task(first.id).unwrap().unwrap().state, TaskState::Cancelled);
        let gone = bed.queue_of(Owner { start: "1".into(), ..Owner::this_process() });
        let dead = gone.claim(second.id).unwrap();
        assert_ne!(queue.add("R1", &issue(12, 3), false).unwrap().id, second.id);
        assert_eq!(dead.stage_began(crate::task::Stage::Admit, 0).unwrap_err().kind, Kind::Skipped);
    }
}
