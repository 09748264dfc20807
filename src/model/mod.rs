//! Talks to a language model: one conversation type, one codec per wire format, and the replay of a recorded run.
//! Owns retries of one request and the usage it cost. Knows nothing of tools, tasks or repositories.

mod contract;
mod conversation;

pub use contract::{Model, connect};
pub use conversation::{Answer, Block, Conversation, Message, Role, Stop, ToolSpec};
