//! Whether the set-up of the tests does what the source should: the proving tests run once more on the head source with
//! the helpers and fixtures of the base. One that lacks something there is no surprise; one whose assertion no longer
//! holds stands on what the patch changed around it.

use super::{Heard, Trial};
use crate::error::Result;
use crate::runner::{FaultKind, Outcome, Selection, TestId};
use crate::task::Event;
use crate::verify::facts::some_of;
use crate::verify::split::{Side, Sided};
use crate::verify::syntax::Language;
use crate::verify::{Question, RedKind};

impl Trial<'_> {
    /// Asks about proving tests that changed helpers decide.
    pub(super) fn by_set_up(&mut self, heard: &[Heard]) -> Result<()> {
        let strong = self.facts.proven.iter().filter(|one| one.red != RedKind::MissingApi);
        let tests: Vec<TestId> = strong.map(|one| one.test.clone()).collect();
        let helpers: Vec<&Sided> = self.split.test_side().filter(|file| self.is_helper(file)).collect();
        if tests.is_empty() || helpers.is_empty() {
            return Ok(());
        }
        let before: Vec<_> = helpers
            .iter()
            .map(|file| (file.path.clone(), file.base.as_ref().map(|text| (text.clone().into_bytes(), file.mode()))))
            .collect();
        let files = some_of(helpers.iter().map(|file| file.path.as_str()));
        let tree = self.judge.cache.overlay(&self.patch.head_tree, &before)?;
        self.judge.reporter.event(&Event::Progress { what: format!("do the new tests pass because of {files}?") });
        let mut decided = Vec::new();
        for (suite, one) in heard.iter().enumerate() {
            let own: Vec<TestId> = tests.iter().filter(|id| one.must_pass.cases.contains_key(id)).cloned().collect();
            if own.is_empty() {
                continue;
            }
            let Some(report) = self.cells.run_in("set-up", &tree, suite, &Selection::Tests(own.clone()))? else { return Ok(()) };
            let fails = |id: &TestId| {
                let outcome = report.cases.get(id).map(|case| &case.outcome);
                matches!(outcome, Some(Outcome::Failed(fault)) if fault.kind == FaultKind::Assertion)
            };
            decided.extend(own.into_iter().filter(fails));
        }
        if !decided.is_empty() {
            let names = some_of(decided.iter().map(TestId::as_str));
            let text = format!(
                "With the patched source and {files} as before, {names} no longer holds. Is the fault mended in the source, or around the tests?"
            );
            self.facts.questions.push(Question { name: "replaces-source".into(), text, lines: String::new() });
        }
        Ok(())
    }

    /// Code on the test side that holds no test.
    fn is_helper(&self, file: &Sided) -> bool {
        let code = Language::of(&file.path).is_some_and(|language| !language.is_plain());
        let holds_tests = self.tests.files.get(&file.path).is_some_and(|versions| !(versions.head.is_empty() && versions.base.is_empty()));
        code && file.side != Side::Mixed && !holds_tests && (file.base.is_some() || !file.existed)
    }
}
