//! The repository's own tests: detect the suite, set it up, run it, read the result of every test.
//! One file per test runner. Judging the results is `verify`'s work.
//!
//! A test that is not there, in a tree that lacks it, is *absent* from `Report::cases`; it is never reported as skipped
//! or failed. Where its file or target could not be built or loaded, a `Trouble` of kind `Build` or `Load` names that
//! file, so that "absent because not written" and "absent because broken" stay apart.

mod ava;
mod bench;
mod canary;
mod cargo;
mod checks;
mod conditions;
mod decisive;
mod detect;
mod findings;
mod frames;
mod go;
mod id;
mod jest;
mod jest_json;
mod joined;
mod junit;
mod jvm;
mod libtest;
mod minitest;
mod mocha;
mod nextest;
mod node_test;
mod one_by_one;
mod phpunit;
mod places;
mod prove;
mod pytest;
mod report;
mod restarts;
mod rspec;
mod ruby;
mod run;
mod seed;
mod session;
mod setup;
mod suite;
mod tap;
mod text;
mod told;
mod unittest;
mod versions;
mod vitest;
mod words;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod trial;

pub use bench::Bench;
pub use cargo::narrowed;
pub use checks::{Checks, Finding, Formatter, Linter, Said, checks};
pub use conditions::{Condition, Conditions};
pub use decisive::Room;
pub use detect::{Clue, Detection, Followed, Source, detect, explore};
pub use id::TestId;
#[cfg(test)]
pub use junit::read as read_junit;
pub use report::{Case, Fault, FaultKind, Outcome, Report, Trouble, TroubleKind};
pub use run::{run, run_under};
pub use seed::{Age, age_files};
pub use setup::{Anew, Reach, fingerprint, is_manifest, prepare, prepare_again, reach};
pub use suite::{Program, Selection, Suite};
pub use versions::versions;
