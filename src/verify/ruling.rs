//! From facts to the word. Pure: the same facts give the same ruling. Order matters: what cannot be known first, then
//! everything that is wrong (all of it, so that a coder can mend it in one go), then what a person must decide.

use super::facts::{Broken, Facts, Hollow, Shape, some_of};
use super::verdict::allow::is_allowed;
use super::{Proof, Question, Reason, RedKind, Ruling};
use crate::config::WithoutTests;
use crate::runner::TestId;

/// At most this many single failures are told apart in reasons.
const SHOWN: usize = 10;

/// The word on these facts.
pub fn decide(facts: &Facts) -> Ruling {
    if let Some(cause) = &facts.unknowable {
        let certain = silencers(facts);
        return if certain.is_empty() { Ruling::Inconclusive(cause.clone()) } else { Ruling::Rejected(certain) };
    }
    if facts.shape == Shape::Empty {
        return Ruling::Rejected(vec![reason("no-change", "The patch changes nothing.", "")]);
    }
    let mut reasons: Vec<Reason> = facts.reasons.iter().filter(|one| !is_allowed(&one.name, &facts.allow)).cloned().collect();
    reasons.extend(failures(facts));
    let mut questions: Vec<Question> = facts.questions.iter().filter(|one| !is_allowed(&one.name, &facts.allow)).cloned().collect();
    let proof = proof(facts, &reasons);
    match proof {
        Ok(Ok(_)) => {}
        Ok(Err(ref question)) => questions.insert(0, question.clone()),
        // Head was too broken to look at the base source: the reasons above say it all.
        Err(ref reason) if reason.name == "no-failing-test" && !reasons.is_empty() && facts.unproven.is_empty() => {}
        Err(ref reason) => reasons.push(reason.clone()),
    }
    match proof {
        _ if !reasons.is_empty() => Ruling::Rejected(reasons),
        Ok(Ok(proof)) if questions.is_empty() => Ruling::Verified(proof),
        _ => Ruling::Review(questions),
    }
}

/// What the patch does to the run itself: where that is known, a run that cannot be read is no surprise.
fn silencers(facts: &Facts) -> Vec<Reason> {
    let silences = |one: &&Reason| matches!(one.name.as_str(), "tampering-runner-module" | "tampering-results" | "tampering-exit");
    facts.reasons.iter().filter(silences).filter(|one| !is_allowed(&one.name, &facts.allow)).cloned().collect()
}

fn reason(name: &str, text: impl Into<String>, lines: impl Into<String>) -> Reason {
    Reason { name: name.into(), text: text.into(), lines: lines.into() }
}

fn question(name: &str, text: impl Into<String>, lines: impl Into<String>) -> Question {
    Question { name: name.into(), text: text.into(), lines: lines.into() }
}

/// Tests that are red on head, each with its lines.
fn failures(facts: &Facts) -> Vec<Reason> {
    let groups: [(&str, &[Broken], &str); 3] = [
        (
            "test-fails-on-head",
            &facts.failing,
            "is new or changed in this patch, or stands on data that is, and fails with the patch applied: the change does not do what its own test expects.",
        ),
        ("regression", &facts.broken, "passed before the patch and fails with it. Keep the behaviour it checks."),
        ("test-lost", &facts.lost, "passed before the patch and no longer runs. Keep it, or move what it checks to another test."),
    ];
    let mut reasons = Vec::new();
    for (name, group, says) in groups {
        let alike = alike(group);
        for (names, lines) in alike.iter().take(SHOWN) {
            let text = match names.as_slice() {
                [one] => format!("`{one}` {says}"),
                all => format!("Of {} tests each {says} They say the same: {}.", all.len(), some_of(all.iter().map(|one| one.as_str()))),
            };
            reasons.push(reason(name, text, *lines));
        }
        let rest: Vec<&TestId> = alike.iter().skip(SHOWN).flat_map(|(names, _)| names.iter().copied()).collect();
        if !rest.is_empty() {
            let names = some_of(rest.iter().map(|one| one.as_str()));
            reasons.push(reason(name, format!("{} more tests likewise: {names}.", rest.len()), ""));
        }
    }
    reasons
}

/// Tests that say the same, together.
fn alike(group: &[Broken]) -> Vec<(Vec<&TestId>, &str)> {
    let mut alike: Vec<(Vec<&TestId>, &str)> = Vec::new();
    for one in group {
        match alike.iter_mut().find(|(_, lines)| *lines == one.lines && !lines.is_empty()) {
            Some((names, _)) => names.push(&one.test),
            None => alike.push((vec![&one.test], &one.lines)),
        }
    }
    alike
}

/// What is shown, what a person must look at, or what is missing.
fn proof(facts: &Facts, reasons: &[Reason]) -> Result<Result<Proof, Question>, Reason> {
    if facts.shape == Shape::Docs {
        return Ok(Ok(Proof::NoBehaviourChange));
    }
    let strong = facts.proven.iter().any(|one| one.red != RedKind::MissingApi);
    let noticed = matches!(&facts.hollow, Hollow::Noticed(tests) if facts.proven.iter().any(|one| tests.contains(&one.test)));
    if strong || noticed {
        return Ok(Ok(Proof::FailToPass));
    }
    if let Some(first) = facts.proven.first() {
        return by_missing_api(facts, &first.lines);
    }
    if facts.no_new_behaviour && facts.tests.0 > 0 {
        return Ok(Ok(Proof::NoRegression));
    }
    if facts.tests == (0, 0) && reasons.is_empty() {
        return without_tests(facts);
    }
    missing(facts)
}

/// The new tests only miss a name that the patch adds.
fn by_missing_api(facts: &Facts, lines: &str) -> Result<Result<Proof, Question>, Reason> {
    let names = some_of(facts.proven.iter().map(|one| one.test.as_str()));
    match &facts.hollow {
        Hollow::Noticed(_) => Err(reason(
            "hollow-test",
            format!(
                "{names} fail without the patch only because a name is missing, and pass even when every function that the patch adds is made to fail. Assert what the new code does."
            ),
            lines,
        )),
        Hollow::NotNeeded => Ok(Err(missing_api(&names, "the functions behind that name were not tried", lines))),
        Hollow::Unable(cause) => Ok(Err(missing_api(&names, cause, lines))),
    }
}

fn missing_api(names: &str, cause: &str, lines: &str) -> Question {
    let text = format!(
        "{names} fail without the patch only because a name or parameter that the patch adds is missing there, and {cause}. Do these tests check what the new code does?"
    );
    question("missing-api-only", text, lines)
}

fn without_tests(facts: &Facts) -> Result<Result<Proof, Question>, Reason> {
    match facts.without_tests {
        WithoutTests::Refuse => Err(reason(
            "no-tests",
            "The repository has no tests that can be run and the patch brings none. Add a small suite with a test that fails without the change. (Maintainers: `gate.without_tests = \"draft\"` opens a draft all the same.)",
            "",
        )),
        WithoutTests::Draft => Ok(Err(question(
            "no-tests",
            "Nothing was proved: the repository has no tests that can be run, and the patch brings none. Does the change do what the issue asks?",
            "",
        ))),
    }
}

/// No test proves the change: says what is missing.
fn missing(facts: &Facts) -> Result<Result<Proof, Question>, Reason> {
    if !facts.mended.is_empty() {
        let names = some_of(facts.mended.iter().map(TestId::as_str));
        return Ok(Err(question(
            "existing-test-mended",
            format!("The patch brings no new failing test; {names} failed before it and pass with it. Is that the issue's point?"),
            "",
        )));
    }
    let red: Vec<_> = facts.unproven.iter().filter(|one| one.why.is_red()).collect();
    if let Some(first) = red.first() {
        let names = some_of(red.iter().map(|one| one.test.as_str()));
        let pass = if red.len() == 1 { "passes" } else { "pass" };
        let text = format!("{names} {} and {pass} with the patch. Does that show the fault of the issue?", first.why.says());
        return Ok(Err(question("red-without-proof", text, &first.lines)));
    }
    match facts.shape {
        Shape::TestsOnly => {
            Err(reason("source-unchanged", "The patch changes tests only; the source that the issue is about is unchanged.", ""))
        }
        Shape::SourceOnly => Err(reason(
            "no-new-test",
            "The patch changes source and brings no test. Add a test that fails without the change and passes with it.",
            "",
        )),
        Shape::Both | Shape::Docs | Shape::Empty => Err(no_failing_test(facts)),
    }
}

fn no_failing_test(facts: &Facts) -> Reason {
    let mut lines = String::new();
    for one in facts.unproven.iter().take(SHOWN) {
        lines.push_str(&format!("{} {}\n", one.test, one.why.says()));
        lines.extend(one.lines.lines().take(4).map(|line| format!("    {line}\n")));
    }
    let text = match facts.unproven.len() {
        0 => "No new or changed test was found among the results. Is the new test in a file that the suite runs, under a name that the runner finds?".to_owned(),
        _ => "No new or changed test fails without the patch. Write one that shows the fault of the issue: it must fail on the unchanged source by an assertion, and pass with the patch.".to_owned(),
    };
    reason("no-failing-test", text, lines)
}

#[cfg(test)]
mod tests {
    use super::super::Proven;
    use super::super::facts::Unproven;
    use super::super::red::Weak;
    use super::*;

    fn id(text: &str) -> TestId {
        serde_json::from_value(serde_json::Value::String(text.into())).unwrap()
    }

    fn proven(red: RedKind) -> Facts {
        let one = Proven { test: id("t::new"), red, lines: "assert 1 == 2".into() };
        Facts { shape: Shape::Both, tests: (3, 4), proven: vec![one], ..Facts::default() }
    }

    fn broken(name: &str) -> Broken {
        Broken { test: id(name), lines: format!("assert {name} == b") }
    }

    fn names(facts: &Facts) -> Vec<String> {
        match decide(facts) {
            Ruling::Rejected(reasons) => reasons.into_iter().map(|one| one.name).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn asked(facts: &Facts) -> String {
        match decide(facts) {
            Ruling::Review(questions) => questions[0].name.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_red_to_green_test_and_nothing_wrong_is_verified() {
        for red in [RedKind::Assertion, RedKind::SourceError, RedKind::Hang] {
            assert_eq!(decide(&proven(red)), Ruling::Verified(Proof::FailToPass));
        }
    }

    #[test]
    fn a_run_that_the_patch_itself_silences_is_its_own_fault() {
        let mut facts = Facts { unknowable: Some("the result cannot be read".into()), ..proven(RedKind::Assertion) };
        facts.reasons = vec![reason("tampering-runner-config", "x", "")];
        assert!(matches!(decide(&facts), Ruling::Inconclusive(_)));
        facts.reasons.push(reason("tampering-runner-module", "x", ""));
        assert_eq!(names(&facts), ["tampering-runner-module"]);
    }

    #[test]
    fn a_missing_name_needs_a_hollow_run_that_notices() {
        let mut facts = proven(RedKind::MissingApi);
        assert_eq!(asked(&facts), "missing-api-only");
        facts.hollow = Hollow::Unable("the patch adds no function".into());
        assert_eq!(asked(&facts), "missing-api-only");
        facts.hollow = Hollow::Noticed(vec![]);
        assert_eq!(names(&facts), ["hollow-test"]);
        facts.hollow = Hollow::Noticed(vec![id("t::new")]);
        assert_eq!(decide(&facts), Ruling::Verified(Proof::FailToPass));
    }

    #[test]
    fn whatever_is_red_on_head_is_a_reason_beside_any_proof() {
        let mut facts = proven(RedKind::Assertion);
        facts.broken = vec![broken("t::old")];
        facts.failing = vec![broken("t::other")];
        facts.lost = vec![broken("t::gone")];
        assert_eq!(names(&facts), ["test-fails-on-head", "regression", "test-lost"]);
        facts.broken = (0..30).map(|n| broken(&format!("t::{n}"))).collect();
        assert_eq!(names(&facts).len(), 1 + 11 + 1, "many failures are told in few reasons");
        facts.broken.iter_mut().for_each(|one| one.lines = "assert a == b".into());
        assert_eq!(names(&facts).len(), 3, "the same failure is told once");
    }

    #[test]
    fn the_maintainers_may_allow_a_kind_of_tampering() {
        let mut facts = proven(RedKind::Assertion);
        facts.reasons = vec![reason("tampering-skipped-test", "x", "")];
        assert_eq!(names(&facts), ["tampering-skipped-test"]);
        facts.allow = vec!["tampering-skipped-test".into()];
        assert_eq!(decide(&facts), Ruling::Verified(Proof::FailToPass));
        // Tests that a crash takes along are not told one by one: to allow it would hide them.
        facts.reasons.push(reason("suite-crashes", "x", ""));
        facts.allow.push("suite-crashes".into());
        assert_eq!(names(&facts), ["suite-crashes"]);
    }

    #[test]
    fn a_question_makes_a_review_and_a_reason_outweighs_it() {
        let mut facts = proven(RedKind::Assertion);
        facts.questions = vec![question("altered-expectation", "x", "")];
        assert_eq!(asked(&facts), "altered-expectation");
        facts.broken = vec![broken("t::old")];
        assert_eq!(names(&facts), ["regression"]);
    }

    #[test]
    fn what_is_missing_is_said() {
        let mut facts = Facts { shape: Shape::Both, tests: (3, 4), ..Facts::default() };
        facts.unproven = vec![Unproven { test: id("t::new"), why: Weak::Passes, lines: String::new() }];
        assert_eq!(names(&facts), ["no-failing-test"]);
        facts.shape = Shape::SourceOnly;
        assert_eq!(names(&facts), ["no-new-test"]);
        facts.shape = Shape::TestsOnly;
        assert_eq!(names(&facts), ["source-unchanged"]);
        facts.shape = Shape::Empty;
        assert_eq!(names(&facts), ["no-change"]);
    }

    #[test]
    fn no_tests_at_all_is_refused_unless_the_maintainers_say_draft() {
        let mut facts = Facts { shape: Shape::SourceOnly, ..Facts::default() };
        assert_eq!(names(&facts), ["no-tests"]);
        facts.without_tests = WithoutTests::Draft;
        assert_eq!(asked(&facts), "no-tests");
        facts.tests = (3, 3);
        assert_eq!(names(&facts), ["no-new-test"]);
    }

    #[test]
    fn the_honest_cases() {
        let docs = Facts { shape: Shape::Docs, tests: (3, 3), ..Facts::default() };
        assert_eq!(decide(&docs), Ruling::Verified(Proof::NoBehaviourChange));
        assert_eq!(names(&Facts { broken: vec![broken("t::old")], ..docs }), ["regression"]);
        let mut tidy = Facts { shape: Shape::SourceOnly, no_new_behaviour: true, tests: (3, 3), ..Facts::default() };
        assert_eq!(decide(&tidy), Ruling::Verified(Proof::NoRegression));
        tidy.no_new_behaviour = false;
        assert_eq!(names(&tidy), ["no-new-test"]);
        tidy.mended = vec![id("t::old")];
        assert_eq!(asked(&tidy), "existing-test-mended");
        let crash = Unproven { test: id("t::new"), why: Weak::Crash, lines: String::new() };
        assert_eq!(asked(&Facts { shape: Shape::Both, tests: (3, 4), unproven: vec![crash], ..Facts::default() }), "red-without-proof");
        assert!(matches!(decide(&Facts { unknowable: Some("x".into()), ..proven(RedKind::Assertion) }), Ruling::Inconclusive(_)));
    }
}
