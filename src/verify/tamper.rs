//! Tampering with tests, by comparing their syntax before and after: deleted, skipped, expected to fail, run alone,
//! asserting less, leaving early. Runner configuration is `runner_config`'s. Pure; what is found has a name that
//! the maintainers can allow.

use std::collections::BTreeSet;

use super::facts::{Facts, Shape, some_of};
use super::identify::{Place, Tests};
use super::items::{Item, Mark, file_marks};
use super::split::{Side, Split};
use super::strength;
use super::syntax::Language;
use super::{Question, Reason, scripts};
use crate::runner::TestId;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Certain: rejected unless allowed.
    pub reasons: Vec<Reason>,
    /// Possible: a person must look.
    pub questions: Vec<Question>,
    /// Sentences for the record.
    pub notes: Vec<String>,
}

/// What the runs said of test functions.
#[derive(Debug, Default)]
pub struct Seen {
    /// Their tests were red on base and are green on head.
    pub proven: BTreeSet<Place>,
    /// Their tests ran on head and passed.
    pub passed: BTreeSet<Place>,
    /// Their old texts fail on the head source.
    pub broken: BTreeSet<Place>,
}

/// Looks at every test function of the patch; `gone` tells whether a body uses a symbol that the patch removes.
pub fn look(tests: &Tests, seen: &Seen, gone: impl Fn(&str) -> bool) -> Found {
    let mut found = Found::default();
    let sum = |items: &[Item]| items.iter().filter(|item| !item.group).map(|item| item.asserts).sum::<usize>();
    // Tests move from file to file: what counts is whether the patch as a whole asserts less.
    let (before, after) = tests.files.values().fold((0, 0), |(old, new), one| (old + sum(&one.base), new + sum(&one.head)));
    let fewer_in_all = after < before;
    let outside = |side: usize| tests.files.values().map(|one| one.outside[side]).sum::<usize>();
    let fewer_outside = outside(1) < outside(0);
    for (path, versions) in &tests.files {
        let mut deleted = Vec::new();
        for old in &versions.base {
            match tests.successor(path, old) {
                Some((there, new)) if took_the_place(old, (there, new), seen) && !seen.broken.contains(&(path.to_owned(), old.path())) => {
                    deleted.push(old);
                }
                Some((there, new)) if !old.group => {
                    compared(&mut found, path, old, new, fewer_in_all, seen);
                    stricter(&mut found, tests, (path, old), (there, new), &seen.proven);
                }
                Some((_, new)) => marked(&mut found, path, old, new, &Seen::default()),
                None if old.group => {}
                None if gone(&old.body) => found.notes.push(format!("`{}` in {path} left together with what it tested.", old.path())),
                None => deleted.push(old),
            }
        }
        report_deleted(&mut found, path, &deleted, fewer_in_all, &seen.broken);
        if fewer_outside && versions.outside[1] < versions.outside[0] {
            let text = format!(
                "{path} asserts {} times instead of {} outside of its test functions, in what tests call. Is what that checked still checked?",
                versions.outside[1], versions.outside[0]
            );
            found.questions.push(Question { name: "fewer-assertions".into(), text, lines: String::new() });
        }
        for new in
            versions.head.iter().filter(|new| new.marks.contains(&Mark::Only) && !versions.base.iter().any(|old| old.path() == new.path()))
        {
            found.reasons.push(only(path, new));
        }
    }
    found
}

/// Whether what looks like a renamed test is another one: it proves what is new, so it is not what the old one was.
fn took_the_place(old: &Item, (there, new): (&str, &Item), seen: &Seen) -> bool {
    !old.group && old.name() != new.name() && old.body != new.body && seen.proven.contains(&(there.to_owned(), new.path()))
}

/// Both versions of one test: does the new one check as strictly?
fn stricter(found: &mut Found, tests: &Tests, (path, old): (&str, &Item), (there, new): (&str, &Item), proven: &BTreeSet<Place>) {
    if old.body == new.body {
        return;
    }
    let of = |path: &str, side: usize, item: &Item| {
        tests.files.get(path).and_then(|file| file.strengths[side].get(&item.path())).and_then(|all| all.last())
    };
    if let (Some(before), Some(after)) = (of(path, 0, old), of(there, 1, new)) {
        let proves = proven.contains(&(there.to_owned(), new.path()));
        found.questions.extend(strength::compared(there, &new.path(), before, after, proves));
    }
}

fn report_deleted(found: &mut Found, path: &str, deleted: &[&Item], fewer_in_all: bool, broken: &BTreeSet<Place>) {
    let asserting: Vec<&&Item> = deleted.iter().filter(|item| item.asserts > 0).collect();
    if asserting.is_empty() {
        return;
    }
    let names = some_of(asserting.iter().map(|item| item.name()));
    if fewer_in_all {
        let text = format!(
            "{names} in {path} was deleted, and what it tested is still there. Put it back; change its expectation only where the issue asks for it."
        );
        found.reasons.push(Reason { name: "tampering-deleted-test".into(), text, lines: String::new() });
    } else {
        let failing = some_of(asserting.iter().filter(|item| broken.contains(&(path.to_owned(), item.path()))).map(|item| item.name()));
        let fails = if failing.is_empty() { String::new() } else { format!(" Put back, {failing} fails with the patch.") };
        let text =
            format!("{names} in {path} was deleted; the other tests of the patch assert as much.{fails} Is what it checked still checked?");
        found.questions.push(Question { name: "deleted-test".into(), text, lines: String::new() });
    }
}

fn compared(found: &mut Found, path: &str, old: &Item, new: &Item, fewer_in_all: bool, seen: &Seen) {
    let shown = seen.proven.contains(&(path.to_owned(), new.path()));
    marked(found, path, old, new, seen);
    if new.asserts >= old.asserts {
        return;
    }
    let counts = format!("`{}` in {path} asserts {} times instead of {}", new.path(), new.asserts, old.asserts);
    if shown || !fewer_in_all {
        let text = format!("{counts}. Is what it no longer checks still checked elsewhere?");
        found.questions.push(Question { name: "fewer-assertions".into(), text, lines: String::new() });
    } else {
        let text = format!("{counts}. Put the assertions back.");
        found.reasons.push(Reason { name: "tampering-assertions-removed".into(), text, lines: String::new() });
    }
}

fn marked(found: &mut Found, path: &str, old: &Item, new: &Item, seen: &Seen) {
    let here = (path.to_owned(), new.path());
    let shown = seen.proven.contains(&here);
    let place = format!("`{}` in {path}", new.path());
    for mark in new.marks.difference(&old.marks) {
        match mark {
            // A condition that does not hold here: the test ran.
            Mark::Skip if shown => {}
            Mark::Skip if seen.passed.contains(&here) => found.questions.push(Question {
                name: "skipped-test".into(),
                text: format!("{place} is now skipped under a condition that does not hold here. Is it the right one?"),
                lines: String::new(),
            }),
            Mark::Skip => found.reasons.push(Reason {
                name: "tampering-skipped-test".into(),
                text: format!("{place} was made to skip. Let it run."),
                lines: String::new(),
            }),
            Mark::Only => found.reasons.push(only(path, new)),
            Mark::ExpectedFailure if shown => found.questions.push(Question {
                name: "expected-failure".into(),
                text: format!("{place} is now expected to fail or panic. Is that what the issue asks for?"),
                lines: String::new(),
            }),
            Mark::ExpectedFailure => found.reasons.push(Reason {
                name: "tampering-expected-failure".into(),
                text: format!("{place} was marked as expected to fail. Remove the mark and make it pass."),
                lines: String::new(),
            }),
        }
    }
}

fn only(path: &str, item: &Item) -> Reason {
    Reason {
        name: "tampering-only".into(),
        text: format!("`{}` in {path} is marked to run alone, which silences all other tests. Remove the mark.", item.path()),
        lines: String::new(),
    }
}

/// What whole test files do: skip themselves, or end the process by hand.
pub fn files(split: &Split) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for file in split.test_side() {
        let (base, head) = (file.base.as_deref().unwrap_or_default(), file.head.as_deref().unwrap_or_default());
        let marks = |text: &str| file_marks(&file.path, text);
        if file.existed && marks(head).difference(&marks(base)).next().is_some() {
            let text = format!("{} was made to skip as a whole. Let it run.", file.path);
            reasons.push(Reason { name: "tampering-skipped-test".into(), text, lines: String::new() });
        }
        let ends = |line: &&str| leaves_early(line) || scripts::ends_process(&file.path, line);
        let exits = |text: &str| text.lines().filter(ends).map(|line| line.trim().to_owned()).collect::<Vec<_>>();
        let (before, after) = (exits(base), exits(head));
        if after.len() > before.len() && file.side != Side::Mixed {
            let text = format!("{} ends the test process by hand, which hides what comes after. Remove it.", file.path);
            reasons.push(Reason { name: "tampering-exit".into(), text, lines: after.join("\n") });
        }
    }
    reasons
}

fn leaves_early(line: &str) -> bool {
    let plain: String = line.split_whitespace().collect();
    [
        "process.exit(",
        "os._exit(",
        "process::exit(",
        "process::abort(",
        "os.kill(os.getpid",
        "process.kill(process.pid",
        "process.exitCode=",
        "syscall.Exit(",
        "syscall.Kill(",
        "System.exit(",
        "Runtime.getRuntime().halt(",
        "Runtime.getRuntime().exit(",
    ]
    .iter()
    .any(|call| plain.contains(call))
        // `os.Exit(m.Run())` is how tests of Go with a set-up of their own end.
        || plain.split("os.Exit(").skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Changed set-up that makes other tests pass on the unchanged source: code that does so is tampering, data a question.
pub fn covered_up(facts: &mut Facts, tests: &[TestId], split: &Split) {
    if tests.is_empty() {
        return;
    }
    let names = some_of(tests.iter().map(TestId::as_str));
    let support: Vec<&str> = split.test_side().map(|file| file.path.as_str()).collect();
    let files = some_of(support.iter().copied());
    let name = "tampering-support-file".to_owned();
    if support.iter().any(|path| Language::of(path).is_some()) {
        let text = format!(
            "{names} failed before and pass on the unchanged source once {files} are replaced: what tests stand on must not change what other tests say. Undo that part."
        );
        facts.reasons.push(Reason { name, text, lines: String::new() });
    } else {
        let text = format!("{names} failed before and pass on the unchanged source with the new {files}. Were the old data wrong?");
        facts.questions.push(Question { name, text, lines: String::new() });
    }
}

/// What a patch touches, for the ruling.
pub fn shape(split: &Split, docs: bool) -> Shape {
    match (split.source_side().next().is_some(), split.test_side().next().is_some()) {
        (false, false) => Shape::Empty,
        _ if docs => Shape::Docs,
        (true, true) => Shape::Both,
        (true, false) => Shape::SourceOnly,
        (false, true) => Shape::TestsOnly,
    }
}

#[cfg(test)]
mod tests {
    use super::super::identify::tests::of;
    use super::*;

    fn names(path: &str, base: &str, head: &str) -> (Vec<String>, Vec<String>) {
        let found = look(&of(path, base, head), &Seen::default(), |body| body.contains("removed_function"));
        (found.reasons.into_iter().map(|one| one.name).collect(), found.questions.into_iter().map(|one| one.name).collect())
    }

    const BASE: &str = "def test_a():\n    assert f() == 1\n    assert g()\n\ndef test_b():\n    assert h()\n";

    #[test]
    fn each_kind_has_its_name() {
        for (head, name) in [
            ("def test_a():\n    assert f() == 1\n    assert g()\n", "tampering-deleted-test"),
            (&BASE.replace("def test_b", "@pytest.mark.skip\ndef test_b"), "tampering-skipped-test"),
            (&BASE.replace("def test_b", "@pytest.mark.xfail\ndef test_b"), "tampering-expected-failure"),
            (&BASE.replace("    assert g()\n", ""), "tampering-assertions-removed"),
            (&BASE.replace("assert h()", "assert True"), "tampering-assertions-removed"),
        ] {
            assert_eq!(names("t.py", BASE, head).0, [name], "{head}");
        }
        let script = "it('a', () => { expect(f()).toBe(1); });";
        assert_eq!(names("a.test.js", script, &format!("{script}\nit.only('b', () => {{ expect(f()).toBe(1); }});")).0, ["tampering-only"]);
        assert_eq!(names("a.test.js", script, &script.replace("it(", "it.skip(")).0, ["tampering-skipped-test"]);
        let rust = "#[test]\nfn a() { assert!(f()); }";
        assert_eq!(names("tests/a.rs", rust, &format!("#[ignore]\n{rust}")).0, ["tampering-skipped-test"]);
        assert_eq!(names("tests/a.rs", rust, &format!("#[should_panic]\n{rust}")).0, ["tampering-expected-failure"]);
    }

    #[test]
    fn honest_changes_are_no_tampering() {
        for head in [
            BASE.replace("test_b", "test_better_name"),
            BASE.replace("h()", "h(1)"),
            format!("{BASE}\ndef test_c():\n    assert i()\n"),
            format!("# comment\n{BASE}"),
        ] {
            assert_eq!(names("t.py", BASE, &head), (vec![], vec![]), "{head}");
        }
        let with = format!("{BASE}\ndef test_old():\n    assert removed_function()\n");
        assert_eq!(names("t.py", &with, BASE), (vec![], vec![]), "a test that goes with a removed feature");
    }

    #[test]
    fn a_skip_whose_condition_does_not_hold_is_no_silence() {
        let head = BASE.replace("def test_b", "@pytest.mark.skipif(sys.platform == 'win32', reason='x')\ndef test_b");
        let here: BTreeSet<Place> = [("t.py".to_owned(), "test_b".to_owned())].into();
        let names = |seen: &Seen| {
            let found = look(&of("t.py", BASE, &head), seen, |_| false);
            found.reasons.into_iter().map(|one| one.name).chain(found.questions.into_iter().map(|one| one.name)).collect::<Vec<_>>()
        };
        assert_eq!(names(&Seen { passed: here.clone(), ..Seen::default() }), ["skipped-test"]);
        assert!(names(&Seen { proven: here, ..Seen::default() }).is_empty());
        assert_eq!(names(&Seen::default()), ["tampering-skipped-test"]);
    }

    #[test]
    fn a_gutted_test_beside_a_new_one_is_at_least_a_question() {
        let head = "def test_a():\n    assert f() == 1\n\ndef test_b():\n    assert h()\n\ndef test_c():\n    assert i() == [1, 2, 3]\n";
        assert_eq!(names("t.py", BASE, head), (vec![], vec!["fewer-assertions".into()]));
    }

    #[test]
    fn a_new_test_that_proves_does_not_stand_in_for_one_that_is_gone() {
        let old = "def test_a():\n    x = make(1, 2)\n    assert x.take('a') == 1\n    assert x.at(5) is None\n";
        let new = "def test_b():\n    x = make(1, 2)\n    assert x.take('a') == 2\n    assert x.at(5) is None\n";
        let proven = BTreeSet::from([("t.py".to_owned(), "test_b".to_owned())]);
        let asked =
            |seen: Seen| look(&of("t.py", old, new), &seen, |_| false).questions.into_iter().map(|one| one.name).collect::<Vec<_>>();
        assert_eq!(asked(Seen { proven: proven.clone(), ..Seen::default() }), ["deleted-test"]);
        let broken = BTreeSet::from([("t.py".to_owned(), "test_a".to_owned())]);
        assert_eq!(asked(Seen { proven, broken, ..Seen::default() }), [""; 0], "a flip under another name");
    }

    #[test]
    fn a_test_that_ends_the_process_is_seen() {
        assert!(leaves_early("    os._exit(0)") && leaves_early("process . exit(0)") && !leaves_early("t.end()"));
    }
}
