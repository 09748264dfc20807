//! Why loom runs what it runs: everything that was found about the tests, where it stands, and what became of it. Data
//! for people and programs; finding it is the work of each language's file.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::Found;
use crate::config::TestSettings;
use crate::error::Result;
use crate::runner::Suite;
use crate::sandbox::Sandbox;

/// Where something about the tests was found, the most trusted first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The maintainers' settings for loom.
    Settings,
    /// A manifest or the runner's own configuration.
    Manifest,
    /// A step of the CI's workflows.
    Workflow,
    /// A Makefile, justfile, tox.ini, noxfile.py or task of another tool.
    Recipe,
    /// The test files themselves.
    Files,
}

/// Whether something found was followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Followed {
    /// It decides, or agrees with what decides.
    Chosen,
    /// Something else is trusted more, or loom cannot use it.
    SetAside,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Clue {
    /// How far it is trusted.
    pub source: Source,
    /// The file, relative to the root; empty for the settings.
    pub file: String,
    /// The line in it, from 1, where there is one to point at.
    pub line: Option<usize>,
    /// What stands there.
    pub says: String,
    /// Whether it was followed.
    pub followed: Followed,
    /// What it means, or why it was set aside.
    pub why: String,
}

/// What was found about a tree's tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Detection {
    /// The suites; empty when there are no tests.
    pub suites: Vec<Suite>,
    /// What decided, and what was set aside.
    pub clues: Vec<Clue>,
}

impl Clue {
    /// `file:line`, as far as it is known.
    pub fn place(&self) -> String {
        match (self.file.as_str(), self.line) {
            ("", _) => "settings".to_owned(),
            (file, Some(line)) => format!("{file}:{line}"),
            (file, None) => file.to_owned(),
        }
    }

    /// What became of it, in words.
    pub fn means(&self) -> String {
        match self.followed {
            Followed::Chosen => format!("chosen, {}", self.why),
            Followed::SetAside => format!("set aside, {}", self.why),
        }
    }
}

impl fmt::Display for Clue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `{}`: {}", self.place(), self.says, self.means())
    }
}

/// Finds the suites of a tree on disk, with everything that was found on the way and what became of it.
pub fn explore(root: &Path, settings: &TestSettings, sandbox: &Sandbox) -> Result<Detection> {
    let has = |program: &str| sandbox.which(program).is_some();
    let found = Found::new(root, &has);
    let suites = found.suites(settings)?;
    let mut clues = found.clues();
    // Where a language's file said nothing more, the suite's own reason is what is known.
    let unexplained: Vec<&Suite> = suites.iter().filter(|suite| !clues.iter().any(|clue| clue.why.contains(&suite.command))).collect();
    for suite in unexplained {
        let by_settings = settings.command.as_deref() == Some(&suite.command);
        let (source, file) = if by_settings { (Source::Settings, String::new()) } else { (Source::Manifest, place_of(suite)) };
        clues.push(Clue { source, file, line: None, says: suite.command.clone(), followed: Followed::Chosen, why: suite.why.clone() });
    }
    clues.sort_by_key(|clue| clue.source);
    clues.dedup();
    Ok(Detection { suites, clues })
}

/// The folder or file that a suite's reason begins with.
fn place_of(suite: &Suite) -> String {
    let first = suite.why.split([' ', ':', ';']).next().unwrap_or_default();
    if first.contains('.') {
        first.to_owned()
    } else if suite.dir.is_empty() {
        "the root".to_owned()
    } else {
        suite.dir.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clue_reads_as_a_sentence() {
        let clue = Clue {
            source: Source::Workflow,
            file: ".github/workflows/ci.yml".into(),
            line: Some(12),
            says: "tox -e py".into(),
            followed: Followed::SetAside,
            why: "pyproject.toml is trusted more".into(),
        };
        assert_eq!(clue.to_string(), ".github/workflows/ci.yml:12: `tox -e py`: set aside, pyproject.toml is trusted more");
        assert_eq!(Clue { file: String::new(), ..clue }.place(), "settings");
        assert!(Source::Manifest < Source::Workflow);
    }
}
