//! A linter or type check: run over a whole tree, its findings read. An exit code alone is no finding.

use std::time::Duration;

use super::Finding;
use super::read::{Reads, read};
use crate::error::Result;
use crate::runner::session::DATA;
use crate::runner::text::{first_lines, plain, streams};
use crate::sandbox::{Cancel, Ending, Limits, Sandbox};
use crate::workspace::Tree;

/// A command that finds fault with a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linter {
    /// The tool, like `clippy`.
    pub name: String,
    /// The command, run in `dir`.
    pub command: String,
    /// The folder it is run in, relative to the root; empty for the root.
    pub dir: String,
    /// Endings of the files it looks at; empty when that is not known.
    pub(super) endings: &'static [&'static str],
    /// How its findings are written.
    pub(super) reads: Reads,
    /// What was found and where, for people.
    pub why: String,
}

/// What a linter said of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// These findings, all of them; none is good.
    Findings(Vec<Finding>),
    /// Nothing that can be read, for this cause.
    Nothing(String),
}

impl Linter {
    /// Whether a change of these paths can make it say something else.
    pub fn concerns(&self, paths: &[&str]) -> bool {
        let own = |path: &&str| self.endings.iter().any(|ending| path.ends_with(ending));
        self.endings.is_empty() || paths.iter().any(own)
    }

    /// Runs it over one tree, offline.
    pub fn run(&self, sandbox: &Sandbox, tree: &Tree, wall: Duration, cancel: &Cancel) -> Result<Said> {
        let limits = Limits { wall, head: DATA, tail: 0 };
        let mut job = tree.job(["bash", "-c", &self.command].map(str::to_owned).to_vec(), limits);
        if !self.dir.is_empty() {
            job.cwd = tree.point.join(&self.dir);
        }
        let finished = sandbox.run(&job, cancel)?;
        let (out, err) = (plain(&finished.stdout.text()), plain(&finished.stderr.text()));
        let found = read(self.reads, &out, &err, &self.dir, &tree.point);
        let said = first_lines(&streams(&finished), 3);
        Ok(match (finished.ending, found) {
            (Ending::TimedOut, _) => Said::Nothing("it was stopped at its limit".to_owned()),
            (Ending::Exited(126 | 127), _) => Said::Nothing(format!("it is not installed here ({})", first_lines(&said, 1))),
            (Ending::Exited(0), found) => Said::Findings(found.unwrap_or_default()),
            (Ending::Exited(_), Some(found)) if !found.is_empty() => Said::Findings(found),
            (_, _) => Said::Nothing(format!("it failed without a finding: {said}")),
        })
    }
}
