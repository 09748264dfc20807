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
    /// `mvn test`.
    Maven,
    /// `gradle test`.
    Gradle,
    /// `phpunit`.
    Phpunit,
    /// `rspec`.
    Rspec,
    /// minitest, under rake or plain ruby.
    Minitest,
    /// `prove`.
    Prove,
    /// Any command that prints TAP (tape).
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

impl Suite {
    /// Whether it can run single test files at all.
    pub fn takes_files(&self) -> bool {
        match self.program {
            Program::Tap => self.command.split_whitespace().next().is_some_and(|word| word.rsplit('/').next() == Some("tape")),
            Program::Junit => false,
            _ => true,
        }
    }

    /// Whether a path lies in its folder.
    pub fn holds(&self, path: &str) -> bool {
        let dir = self.dir.trim_matches('/');
        dir.is_empty() || path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Whether a test file in its folder may be one of its own: a runner that is told of another's runs nothing at all.
    pub fn may_run(&self, path: &str) -> bool {
        self.holds(path) && (self.takes(path) || !self.takes_files())
    }

    /// Whether it can run this file by itself, as far as its name tells.
    pub fn takes(&self, path: &str) -> bool {
        let ends = |endings: &[&str]| endings.iter().any(|ending| path.ends_with(ending));
        const SCRIPTS: [&str; 8] = [".js", ".cjs", ".mjs", ".jsx", ".ts", ".cts", ".mts", ".tsx"];
        self.takes_files()
            && match self.program {
                Program::Cargo | Program::Nextest => ends(&[".rs"]),
                Program::Pytest | Program::Unittest => ends(&[".py"]),
                Program::Jest | Program::Vitest | Program::Ava | Program::Mocha | Program::NodeTest | Program::Tap => ends(&SCRIPTS),
                Program::Go => ends(&["_test.go"]),
                Program::Maven | Program::Gradle => ends(&[".java", ".kt", ".scala", ".groovy"]),
                Program::Phpunit => ends(&[".php"]),
                Program::Rspec | Program::Minitest => ends(&[".rb"]),
                Program::Prove => ends(&[".t"]),
                Program::Junit => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_runs_files_of_its_own_folder_and_language() {
        let suite = |program: Program, command: &str| Suite {
            program,
            dir: "web".into(),
            command: command.into(),
            junit: None,
            setup: Vec::new(),
            build: Vec::new(),
            why: String::new(),
        };
        let jest = suite(Program::Jest, "jest");
        assert!(jest.may_run("web/a.test.ts") && !jest.may_run("web/test_a.py") && !jest.may_run("api/a.test.ts"));
        let shell = suite(Program::Tap, "sh run.sh");
        assert!(shell.may_run("web/a.sh"), "what cannot be told of files runs them all");
    }
}
