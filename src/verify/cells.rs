//! The trees of the proof on disk and the runs in them, one after another, all mounted at one path. Each tree has its
//! own HOME and build output; only what the base tree built may be taken over by others, because the head tree's code
//! could leave something behind. What the runs mean is `compare`'s work.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Cell, CellRun, Judge};
use crate::config::{Span, TestSettings};
use crate::error::{Explain as _, Kind, OrFail as _, Result};
use crate::runner::{Report, Selection, run};
use crate::task::{Event, TreeId};
use crate::workspace::Tree;

/// Less than this is not worth starting a run for.
const LEAST: Duration = Duration::from_secs(2);

/// The trees of one proof.
pub struct Cells<'a> {
    judge: &'a Judge<'a>,
    deadline: Instant,
    trees: BTreeMap<String, (TreeId, Tree)>,
}

impl<'a> Cells<'a> {
    /// Without any tree yet; the budget runs from here.
    pub fn new(judge: &'a Judge<'a>) -> Cells<'a> {
        Cells { judge, deadline: Instant::now() + judge.config.gate.budget.duration(), trees: BTreeMap::new() }
    }

    /// Runs one suite in a cell; none when the budget is spent.
    pub fn run(&mut self, cell: Cell, id: &TreeId, suite: usize, selection: &Selection) -> Result<Option<CellRun>> {
        // A cell is asked for single tests only when it has run before.
        let label = match selection {
            Selection::Tests(_) => format!("{} again", cell.as_str()),
            Selection::All | Selection::Files(_) => cell.as_str().to_owned(),
        };
        let report = self.start(cell.as_str(), &label, id, suite, selection)?;
        Ok(report.map(|report| CellRun { cell, tree: id.clone(), report }))
    }

    /// The same in a tree of any name.
    pub fn run_in(&mut self, name: &str, id: &TreeId, suite: usize, selection: &Selection) -> Result<Option<Report>> {
        self.start(name, name, id, suite, selection)
    }

    fn start(&mut self, name: &str, label: &str, id: &TreeId, suite: usize, selection: &Selection) -> Result<Option<Report>> {
        let judge = self.judge;
        judge.cancel.check()?;
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left < LEAST {
            return Ok(None);
        }
        let tree = self.tree(name, id)?;
        let settings = limited(&judge.config.test, left);
        let suite = &judge.bench.suites[suite];
        let report = run(judge.sandbox, &tree, suite, selection, &settings, judge.cancel)
            .context(|| format!("running `{}` in the {name} tree", suite.command))?;
        let (passed, failed, skipped) = report.counts();
        judge.reporter.event(&Event::Tests { cell: label.to_owned(), passed, failed, skipped, elapsed_ms: report.elapsed_ms });
        Ok(Some(report))
    }

    /// Removes every tree but the baseline, whose build output the next proof takes over.
    pub fn discard(self) -> Result<()> {
        for (_, tree) in self.trees.into_iter().filter(|(name, _)| name != Cell::Baseline.as_str()).map(|(name, (_, tree))| (name, tree)) {
            for folder in [&tree.host, &tree.private] {
                empty(folder)?;
            }
        }
        Ok(())
    }

    fn tree(&mut self, name: &str, id: &TreeId) -> Result<Tree> {
        if let Some((made, tree)) = self.trees.get(name)
            && made == id
        {
            return Ok(tree.clone());
        }
        let judge = self.judge;
        let (host, private) = (judge.folder.join(name), judge.folder.join(format!("{name}.private")));
        // What the baseline built in this folder is kept: the base tree's own code made it.
        let baseline = judge.folder.join(format!("{}.private", Cell::Baseline.as_str()));
        empty(&host)?;
        if private != baseline {
            empty(&private)?;
        }
        judge.cache.export(id, &host).context(|| format!("writing the {name} tree"))?;
        let tree = judge.bench.cell(&host, &private)?;
        if private != baseline && baseline.is_dir() {
            let from = Tree { private: baseline, ..tree.clone() };
            judge.bench.seed(&from, &tree)?;
        } else {
            touched(&host).or_fail(Kind::Workspace, || format!("touching the files of {}", host.display()))?;
        }
        self.trees.insert(name.to_owned(), (id.clone(), tree.clone()));
        Ok(tree)
    }

    /// Which of these files a run changed in its own tree: what was tested may not be what was to be judged.
    pub fn rewritten<'p>(&self, name: &str, paths: impl IntoIterator<Item = &'p str>) -> Result<Vec<String>> {
        let Some((id, tree)) = self.trees.get(name) else { return Ok(Vec::new()) };
        let mut changed = Vec::new();
        for path in paths {
            let place = tree.host.join(path);
            let then = self.judge.cache.blob(id, path)?;
            let now = match fs::symlink_metadata(&place) {
                // Another length is another file: what a run blew up is not read.
                Ok(meta) if meta.is_file() && then.as_ref().is_none_or(|then| meta.len() != then.len() as u64) => {
                    changed.push(path.to_owned());
                    continue;
                }
                Ok(meta) if meta.is_file() => fs::read(&place).ok(),
                Ok(meta) if meta.is_symlink() => fs::read_link(&place).ok().map(|link| link.into_os_string().into_encoded_bytes()),
                _ => None,
            };
            if now != then {
                changed.push(path.to_owned());
            }
        }
        Ok(changed)
    }
}

/// The limits of one run, never past the end of the budget.
fn limited(settings: &TestSettings, left: Duration) -> TestSettings {
    let left = Span::seconds(left.as_secs().max(1));
    let mut settings = settings.clone();
    settings.timeout = settings.timeout.min(left);
    settings.build_timeout = settings.build_timeout.min(left);
    settings
}

/// Makes a folder that is empty; tests may have left folders that nobody may enter.
fn empty(folder: &Path) -> Result<()> {
    if folder.is_dir() && fs::remove_dir_all(folder).is_err() {
        open_up(folder);
        fs::remove_dir_all(folder).or_fail(Kind::Workspace, || format!("removing {}", folder.display()))?;
    }
    fs::create_dir_all(folder).or_fail(Kind::Workspace, || format!("making {}", folder.display()))
}

fn open_up(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o755));
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        open_up(&entry.path());
    }
}

/// Gives all files one new time, so that no build takes them for older than what it has.
pub(super) fn touched(folder: &Path) -> std::io::Result<()> {
    let now = std::time::SystemTime::now();
    for entry in fs::read_dir(folder)?.flatten() {
        let kind = entry.file_type()?;
        if kind.is_dir() {
            touched(&entry.path())?;
        } else if kind.is_file() {
            fs::File::open(entry.path())?.set_modified(now)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_never_outlives_the_budget() {
        let settings = limited(&TestSettings::default(), Duration::from_secs(90));
        assert_eq!((settings.timeout, settings.build_timeout), (Span::seconds(90), Span::seconds(90)));
        let settings = limited(&TestSettings::default(), Duration::from_secs(36_000));
        assert_eq!(settings.timeout, TestSettings::default().timeout);
    }

    #[test]
    fn folders_that_tests_locked_are_emptied() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let locked = home.path().join("tree/locked");
        fs::create_dir_all(&locked).unwrap();
        fs::write(locked.join("file"), "x").unwrap();
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
        empty(&home.path().join("tree")).unwrap();
        assert_eq!(fs::read_dir(home.path().join("tree")).unwrap().count(), 0);
    }
}
