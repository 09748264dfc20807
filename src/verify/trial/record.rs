//! What was seen, for the record: the evidence that a verdict rests on, and what was not verified.

use super::Trial;
use crate::error::Result;
use crate::runner::TestId;
use crate::verify::dependencies;
use crate::verify::facts::{decisive, some_of};
use crate::verify::mutants::NOT_MEASURED;
use crate::verify::split::Sided;
use crate::verify::{Evidence, Part};

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
            part: self.part,
            test_files: paths(self.split.test_side().collect()),
            source_files: paths(self.split.source_side().collect()),
            not_verified,
            checks: Vec::new(),
            tier: self.judge.sandbox.tier(),
            mutants: None,
            notes,
        })
    }

    /// What the budget was too short for.
    fn in_part(&self, part: Part) -> String {
        let files = |count: u64| if count == 1 { "1 test file".to_owned() } else { format!("{count} test files") };
        let reached = match part.reached {
            0 => "none of them in a package that the patch changes or that depends on one".to_owned(),
            count => format!("{} of them in packages that the patch changes or that depend on these", files(count)),
        };
        let unrun = if part.files == 0 { String::new() } else { format!(" {} did not run, {reached}.", files(part.files)) };
        let budget = self.judge.config.gate.budget;
        format!("{} within the budget of {budget} (`gate.budget`), the patch's own first, then those nearest to it.{unrun}", part.says())
    }

    fn not_verified(&mut self) -> Vec<String> {
        let mut sentences = std::mem::take(&mut self.not_verified);
        sentences.extend(self.part.map(|part| self.in_part(part)));
        let partly = self.judge.bench.warnings.iter().map(|one| decisive(one).trim_end().replace('\n', " "));
        sentences.extend(partly.map(|one| format!("Not all could be installed, and what needs it did not run: {one}.")));
        if self.facts.no_new_behaviour && self.facts.proven.is_empty() {
            sentences.push(NOT_MEASURED.into());
        }
        let programs = dependencies::changes(&self.split).programs;
        if let Some(file) = programs.first() {
            sentences.push(format!("{file} changed and is a program; the tests ran with what was installed for the base tree."));
        }
        if !self.red_before.is_empty() {
            let names = some_of(self.red_before.iter().map(TestId::as_str));
            sentences.push(format!("Already failing before the patch, and still: {names}."));
        }
        sentences
    }
}
