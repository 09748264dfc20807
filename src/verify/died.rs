//! A process that died in a test: whose failure that is. Pure.

use super::identify::Tests;
use super::red::{Known, Red, classify};
use super::syntax::Language;
use crate::runner::{Fault, FaultKind, TestId, Trouble, TroubleKind};

/// A script's test in whose lines its process died: the uncaught error is the test's own failure, although the runner
/// had no more chance to tell.
pub fn died_inside(trouble: &Trouble, id: &TestId, file: Option<&str>, tests: &Tests, known: &Known) -> Option<Red> {
    let (path, item) = tests.head_item(id, file)?;
    let told = &trouble.message;
    let line = |at: usize| told[at..].split(|c: char| !c.is_ascii_digit()).next().and_then(|number| number.parse::<usize>().ok());
    let own = format!("{path}:");
    let inside = told.match_indices(&own).filter_map(|(at, _)| line(at + own.len())).any(|line| item.lines.0.contains(&line));
    let is_script = Language::of(path).is_some_and(Language::is_script);
    if !is_script || !inside || !matches!(trouble.kind, TroubleKind::Load | TroubleKind::Crash) {
        return None;
    }
    let kind = if told.contains("AssertionError") { FaultKind::Assertion } else { FaultKind::Error };
    // The error comes first, its frames after it; only what is in the trace counts as a frame.
    let said = told.lines().next().unwrap_or_default().to_owned();
    let fault = Fault { kind, message: said, trace: told.clone() };
    Some(classify(&fault, Some(path), known)).filter(|red| matches!(red, Red::Proof(_)))
}

#[cfg(test)]
mod tests {
    use super::super::RedKind;
    use super::super::compare::base_red;
    use super::super::compare::tests::{report, troubled};
    use super::super::identify::tests::of;
    use super::super::red::Weak;
    use super::*;

    #[test]
    fn an_uncaught_error_is_the_failure_of_the_test_in_whose_lines_it_rose() {
        let text = "test('keeps', function (t) { t.ok(f(1)); t.end(); });\ntest('null', function (t) {\n  t.ok(f(null));\n  t.end();\n});\ntest('after', function (t) { t.ok(f(2)); t.end(); });\n";
        let tests = of("test/a.js", "", text);
        let known = Known { source_paths: ["lib/f.js".to_owned()].into(), ..Known::default() };
        let id = |name: &str| TestId::new(&["test/a.js", name, "should be truthy"]);
        let red = |message: &str, name: &str| {
            let mixed = troubled(report(&[]), TroubleKind::Crash, "test/a.js", message);
            base_red(&mixed, &id(name), Some("test/a.js"), &tests, &known).0
        };
        let deep = "TypeError: x is null\n    at f (lib/f.js:3:1)\n    at Test.<anonymous> (test/a.js:3:8)";
        assert_eq!(red(deep, "null"), Red::Proof(RedKind::SourceError));
        assert_eq!(red(deep, "after"), Red::No(Weak::Crash), "it did not get that far");
        assert_eq!(red(&deep.replace("lib/f.js", "lib/g.js"), "null"), Red::No(Weak::Crash), "not in the source under test");
        assert_eq!(red(&deep.replace(":3:8", ":9:8"), "null"), Red::No(Weak::Crash));
        let asserts = "AssertionError [ERR_ASSERTION]: 1 == 2\n    at Test.<anonymous> (test/a.js:3:8)";
        assert_eq!(red(asserts, "null"), Red::Proof(RedKind::Assertion));
    }
}
