//! What single tests did, run by run, and what that says. A test is flaky when it gives two results in one tree under the
//! same conditions. Another result under *other* conditions (another time zone, alone instead of beside others) is a
//! dependence: it has a name, and the plain conditions still say what they say. Pure; which runs are made is `rerun`.

use std::collections::{BTreeMap, BTreeSet};

use super::Cell;
use crate::runner::{Condition, Conditions, Outcome, Report, TestId};

/// Whether a test ran with the whole suite or picked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Company {
    /// Beside all others.
    Whole,
    /// Picked out.
    Alone,
}

/// Where and how a test ran.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Setting {
    /// In which tree.
    pub cell: Cell,
    /// Beside which tests.
    pub company: Company,
    /// What was changed.
    pub conditions: Conditions,
}

impl Setting {
    /// Picked out, under these conditions.
    pub fn alone(cell: Cell, conditions: Conditions) -> Setting {
        Setting { cell, company: Company::Alone, conditions }
    }

    /// Beside all others, as the repository has it.
    pub fn whole(cell: Cell) -> Setting {
        Setting { cell, company: Company::Whole, conditions: Conditions::plain() }
    }

    /// The conditions in words, for the ledger.
    pub fn words(&self) -> String {
        let company = match self.company {
            Company::Whole => "beside others",
            Company::Alone => "alone",
        };
        match self.conditions.each().as_slice() {
            [] => company.to_owned(),
            [one] => format!("{company}, {}", one.told()),
            _ => format!("{company}, surroundings varied"),
        }
    }
}

/// All results of some tests. A test that did not run (skipped, cut off, not there) leaves no trace.
#[derive(Debug, Clone, Default)]
pub struct History {
    results: BTreeMap<(TestId, Setting), BTreeSet<bool>>,
}

impl History {
    /// Takes one run in.
    pub fn note(&mut self, setting: &Setting, report: &Report, tests: &[TestId]) {
        for id in tests {
            let passed = match report.cases.get(id).map(|case| &case.outcome) {
                Some(Outcome::Passed) => true,
                Some(Outcome::Failed(_)) => false,
                Some(Outcome::Skipped(_)) | None => continue,
            };
            self.add(id, setting, passed);
        }
    }

    /// Takes one result in.
    pub fn add(&mut self, id: &TestId, setting: &Setting, passed: bool) {
        self.results.entry((id.clone(), setting.clone())).or_default().insert(passed);
    }

    /// Whether it passes there; none when it has not run there, or has both results.
    pub fn steady(&self, id: &TestId, setting: &Setting) -> Option<bool> {
        let results = self.results.get(&(id.clone(), setting.clone()))?;
        if results.len() == 1 { results.first().copied() } else { None }
    }

    /// The settings in which a test passed and failed.
    pub fn unsteady<'h>(&'h self, id: &'h TestId) -> impl Iterator<Item = &'h Setting> {
        let own = self.results.iter().filter(move |((test, _), results)| test == id && results.len() > 1);
        own.map(|((_, setting), _)| setting)
    }

    /// Whether it is flaky: on the base tree, where no patch had a hand in it, before others.
    pub fn flake<'h>(&'h self, id: &'h TestId) -> Option<&'h Setting> {
        self.unsteady(id).min_by_key(|setting| (setting.cell != Cell::Baseline, *setting))
    }

    /// Changed conditions under which, picked out, it does not do what it does picked out under plain ones.
    pub fn departs(&self, id: &TestId, cell: Cell) -> Vec<Conditions> {
        let Some(plain) = self.steady(id, &Setting::alone(cell, Conditions::plain())) else { return Vec::new() };
        let own = self.results.iter().filter(|((test, setting), _)| {
            test == id && setting.cell == cell && setting.company == Company::Alone && !setting.conditions.is_plain()
        });
        own.filter(|(_, results)| results.contains(&!plain)).map(|((_, setting), _)| setting.conditions.clone()).collect()
    }

    /// What it depends on: single conditions whose change alone changes the result.
    pub fn depends(&self, id: &TestId, cell: Cell) -> Vec<(Condition, Conditions)> {
        let of =
            |conditions: &Conditions| Condition::ALL.into_iter().find(|one| conditions.only(*one) == *conditions && !conditions.is_plain());
        self.departs(id, cell).into_iter().filter_map(|conditions| Some((of(&conditions)?, conditions))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::compare::tests::{id, red, report};
    use super::*;
    use crate::runner::Outcome::{Passed, Skipped};

    fn alone(cell: Cell) -> Setting {
        Setting::alone(cell, Conditions::plain())
    }

    #[test]
    fn two_results_under_the_same_conditions_are_a_flake_and_under_others_a_dependence() {
        let (test, zone) = (id("t"), Conditions::varied(0).only(Condition::TimeZone));
        let mut history = History::default();
        history.add(&test, &alone(Cell::Baseline), true);
        history.add(&test, &Setting::alone(Cell::Baseline, zone.clone()), false);
        history.add(&test, &Setting::whole(Cell::Baseline), false);
        history.add(&test, &alone(Cell::MustPass), false);
        assert_eq!(history.flake(&test), None);
        assert_eq!(history.depends(&test, Cell::Baseline), [(Condition::TimeZone, zone)]);
        assert!(history.depends(&test, Cell::MustPass).is_empty());
        history.add(&test, &alone(Cell::MustPass), true);
        assert_eq!(history.flake(&test), Some(&alone(Cell::MustPass)));
        history.add(&test, &Setting::whole(Cell::Baseline), true);
        assert_eq!(history.flake(&test).unwrap().cell, Cell::Baseline, "what no patch had a hand in comes first");
        assert_eq!(history.flake(&test).unwrap().words(), "beside others");
    }

    #[test]
    fn all_at_once_is_a_departure_but_names_nothing() {
        let (test, mut history) = (id("t"), History::default());
        history.add(&test, &alone(Cell::MustPass), true);
        history.add(&test, &Setting::alone(Cell::MustPass, Conditions::varied(1)), false);
        assert_eq!(history.departs(&test, Cell::MustPass), [Conditions::varied(1)]);
        assert!(history.depends(&test, Cell::MustPass).is_empty());
    }

    #[test]
    fn what_did_not_run_says_nothing() {
        let mut history = History::default();
        let tests = ["a", "b", "c", "d"].map(id);
        history.note(&alone(Cell::Baseline), &report(&[("a", Passed), ("b", red()), ("c", Skipped("x".into()))]), &tests);
        let steady = tests.each_ref().map(|test| history.steady(test, &alone(Cell::Baseline)));
        assert_eq!(steady, [Some(true), Some(false), None, None]);
    }
}
