//! Two versions of a text, line by line: what is gone, what came, and what stands around it. Layout, blank lines and
//! comments of a whole line say nothing. Pure.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Values: quoted texts in which nothing is computed, and numbers.
static VALUE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"'[^'$`]*'|"[^"$`]*"|\b\d[\d._]*"#).expect("a constant pattern that the tests compile"));
/// How many tests are announced.
static PLAN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:\b1\.\.|\bplan\D{1,12})(\d+)").expect("a constant pattern that the tests compile"));

/// One line of the new text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Without blanks around it.
    pub text: &'a str,
    /// Not in the old text.
    pub new: bool,
}

/// Both versions of a file.
pub struct Compared<'a> {
    pub path: &'a str,
    /// What is no longer there.
    gone: Vec<&'a str>,
    /// The new text.
    pub head: Vec<Line<'a>>,
}

impl<'a> Compared<'a> {
    pub fn of(path: &'a str, base: &'a str, head: &'a str) -> Compared<'a> {
        let (old, new) = (telling(base), telling(head));
        let normals = |lines: &[&str]| lines.iter().map(|line| normal(line)).collect::<Vec<_>>();
        let (before, after) = (normals(&old), normals(&new));
        let mut compared = Compared { path, gone: Vec::new(), head: Vec::new() };
        for op in capture_diff_slices(Algorithm::Myers, &before, &after) {
            compared.gone.extend(&old[if matches!(op, DiffOp::Equal { .. }) { 0..0 } else { op.old_range() }]);
            let is_new = !matches!(op, DiffOp::Equal { .. });
            compared.head.extend(new[op.new_range()].iter().map(|line| Line { text: line, new: is_new }));
        }
        compared
    }

    /// New lines.
    pub fn added(&self) -> impl Iterator<Item = &'a str> {
        self.head.iter().filter(|line| line.new).map(|line| line.text)
    }

    /// Lines that are gone and do not stand elsewhere in the file among others that only moved.
    pub fn gone(&self) -> Vec<&'a str> {
        let mut moved: BTreeMap<String, usize> = BTreeMap::new();
        let lost: Vec<String> = self.gone.iter().map(|line| normal(line)).collect();
        for run in self.runs().into_iter().map(|range| &self.head[range]) {
            if run.iter().all(|line| lost.contains(&normal(line.text))) {
                run.iter().for_each(|line| *moved.entry(normal(line.text)).or_default() += 1);
            }
        }
        let stays = |line: &&str| match moved.get_mut(&normal(line)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        };
        self.gone.iter().copied().filter(stays).collect()
    }

    /// Where new lines stand together in the new text.
    pub fn runs(&self) -> Vec<std::ops::Range<usize>> {
        let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
        for at in (0..self.head.len()).filter(|at| self.head[*at].new) {
            match runs.last_mut() {
                Some(run) if run.end == at => run.end = at + 1,
                _ => runs.push(at..at + 1),
            }
        }
        runs
    }
}

/// Lines that are neither blank nor a comment.
fn telling(text: &str) -> Vec<&str> {
    let comment = |line: &str| line == "#" || line.starts_with("# ") || line.starts_with("//");
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !comment(line)).collect()
}

/// A line without its layout.
pub fn normal(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What is left of a line without its values.
pub fn frame(line: &str) -> String {
    VALUE.replace_all(&normal(line), "_").into_owned()
}

/// Whether nothing but a plan differs, which now announces more tests.
pub fn counts_more(old: &str, new: &str) -> bool {
    let number = |line: &str| PLAN.captures(line).and_then(|found| found[1].parse::<u64>().ok());
    let without = |line: &str| PLAN.replace(&normal(line), "_").into_owned();
    matches!((number(old), number(new)), (Some(before), Some(after)) if after > before) && without(old) == without(new)
}

/// How many lines of the one the other has too.
pub fn shared(one: &str, other: &str) -> usize {
    let mut lines: Vec<String> = telling(other).into_iter().map(normal).collect();
    let take = |line: &&str| lines.iter().position(|other| *other == normal(line)).map(|at| lines.swap_remove(at)).is_some();
    telling(one).into_iter().filter(take).count()
}

/// How many lines tell something.
pub fn count(text: &str) -> usize {
    telling(text).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_moved_together_are_not_gone() {
        let gone = |base: &str, head: &str| Compared::of("a", base, head).gone().len();
        assert_eq!(gone("a\nb\nc\nd\n", "c\nd\na\nb\n"), 0);
        assert_eq!(gone("a\nb\nc\n", "a\n# b\nc\n"), 1);
        assert_eq!(gone("a\nb\nc\n", "a\nc\nunused() {\nb\n}\n"), 1, "put away among new lines");
        assert_eq!(gone("a\n  b   c\n", "a\n\tb c\n"), 0);
    }

    #[test]
    fn frames_leave_values_out_and_plans_may_grow() {
        assert_eq!(frame("is 'a' \"$(f 1)\" 2.5"), frame("is 'b'  \"$(f 22)\" 3"));
        assert_ne!(frame("is 'a' \"$(f 1)\" 2"), frame("is 'a' \"$(g 1)\" 2"));
        assert!(counts_more("echo 1..2", "echo 1..3") && counts_more("plan 2", "plan 4"));
        assert!(!counts_more("echo 1..3", "echo 1..2") && !counts_more("is 1", "is 2") && !counts_more("echo 1..2", "echo 1..3 # x"));
    }
}
