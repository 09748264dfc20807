//! STUB: signatures other rooms build on; the bodies move to files of their own.
use std::path::{Path, PathBuf};

use super::{Report, Selection, Suite};
use crate::config::TestSettings;
use crate::error::Result;
use crate::sandbox::{Cancel, Sandbox};
use crate::task::Reporter;
use crate::workspace::{Shared, Tree};

/// Finds the suites of a tree on disk; settings win over what is detected. Empty when there are no tests.
pub fn detect(_root: &Path, _settings: &TestSettings, _sandbox: &Sandbox) -> Result<Vec<Suite>> {
    todo!()
}

/// What setup made: everything needed to turn an exported tree into one whose tests run.
#[derive(Debug, Clone)]
pub struct Bench {
    /// The suites, with their commands adapted to the environment.
    pub suites: Vec<Suite>,
    /// Dependencies that all trees share to read.
    pub shared: Vec<Shared>,
    /// Variables that children need.
    pub env: std::collections::BTreeMap<String, String>,
    /// The one path at which every tree is mounted.
    pub point: PathBuf,
}

impl Bench {
    /// A tree of this bench: files at `host`, own HOME and build output below `private` (made when absent).
    pub fn tree(&self, _host: &Path, _private: &Path) -> Result<Tree> {
        todo!()
    }
}

/// Runs the suites' setup with network, once, in a pristine base tree at `host`; `folder` keeps what all trees share
/// (virtual environment, package caches, ...). A second call with the same input answers from what is there.
pub fn prepare(
    _sandbox: &Sandbox,
    _suites: Vec<Suite>,
    _host: &Path,
    _folder: &Path,
    _settings: &TestSettings,
    _reporter: &dyn Reporter,
    _cancel: &Cancel,
) -> Result<Bench> {
    todo!()
}

/// Builds and runs one suite in one tree and reads the result of every test.
/// A failing suite is a report; a failure only when nothing could be started or a stop was asked for.
pub fn run(
    _sandbox: &Sandbox,
    _tree: &Tree,
    _suite: &Suite,
    _selection: &Selection,
    _settings: &TestSettings,
    _cancel: &Cancel,
) -> Result<Report> {
    todo!()
}
