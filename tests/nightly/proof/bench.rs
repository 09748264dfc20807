//! Where the cases of one base tree are put before the gate: beside a ground of the library, which makes its setup and
//! baseline once, or by the program, which makes them for every case.

use crate::case::{Case, Files};
use crate::ground::Ground;
use crate::program::Program;
use crate::said::Said;

/// What proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    Library,
    Program,
}

/// A base tree, ready to have patches of it judged.
pub enum Bench {
    Library(Box<Ground>),
    Program(Program),
}

impl Bench {
    pub fn of(means: Means, base: &Files) -> Bench {
        match means {
            Means::Program => Bench::Program(Program::of(base)),
            Means::Library => {
                let text = base.get("loom.toml").and_then(Option::as_ref).map(|(bytes, _)| String::from_utf8(bytes.clone()).unwrap());
                let config = toml::from_str(text.as_deref().unwrap_or_default()).unwrap();
                Bench::Library(Box::new(Ground::of(base, config)))
            }
        }
    }

    /// What the gate says about this patch.
    pub fn says(&self, case: &Case, patch: &Files) -> Said {
        match self {
            Bench::Library(ground) => Said::of_verdict(ground.prove(&ground.patch(patch), &case.labels)),
            Bench::Program(program) => program.says(case, patch),
        }
    }

    /// How many tests the base has: passing, failing, skipped.
    pub fn counts(&self) -> String {
        let Bench::Library(ground) = self else { return "by the program".to_owned() };
        let each = ground.baseline.iter().map(|run| {
            let (passed, failed, skipped) = run.report.counts();
            let troubles: Vec<_> = run.report.troubles.iter().map(|one| one.message.lines().next().unwrap_or_default()).collect();
            format!("`{}`: {passed} passed, {failed} failed, {skipped} skipped {}", run.report.command, troubles.join("; "))
        });
        each.collect::<Vec<_>>().join(", ")
    }
}
