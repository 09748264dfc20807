//! Where all proof is a missing name: does the test need what stands behind it?

use super::{Heard, Trial};
use crate::error::Result;
use crate::runner::{Report, TestId};
use crate::task::Event;
use crate::verify::facts::{Hollow, some_of};
use crate::verify::{RedKind, functions, hollow};

impl Trial<'_> {
    /// Runs the proving tests on head with every added function made to fail.
    pub(super) fn hollow_run(&mut self, heard: &[Heard]) -> Result<()> {
        let proven = &self.facts.proven;
        if proven.is_empty() || proven.iter().any(|one| one.red != RedKind::MissingApi) {
            return Ok(());
        }
        self.judge.reporter.event(&Event::Progress { what: "hollow run: do the new tests notice when the added functions fail?".into() });
        let tests: Vec<TestId> = proven.iter().map(|one| one.test.clone()).collect();
        let heads: Vec<&Report> = heard.iter().map(|one| &one.must_pass).collect();
        self.facts.hollow = match hollow::tree(self.judge.cache, &self.patch.head_tree, &self.split)? {
            Some(tree) => hollow::run(&mut self.cells, &tree, &heads, &tests)?,
            None => Hollow::Unable("the patch adds no function that could be made to fail".into()),
        };
        if let Hollow::Noticed(noticed) = &self.facts.hollow
            && !noticed.is_empty()
        {
            let names = some_of(noticed.iter().map(TestId::as_str));
            self.notes.push(format!("With the added functions made to fail (`{}`), {names} turn red.", functions::HOLLOW));
            self.facts.proven.retain(|one| noticed.contains(&one.test));
        }
        Ok(())
    }
}
