//! `submit`: the end as the model wants it, a patch or a reason why there is none.

use serde::Deserialize;

use super::Reply;
use crate::agent::Assignment;
use crate::error::Result;

/// How the model ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::agent) enum Submission {
    /// The tree holds the patch.
    Patch {
        /// One line.
        title: String,
        /// For the reviewer.
        summary: String,
    },
    /// There is none.
    GiveUp {
        /// Why, or the question.
        reason: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    give_up: Option<String>,
}

pub(super) fn run(desk: &Assignment<'_>, input: Input) -> Result<Reply> {
    let filled = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    if let Some(reason) = filled(input.give_up) {
        return Ok(Reply { text: "given up".to_owned(), submission: Some(Submission::GiveUp { reason }), ..Reply::default() });
    }
    let Some(title) = filled(input.title) else {
        return Ok(Reply::error("submit needs a title and a summary, or give_up with the reason"));
    };
    if desk.workspace.patch()?.is_empty() {
        return Ok(Reply::error("no file differs from the base: make the change, or call submit with give_up and the reason"));
    }
    let title = title.lines().next().unwrap_or_default().trim().to_owned();
    let summary = filled(input.summary).unwrap_or_default();
    Ok(Reply { text: "submitted".to_owned(), submission: Some(Submission::Patch { title, summary }), ..Reply::default() })
}
