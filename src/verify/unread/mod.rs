//! Test files that are read neither as trees nor by their words: shell scripts, and whatever else a suite is written in.
//! What they assert cannot be told, so they are compared by their lines: a person is asked about those that are gone or
//! changed, and about new ones that can keep old ones from running. New tests beside old ones ask nothing. Pure.

mod lines;
pub(super) mod shell;
mod silenced;
mod tongues;

use std::collections::BTreeSet;

use super::asked;
use super::docs::is_documentation;
use super::facts::some_of;
use super::paths::is_support;
use super::split::{Sided, Split};
use super::syntax::Language;
use super::{Flip, Question};
use lines::{Compared, frame, normal};
pub use tongues::Tongues;

/// At most so many lines are shown of one file.
const SHOWN: usize = 12;

/// Endings of files that hold data: what they say is judged by the tests that read them.
const DATA: [&str; 44] = [
    "txt", "json", "jsonl", "ndjson", "json5", "yaml", "yml", "toml", "csv", "tsv", "xml", "html", "htm", "xhtml", "css", "svg", "png",
    "jpg", "jpeg", "gif", "pdf", "snap", "golden", "out", "err", "stdout", "stderr", "expected", "expect", "ref", "log", "ini", "cfg",
    "conf", "lock", "sql", "gz", "zip", "bin", "dat", "diff", "patch", "in", "map",
];

/// What a patch does to test files that cannot be read; `flips` are the altered expectations that were accepted.
pub fn look(split: &Split, tongues: &Tongues, flips: &[Flip]) -> Vec<Question> {
    let files: Vec<&Sided> = split.test_side().filter(|file| is_unread(file, tongues)).collect();
    let old: Vec<Compared<'_>> = files.iter().filter(|file| file.existed).filter_map(|file| compared(file, &files)).collect();
    let names: Vec<&str> = flips.iter().filter_map(|flip| flip.test.as_str().rsplit("::").next()).collect();
    let gone: Vec<&str> = old.iter().flat_map(Compared::gone).collect();
    let (named, others): (Vec<&str>, Vec<&str>) = names.into_iter().partition(|name| gone.iter().any(|line| line.contains(name)));
    let names: BTreeSet<&str> = named.into_iter().collect();
    // Where data changed as well, nothing says that a flip comes from a line of code.
    let mut free = if split.test_side().any(is_data) { 0 } else { others.len() };
    let mut questions: Vec<Question> = old.iter().filter_map(|file| altered(file, &names, &mut free)).collect();
    let fresh = files.iter().filter(|file| !file.existed).filter_map(|file| Some((file.path.as_str(), file.head.as_deref()?)));
    questions.extend(silenced::look(&old, &fresh.collect::<Vec<_>>()));
    questions.extend(looks_at_source(split, &files));
    if flips.is_empty() {
        questions.extend(split.test_side().filter_map(fewer_rows));
    }
    questions
}

fn is_unread(file: &Sided, tongues: &Tongues) -> bool {
    !is_documentation(&file.path) && !is_data(file) && tongues.may_be_in(file)
}

fn is_data(file: &Sided) -> bool {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    Language::of(&file.path).is_none() && (DATA.contains(&ending) || is_support(&file.path))
}

/// Both versions; those of a file that got another name belong together.
fn compared<'a>(file: &'a Sided, files: &[&'a Sided]) -> Option<Compared<'a>> {
    let base = file.base.as_deref()?;
    if let Some(head) = file.head.as_deref() {
        return (base != head).then(|| Compared::of(&file.path, base, head));
    }
    let new = files.iter().filter(|other| !other.existed).filter_map(|other| other.head.as_deref());
    let likest = new.max_by_key(|head| lines::shared(base, head)).filter(|head| 2 * lines::shared(base, head) >= lines::count(base));
    Some(Compared::of(&file.path, base, likest.unwrap_or_default()))
}

/// Lines that are gone or changed, but for what an accepted flip explains: those that name its test, and as many as there
/// are flips left of those that differ in a value only.
fn altered(file: &Compared<'_>, names: &BTreeSet<&str>, free: &mut usize) -> Option<Question> {
    let gone: Vec<&str> = file.gone().into_iter().filter(|line| !names.iter().any(|name| line.contains(name))).collect();
    let frames: BTreeSet<String> = file.added().map(frame).collect();
    let (by_value, mut asked): (Vec<&str>, Vec<&str>) = gone.into_iter().partition(|line| frames.contains(&frame(line)));
    let by_value: Vec<&str> = by_value.into_iter().filter(|line| !file.added().any(|new| lines::counts_more(line, new))).collect();
    if by_value.len() <= *free {
        *free -= by_value.len();
    } else {
        asked.extend(by_value);
    }
    (!asked.is_empty()).then(|| Question {
        name: "altered-test".into(),
        text: format!(
            "loom cannot read what {} asserts, and lines that were there are gone or changed. Is what they checked still checked?",
            file.path
        ),
        lines: shown(asked),
    })
}

fn shown<'a>(list: impl IntoIterator<Item = &'a str>) -> String {
    let list: Vec<&str> = list.into_iter().collect();
    let mut text: String = list.iter().take(SHOWN).map(|line| format!("{line}\n")).collect();
    if list.len() > SHOWN {
        text.push_str(&format!("... {} more lines\n", list.len() - SHOWN));
    }
    text
}

/// New lines of tests that look into the files or for the functions that the patch changes, and do not run them.
fn looks_at_source(split: &Split, files: &[&Sided]) -> Option<Question> {
    let source: Vec<&Sided> = split.source_side().filter(|file| Language::of(&file.path).is_none()).collect();
    let paths: Vec<&str> = split.source_side().filter_map(|file| file.path.rsplit('/').next()).collect();
    let functions: BTreeSet<&str> = source.iter().filter_map(|file| file.head.as_deref()).flat_map(shell::functions).collect();
    let added = files.iter().flat_map(|file| {
        let (base, head) = (file.base.as_deref().unwrap_or_default(), file.head.as_deref().unwrap_or_default());
        let before: BTreeSet<String> = base.lines().map(normal).collect();
        head.lines().filter(move |line| !before.contains(&normal(line))).map(str::trim)
    });
    let found: Vec<&str> = added.filter(|line| shell::looks_at(line, &paths, &functions)).collect();
    (!found.is_empty()).then(|| Question {
        name: "reads-source".into(),
        text: "New lines of the tests look into the source that the patch changes, or only for its names. Do they show what the code does?"
            .into(),
        lines: shown(found),
    })
}

/// Data that only lost lines: rows of a table may be among them. Snapshots are told by the tests they are named after;
/// manifests and settings hold no rows.
fn fewer_rows(file: &Sided) -> Option<Question> {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    if asked::asked(name, None).is_some() || ["snap", "lock", "ini", "cfg", "conf", "yml", "yaml", "toml"].contains(&ending) {
        return None;
    }
    let (base, head) = (file.base.as_deref()?, file.head.as_deref()?);
    let compared = Compared::of(&file.path, base, head);
    let gone = compared.gone();
    (is_data(file) && !gone.is_empty() && compared.added().next().is_none()).then(|| Question {
        name: "fewer-cases".into(),
        text: format!("{} lost lines and got none. Is what they checked still checked?", some_of([file.path.as_str()])),
        lines: shown(gone),
    })
}

#[cfg(test)]
mod tests {
    use super::super::split::Side;
    use super::*;
    use crate::runner::{Program, TestId};

    const OLD: &str = "# Rates.\n. tests/lib.sh\n\nis 'a light parcel' \"$(rate 10)\" 500\nshare() {\n    [ \"$(insured 5)\" = 6 ] || return 1\n    [ \"$(insured 9)\" = 10 ] || return 1\n}\nholds 'a share' share\ndone_testing\n";

    fn asked(path: &str, base: &str, head: &str, flips: &[&str]) -> Vec<String> {
        let file = Sided::for_trial(path, Side::Test, Some(base), Some(head));
        let source = Sided::for_trial("lib/rates.sh", Side::Source, Some("rate() {\n}\n"), Some("rate() {\n}\ndoubled() {\n}\n"));
        let split = Split::for_trial(vec![file, source]);
        let flip = |name: &&str| Flip { test: TestId::new(&[name]), old: String::new(), new: String::new() };
        let mut tongues = Tongues::default();
        tongues.add(Program::Tap, [None].into_iter());
        look(&split, &tongues, &flips.iter().map(flip).collect::<Vec<_>>()).into_iter().map(|one| one.name).collect()
    }

    #[test]
    fn lines_that_are_gone_or_changed_are_asked_about() {
        for head in [
            OLD.replace("    [ \"$(insured 9)\" = 10 ] || return 1\n", ""),
            OLD.replace("= 10 ] || return 1", "= 10 ] || true"),
            OLD.replace("= 10 ]", "= 11 ]"),
            OLD.replace("holds 'a share' share\n", ""),
        ] {
            assert_eq!(asked("tests/rates.test.sh", OLD, &head, &[]), ["altered-test"], "{head}");
            assert_eq!(asked("t/rates.t", &format!("#!/bin/sh\n{OLD}"), &format!("#!/bin/sh\n{head}"), &[]), ["altered-test"], "{head}");
        }
        assert_eq!(asked("tests/rates.kt", "fun a() {\n  assert(x)\n}\n", "fun a() {\n}\n", &[]), ["altered-test"]);
        assert_eq!(asked("tests/rows.tsv", "a\t1\nb\t2\n", "a\t1\n", &[]), ["fewer-cases"]);
        assert_eq!(asked("tests/requirements.txt", "a\nb\n", "a\n", &[]), [""; 0], "no rows");
    }

    #[test]
    fn what_a_flip_explains_is_not_asked_about_again() {
        let dearer = OLD.replace("10)\" 500", "10)\" 600");
        assert_eq!(asked("tests/a.sh", OLD, &dearer, &["rates.test.sh::a light parcel"]), [""; 0]);
        let in_a_function = OLD.replace("= 10 ]", "= 11 ]");
        assert_eq!(asked("tests/a.sh", OLD, &in_a_function, &["a share"]), [""; 0]);
        assert_eq!(asked("tests/a.sh", OLD, &in_a_function.replace("= 6 ]", "= 7 ]"), &["a share"]), ["altered-test"]);
        assert_eq!(asked("tests/a.sh", OLD, &in_a_function.replace("insured 9", "insured 1 2"), &["other"]), ["altered-test"]);
        let both = dearer.replace("= 11 ]", "= 10 ]").replace("= 10 ]", "= 11 ]");
        assert_eq!(asked("tests/a.sh", OLD, &both, &["a light parcel"]), ["altered-test"], "a flip explains one line");
    }

    #[test]
    fn new_tests_and_layout_are_not_asked_about() {
        for head in [
            OLD.replace("holds 'a share'", "is 'the limit' \"$(rate 1000)\" 500\nholds 'a share'"),
            OLD.replace(
                "share() {",
                "limit() {\n    if [ \"$(rate 1)\" != 2 ]; then\n        return 0\n    fi\n}\nholds 'limit' limit\nshare() {",
            ),
            OLD.replace("    [", "\t["),
            OLD.replace("# Rates.", "# What parcels cost."),
            format!("{OLD}echo 1..3\n"),
            OLD.replace("is 'a light parcel' \"$(rate 10)\" 500\n", "")
                .replace("done_testing", "is 'a light parcel' \"$(rate 10)\" 500\ndone_testing"),
            OLD.replace("share() {", "out=$(rate 1000)\nis 'one' \"$out\" 500\nshare() {"),
        ] {
            assert_eq!(asked("tests/a.sh", OLD, &head, &[]), [""; 0], "{head}");
        }
        let planned = format!("{OLD}echo 1..2\n");
        assert_eq!(asked("tests/a.sh", &planned, &planned.replace("1..2", "1..3"), &[]), [""; 0], "a longer plan");
        assert_eq!(asked("tests/a.sh", &planned, &planned.replace("1..2", "1..1"), &[]), ["altered-test"]);
        assert_eq!(asked("tests/label.txt", "a\n", "b\n", &[]), [""; 0], "the tests that read it tell");
    }

    #[test]
    fn new_lines_that_keep_old_ones_from_running_are_asked_about() {
        for head in [
            OLD.replace("share() {\n", "share() {\n    [ -d x ] && return 0\n"),
            OLD.replace("share() {\n", "share() {\n    if false; then\n").replace("10 ] || return 1\n", "10 ] || return 1\n    fi\n"),
            OLD.replace("share() {\n", "share() {\n    cat <<'E'\n").replace("10 ] || return 1\n", "10 ] || return 1\nE\n"),
            OLD.replace("share() {", "exit 0\nshare() {"),
            OLD.replace("share() {", "holds() {\n    echo ok\n}\nshare() {"),
            OLD.replace("share() {", "PATH=tests/fake:$PATH\nshare() {"),
            OLD.replace("share() {", "trap 'exit 0' EXIT\nshare() {"),
        ] {
            assert_eq!(asked("tests/a.sh", OLD, &head, &[]), ["guarded-assertions"], "{head}");
        }
        let uses = "found=$(rate 10)\nis 'a' \"$found\" 500\n";
        assert_eq!(asked("tests/a.sh", uses, &uses.replace("is 'a'", "found=500\nis 'a'"), &[]), ["guarded-assertions"]);
    }

    #[test]
    fn tests_that_only_look_at_the_source_are_asked_about() {
        for line in ["holds 'x' grep -q 'le 1000' lib/rates.sh", "holds 'x' command -v doubled", "type doubled >/dev/null && echo ok"] {
            assert_eq!(asked("tests/a.sh", OLD, &format!("{OLD}{line}\n"), &[]), ["reads-source"], "{line}");
        }
        for line in [". lib/rates.sh", "is 'x' \"$(sh lib/rates.sh | grep -c x)\" 1", "command -v jq >/dev/null || echo none"] {
            assert_eq!(asked("tests/a.sh", OLD, &format!("{OLD}{line}\n"), &[]), [""; 0], "{line}");
        }
    }
}
