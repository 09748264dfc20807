//! The SQLite file: tasks, their stages, their log. Owns all SQL and the promise that a recorded stage is not repeated.

mod contract;

pub use contract::{Claim, LogLine, Queue, StageRow, Task};
