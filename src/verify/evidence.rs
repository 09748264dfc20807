//! What a verdict rests on: the cells that were run and what each test showed.

use serde::{Deserialize, Serialize};

use super::Checked;
use crate::runner::{Report, TestId};
use crate::sandbox::Tier;
use crate::task::TreeId;

/// One of the four trees of the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Cell {
    /// Base source, base tests: what is red already.
    Baseline,
    /// Head source, base tests: nothing that passed may fail.
    Regression,
    /// Base source, head tests: at least one new or changed test must fail.
    MustFail,
    /// Head source, head tests: all must pass.
    MustPass,
}

impl Cell {
    /// The name in tables and events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Cell::Baseline => "baseline",
            Cell::Regression => "regression",
            Cell::MustFail => "must-fail",
            Cell::MustPass => "must-pass",
        }
    }
}

/// One run in one cell.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CellRun {
    /// Which tree.
    pub cell: Cell,
    /// Its files.
    pub tree: TreeId,
    /// What came out. The full output is kept beside, in `evidence/`.
    pub report: Report,
}

/// What a verdict rests on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Evidence {
    /// The runs of the cells, in the order they were made; reruns of single tests are told in `notes`.
    pub runs: Vec<CellRun>,
    /// New or changed tests that are red on the base source and green on the head source.
    pub fail_to_pass: Vec<Proven>,
    /// Tests that passed before and pass now.
    pub pass_to_pass: u64,
    /// Altered expectations, old against new.
    pub flips: Vec<Flip>,
    /// Tests that are red in the baseline too; never blamed on the patch.
    pub red_before: Vec<TestId>,
    /// Tests whose result differs from run to run; they neither block nor prove.
    pub flaky: Vec<TestId>,
    /// Files on the test side of the patch.
    pub test_files: Vec<String>,
    /// Files on the source side.
    pub source_files: Vec<String>,
    /// What was not verified, in sentences for the pull request.
    pub not_verified: Vec<String>,
    /// What held the tests back.
    pub tier: Tier,
    /// What the repository's own formatter, linter and type check say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Checked>,
    /// Tools and versions, for the record.
    pub notes: Vec<String>,
}

/// One test that proves the change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Proven {
    /// The test.
    pub test: TestId,
    /// How it was red on the base source.
    pub red: RedKind,
    /// The decisive lines of its failure there.
    pub lines: String,
}

/// How a test was red on the base source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RedKind {
    /// An assertion failed.
    Assertion,
    /// An error was raised inside the source under test.
    SourceError,
    /// It needs a name or parameter that the patch adds.
    MissingApi,
    /// It hung, twice.
    Hang,
}

/// One altered expectation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Flip {
    /// The test.
    pub test: TestId,
    /// Its old text fails on head with these lines.
    pub old: String,
    /// Its new text fails on base with these lines.
    pub new: String,
}
