//! A proof as JUnit XML, for CI systems that show it: the verdict, the tests that prove it, what it breaks and what is new.
//! Owns which test becomes which case; tests that passed before and pass now are counted and not listed.

use std::collections::BTreeMap;

use quick_xml::escape::escape;

use super::figures::{claim, red_words};
use super::record::Circumstances;
use crate::guard;
use crate::runner::{Case, Outcome, TestId};
use crate::verify::{Cell, Evidence, Ruling, Verdict};

/// Longest text of one case, in bytes.
const LONGEST: usize = 4_000;

/// One `testcase`.
struct Row {
    class: &'static str,
    name: String,
    milliseconds: u64,
    end: End,
    said: String,
}

enum End {
    Passed,
    Failed(String),
    /// Neither good nor bad can be said.
    Unknown(String),
    Skipped(String),
}

/// The report. The verdict is a case of its own: it fails when the change is rejected and is in error when nothing can be
/// known; questions for a person leave it passed, with the questions as its output.
pub fn junit(verdict: &Verdict, about: &Circumstances) -> String {
    let mut rows = vec![word(verdict, about)];
    rows.extend(reasons(verdict));
    rows.extend(tests(&verdict.evidence));
    let of = |wanted: fn(&End) -> bool| rows.iter().filter(|row| wanted(&row.end)).count();
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\"",
        rows.len(),
        of(|end| matches!(end, End::Failed(_))),
        of(|end| matches!(end, End::Unknown(_))),
        of(|end| matches!(end, End::Skipped(_))),
        seconds(about.elapsed_ms)
    );
    let body: String = rows.iter().map(Row::xml).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"loom verify\" {counts}>\n\
         <testsuite name=\"loom verify\" {counts}>\n{body}</testsuite>\n</testsuites>\n"
    )
}

fn word(verdict: &Verdict, about: &Circumstances) -> Row {
    let said = match &verdict.ruling {
        Ruling::Verified(_) | Ruling::Rejected(_) | Ruling::Inconclusive(_) => claim(verdict),
        Ruling::Review(questions) => questions.iter().map(|one| format!("{}: {}\n{}\n", one.name, one.text, one.lines)).collect(),
    };
    let end = match &verdict.ruling {
        Ruling::Verified(_) | Ruling::Review(_) => End::Passed,
        Ruling::Rejected(_) => End::Failed(claim(verdict)),
        Ruling::Inconclusive(cause) => End::Unknown(cause.clone()),
    };
    let moved = about.moved.as_ref().map(|moved| format!("\n{}", moved.sentence())).unwrap_or_default();
    let not_shown: String = verdict.evidence.not_verified.iter().map(|sentence| format!("\nnot shown: {sentence}")).collect();
    Row {
        class: "loom",
        name: format!("verdict: {}", verdict.word()),
        milliseconds: about.elapsed_ms,
        end,
        said: said + &moved + &not_shown,
    }
}

fn reasons(verdict: &Verdict) -> Vec<Row> {
    let Ruling::Rejected(reasons) = &verdict.ruling else { return Vec::new() };
    let row = |(at, reason): (usize, &crate::verify::Reason)| Row {
        class: "reason",
        name: format!("{}. {}", at + 1, reason.name),
        milliseconds: 0,
        end: End::Failed(reason.text.clone()),
        said: reason.lines.clone(),
    };
    reasons.iter().enumerate().map(row).collect()
}

/// Tests that prove, tests that fail with the change, and tests that are new with it.
fn tests(evidence: &Evidence) -> Vec<Row> {
    let cases = |wanted: Cell| -> BTreeMap<&TestId, &Case> {
        evidence.runs.iter().filter(|run| run.cell == wanted).flat_map(|run| &run.report.cases).collect()
    };
    let (before, after) = (cases(Cell::Baseline), cases(Cell::MustPass));
    let mut rows = Vec::new();
    for proven in &evidence.fail_to_pass {
        let lasted = after.get(&proven.test).and_then(|case| case.elapsed_ms).unwrap_or(0);
        let said = format!("{}\n{}", red_words(proven.red), proven.lines);
        rows.push(Row { class: "fail-to-pass", name: proven.test.to_string(), milliseconds: lasted, end: End::Passed, said });
    }
    for (test, case) in &after {
        let class = if before.contains_key(test) { "regression" } else { "new" };
        let proves = evidence.fail_to_pass.iter().any(|proven| proven.test == **test);
        let bad = matches!(case.outcome, Outcome::Failed(_));
        if proves || !bad && class == "regression" {
            continue;
        }
        rows.push(row(class, test, case, before.get(test).copied(), evidence));
    }
    // Old tests on the new source, where the new text of the test does not show it already.
    for (test, case) in cases(Cell::Regression) {
        let told = after.get(test).is_some_and(|case| matches!(case.outcome, Outcome::Failed(_)));
        let altered = evidence.flips.iter().any(|flip| flip.test == *test);
        if matches!(case.outcome, Outcome::Failed(_)) && !told && !altered {
            rows.push(row("regression", test, case, None, evidence));
        }
    }
    rows
}

/// `before` is what the test came to at the baseline, where that says something of this run.
fn row(class: &'static str, test: &TestId, case: &Case, before: Option<&Case>, evidence: &Evidence) -> Row {
    // Also where the evidence counts it among those that lack a service, and not among the red ones.
    let was_red = before.is_some_and(|case| matches!(case.outcome, Outcome::Failed(_))) || evidence.red_before.contains(test);
    let (end, said) = match &case.outcome {
        Outcome::Passed => (End::Passed, String::new()),
        Outcome::Skipped(why) => (End::Skipped(why.clone()), String::new()),
        Outcome::Failed(_) if was_red => (End::Skipped("red before the change too".to_owned()), String::new()),
        Outcome::Failed(_) if evidence.flaky.iter().any(|one| one.test == *test) => {
            (End::Skipped("flaky: neither proof nor obstacle".to_owned()), String::new())
        }
        Outcome::Failed(fault) => (End::Failed(fault.message.clone()), fault.trace.clone()),
    };
    Row { class, name: test.to_string(), milliseconds: case.elapsed_ms.unwrap_or(0), end, said }
}

impl Row {
    fn xml(&self) -> String {
        let said = text(&self.said);
        let inner = match &self.end {
            End::Passed if said.is_empty() => String::new(),
            End::Passed => format!("<system-out>{said}</system-out>"),
            End::Failed(why) => format!("<failure message=\"{}\">{said}</failure>", attribute(why)),
            End::Unknown(why) => format!("<error message=\"{}\">{said}</error>", attribute(why)),
            End::Skipped(why) => format!("<skipped message=\"{}\"/>", attribute(why)),
        };
        let (class, name, time) = (self.class, attribute(&self.name), seconds(self.milliseconds));
        format!("<testcase classname=\"{class}\" name=\"{name}\" time=\"{time}\">{inner}</testcase>\n")
    }
}

fn seconds(milliseconds: u64) -> String {
    format!("{:.3}", milliseconds as f64 / 1000.0)
}

/// One line for an attribute.
fn attribute(words: &str) -> String {
    text(&words.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// What XML may hold: no control characters, and not without end.
fn text(words: &str) -> String {
    let plain: String = guard::plain_text(words)
        .chars()
        .filter(|c| !c.is_control() || *c == '\n')
        .filter(|c| !('\u{fffe}'..='\u{ffff}').contains(c))
        .collect();
    let end = plain.floor_char_boundary(LONGEST);
    let cut = if end < plain.len() { "\n..." } else { "" };
    format!("{}{cut}", escape(&plain[..end]))
}

#[cfg(test)]
mod tests {
    use super::super::gallery::{evidence, id, judged, run};
    use super::*;
    use crate::runner::read_junit;
    use crate::verify::{Proof, Proven, Question, Reason, RedKind};

    fn outcomes(xml: &str) -> Vec<(String, &'static str)> {
        let (cases, troubles) = read_junit(xml.as_bytes());
        assert!(troubles.is_empty(), "{troubles:?} in {xml}");
        cases.iter().map(|(id, case)| (id.to_string(), case.outcome.word())).collect()
    }

    fn shown(ruling: Ruling, evidence: Evidence) -> String {
        junit(&judged(ruling, evidence), &Circumstances::default())
    }

    #[test]
    fn our_own_reader_finds_what_was_written() {
        let xml = shown(Ruling::Verified(Proof::FailToPass), evidence());
        let found = outcomes(&xml);
        let expected = [
            ("fail-to-pass::tests/test_clamp.py::test_above", "passed"),
            ("loom::verdict: verified", "passed"),
            ("new::tests/test_clamp.py::test_40", "passed"),
        ];
        assert_eq!(found, expected.map(|(name, word)| (name.to_owned(), word)));
        assert!(xml.contains("tests=\"3\" failures=\"0\" errors=\"0\" skipped=\"0\""), "{xml}");
        assert!(xml.contains("where 0 = clamp(1, 5, 9)"), "{xml}");
    }

    #[test]
    fn the_verdict_fails_when_rejected_and_is_in_error_when_nothing_is_known() {
        let reason = Reason { name: "regression".into(), text: "test_5 fails now".into(), lines: "assert 1 == 2".into() };
        let broken = Evidence { runs: vec![run(Cell::Baseline, 6, &[]), run(Cell::MustPass, 5, &["test_5", "test_red"])], ..evidence() };
        let red_before = Evidence { red_before: vec![id("test_red")], fail_to_pass: Vec::new(), ..broken };
        let xml = shown(Ruling::Rejected(vec![reason]), red_before);
        let found = outcomes(&xml);
        assert!(found.contains(&("loom::verdict: rejected".into(), "failed")), "{found:?}");
        assert!(found.contains(&("reason::1. regression".into(), "failed")), "{found:?}");
        assert!(found.contains(&("regression::tests/test_clamp.py::test_5".into(), "failed")), "{found:?}");
        assert!(found.contains(&("new::tests/test_clamp.py::test_red".into(), "skipped")), "{found:?}");
        let lacks_a_service =
            Evidence { runs: vec![run(Cell::Baseline, 5, &["test_db"]), run(Cell::MustPass, 5, &["test_db"])], ..evidence() };
        let found = outcomes(&shown(Ruling::Verified(Proof::FailToPass), lacks_a_service));
        assert!(found.contains(&("regression::tests/test_clamp.py::test_db".into(), "skipped")), "{found:?}");
        let unknown = outcomes(&shown(Ruling::Inconclusive("the suite does not run".into()), evidence()));
        assert!(unknown.contains(&("loom::verdict: inconclusive".into(), "failed")), "{unknown:?}");
        let asked = Ruling::Review(vec![Question { name: "x".into(), text: "Is it right?".into(), lines: String::new() }]);
        let xml = shown(asked, evidence());
        assert!(outcomes(&xml).contains(&("loom::verdict: review".into(), "passed")) && xml.contains("Is it right?"));
    }

    #[test]
    fn words_of_others_stay_words() {
        let evil = "]]></system-out><testcase name=\"forged\"/>\u{1b}[2J\u{0}\u{ffff} \u{202e}&amp;";
        let proven = Proven { test: id(evil), red: RedKind::Assertion, lines: evil.repeat(900) };
        let xml = shown(Ruling::Verified(Proof::FailToPass), Evidence { fail_to_pass: vec![proven], ..evidence() });
        let found = outcomes(&xml);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(!found.iter().any(|(name, _)| name == "forged"), "{found:?}");
        assert!(!xml.contains(['\u{1b}', '\u{0}', '\u{ffff}']));
    }
}
