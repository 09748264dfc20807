//! The log of a task: short lines with a little data. Long output lives in the proposal folder.

use jiff::Timestamp;
use rusqlite::params;
use serde::Serialize;

use super::task::{required_time, stored};
use super::{Claim, Queue};
use crate::error::Result;
use crate::task::TaskId;

/// What a log line may hold at most; past it the text is cut, the data dropped.
const LARGEST: usize = 4096;

/// One row of `task_logs`.
#[derive(Debug, Clone, Serialize)]
pub struct LogLine {
    /// Its row.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// `info`, `warn`, `error`, `debug`.
    pub level: String,
    /// One line, redacted by the writer.
    pub message: String,
    /// JSON, perhaps `null`.
    pub metadata: String,
}

impl Queue {
    /// The last `limit` lines of its log, oldest first.
    pub fn log(&self, task: TaskId, limit: usize) -> Result<Vec<LogLine>> {
        let sql = "SELECT id, at, level, message, metadata FROM task_logs WHERE task_id = ?1 ORDER BY id DESC LIMIT ?2";
        let mut lines: Vec<LogLine> = self.read("reading a log", |connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![task.0, limit.min(1_000_000) as i64], |row| {
                Ok(LogLine {
                    id: row.get("id")?,
                    at: required_time(row, "at")?,
                    level: row.get("level")?,
                    message: row.get("message")?,
                    metadata: row.get("metadata")?,
                })
            })?;
            rows.collect()
        })?;
        lines.reverse();
        Ok(lines)
    }
}

impl Claim {
    /// Adds a line to the task's log. A level that is none of the four counts as `info`.
    pub fn log(&self, level: &str, message: &str, metadata: &serde_json::Value) -> Result<()> {
        let level = if matches!(level, "debug" | "warn" | "error") { level } else { "info" };
        let message = one_line(message);
        let data = metadata.to_string();
        let data = if data.len() > LARGEST { format!("{{\"dropped_bytes\":{}}}", data.len()) } else { data };
        let now = stored(self.queue.now());
        self.record("adding to a log", |transaction| {
            transaction.execute(
                "INSERT INTO task_logs (task_id, level, message, metadata, at) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![self.task().0, level, message, data, now],
            )?;
            Ok(())
        })
    }
}

fn one_line(text: &str) -> String {
    let kept = &text[..text.floor_char_boundary(LARGEST)];
    let line: String = kept.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if kept.len() < text.len() { line + " ..." } else { line }
}

#[cfg(test)]
mod tests {
    use crate::queue::file::tests::{Bed, issue};
    use serde_json::json;

    #[test]
    fn the_end_of_the_log_reads_forward() {
        let queue = Bed::new().queue();
        let claim = queue.claim(queue.add("R1", &issue(1, 1), false).unwrap().id).unwrap();
        for number in 1..=5 {
            claim.log("info", &format!("line\n{number}"), &json!({ "n": number })).unwrap();
        }
        claim.log("shout", &"é".repeat(4000), &json!("x".repeat(5000))).unwrap();
        let lines = queue.log(claim.task(), 3).unwrap();
        let texts: Vec<&str> = lines[..2].iter().map(|line| line.message.as_str()).collect();
        assert_eq!(texts, ["line 4", "line 5"]);
        assert_eq!(lines[0].metadata, "{\"n\":4}");
        assert_eq!((lines[2].level.as_str(), lines[2].metadata.as_str()), ("info", "{\"dropped_bytes\":5002}"));
        assert!(lines[2].message.len() < 4200 && lines[2].message.ends_with("..."));
    }
}
