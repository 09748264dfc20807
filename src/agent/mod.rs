//! Workspace and model to edits: the loop, the tools, the context. Prompts are files beside their reader.
//! Never reaches the forge, the queue or the gate; the patch is whatever the tree shows afterwards.

mod contract;

pub use contract::{Assignment, Ended, Outcome, work};
