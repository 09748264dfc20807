//! The figures of a verdict as the pages show them: the proof table, counts and short texts.
//! Owns how evidence is counted for people; the evidence itself is `verify`'s.

use serde::Serialize;

use crate::runner::{Report, TroubleKind};
use crate::verify::{Cell, CellRun, Evidence, Proof, RedKind, Ruling, Verdict};

/// One cell of the proof table.
#[derive(Debug, Serialize)]
pub struct CellFigure {
    /// `3 passed, 1 failed`, or why it was not run.
    pub text: String,
    /// The commands of its runs.
    pub commands: Vec<String>,
    /// Wall clock, `12.3 s`.
    pub elapsed: String,
    /// Whether it was run apart.
    pub run: bool,
}

/// All figures of one verdict.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// What the verdict says, in one sentence without full stop.
    pub claim: String,
    /// The table's cells.
    pub baseline: CellFigure,
    /// See [`Cell`].
    pub regression: CellFigure,
    /// See [`Cell`].
    pub must_fail: CellFigure,
    /// See [`Cell`].
    pub must_pass: CellFigure,
}

impl Figures {
    /// Counts a verdict.
    pub fn of(verdict: &Verdict) -> Figures {
        let cell = |cell| figure(cell, &verdict.evidence);
        Figures {
            claim: claim(verdict),
            baseline: cell(Cell::Baseline),
            regression: cell(Cell::Regression),
            must_fail: cell(Cell::MustFail),
            must_pass: cell(Cell::MustPass),
        }
    }
}

/// The four cells as lines of equal columns, for a terminal.
pub fn table(verdict: &Verdict) -> Vec<String> {
    let figures = Figures::of(verdict);
    let cell = |name: &str, figure: &CellFigure| format!("{name}: {}", figure.text.replace('*', ""));
    let rows = [
        [String::new(), "base tests".to_owned(), "head tests".to_owned()],
        ["base source".to_owned(), cell("baseline", &figures.baseline), cell("must fail", &figures.must_fail)],
        ["head source".to_owned(), cell("regression", &figures.regression), cell("must pass", &figures.must_pass)],
    ];
    let wide = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (first, second) = (wide(0), wide(1));
    rows.iter().map(|[a, b, c]| format!("{a:first$}   {b:second$}   {c}").trim_end().to_owned()).collect()
}

/// What the verdict says, in one sentence without full stop.
pub fn claim(verdict: &Verdict) -> String {
    let evidence = &verdict.evidence;
    let kept = format!(
        "{} that passed before still {}",
        count(evidence.pass_to_pass, "test"),
        if evidence.pass_to_pass == 1 { "passes" } else { "pass" }
    );
    let kept = match evidence.part {
        Some(part) => format!("{kept}; {}", part.says()),
        None => kept,
    };
    match &verdict.ruling {
        Ruling::Verified(Proof::FailToPass) => {
            let proven = evidence.fail_to_pass.len() as u64;
            let verb = if proven == 1 { "fails" } else { "fail" };
            let altered = match evidence.flips.len() as u64 {
                0 => String::new(),
                flips => format!("; {} altered", count(flips, "old expectation")),
            };
            format!(
                "{} {verb} on the base source and {} with this change{altered}; {kept}",
                count(proven, "test"),
                if proven == 1 { "passes" } else { "pass" }
            )
        }
        Ruling::Verified(Proof::NoRegression) => format!("no regression: {kept}"),
        Ruling::Verified(Proof::NoBehaviourChange) => "no behaviour change: only documentation, comments or formatting differ".to_owned(),
        Ruling::Review(questions) => {
            format!("not verified: {} for a person to answer", count(questions.len() as u64, "question"))
        }
        Ruling::Rejected(reasons) => {
            let mut names: Vec<&str> = reasons.iter().map(|reason| reason.name.as_str()).collect();
            names.dedup();
            names.join(", ")
        }
        Ruling::Inconclusive(cause) => format!("cannot be known here: {}", super::words::sentence(cause)),
    }
}

fn figure(cell: Cell, evidence: &Evidence) -> CellFigure {
    let runs: Vec<&CellRun> = evidence.runs.iter().filter(|run| run.cell == cell).collect();
    if runs.is_empty() {
        let ran = |cell| evidence.runs.iter().any(|run| run.cell == cell);
        // Where head is beyond hope neither of the two cells is run, and nothing follows from it.
        let hopeless = !evidence.test_files.is_empty() && !ran(Cell::MustFail);
        let text = match cell {
            Cell::Regression if ran(Cell::MustPass) && !hopeless => "part of *must pass*: no existing test changed",
            Cell::Baseline | Cell::Regression | Cell::MustFail | Cell::MustPass => "not run",
        };
        return CellFigure { text: text.to_owned(), commands: Vec::new(), elapsed: String::new(), run: false };
    }
    let tests = |cell| evidence.runs.iter().filter(|run| run.cell == cell).map(|run| run.report.cases.len()).sum::<usize>();
    let narrow = cell == Cell::MustFail && tests(Cell::MustFail) < tests(Cell::MustPass);
    let mut commands: Vec<String> = runs.iter().map(|run| run.report.command.clone()).collect();
    commands.dedup();
    CellFigure {
        text: runs.iter().map(|run| outcome(&run.report)).collect::<Vec<_>>().join("; ")
            + if narrow { " (only where tests are new or changed)" } else { "" },
        commands,
        elapsed: seconds(runs.iter().map(|run| run.report.elapsed_ms).sum()),
        run: true,
    }
}

fn outcome(report: &Report) -> String {
    let (passed, failed, skipped) = report.counts();
    let mut text = format!("{passed} passed");
    for (number, word) in [(failed, "failed"), (skipped, "skipped")] {
        if number > 0 {
            text.push_str(&format!(", {number} {word}"));
        }
    }
    for trouble in report.troubles.iter().take(1) {
        text.push_str(match trouble.kind {
            TroubleKind::Build => ", build failed",
            TroubleKind::Load => ", a file did not load",
            TroubleKind::NoTests => ", no test found",
            TroubleKind::Crash => ", the runner died",
            TroubleKind::Timeout => ", stopped at its limit",
            TroubleKind::Missing => ", runner missing",
            TroubleKind::Unreadable => ", result unreadable",
        });
    }
    text
}

/// `1 test`, `2 tests`.
pub fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `0.4 s`, `12.3 s`, `3 min 20 s`.
pub fn seconds(milliseconds: u64) -> String {
    match milliseconds {
        0..120_000 => format!("{:.1} s", milliseconds as f64 / 1000.0),
        _ => format!("{} min {} s", milliseconds / 60_000, milliseconds / 1000 % 60),
    }
}

/// How a test was red, in words.
pub const fn red_words(red: RedKind) -> &'static str {
    match red {
        RedKind::Assertion => "an assertion fails on base",
        RedKind::SourceError => "the base source raises an error",
        RedKind::MissingApi => "the base source lacks a name that this change adds",
        RedKind::Hang => "it hangs on base, twice",
    }
}

#[cfg(test)]
mod tests {
    use super::super::gallery::{evidence, judged, run};
    use super::*;

    #[test]
    fn only_what_was_run_lets_something_follow() {
        let regression = |cells: &[Cell], test_files: &[&str]| {
            let runs = cells.iter().map(|cell| run(*cell, 3, &[])).collect();
            let evidence = Evidence { runs, test_files: test_files.iter().map(|path| (*path).to_owned()).collect(), ..evidence() };
            Figures::of(&judged(Ruling::Rejected(Vec::new()), evidence)).regression.text
        };
        let follows = "part of *must pass*: no existing test changed";
        assert_eq!(regression(&[Cell::Baseline, Cell::MustFail, Cell::MustPass], &["tests/a.py"]), follows);
        assert_eq!(regression(&[Cell::Baseline, Cell::MustPass], &[]), follows);
        assert_eq!(regression(&[Cell::Baseline, Cell::MustPass], &["tests/a.py"]), "not run", "head is beyond hope");
    }

    #[test]
    fn numbers_read_as_people_say_them() {
        assert_eq!(count(1, "test"), "1 test");
        assert_eq!(count(0, "test"), "0 tests");
        assert_eq!(seconds(450), "0.5 s");
        assert_eq!(seconds(200_000), "3 min 20 s");
    }
}
