//! The trees of the proof on disk and the runs in them, one after another, all mounted at one path. Each tree has its
//! own HOME and build output; only what the base tree built may be taken over by others, because the head tree's code
//! could leave something behind. What the runs mean is `compare`'s work.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use super::history::Setting;
use super::renewed::{self, Stamp};
use super::{Cell, CellRun, Judge};
use crate::config::{Span, TestSettings};
use crate::error::{Explain as _, Kind, OrFail as _, Result};
use crate::runner::{Age, Bench, Conditions, Report, Selection, age_files, run_under};
use crate::task::{Event, TreeId};
use crate::workspace::{Patch, Tree};

/// Less than this is not worth starting a run for.
pub const LEAST: Duration = Duration::from_secs(2);

/// The trees of one proof.
pub struct Cells<'a> {
    judge: &'a Judge<'a>,
    deadline: Instant,
    trees: BTreeMap<String, (TreeId, Tree)>,
    /// What setup made for the head tree, where that asks for other packages.
    head: Option<Bench>,
    /// A cell with base source that stands on it all the same.
    beside: Option<Cell>,
    /// The base tree, and the only paths in which every other tree may differ from it, where that is worth knowing.
    renewed: Option<(TreeId, BTreeSet<String>)>,
}

impl<'a> Cells<'a> {
    /// Without any tree yet; the budget runs from here.
    pub fn new(judge: &'a Judge<'a>) -> Cells<'a> {
        let deadline = Instant::now() + judge.config.gate.budget.duration();
        Cells { judge, deadline, trees: BTreeMap::new(), head: None, beside: None, renewed: None }
    }

    /// For the trees of this patch.
    pub fn of(judge: &'a Judge<'a>, patch: &Patch) -> Cells<'a> {
        let renewed = renewed::paths(patch).map(|paths| (patch.base_tree.clone(), paths));
        Cells { renewed, ..Cells::new(judge) }
    }

    /// The same with another budget.
    pub fn within(judge: &'a Judge<'a>, patch: &Patch, budget: Duration) -> Cells<'a> {
        Cells { deadline: Instant::now() + budget, ..Cells::of(judge, patch) }
    }

    /// Runs one suite in a cell; none when the budget is spent.
    pub fn run(&mut self, cell: Cell, id: &TreeId, suite: usize, selection: &Selection) -> Result<Option<CellRun>> {
        let report = self.start(cell.as_str(), cell.as_str(), id, suite, selection, &Conditions::plain())?;
        Ok(report.map(|report| CellRun { cell, tree: id.clone(), report }))
    }

    /// The same once more, as a rerun wants it.
    pub fn run_again(&mut self, setting: &Setting, id: &TreeId, suite: usize, selection: &Selection) -> Result<Option<CellRun>> {
        let cell = setting.cell;
        let varied = if setting.conditions.is_plain() { String::new() } else { format!(", {}", setting.conditions.told()) };
        let label = format!("{} again{varied}", cell.as_str());
        let report = self.start(cell.as_str(), &label, id, suite, selection, &setting.conditions)?;
        Ok(report.map(|report| CellRun { cell, tree: id.clone(), report }))
    }

    /// The same with a limit of its own, for a part of a suite.
    pub fn run_within(&mut self, cell: Cell, id: &TreeId, suite: usize, files: Vec<String>, limit: Duration) -> Result<Option<Report>> {
        let deadline = self.deadline;
        self.deadline = deadline.min(Instant::now() + limit);
        let label = format!("{}, {} {}", cell.as_str(), files.len(), if files.len() == 1 { "file" } else { "files" });
        let report = self.start(cell.as_str(), &label, id, suite, &Selection::Files(files), &Conditions::plain());
        self.deadline = deadline;
        report
    }

    /// From now on head source stands on this bench, and what of `beside` is named here too.
    pub fn install(&mut self, head: Bench, beside: Option<Cell>) {
        self.head = Some(head);
        self.beside = beside;
    }

    /// The bench that a tree stands on: what the base tree asks for, or what the head tree does.
    fn bench(&self, name: &str) -> &Bench {
        let on_base = name == Cell::Baseline.as_str() || name == Cell::MustFail.as_str() && self.beside != Some(Cell::MustFail);
        self.head.as_ref().filter(|_| !on_base).unwrap_or(self.judge.bench)
    }

    /// Gives back time that was no run's.
    pub fn prolong(&mut self, time: Duration) {
        self.deadline += time;
    }

    /// What is left of the budget.
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The same in a tree of any name.
    pub fn run_in(&mut self, name: &str, id: &TreeId, suite: usize, selection: &Selection) -> Result<Option<Report>> {
        self.start(name, name, id, suite, selection, &Conditions::plain())
    }

    fn start(
        &mut self,
        name: &str,
        label: &str,
        id: &TreeId,
        suite: usize,
        selection: &Selection,
        conditions: &Conditions,
    ) -> Result<Option<Report>> {
        let judge = self.judge;
        judge.cancel.check()?;
        let left = self.left();
        if left < LEAST {
            return Ok(None);
        }
        let tree = self.tree(name, id)?;
        let settings = limited(&judge.config.test, left);
        let suite = &judge.bench.suites[suite];
        let report = run_under(conditions, judge.sandbox, &tree, suite, selection, &settings, judge.cancel)
            .context(|| format!("running `{}` in the {name} tree", suite.command))?;
        let (passed, failed, skipped) = report.counts();
        judge.reporter.event(&Event::Tests { cell: label.to_owned(), passed, failed, skipped, elapsed_ms: report.elapsed_ms });
        Ok(Some(report))
    }

    /// Removes every tree but the baseline, whose build output the next proof takes over.
    pub fn discard(self) -> Result<()> {
        for (_, tree) in self.trees.into_iter().filter(|(name, _)| name != Cell::Baseline.as_str()).map(|(name, (_, tree))| (name, tree)) {
            for folder in [&tree.host, &tree.private] {
                emptied(folder)?;
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
        emptied(&host)?;
        if private != baseline {
            emptied(&private)?;
        }
        judge.cache.export(id, &host).context(|| format!("writing the {name} tree"))?;
        let tree = self.bench(name).cell(&host, &private)?;
        let stamp = Stamp::of(judge.folder);
        if private != baseline && baseline.is_dir() {
            let from = Tree { private: baseline, ..tree.clone() };
            judge.bench.seed(&from, &tree, &self.age(&stamp))?;
        } else {
            let time = stamp.time(id).unwrap_or_else(SystemTime::now);
            age_files(&host, &Age::Since(time, BTreeSet::new()), SystemTime::UNIX_EPOCH)?;
            stamp.set(id, time)?;
        }
        self.trees.insert(name.to_owned(), (id.clone(), tree.clone()));
        Ok(tree)
    }

    /// What of a tree that differs from the base tree by the patch is newer than the baseline's build output.
    fn age(&self, stamp: &Stamp) -> Age {
        let known = self.renewed.as_ref().and_then(|(base, paths)| Some(Age::Since(stamp.time(base)?, paths.clone())));
        known.unwrap_or(Age::AllNew)
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
pub(super) fn emptied(folder: &Path) -> Result<()> {
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
        emptied(&home.path().join("tree")).unwrap();
        assert_eq!(fs::read_dir(home.path().join("tree")).unwrap().count(), 0);
    }
}
