//! Talks to a language model: one conversation type, one codec per wire format, and the replay of a recorded run.
//! Owns retries of one request and the usage it cost. Knows nothing of tools, tasks or repositories.

mod anthropic;
mod codec;
mod connect;
mod conversation;
mod events;
mod http;
mod openai_chat;
mod problem;
mod recording;
mod remote;
mod replay;
#[cfg(test)]
mod scripted;

pub use connect::{Heard, Model, connect};
pub use conversation::{Answer, Block, Conversation, Message, Role, Stop, ToolSpec};
pub use problem::ContextTooLong;
pub use recording::{Line, Recording};
