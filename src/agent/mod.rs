//! Workspace and model to edits: the loop, the tools, the context. Prompts are files beside their reader.
//! Never reaches the forge, the queue or the gate; the patch is whatever the tree shows afterwards.

mod assignment;
mod brief;
mod context;
mod limits;
mod programs;
mod repetition;
#[cfg(test)]
mod scene;
mod session;
mod tools;
mod trajectory;
mod work;

pub use assignment::{Assignment, Ended, Outcome};
pub use trajectory::last_tree;
pub use work::work;
