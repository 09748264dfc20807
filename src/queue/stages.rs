//! The stages of a task: recorded before they begin and when they end, so that a retry repeats only the lost one.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use serde::Serialize;

use super::task::{named, required_time, stored, time};
use super::{Claim, Queue};
use crate::error::{Failure, Kind, Result};
use crate::task::{Stage, TaskId};

/// One stage of a task.
#[derive(Debug, Clone, Serialize)]
pub struct StageRow {
    /// Which one.
    pub stage: Stage,
    /// Round of repair it belongs to, from 0.
    pub round: u32,
    /// Which attempt at the task ran it, from 1.
    pub attempt: u32,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended well.
    pub ended_at: Option<Timestamp>,
    /// What came of it, as JSON of the pipeline; what a resumed attempt reads instead of repeating the stage.
    pub result: Option<String>,
}

impl Queue {
    /// The stages of a task, in the order they began.
    pub fn stages(&self, task: TaskId) -> Result<Vec<StageRow>> {
        let sql = "SELECT stage, round, attempt, began_at, ended_at, result FROM stages WHERE task_id = ?1 ORDER BY id";
        self.read("reading stages", |connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([task.0], |row| {
                Ok(StageRow {
                    stage: named(row, "stage", Stage::named)?,
                    round: row.get("round")?,
                    attempt: row.get("attempt")?,
                    began_at: required_time(row, "began_at")?,
                    ended_at: time(row, "ended_at")?,
                    result: row.get("result")?,
                })
            })?;
            rows.collect()
        })
    }
}

impl Claim {
    /// Records that a stage begins; what an earlier run of it left is forgotten.
    pub fn stage_began(&self, stage: Stage, round: u32) -> Result<()> {
        let now = stored(self.queue.now());
        self.record("recording that a stage begins", |transaction| {
            transaction.execute(
                "INSERT OR REPLACE INTO stages (task_id, stage, round, attempt, began_at)
                 SELECT id, ?2, ?3, attempts, ?4 FROM tasks WHERE id = ?1",
                params![self.task().0, stage.as_str(), round, now],
            )?;
            Ok(())
        })
    }

    /// Records that it ended well, and with what.
    pub fn stage_ended(&self, stage: Stage, round: u32, result: &str) -> Result<()> {
        let now = stored(self.queue.now());
        let mut began = false;
        self.record("recording that a stage ended", |transaction| {
            let sql = "UPDATE stages SET ended_at = ?4, result = ?5 WHERE task_id = ?1 AND stage = ?2 AND round = ?3";
            began = transaction.execute(sql, params![self.task().0, stage.as_str(), round, now, result])? == 1;
            Ok(())
        })?;
        if began { Ok(()) } else { Err(Failure::new(Kind::Internal, format_args!("stage {stage} of round {round} ended and never began"))) }
    }

    /// What the stage left when it ended in an earlier attempt.
    pub fn stage_result(&self, stage: Stage, round: u32) -> Result<Option<String>> {
        let sql = "SELECT result FROM stages WHERE task_id = ?1 AND stage = ?2 AND round = ?3 AND ended_at IS NOT NULL";
        self.queue.read("reading a stage", |connection| {
            let parameters = params![self.task().0, stage.as_str(), round];
            connection.prepare_cached(sql)?.query_row(parameters, |row| row.get(0)).optional()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::file::tests::{Bed, issue};

    #[test]
    fn an_ended_stage_is_there_for_the_next_attempt_and_an_unfinished_one_is_not() {
        let bed = Bed::new();
        let queue = bed.queue();
        let task = queue.add("R1", &issue(1, 1), false).unwrap().id;
        let claim = queue.claim(task).unwrap();
        claim.stage_began(Stage::Clone, 0).unwrap();
        bed.later(5);
        claim.stage_ended(Stage::Clone, 0, "{\"base\":1}").unwrap();
        claim.stage_began(Stage::Generate, 0).unwrap();
        claim.release().unwrap();
        let claim = bed.queue().claim(task).unwrap();
        assert_eq!(claim.stage_result(Stage::Clone, 0).unwrap().as_deref(), Some("{\"base\":1}"));
        assert_eq!(claim.stage_result(Stage::Generate, 0).unwrap(), None);
        assert_eq!(claim.stage_result(Stage::Clone, 1).unwrap(), None);
        claim.stage_began(Stage::Generate, 0).unwrap();
        claim.stage_began(Stage::Clone, 0).unwrap();
        assert_eq!(claim.stage_result(Stage::Clone, 0).unwrap(), None, "begun anew");
        let rows = queue.stages(task).unwrap();
        let order: Vec<_> = rows.iter().map(|row| (row.stage, row.attempt)).collect();
        assert_eq!(order, [(Stage::Generate, 2), (Stage::Clone, 2)]);
    }

    #[test]
    fn a_stage_that_never_began_cannot_end() {
        let queue = Bed::new().queue();
        let task = queue.add("R1", &issue(1, 1), false).unwrap().id;
        assert_eq!(queue.claim(task).unwrap().stage_ended(Stage::Verify, 0, "").unwrap_err().kind, Kind::Internal);
    }
}
