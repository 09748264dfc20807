//! A proof as it is published: one JSON object with the word, what it rests on, the runs and the environment. Owns the
//! shape, which `docs/evidence.schema.json` describes; what it says is `verify`'s.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::figures::{claim, count};
use crate::runner::{TestId, Trouble};
use crate::sandbox::{Ending, Tier};
use crate::task::{CommitId, Digest, TreeId};
use crate::verify::{Cell, CellRun, Checked, Flaky, Flip, Mutants, Part, Proof, Proven, Question, Reason, Ruling, Verdict};

/// The shape's number: it grows when a field changes its meaning or goes.
pub const FORMAT: u32 = 1;

/// With what a proof was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Environment {
    /// loom's version.
    pub loom: String,
    /// Operating system and processor.
    pub platform: String,
    /// git's version.
    pub git: String,
    /// The versions of the tools that ran the tests, by name, in their own words.
    pub tools: BTreeMap<String, String>,
}

/// How the branch that the change goes into has moved on since the change began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Moved {
    /// What the branch is called.
    pub branch: String,
    /// Where it stands.
    pub tip: CommitId,
    /// How many commits it has that the change does not know.
    pub commits: u64,
    /// Paths that were changed on both sides.
    pub in_common: Vec<String>,
    /// The change was merged with it in scratch, and the merge is what was judged.
    pub merged: bool,
}

impl Moved {
    /// What it means for the proof, in one sentence.
    pub fn sentence(&self) -> String {
        let Moved { branch, tip, commits, in_common, merged } = self;
        let on = format!("{branch} has moved on by {} since, to {}", count(*commits, "commit"), tip.short());
        match (merged, in_common.is_empty()) {
            (true, _) => format!("{on}; both sides touch {}, so it was judged merged with {branch}.", some(in_common)),
            (false, true) => format!("{on}; no path in common with this change."),
            (false, false) => format!("{on}; both sides touch {}, and the merge of both was not judged.", some(in_common)),
        }
    }
}

/// The first paths of a list.
fn some(paths: &[String]) -> String {
    let shown = paths.iter().take(5).map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
    match paths.len().saturating_sub(5) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What a proof is about and how it was made, beside the verdict.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// The change, where it is a commit.
    pub head: Option<CommitId>,
    /// With what.
    pub environment: Environment,
    /// Wall clock of the whole proof.
    pub elapsed_ms: u64,
    /// Set when the base branch has moved on.
    pub moved: Option<Moved>,
}

/// A proof as it is published.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Record {
    /// See [`FORMAT`].
    pub format: u32,
    /// `verified`, `review`, `rejected` or `inconclusive`.
    pub ruling: String,
    /// The same in one sentence.
    pub claim: String,
    /// What was proved; only when verified.
    pub proof: Option<Proof>,
    /// What a person must decide; only for review.
    pub questions: Vec<Question>,
    /// Why not; only when rejected.
    pub reasons: Vec<Reason>,
    /// Why nothing can be known; only when inconclusive.
    pub cause: Option<String>,
    /// The commit the change was compared with.
    pub base: CommitId,
    /// The change, where it is a commit.
    pub head: Option<CommitId>,
    /// The tree that was judged.
    pub head_tree: TreeId,
    /// New or changed tests that are red on the base source and green on the head source.
    pub fail_to_pass: Vec<Proven>,
    /// Altered expectations.
    pub flips: Vec<Flip>,
    /// How many tests passed before and pass now.
    pub pass_to_pass: u64,
    /// Tests that are red on the base too; never blamed on the change.
    pub red_before: Vec<TestId>,
    /// Tests whose result differs from run to run; they neither prove nor block.
    pub flaky: Vec<Flaky>,
    /// Files on the test side of the change.
    pub test_files: Vec<String>,
    /// Files on its source side.
    pub source_files: Vec<String>,
    /// How much of the suites was run, where the budget was too short for all.
    #[serde(default)]
    pub part: Option<Part>,
    /// Small faults put into the changed lines, and who noticed; none when they were not tried.
    #[serde(default)]
    pub mutants: Option<Mutants>,
    /// What was not shown, in sentences.
    pub not_verified: Vec<String>,
    /// What the repository's own formatter, linter and type check say; never part of the ruling.
    #[serde(default)]
    pub checks: Vec<Checked>,
    /// For the record.
    pub notes: Vec<String>,
    /// The runs, in their order.
    pub cells: Vec<Run>,
    /// Set when the base branch has moved on.
    pub moved: Option<Moved>,
    /// What held the tests back.
    pub tier: Tier,
    /// With what it was made.
    pub environment: Environment,
    /// Wall clock of the whole proof in milliseconds.
    pub elapsed_ms: u64,
}

/// One run of a cell in short. The whole of it, test by test, is one file of the proposal's `evidence/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Run {
    /// Which of the four trees.
    pub cell: Cell,
    /// Its files.
    pub tree: TreeId,
    /// What was run.
    pub command: String,
    /// How it ended.
    pub ending: Ending,
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Tests that were skipped.
    pub skipped: u64,
    /// What went wrong outside of tests.
    pub troubles: Vec<Trouble>,
    /// Wall clock in milliseconds.
    pub elapsed_ms: u64,
    /// SHA-256 over every test's name and outcome: two runs that agree have the same.
    pub results: Digest,
}

impl Record {
    /// The proof in its published shape.
    pub fn of(verdict: &Verdict, about: &Circumstances) -> Record {
        let evidence = verdict.evidence.clone();
        let (mut proof, mut questions, mut reasons, mut cause) = (None, Vec::new(), Vec::new(), None);
        match verdict.ruling.clone() {
            Ruling::Verified(kind) => proof = Some(kind),
            Ruling::Review(list) => questions = list,
            Ruling::Rejected(list) => reasons = list,
            Ruling::Inconclusive(text) => cause = Some(text),
        }
        Record {
            format: FORMAT,
            ruling: verdict.word().to_owned(),
            claim: claim(verdict),
            proof,
            questions,
            reasons,
            cause,
            base: verdict.base.clone(),
            head: about.head.clone(),
            head_tree: verdict.head_tree.clone(),
            fail_to_pass: evidence.fail_to_pass,
            flips: evidence.flips,
            pass_to_pass: evidence.pass_to_pass,
            red_before: evidence.red_before,
            flaky: evidence.flaky,
            test_files: evidence.test_files,
            source_files: evidence.source_files,
            part: evidence.part,
            mutants: evidence.mutants,
            not_verified: evidence.not_verified,
            checks: evidence.checks,
            notes: evidence.notes,
            cells: evidence.runs.iter().map(Run::of).collect(),
            moved: about.moved.clone(),
            tier: evidence.tier,
            environment: about.environment.clone(),
            elapsed_ms: about.elapsed_ms,
        }
    }
}

impl Run {
    fn of(run: &CellRun) -> Run {
        let (passed, failed, skipped) = run.report.counts();
        let words: String = run.report.cases.iter().map(|(id, case)| format!("{}\t{id}\n", case.outcome.word())).collect();
        Run {
            cell: run.cell,
            tree: run.tree.clone(),
            command: run.report.command.clone(),
            ending: run.report.ending,
            passed,
            failed,
            skipped,
            troubles: run.report.troubles.clone(),
            elapsed_ms: run.report.elapsed_ms,
            results: Digest::of_bytes(words.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both halves of what is published: the object of `loom verify --json`, and one file of `evidence/`.
    #[derive(schemars::JsonSchema)]
    #[expect(dead_code, reason = "only its shape is asked for")]
    #[schemars(title = "The evidence of loom", untagged)]
    #[schemars(description = "The result of `loom verify --json`, or one file of a proposal's `evidence/`: every test of one run.")]
    enum Published {
        Record(Box<Record>),
        Run(Box<CellRun>),
    }

    #[test]
    fn the_published_schema_is_that_of_the_code() {
        let made = serde_json::to_string_pretty(&schemars::schema_for!(Published)).unwrap() + "\n";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/evidence.schema.json");
        let there = std::fs::read_to_string(path).unwrap_or_default();
        if made != there {
            std::fs::write(path, &made).unwrap();
            panic!("docs/evidence.schema.json was not that of the code and is written anew: look at the difference");
        }
    }
}
