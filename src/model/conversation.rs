//! The one conversation type all codecs speak. Serialised as it is into `trajectory.jsonl`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::task::Usage;

/// Everything a request says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// The fixed instructions.
    pub system: String,
    /// What the model may call.
    pub tools: Vec<ToolSpec>,
    /// The messages, oldest first.
    pub messages: Vec<Message>,
}

/// A tool as the model sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Lower-case word.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// JSON schema of its input.
    pub schema: Value,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Loom: the task, tool results, notices.
    User,
    /// The model.
    Assistant,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub blocks: Vec<Block>,
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Block {
    /// Plain words.
    Text {
        /// The words.
        text: String,
    },
    /// The model calls a tool.
    Call {
        /// The provider's id of the call.
        id: String,
        /// The tool's name.
        name: String,
        /// The input; a string when it was no valid JSON, exactly as received.
        input: Value,
    },
    /// What a tool answered.
    Result {
        /// The id of the call it answers.
        id: String,
        /// Plain text.
        text: String,
        /// Whether the call failed.
        error: bool,
    },
    /// A block of the provider (signed thinking, encrypted reasoning), kept exactly as received and sent back as it is.
    Provider {
        /// Which codec made it; others leave it out.
        codec: String,
        /// The block.
        raw: Value,
    },
}

/// One answer of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// What it said; its role is `Assistant`.
    pub message: Message,
    /// Why it stopped.
    pub stop: Stop,
    /// What it cost.
    pub usage: Usage,
}

/// Why the model stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// It had said everything.
    End,
    /// It waits for tool results.
    Calls,
    /// The answer reached its largest size.
    Length,
    /// It refused, in these words.
    Refusal(String),
    /// Something a codec does not know.
    Other(String),
}
