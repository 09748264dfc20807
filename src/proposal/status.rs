//! The one status comment on the issue: a checklist of stages that fills in. Owns its text and its hidden marker.

use serde::Serialize;
use serde_json::json;

use super::template::render;
use crate::error::Result;
use crate::task::{Digest, Stage};

const TEMPLATE: &str = include_str!("status_comment.md.j2");

/// What a person sees of the task's progress.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Progress {
    /// One line on top: what stands now.
    pub headline: String,
    /// The stages of this run, in order.
    pub lines: Vec<Line>,
    /// The pull request's page, once there is one.
    pub pull_request: Option<String>,
    /// What to do next, when it failed.
    pub hints: Vec<String>,
    /// Longer text below the list, Markdown (reasons of a rejection).
    pub detail: String,
}

/// The stages that people outside follow, in order.
pub const SHOWN: [Stage; 6] = [Stage::Admit, Stage::Clone, Stage::Setup, Stage::Generate, Stage::Verify, Stage::Publish];

/// What a stage is about, for people who do not know loom.
const fn about(stage: Stage) -> &'static str {
    match stage {
        Stage::Admit => "Issue",
        Stage::Clone => "Repository",
        Stage::Setup => "Test setup",
        Stage::Generate => "Patch",
        Stage::Checks => "Format and lint",
        Stage::Verify => "Proof",
        Stage::Review => "Second look",
        Stage::Publish => "Pull request",
        Stage::Report => "Report",
    }
}

/// One stage in the checklist.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// Which stage.
    pub stage: Stage,
    /// How it stands.
    pub mark: Mark,
    /// What came of it, in one line.
    pub note: String,
}

/// How a stage stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// Not begun.
    Open,
    /// Going on.
    Running,
    /// Ended well.
    Done,
    /// Ended the task.
    Failed,
}

/// The one name of an episode outside of the queue: in the branch, the commit's trailer and the comment's marker.
pub fn episode_name(repository_id: &str, episode: &str) -> String {
    Digest::of_bytes(format!("{repository_id}\n{episode}").as_bytes()).short().to_owned()
}

/// The hidden marker of the episode's comment, by which it is found again.
pub fn marker(repository_id: &str, episode: &str) -> String {
    format!("<!-- loom:status episode={} -->", episode_name(repository_id, episode))
}

/// The comment's text, its marker in the first line.
pub fn status_comment(marker: &str, progress: &Progress) -> Result<String> {
    let lines: Vec<_> =
        progress.lines.iter().map(|line| json!({"about": about(line.stage), "mark": line.mark, "note": line.note})).collect();
    render("the status comment", TEMPLATE, &json!({"marker": marker, "progress": progress, "lines": lines}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checklist_fills_in() {
        let line = |stage, mark, note: &str| Line { stage, mark, note: note.into() };
        let progress = Progress {
            headline: "Working on it.".into(),
            lines: vec![
                line(Stage::Admit, Mark::Done, "label set by maya"),
                line(Stage::Clone, Mark::Running, ""),
                line(Stage::Setup, Mark::Open, ""),
            ],
            ..Progress::default()
        };
        insta::assert_snapshot!(status_comment(&marker("1", "event-7"), &progress).unwrap(), @r"
        <!-- loom:status episode=a1c7e3efe2 -->
        Working on it.

        - [x] Issue: label set by maya
        - [ ] **Repository**
        - [ ] Test setup
        ");
    }
}
