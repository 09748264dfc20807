//! The rows of `tasks` as values: one, the newest, and what `status` shows of each at a glance.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, types::Type};
use serde::Serialize;

use super::{Owner, Queue};
use crate::error::Result;
use crate::task::{IssueRef, Stage, TaskId, TaskState};

/// One row of `tasks`.
#[derive(Debug, Clone, Serialize)]
pub struct Task {
    /// Its row.
    pub id: TaskId,
    /// The forge's repository id.
    pub repository_id: String,
    /// How the issue is named.
    pub issue: IssueRef,
    /// The issue's number, 0 for a file.
    pub github_issue_id: u64,
    /// The issue's title.
    pub title: String,
    /// Names the label episode (`Issue::episode`).
    pub episode: String,
    /// Where it stands.
    pub state: TaskState,
    /// How often it was taken up.
    pub attempts: u32,
    /// The pull request's number.
    pub pr_number: Option<u64>,
    /// Its page, or where the branch is.
    pub pr_url: Option<String>,
    /// The verdict's word.
    pub verdict: Option<String>,
    /// Tokens so far.
    pub tokens: u64,
    /// The last failure in one line.
    pub error: Option<String>,
    /// Who works on it.
    pub owner: Option<Owner>,
    /// Until when the owner's word stands without a heartbeat.
    pub lease_until: Option<Timestamp>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When anything about it was last recorded.
    pub updated_at: Timestamp,
    /// When it was last taken up.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// A task with where it is and its last words.
#[derive(Debug, Clone, Serialize)]
pub struct Glance {
    /// The task.
    #[serde(flatten)]
    pub task: Task,
    /// The stage that began last.
    pub stage: Option<Stage>,
    /// The last line of its log.
    pub last_line: Option<String>,
}

pub(super) const COLUMNS: &str = "id, repository_id, issue, github_issue_id, title, episode, status, attempts, pr_number, pr_url, verdict, \
     tokens, error, owner_host, owner_pid, owner_start, lease_until, created_at, updated_at, started_at, finished_at";

impl Task {
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Task> {
        Ok(Task {
            id: TaskId(row.get("id")?),
            repository_id: row.get("repository_id")?,
            issue: json(row, "issue")?,
            github_issue_id: count(row, "github_issue_id")?.unwrap_or_default(),
            title: row.get("title")?,
            episode: row.get("episode")?,
            state: named(row, "status", TaskState::named)?,
            attempts: row.get("attempts")?,
            pr_number: count(row, "pr_number")?,
            pr_url: row.get("pr_url")?,
            verdict: row.get("verdict")?,
            tokens: count(row, "tokens")?.unwrap_or_default(),
            error: row.get("error")?,
            owner: owner(row)?,
            lease_until: time(row, "lease_until")?,
            created_at: required_time(row, "created_at")?,
            updated_at: required_time(row, "updated_at")?,
            started_at: time(row, "started_at")?,
            finished_at: time(row, "finished_at")?,
        })
    }

    /// Does a process still work on it, as far as can be told here at `now`?
    /// A process of this machine is asked for itself, one of another is believed until its lease ends.
    pub fn held(&self, now: Timestamp) -> bool {
        let leased = || self.lease_until.is_some_and(|until| until > now);
        self.state == TaskState::Running && self.owner.as_ref().is_some_and(|owner| owner.lives().unwrap_or_else(leased))
    }
}

impl Queue {
    /// One task.
    pub fn task(&self, task: TaskId) -> Result<Option<Task>> {
        let sql = format!("SELECT {COLUMNS} FROM tasks WHERE id = ?1");
        self.read("reading a task", |connection| connection.query_row(&sql, [task.0], Task::from_row).optional())
    }

    /// Newest first.
    pub fn list(&self, limit: usize) -> Result<Vec<Task>> {
        Ok(self.glances(limit)?.into_iter().map(|glance| glance.task).collect())
    }

    /// Newest first, each with its stage and last words.
    pub fn glances(&self, limit: usize) -> Result<Vec<Glance>> {
        self.read("listing tasks", |connection| {
            let mut statement = connection.prepare_cached(&glances_sql())?;
            statement.query_map([limit.min(1_000_000) as i64], glance)?.collect()
        })
    }
}

pub(super) fn glances_sql() -> String {
    format!(
        "SELECT {COLUMNS}, \
         (SELECT stage FROM stages WHERE task_id = tasks.id ORDER BY stages.id DESC LIMIT 1) AS stage, \
         (SELECT message FROM task_logs WHERE task_id = tasks.id ORDER BY task_logs.id DESC LIMIT 1) AS last_line \
         FROM tasks ORDER BY id DESC LIMIT ?1"
    )
}

fn glance(row: &Row<'_>) -> rusqlite::Result<Glance> {
    let stage: Option<String> = row.get("stage")?;
    Ok(Glance { task: Task::from_row(row)?, stage: stage.as_deref().and_then(Stage::named), last_line: row.get("last_line")? })
}

fn owner(row: &Row<'_>) -> rusqlite::Result<Option<Owner>> {
    let (host, pid, start) = (row.get("owner_host")?, row.get("owner_pid")?, row.get("owner_start")?);
    Ok(match (host, pid, start) {
        (Some(host), Some(pid), Some(start)) => Some(Owner { host, pid, start }),
        _ => None,
    })
}

/// A count as it is stored; SQLite's integers have a sign.
pub(super) fn stored_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn count(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<u64>> {
    let number: Option<i64> = row.get(column)?;
    Ok(number.and_then(|number| u64::try_from(number).ok()))
}

/// A moment as it is stored: sortable text.
pub(super) fn stored(at: Timestamp) -> String {
    format!("{at:.3}")
}

pub(super) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| text.parse().map_err(|error: jiff::Error| unreadable(row, column, error))).transpose()
}

pub(super) fn required_time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    let text: String = row.get(column)?;
    text.parse().map_err(|error: jiff::Error| unreadable(row, column, error))
}

pub(super) fn named<T>(row: &Row<'_>, column: &str, find: impl Fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    find(&text).ok_or_else(|| unreadable(row, column, format!("unknown {column} {text:?}")))
}

fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| unreadable(row, column, error))
}

fn unreadable(row: &Row<'_>, column: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or_default();
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, error.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::file::tests::{Bed, issue};
    use rusqlite::StatementStatus;

    /// What SQLite did to answer, in steps of its machine: a measure that no busy machine changes.
    fn steps(queue: &Queue, sql: &str, parameters: &[&dyn rusqlite::ToSql]) -> i32 {
        queue
            .read("measuring", |connection| {
                let mut statement = connection.prepare(sql)?;
                let mut rows = statement.query(parameters)?;
                while rows.next()?.is_some() {}
                drop(rows);
                Ok(statement.get_status(StatementStatus::VmStep))
            })
            .unwrap()
    }

    #[test]
    fn a_hundred_thousand_tasks_are_no_work() {
        let bed = Bed::new();
        let queue = bed.queue();
        let filled = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
            INSERT INTO tasks (repository_id, issue_key, issue, github_issue_id, title, episode, status, created_at, updated_at)
            SELECT 'R' || (i % 50), '#' || i, '{\"git-hub\":{\"repo\":\"acme/widget\",\"number\":1}}', i, 'Title', 'event-1',
            CASE WHEN i % 10 = 0 THEN 'pending' ELSE 'completed' END, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z' FROM n";
        queue.write("filling", |transaction| transaction.execute_batch(filled)).unwrap();
        assert!(steps(&queue, &glances_sql(), &[&20]) < 5_000);
        for sql in [super::super::add::EPISODE_SQL, super::super::add::OPEN_SQL] {
            let sql = sql.replace("{columns}", COLUMNS);
            let parameters: &[&dyn rusqlite::ToSql] = &[&"R7", &"#7", &"event-1"];
            let count = if sql.contains("?3") { 3 } else { 2 };
            assert!(steps(&queue, &sql, &parameters[..count]) < 500, "{sql}");
        }
        assert_eq!(queue.list(20).unwrap().len(), 20);
        assert_eq!(queue.list(1).unwrap()[0].id, TaskId(100_000));
        let added = queue.add("R7", &issue(7, 1), false).unwrap();
        assert_eq!(added.id, TaskId(7), "found among all the others");
    }
}
