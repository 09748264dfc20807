//! A suite of the repository: which runner, where, by which command, and why loom thinks so.

use serde::{Deserialize, Serialize};

use super::TestId;

/// A test runner loom can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Program {
    /// `cargo test`.
    Cargo,
    /// `cargo nextest run`.
    Nextest,
    /// `pytest`.
    Pytest,
    /// `python -m unittest`.
    Unittest,
    /// `jest`.
    Jest,
    /// `vitest`.
    Vitest,
    /// `ava`.
    Ava,
    /// `mocha`.
    Mocha,
    /// `node --test`.
    NodeTest,
    /// `go test`.
    Go,
    /// Any command that prints TAP (tape, prove).
    Tap,
    /// Any command that leaves JUnit XML.
    Junit,
}

/// One suite of the repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suite {
    /// Who reads the results.
    pub program: Program,
    /// Folder relative to the root; empty for the root.
    pub dir: String,
    /// What a person would type to run all of it, in `dir`.
    pub command: String,
    /// Glob of the JUnit files, for `Program::Junit`.
    pub junit: Option<String>,
    /// Commands that install what it needs (network, base tree, before any model-written code).
    pub setup: Vec<String>,
    /// Commands that build what it needs, in each tree, without network.
    pub build: Vec<String>,
    /// What was found and where, for people.
    pub why: String,
}

/// Which tests to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// The whole suite.
    All,
    /// What these files define (paths relative to the root).
    Files(Vec<String>),
    /// These tests.
    Tests(Vec<TestId>),
}
