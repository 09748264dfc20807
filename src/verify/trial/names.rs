//! Where a test is red on the base and green on head: is it by what the patch does, or by its mere presence? The proving
//! tests run once more on the base source that has nothing of the patch but its new names and its version.

use super::{Heard, Trial};
use crate::error::Result;
use crate::runner::{Outcome, Selection, TestId};
use crate::task::Event;
use crate::verify::facts::Unproven;
use crate::verify::merged::{self, Bodies};
use crate::verify::red::Weak;
use crate::verify::split::{Side, Sided};
use crate::verify::{Proven, RedKind, dependencies};
use crate::workspace::Content;

/// Files that say which version this is.
const MANIFESTS: [&str; 7] = ["package.json", "Cargo.toml", "Cargo.lock", "pyproject.toml", "setup.cfg", "setup.py", "composer.json"];

impl Trial<'_> {
    /// Takes those out of the proof that pass without anything behind the names; and of those that speak of a new name
    /// themselves, which would miss it on the base, those that need nothing of what was there before.
    pub(super) fn by_names(&mut self, heard: &[Heard]) -> Result<()> {
        let strong = |one: &&Proven| one.red != RedKind::MissingApi;
        let all: Vec<TestId> = self.facts.proven.iter().filter(strong).map(|one| one.test.clone()).collect();
        self.without_bodies(heard, &all, Bodies::Hollow)?;
        let rest: Vec<TestId> = self.facts.proven.iter().filter(strong).map(|one| one.test.clone()).collect();
        let speaking: Vec<TestId> = rest.into_iter().filter(|id| self.speaks_of_a_new_name(id, heard)).collect();
        self.without_bodies(heard, &speaking, Bodies::Real)
    }

    fn without_bodies(&mut self, heard: &[Heard], tests: &[TestId], bodies: Bodies) -> Result<()> {
        let changes: Vec<_> = if tests.is_empty() { Vec::new() } else { self.named_only(bodies) };
        if changes.is_empty() {
            return Ok(());
        }
        let tree = self.judge.cache.overlay(&self.split.must_fail, &changes)?;
        self.judge.reporter.event(&Event::Progress { what: "do the new tests only ask whether the patch is there?".into() });
        for (suite, one) in heard.iter().enumerate() {
            let own: Vec<TestId> = tests.iter().filter(|id| one.must_pass.cases.contains_key(id)).cloned().collect();
            if own.is_empty() {
                continue;
            }
            let Some(report) = self.cells.run_in("names", &tree, suite, &Selection::Tests(own.clone()))? else { return Ok(()) };
            let passes = |id: &TestId| own.contains(id) && report.cases.get(id).is_some_and(|case| case.outcome == Outcome::Passed);
            let (by_name, proven): (Vec<_>, Vec<_>) = self.facts.proven.drain(..).partition(|one| passes(&one.test));
            self.facts.proven = proven;
            let weak = by_name.into_iter().map(|one| Unproven { test: one.test, why: Weak::Names, lines: one.lines });
            self.facts.unproven.extend(weak);
        }
        Ok(())
    }

    fn speaks_of_a_new_name(&self, id: &TestId, heard: &[Heard]) -> bool {
        let file = heard.iter().find_map(|one| one.must_pass.cases.get(id)).and_then(|case| case.file.as_deref());
        let item = self.tests.head_item(id, file);
        item.is_some_and(|(_, item)| {
            item.body.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| self.known.added.contains(word))
        })
    }

    /// The source files of the patch with nothing but their new names. A version alone is looked at where the tests do.
    fn named_only(&self, bodies: Bodies) -> Vec<(String, Content)> {
        let speaks = |file: &Sided| file.head.as_deref().is_some_and(|text| text.to_ascii_lowercase().contains("version"));
        let of_version = self.split.test_side().any(speaks);
        let own = self.split.source_side().filter(|file| file.side == Side::Source && file.head.is_some());
        let put = |file: &Sided, text: String| Some((file.path.clone(), Some((text.into_bytes(), file.mode()))));
        own.filter_map(|file| {
            let (base, head) = (file.base.as_deref().unwrap_or_default(), file.head.as_deref()?);
            let name = file.path.rsplit('/').next().unwrap_or_default();
            if MANIFESTS.contains(&name) {
                return put(file, head.to_owned()).filter(|_| of_version && !dependencies::changes(&self.split).any());
            }
            let text = merged::with_new_names(&file.path, base, head, bodies)?;
            put(file, text)
        })
        .collect()
    }
}
