//! One proof from the first cell to the facts: which cells run, which follow from others, what is run again, and what
//! is written down. Judging is left to `compare`, `flips`, `tamper` and `ruling`.

use std::collections::BTreeSet;

use super::cells::Cells;
use super::compare::{Comparison, Observed, compare};
use super::facts::{Broken, Facts, Hollow, Shape, Unproven, decisive, some_of};
use super::functions;
use super::hollow;
use super::identify::{Place, Tests};
use super::knowledge;
use super::red::{Known, Red, Weak, classify_trouble};
use super::split::{Inline, Side, Split};
use super::{Cell, CellRun, Evidence, Flip, Judge, Proven, RedKind};
use super::{aware, docs, flips, remarks, rerun, runner_config, tamper, troubles};
use crate::error::Result;
use crate::runner::{Report, Selection, TestId, Trouble, TroubleKind, is_manifest};
use crate::task::{Event, Issue, TreeId};
use crate::workspace::Patch;

/// One proof while it is made.
pub struct Trial<'a> {
    judge: &'a Judge<'a>,
    patch: &'a Patch,
    split: Split,
    tests: Tests,
    known: Known,
    cells: Cells<'a>,
    shape: Shape,
    no_new_behaviour: bool,
    runs: Vec<CellRun>,
    flaky: Vec<TestId>,
    red_before: Vec<TestId>,
    pass_to_pass: u64,
    not_verified: Vec<String>,
    notes: Vec<String>,
}

/// The runs of one suite, cell by cell.
#[derive(Default)]
struct Heard {
    must_fail: Option<Report>,
    regression: Option<Report>,
}

impl<'a> Trial<'a> {
    /// Splits the patch; nothing has run yet.
    pub fn open(judge: &'a Judge<'a>, patch: &'a Patch, issue: &Issue) -> Result<Trial<'a>> {
        let split = Split::of(judge.cache, patch, &judge.config.test.paths, Inline::BySyntax)?;
        let shape = tamper::shape(&split, docs::only_docs(&split));
        let wanted = &judge.config.gate.no_regression_labels;
        let no_new_behaviour = issue.labels.iter().any(|label| wanted.iter().any(|one| one.eq_ignore_ascii_case(label)));
        Ok(Trial {
            judge,
            patch,
            tests: Tests::of(&split),
            known: knowledge::of(judge.cache, patch, &split, &judge.config.test.paths)?,
            cells: Cells::new(judge),
            shape,
            no_new_behaviour,
            notes: split.notes.clone(),
            split,
            runs: Vec::new(),
            flaky: Vec::new(),
            red_before: Vec::new(),
            pass_to_pass: 0,
            not_verified: Vec::new(),
        })
    }

    /// Runs what must be run and gathers the facts.
    pub fn hear(&mut self, baseline: &[CellRun]) -> Result<Facts> {
        let gate = &self.judge.config.gate;
        let mut facts = Facts {
            shape: self.shape,
            no_new_behaviour: self.no_new_behaviour,
            without_tests: gate.without_tests,
            allow: gate.allow.clone(),
            ..Facts::default()
        };
        if self.shape == Shape::Empty {
            return Ok(facts);
        }
        facts.reasons.extend(tamper::files(&self.split));
        facts.reasons.extend(runner_config::changes(&self.split));
        let suites = self.judge.bench.suites.iter();
        let commands: Vec<&str> = suites.flat_map(|suite| suite.build.iter().chain([&suite.command])).map(String::as_str).collect();
        let aware = aware::look(&self.split, &commands);
        facts.reasons.extend(aware.reasons);
        facts.questions.extend(aware.questions);
        let Some(baseline) = self.baseline(baseline, &mut facts)? else { return Ok(facts) };
        let Some(heads) = self.cell(Cell::MustPass, &self.patch.head_tree.clone(), |_| Some(Selection::All), &mut facts)? else {
            return Ok(facts);
        };
        let heads: Vec<Report> = heads.into_iter().flatten().collect();
        let heard = self.mixed_cells(&baseline, &heads, &mut facts)?;
        if facts.unknowable.is_some() {
            return Ok(facts);
        }
        let mut altered = Vec::new();
        for suite in 0..heads.len() {
            let seen = Observed {
                baseline: &baseline[suite],
                must_pass: &heads[suite],
                must_fail: heard[suite].must_fail.as_ref(),
                regression: heard[suite].regression.as_ref(),
            };
            let mut compared = compare(seen, &self.tests, &self.known);
            self.settle(suite, &mut compared)?;
            self.take(&mut facts, compared, &baseline[suite], &heads[suite], &mut altered);
        }
        self.judge_texts(&mut facts, &altered, &baseline, &heads);
        self.hollow_run(&mut facts, &heads)?;
        self.own_sources(&mut facts)?;
        Ok(facts)
    }

    /// The baseline's reports; none (and the cause in `facts`) when nothing can be compared with them.
    fn baseline(&mut self, given: &[CellRun], facts: &mut Facts) -> Result<Option<Vec<Report>>> {
        let given: Vec<&CellRun> = given.iter().filter(|run| run.cell == Cell::Baseline && run.tree == self.patch.base_tree).collect();
        let reports = if given.len() == self.judge.bench.suites.len() {
            self.runs.extend(given.iter().map(|run| (*run).clone()));
            given.iter().map(|run| run.report.clone()).collect()
        } else {
            match self.cell(Cell::Baseline, &self.patch.base_tree.clone(), |_| Some(Selection::All), facts)? {
                Some(reports) => reports.into_iter().flatten().collect::<Vec<_>>(),
                None => return Ok(None),
            }
        };
        let dead = |report: &Report| report.cases.is_empty() && report.troubles.iter().any(|one| one.kind != TroubleKind::NoTests);
        let alive = reports.iter().any(|report: &Report| !dead(report));
        for (report, suite) in reports.iter().zip(&self.judge.bench.suites).filter(|(report, _)| dead(report)) {
            let why = report.troubles.first().map_or("", |one| one.message.lines().next().unwrap_or_default());
            let text = format!("`{}` gives no result on the unchanged source: {why}", suite.command);
            if alive || self.shape == Shape::Docs {
                self.not_verified.push(format!("{text}."));
            } else {
                facts.unknowable = Some(text);
                return Ok(None);
            }
        }
        Ok(Some(reports))
    }

    /// One cell: every suite that `select` wants run. None when the budget was spent, which is then in `facts`.
    fn cell(
        &mut self,
        cell: Cell,
        tree: &TreeId,
        select: impl Fn(usize) -> Option<Selection>,
        facts: &mut Facts,
    ) -> Result<Option<Vec<Option<Report>>>> {
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
                    facts.unknowable = Some(format!("the proof's budget of {budget} was spent before the {} cell had run", cell.as_str()));
                    return Ok(None);
                }
            }
        }
        Ok(Some(reports))
    }

    /// Base source with head tests, and head source with base tests, where they do not follow from the other cells.
    fn mixed_cells(&mut self, baseline: &[Report], heads: &[Report], facts: &mut Facts) -> Result<Vec<Heard>> {
        let mut heard: Vec<Heard> = heads.iter().map(|_| Heard::default()).collect();
        let alone =
            |observed: usize| Observed { baseline: &baseline[observed], must_pass: &heads[observed], must_fail: None, regression: None };
        let first: Vec<Comparison> = (0..heads.len()).map(|suite| compare(alone(suite), &self.tests, &self.known)).collect();
        // A head that does not build, or fails its own tests, goes back to the coder at once.
        let hopeless = first.iter().any(|one| !one.failing.is_empty() || one.troubles.iter().any(|t| t.kind == TroubleKind::Build));
        if self.shape != Shape::Both || hopeless {
            return Ok(heard);
        }
        let Some(reports) = self.must_fail(facts)? else { return Ok(heard) };
        for (one, report) in heard.iter_mut().zip(reports) {
            one.must_fail = report;
        }
        if self.split.touches_old_tests() {
            let tree = self.split.regression.clone();
            let Some(reports) = self.cell(Cell::Regression, &tree, |_| Some(Selection::All), facts)? else { return Ok(heard) };
            for (one, report) in heard.iter_mut().zip(reports) {
                one.regression = report;
            }
        }
        Ok(heard)
    }

    /// The new and changed tests on the base source; when a split inside a file does not build, the file counts as
    /// source and the cell runs once more.
    fn must_fail(&mut self, facts: &mut Facts) -> Result<Option<Vec<Option<Report>>>> {
        let select = |trial: &Trial<'_>, suite: usize| trial.touched_tests(suite);
        let selections: Vec<_> = (0..self.judge.bench.suites.len()).map(|suite| select(self, suite)).collect();
        let tree = self.split.must_fail.clone();
        let Some(reports) = self.cell(Cell::MustFail, &tree, |suite| selections[suite].clone(), facts)? else { return Ok(None) };
        let mixed = self.split.files.iter().any(|file| file.side == Side::Mixed);
        let broken = |trouble: &Trouble| trouble.kind == TroubleKind::Build;
        let troubles: Vec<&Trouble> = reports.iter().flatten().flat_map(|report| &report.troubles).filter(|one| broken(one)).collect();
        let by_name = troubles.iter().any(|one| classify_trouble(one, &self.known) == Red::Proof(RedKind::MissingApi));
        if !mixed || troubles.is_empty() || by_name {
            return Ok(Some(reports));
        }
        let split = Split::of(self.judge.cache, self.patch, &self.judge.config.test.paths, Inline::AsSource)?;
        self.not_verified.extend(split.notes.iter().filter(|note| !self.notes.contains(note)).cloned());
        self.split = split;
        self.tests = Tests::of(&self.split);
        self.runs.retain(|run| run.cell != Cell::MustFail);
        let selections: Vec<_> = (0..self.judge.bench.suites.len()).map(|suite| select(self, suite)).collect();
        let tree = self.split.must_fail.clone();
        self.cell(Cell::MustFail, &tree, |suite| selections[suite].clone(), facts)
    }

    /// The tests of the patch that belong to a suite; all of it when data or set-up changed; none when it has none.
    fn touched_tests(&self, suite: usize) -> Option<Selection> {
        if self.split.touches_support() || self.tests.data_changed {
            return Some(Selection::All);
        }
        let dir = self.judge.bench.suites[suite].dir.trim_matches('/');
        let below = |path: &str| dir.is_empty() || path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'));
        let files: Vec<String> =
            self.split.test_side().filter(|file| file.head.is_some() && below(&file.path)).map(|file| file.path.clone()).collect();
        (!files.is_empty()).then_some(Selection::Files(files))
    }

    /// Runs what differs again, on both trees: what passes and fails by turns neither blocks nor proves.
    fn settle(&mut self, suite: usize, compared: &mut Comparison) -> Result<()> {
        let trees = rerun::Trees {
            base: &self.patch.base_tree,
            head: &self.patch.head_tree,
            must_fail: &self.split.must_fail,
            regression: &self.split.regression,
        };
        let settled = rerun::settle(&mut self.cells, suite, &trees, compared)?;
        compared.broken.retain(|one| !settled.flaky.contains(&one.test));
        compared.altered.retain(|one| !settled.flaky.contains(&one.test));
        let (shaky, proven): (Vec<_>, Vec<_>) = compared.proven.drain(..).partition(|one| settled.flaky.contains(&one.test));
        compared.proven = proven;
        compared.unproven.extend(shaky.into_iter().map(|one| Unproven { test: one.test, why: Weak::Flaky, lines: one.lines }));
        self.notes.extend(settled.note);
        self.flaky.extend(settled.flaky);
        Ok(())
    }

    /// Adds one suite's comparison to the facts.
    fn take(&mut self, facts: &mut Facts, compared: Comparison, base: &Report, head: &Report, altered: &mut Vec<Broken>) {
        facts.tests.0 += base.cases.len() as u64;
        facts.tests.1 += head.cases.len() as u64;
        for trouble in &compared.troubles {
            troubles::judge(facts, trouble, base, self.patch, &self.judge.config.test);
        }
        self.pass_to_pass += compared.pass_to_pass;
        self.red_before.extend(compared.red_before);
        let (new, old) = remarks::skipped(base, head);
        self.not_verified.extend(new);
        self.notes.extend(old);
        tamper::covered_up(facts, &compared.covered_up, &self.split);
        facts.mended.extend(compared.mended);
        facts.proven.extend(compared.proven);
        facts.unproven.extend(compared.unproven);
        facts.failing.extend(compared.failing);
        // Without a change of the source, only the tests themselves can have turned red.
        let target = if self.shape == Shape::TestsOnly { &mut facts.failing } else { &mut facts.broken };
        target.extend(compared.broken);
        facts.lost.extend(compared.lost);
        facts.questions.extend(remarks::renamed(&compared.renamed));
        altered.extend(compared.altered);
    }

    /// Altered expectations and tampering, by the texts of the tests.
    fn judge_texts(&mut self, facts: &mut Facts, altered: &[Broken], baseline: &[Report], heads: &[Report]) {
        let file_of = |id: &TestId| heads.iter().chain(baseline).find_map(|report| report.cases.get(id)).and_then(|case| case.file.clone());
        let removed = knowledge::removed(&self.split);
        let gone = |body: &str| body.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| removed.contains(word));
        // An example in the documentation leaves with the item it belongs to.
        facts.lost.retain(|one| !(one.test.as_str().contains("doctest ") && gone(one.test.as_str())));
        let judged = flips::judge(altered, &facts.proven, &self.tests, file_of, gone);
        facts.flips.extend::<Vec<Flip>>(judged.flips);
        facts.questions.extend(judged.questions);
        facts.reasons.extend(judged.reasons);
        self.notes.extend(judged.notes);
        let place = |one: &Proven| {
            let file = file_of(&one.test);
            self.tests.head_item(&one.test, file.as_deref()).map(|(path, item)| (path.to_owned(), item.path()))
        };
        let proven: BTreeSet<Place> = facts.proven.iter().filter_map(place).collect();
        let found = tamper::look(&self.tests, &proven, gone);
        facts.reasons.extend(found.reasons);
        facts.questions.extend(found.questions);
        self.notes.extend(found.notes);
    }

    /// Where all proof is a missing name: does the test need what stands behind it?
    fn hollow_run(&mut self, facts: &mut Facts, heads: &[Report]) -> Result<()> {
        if facts.proven.is_empty() || facts.proven.iter().any(|one| one.red != RedKind::MissingApi) {
            return Ok(());
        }
        self.judge.reporter.event(&Event::Progress { what: "hollow run: do the new tests notice when the added functions fail?".into() });
        let tests: Vec<TestId> = facts.proven.iter().map(|one| one.test.clone()).collect();
        facts.hollow = match hollow::tree(self.judge.cache, &self.patch.head_tree, &self.split)? {
            Some(tree) => hollow::run(&mut self.cells, &tree, heads, &tests)?,
            None => Hollow::Unable("the patch adds no function that could be made to fail".into()),
        };
        if let Hollow::Noticed(noticed) = &facts.hollow
            && !noticed.is_empty()
        {
            let names = some_of(noticed.iter().map(TestId::as_str));
            self.notes.push(format!("With the added functions made to fail (`{}`), {names} turn red.", functions::HOLLOW));
            facts.proven.retain(|one| noticed.contains(&one.test));
        }
        Ok(())
    }

    /// A run that rewrites the files it is to judge has judged others.
    fn own_sources(&mut self, facts: &mut Facts) -> Result<()> {
        self.loaded_sources(facts);
        let code = self.split.files.iter().filter(|file| file.side != Side::Support && super::syntax::Language::of(&file.path).is_some());
        let paths: Vec<&str> = code.map(|file| file.path.as_str()).collect();
        for cell in [Cell::MustPass, Cell::MustFail] {
            let changed = self.cells.rewritten(cell.as_str(), paths.iter().copied())?;
            if !changed.is_empty() {
                facts.unknowable = Some(format!(
                    "the {} run rewrote {} in its own tree, so its results may not be those of the patch",
                    cell.as_str(),
                    some_of(changed.iter().map(String::as_str))
                ));
            }
        }
        Ok(())
    }

    /// A run that loaded another installation of what the patch changes has judged that one.
    fn loaded_sources(&mut self, facts: &mut Facts) {
        let sources: Vec<&str> = self.split.source_side().map(|file| file.path.as_str()).collect();
        match remarks::loaded(&self.runs, &sources) {
            Ok(notes) => self.notes.extend(notes),
            Err(cause) => facts.unknowable = Some(cause),
        }
    }

    /// Everything that was seen, for the record.
    pub fn evidence(self, facts: &Facts) -> Result<Evidence> {
        self.cells.discard()?;
        let mut not_verified = self.not_verified;
        let partly = self.judge.bench.warnings.iter().map(|one| decisive(one).trim_end().replace('\n', " "));
        not_verified.extend(partly.map(|one| format!("Not all could be installed, and what needs it did not run: {one}.")));
        if self.no_new_behaviour && facts.proven.is_empty() {
            not_verified.push("Whether the touched lines are covered by tests was not measured.".into());
        }
        if let Some(file) = self.patch.files.iter().find(|file| is_manifest(&file.path)) {
            not_verified.push(format!("{} changed; the tests ran with what was installed for the base tree.", file.path));
        }
        if !self.red_before.is_empty() {
            let names = some_of(self.red_before.iter().map(TestId::as_str));
            not_verified.push(format!("Already failing before the patch, and still: {names}."));
        }
        let mut notes: Vec<String> = self.judge.bench.suites.iter().map(|suite| format!("`{}`: {}", suite.command, suite.why)).collect();
        notes.extend(self.notes);
        let paths = |files: Vec<&super::split::Sided>| files.into_iter().map(|file| file.path.clone()).collect();
        Ok(Evidence {
            runs: self.runs,
            fail_to_pass: facts.proven.clone(),
            pass_to_pass: self.pass_to_pass,
            flips: facts.flips.clone(),
            red_before: self.red_before,
            flaky: self.flaky,
            test_files: paths(self.split.test_side().collect()),
            source_files: paths(self.split.source_side().collect()),
            not_verified,
            tier: self.judge.sandbox.tier(),
            notes,
        })
    }
}
