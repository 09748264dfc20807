//! One proof from the split to the facts. `Trial::hear` is the proof as a sentence; each of its steps has a file here.
//! Judging single reports and texts is left to `compare`, `flips`, `tamper` and `ruling`.

mod base_source;
mod baseline;
mod changing_names;
mod conclusions;
mod head;
mod hollowed;
mod installed;
mod loaded;
mod names;
mod old_tests;
mod pace;
mod parts;
mod record;
mod set_up;
mod texts;

use pace::Pace;

use super::cells::Cells;
use super::compare::{Comparison, Observed, passes};
use super::dependencies::Changes;
use super::doctests::Examples;
use super::facts::{Facts, Shape};
use super::identify::Tests;
use super::knowledge;
use super::red::Known;
use super::split::{Inline, Split};
use super::verdict::allow;
use super::{Cell, CellRun, Flaky, Judge, Part};
use super::{docs, tamper};
use crate::error::Result;
use crate::runner::{Report, Selection, TestId};
use crate::task::{Issue, TreeId};
use crate::workspace::Patch;

/// One proof while it is made.
pub struct Trial<'a> {
    judge: &'a Judge<'a>,
    patch: &'a Patch,
    split: Split,
    tests: Tests,
    known: Known,
    cells: Cells<'a>,
    facts: Facts,
    runs: Vec<CellRun>,
    flaky: Vec<Flaky>,
    red_before: Vec<TestId>,
    pass_to_pass: u64,
    part: Option<Part>,
    /// Whether the patch's own tests were stopped before their end.
    own_cut_off: bool,
    /// What was installed anew for the head tree.
    installed: Option<Changes>,
    not_verified: Vec<String>,
    notes: Vec<String>,
}

/// What one suite said, cell by cell; a cell that follows from others, or was not worth running, is absent.
struct Heard {
    baseline: Report,
    must_pass: Report,
    must_fail: Option<Report>,
    regression: Option<Report>,
}

impl Heard {
    fn new(baseline: Report, must_pass: Report) -> Heard {
        Heard { baseline, must_pass, must_fail: None, regression: None }
    }

    fn observed(&self) -> Observed<'_> {
        Observed {
            baseline: &self.baseline,
            must_pass: &self.must_pass,
            must_fail: self.must_fail.as_ref(),
            regression: self.regression.as_ref(),
        }
    }

    /// Tests that fail on head with a new text and passed at the baseline: they may be flaky like any other.
    fn changed_and_broken(&self, compared: &Comparison) -> Vec<TestId> {
        let failing = compared.failing.iter().map(|one| &one.test);
        failing.filter(|id| passes(Some(&self.baseline), id)).cloned().collect()
    }
}

impl<'a> Trial<'a> {
    /// Splits the patch; nothing has run yet.
    pub fn open(judge: &'a Judge<'a>, patch: &'a Patch, issue: &Issue) -> Result<Trial<'a>> {
        let gate = &judge.config.gate;
        let split = Split::of(
            judge.cache,
            patch,
            &judge.config.test.paths,
            Inline::BySyntax,
            Examples::of(&judge.bench.suites, judge.cache, &patch.base_tree)?,
        )?;
        let wanted = &gate.no_regression_labels;
        let facts = Facts {
            shape: tamper::shape(&split, docs::only_docs(&split)),
            no_new_behaviour: issue.labels.iter().any(|label| wanted.iter().any(|one| one.eq_ignore_ascii_case(label))),
            without_tests: gate.without_tests,
            allow: gate.allow.clone(),
            ..Facts::default()
        };
        Ok(Trial {
            judge,
            patch,
            tests: Tests::of(&split),
            known: knowledge::of(judge.cache, patch, &split, &judge.config.test.paths)?,
            cells: Cells::of(judge, patch),
            facts,
            notes: split.notes.iter().cloned().chain(allow::without_effect(&gate.allow)).collect(),
            split,
            runs: Vec::new(),
            flaky: Vec::new(),
            red_before: Vec::new(),
            pass_to_pass: 0,
            part: None,
            own_cut_off: false,
            installed: None,
            not_verified: Vec::new(),
        })
    }

    /// Runs what must be run and gathers the facts. A step that finds out that nothing can be known ends it.
    pub fn hear(&mut self, baseline: &[CellRun]) -> Result<()> {
        if self.facts.shape == Shape::Empty {
            return Ok(());
        }
        self.read_texts()?;
        let Some(baseline) = self.baseline(baseline)? else { return Ok(()) };
        self.dependencies()?;
        if self.facts.unknowable.is_some() {
            return Ok(());
        }
        let heard = match self.pace(&baseline)? {
            Pace::Whole => self.whole(baseline)?,
            Pace::Parts(units) => self.parts(baseline, units)?,
        };
        if self.facts.unknowable.is_some() {
            return Ok(());
        }
        let altered = self.conclude(&heard)?;
        self.by_names(&heard)?;
        self.by_set_up(&heard)?;
        self.judge_texts(&altered, &heard);
        self.hollow_run(&heard)?;
        self.own_sources()
    }

    /// What is known so far: all that the ruling depends on.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// One cell: every suite that `select` wants run. None when the budget was spent, which is then in the facts.
    fn cell(&mut self, cell: Cell, tree: &TreeId, select: impl Fn(usize) -> Option<Selection>) -> Result<Option<Vec<Option<Report>>>> {
        let mut reports = Vec::new();
        for suite in 0..self.judge.bench.suites.len() {
            let Some(selection) = select(suite) else {
                reports.push(None);
                continue;
            };
            match self.cells.run(cell, tree, suite, &selection)? {
                Some(run) => {
                    reports.push(Some(run.report.clone()));
                    self.runs.push(run);
                }
                None => {
                    let budget = self.judge.config.gate.budget;
                    let text = format!("the proof's budget of {budget} was spent before the {} cell had run", cell.as_str());
                    self.facts.unknowable = Some(text);
                    return Ok(None);
                }
            }
        }
        Ok(Some(reports))
    }
}
