//! Mutants: head with one small fault in a changed line, and the tests that should notice it. What survives is told to the
//! reader, with its line; it never changes the verdict. Has a budget of its own, so that the proof does not wait for it.

mod changes;

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use self::changes::{Fault, faults};
use super::cells::Cells;
use super::dependencies;
use super::doctests::Examples;
use super::split::{Inline, Split};
use super::{Cell, Evidence, Judge, Proof, Ruling, Verdict};
use crate::error::Result;
use crate::runner::{Outcome, Report, Selection, TestId, TroubleKind};
use crate::task::Event;
use crate::workspace::Patch;

/// Of mutants that do not build, so many times the wanted number are tried.
const TRIES: usize = 2;
/// In place of what mutants measure, where they were not tried.
pub(super) const NOT_MEASURED: &str = "Whether the touched lines are covered by tests was not measured.";

/// What came of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Mutants {
    /// Those that were tried, one run or two each.
    pub tried: Vec<Mutant>,
    /// Faults that the changed lines have room for.
    pub possible: u64,
    /// Those of them that did not compile, and so are no mutants.
    pub unbuilt: u64,
    /// Why not all were tried, as a sentence.
    pub cut_short: Option<String>,
    /// Wall clock.
    pub elapsed_ms: u64,
}

/// One fault that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Mutant {
    /// The file, relative to the root.
    pub file: String,
    /// The line in it, from 1.
    pub line: u32,
    /// What stands there.
    pub was: String,
    /// What stood there in its place.
    pub now: String,
    /// A test that failed because of it; none when no test notices.
    pub noticed_by: Option<TestId>,
}

impl Mutants {
    /// Those that no test notices.
    pub fn survivors(&self) -> impl Iterator<Item = &Mutant> {
        self.tried.iter().filter(|one| one.noticed_by.is_none())
    }
}

/// Tries mutants of what a verified patch changes. None when the verdict is another, or none was asked for.
pub fn mutants(judge: &Judge<'_>, patch: &Patch, verdict: &Verdict) -> Result<Option<Mutants>> {
    let gate = &judge.config.gate;
    let asked = matches!(verdict.ruling, Ruling::Verified(Proof::FailToPass | Proof::NoRegression)) && gate.mutants > 0;
    if !asked {
        return Ok(None);
    }
    let began = Instant::now();
    let budget = gate.mutants_budget.min(gate.budget).duration();
    let mut stand = Stand { judge, patch, verdict, cells: Cells::within(judge, patch, budget), ends: began + budget };
    let split = Split::of(judge.cache, patch, &judge.config.test.paths, Inline::BySyntax, Examples::AreText)?;
    // What was installed for the head tree went with the proof.
    if dependencies::changes(&split).any() {
        return Ok(None);
    }
    let possible = possible(&split);
    let (all, wanted) = (possible.len(), gate.mutants as usize);
    let mut result = Mutants { tried: Vec::new(), possible: all as u64, unbuilt: 0, cut_short: None, elapsed_ms: 0 };
    for (path, head, mode, fault) in possible.into_iter().take(wanted * TRIES) {
        if result.tried.len() >= wanted {
            break;
        }
        match stand.try_one(&path, &head, mode, &fault)? {
            Tried::Noticed(test) => result.tried.push(mutant(path, fault, Some(test))),
            Tried::Survived => result.tried.push(mutant(path, fault, None)),
            Tried::Unbuilt => result.unbuilt += 1,
            Tried::NoTime => {
                result.cut_short =
                    Some(format!("The budget of {} (`gate.mutants_budget`) was spent.", gate.mutants_budget.min(gate.budget)));
                break;
            }
        }
    }
    stand.cells.discard()?;
    result.elapsed_ms = began.elapsed().as_millis() as u64;
    Ok(Some(result))
}

impl Evidence {
    /// Takes the mutants in: what no test notices is told beside what was not verified.
    pub fn take_mutants(&mut self, mutants: Mutants) {
        self.not_verified.retain(|sentence| sentence != NOT_MEASURED);
        let (tried, survived) = (mutants.tried.len(), mutants.survivors().count());
        let count = |number: usize, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
        let summary = match tried {
            0 => "No small fault could be put into the changed lines, so whether tests cover them was not measured.".to_owned(),
            _ => format!(
                "{} put into the changed lines, one at a time: {} noticed by a test, {survived} by none.",
                count(tried, "small fault was", "small faults were"),
                tried - survived
            ),
        };
        let cut_short = mutants.cut_short.as_ref().map(|why| format!(" {why}")).unwrap_or_default();
        self.notes.push(format!("{summary}{cut_short}"));
        for one in mutants.survivors() {
            let shown = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60).collect::<String>();
            self.not_verified.push(format!(
                "No test notices when `{}` becomes `{}` in {}:{}.",
                shown(&one.was),
                shown(&one.now),
                one.file,
                one.line
            ));
        }
        if tried == 0 || mutants.cut_short.is_some() && survived == tried {
            self.not_verified.push(NOT_MEASURED.to_owned());
        }
        self.mutants = Some(mutants);
    }
}

fn mutant(file: String, fault: Fault, noticed_by: Option<TestId>) -> Mutant {
    Mutant { file, line: fault.line, was: fault.was, now: fault.now, noticed_by }
}

/// Every fault of every source file, the files by turns.
fn possible(split: &Split) -> Vec<(String, String, u32, Fault)> {
    let each = split.source_side().filter_map(|file| {
        let head = file.head.as_ref()?;
        let found = faults(&file.path, file.base.as_deref().unwrap_or_default(), head);
        Some(found.into_iter().enumerate().map(|(turn, fault)| (turn, (file.path.clone(), head.clone(), file.mode(), fault))))
    });
    let mut all: Vec<_> = each.flatten().collect();
    all.sort_by_key(|(turn, _)| *turn);
    all.into_iter().map(|(_, one)| one).collect()
}

enum Tried {
    Noticed(TestId),
    Survived,
    Unbuilt,
    NoTime,
}

/// Where mutants are tried.
struct Stand<'s, 'a> {
    judge: &'s Judge<'a>,
    patch: &'s Patch,
    verdict: &'s Verdict,
    cells: Cells<'s>,
    ends: Instant,
}

impl Stand<'_, '_> {
    /// The proving tests first: they are few. Then the others that may reach the file.
    fn try_one(&mut self, path: &str, head: &str, mode: u32, fault: &Fault) -> Result<Tried> {
        let text = fault.applied(head);
        let what = format!("mutant: {path}:{} `{}` becomes `{}`", fault.line, fault.was, fault.now);
        self.judge.reporter.event(&Event::Progress { what });
        let tree = self.judge.cache.overlay(&self.patch.head_tree, &[(path.to_owned(), Some((text.into_bytes(), mode)))])?;
        let mut ran = false;
        for stage in [Reach::Proving, Reach::Others] {
            for suite in 0..self.judge.bench.suites.len() {
                let Some(selection) = self.selection(stage, suite, path) else { continue };
                let Some(report) = self.cells.run_in("mutant", &tree, suite, &selection)? else { return Ok(Tried::NoTime) };
                if report.troubles.iter().any(|one| one.kind == TroubleKind::Build) {
                    return Ok(Tried::Unbuilt);
                }
                ran = true;
                if let Some(test) = self.noticed(suite, &selection, &report) {
                    return Ok(Tried::Noticed(test));
                }
            }
        }
        Ok(if ran { Tried::Survived } else { Tried::NoTime })
    }

    /// A test that passed on head and does not now.
    fn noticed(&self, suite: usize, selection: &Selection, report: &Report) -> Option<TestId> {
        let passed =
            |id: &TestId| self.on_head(suite).is_some_and(|head| head.cases.get(id).is_some_and(|case| case.outcome == Outcome::Passed));
        let red = report.cases.iter().find(|(id, case)| matches!(case.outcome, Outcome::Failed(_)) && passed(id)).map(|(id, _)| id.clone());
        // What does not load any more, or does not end, is missing.
        let broken = report.troubles.iter().any(|one| matches!(one.kind, TroubleKind::Load | TroubleKind::Crash | TroubleKind::Timeout));
        let missing = || match selection {
            Selection::Tests(tests) => tests.iter().find(|id| passed(id) && !report.cases.contains_key(id)).cloned(),
            _ => self.on_head(suite)?.cases.keys().find(|id| passed(id) && !report.cases.contains_key(id)).cloned(),
        };
        red.or_else(|| if broken { missing() } else { None })
    }

    fn on_head(&self, suite: usize) -> Option<&Report> {
        self.verdict.evidence.runs.iter().filter(|run| run.cell == Cell::MustPass).nth(suite).map(|run| &run.report)
    }

    /// All of a suite that is fast; of a slow one the tests whose file speaks of the changed one.
    fn selection(&self, reach: Reach, suite: usize, path: &str) -> Option<Selection> {
        let head = self.on_head(suite)?;
        let proving: Vec<TestId> =
            self.verdict.evidence.fail_to_pass.iter().map(|one| one.test.clone()).filter(|id| head.cases.contains_key(id)).collect();
        match reach {
            Reach::Proving => (!proving.is_empty()).then_some(Selection::Tests(proving)),
            Reach::Others => {
                let left = self.ends.saturating_duration_since(Instant::now());
                if Duration::from_millis(head.elapsed_ms) * 4 <= left {
                    return Some(Selection::All);
                }
                let files = self.files_about(head, path);
                (!files.is_empty()).then_some(Selection::Files(files))
            }
        }
    }

    /// Test files that name the changed file, or stand in it.
    fn files_about(&self, head: &Report, path: &str) -> Vec<String> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let stem = name.split('.').next().unwrap_or(name);
        let mut files: Vec<String> = head.cases.values().filter_map(|case| case.file.clone()).collect();
        files.sort();
        files.dedup();
        let speaks = |file: &String| {
            let text = self.judge.cache.blob(&self.patch.head_tree, file).ok().flatten().unwrap_or_default();
            file == path || String::from_utf8_lossy(&text).split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == stem)
        };
        files.retain(speaks);
        files
    }
}

/// Which tests are asked.
#[derive(Clone, Copy)]
enum Reach {
    Proving,
    Others,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::evidence::tests::evidence;

    fn one(line: u32, noticed_by: Option<TestId>) -> Mutant {
        Mutant { file: "src/a.py".into(), line, was: "<".into(), now: "<=".into(), noticed_by }
    }

    #[test]
    fn survivors_are_told_with_their_line_and_replace_what_was_not_measured() {
        let mut seen = evidence();
        seen.not_verified = vec![NOT_MEASURED.into(), "Other.".into()];
        let test = TestId::new(&["tests/test_a.py", "test_a"]);
        let tried = vec![one(3, Some(test)), one(7, None)];
        seen.take_mutants(Mutants { tried, possible: 2, unbuilt: 0, cut_short: None, elapsed_ms: 5 });
        assert_eq!(seen.not_verified, ["Other.", "No test notices when `<` becomes `<=` in src/a.py:7."]);
        assert_eq!(seen.notes, ["2 small faults were put into the changed lines, one at a time: 1 noticed by a test, 1 by none."]);
        let mut seen = evidence();
        seen.take_mutants(Mutants { tried: Vec::new(), possible: 0, unbuilt: 0, cut_short: None, elapsed_ms: 5 });
        assert_eq!(seen.not_verified, [NOT_MEASURED]);
    }
}
