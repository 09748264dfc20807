//! Tells the forge how a task goes, beside the work: writes to a forge are slow and kept apart by a pause, and of
//! several texts only the newest is worth writing. Owns the thread that writes; what is said is the board's.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::error::{Failure, Result};
use crate::forge::{Forge, Status};
use crate::task::IssueRef;

/// Where the news goes.
#[derive(Clone)]
pub struct Place {
    /// The forge.
    pub forge: Arc<dyn Forge>,
    /// The issue there.
    pub issue: IssueRef,
    /// What finds the comment again.
    pub marker: String,
}

/// The thread that writes, and what it has to write.
pub struct Teller {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    news: Mutex<News>,
    changed: Condvar,
}

#[derive(Default)]
struct News {
    text: Option<String>,
    status: Option<Status>,
    writing: bool,
    over: bool,
    /// Whether the forge was known to listen; before that the first failure is the last try.
    heard: bool,
    failed: Vec<Failure>,
}

impl Teller {
    /// Begins to listen.
    pub fn begin(place: Place) -> Teller {
        let shared: Arc<Shared> = Arc::default();
        let thread = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.write_on(&place))
        };
        Teller { shared, thread: Some(thread) }
    }

    /// The comment's newest text.
    pub fn say(&self, text: String) {
        let mut news = self.shared.news();
        news.text = Some(text).filter(|_| !news.over);
        self.shared.changed.notify_all();
    }

    /// The label that shall stand.
    pub fn label(&self, status: Status) {
        let mut news = self.shared.news();
        news.status = Some(status).filter(|_| !news.over);
        self.shared.changed.notify_all();
    }

    /// Waits until everything that was said so far is written; the failure when the forge would not listen.
    pub fn settle(&self) -> Result<()> {
        let idle = |news: &mut News| news.writing || news.text.is_some() || news.status.is_some();
        let mut news = self.shared.changed.wait_while(self.shared.news(), idle).unwrap_or_else(PoisonError::into_inner);
        if news.failed.is_empty() || news.heard {
            news.heard = true;
            return Ok(());
        }
        Err(news.failed.remove(0))
    }

    /// What could not be written since the last time, once the forge was known to listen.
    pub fn failures(&self) -> Vec<Failure> {
        let mut news = self.shared.news();
        if news.heard { std::mem::take(&mut news.failed) } else { Vec::new() }
    }
}

/// What is being written is written to its end; the rest is dropped, for there is something newer to say.
impl Drop for Teller {
    fn drop(&mut self) {
        self.shared.news().over = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_on(&self, place: &Place) {
        loop {
            let silent = |news: &mut News| !news.over && news.text.is_none() && news.status.is_none();
            let mut news = self.changed.wait_while(self.news(), silent).unwrap_or_else(PoisonError::into_inner);
            if news.over {
                return;
            }
            // The comment first: whoever sees the label change finds the reason.
            let text = news.text.take();
            let status = if text.is_none() { news.status.take() } else { None };
            news.writing = true;
            drop(news);
            let written = match (text, status) {
                (Some(text), _) => place.forge.comment(&place.issue, &place.marker, &text),
                (None, Some(status)) => place.forge.status(&place.issue, status),
                (None, None) => Ok(()),
            };
            let mut news = self.news();
            news.writing = false;
            if let Err(failure) = written {
                news.failed.push(failure);
                if !news.heard {
                    (news.text, news.status, news.over) = (None, None, true);
                }
            }
            drop(news);
            self.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::config::Config;
    use crate::forge::connect;
    use crate::sandbox::Cancel;

    const MARKER: &str = "<!-- loom:status episode=x -->";

    fn place(folder: &Path, outbox: &Path) -> Place {
        let file = folder.join("bug.md");
        fs::write(&file, "# It breaks\n\nBadly.\n").unwrap();
        git2::Repository::init(folder.join("repo")).unwrap();
        let (issue, repository) = (IssueRef::File(file), folder.join("repo"));
        let forge = connect(&Config::default(), None, &issue, repository.to_str(), outbox, &Cancel::default()).unwrap();
        Place { forge: forge.into(), issue, marker: MARKER.to_owned() }
    }

    #[test]
    fn the_newest_text_and_label_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = folder.path().join("outbox");
        let teller = Teller::begin(place(folder.path(), &outbox));
        for n in 0..50 {
            teller.say(format!("step {n}"));
        }
        teller.label(Status::Running);
        teller.settle().unwrap();
        assert_eq!(fs::read_to_string(outbox.join("bug.comment.md")).unwrap(), format!("{MARKER}\nstep 49\n"));
        assert_eq!(fs::read_to_string(outbox.join("bug.label.md")).unwrap(), "loom:running\n");
    }

    #[test]
    fn a_forge_that_does_not_listen_is_found_out_and_one_that_stops_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("a-file");
        fs::write(&blocked, "").unwrap();
        let teller = Teller::begin(place(folder.path(), &blocked.join("outbox")));
        teller.say("one".into());
        assert!(teller.settle().is_err());
        assert!(teller.failures().is_empty());

        let outbox = folder.path().join("outbox");
        let teller = Teller::begin(place(folder.path(), &outbox));
        teller.say("one".into());
        teller.settle().unwrap();
        fs::remove_dir_all(&outbox).unwrap();
        fs::write(&outbox, "").unwrap();
        teller.say("two".into());
        teller.settle().unwrap();
        assert_eq!(teller.failures().len(), 1);
    }
}
