//! Runs what differs again, on both trees, with the conditions varied from turn to turn. Owns which runs are made; what
//! they say about a test is `history`. The rules are told in `docs/proof.md` under "Flaky tests".

use std::collections::{BTreeMap, BTreeSet};

use super::cells::Cells;
use super::compare::Comparison;
use super::facts::Broken;
use super::history::{Company, History, Setting};
use super::{Cell, Flaky, FlakySeen, RedKind};
use crate::error::Result;
use crate::runner::{Conditions, Selection, TestId};
use crate::task::{Flake, TreeId};

/// More differences than this are no flakes.
const MANY: usize = 60;
/// How often the base tree is asked about a test that was seen to be flaky with the patch only.
const HUNT: usize = 6;

/// The trees that are run again.
pub struct Trees<'t> {
    /// Base source, base tests.
    pub base: &'t TreeId,
    /// Head source, head tests.
    pub head: &'t TreeId,
    /// Base source, head tests.
    pub must_fail: &'t TreeId,
    /// Head source, base tests.
    pub regression: &'t TreeId,
}

/// What came of it.
#[derive(Default)]
pub struct Settled {
    /// Neither block nor prove.
    pub flaky: BTreeMap<TestId, Flaky>,
    /// Those of them that passed before and failed with the patch.
    pub blamed: BTreeSet<TestId>,
    /// Prove nothing: picked out they give another result than beside others.
    pub by_company: BTreeSet<TestId>,
    /// Red at the baseline, and green when asked again: nothing covers them up, and nothing mended them.
    pub red_by_chance: BTreeSet<TestId>,
    /// Fail beside others with the patch and pass alone, and there was no time to see it twice.
    pub unsettled: Vec<TestId>,
    /// What depends on what, in sentences for the reader of the pull request.
    pub dependences: Vec<String>,
    /// How often what was run, for the record.
    pub note: Option<String>,
}

/// The reruns of one suite.
pub struct Rerun<'r, 'a> {
    /// Where they take place.
    pub cells: &'r mut Cells<'a>,
    /// Of which suite.
    pub suite: usize,
    /// In which trees.
    pub trees: Trees<'r>,
    /// How often each tree is asked again (`gate.reruns`).
    pub reruns: u32,
    /// What the ledger says of this suite.
    pub known: BTreeMap<TestId, &'r Flake>,
    /// What they showed.
    pub history: History,
}

impl Rerun<'_, '_> {
    /// Runs the broken, the altered and the proving tests of one suite again; `changed` are tests with a new text that
    /// passed before and fail now.
    pub fn settle(mut self, compared: &Comparison, changed: &[TestId], command: &str) -> Result<Settled> {
        let broken = [ids(&compared.broken), changed.to_vec()].concat();
        let mut settled = Settled { blamed: broken.iter().cloned().collect(), ..Settled::default() };
        self.broken(&broken, &mut settled)?;
        self.altered(&ids(&compared.altered))?;
        self.red_by_chance(compared, &mut settled)?;
        self.proven(compared, &mut settled)?;
        for id in concerned(compared, &broken) {
            let (seen, condition) = match (self.history.flake(&id), self.known.get(&id)) {
                (Some(setting), _) if setting.cell == Cell::Baseline => (FlakySeen::Base, setting.words()),
                (_, Some(flake)) if settled.flaky.contains_key(&id) => (FlakySeen::Ledger, flake.seen.condition.clone()),
                (Some(setting), Some(_)) => (FlakySeen::Ledger, setting.words()),
                (Some(setting), None) => (FlakySeen::Patch, setting.words()),
                (None, _) => continue,
            };
            settled.flaky.insert(id.clone(), Flaky { test: id, suite: command.to_owned(), seen, condition });
        }
        Ok(settled)
    }

    /// Passed before and fail now. They get one chance more than a proof, and the base tree is asked as often.
    fn broken(&mut self, all: &[TestId], settled: &mut Settled) -> Result<()> {
        if all.is_empty() || all.len() > MANY {
            return Ok(());
        }
        for id in all {
            self.history.add(id, &Setting::whole(Cell::MustPass), false);
            self.history.add(id, &Setting::whole(Cell::Baseline), true);
        }
        let both = [Cell::MustPass, Cell::Baseline];
        let mut in_time = true;
        for conditions in turns(self.reruns + 1) {
            for cell in both {
                in_time &= self.run(&Setting::alone(cell, conditions.clone()), &self.steady(all))?;
            }
        }
        self.look_closer(all, &both)?;
        // Alone they do what they did not do beside others: the plain conditions are those of the whole suite.
        for (cell, expected) in [(Cell::MustPass, false), (Cell::Baseline, true)] {
            let alone = Setting::alone(cell, Conditions::plain());
            let contrary: Vec<TestId> =
                self.steady(all).into_iter().filter(|id| self.history.steady(id, &alone) == Some(!expected)).collect();
            if !self.run(&Setting::whole(cell), &contrary)? {
                settled.unsettled.extend(contrary.into_iter().filter(|id| !self.known.contains_key(id)));
                in_time = false;
            }
        }
        for _ in 0..HUNT {
            let suspects: Vec<TestId> = all.iter().filter(|id| self.only_with_patch(id)).cloned().collect();
            self.run(&Setting::alone(Cell::Baseline, Conditions::plain()), &suspects)?;
        }
        // What could not be looked at is believed to be what it was the last time.
        for id in self.steady(all).into_iter().filter(|id| !in_time && self.known.contains_key(id)) {
            settled.flaky.insert(id.clone(), Flaky { test: id, suite: String::new(), seen: FlakySeen::Ledger, condition: String::new() });
        }
        self.tell(all, &both, settled);
        Ok(())
    }

    /// Whether it passes and fails with the patch, and neither the base tree nor the ledger has seen that.
    fn only_with_patch(&self, id: &TestId) -> bool {
        !self.known.contains_key(id) && self.history.flake(id).is_some_and(|setting| setting.cell != Cell::Baseline)
    }

    /// Old texts that fail on head: what passes for once is no expectation that was altered.
    fn altered(&mut self, all: &[TestId]) -> Result<()> {
        if all.len() > MANY {
            return Ok(());
        }
        let (whole, alone) = (Setting::whole(Cell::Regression), Setting::alone(Cell::Regression, Conditions::plain()));
        all.iter().for_each(|id| self.history.add(id, &whole, false));
        self.run(&alone, all)?;
        let contrary = |rerun: &Self| -> Vec<TestId> {
            rerun.steady(all).into_iter().filter(|id| rerun.history.steady(id, &alone) == Some(true)).collect()
        };
        self.run(&alone, &contrary(self))?;
        self.run(&whole, &contrary(self)).map(drop)
    }

    /// Red at the baseline and green later. Only the base tree is asked; a new set-up could tell what suits it.
    fn red_by_chance(&mut self, compared: &Comparison, settled: &mut Settled) -> Result<()> {
        let all: Vec<TestId> = compared.covered_up.iter().chain(&compared.mended).cloned().collect();
        if all.len() > MANY {
            return Ok(());
        }
        let alone = Setting::alone(Cell::Baseline, Conditions::plain());
        for _ in 0..=self.reruns {
            let left: Vec<TestId> = all.iter().filter(|id| self.history.steady(id, &alone) != Some(true)).cloned().collect();
            self.run(&alone, &self.steady(&left))?;
        }
        all.iter().for_each(|id| self.history.add(id, &Setting::whole(Cell::Baseline), false));
        let contrary: Vec<TestId> = self.steady(&all).into_iter().filter(|id| self.history.steady(id, &alone) == Some(true)).collect();
        self.run(&Setting::whole(Cell::Baseline), &contrary)?;
        let chance = |id: &&TestId| self.history.steady(id, &alone) == Some(true) || self.history.flake(id).is_some();
        settled.red_by_chance.extend(all.iter().filter(chance).cloned());
        Ok(())
    }

    /// Tests that prove: red on base and green on head each time they run alone.
    fn proven(&mut self, compared: &Comparison, settled: &mut Settled) -> Result<()> {
        for id in compared.proven.iter().map(|one| &one.test).filter(|id| self.known.contains_key(id)) {
            let known = Flaky { test: id.clone(), suite: String::new(), seen: FlakySeen::Ledger, condition: String::new() };
            settled.flaky.insert(id.clone(), known);
        }
        // A test whose file did not load on base has no result there to repeat.
        let repeated = compared.proven.iter().filter(|one| one.red != RedKind::MissingApi && !self.known.contains_key(&one.test));
        let all: Vec<TestId> = repeated.map(|one| one.test.clone()).collect();
        if all.is_empty() || all.len() > MANY {
            return Ok(());
        }
        let both = [Cell::MustFail, Cell::MustPass];
        let hangs = compared.proven.iter().any(|one| one.red == RedKind::Hang);
        let turns = turns(if hangs { self.reruns.min(1) } else { self.reruns });
        for conditions in &turns {
            for cell in both {
                self.run(&Setting::alone(cell, conditions.clone()), &self.steady(&all))?;
            }
        }
        if !hangs {
            self.look_closer(&all, &both)?;
        }
        // Alone they do what they did not do beside others.
        let plain = |cell| Setting::alone(cell, Conditions::plain());
        for (cell, expected) in [(Cell::MustFail, false), (Cell::MustPass, true)] {
            all.iter().for_each(|id| self.history.add(id, &Setting::whole(cell), expected));
            let contrary = self.steady(&all).into_iter().filter(|id| self.history.steady(id, &plain(cell)) == Some(!expected));
            let contrary: Vec<TestId> = contrary.collect();
            self.run(&Setting::whole(cell), &contrary)?;
        }
        for id in self.steady(&all) {
            let contrary = self.history.steady(&id, &plain(Cell::MustFail)) == Some(true)
                || self.history.steady(&id, &plain(Cell::MustPass)) == Some(false);
            if contrary {
                settled.by_company.insert(id);
            }
        }
        let varied = turns.iter().map(Conditions::told).filter(|told| !told.is_empty()).collect::<Vec<_>>().join("; ");
        let how = if varied.is_empty() { String::new() } else { format!(", in some of them with other conditions ({varied})") };
        let (tests, times) = (count(all.len(), "proving test was", "proving tests were"), count(turns.len(), "more time", "more times"));
        settled.note = (!turns.is_empty()).then(|| format!("{tests} run alone {times} on both trees{how}."));
        self.tell(&all, &both, settled);
        Ok(())
    }

    /// Another result under changed conditions: the same run again, and each change by itself.
    fn look_closer(&mut self, all: &[TestId], cells: &[Cell]) -> Result<()> {
        for cell in cells {
            let departed = |rerun: &Self| {
                let mut groups: BTreeMap<Conditions, Vec<TestId>> = BTreeMap::new();
                for id in rerun.steady(all) {
                    for conditions in rerun.history.departs(&id, *cell) {
                        groups.entry(conditions).or_default().push(id.clone());
                    }
                }
                groups
            };
            for (conditions, tests) in departed(self) {
                self.run(&Setting::alone(*cell, conditions), &tests)?;
                self.run(&Setting::alone(*cell, Conditions::plain()), &tests)?;
            }
            for (conditions, tests) in departed(self) {
                for one in conditions.each() {
                    self.run(&Setting::alone(*cell, one), &tests)?;
                }
            }
        }
        Ok(())
    }

    /// Says what depends on what.
    fn tell(&self, all: &[TestId], cells: &[Cell], settled: &mut Settled) {
        for id in self.steady(all) {
            for cell in cells {
                settled.dependences.extend(self.dependence(&id, *cell));
            }
        }
    }

    fn dependence(&self, id: &TestId, cell: Cell) -> Option<String> {
        let side = if matches!(cell, Cell::MustPass | Cell::Regression) { "with the patch" } else { "without the patch" };
        let alone = self.history.steady(id, &Setting::alone(cell, Conditions::plain()));
        let whole = self.history.steady(id, &Setting { cell, company: Company::Whole, conditions: Conditions::plain() });
        let does = |passes: bool| if passes { "passes" } else { "fails" };
        if let (Some(alone), Some(whole)) = (alone, whole)
            && alone != whole
        {
            return Some(format!("`{id}` depends on other tests: {side} it {} beside them and {} alone.", does(whole), does(alone)));
        }
        let plain = alone?;
        let single = self.history.depends(id, cell);
        let told = match single.as_slice() {
            [] => self.history.departs(id, cell).first()?.told(),
            some => some.iter().map(|(_, conditions)| conditions.told()).collect::<Vec<_>>().join(", "),
        };
        let what = match single.as_slice() {
            [] => "its surroundings".to_owned(),
            some => {
                some.iter().map(|(condition, _)| condition.words()).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" and ")
            }
        };
        Some(format!("`{id}` depends on {what}: {side} it {}, and with {told} it {}.", does(plain), does(!plain)))
    }

    /// Those that have not been seen to be flaky.
    fn steady(&self, all: &[TestId]) -> Vec<TestId> {
        all.iter().filter(|id| self.history.flake(id).is_none()).cloned().collect()
    }

    /// One run, noted; false when there was no time left for it.
    fn run(&mut self, setting: &Setting, tests: &[TestId]) -> Result<bool> {
        if tests.is_empty() {
            return Ok(true);
        }
        let tree = match setting.cell {
            Cell::Baseline => self.trees.base,
            Cell::MustPass => self.trees.head,
            Cell::MustFail => self.trees.must_fail,
            Cell::Regression => self.trees.regression,
        };
        let selection = match setting.company {
            Company::Whole => Selection::All,
            Company::Alone => Selection::Tests(tests.to_vec()),
        };
        let Some(run) = self.cells.run_again(setting, tree, self.suite, &selection)? else { return Ok(false) };
        self.history.note(setting, &run.report, tests);
        Ok(true)
    }
}

/// Plain and varied by turns, plain first.
fn turns(count: u32) -> Vec<Conditions> {
    let turn = |at: u32| if at.is_multiple_of(2) { Conditions::plain() } else { Conditions::varied((at / 2) as u8) };
    (0..count).map(turn).collect()
}

fn ids(list: &[Broken]) -> Vec<TestId> {
    list.iter().map(|one| one.test.clone()).collect()
}

/// Every test that was looked at.
fn concerned(compared: &Comparison, broken: &[TestId]) -> BTreeSet<TestId> {
    let told = broken.iter().cloned().chain(ids(&compared.altered)).chain(compared.proven.iter().map(|one| one.test.clone()));
    told.chain(compared.covered_up.iter().cloned()).chain(compared.mended.iter().cloned()).collect()
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_begin_plain_and_vary() {
        assert_eq!(turns(0), []);
        assert_eq!(turns(4), [Conditions::plain(), Conditions::varied(0), Conditions::plain(), Conditions::varied(1)]);
    }
}
