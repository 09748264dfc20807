//! Changed dependencies: what the head tree asks for beside the base tree's is fetched for it, from the registries, with
//! nothing of the patch or of the packages being run. Cells with head source use it, those with base source do not.

use std::fs;
use std::time::Instant;

use super::Trial;
use crate::error::{Kind, OrFail as _, Result};
use crate::runner::{Anew, Suite, detect, prepare_again};
use crate::task::{Event, TreeId};
use crate::verify::Cell;
use crate::verify::cells::emptied;
use crate::verify::dependencies;
use crate::verify::facts::some_of;
use crate::workspace::Content;

impl Trial<'_> {
    /// Sets up again for head where the patch changes what is installed; the cause in the facts when that cannot be done.
    pub(super) fn dependencies(&mut self) -> Result<()> {
        let changes = dependencies::changes(&self.split);
        if let Some(refused) = changes.refused.first() {
            self.facts.unknowable = Some(format!("{refused}, which loom does not fetch: it installs from registries only"));
            return Ok(());
        }
        if !changes.any() || self.judge.bench.suites.is_empty() {
            return Ok(());
        }
        let began = Instant::now();
        let names = some_of(changes.added.iter().map(String::as_str));
        let what = if names.is_empty() { "other packages".to_owned() } else { names };
        self.judge.reporter.event(&Event::Progress { what: format!("setup for the patch: {what}") });
        let tree = self.asking_tree()?;
        match self.set_up_again(&tree, changes.removed.iter().cloned().collect()) {
            Ok(bench) => {
                let files = some_of(changes.files.iter().map(String::as_str));
                let fetched = "from the registries alone, without install scripts or builds from source";
                self.notes.push(format!("{files} asks for {what}: set up again for the head tree, {fetched}."));
                self.not_verified.extend(
                    bench
                        .warnings
                        .iter()
                        .filter(|one| !self.judge.bench.warnings.contains(one))
                        .map(|one| format!("For the head tree: {}.", one.lines().next().unwrap_or_default().trim_end_matches('.'))),
                );
                let for_tests = self.tests_need(&changes);
                self.cells.install(bench, for_tests.then_some(Cell::MustFail));
                if for_tests {
                    self.must_fail_asks_like_head()?;
                }
            }
            Err(failure) if failure.kind == Kind::Workspace => {
                let cause = failure.line();
                let cause = cause.lines().next().unwrap_or_default();
                self.facts.unknowable = Some(format!("what the patch asks for ({what}) could not be installed: {cause}"));
            }
            Err(failure) => return Err(failure),
        }
        self.installed = Some(changes);
        self.cells.prolong(began.elapsed());
        Ok(())
    }

    /// The base tree with what the head's manifests say, and nothing else of the patch.
    fn asking_tree(&self) -> Result<TreeId> {
        let cache = self.judge.cache;
        let fetch_alone = self.judge.bench.suites.iter().flat_map(|suite| &suite.setup).all(|command| command.starts_with("cargo fetch"));
        let mut changes: Vec<(String, Content)> = Vec::new();
        for file in &self.split.files {
            let name = file.path.rsplit('/').next().unwrap_or_default();
            // Cargo looks whether the targets of a package are there; it reads none of them.
            let source = fetch_alone && file.path.ends_with(".rs");
            if !(source || dependencies::is_asking(name)) {
                continue;
            }
            let text = file.head.as_deref().map(|text| dependencies::without_programs(name, file.base.as_deref(), text));
            changes.push((file.path.clone(), text.map(|text| (text.into_bytes(), 0o100_644))));
        }
        cache.overlay(&self.patch.base_tree, &changes)
    }

    fn set_up_again(&self, tree: &TreeId, removed: Vec<String>) -> Result<crate::runner::Bench> {
        let judge = self.judge;
        let (host, folder) = (judge.folder.join("asking"), judge.folder.join("asking.deps"));
        emptied(&host)?;
        emptied(&folder)?;
        judge.cache.export(tree, &host)?;
        let settings = &judge.config.test;
        let found = detect(&host, settings, judge.sandbox)?;
        let again = |suite: &Suite| {
            let same = |one: &&Suite| one.program == suite.program && one.dir == suite.dir;
            let setup = found.iter().find(same).map_or_else(|| suite.setup.clone(), |one| one.setup.clone());
            Suite { setup, ..suite.clone() }
        };
        let suites = judge.bench.suites.iter().map(again).collect();
        let anew = Anew { suites, host: &host, folder: &folder, removed };
        let bench = prepare_again(judge.sandbox, judge.bench, anew, settings, judge.reporter, judge.cancel)?;
        fs::remove_dir_all(&host).or_fail(Kind::Workspace, || format!("removing {}", host.display()))?;
        Ok(bench)
    }

    /// Whether the patch's own tests use a package that it adds: then they need it on the base source too.
    fn tests_need(&self, changes: &dependencies::Changes) -> bool {
        self.split.test_side().filter_map(|file| file.head.as_deref()).any(|text| changes.names(text))
    }

    /// The must-fail tree with the head's manifests: without them its tests could not name what they need.
    fn must_fail_asks_like_head(&mut self) -> Result<()> {
        let mut changes: Vec<(String, Content)> = Vec::new();
        for file in self.split.files.iter() {
            if dependencies::is_asking(file.path.rsplit('/').next().unwrap_or_default()) {
                changes.push((file.path.clone(), file.head.clone().map(|text| (text.into_bytes(), file.mode()))));
            }
        }
        self.split.must_fail = self.judge.cache.overlay(&self.split.must_fail, &changes)?;
        Ok(())
    }
}
