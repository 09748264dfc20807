//! What one package's tests showed: how each ended, and, where the process died, which of them took it along.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use super::super::text::{TRACE, clip, first_lines, plain};
use super::lost;
use crate::runner::{Case, FaultKind, Outcome};
use crate::sandbox::Ending;

/// Most that is kept of one test's output.
const LONGEST: usize = 8 * TRACE;

static FRAMING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:=== (?:RUN|PAUSE|CONT|NAME)\s|--- (?:PASS|FAIL|SKIP|BENCH): )").expect("a constant pattern that the tests compile")
});
static PLACED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\s+[^\s:]+\.go:\d+: ").expect("a constant pattern that the tests compile"));

/// One package's run.
#[derive(Debug, Default)]
pub(super) struct Run {
    order: Vec<String>,
    tests: BTreeMap<String, Seen>,
    output: String,
    /// How go says the package came out.
    ended: Option<String>,
    /// Its process ended before its tests did.
    pub(super) died: bool,
    /// Why it does not build.
    pub(super) broken: Option<String>,
}

#[derive(Debug, Default)]
struct Seen {
    ends: Vec<End>,
    paused: bool,
    output: String,
    seconds: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Pass,
    Skip,
    Fail,
}

impl Run {
    /// One event.
    pub(super) fn take(&mut self, action: &str, test: &str, output: &str, elapsed: Option<f64>) {
        if test.is_empty() {
            match action {
                "output" if self.output.len() < LONGEST => self.output.push_str(output),
                "pass" | "fail" | "skip" => self.ended = Some(action.to_owned()),
                _ => {}
            }
            return;
        }
        if action == "run" && !self.tests.contains_key(test) {
            self.order.push(test.to_owned());
            self.tests.insert(test.to_owned(), Seen::default());
        }
        // What was never begun has no result.
        let Some(seen) = self.tests.get_mut(test) else { return };
        match action {
            "pause" => seen.paused = true,
            "run" | "cont" => seen.paused = false,
            "output" if seen.output.len() < LONGEST => seen.output.push_str(output),
            "pass" => seen.ends.push(End::Pass),
            "skip" => seen.ends.push(End::Skip),
            "fail" => seen.ends.push(End::Fail),
            _ => {}
        }
        if matches!(action, "pass" | "skip" | "fail") {
            seen.seconds = elapsed;
        }
    }

    /// Whether a test function came to its end.
    pub(super) fn has_ended(&self, function: &str) -> bool {
        self.tests.get(function).is_some_and(|seen| !seen.ends.is_empty() || self.end_in_a_line(function, seen).is_some())
    }

    /// For people.
    pub(super) fn printed(&self) -> String {
        let mut text: String = self.order.iter().filter_map(|name| self.tests.get(name)).map(|seen| seen.output.as_str()).collect();
        text.push_str(&self.output);
        text
    }

    /// Which unfinished tests ended the process, or hang; by the names of the cases. Tells whether the process died.
    pub(super) fn blame(&mut self, ending: Ending) -> BTreeSet<String> {
        let stopped = ending == Ending::TimedOut && self.ended.is_none();
        self.died = stopped || self.ended.as_deref() == Some("fail") && !self.output.lines().any(|line| line == "FAIL");
        if !self.died {
            return BTreeSet::new();
        }
        // One that failed by a panic of its own took the rest along and has its result.
        let failed = self.tests.iter().filter(|(_, seen)| seen.ends.contains(&End::Fail) && panics(&seen.output).is_some());
        let mut culprits: BTreeSet<String> = failed.map(|(name, _)| shown(name)).collect();
        if culprits.is_empty() {
            culprits = self.suspects(stopped).into_iter().map(|name| shown(&name)).collect();
        }
        culprits
    }

    /// The unfinished tests that ran last; of several those whose functions stand in the stack.
    fn suspects(&self, stopped: bool) -> Vec<String> {
        let open =
            |name: &&String| self.tests.get(*name).is_some_and(|seen| seen.ends.is_empty() && self.end_in_a_line(name, seen).is_none());
        let running: Vec<&String> = self.order.iter().filter(open).filter(|name| !self.tests[*name].paused).collect();
        let inner =
            |name: &&&String| !running.iter().any(|other| other.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('/')));
        let leaves: Vec<&String> = running.iter().filter(inner).copied().collect();
        let stack = self.printed();
        let stack = panics(&stack).unwrap_or_default();
        let named = |name: &&&String| {
            let function = name.split('/').next().unwrap_or(name);
            stack.contains(&format!(".{function}(")) || stack.contains(&format!(".{function}.func"))
        };
        let told: Vec<&String> = leaves.iter().filter(named).copied().collect();
        let all = stopped || told.is_empty();
        (if all { leaves } else { told }).into_iter().cloned().collect()
    }

    /// The results, by the names of the cases; those of unfinished tests only where they are to blame.
    pub(super) fn cases(&self, culprits: &BTreeSet<String>) -> Vec<(String, Case)> {
        let mut cases = Vec::new();
        for name in &self.order {
            let seen = &self.tests[name];
            let own = shown(name);
            let outcome = match seen.ends.iter().max().copied().or_else(|| self.end_in_a_line(name, seen)) {
                Some(End::Pass) => Outcome::Passed,
                Some(End::Skip) => Outcome::Skipped(reason(&seen.output)),
                Some(End::Fail) => self.failure(name, seen),
                None if culprits.contains(&own) => self.death(),
                // What waits for a part of itself that died has failed with it.
                None => match culprits.iter().find(|one| one.starts_with(&format!("{own}{}", if own.contains("::") { "/" } else { "::" })))
                {
                    Some(part) => lost(FaultKind::Crash, &format!("its part {part} did not come to an end"), ""),
                    None if self.ended.as_deref() == Some("pass") => {
                        lost(FaultKind::Crash, "it began and never came to its end", &seen.output)
                    }
                    None => continue,
                },
            };
            cases.push((own, Case::new(outcome).after(seen.seconds)));
        }
        cases
    }

    /// Why the package failed, where no test says it.
    pub(super) fn unexplained(&self, culprits: &BTreeSet<String>) -> Option<String> {
        let failing = self.tests.values().any(|seen| seen.ends.contains(&End::Fail));
        if self.ended.as_deref() != Some("fail") || failing || !culprits.is_empty() {
            return None;
        }
        let lines: Vec<&str> = self.output.lines().filter(|line| !matches!(line.trim(), "" | "PASS" | "FAIL")).collect();
        let text = lines[lines.len().saturating_sub(12)..].join("\n");
        Some(format!("the package fails although none of its tests does: {}", if text.is_empty() { "it says nothing more" } else { &text }))
    }

    /// Before Go 1.20 the end of a test is not told by an event where it printed the beginning of that line.
    fn end_in_a_line(&self, name: &str, seen: &Seen) -> Option<End> {
        let says = |word: &str| seen.output.contains(&format!("--- {word}: {name} ("));
        let others_fail = self.tests.values().any(|seen| seen.ends.contains(&End::Fail));
        match self.ended.as_deref() {
            Some("pass" | "fail") if says("FAIL") => Some(End::Fail),
            Some("pass") if says("PASS") => Some(End::Pass),
            // A package that fails with nobody to blame may fail by this very test.
            Some("fail") if says("PASS") && !self.died && others_fail => Some(End::Pass),
            Some("pass" | "fail") if says("SKIP") => Some(End::Skip),
            _ => None,
        }
    }

    fn failure(&self, name: &str, seen: &Seen) -> Outcome {
        let text = said(&seen.output);
        if let Some(stack) = panics(&text) {
            return crashed(stack);
        }
        let message = message(&text);
        let message = if message.is_empty() { first_lines(&text, 8) } else { message };
        if !message.trim().is_empty() {
            return lost(FaultKind::Assertion, &message, &text);
        }
        let inside = format!("{name}/");
        let parts: Vec<String> = self
            .tests
            .iter()
            .filter(|(other, seen)| other.starts_with(&inside) && seen.ends.contains(&End::Fail))
            .map(|(other, _)| shown(other))
            .take(5)
            .collect();
        match parts.is_empty() {
            true => lost(FaultKind::Assertion, "failed without a word", ""),
            false => lost(FaultKind::Assertion, &format!("parts of it failed: {}", parts.join(", ")), ""),
        }
    }

    /// How the process ended.
    fn death(&self) -> Outcome {
        let text = said(&self.printed());
        match panics(&text) {
            Some(stack) => crashed(stack),
            None if self.ended.is_none() => lost(FaultKind::Hang, "still running when the run was stopped at its limit", ""),
            None => {
                let last: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("FAIL")).collect();
                let last = last[last.len().saturating_sub(6)..].join("\n");
                lost(FaultKind::Crash, &format!("its process ended: {last}"), "")
            }
        }
    }
}

/// `TestA/b/c` as the parts of an id.
fn shown(name: &str) -> String {
    name.replacen('/', "::", 1)
}

/// What a test printed, without go's own marks.
fn said(output: &str) -> String {
    let text = plain(output);
    let kept: Vec<&str> = text.lines().filter(|line| !FRAMING.is_match(line)).collect();
    kept.join("\n")
}

/// From the line on at which the process died of itself.
fn panics(text: &str) -> Option<&str> {
    let starts = ["panic: ", "fatal error: ", "SIGSEGV: ", "SIGQUIT: "];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if starts.iter().any(|start| line.starts_with(start)) {
            return text.get(at..);
        }
        at += line.len();
    }
    None
}

fn crashed(stack: &str) -> Outcome {
    let message = stack.lines().next().unwrap_or_default().trim_end_matches(" [recovered]");
    let hangs = message.starts_with("panic: test timed out");
    // The stacks of those who wait for it say nothing.
    let own = stack.split("\n\ngoroutine ").take(2).collect::<Vec<_>>().join("\n\ngoroutine ");
    let stack = if hangs { stack } else { &own };
    lost(if hangs { FaultKind::Hang } else { FaultKind::Error }, message, &clip(stack, 4 * TRACE))
}

/// The lines that `t.Error` and its like print, with what follows them indented.
fn message(text: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let placed = PLACED.is_match(line);
        inside = placed || inside && line.starts_with("        ");
        if inside && kept.len() < 16 {
            kept.push(line.strip_prefix("    ").unwrap_or(line).trim_end());
        }
    }
    kept.join("\n").trim().to_owned()
}

/// Why a test is skipped, without the place.
fn reason(output: &str) -> String {
    let text = message(&said(output));
    let first = text.lines().next().unwrap_or_default();
    let why = first.split_once(".go:").and_then(|(_, rest)| rest.split_once(": ")).map_or(first, |(_, why)| why);
    if why.is_empty() { "skipped".to_owned() } else { why.to_owned() }
}
