//! For the tests of this room: a small repository, really set up and really run.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{Bench, Outcome, Report, Selection, detect, prepare, run};
use crate::config::{SandboxSettings, TestSettings};
use crate::sandbox::{Cancel, Sandbox};
use crate::task::Silent;
use crate::workspace::Tree;

/// A repository on its bench.
pub(super) struct Trial {
    pub(super) folder: TempDir,
    pub(super) sandbox: Sandbox,
    pub(super) settings: TestSettings,
    pub(super) bench: Bench,
}

/// Writes files below `root`.
pub(super) fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

impl Trial {
    /// Detects and sets up a repository of these files.
    pub(super) fn new(files: &[(&str, &str)], settings: TestSettings) -> Trial {
        Trial::under(&SandboxSettings::default(), files, settings)
    }

    /// The same under another sandbox.
    pub(super) fn under(sandbox: &SandboxSettings, files: &[(&str, &str)], settings: TestSettings) -> Trial {
        let folder = tempfile::Builder::new().prefix("loom-trial-").tempdir().unwrap();
        let base = folder.path().join("base");
        write(&base, files);
        let sandbox = Sandbox::new(sandbox).unwrap();
        let suites = detect(&base, &settings, &sandbox).unwrap();
        assert!(!suites.is_empty(), "no suite was detected");
        let deps = folder.path().join("deps");
        let bench = prepare(&sandbox, suites, &base, &deps, &settings, &Silent, &Cancel::default()).unwrap();
        Trial { folder, sandbox, settings, bench }
    }

    /// Another tree on the same bench.
    pub(super) fn tree(&self, name: &str, files: &[(&str, &str)]) -> Tree {
        let host = self.folder.path().join(name);
        write(&host, files);
        self.bench.tree(&host, &self.folder.path().join(format!("{name}-private"))).unwrap()
    }

    /// Runs the first suite in a tree.
    pub(super) fn run(&self, tree: &Tree, selection: &Selection) -> Report {
        run(&self.sandbox, tree, &self.bench.suites[0], selection, &self.settings, &Cancel::default()).unwrap()
    }
}

/// One line per case, short: `name: passed`.
pub(super) fn lines(report: &Report) -> Vec<String> {
    let word = |outcome: &Outcome| match outcome {
        Outcome::Passed => "passed".to_owned(),
        Outcome::Failed(fault) => format!("{:?}", fault.kind),
        Outcome::Skipped(why) => format!("skipped, {why}"),
    };
    report.cases.iter().map(|(id, case)| format!("{id}: {}", word(&case.outcome))).collect()
}

pub(super) use super::fuzz::{found, never_invents_a_pass};
