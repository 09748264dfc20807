//! What the texts of a patch say: before anything runs, and once it is known which tests prove.

use std::collections::BTreeSet;

use super::{Heard, Trial};
use crate::runner::{Outcome, TestId};
use crate::verify::facts::Broken;
use crate::verify::identify::Place;
use crate::verify::unread::{self, Tongues};
use crate::verify::{Flip, aware, equality, flips, knowledge, runner_config, seize, subject, tamper};

impl Trial<'_> {
    /// Tampering that needs no run to be seen.
    pub(super) fn read_texts(&mut self) {
        self.facts.reasons.extend(tamper::files(&self.split));
        self.facts.reasons.extend(seize::look(&self.split, self.known.source_paths.iter().map(String::as_str)));
        let settings = runner_config::changes(&self.split);
        self.facts.reasons.extend(settings.reasons);
        self.facts.questions.extend(settings.questions);
        let suites = self.judge.bench.suites.iter();
        let commands: Vec<&str> = suites.flat_map(|suite| suite.build.iter().chain([&suite.command])).map(String::as_str).collect();
        let aware = aware::look(&self.split, &commands, &self.known.source_paths);
        self.facts.reasons.extend(aware.reasons);
        self.facts.questions.extend(aware.questions);
        self.facts.questions.extend(equality::look(&self.split));
    }

    /// Altered expectations and tampering, by the texts of the tests.
    pub(super) fn judge_texts(&mut self, altered: &[Broken], heard: &[Heard]) {
        let reports = || heard.iter().map(|one| &one.must_pass).chain(heard.iter().map(|one| &one.baseline));
        let file_of = |id: &TestId| reports().find_map(|report| report.cases.get(id)).and_then(|case| case.file.clone());
        let removed = knowledge::removed(&self.split);
        let gone = |body: &str| body.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| removed.contains(word));
        let facts = &mut self.facts;
        // An example in the documentation leaves with the item it belongs to.
        facts.lost.retain(|one| !(one.test.as_str().contains("doctest ") && gone(one.test.as_str())));
        let judged = flips::judge(altered, &facts.proven, &self.tests, file_of, gone);
        facts.flips.extend::<Vec<Flip>>(judged.flips);
        facts.questions.extend(judged.questions);
        facts.reasons.extend(judged.reasons);
        self.notes.extend(judged.notes);
        let mut tongues = Tongues::default();
        for (suite, one) in self.judge.bench.suites.iter().zip(heard) {
            tongues.add(suite.program, one.baseline.cases.values().map(|case| case.file.as_deref()));
        }
        facts.questions.extend(unread::look(&self.split, &tongues, &facts.flips));
        let place = |id: &TestId| {
            let file = file_of(id);
            self.tests.head_item(id, file.as_deref()).map(|(path, item)| (path.to_owned(), item.path()))
        };
        let proven: BTreeSet<Place> = facts.proven.iter().filter_map(|one| place(&one.test)).collect();
        // A function of which one test did not run has not run.
        let results = || heard.iter().flat_map(|one| &one.must_pass.cases);
        let of = |wanted: fn(&Outcome) -> bool| -> BTreeSet<Place> {
            results().filter(|(_, case)| wanted(&case.outcome)).filter_map(|(id, _)| place(id)).collect()
        };
        let (passed, others) = (of(|one| *one == Outcome::Passed), of(|one| *one != Outcome::Passed));
        let passed = passed.difference(&others).cloned().collect();
        let old_place = |one: &Broken| {
            let file = file_of(&one.test);
            self.tests.base_item(&one.test, file.as_deref()).map(|(path, item)| (path.to_owned(), item.path()))
        };
        let broken = altered.iter().filter_map(old_place).collect();
        let seen = tamper::Seen { proven, passed, broken };
        let found = tamper::look(&self.tests, &seen, gone);
        facts.reasons.extend(found.reasons);
        facts.questions.extend(found.questions);
        facts.questions.extend(subject::look(&self.split, &self.tests, &seen.proven));
        self.notes.extend(found.notes);
    }
}
