//! The status comment and the labels as the task moves on. A forge that cannot be told of progress is a warning;
//! that it can be told at all, and that it hears of the end, are promises.

use std::sync::Arc;

use super::teller::{Place, Teller};
use super::text;
use crate::error::Result;
use crate::forge::{Forge, Status};
use crate::guard::Redactor;
use crate::proposal::{Line, Mark, Progress, SHOWN, status_comment};
use crate::task::{Event, Reporter, Stage};

/// Keeps the one comment of this episode current.
pub struct Board<'a> {
    place: Place,
    redactor: Arc<Redactor>,
    reporter: &'a dyn Reporter,
    progress: Progress,
    teller: Option<Teller>,
    silent: bool,
}

impl<'a> Board<'a> {
    /// A board on which nothing has begun.
    pub fn new(place: Place, redactor: Arc<Redactor>, reporter: &'a dyn Reporter) -> Self {
        let lines = SHOWN.map(|stage| Line { stage, mark: Mark::Open, note: String::new() }).to_vec();
        let progress = Progress { headline: "loom works on this issue.".to_owned(), lines, ..Progress::default() };
        Board { place, redactor, reporter, progress, teller: None, silent: false }
    }

    /// From now on nothing is shown to anybody.
    pub fn silence(&mut self) {
        self.silent = true;
        self.teller = None;
    }

    /// A stage begins, ends or fails; whoever watches the issue sees it soon.
    pub fn mark(&mut self, stage: Stage, mark: Mark, note: &str) {
        let Some(line) = self.progress.lines.iter_mut().find(|line| line.stage == stage) else { return };
        line.mark = mark;
        line.note = text::for_the_issue(stage, note);
        if self.silent {
            return;
        }
        match self.body() {
            Ok(body) => self.teller().say(body),
            Err(failure) => self.reporter.event(&Event::Warning { text: failure.line() }),
        }
        let missed = self.teller.as_ref().map(Teller::failures).unwrap_or_default();
        for failure in missed {
            self.reporter.event(&Event::Warning { text: format!("the issue could not be told: {}", failure.line()) });
        }
    }

    /// Sets labels while the work goes on.
    pub fn label(&mut self, status: Status) {
        if !self.silent {
            self.teller().label(status);
        }
    }

    /// Waits until the issue was told what has been said so far; the failure when it cannot be told.
    pub fn settle(&self) -> Result<()> {
        self.teller.as_ref().map_or(Ok(()), Teller::settle)
    }

    /// Nobody works on it for now, says this forge: the run's own one has stopped with it.
    pub fn pause(&mut self, forge: Arc<dyn Forge>, headline: &str) -> Result<()> {
        self.teller = None;
        if self.silent {
            return Ok(());
        }
        self.place.forge = forge;
        self.progress.headline = headline.to_owned();
        self.place.forge.comment(&self.place.issue, &self.place.marker, &self.body()?)
    }

    /// The last word: headline, link, hints. Whichever of label and comment can be written is.
    pub fn close(&mut self, status: Status, headline: String, change: impl FnOnce(&mut Progress)) -> Result<()> {
        self.teller = None;
        self.progress.headline = headline;
        change(&mut self.progress);
        if self.silent {
            return Ok(());
        }
        let labelled = self.place.forge.status(&self.place.issue, status);
        self.place.forge.comment(&self.place.issue, &self.place.marker, &self.body()?)?;
        labelled
    }

    /// A pull request that was there already. A comment that tells of it says more than can be known here, and stays.
    pub fn stands(&mut self, page: &str) -> Result<()> {
        let place = &self.place;
        let told = if self.silent { None } else { place.forge.read_comment(&place.issue, &place.marker)? };
        if told.is_some_and(|text| text.lines().any(|line| line.trim() == page)) {
            return place.forge.status(&place.issue, Status::Completed);
        }
        self.close(Status::Completed, "A draft pull request stands for this issue.".to_owned(), |progress| {
            progress.lines.clear();
            progress.pull_request = Some(page.to_owned());
        })
    }

    fn teller(&mut self) -> &Teller {
        let place = &self.place;
        self.teller.get_or_insert_with(|| Teller::begin(place.clone()))
    }

    fn body(&self) -> Result<String> {
        Ok(self.redactor.text(&status_comment(&self.place.marker, &self.progress)?))
    }
}
