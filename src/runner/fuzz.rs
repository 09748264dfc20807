//! For the tests of this room: what runners print, damaged in every way a seeded generator can think of, and read again.
//! A parser must not panic, must not take its time, and must not invent a pass: a test that passes in the damaged text
//! either passed in the sound one, or the damaged text says so in its own words, or only the name of one that passed is
//! damaged, or the parser tells that it cannot read.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use fastrand::Rng;
use regex::Regex;

use super::findings::Findings;
use super::{Outcome, TroubleKind};

/// Mutants of each text in a usual run; `.ci/nightly fuzz` asks for more.
const USUAL: usize = 150;
/// No text takes longer to read than this, on a machine that does other things as well.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is found in a text by a parser that adds to findings, and asks where a path lies.
pub(super) fn found<T>(read: impl FnOnce(&dyn Fn(&str) -> Option<String>, &mut Findings) -> T) -> Findings {
    let mut findings = Findings::default();
    read(&|path| path.strip_prefix("/loom/repo/").map(str::to_owned), &mut findings);
    findings
}

/// Feeds a parser a text cut short at many places and mutated.
pub(super) fn never_invents_a_pass(text: &str, read: impl Fn(&str) -> Findings) {
    let sound = Sound::of(&read(text));
    assert!(!sound.passed.is_empty(), "a text without a pass shows nothing");
    let check = |mutant: &str, what: &str| {
        let began = Instant::now();
        let findings = read(mutant);
        assert!(began.elapsed() < PATIENCE, "{what}: reading took {:?}", began.elapsed());
        let invented = sound.invented(mutant, &findings);
        assert!(invented.is_empty(), "{what}: {invented:?} pass, which nothing says in\n{}", clip(mutant));
        assert!(findings.cases.len() <= mutant.len(), "{what}: more tests than letters");
    };
    let mut random = Rng::with_seed(7);
    let cuts: BTreeSet<usize> =
        text.match_indices('\n').flat_map(|(at, _)| [at, at + 1]).chain((0..200).map(|_| random.usize(..text.len()))).collect();
    for end in cuts.into_iter().filter(|end| text.is_char_boundary(*end)) {
        check(&text[..end], &format!("cut at {end}"));
    }
    let count = std::env::var("LOOM_FUZZ").ok().and_then(|count| count.parse().ok()).unwrap_or(USUAL);
    for seed in 0..count {
        let mut random = Rng::with_seed(seed as u64);
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..random.usize(1..5) {
            mutate(&mut bytes, &mut random);
        }
        check(&String::from_utf8_lossy(&bytes), &format!("seed {seed}"));
    }
}

/// What the sound text says of its tests, by name.
struct Sound {
    passed: BTreeSet<String>,
    /// Failed or skipped, and no namesake passed.
    others: BTreeSet<String>,
}

impl Sound {
    fn of(findings: &Findings) -> Sound {
        let passed = passed(findings);
        let others = findings.cases.keys().map(|id| id.unnumbered().to_owned()).filter(|name| !passed.contains(name)).collect();
        Sound { passed, others }
    }

    /// The passes among the findings of a damaged text that nothing accounts for.
    fn invented(&self, mutant: &str, findings: &Findings) -> Vec<String> {
        if findings.troubles.iter().any(|one| one.kind == TroubleKind::Unreadable) {
            return Vec::new();
        }
        let now = passed(findings);
        // Each pass that is missing accounts for one damaged name, no more.
        let mut missing: Vec<&str> = self.passed.difference(&now).map(String::as_str).collect();
        let unknown = now.difference(&self.passed).filter(|name| !claims(mutant, name));
        unknown.filter(|name| !self.renames(name, &mut missing)).cloned().collect()
    }

    /// Whether a name is the damaged one of a test that passed and is missing now: more like it than like any test that did
    /// not pass, and most of its letters kept.
    fn renames(&self, name: &str, missing: &mut Vec<&str>) -> bool {
        let Some((at, apart)) = missing.iter().map(|one| distance(one, name)).enumerate().min_by_key(|(_, apart)| *apart) else {
            return false;
        };
        let near = apart <= missing[at].chars().count() / 2 && self.others.iter().all(|other| distance(other, name) > apart);
        if near {
            missing.swap_remove(at);
        }
        near
    }
}

/// How many letters must be changed, put in or left out to make one text of another.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], line + 1);
        for at in 0..other.len() {
            let changed = corner + usize::from(letter != other[at]);
            corner = row[at + 1];
            row[at + 1] = changed.min(corner + 1).min(row[at] + 1);
        }
    }
    row[other.len()]
}

fn passed(findings: &Findings) -> BTreeSet<String> {
    let passed = findings.cases.iter().filter(|(_, case)| case.outcome == Outcome::Passed);
    passed.map(|(id, _)| id.unnumbered().to_owned()).collect()
}

fn clip(text: &str) -> &str {
    &text[..text.floor_char_boundary(4_000)]
}

/// One way to damage a text.
fn mutate(bytes: &mut Vec<u8>, random: &mut Rng) {
    if bytes.is_empty() {
        return;
    }
    let at = random.usize(..bytes.len());
    match random.u8(..14) {
        0 => bytes[at] = random.u8(..),
        1 => bytes[at] ^= 1 << random.u8(..8),
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..(at + random.usize(1..40)).min(bytes.len()))),
        4 => insert(bytes, at, [&b"\n"[..], b"{", b"\"", b"<", b"}", b"]]>", b"\\", b"&", b"\0", b"\x1b[2J", b"\r"][random.usize(..11)]),
        5 => insert(bytes, at, &[0xff, 0xfe, 0xc3, 0x28]),
        6 => insert(bytes, at, b"999999999999999999999999999999999999"),
        7 => insert(
            bytes,
            at,
            b"<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;\">]>&c;",
        ),
        8 => insert(
            bytes,
            at,
            &[&b"["[..], b"{\"a\":", b"<a>", b"  ", b"(", b"    # Subtest: x\n"][random.usize(..6)].repeat(random.usize(1..4_000)),
        ),
        9 => lines(bytes, |lines, one, _| drop(lines.remove(one)), random),
        10 => lines(bytes, |lines, one, _| lines.insert(one, lines[one].clone()), random),
        11 => lines(bytes, |lines, one, other| lines.swap(one, other), random),
        12 => numbers(bytes, random),
        _ => {
            let other = random.usize(..bytes.len());
            let piece: Vec<u8> = bytes[other..(other + random.usize(1..60)).min(bytes.len())].to_vec();
            insert(bytes, at, &piece);
        }
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, what: &[u8]) {
    drop(bytes.splice(at..at, what.iter().copied()));
}

fn lines(bytes: &mut Vec<u8>, change: impl Fn(&mut Vec<Vec<u8>>, usize, usize), random: &mut Rng) {
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let (one, other) = (random.usize(..lines.len()), random.usize(..lines.len()));
    change(&mut lines, one, other);
    *bytes = lines.concat();
}

/// Makes a number far too large, or negative.
fn numbers(bytes: &mut Vec<u8>, random: &mut Rng) {
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at].is_ascii_digit()).collect();
    if !places.is_empty() {
        let at = places[random.usize(..places.len())];
        insert(bytes, at, [&b"-"[..], b"1e999", b"18446744073709551616", b"0x", b"NaN"][random.usize(..5)]);
    }
}

static CASE: LazyLock<Regex> = LazyLock::new(|| {
    let children = r"(?:\s|<(?:system-out|system-err|properties|property|output)\b.*)*";
    Regex::new(&format!(r"(?s)^([^<>]*)(?:/>|>{children}</testcase)")).expect("a constant pattern that the tests compile")
});
static MARK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"\bok\b|\bpass(?:ed)?\b|\btestFinished\b|"faults": ?\[\]"#).expect("a constant pattern that the tests compile")
});

/// Whether a text says in its own words that a test passed, by as plain a reading as can be.
fn claims(text: &str, name: &str) -> bool {
    // A name that was cut says too little to be looked for.
    if name.len() > 400 {
        return true;
    }
    let own = plain(name.rsplit("::").next().unwrap_or(name).split('[').next().unwrap_or(name));
    // What stands behind an `ok` at the beginning is its name, whatever it reads like.
    let denies = |unit: &str| unit.contains("not ok") && !unit.trim_start().starts_with("ok");
    if own == "unnamed" {
        return text.lines().any(|line| !denies(line) && MARK.is_match(line));
    }
    if text.contains("<testcase") {
        return text.split("<testcase").skip(1).any(|unit| CASE.captures(unit).is_some_and(|found| plain(&found[1]).contains(&own)));
    }
    let says = |unit: &str| {
        let call = !unit.contains("\"when\"") || unit.contains("\"call\"");
        call && !denies(unit) && MARK.is_match(unit) && plain(unit).contains(&own)
    };
    match text.contains("\"ancestorTitles\"") {
        true => text.split("\"ancestorTitles\"").any(says),
        false => text.lines().any(says) || of_one_run(text, &own),
    }
}

/// A stream whose lines share the name of a run (`"t"`): one line may name the test, and another say that it passed.
fn of_one_run(text: &str, own: &str) -> bool {
    let run = |line: &str| Some(line.split_once("\"t\":\"")?.1.split_once('"')?.0.to_owned());
    let named = text.lines().filter(|line| plain(line).contains(own)).filter_map(run);
    named.collect::<Vec<_>>().iter().any(|named| text.lines().any(|line| MARK.is_match(line) && run(line).as_ref() == Some(named)))
}

/// Letters and digits alone: names are cleaned, and texts are quoted in many ways.
fn plain(text: &str) -> String {
    let text = text.replace("\\n", " ").replace("\\t", " ").replace("|n", " ").replace("&#10;", " ").replace("&quot;", " ");
    text.chars().filter(|letter| letter.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::{Case, TestId};
    use crate::sandbox::Ending;

    /// A parser that makes a pass of all that is not a failure.
    fn careless(text: &str) -> Findings {
        let mut findings = Findings::default();
        for (word, name) in text.lines().filter_map(|line| line.split_once(' ')) {
            let outcome = if word == "failed" { Outcome::Skipped("failed".into()) } else { Outcome::Passed };
            findings.add(TestId::new(&[name]), Case::new(outcome));
        }
        findings
    }

    #[test]
    fn a_careless_parser_is_caught() {
        let caught = std::panic::catch_unwind(|| never_invents_a_pass("passed one\nfailed two\nfailed three\n", careless));
        assert!(caught.is_err());
        assert!(claims("ok 1 - adds two", "t/a.t::adds two") && !claims("not ok 1 - adds two", "t/a.t::adds two"));
        assert!(claims("<testcase name=\"a\"/>", "C::a") && !claims("<testcase name=\"a\"><fbilure/></testcase>", "C::a"));
    }

    /// A reader of `ok NAME` and `not ok NAME`, as strict as it should be.
    fn strict(text: &str) -> Findings {
        let mut findings = Findings::default();
        for line in text.lines() {
            let failed = line.strip_prefix("not ok ");
            let Some(name) = failed.or_else(|| line.strip_prefix("ok ")) else { continue };
            let outcome = if failed.is_some() { Outcome::Skipped("failed".into()) } else { Outcome::Passed };
            findings.add(TestId::new(&[name]), Case::new(outcome));
        }
        findings
    }

    #[test]
    fn a_planted_reader_that_invents_is_caught() {
        let text = "ok adds\nok takes away\nnot ok divides\nnot ok multiplies\n";
        never_invents_a_pass(text, strict);
        let forgetful = |text: &str| {
            let mut findings = strict(text);
            // The beginning of a failure is torn, its name is still there: it must not count as a pass.
            for name in text.lines().filter(|line| !line.starts_with("ok ") && !line.starts_with("not ok ")) {
                findings.add(TestId::new(&[name.rsplit("ok ").next().unwrap_or(name)]), Case::new(Outcome::Passed));
            }
            findings
        };
        assert!(std::panic::catch_unwind(|| never_invents_a_pass(text, forgetful)).is_err());
    }

    #[test]
    fn a_damaged_name_accounts_for_one_pass_that_is_missing() {
        let sound = Sound::of(&strict("ok t::adds\nok t::takes\nnot ok t::divides\n"));
        let invented = |text: &str| sound.invented("", &strict(text));
        assert!(invented("ok t::adds\nok t::tukes\nnot ok t::divides\n").is_empty(), "a letter of a name that passed");
        assert_eq!(invented("ok t::adds\nok t::takes\nok t::tukes\n"), ["t::tukes"], "all that passed are still there");
        assert_eq!(invented("ok t::adds\nok t::tukes\nok t::tykes\n").len(), 1, "one is missing, two came");
        assert_eq!(invented("ok t::adds\nok t::divides\n"), ["t::divides"], "it had failed");
        assert_eq!(invented("ok t::adds\nok t::devides\n"), ["t::devides"], "more like one that had failed");
        assert_eq!(invented("ok t::adds\nok something else\n"), ["something else"]);
        assert_eq!((distance("kitten", "sitting"), distance("", "abc"), distance("same", "same")), (3, 3, 0));
    }

    #[test]
    fn torn_and_mutated_results_of_pytest() {
        never_invents_a_pass(include_str!("fixtures/pytest.jsonl"), |text| {
            found(|place, findings| crate::runner::pytest::read(text, Ending::Exited(0), place, &BTreeSet::new(), findings))
        });
    }
}
