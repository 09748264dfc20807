//! Base source with base tests: what is red already. Usually made beside the agent and handed in.

use super::Trial;
use crate::config::WithoutTests;
use crate::error::Result;
use crate::runner::{Report, Selection, Suite, Trouble, TroubleKind};
use crate::verify::facts::{Shape, some_of};
use crate::verify::paths::{is_code, is_support, is_test_name, is_test_path};
use crate::verify::{Cell, CellRun};

impl Trial<'_> {
    /// The baseline's reports, one per suite; none (and the cause in the facts) when nothing can be compared with them.
    pub(super) fn baseline(&mut self, given: &[CellRun]) -> Result<Option<Vec<Report>>> {
        self.facts.unknowable = self.unread()?;
        if self.facts.unknowable.is_some() {
            return Ok(None);
        }
        let given: Vec<&CellRun> = given.iter().filter(|run| run.cell == Cell::Baseline && run.tree == self.patch.base_tree).collect();
        let reports = if given.len() == self.judge.bench.suites.len() {
            self.runs.extend(given.iter().map(|run| (*run).clone()));
            given.iter().map(|run| run.report.clone()).collect()
        } else {
            match self.cell(Cell::Baseline, &self.patch.base_tree.clone(), |_| Some(Selection::All))? {
                Some(reports) => reports.into_iter().flatten().collect::<Vec<_>>(),
                None => return Ok(None),
            }
        };
        let paths = self.judge.cache.paths(&self.patch.base_tree)?;
        let has_tests = |suite: &Suite| {
            paths.iter().any(|path| suite.takes(path) && suite.holds(path) && is_test_name(path.rsplit('/').next().unwrap_or(path)))
        };
        let dead = |(report, suite): &(&Report, &Suite)| {
            let says_why = |one: &Trouble| match one.kind {
                // A repository may be without tests; one that has some has a runner that does not find them.
                TroubleKind::NoTests => has_tests(suite),
                // What is only too slow as a whole can be run in parts.
                TroubleKind::Timeout => !suite.takes_files(),
                _ => true,
            };
            report.cases.is_empty() && report.troubles.iter().any(says_why)
        };
        let pairs = || reports.iter().zip(&self.judge.bench.suites);
        let alive = pairs().any(|pair| !dead(&pair));
        for (report, suite) in pairs().filter(dead) {
            let why = report.troubles.first().map_or("", |one| one.message.lines().next().unwrap_or_default());
            let text = format!("`{}` gives no result on the unchanged source: {why}", suite.command);
            if alive || self.facts.shape == Shape::Docs {
                self.not_verified.push(format!("{text}."));
            } else {
                self.facts.unknowable = Some(text);
                return Ok(None);
            }
        }
        Ok(Some(reports))
    }

    /// Tests that nothing known here would run: a repository that has them is not one without.
    fn unread(&self) -> Result<Option<String>> {
        if !self.judge.bench.suites.is_empty() || self.facts.shape == Shape::Docs || self.facts.without_tests == WithoutTests::Draft {
            return Ok(None);
        }
        let paths = self.judge.cache.paths(&self.patch.base_tree)?;
        let own = &self.judge.config.test.paths;
        let tests: Vec<&str> = paths
            .iter()
            .map(String::as_str)
            .filter(|path| is_test_path(path, own) && is_code(path) && !is_support(path) && !path.ends_with("__init__.py"))
            .collect();
        let text = || {
            format!(
                "the repository has tests ({}), and how they are run was not found: set test.command, and test.runner or test.junit",
                some_of(tests.iter().copied())
            )
        };
        Ok((!tests.is_empty()).then(text))
    }
}
