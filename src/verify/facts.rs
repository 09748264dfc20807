//! What is known of a patch when everything has run: the plain input of `ruling`. Built by `judge` from reports.

use super::red::Weak;
use super::{Flip, Proven, Question, Reason};
use crate::config::WithoutTests;
use crate::runner::{Room, TestId};

/// Everything a ruling depends on, and nothing else.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Why nothing can be known here.
    pub unknowable: Option<String>,
    /// What the patch touches.
    pub shape: Shape,
    /// No new behaviour was asked for, by the labels.
    pub no_new_behaviour: bool,
    /// What becomes of a patch in a repository without tests.
    pub without_tests: WithoutTests,
    /// Findings that the maintainers allow, by name.
    pub allow: Vec<String>,
    /// Tests of the base tree and of the head tree.
    pub tests: (u64, u64),
    /// New or changed tests that were red on base and are green on head.
    pub proven: Vec<Proven>,
    /// What the hollow run said about those that only miss a name.
    pub hollow: Hollow,
    /// New or changed tests that are green on head and prove nothing.
    pub unproven: Vec<Unproven>,
    /// New or changed tests that fail on head.
    pub failing: Vec<Broken>,
    /// Tests that passed and fail now.
    pub broken: Vec<Broken>,
    /// Tests that passed and no longer run.
    pub lost: Vec<Broken>,
    /// Accepted altered expectations.
    pub flips: Vec<Flip>,
    /// What is wrong for certain: builds that fail, tampering.
    pub reasons: Vec<Reason>,
    /// What a person must decide.
    pub questions: Vec<Question>,
    /// Tests that were red before and are green now, their text untouched.
    pub mended: Vec<TestId>,
}

/// What a patch touches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Shape {
    /// Nothing.
    #[default]
    Empty,
    /// Documentation, comments, formatting.
    Docs,
    /// Tests and what they stand on.
    TestsOnly,
    /// Source without tests.
    SourceOnly,
    /// Both.
    Both,
}

/// What the hollow run said: do the tests notice when the added functions fail?
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Hollow {
    /// There was no need for one.
    #[default]
    NotNeeded,
    /// These tests turned red: they need what the added functions do.
    Noticed(Vec<TestId>),
    /// It could not be made, for this cause.
    Unable(String),
}

/// A test that fails or is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The test.
    pub test: TestId,
    /// The decisive lines.
    pub lines: String,
}

/// A new or changed test that proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unproven {
    /// The test.
    pub test: TestId,
    /// Why not.
    pub why: Weak,
    /// The lines of its failure on base, if it failed.
    pub lines: String,
}

/// How much of one failure is kept as evidence.
pub const EVIDENCE: Room = Room { lines: LINES, bytes: BYTES };
const LINES: usize = 12;
const BYTES: usize = 1600;

/// The beginning of what was said outside of a test, capped.
pub fn decisive(said: &str) -> String {
    let mut kept = String::new();
    let lines: Vec<&str> = said.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    for line in lines.iter().take(LINES) {
        if kept.len() + line.len() > BYTES {
            let room = BYTES.saturating_sub(kept.len());
            let end = (0..=room.min(line.len())).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
            kept.push_str(&line[..end]);
            kept.push_str("...\n");
            return kept;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    if lines.len() > LINES {
        kept.push_str(&format!("... {} more lines\n", lines.len() - LINES));
    }
    kept
}

/// The first names of a list, and how many more there are.
pub fn some_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let first = names.iter().take(8).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(8) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
