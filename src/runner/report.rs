//! What a run of tests said, test by test.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::TestId;
use crate::sandbox::Ending;

/// One run of a suite, or of a part of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Report {
    /// What was run, as a person would type it.
    pub command: String,
    /// Every test that was named by the run.
    pub cases: BTreeMap<TestId, Case>,
    /// What went wrong outside of tests.
    pub troubles: Vec<Trouble>,
    /// How the run ended.
    pub ending: Ending,
    /// Wall clock in milliseconds.
    pub elapsed_ms: u64,
    /// Head and tail of what was printed, for people and the model.
    pub output: String,
    /// Packages that the tree defines, by name, and the files that the run loaded them from: relative to the root, or
    /// absolute when they lie outside of it. Only where the runner can tell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub loaded: BTreeMap<String, String>,
}

/// One test of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Case {
    /// What it came to.
    pub outcome: Outcome,
    /// The file that defines it, relative to the root, where the runner says so or it can be found.
    pub file: Option<String>,
    /// Milliseconds, where the runner says so.
    pub elapsed_ms: Option<u64>,
}

/// What a test came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Ran and passed.
    Passed,
    /// Ran and failed.
    Failed(Fault),
    /// Did not run, for this reason (skipped, ignored, todo, expected failure).
    Skipped(String),
}

/// How a test failed, in the runner's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Fault {
    /// As far as the runner tells.
    pub kind: FaultKind,
    /// The assertion or error, one or a few lines.
    pub message: String,
    /// Trace and captured output, capped.
    pub trace: String,
}

/// How a test failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// An assertion of the test.
    Assertion,
    /// Any other error or panic while the test ran.
    Error,
    /// A fixture or hook, before the test's own code.
    Fixture,
    /// Over its own time limit.
    Hang,
    /// Its process died.
    Crash,
    /// It passed, and was marked to fail.
    UnexpectedPass,
}

/// Something that went wrong outside of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Trouble {
    /// What sort.
    pub kind: TroubleKind,
    /// The file or build target concerned.
    pub file: Option<String>,
    /// The decisive lines.
    pub message: String,
}

/// What sort of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum TroubleKind {
    /// The tests, or what they test, do not compile.
    Build,
    /// A test file could not be imported, parsed or collected.
    Load,
    /// The run found no test at all.
    NoTests,
    /// The runner died.
    Crash,
    /// The run was stopped at its limit.
    Timeout,
    /// The runner, or a program it needs, is missing.
    Missing,
    /// The result could not be read.
    Unreadable,
}

impl Outcome {
    /// `passed`, `failed` or `skipped`.
    pub const fn word(&self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed(_) => "failed",
            Outcome::Skipped(_) => "skipped",
        }
    }
}

impl Report {
    /// Counts of passed, failed and skipped tests.
    pub fn counts(&self) -> (u64, u64, u64) {
        self.cases.values().fold((0, 0, 0), |(passed, failed, skipped), case| match case.outcome {
            Outcome::Passed => (passed + 1, failed, skipped),
            Outcome::Failed(_) => (passed, failed + 1, skipped),
            Outcome::Skipped(_) => (passed, failed, skipped + 1),
        })
    }
}
