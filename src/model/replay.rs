//! Plays a recorded trajectory: the answers in their order, without a provider.
//! Looks whether the run still goes as it did when it was recorded, and says so when it does not.

use std::path::Path;
use std::time::Instant;

use super::connect::{Heard, Model};
use super::{Answer, Block, Conversation, Line, Message, Recording, Role};
use crate::error::{Failure, Kind, Result};
use crate::sandbox::Cancel;

/// A recorded run.
pub(super) struct Replay {
    name: String,
    /// Each answer, and what loom said to the model before it.
    turns: Vec<(Vec<Message>, Answer)>,
}

impl Replay {
    /// Reads a trajectory, or the one in a proposal's folder.
    pub(super) fn open(path: &Path) -> Result<Replay> {
        let file = if path.is_dir() { path.join("trajectory.jsonl") } else { path.to_owned() };
        if !file.is_file() {
            return Err(Failure::new(Kind::Config, format_args!("there is no trajectory {}", file.display()))
                .hint("replay/PATH takes a trajectory.jsonl or the folder that holds one"));
        }
        let (mut turns, mut said) = (Vec::new(), Vec::new());
        for line in Recording::read(&file).map_err(|failure| failure.of_kind(Kind::Config))? {
            match line {
                Line::Message { message } => said.push(message),
                Line::Answer { answer } => turns.push((std::mem::take(&mut said), answer)),
                _ => {}
            }
        }
        if turns.is_empty() {
            return Err(Failure::new(Kind::Config, format_args!("no answer is recorded in {}", file.display())));
        }
        Ok(Replay { name: format!("replay of {}", file.display()), turns })
    }

    fn unfit(&self, why: String) -> Failure {
        Failure::new(Kind::Model, format_args!("{} does not fit this run: {why}", self.name))
            .hint("a replay needs the issue and the repository it was recorded with; choose a real model by --model for anything else")
    }
}

impl Model for Replay {
    fn name(&self) -> &str {
        &self.name
    }

    fn answer(&mut self, conversation: &Conversation, _: Instant, hear: &mut dyn FnMut(Heard<'_>), cancel: &Cancel) -> Result<Answer> {
        cancel.check()?;
        let at = conversation.messages.iter().filter(|message| message.role == Role::Assistant).count();
        let count = self.turns.len();
        let Some((said, answer)) = self.turns.get(at) else {
            return Err(self.unfit(format!("all its {count} answers are played, and the run goes on")));
        };
        if let Some(call) = newly_failed(said, conversation) {
            return Err(self.unfit(format!("the call {call} failed now and did not when it was recorded (answer {at} of {count})")));
        }
        for block in &answer.message.blocks {
            match block {
                Block::Call { name, .. } if !conversation.tools.iter().any(|tool| tool.name == *name) => {
                    return Err(self.unfit(format!("it calls {name:?}, and there is no such tool")));
                }
                Block::Text { text } => hear(Heard::Words(text)),
                _ => {}
            }
        }
        Ok(answer.clone())
    }
}

/// A call that failed in this run, and whose recorded result was good.
fn newly_failed(recorded: &[Message], conversation: &Conversation) -> Option<String> {
    let now = conversation.messages.last()?;
    let good = |id: &str| results(recorded).any(|(recorded, error)| recorded == id && !error);
    results(std::slice::from_ref(now)).find(|(id, error)| *error && good(id)).map(|(id, _)| id.to_owned())
}

fn results(messages: &[Message]) -> impl Iterator<Item = (&str, bool)> {
    messages.iter().flat_map(|message| &message.blocks).filter_map(|block| match block {
        Block::Result { id, error, .. } => Some((id.as_str(), *error)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Stop, ToolSpec};
    use crate::task::Usage;

    fn message(role: Role, block: Block) -> Message {
        Message { role, blocks: vec![block] }
    }

    fn recorded(folder: &Path) -> Replay {
        let call = Block::Call { id: "c1".into(), name: "read".into(), input: serde_json::json!({}) };
        let answer =
            |block, stop| Line::Answer { answer: Answer { message: message(Role::Assistant, block), stop, usage: Usage::default() } };
        let lines = [
            Line::Message { message: message(Role::User, Block::Text { text: "task".into() }) },
            answer(call, Stop::Calls),
            Line::Message { message: message(Role::User, result(false)) },
            answer(Block::Text { text: "done".into() }, Stop::End),
        ];
        Recording::open(&folder.join("trajectory.jsonl")).unwrap().0.append(&lines).unwrap();
        Replay::open(folder).unwrap()
    }

    fn result(error: bool) -> Block {
        Block::Result { id: "c1".into(), text: String::new(), error }
    }

    #[test]
    fn answers_come_in_order_and_then_it_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let mut replay = recorded(folder.path());
        assert!(replay.name().starts_with("replay of /"));
        let schema = serde_json::json!({});
        let tools = vec![ToolSpec { name: "read".into(), description: String::new(), schema }];
        let mut talk = Conversation { tools, ..Conversation::default() };
        let mut next = |talk: &Conversation| replay.answer(talk, Instant::now(), &mut |_| {}, &Cancel::default());
        let first = next(&talk).unwrap();
        assert_eq!(first.stop, Stop::Calls);
        talk.messages.push(first.message);
        talk.messages.push(message(Role::User, result(true)));
        assert!(next(&talk).unwrap_err().line().contains("failed now"));
        talk.messages.pop();
        talk.messages.push(message(Role::User, result(false)));
        let second = next(&talk).unwrap();
        assert_eq!(second.stop, Stop::End);
        talk.messages.push(second.message);
        assert!(next(&talk).unwrap_err().line().contains("all its 2 answers are played"));
    }

    #[test]
    fn a_call_of_an_unknown_tool_or_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let answer = recorded(folder.path()).answer(&Conversation::default(), Instant::now(), &mut |_| {}, &Cancel::default());
        assert!(answer.unwrap_err().line().contains("no such tool"));
        assert_eq!(Replay::open(&folder.path().join("absent")).err().unwrap().kind, Kind::Config);
    }
}
