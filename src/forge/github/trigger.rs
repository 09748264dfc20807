//! Finds who asked for the work: the last time the ready label was set. Whether that person may ask is `guard`'s rule.

use jiff::Timestamp;
use serde::Deserialize;

use super::super::Status;
use super::GitHub;
use super::issues::login;
use super::labels::{LabelName, same};
use super::people::Account;
use crate::error::Result;
use crate::task::{RepoName, Trigger};

#[derive(Deserialize)]
struct ShownEvent {
    id: u64,
    event: String,
    actor: Option<Account>,
    created_at: Timestamp,
    label: Option<LabelName>,
}

impl GitHub {
    /// The event that set the ready label last, as long as any of loom's labels stands: loom itself takes the ready
    /// label off when it begins, and the episode stays the same until a person sets it again.
    pub(super) fn trigger(&self, repo: &RepoName, number: u64, labels: &[String]) -> Result<Option<Trigger>> {
        let ours = |label: &String| Status::ALL.iter().any(|status| same(label, status.label(&self.settings.labels)));
        if !labels.iter().any(ours) {
            return Ok(None);
        }
        let path = format!("/issues/{number}/events");
        let (first, links) = self.client.page::<ShownEvent>(repo, &path, "per_page=100")?;
        // Events come oldest first, so the search goes backwards from the last page.
        let mut back = links.last.or(links.next);
        while let Some(query) = back {
            let (events, links) = self.client.page(repo, &path, &query)?;
            if let Some(found) = self.last_ready(events) {
                return Ok(Some(found));
            }
            back = links.prev.filter(|prev| is_after_first(prev));
        }
        Ok(self.last_ready(first))
    }

    fn last_ready(&self, events: Vec<ShownEvent>) -> Option<Trigger> {
        let ready = &self.settings.labels.ready;
        let set = |event: &ShownEvent| event.event == "labeled" && event.label.as_ref().is_some_and(|label| same(&label.0, ready));
        let event = events.into_iter().filter(set).max_by_key(|event| (event.created_at, event.id))?;
        Some(Trigger { actor: login(event.actor), label: ready.clone(), event: event.id, at: event.created_at })
    }
}

/// The first page was read already.
fn is_after_first(query: &str) -> bool {
    !query.split('&').any(|pair| pair == "page=1")
}
