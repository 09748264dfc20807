//! New lines in old test files that can keep the lines around them from running, or make them run something else: they
//! leave early, open what old lines stand in, give another meaning to what old lines use. Pure.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::super::Question;
use super::lines::{Compared, Line};
use super::{shell, shown};

/// Leaves, and says that all is well.
static LEAVES: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:^|[\s;&|{(])return(?:\s+0)?\s*(?:$|[;&|})])").expect("a constant pattern that the tests compile"));
/// Ends the process, or arranges for what it ends with.
static ENDS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?:^|[\s;&|{(])(?:exit(?:\s+0)?\s*(?:$|[;&|})])|(?:trap|exec|alias|enable)\s|set\s+\+e|unset\s+-f)|^(?:export\s+)?PATH=|exit\(0\)",
    )
    .expect("a constant pattern that the tests compile")
});
/// Skips, in TAP's words or as a command.
static SKIPS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)\S\s*#\s*(?:skip|todo)\b|^\s*skip(?:\s|$|\()|\.skip\(|\bDISABLED_|@(?:Ignore|Disabled)\b"#)
        .expect("a constant pattern that the tests compile")
});
static ASSIGNS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(?:export\s+|local\s+|readonly\s+)?(\w+)=").expect("a constant pattern that the tests compile"));
static HERE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(?:^|[^<])<<-?\s*\\?["']?(\w+)"#).expect("a constant pattern that the tests compile"));
/// The beginning of a function or test of its own, in any language.
static OWN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:@test\b.*\{|(?:\w+\s+)*[\w.:`-]+\s*\([^()]*\)\s*\{?\s*$|function\s)")
        .expect("a constant pattern that the tests compile")
});

/// One question per old file; `fresh` are new test files with their text.
pub fn look(old: &[Compared<'_>], fresh: &[(&str, &str)]) -> Vec<Question> {
    old.iter()
        .filter_map(|file| {
            let found = silencing(file, &brought(file, fresh));
            (!found.is_empty()).then(|| Question {
                name: "guarded-assertions".into(),
                text: format!(
                    "loom cannot read what {} asserts, and new lines can keep old ones from running or from failing. Does everything in it still run as before?",
                    file.path
                ),
                lines: shown(found),
            })
        })
        .collect()
}

/// Functions of new files that an old one now names.
fn brought<'a>(file: &Compared<'_>, fresh: &[(&str, &'a str)]) -> BTreeSet<&'a str> {
    let named = |path: &str| path.rsplit('/').next().is_some_and(|name| file.added().any(|line| line.contains(name)));
    fresh.iter().filter(|(path, _)| named(path)).flat_map(|(_, text)| shell::functions(text)).collect()
}

fn silencing<'a>(file: &Compared<'a>, brought: &BTreeSet<&str>) -> Vec<&'a str> {
    let kept: Vec<&str> = file.head.iter().filter(|line| !line.new).map(|line| line.text).collect();
    let mut found: BTreeSet<usize> = BTreeSet::new();
    for run in file.runs() {
        let lines = &file.head[run.clone()];
        if !stands_alone(&file.head, &run) {
            found.extend(run.clone().filter(|at| shell::depth(file.head[*at].text) != (0, 0)).take(4));
        }
        let own = own_functions(lines);
        for (at, line) in lines.iter().enumerate() {
            let ends = ENDS.is_match(line.text) || SKIPS.is_match(line.text) || LEAVES.is_match(line.text) && !own[at];
            let redefines = shell::function(line.text).is_some_and(|name| uses(&kept, name));
            let rewrites = !own[at] && reassigns(line.text, &file.head[run.start + at + 1..]);
            if ends || redefines || rewrites || opens_text(line.text, &lines[at + 1..]) {
                found.insert(run.start + at);
            }
        }
        let takes_over = lines.iter().position(|line| brought.iter().any(|name| uses(&kept, name)) && names_a_file(line.text));
        found.extend(takes_over.map(|at| run.start + at));
    }
    found.into_iter().map(|at| file.head[at].text).collect()
}

fn names_a_file(line: &str) -> bool {
    line.starts_with(". ") || line.starts_with("source ") || line.starts_with("load ")
}

fn uses(kept: &[&str], name: &str) -> bool {
    kept.iter().any(|line| line.split(|letter: char| !letter.is_alphanumeric() && !"_.:-".contains(letter)).any(|word| word == name))
}

/// Whether new lines close what they open and nothing else, wherever a comparison of lines puts their beginning.
fn stands_alone(head: &[Line<'_>], run: &std::ops::Range<usize>) -> bool {
    let alone = |from: usize, to: usize| {
        let mut depth = 0;
        let inside = head[from..to].iter().all(|line| {
            let (lowest, net) = shell::depth(line.text);
            let holds = depth + lowest >= 0;
            depth += net;
            holds
        });
        inside && depth == 0
    };
    let (mut from, mut to) = (run.start, run.end);
    while to < head.len() && head[from].text == head[to].text && !alone(from, to) {
        (from, to) = (from + 1, to + 1);
    }
    if alone(from, to) {
        return true;
    }
    (from, to) = (run.start, run.end);
    while from > 0 && head[from - 1].text == head[to - 1].text {
        (from, to) = (from - 1, to - 1);
        if alone(from, to) {
            return true;
        }
    }
    false
}

/// Which of new lines stand in a function that is new as well.
fn own_functions(lines: &[Line<'_>]) -> Vec<bool> {
    let (mut depth, mut outer) = (0, None);
    let mut inside = Vec::with_capacity(lines.len());
    for line in lines {
        if outer.is_none() && OWN.is_match(line.text) {
            outer = Some(depth);
        }
        inside.push(outer.is_some());
        depth += shell::depth(line.text).1;
        if outer.is_some_and(|outer| depth <= outer && line.text.contains('}')) {
            outer = None;
        }
    }
    inside
}

/// Whether a line gives a value to what the first old line that names it then uses.
fn reassigns(line: &str, after: &[Line<'_>]) -> bool {
    let Some(name) = ASSIGNS.captures(line).map(|found| found[1].to_owned()) else { return false };
    let uses = [format!("${name}"), format!("${{{name}")];
    let mentions = after.iter().find(|line| line.text.contains(&name));
    mentions
        .is_some_and(|line| !line.new && uses.iter().any(|word| line.text.contains(word)) && !line.text.starts_with(&format!("{name}=")))
}

/// Whether a text begins here that does not end among the new lines.
fn opens_text(line: &str, rest: &[Line<'_>]) -> bool {
    let Some(end) = HERE.captures(line).map(|found| found[1].to_owned()) else { return false };
    let closed = rest.iter().take_while(|line| line.new).any(|line| line.text == end);
    !closed
}
