//! Reads a trajectory back into a session: what was said, what it cost, where the files stood.

use std::path::Path;

use super::Outcome;
use crate::error::{Kind, OrFail, Result};
use crate::model::{Answer, Line, Message, Recording};
use crate::task::TreeId;

/// The tree that a trajectory's last whole turn left; none when there is none. The caller sets the workspace to it before
/// the work goes on.
pub fn last_tree(trajectory: &Path) -> Result<Option<TreeId>> {
    let lines = Recording::read(trajectory)?;
    Ok(lines.into_iter().rev().find_map(|line| match line {
        Line::Turn { tree, .. } => Some(tree),
        _ => None,
    }))
}

/// What a trajectory tells.
#[derive(Default)]
pub(super) struct Past {
    /// Who answered, by the header; none in an empty file.
    pub(super) model: Option<String>,
    /// The header's instructions and tools: the conversation goes on under the same.
    pub(super) fixed: Option<(String, Vec<crate::model::ToolSpec>)>,
    /// All messages.
    pub(super) messages: Vec<Message>,
    /// All answers, and the round each belongs to.
    pub(super) answers: Vec<(u32, Answer)>,
    /// The round that was begun last.
    pub(super) round: Option<u32>,
    /// How each round ended.
    pub(super) ended: Vec<(u32, Outcome)>,
    /// Milliseconds of all turns.
    pub(super) elapsed_ms: u64,
    /// The files after the last turn.
    pub(super) tree: Option<TreeId>,
    /// Where the messages of the last round begin.
    pub(super) round_begins: usize,
}

impl Past {
    /// From the lines of a file.
    pub(super) fn read(lines: Vec<Line>) -> Result<Past> {
        let mut past = Past::default();
        for line in lines {
            match line {
                Line::Header { model, system, tools, .. } => {
                    past.model = Some(model);
                    past.fixed = Some((system, tools));
                }
                Line::Round { number } => {
                    past.round = Some(number);
                    past.round_begins = past.messages.len();
                }
                Line::Message { message } => past.messages.push(message),
                Line::Answer { answer } => {
                    past.messages.push(answer.message.clone());
                    past.answers.push((past.round.unwrap_or(0), answer));
                }
                Line::Turn { tree, elapsed_ms } => {
                    past.elapsed_ms += elapsed_ms;
                    past.tree = Some(tree);
                }
                Line::Ended { outcome } => {
                    let outcome =
                        serde_json::from_value(outcome).or_fail(Kind::Workspace, || "reading a round's outcome from the trajectory")?;
                    past.ended.push((past.round.unwrap_or(0), outcome));
                }
            }
        }
        Ok(past)
    }

    /// The outcome of a round that is over.
    pub(super) fn outcome_of(&self, round: u32) -> Option<&Outcome> {
        self.ended.iter().find(|(ended, _)| *ended == round).map(|(_, outcome)| outcome)
    }
}
