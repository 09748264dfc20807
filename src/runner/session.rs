//! One run in progress: where things are inside and outside, what time is left, and the one way to start a child.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Conditions, Selection, Suite, places};
use crate::config::TestSettings;
use crate::error::{Kind, OrFail, Result};
use crate::sandbox::{Cancel, Ending, Finished, Limits, Sandbox};
use crate::workspace::Tree;

/// Bytes kept of a stream that people read.
const TALK: usize = 256 << 10;
/// Bytes kept of a stream or file that is parsed.
pub(super) const DATA: usize = 64 << 20;

/// One run of one suite in one tree.
pub(super) struct Session<'a> {
    pub(super) sandbox: &'a Sandbox,
    pub(super) tree: &'a Tree,
    pub(super) suite: &'a Suite,
    pub(super) selection: &'a Selection,
    pub(super) settings: &'a TestSettings,
    pub(super) conditions: &'a Conditions,
    pub(super) cancel: &'a Cancel,
    /// How often the run was begun again.
    pub(super) restarts: Cell<usize>,
}

/// A child to start in the suite's folder.
pub(super) struct Child {
    pub(super) argv: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    /// As the child sees it; the suite's folder when none.
    pub(super) cwd: Option<PathBuf>,
    /// Standard output is parsed, so much more of it is kept.
    pub(super) parsed: bool,
    /// It tells of the begin and the end of each test on standard output: silence for the limit of one test ends it.
    pub(super) telling: bool,
}

/// The wall clock of a part of the run that may need several children.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Deadline {
    pub(super) fn after(limit: Duration) -> Deadline {
        Deadline(Instant::now() + limit)
    }

    pub(super) fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    pub(super) fn spent(self) -> bool {
        self.left() < Duration::from_millis(50)
    }
}

impl Child {
    pub(super) fn new(argv: impl IntoIterator<Item = impl Into<String>>) -> Child {
        Child { argv: argv.into_iter().map(Into::into).collect(), env: BTreeMap::new(), cwd: None, parsed: false, telling: false }
    }

    /// A command line as a person would type it.
    pub(super) fn shell(command: &str) -> Child {
        Child::new(["bash", "-c", command])
    }

    pub(super) fn env(mut self, name: &str, value: impl Into<String>) -> Child {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn at(mut self, cwd: PathBuf) -> Child {
        self.cwd = Some(cwd);
        self
    }

    pub(super) fn parsed(mut self) -> Child {
        self.parsed = true;
        self
    }
}

/// A file outside of the tree that the runner leaves its results in.
pub(super) struct Drop {
    pub(super) host: PathBuf,
    pub(super) inside: PathBuf,
}

impl Session<'_> {
    /// The suite's folder as children see it.
    pub(super) fn dir(&self) -> PathBuf {
        if self.suite.dir.is_empty() { self.tree.point.clone() } else { self.tree.point.join(&self.suite.dir) }
    }

    /// The suite's folder on this machine.
    pub(super) fn host_dir(&self) -> PathBuf {
        self.tree.host.join(&self.suite.dir)
    }

    /// Runs one child to its end.
    pub(super) fn start(&self, child: Child, deadline: Deadline) -> Result<Finished> {
        let head = if child.parsed { DATA } else { TALK };
        let limits = Limits { wall: deadline.left().max(Duration::from_millis(1)), head, tail: TALK };
        let mut job = self.tree.job(child.argv, limits);
        job.silence = child.telling.then(|| self.settings.case_timeout.duration());
        job.cwd = child.cwd.unwrap_or_else(|| self.dir());
        job.env.extend(self.conditions.variables());
        job.env.extend(child.env);
        self.sandbox.run(&job, self.cancel)
    }

    /// A fresh name below the private folder, so that a test cannot know it beforehand.
    pub(super) fn drop(&self, extension: &str) -> Result<Drop> {
        let name = format!("{:016x}.{extension}", fastrand::u64(..));
        let host = self.private("results")?;
        Ok(Drop { host: host.join(&name), inside: self.tree.private_point().join("results").join(&name) })
    }

    /// A folder below the private one, on this machine.
    pub(super) fn private(&self, name: &str) -> Result<PathBuf> {
        places::folder(&self.tree.private, name).or_fail(Kind::Workspace, || format!("making {name} in {}", self.tree.private.display()))
    }

    /// Writes a file of loom's own where children can read it; answers with its folder as they see it.
    pub(super) fn plant(&self, name: &str, text: &str) -> Result<PathBuf> {
        let folder = self.private("loom")?;
        places::write(&folder, name, text).or_fail(Kind::Workspace, || format!("writing {name} in {}", folder.display()))?;
        Ok(self.tree.private_point().join("loom"))
    }

    /// A path that children named, relative to the root; none when it lies outside of the tree.
    pub(super) fn relative(&self, path: &str) -> Option<String> {
        let path = path.strip_prefix("file://").unwrap_or(path);
        let full = if Path::new(path).is_absolute() { PathBuf::from(path) } else { self.dir().join(path) };
        let inner = full.strip_prefix(&self.tree.point).ok()?;
        Some(normal(inner)?.to_string_lossy().into_owned())
    }

    /// The files of what was asked for, each once, as the runner must be told them; none when all was asked for.
    pub(super) fn files(&self) -> Option<Vec<String>> {
        let mut files: Vec<String> = match self.selection {
            Selection::All => return None,
            Selection::Files(files) => files.iter().map(|file| self.in_dir(file)).collect(),
            Selection::Tests(tests) => tests.iter().map(|test| self.in_dir(test.file())).collect(),
        };
        files.sort();
        files.dedup();
        Some(files)
    }

    /// A root-relative path as the runner must be told it in the suite's folder.
    pub(super) fn in_dir(&self, path: &str) -> String {
        let inner = Path::new(path).strip_prefix(&self.suite.dir).ok().map(|inner| inner.to_string_lossy().into_owned());
        inner.unwrap_or_else(|| self.tree.point.join(path).to_string_lossy().into_owned())
    }
}

impl Drop {
    /// What the runner left, at most `DATA` bytes, and removes it; empty when there is nothing.
    pub(super) fn take(&self) -> Vec<u8> {
        let real = self.host.parent().is_some_and(|folder| fs::symlink_metadata(folder).is_ok_and(|meta| meta.is_dir()));
        if !real {
            return Vec::new();
        }
        let mut bytes = Vec::new();
        if let Ok(file) = places::open(&self.host) {
            // What could be read before an error still counts; the parser notices what is missing.
            let _ = file.take(DATA as u64).read_to_end(&mut bytes);
        }
        let _ = fs::remove_file(&self.host);
        bytes
    }
}

/// The path without `.` and `..`; none when it leaves its beginning.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::Normal(name) => normal.push(name),
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir if normal.pop() => {}
            _ => return None,
        }
    }
    Some(normal)
}

/// Whether a child ran to its own end.
pub(super) fn ended_by_itself(ending: Ending) -> bool {
    matches!(ending, Ending::Exited(_))
}
