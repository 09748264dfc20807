//! Sentences about a proof beside its facts: what was skipped, what stands under other names, which files were loaded.
//! Pure over reports.

use std::collections::BTreeSet;

use super::facts::some_of;
use super::rerun::Settled;
use super::{CellRun, FlakySeen, Question};
use crate::runner::{Outcome, Report, TestId};

/// Where the packages that the patch changes were loaded from; the cause why nothing is known when one came from elsewhere.
pub fn loaded(runs: &[CellRun], sources: &[&str]) -> Result<Vec<String>, String> {
    // A package of JavaScript is told by its folder.
    let is_of = |path: &str, name: &str| match name.strip_suffix('/') {
        Some(folder) => folder == "." || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')),
        None => path.split('/').any(|part| part == name || part.strip_suffix(".py") == Some(name)),
    };
    let mut own: BTreeSet<String> = BTreeSet::new();
    for run in runs {
        for (name, file) in run.report.loaded.iter().filter(|(name, _)| sources.iter().any(|path| is_of(path, name))) {
            if file.starts_with('/') {
                return Err(format!("in the {} run `{name}` was loaded from {file}, and not from the tree under test", run.cell.as_str()));
            }
            own.insert(format!("`{name}` was loaded from the tree under test, {file}."));
        }
    }
    Ok(own.into_iter().collect())
}

/// Tests that do not run: the new ones, and those that are skipped with and without the patch, by the repository's choice.
pub fn skipped(base: &Report, head: &Report) -> (Option<String>, Option<String>) {
    let is_skipped = |report: &Report, id: &TestId| matches!(report.cases.get(id).map(|case| &case.outcome), Some(Outcome::Skipped(_)));
    let (old, new): (Vec<&TestId>, Vec<&TestId>) = head.cases.keys().filter(|id| is_skipped(head, id)).partition(|id| is_skipped(base, id));
    let noun = |count: usize| if count == 1 { "test is" } else { "tests are" };
    let command = &head.command;
    let names = some_of(new.iter().map(|id| id.as_str()));
    let new =
        (!new.is_empty()).then(|| format!("{} {} skipped by `{command}`, and not before the patch: {names}.", new.len(), noun(new.len())));
    let old = (!old.is_empty()).then(|| format!("{} {} skipped by `{command}`, before and after the patch.", old.len(), noun(old.len())));
    (new, old)
}

/// Tests from data that stand under other names now, as far as can be told.
pub fn renamed(pairs: &[(TestId, TestId)]) -> Option<Question> {
    let (old, new): (Vec<&str>, Vec<&str>) = pairs.iter().map(|(old, new)| (old.as_str(), new.as_str())).unzip();
    let text = format!("{} no longer run, and {} came instead. Are these the same tests under other names?", some_of(old), some_of(new));
    (!pairs.is_empty()).then(|| Question { name: "renamed-tests".into(), text, lines: String::new() })
}

/// Tables of tests that have fewer rows than before.
pub fn fewer(tables: &[(String, usize, usize)]) -> Vec<Question> {
    let each = tables.iter().map(|(name, before, now)| Question {
        name: "fewer-cases".into(),
        text: format!("`{name}` runs {now} times instead of {before}. Is what the missing rows checked still checked?"),
        lines: String::new(),
    });
    each.collect()
}

/// What the reruns leave to a person: tests that pass and fail with the patch and always passed without it, and tests that
/// fail beside others and pass alone when there was no time to look twice.
pub fn shaky(settled: &Settled) -> Vec<Question> {
    let flaky = settled.flaky.values().filter(|one| one.seen == FlakySeen::Patch && settled.blamed.contains(&one.test));
    let flaky: Vec<&str> = flaky.map(|one| one.test.as_str()).collect();
    let mut questions = Vec::new();
    if !flaky.is_empty() {
        let text = format!(
            "{} passed each time without the patch, and passes and fails from run to run with it. Does the patch make it unsteady?",
            some_of(flaky)
        );
        questions.push(Question { name: "flaky-with-the-patch".into(), text, lines: String::new() });
    }
    if !settled.unsettled.is_empty() {
        let text = format!(
            "{} failed with the patch beside the other tests and pass alone; there was no time to run the whole suite again. Does the patch break them?",
            some_of(settled.unsettled.iter().map(TestId::as_str))
        );
        questions.push(Question { name: "fails-beside-others".into(), text, lines: String::new() });
    }
    questions
}

#[cfg(test)]
mod tests {
    use super::super::Cell;
    use super::super::compare::tests::{id, report};
    use super::*;
    use crate::runner::Outcome::{Passed, Skipped};

    #[test]
    fn only_what_the_patch_changes_must_come_from_the_tree() {
        let run = |file: &str| {
            let mut report = report(&[("test_a", Passed)]);
            report.loaded = [("pkg".to_owned(), file.to_owned()), ("other".to_owned(), "/python/site-packages/other.py".to_owned())].into();
            CellRun { cell: Cell::MustPass, tree: "a".repeat(40).parse().unwrap(), report }
        };
        let own = loaded(&[run("src/pkg/__init__.py"), run("src/pkg/__init__.py")], &["src/pkg/core.py"]);
        assert_eq!(own.unwrap(), ["`pkg` was loaded from the tree under test, src/pkg/__init__.py."]);
        let elsewhere = loaded(&[run("/python/site-packages/pkg/__init__.py")], &["src/pkg/core.py"]).unwrap_err();
        assert!(elsewhere.starts_with("in the must-pass run `pkg` was loaded from /python/site-packages/"), "{elsewhere}");
        assert_eq!(loaded(&[run("/python/x.py")], &["src/pkg_two.py"]), Ok(Vec::new()));
        let mut copied = run("src/pkg/__init__.py");
        copied.report.loaded = [("packages/core/".to_owned(), "/node_modules/@acme/core/index.js".to_owned())].into();
        assert!(loaded(std::slice::from_ref(&copied), &["packages/core/index.js"]).unwrap_err().contains("/node_modules/@acme/core/"));
        assert_eq!(loaded(&[copied], &["packages/core-extra/index.js"]), Ok(Vec::new()));
    }

    #[test]
    fn skips_of_the_repository_are_told_apart_from_new_ones() {
        let skip = || Skipped("later".into());
        let (base, head) = (report(&[("test_a", skip())]), report(&[("test_a", skip()), ("test_b", skip())]));
        let (new, old) = skipped(&base, &head);
        assert_eq!(new.unwrap(), "1 test is skipped by `pytest`, and not before the patch: `tests/test_a.py::test_b`.");
        assert_eq!(old.unwrap(), "1 test is skipped by `pytest`, before and after the patch.");
        assert_eq!(skipped(&base, &base).0, None);
        assert_eq!(renamed(&[]), None);
        assert!(renamed(&[(id("a"), id("b"))]).unwrap().text.contains("`tests/test_a.py::a` no longer run"));
    }
}
