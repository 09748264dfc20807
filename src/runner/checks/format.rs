//! A formatter: text in, text out, so that nothing in a tree changes but what loom writes. Which files it may touch
//! is decided by who calls it.

use std::time::Duration;

use globset::{Glob, GlobMatcher};

use crate::error::Result;
use crate::runner::words::line;
use crate::sandbox::{Cancel, Ending, Limits, Sandbox};
use crate::workspace::Tree;

/// A file larger than this is not formatted.
const LARGEST: usize = 1 << 20;
/// One file takes no longer.
const WALL: Duration = Duration::from_secs(60);

/// A command that reads a file's text and prints it as the repository wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formatter {
    /// The tool, like `rustfmt`.
    pub name: String,
    /// The command, run in `dir`; `{path}` stands for the file's path there.
    pub command: String,
    /// The folder it is run in and is for, relative to the root; empty for the root.
    pub dir: String,
    /// Globs of the files it is for, matched against the path and the name.
    pub files: Vec<String>,
    /// What was found and where, for people.
    pub why: String,
}

impl Formatter {
    /// Whether this file is its business.
    pub fn takes(&self, path: &str) -> bool {
        let Some(inner) = self.inner(path) else { return false };
        let name = inner.rsplit('/').next().unwrap_or(inner);
        let matchers = self.files.iter().filter_map(|glob| Glob::new(glob).ok()).map(|glob| glob.compile_matcher());
        matchers.into_iter().any(|glob: GlobMatcher| glob.is_match(inner) || glob.is_match(name))
    }

    /// The text after the formatter; none where it could not say (a syntax error, no such program, too large).
    pub fn formatted(&self, sandbox: &Sandbox, tree: &Tree, path: &str, text: &str, cancel: &Cancel) -> Result<Option<String>> {
        let Some(inner) = self.inner(path).filter(|_| text.len() <= LARGEST) else { return Ok(None) };
        let command = self.command.replace("{path}", &line(&[inner]));
        let limits = Limits { wall: WALL, head: LARGEST * 2, tail: 0 };
        let mut job = tree.job(["bash", "-c", &command].map(str::to_owned).to_vec(), limits);
        job.stdin = text.as_bytes().to_vec();
        if !self.dir.is_empty() {
            job.cwd = tree.point.join(&self.dir);
        }
        let finished = sandbox.run(&job, cancel)?;
        let whole = finished.ending == Ending::Exited(0) && finished.stdout.cut == 0;
        let text = whole.then(|| String::from_utf8(finished.stdout.head).ok()).flatten();
        Ok(text.filter(|after| !after.trim().is_empty() || text_is_blank(&job.stdin)))
    }

    fn inner<'p>(&self, path: &'p str) -> Option<&'p str> {
        if self.dir.is_empty() { Some(path) } else { path.strip_prefix(self.dir.as_str())?.strip_prefix('/') }
    }
}

fn text_is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TestSettings;
    use crate::runner::trial::Trial;

    fn formatter(command: &str) -> Formatter {
        Formatter { name: "f".into(), command: command.into(), dir: String::new(), files: vec!["*.rs".into()], why: String::new() }
    }

    #[test]
    fn its_files_are_told_by_glob_and_folder() {
        let mut one = formatter("cat");
        assert!(one.takes("src/a.rs") && one.takes("a.rs") && !one.takes("a.py"));
        one.dir = "core".into();
        assert!(one.takes("core/src/a.rs") && !one.takes("a.rs") && !one.takes("corerust/a.rs"));
    }

    #[test]
    fn text_goes_in_and_comes_out_and_a_failure_is_no_text() {
        let files = [("check.sh", "echo ok 1 - a\n")];
        let settings = TestSettings {
            command: Some("bash check.sh".into()),
            runner: Some("tap".into()),
            setup: Some(Vec::new()),
            ..TestSettings::default()
        };
        let trial = Trial::new(&files, settings);
        let tree = trial.tree("one", &files);
        let run = |command: &str, text: &str| {
            formatter(command).formatted(&trial.sandbox, &tree, "src/it's a.rs", text, &Cancel::default()).unwrap()
        };
        assert_eq!(run("rustfmt --edition 2021", "fn  a( ) { }").as_deref(), Some("fn a() {}\n"));
        assert_eq!(run("rustfmt --edition 2021", "fn a( {"), None);
        assert_eq!(run("no-such-program-here", "x"), None);
        assert_eq!(run("cat > /dev/null", "x"), None, "an empty answer is no format");
        assert_eq!(run("cat >/dev/null; printf %s {path}", "x").as_deref(), Some("src/it's a.rs"));
    }
}
