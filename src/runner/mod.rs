//! The repository's own tests: detect the suite, set it up, run it, read the result of every test.
//! One file per test runner. Judging the results is `verify`'s work.

mod contract;
mod report;
mod suite;

pub use contract::{Bench, detect, prepare, run};
pub use report::{Case, Fault, FaultKind, Outcome, Report, TestId, Trouble, TroubleKind};
pub use suite::{Program, Selection, Suite};
