//! The heartbeat of a task that is being worked on, and the log of what went wrong on the way. Owns the thread that
//! keeps the claim; it ends with the attempt, and a claim that was lost ends the attempt.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::error::Kind;
use crate::guard::Redactor;
use crate::queue::Claim;
use crate::sandbox::Cancel;
use crate::task::{Event, Reporter};

/// Beats until it is dropped.
pub struct Pulse {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Pulse {
    /// Extends the claim every `span`; asks for the end of the work once another process has taken the task over.
    /// A beat that fails for another reason (a busy disk) is made up for by the next.
    pub fn every(span: Duration, claim: &Arc<Claim>, cancel: &Cancel) -> Pulse {
        let (stop, stopped) = channel();
        let (claim, cancel) = (Arc::clone(claim), cancel.clone());
        let thread = thread::spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(span) {
                if claim.heartbeat().is_err() && !claim.stands() {
                    cancel.request(Kind::Skipped);
                    return;
                }
            }
        });
        Pulse { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Passes events on and keeps the warnings in the task's log.
pub struct Chronicle<'a> {
    to: &'a dyn Reporter,
    redactor: Arc<Redactor>,
    claim: OnceLock<Arc<Claim>>,
}

impl<'a> Chronicle<'a> {
    /// Passes everything on to `to`.
    pub fn new(to: &'a dyn Reporter, redactor: Arc<Redactor>) -> Chronicle<'a> {
        Chronicle { to, redactor, claim: OnceLock::new() }
    }

    /// What hides secrets in everything that is kept or leaves.
    pub fn redactor(&self) -> Arc<Redactor> {
        Arc::clone(&self.redactor)
    }

    /// From now on warnings go into this task's log too.
    pub fn keep_in(&self, claim: &Arc<Claim>) {
        let _ = self.claim.set(Arc::clone(claim));
    }
}

impl Reporter for Chronicle<'_> {
    fn event(&self, event: &Event) {
        if let (Event::Warning { text }, Some(claim)) = (event, self.claim.get()) {
            // A log that cannot be written must not end the work; the warning is still shown.
            let _ = claim.log("warn", &self.redactor.text(text), &serde_json::Value::Null);
        }
        self.to.event(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Queue;
    use crate::task::{Issue, IssueState, Silent, TaskState};

    fn issue(title: &str) -> Issue {
        Issue {
            reference: "acme/widget#1".parse().unwrap(),
            title: title.into(),
            body: String::new(),
            author: String::new(),
            state: IssueState::Open,
            labels: Vec::new(),
            comments: Vec::new(),
            trigger: None,
            url: None,
        }
    }

    #[test]
    fn a_claim_that_was_lost_ends_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let queue = Queue::open(&folder.path().join("q")).unwrap();
        let task = queue.add("R", &issue("x"), false).unwrap().id;
        let (claim, cancel) = (Arc::new(queue.claim(task).unwrap()), Cancel::default());
        let pulse = Pulse::every(Duration::from_millis(1), &claim, &cancel);
        let before = queue.task(task).unwrap().unwrap().lease_until;
        while queue.task(task).unwrap().unwrap().lease_until == before {
            thread::yield_now();
        }
        assert_eq!(cancel.requested(), None);
        let other = rusqlite::Connection::open(folder.path().join("q")).unwrap();
        other.execute("UPDATE tasks SET fence = fence + 1", []).unwrap();
        while cancel.requested().is_none() {
            thread::yield_now();
        }
        assert_eq!(cancel.requested(), Some(Kind::Skipped));
        drop(pulse);
        assert!(!claim.stands());
    }

    #[test]
    fn warnings_stay_in_the_log_without_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let queue = Queue::open(&folder.path().join("q")).unwrap();
        let task = queue.add("R", &issue("x"), false).unwrap().id;
        let claim = Arc::new(queue.claim(task).unwrap());
        let chronicle = Chronicle::new(&Silent, Arc::new(Redactor::new(&["hush-hush".into()])));
        chronicle.event(&Event::Warning { text: "before anybody listened".into() });
        chronicle.keep_in(&claim);
        chronicle.event(&Event::Warning { text: "hush-hush was short".into() });
        chronicle.event(&Event::Progress { what: "no warning".into() });
        let log: Vec<String> = queue.log(task, 9).unwrap().into_iter().map(|line| format!("{} {}", line.level, line.message)).collect();
        assert_eq!(log, ["warn [redacted] was short"]);
        claim.finish(TaskState::Failed, None).unwrap();
    }
}
