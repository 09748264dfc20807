//! The counts of all cases.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::case::Kind;

/// One case after its run.
pub struct Outcome {
    pub ecosystem: String,
    pub kind: Kind,
    /// What is not as expected.
    pub wrong: Option<String>,
    /// The gate's word.
    pub verdict: String,
    /// How long it took.
    pub seconds: f32,
}

const WORDS: [&str; 4] = ["verified", "review", "inconclusive", "rejected"];

/// One ecosystem in a line: how many came out as expected, its good and bad cases by the gate's word, and its time.
pub fn line(ecosystem: &str, outcomes: &[Outcome]) -> String {
    let own: Vec<&Outcome> = outcomes.iter().filter(|one| one.ecosystem == ecosystem).collect();
    let failed = own.iter().filter(|one| one.wrong.is_some()).count();
    let mut text = format!("{ecosystem}: {} passed, {failed} failed", own.len() - failed);
    for (kind, name) in [(Kind::Good, "good"), (Kind::Bad, "bad"), (Kind::Limit, "limit")] {
        let of = |word: &str| own.iter().filter(|one| one.kind == kind && one.verdict == word).count();
        let counts: Vec<String> = WORDS.iter().filter(|word| of(word) > 0).map(|word| format!("{} {word}", of(word))).collect();
        if !counts.is_empty() {
            write!(text, "; {name}: {}", counts.join(", ")).unwrap();
        }
    }
    write!(text, "; {:.0} s", own.iter().map(|one| one.seconds).sum::<f32>()).unwrap();
    text
}

/// A table per ecosystem and one of all: good and bad by the gate's word, and the known limits.
pub fn tables(outcomes: &[Outcome]) -> String {
    let mut by_ecosystem: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
    outcomes.iter().for_each(|one| by_ecosystem.entry(&one.ecosystem).or_default().push(one));
    let mut text = format!("{:<16}{:<8}{:>8}", "", "", "cases");
    WORDS.iter().for_each(|word| write!(text, "{word:>14}").unwrap());
    text.push('\n');
    let all: Vec<&Outcome> = outcomes.iter().collect();
    for (name, list) in by_ecosystem.into_iter().chain([("all", all)]) {
        for (kind, row) in [(Kind::Good, "good"), (Kind::Bad, "bad"), (Kind::Limit, "limit")] {
            let of: Vec<_> = list.iter().filter(|one| one.kind == kind).collect();
            if of.is_empty() {
                continue;
            }
            write!(text, "{name:<16}{row:<8}{:>8}", of.len()).unwrap();
            WORDS.iter().for_each(|word| write!(text, "{:>14}", of.iter().filter(|one| one.verdict == *word).count()).unwrap());
            text.push('\n');
        }
    }
    text
}

/// For people, below a line.
pub fn indented(text: &str) -> String {
    text.lines().filter(|line| !line.trim().is_empty()).take(24).map(|line| format!("    | {line}\n")).collect()
}
