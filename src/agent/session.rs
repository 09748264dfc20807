//! One round in progress: the conversation, its record on disk, its limits and its tools.

use std::time::Instant;

use super::limits::Limits;
use super::repetition::{Circle, Repetition};
use super::tools::{Reply, Submission, Toolbox};
use super::trajectory::Past;
use super::{Assignment, Ended, Outcome, brief, context};
use crate::error::{Kind, OrFail, Result};
use crate::model::{Answer, Block, ContextTooLong, Conversation, Heard, Line, Message, Model, Recording, Role, Stop};
use crate::task::{Event, TreeId, Usage};

/// How often a model that only talks is told to go on.
const NUDGES: u32 = 2;

/// A round in progress.
pub(super) struct Session<'a> {
    assignment: &'a Assignment<'a>,
    toolbox: Toolbox<'a>,
    conversation: Conversation,
    recording: Recording,
    limits: Limits,
    repetition: Repetition,
    usage: Usage,
    turns: u32,
    /// Answers without calls, one after another.
    silent: u32,
    tree: Option<TreeId>,
    /// An answer that was recorded without what its tools said.
    unfinished: Option<Answer>,
    told_baseline: bool,
    told_limit: bool,
    turn_began: Instant,
}

/// What a trajectory leaves to do.
pub(super) enum Opened<'a> {
    /// Nothing: the round was over.
    Over(Outcome),
    /// This.
    Open(Box<Session<'a>>),
}

/// What follows an answer.
pub(super) enum Step {
    /// The next turn.
    Next,
    /// The end, as the model wants it.
    Submitted(Submission),
    /// Another end.
    Ended(Ended),
}

impl<'a> Session<'a> {
    /// Begins a round, or goes on with what the trajectory tells of it.
    pub(super) fn open(assignment: &'a Assignment<'a>, model: &str) -> Result<Opened<'a>> {
        let (mut recording, lines) = Recording::open(assignment.trajectory)?;
        let past = Past::read(lines)?;
        if let Some(outcome) = past.outcome_of(assignment.round) {
            return Ok(Opened::Over(outcome.clone()));
        }
        let toolbox = Toolbox::new(assignment);
        let (system, tools) = past.fixed.clone().unwrap_or_else(|| (brief::system(), toolbox.specs()));
        let mut lines = Vec::new();
        if past.model.is_none() {
            let loom = env!("CARGO_PKG_VERSION").to_owned();
            lines.push(Line::Header { loom, model: model.to_owned(), system: system.clone(), tools: tools.clone() });
        }
        let is_new = past.round != Some(assignment.round);
        let mut messages = past.messages.clone();
        if is_new {
            let text = brief::opening(assignment, messages.is_empty())?;
            let message = user(vec![Block::Text { text }]);
            lines.extend([Line::Round { number: assignment.round }, Line::Message { message: message.clone() }]);
            messages.push(message);
        }
        recording.append(&lines)?;
        let mut session = Session {
            assignment,
            toolbox,
            conversation: Conversation { system, tools, messages },
            recording,
            limits: Limits::new(&assignment.config.agent, past.elapsed_ms),
            repetition: Repetition::default(),
            usage: Usage::default(),
            turns: 0,
            silent: 0,
            tree: past.tree.clone(),
            unfinished: None,
            told_baseline: false,
            told_limit: false,
            turn_began: Instant::now(),
        };
        session.remember(&past, is_new);
        Ok(Opened::Open(Box::new(session)))
    }

    /// Counts what earlier attempts did.
    fn remember(&mut self, past: &Past, is_new: bool) {
        for (round, answer) in &past.answers {
            self.count(answer, 0);
            if *round != self.assignment.round {
                self.limits.new_round();
            }
        }
        let begins = if is_new { past.messages.len() } else { past.round_begins };
        let said = |messages: &[Message], prefix: &str| {
            messages
                .iter()
                .flat_map(|message| &message.blocks)
                .any(|block| matches!(block, Block::Text { text } if text.starts_with(prefix)))
        };
        self.told_baseline = said(&past.messages, brief::BASELINE);
        self.told_limit = said(&past.messages[begins..], brief::LIMIT);
        let answered_last = past.messages.last().is_some_and(|message| message.role == Role::Assistant);
        if answered_last && !is_new {
            self.unfinished = past.answers.last().map(|(_, answer)| answer.clone());
        }
    }

    /// The answer that a crash left without results.
    pub(super) fn unfinished(&mut self) -> Option<Answer> {
        self.unfinished.take()
    }

    /// The next answer, on disk before anything is done about it; or the limit that is reached.
    pub(super) fn ask(&mut self, model: &mut dyn Model) -> Result<Result<Answer, Ended>> {
        self.assignment.cancel.check()?;
        if let Some(limit) = self.limits.reached() {
            return Ok(Err(Ended::Limit(limit.to_owned())));
        }
        self.turn_began = Instant::now();
        let of = self.assignment.config.agent.max_turns;
        self.assignment.reporter.event(&Event::Turn { turn: self.limits.turns() + 1, of, usage: self.usage });
        let answer = match self.answer(model) {
            Ok(answer) => answer,
            Err(failure) if failure.kind == Kind::Budget => return Ok(Err(Ended::Limit("time".to_owned()))),
            Err(failure) => return Err(failure),
        };
        self.recording.append(&[Line::Answer { answer: answer.clone() }])?;
        self.count(&answer, context::size(&self.conversation));
        self.conversation.messages.push(answer.message.clone());
        Ok(Ok(answer))
    }

    /// Asks, with a shorter conversation when the model says it is too long.
    fn answer(&mut self, model: &mut dyn Model) -> Result<Answer> {
        if context::size(&self.conversation) > context::MOST {
            context::shorten(&mut self.conversation, context::MOST / 2, context::RECENT);
        }
        loop {
            let deadline = self.limits.deadline();
            let reporter = self.assignment.reporter;
            let mut hear = |heard: Heard<'_>| {
                if let Heard::Again(why, wait) = heard {
                    reporter.event(&Event::Warning { text: format!("asking the model again in {:.0} s: {why}", wait.as_secs_f64()) });
                }
            };
            let failure = match model.answer(&self.conversation, deadline, &mut hear, self.assignment.cancel) {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let smaller = context::size(&self.conversation) / 2;
            let too_long = failure.cause.downcast_ref::<ContextTooLong>().is_some();
            if !too_long || !context::shorten(&mut self.conversation, smaller, 2) {
                return Err(failure);
            }
            self.warn("the conversation is too long for the model: old tool results are shortened");
        }
    }

    fn count(&mut self, answer: &Answer, request_bytes: usize) {
        self.usage += answer.usage;
        self.turns += 1;
        self.limits.count(answer, request_bytes);
    }

    /// Does what an answer calls for and tells the model what came of it.
    pub(super) fn react(&mut self, answer: &Answer) -> Result<Step> {
        self.report_words(answer);
        if let Stop::Refusal(words) = &answer.stop {
            return Ok(Step::Ended(Ended::Refused(words.clone())));
        }
        let calls: Vec<(&str, &str, &serde_json::Value)> = answer.message.blocks.iter().filter_map(call_of).collect();
        if calls.is_empty() {
            return self.nudge(answer);
        }
        self.silent = 0;
        let mut blocks = Vec::new();
        let mut done: Vec<(String, String)> = Vec::new();
        let mut submission = None;
        for (id, name, input) in calls {
            let reply = match submission {
                None => self.toolbox.call(name, input, self.limits.left())?,
                Some(_) => Reply::error("not run: the work was submitted before it"),
            };
            done.push((format!("{name} {input}"), reply.text.clone()));
            blocks.push(Block::Result { id: id.to_owned(), text: reply.text, error: reply.error });
            submission = submission.or(reply.submission);
        }
        let circle = self.close_files(&done)?;
        if submission.is_none() {
            blocks.extend(self.notices(answer, &circle));
        }
        self.tell(blocks)?;
        Ok(match (submission, circle) {
            (Some(submission), _) => Step::Submitted(submission),
            (None, Some((Circle::End, _))) => Step::Ended(Ended::Limit("loop".to_owned())),
            _ => Step::Next,
        })
    }

    /// Keeps the files when a tool may have changed them; says whether the model goes in circles.
    fn close_files(&mut self, done: &[(String, String)]) -> Result<Option<(Circle, String)>> {
        if self.toolbox.take_touched() || self.tree.is_none() {
            self.tree = Some(self.assignment.workspace.snapshot()?);
        }
        let mut worst = None;
        for (call, result) in done {
            match self.repetition.note(call, result, self.tree.as_ref()) {
                Circle::None => {}
                Circle::End => return Ok(Some((Circle::End, call.clone()))),
                circle => worst = Some((circle, call.clone())),
            }
        }
        Ok(worst)
    }

    /// What the model should know beside the results.
    fn notices(&mut self, answer: &Answer, circle: &Option<(Circle, String)>) -> Vec<Block> {
        let mut notices = Vec::new();
        if answer.stop == Stop::Length {
            notices.push(brief::cut_off());
        }
        if let Some((Circle::Tell(times), call)) = circle {
            notices.push(brief::repeating(call, *times));
        }
        if !self.told_baseline
            && let Some(reports) = self.assignment.baseline.get()
        {
            self.told_baseline = true;
            notices.push(brief::baseline(reports));
        }
        if !self.told_limit
            && let Some((limit, share)) = self.limits.near()
        {
            self.told_limit = true;
            notices.push(brief::wrap_up(limit, share));
        }
        notices.into_iter().map(|text| Block::Text { text }).collect()
    }

    /// An answer without calls: told to go on, twice; then it ends.
    fn nudge(&mut self, answer: &Answer) -> Result<Step> {
        self.silent += 1;
        if self.silent > NUDGES {
            let words = words_of(answer);
            let nothing_done = self.assignment.workspace.patch()?.is_empty();
            return Ok(Step::Ended(if nothing_done && !words.is_empty() {
                Ended::GaveUp(words)
            } else {
                Ended::Limit("no calls".to_owned())
            }));
        }
        self.close_files(&[])?;
        let mut blocks = self.notices(answer, &None);
        if answer.stop != Stop::Length {
            blocks.push(Block::Text { text: brief::no_calls() });
        }
        self.tell(blocks)?;
        Ok(Step::Next)
    }

    /// Appends a message of loom and closes the turn, on disk.
    fn tell(&mut self, blocks: Vec<Block>) -> Result<()> {
        let message = user(blocks);
        let mut lines = vec![Line::Message { message: message.clone() }];
        if let Some(tree) = &self.tree {
            lines.push(Line::Turn { tree: tree.clone(), elapsed_ms: self.turn_began.elapsed().as_millis() as u64 });
        }
        self.recording.append(&lines)?;
        self.conversation.messages.push(message);
        Ok(())
    }

    /// The end, as the model wants it.
    pub(super) fn submitted(self, submission: Submission) -> Result<Outcome> {
        match submission {
            Submission::Patch { title, summary } => self.close(Ended::Submitted, title, summary),
            Submission::GiveUp { reason } => self.close(Ended::GaveUp(reason), String::new(), String::new()),
        }
    }

    /// Another end: what the files show stays.
    pub(super) fn end(self, ended: Ended) -> Result<Outcome> {
        let words = self.conversation.messages.iter().rev().find(|message| message.role == Role::Assistant).map(words_in);
        self.close(ended, String::new(), words.unwrap_or_default())
    }

    fn close(mut self, ended: Ended, title: String, summary: String) -> Result<Outcome> {
        let outcome = Outcome { ended, title, summary, turns: self.turns, usage: self.usage };
        let value = serde_json::to_value(&outcome).or_fail(Kind::Internal, || "recording the round's outcome")?;
        self.recording.append(&[Line::Ended { outcome: value }])?;
        Ok(outcome)
    }

    fn report_words(&self, answer: &Answer) {
        if let Some(line) = words_of(answer).lines().find(|line| !line.trim().is_empty()) {
            self.assignment.reporter.event(&Event::Said { text: line.trim().to_owned() });
        }
    }

    fn warn(&self, text: &str) {
        self.assignment.reporter.event(&Event::Warning { text: text.to_owned() });
    }
}

fn user(blocks: Vec<Block>) -> Message {
    Message { role: Role::User, blocks }
}

fn call_of(block: &Block) -> Option<(&str, &str, &serde_json::Value)> {
    match block {
        Block::Call { id, name, input } => Some((id, name, input)),
        _ => None,
    }
}

fn words_of(answer: &Answer) -> String {
    words_in(&answer.message)
}

fn words_in(message: &Message) -> String {
    let texts = message.blocks.iter().filter_map(|block| match block {
        Block::Text { text } => Some(text.trim()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n\n")
}
