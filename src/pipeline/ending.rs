//! How an attempt ends: the queue, its log, the labels, the comment and the exit code say the same.

use std::path::Path;

use serde_json::json;

use super::board::Board;
use super::order::Done;
use super::stages::Run;
use super::text;
use crate::config::Span;
use crate::error::{Failure, Kind, Result};
use crate::forge::{self, Status};
use crate::proposal::Mark;
use crate::sandbox::Cancel;
use crate::task::{Event, Stage, TaskState};

/// How long an interrupted run tries to say so.
const PARTING: Span = Span::seconds(2);
const INTERRUPTED: &str = "Interrupted: nobody works on this issue now. Run again, loom goes on from the last finished stage.";

impl Run<'_> {
    /// Ends the attempt.
    pub fn close(mut self, end: Result<Done>) -> Result<Done> {
        match end {
            Ok(done) => {
                self.claim.finish(TaskState::Completed, None)?;
                self.folder.tidy();
                Ok(done)
            }
            // Whoever took it over tells the issue and the queue.
            Err(_) if !self.claim.stands() => Err(self.taken_over()),
            Err(failure) if matches!(failure.kind, Kind::Interrupted | Kind::Terminated) => {
                self.claim.release()?;
                self.tell_interruption();
                Err(failure.hint("run the same command again: it goes on from the last finished stage"))
            }
            Err(failure) => {
                let logged = self.log_failure(&failure);
                let status = if failure.kind == Kind::NoPatch { Status::NeedsInfo } else { self.ends_as };
                let failure = tell_failure(&mut self.board, failure, status, self.at, &self.means.locations.state);
                let line = self.redactor.text(&failure.line());
                let state = if failure.kind == Kind::Cancelled { TaskState::Cancelled } else { TaskState::Failed };
                let recorded = logged.and_then(|()| self.claim.finish(state, Some(&line)));
                if matches!(failure.kind, Kind::NoPatch | Kind::Rejected | Kind::Inconclusive) {
                    self.folder.tidy();
                }
                // The first failure is the one to tell; a full disk hinders both.
                Err(match recorded {
                    Ok(()) => failure,
                    Err(second) => second.hints.iter().fold(failure, |failure, hint| failure.hint(hint)),
                })
            }
        }
    }

    /// Whoever watches the issue sees that nobody works on it now. Should that fail, the next attempt tells.
    fn tell_interruption(&mut self) {
        let mut config = self.means.settings.config.clone();
        config.github.retry_budget = PARTING;
        let outbox = self.means.locations.state.join("outbox");
        let forge = self.means.secrets.forge_token().and_then(|token| {
            forge::connect(&config, token, &self.order.issue, self.order.repository.as_deref(), &outbox, &Cancel::default())
        });
        let told = forge.and_then(|forge| self.board.pause(forge.into(), INTERRUPTED));
        if let Err(failure) = told {
            let text = format!("the issue could not be told: {}", failure.line());
            self.means.reporter.event(&Event::Warning { text });
        }
    }

    fn taken_over(&self) -> Failure {
        let task = self.claim.task();
        Failure::new(Kind::Skipped, format_args!("task {task} was taken over by another process"))
            .hint(format!("nothing more was recorded here; `loom status {task}` shows who goes on"))
    }

    fn log_failure(&self, failure: &Failure) -> Result<()> {
        let hints: Vec<String> = failure.hints.iter().map(|hint| self.redactor.text(hint)).collect();
        let data = json!({ "kind": failure.kind, "exit_code": failure.kind.exit_code(), "stage": self.at, "hints": hints });
        self.claim.log("error", &self.redactor.text(&failure.line()), &data)
    }
}

/// The last word on an issue whose work failed at this stage. `here` is the folder of loom's files: a path on this
/// machine helps nobody who reads the issue.
pub fn tell_failure(board: &mut Board<'_>, failure: Failure, status: Status, stage: Stage, here: &Path) -> Failure {
    let (here, line) = (here.display().to_string(), failure.line());
    let hints = failure.hints.iter().filter(|hint| !hint.contains(&here)).map(|hint| text::sentence(hint)).collect();
    let told = board.close(status, text::headline(failure.kind).to_owned(), |progress| {
        match progress.lines.iter_mut().find(|one| one.stage == stage) {
            Some(at) if stage != Stage::Admit => at.mark = Mark::Failed,
            Some(_) => progress.lines.clear(),
            None => {}
        }
        progress.detail = text::quoted(&line);
        progress.hints = hints;
    });
    match told {
        Ok(()) => failure,
        Err(second) => failure.hint(format!("the issue could not be told either: {}", second.line())),
    }
}
