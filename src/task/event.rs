//! What rooms tell about their progress: the contract between work and screen.
//! Rooms emit events and never print; `cli` draws them, `queue` keeps them as the task's log.

use serde::Serialize;

use super::{Stage, TaskId, Usage};

/// One thing that happened. Texts are short, single lines, and not yet redacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A task was taken up.
    Started {
        /// Its row.
        task: TaskId,
        /// `owner/repo#12` or a file.
        issue: String,
        /// The issue's title.
        title: String,
        /// `provider/model`, or `replay of PATH`.
        model: String,
    },
    /// A stage begins.
    StageBegan {
        /// Which one.
        stage: Stage,
    },
    /// A stage ended well.
    StageEnded {
        /// Which one.
        stage: Stage,
        /// Milliseconds.
        elapsed_ms: u64,
        /// One line: what came of it.
        outcome: String,
        /// True when an earlier attempt had already done it.
        resumed: bool,
    },
    /// The agent begins a turn.
    Turn {
        /// From 1.
        turn: u32,
        /// The limit.
        of: u32,
        /// All that was used so far.
        usage: Usage,
    },
    /// The agent uses a tool.
    Tool {
        /// The tool's name.
        name: String,
        /// One line, like `src/lib.rs 10-40`.
        about: String,
    },
    /// The model said something in plain words.
    Said {
        /// The first line of it.
        text: String,
    },
    /// A run of tests ended.
    Tests {
        /// `baseline`, `must-pass`, ... or `agent`.
        cell: String,
        /// Passed tests.
        passed: u64,
        /// Failed tests.
        failed: u64,
        /// Skipped tests.
        skipped: u64,
        /// Milliseconds.
        elapsed_ms: u64,
    },
    /// Something in the repository says how it is tested.
    Clue {
        /// `package.json:12`, or `settings`.
        place: String,
        /// What stands there.
        says: String,
        /// Whether it was chosen or set aside, and why.
        means: String,
    },
    /// A longer piece of work inside a stage moves on.
    Progress {
        /// One line.
        what: String,
    },
    /// Something a person should know; work goes on.
    Warning {
        /// One line.
        text: String,
    },
}

/// Whoever wants to know. Called from several threads; must not block for long.
pub trait Reporter: Send + Sync {
    /// Takes note of one event.
    fn event(&self, event: &Event);
}

/// A reporter nobody listens to.
pub struct Silent;

impl Reporter for Silent {
    fn event(&self, _event: &Event) {}
}
