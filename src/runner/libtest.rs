//! What a Rust test binary says: libtest's JSON events (its own, libtest-mimic's, nextest's) and the plain words of
//! doctests and foreign harnesses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use super::text::first_lines;
use super::{FaultKind, Outcome};

/// One event; every field may be absent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event {
    r#type: String,
    event: String,
    name: String,
    exec_time: Option<f64>,
    stdout: Option<String>,
    message: Option<String>,
    reason: Option<String>,
    test_count: Option<u64>,
}

/// What one binary told.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Tests that came to an end.
    pub(super) ended: BTreeMap<String, (Outcome, Option<f64>)>,
    /// Tests that began and did not end.
    pub(super) running: BTreeSet<String>,
    /// How many were announced; none when no suite began.
    pub(super) announced: Option<u64>,
    /// The closing event was seen.
    pub(super) closed: bool,
}

/// Reads the JSON events among what was printed; other lines are the tests' own words.
pub(super) fn read_json(text: &str) -> Told {
    let mut told = Told::default();
    for line in text.lines() {
        // A test that prints without a newline pushes the event to the end of its own line.
        let Some(start) = line.find("{ \"type\"").or_else(|| line.find("{\"type\"")) else { continue };
        let Ok(event) = serde_json::from_str::<Event>(&line[start..]) else { continue };
        match (event.r#type.as_str(), event.event.as_str()) {
            ("suite", "started") => told.announced = Some(told.announced.unwrap_or(0) + event.test_count.unwrap_or(0)),
            ("suite", "ok" | "failed") => told.closed = true,
            ("test", "started") => {
                told.running.insert(event.name);
            }
            ("test", "ok" | "failed" | "ignored") => {
                told.running.remove(&event.name);
                let seconds = event.exec_time;
                let name = event.name.clone();
                let outcome = outcome(event);
                // A forged second event cannot turn a failure into a pass.
                let failed = matches!(told.ended.get(&name), Some((Outcome::Failed(_), _)));
                if !failed {
                    told.ended.insert(name, (outcome, seconds));
                }
            }
            _ => {}
        }
    }
    told
}

fn outcome(event: Event) -> Outcome {
    match event.event.as_str() {
        "ok" => Outcome::Passed,
        "ignored" => Outcome::Skipped(event.message.filter(|why| !why.is_empty()).unwrap_or_else(|| "ignored".to_owned())),
        _ => {
            let printed = event.stdout.unwrap_or_default();
            if event.reason.as_deref() == Some("time limit exceeded") {
                return Outcome::failed(FaultKind::Hang, "over the time limit of the test runner", &printed);
            }
            failure(event.message.as_deref(), &printed)
        }
    }
}

/// A failure from what the test printed.
pub(super) fn failure(said: Option<&str>, printed: &str) -> Outcome {
    let message = match said.filter(|said| !said.trim().is_empty()) {
        Some(said) => said.to_owned(),
        None => decisive(printed),
    };
    let asserted = message.lines().take(2).any(|line| {
        let line = line.trim_start();
        line.starts_with("assertion ")
            || line.starts_with("snapshot assertion")
            || line.contains("did not panic")
            || line.contains("panic did not contain expected string")
    });
    Outcome::failed(if asserted { FaultKind::Assertion } else { FaultKind::Error }, &message, printed)
}

/// The panic's own words with its place, or the returned error, or the last lines.
fn decisive(printed: &str) -> String {
    let lines: Vec<&str> = printed.lines().collect();
    if let Some(at) = lines.iter().position(|line| line.contains("panicked at ")) {
        let said = lines[at + 1..].iter().take_while(|line| !line.starts_with("stack backtrace:") && !line.starts_with("note: run with"));
        let said: Vec<&str> = said.copied().take(14).collect();
        let place = lines[at].split("panicked at ").nth(1).unwrap_or_default().trim_end_matches(':');
        return format!("{}\nat {place}", said.join("\n").trim_end());
    }
    if let Some(line) = lines.iter().find(|line| line.starts_with("Error: ")) {
        return (*line).to_owned();
    }
    first_lines(&lines[lines.len().saturating_sub(8)..].join("\n"), 8)
}

static RESULT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^test (.+?)(?: - should panic| - compile fail| - compile)? \.\.\. (ok|FAILED|ignored)(?:, (.*?))?(?: <.*>)?$")
        .expect("a constant pattern that the tests compile")
});

/// Reads the words for people: `test NAME ... ok`, and the block each failure gets below `failures:`.
pub(super) fn read_words(text: &str) -> Vec<(String, Outcome)> {
    let blocks = failure_blocks(text);
    let mut results = Vec::new();
    for line in text.lines() {
        let Some(found) = RESULT.captures(line.trim_end()) else { continue };
        let name = found[1].to_owned();
        let outcome = match &found[2] {
            "ok" => Outcome::Passed,
            "ignored" => Outcome::Skipped(found.get(3).map_or("ignored", |why| why.as_str()).to_owned()),
            _ => failure(None, blocks.get(&name).map_or("", String::as_str)),
        };
        results.push((name, outcome));
    }
    results
}

fn failure_blocks(text: &str) -> BTreeMap<String, String> {
    let mut blocks: BTreeMap<String, String> = BTreeMap::new();
    let mut current: Option<String> = None;
    for line in text.lines() {
        let header = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" ----"));
        if let Some(name) = header.map(|name| name.trim_end_matches(" stdout").trim_end_matches(" stderr")) {
            current = Some(name.to_owned());
        } else if line == "failures:" || line.starts_with("test result:") {
            current = None;
        } else if let Some(block) = current.as_ref().map(|name| blocks.entry(name.clone()).or_default()) {
            block.push_str(line);
            block.push('\n');
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_events_among_other_words() {
        let told = read_json(include_str!("fixtures/libtest.jsonl"));
        assert_eq!(told.announced, Some(6));
        assert!(told.closed && told.running.is_empty());
        assert_eq!(told.ended["tests::ok"].0, Outcome::Passed);
        assert_eq!(told.ended["tests::ign"].0, Outcome::Skipped("slow".to_owned()));
        let Outcome::Failed(bad) = &told.ended["tests::bad"].0 else { panic!() };
        assert_eq!(bad.kind, FaultKind::Assertion);
        assert!(bad.message.starts_with("assertion `left == right` failed: what\n  left: 18"), "{}", bad.message);
        assert!(bad.message.ends_with("at src/lib.rs:13:43"), "{}", bad.message);
        assert!(bad.trace.contains("some out"));
        let Outcome::Failed(err) = &told.ended["tests::err"].0 else { panic!() };
        assert_eq!(err.kind, FaultKind::Error);
        let Outcome::Failed(sp) = &told.ended["tests::sp"].0 else { panic!() };
        assert_eq!((sp.kind, sp.message.contains("did not panic")), (FaultKind::Assertion, true));
    }

    #[test]
    fn words_of_doctests() {
        let results = read_words(include_str!("fixtures/doctest.txt"));
        assert_eq!(results.len(), 2);
        assert_eq!(results[0], ("src/lib.rs - add (line 1)".to_owned(), Outcome::Passed));
        let Outcome::Failed(fault) = &results[1].1 else { panic!() };
        assert!(fault.message.starts_with("assertion `left == right` failed"), "{}", fault.message);
    }

    #[test]
    fn torn_and_mutated_streams() {
        use crate::runner::findings::Findings;
        use crate::runner::trial::never_invents_a_pass;
        use crate::runner::{Case, TestId};
        let keep = |results: Vec<(String, Outcome)>| {
            let mut findings = Findings::default();
            results.into_iter().for_each(|(name, outcome)| findings.add(TestId::new(&[&name]), Case::new(outcome)));
            findings
        };
        never_invents_a_pass(include_str!("fixtures/libtest.jsonl"), |text| {
            keep(read_json(text).ended.into_iter().map(|(name, (outcome, _))| (name, outcome)).collect())
        });
        never_invents_a_pass(include_str!("fixtures/doctest.txt"), |text| keep(read_words(text)));
    }
}
