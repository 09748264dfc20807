//! A suite that takes longer than there is time for, in parts: the patch's own tests always, in every cell; then file
//! by file whatever the patch reaches, then the rest, until the budget is nearly spent. What was not run is counted.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::old_tests::Old;
use super::pace::was_cut;
use super::{Heard, Trial};
use crate::error::Result;
use crate::runner::{FaultKind, Outcome, Report, Selection, TestId, TroubleKind};
use crate::task::TreeId;
use crate::verify::cells::LEAST;
use crate::verify::facts::Shape;
use crate::verify::order::Unit;
use crate::verify::{Cell, CellRun, Part};

/// Files of the first part that is not the patch's own; how long they take says how many the next one has.
const FIRST: usize = 8;
/// Kept back for what must follow: reruns of what differs, the hollow run.
const RESERVE: u32 = 5;
/// A part takes at most this share of what is left.
const SHARE: u32 = 3;

/// What the parts of one suite said together.
struct Sum {
    heard: Heard,
    /// The whole suite's, as far as it came at the baseline.
    baseline: Report,
    /// Files that ran to their end on head.
    files: Vec<String>,
    /// Whether all of it ran there.
    whole: bool,
}

impl Trial<'_> {
    /// Runs parts until the time is up; what was heard is about those parts alone.
    pub(super) fn parts(&mut self, baseline: Vec<Report>, units: Vec<Unit>) -> Result<Vec<Heard>> {
        let known = known_tests(&baseline, &units);
        let in_parts = |suite: usize| units.iter().any(|unit| unit.suite == suite);
        let unsplit: Vec<usize> = (0..baseline.len()).filter(|suite| !in_parts(*suite) && !baseline[*suite].cases.is_empty()).collect();
        let mut sums: Vec<Sum> = baseline.into_iter().map(Sum::new).collect();
        let left = self.cells.left();
        let end = Instant::now() + left - left / RESERVE;
        let old = self.old(&sums.iter().map(|sum| &sum.baseline).collect::<Vec<_>>())?;
        self.own_part(&mut sums, &old, end)?;
        let heard = |sums: &[Sum]| sums.iter().map(Sum::so_far).collect::<Vec<_>>();
        let mut unrun: VecDeque<Unit> = units.into_iter().filter(|unit| !unit.is_touched()).collect();
        let mut all = true;
        if !self.is_hopeless(&heard(&sums))? {
            all = self.without_parts(&mut sums, &unsplit, &old, end)?;
            self.other_parts(&mut sums, &old, &mut unrun, end)?;
        }
        let heard = heard(&sums);
        self.write_down(&heard);
        if !(all && unrun.is_empty()) {
            let run = heard.iter().map(|one| one.must_pass.cases.len() as u64).sum();
            let reached = unrun.iter().filter(|unit| unit.is_reached()).count() as u64;
            self.part = Some(Part { run, known: known.max(run), files: unrun.len() as u64, reached });
        }
        Ok(heard)
    }

    /// Suites that cannot be run by files: whole, where there is time for what the baseline took. False when one was left out.
    fn without_parts(&mut self, sums: &mut [Sum], suites: &[usize], old: &Old, end: Instant) -> Result<bool> {
        let mut all = true;
        for suite in suites.iter().copied() {
            let sum = &mut sums[suite];
            let took = Duration::from_millis(sum.baseline.elapsed_ms);
            let fits = took < end.saturating_duration_since(Instant::now());
            let head = self.patch.head_tree.clone();
            let run = if fits { self.cells.run(Cell::MustPass, &head, suite, &Selection::All)? } else { None };
            let Some(run) = run.filter(|run| !was_cut(&run.report)) else {
                let command = &self.judge.bench.suites[suite].command;
                let text = "cannot be run in parts, and there was no time for all of it: its tests were not run with the patch";
                self.not_verified.push(format!("`{command}` {text}."));
                all = false;
                continue;
            };
            (sum.heard.must_pass, sum.whole) = (run.report, true);
            if self.reaches_all_tests() && self.facts.shape == Shape::Both {
                let tree = self.split.must_fail.clone();
                sum.heard.must_fail = self.cells.run(Cell::MustFail, &tree, suite, &Selection::All)?.map(|run| run.report);
            }
            if *old == Old::All {
                let tree = self.split.regression.clone();
                sum.heard.regression = self.cells.run(Cell::Regression, &tree, suite, &Selection::All)?.map(|run| run.report);
            }
        }
        Ok(all)
    }

    /// The patch's own test files, in every cell that needs them.
    fn own_part(&mut self, sums: &mut [Sum], old: &Old, end: Instant) -> Result<()> {
        for (suite, sum) in sums.iter_mut().enumerate() {
            let own = self.own_files(suite);
            if !own.is_empty() {
                self.own_cut_off |= !self.head_part(suite, sum, own.clone(), end)?;
                if self.facts.shape == Shape::Both {
                    let report = self.run_part(Cell::MustFail, suite, own, end)?;
                    // Without it nothing is proved, and nothing is disproved.
                    if report.is_none() {
                        let budget = self.judge.config.gate.budget;
                        let text = format!("the proof's budget of {budget} was spent before the patch's own tests had run on both sources");
                        self.facts.unknowable = Some(text);
                    }
                    join(&mut sum.heard.must_fail, report);
                }
            }
            let files = self.old_files(suite);
            if *old != Old::Follow && !files.is_empty() {
                let report = self.run_part(Cell::Regression, suite, files, end)?;
                join(&mut sum.heard.regression, report);
            }
        }
        Ok(())
    }

    /// Everything else, nearest first.
    fn other_parts(&mut self, sums: &mut [Sum], old: &Old, unrun: &mut VecDeque<Unit>, end: Instant) -> Result<()> {
        let mut many = FIRST;
        let mut too_slow = Vec::new();
        let limit = self.judge.config.test.timeout.duration();
        while let Some(suite) = unrun.front().map(|unit| unit.suite) {
            let left = end.saturating_duration_since(Instant::now());
            if left < LEAST {
                break;
            }
            let alike = unrun.iter().take(many).take_while(|unit| unit.suite == suite).count();
            let files: Vec<String> = unrun.iter().take(alike).map(|unit| unit.path.clone()).collect();
            let began = Instant::now();
            let sum = &mut sums[suite];
            if !self.head_part(suite, sum, files.clone(), end)? {
                // Too much for one run: in smaller parts, and a file that is too much by itself is left out.
                many = alike / 2;
                if many == 0 {
                    too_slow.extend(unrun.pop_front());
                    many = 1;
                }
                continue;
            }
            unrun.drain(..alike);
            if self.reaches_all_tests() && self.facts.shape == Shape::Both {
                let report = self.run_part(Cell::MustFail, suite, files.clone(), end)?;
                join(&mut sum.heard.must_fail, report);
            }
            if *old == Old::All {
                let report = self.run_part(Cell::Regression, suite, files, end)?;
                join(&mut sum.heard.regression, report);
            }
            let each = began.elapsed() / u32::try_from(alike).unwrap_or(1);
            let share = (end.saturating_duration_since(Instant::now()) / SHARE).min(limit / 2);
            many = usize::try_from(share.as_millis() / each.as_millis().max(1)).unwrap_or(1).clamp(1, many * 4);
        }
        unrun.extend(too_slow);
        Ok(())
    }

    /// One part on head; what is red there and was not seen at the baseline is run on the base tree too. False when the
    /// time was up before it had ended: what it said until then is kept.
    fn head_part(&mut self, suite: usize, sum: &mut Sum, files: Vec<String>, end: Instant) -> Result<bool> {
        let Some(mut report) = self.run_part(Cell::MustPass, suite, files.clone(), end)? else { return Ok(false) };
        let ended = !was_cut(&report);
        if ended {
            sum.files.extend(files.iter().cloned());
        } else {
            self.forget_the_cut(suite, &mut report)?;
        }
        let red = |(id, case): (&TestId, &crate::runner::Case)| {
            matches!(case.outcome, Outcome::Failed(_)) && !sum.baseline.cases.contains_key(id)
        };
        if report.cases.iter().any(red)
            && let Some(base) = self.run_part(Cell::Baseline, suite, files, end)?
        {
            let tree = self.patch.base_tree.clone();
            self.runs.push(CellRun { cell: Cell::Baseline, tree, report: base.clone() });
            sum.baseline.cases.extend(base.cases);
        }
        sum.heard.must_pass.join(report);
        Ok(ended)
    }

    fn run_part(&mut self, cell: Cell, suite: usize, files: Vec<String>, end: Instant) -> Result<Option<Report>> {
        let tree: TreeId = match cell {
            Cell::Baseline => self.patch.base_tree.clone(),
            Cell::MustPass => self.patch.head_tree.clone(),
            Cell::MustFail => self.split.must_fail.clone(),
            Cell::Regression => self.split.regression.clone(),
        };
        self.cells.run_within(cell, &tree, suite, files, end.saturating_duration_since(Instant::now()))
    }

    /// What was running when the time was up hangs only if it does so again, alone.
    fn forget_the_cut(&mut self, suite: usize, report: &mut Report) -> Result<()> {
        let hangs = |outcome: &Outcome| matches!(outcome, Outcome::Failed(fault) if fault.kind == FaultKind::Hang);
        let running: Vec<TestId> = report.cases.iter().filter(|(_, case)| hangs(&case.outcome)).map(|(id, _)| id.clone()).collect();
        report.cases.retain(|id, _| !running.contains(id));
        report.troubles.retain(|one| one.kind != TroubleKind::Timeout || one.file.is_some());
        if (1..=4).contains(&running.len())
            && let Some(again) = self.cells.run(Cell::MustPass, &self.patch.head_tree, suite, &Selection::Tests(running))?
        {
            report.cases.extend(again.report.cases);
        }
        Ok(())
    }

    /// The cells for the record.
    fn write_down(&mut self, heard: &[Heard]) {
        for one in heard {
            let cells = [
                (Cell::MustPass, &self.patch.head_tree, Some(&one.must_pass)),
                (Cell::MustFail, &self.split.must_fail, one.must_fail.as_ref()),
                (Cell::Regression, &self.split.regression, one.regression.as_ref()),
            ];
            for (cell, tree, report) in cells {
                let report = report.filter(|report| report.elapsed_ms > 0);
                self.runs.extend(report.map(|report| CellRun { cell, tree: tree.clone(), report: report.clone() }));
            }
        }
    }
}

impl Sum {
    fn new(mut baseline: Report) -> Sum {
        if was_cut(&baseline) {
            let hangs = |outcome: &Outcome| matches!(outcome, Outcome::Failed(fault) if fault.kind == FaultKind::Hang);
            baseline.cases.retain(|_, case| !hangs(&case.outcome));
            baseline.troubles.retain(|one| one.kind != TroubleKind::Timeout || one.file.is_some());
        }
        let empty = Report::nothing(&baseline.command);
        Sum { heard: Heard::new(empty.clone(), empty), baseline, files: Vec::new(), whole: false }
    }

    /// The cells so far, the baseline cut down to what head has run.
    fn so_far(&self) -> Heard {
        let part = &self.heard;
        let mut baseline = self.baseline.clone();
        // What head did not come to is not lost.
        let files = &self.files;
        baseline.cases.retain(|id, case| {
            self.whole
                || part.must_pass.cases.contains_key(id)
                || files.iter().any(|file| Some(file) == case.file.as_ref() || file == id.file())
        });
        Heard { baseline, must_pass: part.must_pass.clone(), must_fail: part.must_fail.clone(), regression: part.regression.clone() }
    }
}

fn join(sum: &mut Option<Report>, part: Option<Report>) {
    match (sum, part) {
        (Some(sum), Some(part)) => sum.join(part),
        (sum @ None, part) => *sum = part,
        (Some(_), None) => {}
    }
}

/// How many tests there are: as the baseline ran them, or, where it did not end, as the files' text has them.
fn known_tests(baseline: &[Report], units: &[Unit]) -> u64 {
    let each = baseline.iter().enumerate().map(|(suite, report)| {
        let written = units.iter().filter(|unit| unit.suite == suite).map(|unit| unit.tests).sum();
        if was_cut(report) { (report.cases.len() as u64).max(written) } else { report.cases.len() as u64 }
    });
    each.sum()
}
