//! What was seen, for the record: the evidence that a verdict rests on, and what was not verified.

use super::Trial;
use crate::error::Result;
use crate::runner::{TestId, is_manifest};
use crate::verify::Evidence;
use crate::verify::facts::{decisive, some_of};
use crate::verify::split::Sided;

impl Trial<'_> {
    /// Ends the trial: the trees are removed, everything that was seen is written down.
    pub fn evidence(mut self) -> Result<Evidence> {
        let not_verified = self.not_verified();
        self.cells.discard()?;
        let mut notes: Vec<String> = self.judge.bench.suites.iter().map(|suite| format!("`{}`: {}", suite.command, suite.why)).collect();
        notes.extend(self.notes);
        let paths = |files: Vec<&Sided>| files.into_iter().map(|file| file.path.clone()).collect();
        Ok(Evidence {
            runs: self.runs,
            fail_to_pass: self.facts.proven,
            pass_to_pass: self.pass_to_pass,
            flips: self.facts.flips,
            red_before: self.red_before,
            flaky: self.flaky,
            test_files: paths(self.split.test_side().collect()),
            source_files: paths(self.split.source_side().collect()),
            not_verified,
            checks: Vec::new(),
            tier: self.judge.sandbox.tier(),
            notes,
        })
    }

    fn not_verified(&mut self) -> Vec<String> {
        let mut sentences = std::mem::take(&mut self.not_verified);
        let partly = self.judge.bench.warnings.iter().map(|one| decisive(one).trim_end().replace('\n', " "));
        sentences.extend(partly.map(|one| format!("Not all could be installed, and what needs it did not run: {one}.")));
        if self.facts.no_new_behaviour && self.facts.proven.is_empty() {
            sentences.push("Whether the touched lines are covered by tests was not measured.".into());
        }
        if let Some(file) = self.patch.files.iter().find(|file| is_manifest(&file.path)) {
            sentences.push(format!("{} changed; the tests ran with what was installed for the base tree.", file.path));
        }
        if !self.red_before.is_empty() {
            let names = some_of(self.red_before.iter().map(TestId::as_str));
            sentences.push(format!("Already failing before the patch, and still: {names}."));
        }
        sentences
    }
}
