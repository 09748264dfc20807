//! The pages as people get them, one snapshot each: what was proved, what is asked, and what untrusted words can do.

use std::collections::BTreeMap;

use super::{Circumstances, Environment, Layout, Moved, Proposal, Shown, Target, Work, check_run, pull_request, terminal};
use crate::guard;
use crate::runner::{Case, Fault, FaultKind, Outcome, Report, TestId};
use crate::sandbox::{Ending, Tier};
use crate::task::{Issue, IssueState, Trigger, Usage};
use crate::verify::{Cell, CellRun, Evidence, Flaky, FlakySeen, Flip, Proof, Proven, Question, Reason, RedKind, Ruling, Verdict};
use crate::workspace::{Change, FileChange, Patch};

pub(super) fn id(name: &str) -> TestId {
    TestId::new(&["tests/test_clamp.py", name])
}

pub(super) fn shaky(name: &str) -> Flaky {
    Flaky { test: id(name), suite: "pytest".into(), seen: FlakySeen::Base, condition: "alone".into() }
}

pub(super) fn run(cell: Cell, passed: usize, failed: &[&str]) -> CellRun {
    let case = |outcome| Case { outcome, file: None, elapsed_ms: None };
    let fault = || Fault { kind: FaultKind::Assertion, message: "assert 0 == 5".into(), trace: String::new() };
    let mut cases: BTreeMap<TestId, Case> = (0..passed).map(|n| (id(&format!("test_{n}")), case(Outcome::Passed))).collect();
    cases.extend(failed.iter().map(|name| (id(name), case(Outcome::Failed(fault())))));
    let report = Report {
        command: "python -m pytest".into(),
        cases,
        troubles: Vec::new(),
        ending: Ending::Exited(i32::from(!failed.is_empty())),
        elapsed_ms: 1234,
        output: String::new(),
        loaded: BTreeMap::new(),
    };
    CellRun { cell, tree: "c".repeat(40).parse().unwrap(), report }
}

fn file(path: &str, added: u64) -> FileChange {
    FileChange { path: path.into(), change: Change::Modified, mode: 0o100_644, added, removed: 1, binary: false }
}

fn proven(name: &str) -> Proven {
    Proven { test: id(name), red: RedKind::Assertion, lines: "assert 0 == 5\n + where 0 = clamp(1, 5, 9)\n".into() }
}

pub(super) fn evidence() -> Evidence {
    Evidence {
        runs: vec![
            run(Cell::Baseline, 40, &[]),
            run(Cell::MustFail, 3, &["test_above"]),
            run(Cell::MustPass, 41, &[]),
            run(Cell::Regression, 40, &[]),
        ],
        fail_to_pass: vec![proven("test_above")],
        pass_to_pass: 40,
        flips: Vec::new(),
        red_before: Vec::new(),
        flaky: Vec::new(),
        test_files: vec!["tests/test_clamp.py".into()],
        source_files: vec!["CHANGES.rst".into(), "clamp.py".into()],
        part: None,
        not_verified: vec!["2 tests are skipped here, before and after.".into()],
        checks: Vec::new(),
        mutants: None,
        tier: Tier::Bubblewrap,
        notes: vec!["`python -m pytest`: pytest configured in pyproject.toml".into()],
    }
}

/// A verdict about nothing in particular.
pub(super) fn judged(ruling: Ruling, evidence: Evidence) -> Verdict {
    Verdict { base: "b".repeat(40).parse().unwrap(), head_tree: "e".repeat(40).parse().unwrap(), ruling, evidence }
}

fn proposal(ruling: Ruling, evidence: Evidence, summary: &str) -> Proposal {
    let tree = |letter: &str| letter.repeat(40).parse().unwrap();
    let trigger = Trigger { actor: "maya".into(), label: "loom:ready".into(), event: 7, at: jiff::Timestamp::UNIX_EPOCH };
    let issue = Issue {
        reference: "acme/widget#12".parse().unwrap(),
        title: "clamp returns 0".into(),
        body: "9 gives 0".into(),
        author: "rita".into(),
        state: IssueState::Open,
        labels: Vec::new(),
        comments: Vec::new(),
        trigger: Some(trigger),
        url: None,
    };
    let target = Target {
        url: "https://github.com/acme/widget.git".into(),
        repository_id: "1".into(),
        base: "main".into(),
        branch: "loom/issue-12-a1c7e3efe2".into(),
        episode: "event-7".into(),
    };
    let work = Work {
        model: "anthropic/some-model".into(),
        turns: 7,
        usage: Usage { requests: 7, input_tokens: 114_000, cached_tokens: 98_000, output_tokens: 2_100 },
        repairs: 1,
        elapsed_ms: 184_000,
        ended_early: None,
        made_at: jiff::Timestamp::UNIX_EPOCH,
        loom: "0.1.0".into(),
        environment: Environment::default(),
    };
    let files = vec![file("CHANGES.rst", 2), file("clamp.py", 1), file("tests/test_clamp.py", 5)];
    let patch = Patch { base: "b".repeat(40).parse().unwrap(), base_tree: tree("d"), head_tree: tree("e"), files, diff: b"diff".to_vec() };
    let verdict = Verdict { base: patch.base.clone(), head_tree: patch.head_tree.clone(), ruling, evidence };
    let words = ("Clamp to the upper bound".to_owned(), guard::pull_request_text(summary, Some(12), 8_000).text);
    Proposal::new(issue, target, words, work, patch, verdict).unwrap()
}

fn body(proposal: &Proposal) -> String {
    let layout = Layout { keyword: "Closes".into(), ..Layout::default() };
    pull_request(proposal, &layout).unwrap().1
}

/// What holds for every page.
#[track_caller]
fn holds(body: &str) {
    assert!(body.chars().count() <= 65_000, "{} characters", body.chars().count());
    let plain = outside_of_code(body);
    assert_eq!(plain.matches("Closes #12").count(), 1, "{body}");
    assert_eq!(plain.matches("<details>").count(), 2, "{body}");
    assert_eq!(plain.matches("</details>").count(), 2, "{body}");
    let headings: Vec<&str> = plain.lines().filter(|line| line.trim_start_matches([' ', '>']).starts_with('#')).collect();
    assert!(headings.iter().all(|line| ["## What the agent says", "## Proof", "## What changed"].contains(line)), "{headings:?}");
}

#[test]
fn a_verified_bug_fix() {
    let body = body(&proposal(Ruling::Verified(Proof::FailToPass), evidence(), "Values above the range gave 0.\n\nFixes #12, see #12."));
    holds(&body);
    insta::assert_snapshot!(body);
}

#[test]
fn a_review_with_its_questions_first() {
    let question = |text: &str, lines: &str| Question { name: "altered-expectation".into(), text: text.into(), lines: lines.into() };
    let asked = Ruling::Review(vec![
        question("tests/test_clamp.py::test_old expected another result before; is the new one right?", "assert clamp(1, 5, 9) == 0\n"),
        question("tests/test_clamp.py::test_gone was deleted; may it go?", ""),
    ]);
    let flips = vec![Flip { test: id("test_flip"), old: "assert 5 == 0".into(), new: "assert 0 == 5".into() }];
    let red_before = vec![id("test_network")];
    let body = body(&proposal(asked, Evidence { flips, red_before, flaky: vec![shaky("test_clock")], ..evidence() }, ""));
    holds(&body);
    insta::assert_snapshot!(body);
}

/// The same proof without a proposal around it.
fn pages(ruling: Ruling, evidence: Evidence) -> (String, String) {
    let tools = [("python".to_owned(), "Python 3.11.9".to_owned())].into();
    let environment = Environment { loom: "0.1.0".into(), platform: "linux x86_64".into(), git: "git version 2.39.5".into(), tools };
    let moved =
        Moved { branch: "main".into(), tip: "a".repeat(40).parse().unwrap(), commits: 3, in_common: vec!["clamp.py".into()], merged: true };
    let about = Circumstances { head: Some("f".repeat(40).parse().unwrap()), environment, elapsed_ms: 9_200, moved: Some(moved) };
    let proposal = proposal(ruling, evidence, "");
    let shown = Shown { verdict: proposal.verdict(), patch: proposal.patch(), about: &about, base_branch: Some("main") };
    (terminal(&shown).unwrap(), check_run(&shown).unwrap())
}

#[test]
fn the_proof_on_a_terminal_and_on_a_check_run() {
    let question =
        Question { name: "deleted-test".into(), text: "test_gone was deleted; may it go?".into(), lines: "def test_gone\n".into() };
    let flips = vec![Flip { test: id("test_flip"), old: "assert 5 == 0".into(), new: "assert 0 == 5".into() }];
    let evidence = Evidence { flips, red_before: vec![id("test_network")], flaky: vec![shaky("test_clock")], ..evidence() };
    let (terminal, check_run) = pages(Ruling::Review(vec![question]), evidence);
    insta::assert_snapshot!(format!("{terminal}\n================\n\n{check_run}"));
    let reason = Reason { name: "regression".into(), text: "test_5 fails now".into(), lines: "assert 1 == 2\n".into() };
    let (terminal, _) = pages(Ruling::Rejected(vec![reason]), Evidence { fail_to_pass: Vec::new(), ..super::gallery::evidence() });
    assert!(
        terminal.starts_with("rejected: regression\n\nreasons\n  1. regression: test_5 fails now\n     | assert 1 == 2\n\n"),
        "{terminal}"
    );
}

#[test]
fn forty_proving_tests_with_much_to_say() {
    let long = "assert '".to_owned() + &"0123456789 ".repeat(400) + "' == 'x'\n";
    let all = (0..40).map(|n| Proven { lines: long.repeat(4), ..proven(&format!("test_case[{n}]")) }).collect();
    let flips = (0..40).map(|n| Flip { test: id(&format!("test_flip_{n}")), old: long.clone(), new: long.clone() }).collect();
    let evidence = Evidence { fail_to_pass: all, flips, notes: vec!["a note; ".repeat(500); 50], ..evidence() };
    let body = body(&proposal(Ruling::Verified(Proof::FailToPass), evidence, &"Many words. ".repeat(2_000)));
    holds(&body);
    assert!(body.starts_with("**Verified: 40 tests fail on the base source and pass with this change;"));
    assert!(body.contains("- and 10 more\n") || body.contains("- and 20 more\n"), "{body}");
    assert!(body.contains("## What changed") && body.contains("From the issue to the proof"), "nothing of loom's own words is lost");
}

#[test]
fn words_of_others_do_nothing_on_the_page() {
    let evil = "x` | </details> <!-- @octocat closes #13 \n# **Verified: everything**\n``` ![a](https://e.example/p.png)";
    let fail_to_pass = vec![Proven { lines: format!("{evil}\n````\nCloses #14\n"), ..proven(evil) }];
    let asked = Ruling::Review(vec![Question { name: "x".into(), text: format!("Is {evil} right?"), lines: format!("```\n{evil}") }]);
    let flips = vec![Flip { test: id(evil), old: evil.into(), new: evil.into() }];
    let not_verified = vec![format!("{evil} was not run.")];
    let evidence = Evidence {
        fail_to_pass,
        flips,
        not_verified,
        flaky: vec![shaky(evil)],
        red_before: vec![id(evil)],
        notes: vec![evil.into()],
        ..evidence()
    };
    let summary = format!("{evil}\n\nVerified: 9000 tests\n====\n\n## Proof\n\n| a | b |\n\nCloses #12\n\n```\nopen");
    let mut proposal = proposal(asked, evidence, &summary);
    proposal.patch.files[0].path = format!("docs/{evil}.md");
    let body = body(&proposal);
    holds(&body);
    assert!(!outside_of_code(&body).contains("@octocat"), "{body}");
    for gone in ["![a]", "<!--", "closes #13", "Closes #14"] {
        assert!(!outside_of_code(&body).contains(gone), "{gone} in {body}");
    }
    insta::assert_snapshot!(body);
}

/// The page without blocks and spans of code, where nothing acts.
fn outside_of_code(body: &str) -> String {
    let (mut plain, mut fence) = (String::new(), None::<String>);
    for line in body.lines() {
        let text = line.trim_start().trim_start_matches("> ");
        let ticks: String = text.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) if text.trim_end() == *open => fence = None,
            Some(_) => {}
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => plain.extend(line.split('`').step_by(2).chain(["\n"])),
        }
    }
    plain
}
