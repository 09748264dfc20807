//! What came out wrong with one case, and the counts of all of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::bench::Said;
use crate::case::{Case, Kind};

/// One case after its run.
pub struct Outcome {
    pub ecosystem: String,
    pub kind: Kind,
    /// What is not as expected.
    pub wrong: Option<String>,
    /// The gate's word.
    pub verdict: String,
}

/// What is not as the case expects.
pub fn wrong(case: &Case, said: &Said) -> Option<String> {
    let expect = &case.expect;
    let verdict = expect.verdict(case.kind);
    let mut wrong = Vec::new();
    if said.verdict != verdict {
        wrong.push(format!("{} instead of {verdict}", said.verdict));
    }
    if verdict == "verified" && said.verdict == verdict {
        if said.proof != expect.proof() {
            wrong.push(format!("proves {} instead of {}", said.proof, expect.proof()));
        }
        let sorted = |list: &[String]| {
            let mut list = list.to_vec();
            list.sort();
            list
        };
        if sorted(&said.fail_to_pass) != sorted(&expect.fail_to_pass) {
            wrong.push(format!("proved by {:?} instead of {:?}", said.fail_to_pass, expect.fail_to_pass));
        }
        if said.flips != expect.flips {
            wrong.push(format!("{} altered expectations instead of {}", said.flips, expect.flips));
        }
    }
    wrong.extend(expect.must.iter().filter(|name| !said.names.contains(name)).map(|name| format!("`{name}` is not given")));
    let untrue = said.names.iter().filter(|name| !expect.must.contains(name) && !expect.may.contains(name));
    wrong.extend(untrue.map(|name| format!("`{name}` is given, which is not true")));
    wrong.extend(expect.says.iter().filter(|part| !said.texts.contains(part.as_str())).map(|part| format!("nothing says {part:?}")));
    (!wrong.is_empty()).then(|| wrong.join("; "))
}

/// A table per ecosystem and one of all: good and bad by the gate's word, and the known limits.
pub fn tables(outcomes: &[Outcome]) -> String {
    const WORDS: [&str; 4] = ["verified", "review", "inconclusive", "rejected"];
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
