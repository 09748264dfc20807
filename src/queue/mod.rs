//! The SQLite file: tasks, their stages, their log, and the flaky tests of each repository. Owns all SQL and the promise that a recorded stage is not repeated.

mod add;
mod claim;
mod failure;
mod file;
mod flakes;
mod log;
mod migrate;
mod owner;
mod publication;
mod stages;
mod task;

pub use claim::Claim;
pub use file::{Clock, Queue};
pub use log::LogLine;
pub use owner::Owner;
pub use stages::StageRow;
pub use task::{Glance, Task};
