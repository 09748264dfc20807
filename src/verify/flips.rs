//! Altered expectations: an old test text that fails on the head source. Accepted as a flip when its new text is red on
//! base and green on head; otherwise a question, or a reason when the new text asserts less. Pure.

use std::collections::BTreeMap;

use super::compare::by_function;
use super::facts::Broken;
use super::identify::Tests;
use super::{Flip, Proven, Question, Reason};
use crate::runner::TestId;

/// What became of the altered expectations.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Old and new text prove each other.
    pub flips: Vec<Flip>,
    /// For a person.
    pub questions: Vec<Question>,
    /// For the coder.
    pub reasons: Vec<Reason>,
    /// Sentences about tests that left with what they tested.
    pub notes: Vec<String>,
}

/// Judges every old text that fails on head. `file_of` tells where a test is written; `gone` names symbols that the
/// patch removes from the source.
pub fn judge(
    altered: &[Broken],
    proven: &[Proven],
    tests: &Tests,
    file_of: impl Fn(&TestId) -> Option<String>,
    gone: impl Fn(&str) -> bool,
) -> Judged {
    let mut judged = Judged::default();
    let mut groups = by_function(proven, tests, &file_of);
    // The same id first, so that a row of a table does not use up another row's proof.
    let mut rest = Vec::new();
    for old in altered {
        let group = groups.iter_mut().find_map(|(key, list)| list.iter().position(|one| one.test == old.test).map(|at| (key.clone(), at)));
        match group {
            Some((key, at)) => accept(&mut judged, &mut groups, &key, at, old),
            None => rest.push(old),
        }
    }
    for old in rest {
        let file = file_of(&old.test);
        let key = match tests.base_item(&old.test, file.as_deref()) {
            Some((path, item)) => tests.successor(path, item).map(|(path, item)| format!("{path}::{}", item.path())),
            None => Some(super::identify::function_key(&old.test)),
        };
        match key.filter(|key| groups.get(key).is_some_and(|list| !list.is_empty())) {
            Some(key) => accept(&mut judged, &mut groups, &key, 0, old),
            None => turned_down(&mut judged, old, tests, file.as_deref(), &gone),
        }
    }
    judged
}

fn accept(judged: &mut Judged, groups: &mut BTreeMap<String, Vec<Proven>>, key: &str, at: usize, old: &Broken) {
    if let Some(list) = groups.get_mut(key) {
        let new = list.remove(at);
        judged.flips.push(Flip { test: new.test, old: old.lines.clone(), new: new.lines });
    }
}

fn turned_down(judged: &mut Judged, old: &Broken, tests: &Tests, file: Option<&str>, gone: impl Fn(&str) -> bool) {
    let before = tests.base_item(&old.test, file);
    let Some((path, item)) = before else {
        let text = format!(
            "The old version of `{}` (or of the data it reads) fails with the patch, and its new version does not fail without it. Is the altered expectation what the issue asks for?",
            old.test
        );
        judged.questions.push(Question { name: "altered-expectation".into(), text, lines: old.lines.clone() });
        return;
    };
    match tests.successor(path, item) {
        Some((_, new)) if new.asserts >= item.asserts => {
            let text = format!(
                "The old text of `{}` fails with the patch, and its new text passes with and without it, so nothing shows that the old expectation was wrong. Is giving it up what the issue asks for?",
                old.test
            );
            judged.questions.push(Question { name: "altered-expectation".into(), text, lines: old.lines.clone() });
        }
        Some((_, new)) => judged.reasons.push(Reason {
            name: "weakened-test".into(),
            text: format!(
                "`{}` passed before; with the patch its old text fails, and its new text asserts less ({} instead of {}). Keep the expectation, or replace it by one that fails without the patch.",
                old.test, new.asserts, item.asserts
            ),
            lines: old.lines.clone(),
        }),
        None if gone(&item.body) => judged.notes.push(format!("`{}` left together with what it tested.", old.test)),
        // The deletion itself is judged by `tamper`, for all functions that are gone.
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::RedKind;
    use super::super::identify::tests::of;
    use super::*;

    fn id(text: &str) -> TestId {
        serde_json::from_value(serde_json::Value::String(text.into())).unwrap()
    }

    fn old(text: &str) -> Broken {
        Broken { test: id(text), lines: "old lines".into() }
    }

    fn new(text: &str) -> Proven {
        Proven { test: id(text), red: RedKind::Assertion, lines: "new lines".into() }
    }

    const BASE: &str = "def test_a(x):\n    assert f(x) == 1\n    assert g(x)\n";

    fn run(head: &str, altered: &[Broken], proven: &[Proven]) -> Judged {
        judge(altered, proven, &of("t.py", BASE, head), |_| Some("t.py".into()), |body| body.contains("removed"))
    }

    #[test]
    fn old_red_on_head_and_new_red_on_base_is_a_flip() {
        let judged = run(&BASE.replace("== 1", "== 2"), &[old("t.py::test_a")], &[new("t.py::test_a")]);
        assert_eq!(judged.flips, [Flip { test: id("t.py::test_a"), old: "old lines".into(), new: "new lines".into() }]);
        assert!(judged.reasons.is_empty() && judged.questions.is_empty());
    }

    #[test]
    fn table_rows_flip_by_function_and_only_as_many_as_are_proven() {
        let altered = [old("t.py::test_a[1-2]"), old("t.py::test_a[3-4]")];
        let judged = run(&BASE.replace("== 1", "== 2"), &altered, &[new("t.py::test_a[1-9]")]);
        assert_eq!((judged.flips.len(), judged.questions.len()), (1, 1));
    }

    #[test]
    fn without_a_flip_it_is_a_question_or_a_reason_by_what_is_still_asserted() {
        let judged = run(&BASE.replace("f(x)", "f(x, old=True)"), &[old("t.py::test_a")], &[new("t.py::test_other")]);
        assert_eq!(judged.questions[0].name, "altered-expectation");
        let judged = run("def test_a(x):\n    assert g(x)\n", &[old("t.py::test_a")], &[]);
        assert_eq!(judged.reasons[0].name, "weakened-test");
    }
}
