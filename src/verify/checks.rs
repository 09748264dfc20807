//! What the repository's own formatter, linter and type check say of a patch, held against the base: what was there
//! before is never blamed on it, and a file is formatted only where the repository keeps its files so. Nothing here
//! changes a verdict.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::Judge;
use super::facts::some_of;
use crate::error::{Explain as _, Kind, OrFail as _, Result};
use crate::runner::{Age, Checks, Finding, Formatter, Linter, Said, age_files, checks};
use crate::task::{Event, TreeId};
use crate::workspace::{Change, Content, FileChange, Patch, Tree};

/// More files than these are not formatted one by one.
const MOST_FILES: usize = 100;
/// So many files of the base say how a new file should look.
const SAMPLE: usize = 3;
/// Less than this is not worth starting a tool for.
const LEAST: Duration = Duration::from_secs(1);

/// One tool's word on a patch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Checked {
    /// The tool.
    pub name: String,
    /// What was run.
    pub command: String,
    /// What came of it.
    pub outcome: CheckOutcome,
    /// Findings that the base has too.
    pub before: u64,
}

/// What came of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CheckOutcome {
    /// Nothing that the base has not.
    NothingNew,
    /// The formatter was applied to these files.
    Formatted(Vec<String>),
    /// The formatter would change these files, which the base keeps in its form.
    Unformatted(Vec<String>),
    /// The patch brings these findings.
    New(Vec<Finding>),
    /// It could not be run, for this cause.
    NotRun(String),
}

impl Checked {
    /// One line for people; none where there is nothing to tell.
    pub fn sentence(&self) -> String {
        let some = |files: &[String]| some_of(files.iter().map(String::as_str));
        let before = match self.before {
            0 => String::new(),
            1 => " (the base has 1 finding)".to_owned(),
            many => format!(" (the base has {many} findings)"),
        };
        match &self.outcome {
            CheckOutcome::NothingNew => format!("`{}` finds nothing new{before}", self.name),
            CheckOutcome::Formatted(files) => format!("`{}` was applied to {}", self.name, some(files)),
            CheckOutcome::Unformatted(files) => format!("`{}` would change {}, which the base keeps in its form", self.name, some(files)),
            CheckOutcome::New(new) if new.len() == 1 => format!("`{}` has 1 new finding{before}", self.name),
            CheckOutcome::New(new) => format!("`{}` has {} new findings{before}", self.name, new.len()),
            CheckOutcome::NotRun(cause) => format!("`{}` was not run: {cause}", self.name),
        }
    }

    /// What a coder must mend, line by line.
    pub fn faults(&self) -> Vec<String> {
        match &self.outcome {
            CheckOutcome::New(new) => new.iter().map(Finding::sentence).collect(),
            CheckOutcome::NothingNew | CheckOutcome::Formatted(_) | CheckOutcome::Unformatted(_) | CheckOutcome::NotRun(_) => Vec::new(),
        }
    }
}

/// A patch as the formatters want it.
#[derive(Debug, Clone, Default)]
pub struct Form {
    /// Files that look otherwise after the formatters, with their new content.
    pub changes: Vec<(String, Content)>,
    /// Each formatter that had something to say.
    pub checked: Vec<Checked>,
}

/// The checks of one patch; the base tree is exported once.
pub struct Checkup<'a> {
    judge: &'a Judge<'a>,
    patch: &'a Patch,
    checks: Checks,
    base: Tree,
    deadline: Instant,
}

impl<'a> Checkup<'a> {
    /// Finds what the repository uses; nothing has run yet.
    pub fn open(judge: &'a Judge<'a>, patch: &'a Patch) -> Result<Checkup<'a>> {
        let base = tree(judge, "checks-base", &patch.base_tree)?;
        let dirs: Vec<&str> = judge.bench.suites.iter().map(|suite| suite.dir.as_str()).collect();
        let checks = checks(&base.host, &judge.config.checks, &dirs);
        let deadline = Instant::now() + judge.config.checks.timeout.duration();
        Ok(Checkup { judge, patch, checks, base, deadline })
    }

    /// What the formatters make of the touched files. They see the base tree, whose settings the patch cannot have
    /// written.
    pub fn form(&self) -> Result<Form> {
        let mut form = Form::default();
        let mut texts = BTreeMap::new();
        for formatter in &self.checks.formatters {
            let mut other = Vec::new();
            for file in self.patch.files.iter().filter(|file| is_text(file) && formatter.takes(&file.path)).take(MOST_FILES) {
                let Some(before) = self.head_text(&texts, &file.path)? else { continue };
                if !self.kept_so(formatter, file)? {
                    continue;
                }
                if let Some(after) = self.formatted(formatter, &file.path, &before)?
                    && after != before
                {
                    other.push(file.path.clone());
                    texts.insert(file.path.clone(), (after, file.mode));
                }
            }
            if !other.is_empty() {
                form.checked.push(Checked {
                    name: formatter.name.clone(),
                    command: formatter.command.clone(),
                    outcome: CheckOutcome::Unformatted(other),
                    before: 0,
                });
            }
        }
        form.changes = texts.into_iter().map(|(path, (text, mode))| (path, Some((text.into_bytes(), mode)))).collect();
        Ok(form)
    }

    /// The same checks of another patch on this base: the one that the formatters made.
    pub fn about<'p>(&'p self, patch: &'p Patch) -> Checkup<'p> {
        Checkup { judge: self.judge, patch, checks: self.checks.clone(), base: self.base.clone(), deadline: self.deadline }
    }

    /// What the linters and type checks find that the base has not.
    pub fn lint(&self) -> Result<Vec<Checked>> {
        let touched: Vec<&str> = self.patch.files.iter().map(|file| file.path.as_str()).collect();
        let linters: Vec<&Linter> = self.checks.linters.iter().filter(|linter| linter.concerns(&touched)).collect();
        if linters.is_empty() {
            return Ok(Vec::new());
        }
        let head = tree(self.judge, "checks-head", &self.patch.head_tree)?;
        linters.into_iter().map(|linter| self.linted(linter, &head)).collect()
    }

    /// Removes the trees.
    pub fn discard(self) {
        for name in ["checks-base", "checks-head", "checks.private"] {
            // What cannot be removed now goes with the task's folder.
            let _ = fs::remove_dir_all(self.judge.folder.join(name));
        }
    }

    fn linted(&self, linter: &Linter, head: &Tree) -> Result<Checked> {
        let checked = |outcome, before| Checked { name: linter.name.clone(), command: linter.command.clone(), outcome, before };
        let found = match self.run(linter, head)? {
            Said::Nothing(cause) => return Ok(checked(CheckOutcome::NotRun(cause), 0)),
            Said::Findings(found) if found.is_empty() => return Ok(checked(CheckOutcome::NothingNew, 0)),
            Said::Findings(found) => found,
        };
        let before = match self.run(linter, &self.base)? {
            Said::Nothing(cause) => return Ok(checked(CheckOutcome::NotRun(format!("on the base, {cause}")), 0)),
            Said::Findings(before) => before,
        };
        let new = new_ones(&before, &found, &self.patch.files);
        let known = (found.len() - new.len()) as u64;
        Ok(checked(if new.is_empty() { CheckOutcome::NothingNew } else { CheckOutcome::New(new) }, known))
    }

    fn run(&self, linter: &Linter, tree: &Tree) -> Result<Said> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left < LEAST {
            return Ok(Said::Nothing(format!("checks.timeout ({}) was spent", self.judge.config.checks.timeout)));
        }
        self.judge.reporter.event(&Event::Progress { what: format!("checks: {}", linter.name) });
        // They share what they build, and a build takes files that are older than what it has for those it was made of.
        age_files(&tree.host, &Age::AllNew, SystemTime::UNIX_EPOCH)?;
        linter.run(self.judge.sandbox, tree, left, self.judge.cancel).context(|| format!("running {}", linter.name))
    }

    /// Whether the repository keeps this file, or for a new one its neighbours, as the formatter wants.
    fn kept_so(&self, formatter: &Formatter, file: &FileChange) -> Result<bool> {
        let before = match &file.change {
            Change::Renamed(from) => from.as_str(),
            _ => file.path.as_str(),
        };
        let mut sample = vec![before.to_owned()];
        if text_of(&self.base.host, before).is_none() {
            sample = neighbours(&self.base.host, &file.path, formatter);
        }
        for path in &sample {
            let Some(text) = text_of(&self.base.host, path) else { return Ok(false) };
            if self.formatted(formatter, path, &text)?.as_deref() != Some(text.as_str()) {
                return Ok(false);
            }
        }
        Ok(!sample.is_empty())
    }

    fn formatted(&self, formatter: &Formatter, path: &str, text: &str) -> Result<Option<String>> {
        if self.deadline.saturating_duration_since(Instant::now()) < LEAST {
            return Ok(None);
        }
        formatter.formatted(self.judge.sandbox, &self.base, path, text, self.judge.cancel)
    }

    fn head_text(&self, texts: &BTreeMap<String, (String, u32)>, path: &str) -> Result<Option<String>> {
        if let Some((text, _)) = texts.get(path) {
            return Ok(Some(text.clone()));
        }
        Ok(self.judge.cache.blob(&self.patch.head_tree, path)?.and_then(|bytes| String::from_utf8(bytes).ok()))
    }
}

/// A tree for tools; they share what they build, for nothing of it is proof.
fn tree(judge: &Judge<'_>, name: &str, id: &TreeId) -> Result<Tree> {
    let (host, private) = (judge.folder.join(name), judge.folder.join("checks.private"));
    if host.exists() {
        fs::remove_dir_all(&host).or_fail(Kind::Workspace, || format!("clearing {}", host.display()))?;
    }
    fs::create_dir_all(&host).or_fail(Kind::Workspace, || format!("making {}", host.display()))?;
    judge.cache.export(id, &host).context(|| format!("writing the {name} tree"))?;
    judge.bench.cell(&host, &private)
}

fn is_text(file: &FileChange) -> bool {
    !matches!(file.change, Change::Deleted) && matches!(file.mode, 0o100_644 | 0o100_755)
}

fn text_of(root: &Path, path: &str) -> Option<String> {
    let full = root.join(path);
    fs::symlink_metadata(&full).ok().filter(|meta| meta.is_file() && meta.len() < 1 << 20)?;
    fs::read_to_string(full).ok()
}

/// A few files of the base that the formatter is for, the nearest to `path` first.
fn neighbours(root: &Path, path: &str, formatter: &Formatter) -> Vec<String> {
    let mut folder = Path::new(path).parent();
    while let Some(here) = folder {
        let entries = fs::read_dir(root.join(here)).into_iter().flatten().flatten();
        let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
        let paths = files.map(|entry| here.join(entry.file_name()).to_string_lossy().into_owned());
        let mut found: Vec<String> = paths.filter(|path| formatter.takes(path)).collect();
        if !found.is_empty() {
            found.sort();
            found.truncate(SAMPLE);
            return found;
        }
        folder = here.parent();
    }
    Vec::new()
}

/// Findings of the head that the base has not, as often as it has not. Lines move with every edit, so they do not
/// count; a moved file is still the same file.
fn new_ones(base: &[Finding], head: &[Finding], files: &[FileChange]) -> Vec<Finding> {
    let moved: BTreeMap<&str, &str> = files
        .iter()
        .filter_map(|file| match &file.change {
            Change::Renamed(from) => Some((from.as_str(), file.path.as_str())),
            _ => None,
        })
        .collect();
    let key = |file: &str, one: &Finding| (file.to_owned(), one.rule.clone(), one.message.clone());
    let mut known: BTreeMap<_, u64> = BTreeMap::new();
    for one in base {
        let file = moved.get(one.file.as_str()).copied().unwrap_or(one.file.as_str());
        *known.entry(key(file, one)).or_default() += 1;
    }
    let mut is_new = |one: &Finding| match known.get_mut(&key(&one.file, one)) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    head.iter().filter(|one| is_new(one)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(file: &str, line: u64, message: &str) -> Finding {
        Finding { file: file.into(), line: Some(line), rule: "R1".into(), message: message.into() }
    }

    #[test]
    fn what_was_there_before_is_not_new_wherever_it_stands() {
        let base = [finding("a.py", 3, "unused"), finding("old.py", 1, "long")];
        let head = [finding("a.py", 9, "unused"), finding("a.py", 12, "unused"), finding("new.py", 1, "long")];
        let file = |path: &str, change| FileChange { path: path.into(), change, mode: 0o100_644, added: 1, removed: 0, binary: false };
        let files = [file("a.py", Change::Modified), file("new.py", Change::Renamed("old.py".into()))];
        assert_eq!(new_ones(&base, &head, &files), [finding("a.py", 12, "unused")]);
        assert_eq!(new_ones(&head, &base[..1], &files), []);
    }
}
