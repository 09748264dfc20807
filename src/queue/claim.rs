//! The right to work on a task. Every write through it carries the fencing number and is refused once another process
//! has taken the task over. Owns who may take what from whom, and when.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::{OptionalExtension, ToSql, Transaction, params};

use super::task::{COLUMNS, stored, stored_count};
use super::{Queue, Task};
use crate::error::{Failure, Kind, Result};
use crate::task::{TaskId, TaskState};

/// How long a claim from another machine is believed without a heartbeat.
const LEASE: Duration = Duration::from_secs(60);

/// The right to work on a task: only through it is anything recorded.
/// Dropped without an end, it gives the task back to the queue.
pub struct Claim {
    pub(super) queue: Queue,
    task: TaskId,
    fence: i64,
    ended: AtomicBool,
}

impl Queue {
    /// Takes the task up: `running`, one more attempt, owned by this process. `Kind::Skipped` when a live process holds
    /// it, or when it has ended; a failed one may be taken up again and goes on from its last stage.
    pub fn claim(&self, task: TaskId) -> Result<Claim> {
        let now = self.now();
        let until = stored(now + LEASE);
        let taken = self.write("claiming a task", |transaction| {
            let sql = format!("SELECT {COLUMNS} FROM tasks WHERE id = ?1");
            let Some(row) = transaction.query_row(&sql, [task.0], Task::from_row).optional()? else { return Ok(Err(unknown(task))) };
            if let Some(refusal) = refusal(transaction, &row, row.held(now))? {
                return Ok(Err(refusal));
            }
            let owner = self.owner();
            let fence = transaction.query_row(
                "UPDATE tasks SET status = 'running', attempts = attempts + 1, fence = fence + 1, error = NULL, finished_at = NULL,
                 owner_host = ?2, owner_pid = ?3, owner_start = ?4, lease_until = ?5, started_at = ?6, updated_at = ?6
                 WHERE id = ?1 RETURNING fence",
                params![task.0, owner.host, owner.pid, owner.start, until, stored(now)],
                |row| row.get(0),
            )?;
            Ok(Ok(fence))
        })?;
        Ok(Claim { queue: self.clone(), task, fence: taken?, ended: AtomicBool::new(false) })
    }
}

fn unknown(task: TaskId) -> Failure {
    Failure::new(Kind::Skipped, format_args!("there is no task {task}")).hint("`loom status` lists the tasks there are")
}

/// Why this task cannot be taken up.
fn refusal(transaction: &Transaction<'_>, row: &Task, held: bool) -> rusqlite::Result<Option<Failure>> {
    let again = "`--again` starts a new one for the same issue";
    Ok(match row.state {
        TaskState::Running if held => {
            let owner = row.owner.as_ref().map(ToString::to_string).unwrap_or_default();
            let what = format!("task {} is being worked on by {owner}", row.id);
            Some(Failure::new(Kind::Skipped, what).hint(format!("`loom status {}` shows how far it is", row.id)))
        }
        TaskState::Completed | TaskState::Cancelled => {
            Some(Failure::new(Kind::Skipped, format_args!("task {} has already ended: {}", row.id, row.state)).hint(again))
        }
        TaskState::Failed => {
            let newer: Option<i64> = transaction
                .query_row(
                    "SELECT other.id FROM tasks AS this JOIN tasks AS other USING (repository_id, issue_key)
                     WHERE this.id = ?1 AND other.status IN ('pending', 'running')",
                    [row.id.0],
                    |found| found.get(0),
                )
                .optional()?;
            newer.map(|newer| {
                Failure::new(Kind::Skipped, format_args!("task {} failed, and task {newer} is open for the same issue", row.id))
            })
        }
        TaskState::Running | TaskState::Pending => None,
    })
}

impl Claim {
    /// How often a heartbeat is due: a lease outlives two that are missed.
    pub const BEAT: Duration = Duration::from_secs(20);

    /// Whose right.
    pub fn task(&self) -> TaskId {
        self.task
    }

    /// Says that the work goes on: the claim stands for another lease.
    pub fn heartbeat(&self) -> Result<()> {
        let until = stored(self.queue.now() + LEASE);
        self.change("extending a claim", "lease_until = ?3", &[&until])
    }

    /// Records tokens, verdict and pull request as they become known.
    pub fn note(&self, tokens: Option<u64>, verdict: Option<&str>, pull_request: Option<(u64, &str)>) -> Result<()> {
        let (number, url) = pull_request.unzip();
        // A local branch has no number.
        let number = number.filter(|number| *number > 0).map(stored_count);
        let tokens = tokens.map(stored_count);
        self.change(
            "noting results",
            "tokens = coalesce(?3, tokens), verdict = coalesce(?4, verdict), pr_number = coalesce(?5, pr_number), pr_url = coalesce(?6, pr_url)",
            &[&tokens, &verdict, &number, &url],
        )
    }

    /// Does this claim still stand, as far as its last write could tell? A lost one belongs to another process.
    pub fn stands(&self) -> bool {
        !self.ended.load(Ordering::SeqCst)
    }

    /// Ends the task.
    pub fn finish(&self, state: TaskState, error: Option<&str>) -> Result<()> {
        let ended = match state {
            TaskState::Pending => return self.release(),
            TaskState::Running => return Err(Failure::new(Kind::Internal, "a task does not end as running")),
            TaskState::Completed | TaskState::Failed | TaskState::Cancelled => state,
        };
        self.end(ended, error)
    }

    /// Gives it back to the queue, as pending.
    pub fn release(&self) -> Result<()> {
        self.end(TaskState::Pending, None)
    }

    fn end(&self, state: TaskState, error: Option<&str>) -> Result<()> {
        let finished = (state != TaskState::Pending).then(|| stored(self.queue.now()));
        self.change(
            "ending a task",
            "status = ?3, error = ?4, finished_at = ?5, owner_host = NULL, owner_pid = NULL, owner_start = NULL, lease_until = NULL",
            &[&state.as_str(), &error, &finished],
        )?;
        self.ended.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// Changes the task's row; `assignments` count their parameters from `?3`.
    fn change(&self, doing: &str, assignments: &str, values: &[&dyn ToSql]) -> Result<()> {
        let now = stored(self.queue.now());
        let time = values.len() + 3;
        let sql = format!("UPDATE tasks SET {assignments}, updated_at = ?{time} WHERE id = ?1 AND fence = ?2 AND status = 'running'");
        let mut parameters: Vec<&dyn ToSql> = vec![&self.task.0, &self.fence];
        parameters.extend(values);
        parameters.push(&now);
        let changed = self.queue.write(doing, |transaction| transaction.execute(&sql, &parameters[..]))?;
        if changed == 1 { Ok(()) } else { Err(self.lost()) }
    }

    /// Writes rows that belong to the task, as long as the claim stands.
    pub(super) fn record(&self, doing: &str, write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>) -> Result<()> {
        let now = stored(self.queue.now());
        let held = self.queue.write(doing, |transaction| {
            let sql = "UPDATE tasks SET updated_at = ?3 WHERE id = ?1 AND fence = ?2 AND status = 'running'";
            let held = transaction.execute(sql, params![self.task.0, self.fence, now])? == 1;
            if held {
                write(transaction)?;
            }
            Ok(held)
        })?;
        if held { Ok(()) } else { Err(self.lost()) }
    }

    fn lost(&self) -> Failure {
        self.ended.store(true, Ordering::SeqCst);
        Failure::new(Kind::Skipped, format_args!("task {} was taken over by another process", self.task))
            .hint(format!("nothing more was recorded here; `loom status {}` shows who goes on", self.task))
    }
}

/// An error on the way out of the work must not leave the task held by a process that has turned to other things.
impl Drop for Claim {
    fn drop(&mut self) {
        if !self.ended.load(Ordering::SeqCst) {
            let _ = self.end(TaskState::Pending, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Owner;
    use crate::queue::file::tests::{Bed, issue};
    use crate::task::Stage;

    fn dead() -> Owner {
        Owner { start: "1".into(), ..Owner::this_process() }
    }

    fn elsewhere() -> Owner {
        Owner { host: "elsewhere".into(), ..Owner::this_process() }
    }

    #[test]
    fn of_many_at_once_one_gets_it() {
        let bed = Bed::new();
        let task = bed.queue().add("R1", &issue(1, 1), false).unwrap().id;
        let claims: Vec<_> = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..8).map(|_| scope.spawn(|| bed.queue().claim(task))).collect();
            tries.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(claims.iter().filter(|claim| claim.is_ok()).count(), 1);
        let refused = claims.iter().find_map(|claim| claim.as_ref().err()).unwrap();
        assert_eq!(refused.kind, Kind::Skipped);
        assert!(refused.line().contains("is being worked on by process"), "{refused:?}");
        assert_eq!(bed.queue().task(task).unwrap().unwrap().attempts, 1);
    }

    #[test]
    fn a_dead_process_loses_its_claim_at_once_and_for_good() {
        let bed = Bed::new();
        let task = bed.queue().add("R1", &issue(1, 1), false).unwrap().id;
        let old = bed.queue_of(dead()).claim(task).unwrap();
        old.stage_began(Stage::Clone, 0).unwrap();
        let new = bed.queue().claim(task).unwrap();
        for refused in
            [old.stage_ended(Stage::Clone, 0, "{}"), old.note(Some(5), None, None), old.heartbeat(), old.log("info", "x", &().into())]
        {
            assert_eq!(refused.unwrap_err().kind, Kind::Skipped);
        }
        assert!(!old.stands() && new.stands());
        drop(old);
        new.note(Some(7), Some("verified"), Some((3, "https://x"))).unwrap();
        let row = bed.queue().task(task).unwrap().unwrap();
        assert_eq!((row.state, row.attempts, row.tokens, row.pr_number), (TaskState::Running, 2, 7, Some(3)));
    }

    #[test]
    fn another_machine_is_believed_until_its_lease_ends() {
        let bed = Bed::new();
        let task = bed.queue().add("R1", &issue(1, 1), false).unwrap().id;
        let theirs = bed.queue_of(elsewhere()).claim(task).unwrap();
        bed.later(59);
        assert!(bed.queue().claim(task).is_err());
        theirs.heartbeat().unwrap();
        bed.later(59);
        assert!(bed.queue().claim(task).is_err());
        bed.later(2);
        let ours = bed.queue().claim(task).unwrap();
        assert_eq!(theirs.heartbeat().unwrap_err().kind, Kind::Skipped);
        ours.heartbeat().unwrap();
    }

    #[test]
    fn a_live_process_keeps_its_claim_past_the_lease() {
        let bed = Bed::new();
        let queue = bed.queue();
        let task = queue.add("R1", &issue(1, 1), false).unwrap().id;
        let claim = queue.claim(task).unwrap();
        bed.later(3600);
        assert!(queue.claim(task).is_err());
        claim.heartbeat().unwrap();
    }

    #[test]
    fn ends_are_final_but_a_failure_may_be_taken_up_again() {
        let bed = Bed::new();
        let queue = bed.queue();
        let task = queue.add("R1", &issue(1, 1), false).unwrap().id;
        drop(queue.claim(task).unwrap());
        assert_eq!(queue.task(task).unwrap().unwrap().state, TaskState::Pending, "a dropped claim gives the task back");
        queue.claim(task).unwrap().finish(TaskState::Failed, Some("no network")).unwrap();
        assert_eq!(queue.task(task).unwrap().unwrap().error.as_deref(), Some("no network"));
        let again = queue.claim(task).unwrap();
        let row = queue.task(task).unwrap().unwrap();
        assert_eq!((row.error, row.finished_at, row.attempts), (None, None, 3));
        again.finish(TaskState::Completed, None).unwrap();
        let refused = queue.claim(task).err().unwrap();
        assert!(refused.line().contains("already ended: completed") && refused.hints[0].contains("--again"));
        assert_eq!(queue.claim(TaskId(99)).err().unwrap().kind, Kind::Skipped);
    }

    #[test]
    fn a_failed_task_stays_behind_a_newer_one() {
        let queue = Bed::new().queue();
        let task = queue.add("R1", &issue(1, 1), false).unwrap().id;
        queue.claim(task).unwrap().finish(TaskState::Failed, None).unwrap();
        queue.add("R1", &issue(1, 2), false).unwrap();
        assert_eq!(queue.claim(task).err().unwrap().kind, Kind::Skipped);
    }
}
