//! Makes exactly one of loom's labels stand on an issue, with as few writes as that takes.

use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::super::Status;
use super::GitHub;
use super::ask::{Ask, segment};
use super::refusal::Words;
use crate::error::Result;
use crate::task::RepoName;

/// A label by name; GitHub shows it as an object, and on old issues as a plain string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LabelName(pub String);

impl<'de> Deserialize<'de> for LabelName {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<LabelName, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Shape {
            Plain(String),
            Full { name: Option<String> },
        }
        Ok(LabelName(match Shape::deserialize(input)? {
            Shape::Plain(name) => name,
            Shape::Full { name } => name.unwrap_or_default(),
        }))
    }
}

/// GitHub's labels differ by more than case.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

impl GitHub {
    /// The wanted label first, then the others away: a reader in between sees two rather than none.
    pub(super) fn set_status(&self, repo: &RepoName, number: u64, status: Status) -> Result<()> {
        let wanted = status.label(&self.settings.labels);
        let path = format!("/issues/{number}/labels");
        let standing: Vec<LabelName> = self.client.list(repo, &path, "")?;
        if !standing.iter().any(|label| same(&label.0, wanted)) {
            self.make_label(repo, status)?;
            self.client.fetch::<serde::de::IgnoredAny>(&Ask::post(repo, path.as_str(), json!({ "labels": [wanted] })))?;
        }
        for label in standing {
            let ours = Status::ALL.iter().any(|status| same(&label.0, status.label(&self.settings.labels)));
            if ours && !same(&label.0, wanted) {
                self.take_off(repo, number, &label.0)?;
            }
        }
        Ok(())
    }

    /// A label that the repository lacks gets a colour and a description.
    fn make_label(&self, repo: &RepoName, status: Status) -> Result<()> {
        let name = status.label(&self.settings.labels);
        let there: Option<LabelName> = self.client.fetch_if_there(&Ask::get(repo, format!("/labels/{}", segment(name))))?;
        if there.is_some() {
            return Ok(());
        }
        let body = json!({ "name": name, "color": status.colour(), "description": status.description() });
        let answer = self.client.ask(&Ask::post(repo, "/labels", body))?;
        // Somebody else was faster, or an earlier try got through and its answer was lost.
        if answer.good() || (answer.status == 422 && Words::of(&answer).mention("already_exists")) {
            return Ok(());
        }
        Err(self.client.refusal(&answer))
    }

    fn take_off(&self, repo: &RepoName, number: u64, label: &str) -> Result<()> {
        let answer = self.client.ask(&Ask::delete(repo, format!("/issues/{number}/labels/{}", segment(label))))?;
        // Gone already is as good as taken off.
        if answer.good() || answer.status == 404 { Ok(()) } else { Err(self.client.refusal(&answer)) }
    }
}
