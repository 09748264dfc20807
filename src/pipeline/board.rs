//! The status comment and the labels as the task moves on. A forge that cannot be told of progress is a warning;
//! that it hears of the end is the report stage's promise.

use std::sync::Arc;

use crate::error::Result;
use crate::forge::{Forge, Status};
use crate::guard::Redactor;
use crate::proposal::{Line, Mark, Progress, marker, status_comment};
use crate::task::{Event, IssueRef, Reporter, Stage};

const SHOWN: [Stage; 7] = [Stage::Admit, Stage::Clone, Stage::Setup, Stage::Generate, Stage::Verify, Stage::Publish, Stage::Report];

/// Keeps the one comment of this episode current.
pub struct Board<'a> {
    forge: Arc<dyn Forge>,
    reference: IssueRef,
    marker: String,
    redactor: Arc<Redactor>,
    reporter: &'a dyn Reporter,
    progress: Progress,
    silent: bool,
}

impl<'a> Board<'a> {
    /// A board on which nothing has begun. A silent one (dry run) shows nothing to anybody.
    pub fn new(
        forge: Arc<dyn Forge>,
        reference: IssueRef,
        episode: (&str, &str),
        redactor: Arc<Redactor>,
        reporter: &'a dyn Reporter,
    ) -> Self {
        let (repository_id, episode) = episode;
        let lines = SHOWN.map(|stage| Line { stage, mark: Mark::Open, note: String::new() }).to_vec();
        let progress = Progress { headline: "loom works on this issue.".to_owned(), lines, ..Progress::default() };
        Board { forge, reference, marker: marker(repository_id, episode), redactor, reporter, progress, silent: false }
    }

    /// From now on nothing is shown.
    pub fn silence(&mut self) {
        self.silent = true;
    }

    /// A stage begins, ends or fails; whoever watches the issue sees it.
    pub fn mark(&mut self, stage: Stage, mark: Mark, note: &str) {
        if let Some(line) = self.progress.lines.iter_mut().find(|line| line.stage == stage) {
            line.mark = mark;
            line.note = note.to_owned();
            self.show();
        }
    }

    /// Sets labels while the work goes on.
    pub fn label(&self, status: Status) {
        if !self.silent {
            self.warn(self.forge.status(&self.reference, status));
        }
    }

    /// The last word: headline, link, hints; labels first, so that a failure leaves the comment for the next attempt.
    pub fn close(&mut self, status: Status, headline: String, change: impl FnOnce(&mut Progress)) -> Result<()> {
        self.progress.headline = headline;
        change(&mut self.progress);
        if self.silent {
            return Ok(());
        }
        self.forge.status(&self.reference, status)?;
        self.forge.comment(&self.reference, &self.marker, &self.body()?)
    }

    fn show(&self) {
        if !self.silent {
            self.warn(self.body().and_then(|body| self.forge.comment(&self.reference, &self.marker, &body)));
        }
    }

    fn body(&self) -> Result<String> {
        Ok(self.redactor.text(&status_comment(&self.marker, &self.progress)?))
    }

    fn warn(&self, result: Result<()>) {
        if let Err(failure) = result {
            self.reporter.event(&Event::Warning { text: format!("the issue could not be told: {}", failure.line()) });
        }
    }
}
