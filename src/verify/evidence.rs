//! What a verdict rests on: the cells that were run and what each test showed.

use serde::{Deserialize, Serialize};

use super::{Checked, Mutants};
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
    pub flaky: Vec<Flaky>,
    /// Files on the test side of the patch.
    pub test_files: Vec<String>,
    /// Files on the source side.
    pub source_files: Vec<String>,
    /// How much of the suites was run, where the budget was too short for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// What was not verified, in sentences for the pull request.
    pub not_verified: Vec<String>,
    /// What held the tests back.
    pub tier: Tier,
    /// What the repository's own formatter, linter and type check say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Checked>,
    /// Small faults put into the changed lines, and who noticed; none when they were not tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mutants: Option<Mutants>,
    /// Tools and versions, for the record.
    pub notes: Vec<String>,
}

/// A part of the suites, run because the budget was too short for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Part {
    /// Tests that were run with the patch.
    pub run: u64,
    /// Tests that there are, as far as is known.
    pub known: u64,
    /// Test files that were not run.
    pub files: u64,
    /// Those among them that belong to packages which the patch changes or which depend on these.
    pub reached: u64,
}

impl Part {
    /// `412 of 9,000 tests were run`.
    pub fn says(&self) -> String {
        format!("{} of {} tests were run", grouped(self.run), grouped(self.known))
    }
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
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

/// A test that neither blocks nor proves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Flaky {
    /// The test.
    pub test: TestId,
    /// The command of its suite.
    pub suite: String,
    /// Where it was seen to pass and fail.
    pub seen: FlakySeen,
    /// Under which conditions, in words.
    pub condition: String,
}

/// Where a test was seen to pass and fail under the same conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FlakySeen {
    /// On the base tree, which the patch had no hand in. Only this is noted for later proofs.
    Base,
    /// In a tree with the patch, or with its tests.
    Patch,
    /// By an earlier proof, in the base tree of its time.
    Ledger,
}

impl Flaky {
    /// Why it does not count, as the end of a sentence.
    pub fn says(&self) -> String {
        let (when, condition) = (self.condition.as_str(), !self.condition.is_empty());
        let how = if condition { format!(" ({when})") } else { String::new() };
        match self.seen {
            FlakySeen::Base => format!("passes and fails on the unchanged source{how}"),
            FlakySeen::Patch => format!("passes and fails with the patch{how}"),
            FlakySeen::Ledger => format!("passed and failed on the unchanged source in an earlier proof{how}"),
        }
    }
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Of a run that saw nothing.
    pub(in crate::verify) fn evidence() -> Evidence {
        serde_json::from_value(serde_json::json!({
            "runs": [], "fail_to_pass": [], "pass_to_pass": 0, "flips": [], "red_before": [], "flaky": [], "test_files": [],
            "source_files": [], "not_verified": [], "tier": "none", "notes": [], "checks": [],
        }))
        .unwrap()
    }

    #[test]
    fn a_part_says_how_much_it_is() {
        assert_eq!(Part { run: 412, known: 9_000, files: 3, reached: 0 }.says(), "412 of 9,000 tests were run");
        assert_eq!(Part { run: 1, known: 1_234_567, files: 3, reached: 0 }.says(), "1 of 1,234,567 tests were run");
    }
}
