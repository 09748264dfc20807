//! What the cells say together, suite by suite: compared, what differs run again, and added to the facts.

use super::pace::was_cut;
use super::{Heard, Trial};
use crate::error::Result;
use crate::runner::TestId;
use crate::verify::compare::{Comparison, compare};
use crate::verify::facts::{Broken, Shape, Unproven};
use crate::verify::history::History;
use crate::verify::red::Weak;
use crate::verify::rerun::{Rerun, Trees};
use crate::verify::{RedKind, needs, remarks, tamper, troubles};

impl Trial<'_> {
    /// Compares every suite's cells; answers with the old expectations that no longer hold.
    pub(super) fn conclude(&mut self, heard: &[Heard]) -> Result<Vec<Broken>> {
        let mut altered = Vec::new();
        for (suite, one) in heard.iter().enumerate() {
            let mut compared = compare(one.observed(), &self.tests, &self.known);
            if self.is_cut_off(one, &compared) {
                continue;
            }
            self.near_the_limit(one, &mut compared);
            self.changing_names(suite, one, &mut compared)?;
            self.settle(suite, one, &mut compared)?;
            altered.append(&mut compared.altered);
            self.take(compared, one);
        }
        self.nothing_to_go_by();
        Ok(altered)
    }

    /// Where no test passes on both sides none can say that nothing broke, and where the patch's own tests did not end
    /// none can say that they do not fail.
    fn nothing_to_go_by(&mut self) {
        let facts = &mut self.facts;
        let spotless = facts.reasons.is_empty() && facts.failing.is_empty() && facts.broken.is_empty() && facts.lost.is_empty();
        if facts.unknowable.is_some() || !spotless || !facts.proven.is_empty() {
            return;
        }
        if facts.shape == Shape::Both && self.own_cut_off {
            let text = "the patch's own tests did not end within `test.timeout` and `gate.budget`, and what ran of them proves nothing";
            facts.unknowable = Some(text.into());
        } else if facts.no_new_behaviour && facts.tests.0 > 0 && self.pass_to_pass == 0 {
            let text = "no test passes both without and with the patch, so that none can say that it breaks nothing";
            facts.unknowable = Some(text.into());
        }
    }

    /// Whether a suite was stopped at its limit with and without the patch, could not be run in parts, and the runs differ:
    /// which tests a stopped run leaves out, or takes down with it, is chance.
    fn is_cut_off(&mut self, heard: &Heard, compared: &Comparison) -> bool {
        let differs = !(compared.lost.is_empty() && compared.failing.is_empty() && compared.broken.is_empty());
        let cut_off = differs && was_cut(&heard.baseline) && was_cut(&heard.must_pass);
        if cut_off {
            let limit = self.judge.config.test.timeout;
            let text =
                format!("`{}` needs more than its limit of {limit} (`test.timeout`), with and without the patch", heard.baseline.command);
            self.facts.unknowable = Some(text);
        }
        cut_off
    }

    /// A hang is mended when the test ends well inside the limit; one that barely does may only have been lucky.
    fn near_the_limit(&self, heard: &Heard, compared: &mut Comparison) {
        let half = self.judge.config.test.case_timeout.duration().as_millis() as u64 / 2;
        let took = |id: &TestId| heard.must_pass.cases.get(id).and_then(|case| case.elapsed_ms);
        let (slow, proven): (Vec<_>, Vec<_>) =
            compared.proven.drain(..).partition(|one| one.red == RedKind::Hang && took(&one.test).is_some_and(|ms| ms > half));
        compared.proven = proven;
        compared.unproven.extend(slow.into_iter().map(|one| Unproven { test: one.test, why: Weak::Slow, lines: one.lines }));
    }

    /// Runs what differs again, on both trees: what passes and fails by turns neither blocks nor proves.
    fn settle(&mut self, suite: usize, heard: &Heard, compared: &mut Comparison) -> Result<()> {
        let suite_command = &self.judge.bench.suites[suite].command;
        let known = self.judge.flakes.iter().filter(|flake| flake.seen.suite == *suite_command);
        let reruns = Rerun {
            cells: &mut self.cells,
            suite,
            trees: Trees {
                base: &self.patch.base_tree,
                head: &self.patch.head_tree,
                must_fail: &self.split.must_fail,
                regression: &self.split.regression,
            },
            reruns: self.judge.config.gate.reruns,
            known: known.map(|flake| (TestId::new(&[&flake.seen.test]), flake)).collect(),
            history: History::default(),
        };
        let settled = reruns.settle(compared, &heard.changed_and_broken(compared), suite_command)?;
        self.facts.questions.extend(remarks::shaky(&settled));
        let is_flaky = |id: &TestId| settled.flaky.contains_key(id);
        for group in [&mut compared.broken, &mut compared.failing] {
            group.retain(|one| !is_flaky(&one.test) && !settled.unsettled.contains(&one.test));
        }
        compared.altered.retain(|one| !is_flaky(&one.test));
        compared.covered_up.retain(|one| !settled.red_by_chance.contains(one));
        compared.mended.retain(|one| !settled.red_by_chance.contains(one));
        for (why, gone) in [(Weak::Flaky, &settled.flaky.keys().cloned().collect()), (Weak::Company, &settled.by_company)] {
            let (shaky, proven): (Vec<_>, Vec<_>) = compared.proven.drain(..).partition(|one| gone.contains(&one.test));
            compared.proven = proven;
            compared.unproven.extend(shaky.into_iter().map(|one| Unproven { test: one.test, why, lines: one.lines }));
        }
        self.notes.extend(settled.note);
        self.not_verified.extend(settled.dependences);
        self.flaky.extend(settled.flaky.into_values());
        Ok(())
    }

    /// Adds one suite's comparison to the facts.
    fn take(&mut self, mut compared: Comparison, heard: &Heard) {
        let facts = &mut self.facts;
        self.not_verified.extend(needs::take_out(facts, &mut compared, &heard.baseline, &heard.must_pass));
        facts.tests.0 += heard.baseline.cases.len() as u64;
        facts.tests.1 += heard.must_pass.cases.len() as u64;
        for trouble in &compared.troubles {
            troubles::judge(facts, trouble, &heard.baseline, self.patch, self.installed.as_ref(), &self.judge.config.test);
        }
        self.pass_to_pass += compared.pass_to_pass;
        self.red_before.extend(compared.red_before);
        let (new, old) = remarks::skipped(&heard.baseline, &heard.must_pass);
        self.not_verified.extend(new);
        self.notes.extend(old);
        tamper::covered_up(facts, &compared.covered_up, &self.split);
        facts.mended.extend(compared.mended);
        facts.proven.extend(compared.proven);
        facts.unproven.extend(compared.unproven);
        facts.failing.extend(compared.failing);
        // Without a change of the source, only the tests themselves can have turned red.
        let target = if facts.shape == Shape::TestsOnly { &mut facts.failing } else { &mut facts.broken };
        target.extend(compared.broken);
        facts.lost.extend(compared.lost);
        facts.questions.extend(remarks::renamed(&compared.renamed));
        facts.questions.extend(remarks::fewer(&compared.fewer));
    }
}
