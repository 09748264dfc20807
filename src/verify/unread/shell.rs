//! As much of shells as can be told line by line: what is a script of one, its functions, what a line opens and closes,
//! its text without comments, and words that look at a program instead of running it. Pure.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

static FUNCTION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s*(?:function\s+([\w.:-]+)|([\w.:-]+)\s*\(\s*\))").expect("a constant pattern that the tests compile"));
/// Quoted texts.
static QUOTED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"'[^']*'|"(?:[^"\\]|\\.)*""#).expect("a constant pattern that the tests compile"));

const ENDINGS: [&str; 7] = [".sh", ".bash", ".bats", ".zsh", ".ksh", ".dash", ".test"];
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "ksh", "zsh", "bats", "ash"];
/// Programs that look into files.
const LOOKS: [&str; 19] = [
    "grep",
    "egrep",
    "fgrep",
    "rg",
    "sed",
    "awk",
    "cat",
    "cmp",
    "diff",
    "wc",
    "head",
    "tail",
    "od",
    "strings",
    "cksum",
    "md5sum",
    "sha1sum",
    "sha256sum",
    "stat",
];
/// Commands that look whether a name is there.
const ASKS: [&str; 5] = ["type", "which", "hash", "declare", "typeset"];

/// Whether a file is a script of a shell, by its ending or its first line.
pub fn is_script(path: &str, text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    let program = |line: &str| line.split(['/', ' ']).any(|word| SHELLS.contains(&word));
    match first.strip_prefix("#!") {
        Some(line) => program(line),
        None => ENDINGS.iter().any(|ending| path.ends_with(ending)),
    }
}

/// Names of the functions of a script.
pub fn functions(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(function)
}

/// The function that a line begins.
pub fn function(line: &str) -> Option<&str> {
    let found = FUNCTION.captures(line)?;
    found.get(1).or(found.get(2)).map(|name| name.as_str())
}

/// How many blocks a line opens more than it closes, in order: where it stands deepest below its beginning, and at its end.
pub fn depth(line: &str) -> (i32, i32) {
    let bare = QUOTED.replace_all(line, "_");
    let (mut lowest, mut depth) = (0, 0);
    for word in bare.split(|letter: char| letter.is_whitespace() || matches!(letter, ';' | '&' | '|')) {
        match word {
            "if" | "do" | "case" | "{" | "(" => depth += 1,
            "fi" | "done" | "esac" | "}" | ")" => depth -= 1,
            _ if word.ends_with("(){") || word.ends_with("){") => depth += 1,
            _ => {}
        }
        lowest = lowest.min(depth);
    }
    (lowest, depth)
}

/// Whether a line looks into one of these files, or for one of these functions, and runs neither.
pub fn looks_at(line: &str, files: &[&str], functions: &BTreeSet<&str>) -> bool {
    let words: Vec<&str> =
        line.split(|letter: char| letter.is_whitespace() || "\"'$()`;&|<>{}".contains(letter)).filter(|word| !word.is_empty()).collect();
    let name = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let looks = words.iter().position(|word| LOOKS.contains(word));
    let file = |word: &&str| files.contains(&name(word).as_str());
    // What stands behind it is what it looks into; a program that is run stands in front.
    let reads = looks.is_some_and(|at| words[at..].iter().any(file));
    let asks = words.iter().enumerate().any(|(at, word)| {
        let asking = ASKS.contains(word) || *word == "command" && words.get(at + 1).is_some_and(|next| next.starts_with("-v"));
        asking && words[at..].iter().any(|word| functions.contains(word))
    });
    reads || asks
}

/// A script without its comments and blank lines; none where lines alone do not tell what a comment is.
pub fn without_comments(text: &str) -> Option<Vec<&str>> {
    let mut kept = Vec::new();
    for (number, line) in text.lines().map(str::trim_end).enumerate() {
        let bare = line.trim_start();
        if bare.starts_with('#') && !(number == 0 && bare.starts_with("#!")) {
            continue;
        }
        let quotes = |quote: char| bare.matches(quote).count();
        let open = bare.matches("$(").count() > bare.matches(')').count();
        if bare.contains("<<") || quotes('"') % 2 == 1 || quotes('\'') % 2 == 1 || quotes('`') % 2 == 1 || open {
            return None;
        }
        if !bare.is_empty() {
            kept.push(line);
        }
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_told_by_their_first_line_or_ending() {
        assert!(is_script("t/a.t", "#!/bin/sh\n") && is_script("a", "#!/usr/bin/env bash\n") && is_script("a.bats", "x\n"));
        assert!(
            !is_script("t/a.t", "#!/usr/bin/perl\n") && !is_script("t/a.t", "use strict;\n") && !is_script("a.sh", "#!/usr/bin/awk -f\n")
        );
    }

    #[test]
    fn blocks_are_counted_outside_of_quotes() {
        assert_eq!(depth("if [ \"$1\" = '{' ]; then"), (0, 1));
        assert_eq!(depth("for a in 1 2; do echo $a; done"), (0, 0));
        assert_eq!(depth("} && f() {"), (-1, 0));
        assert_eq!((depth("f() {"), depth("f(){"), depth("esac")), ((0, 1), (0, 1), (-1, -1)));
        assert_eq!(functions("a() {\nfunction b {\n c ()\nd=1\n").collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn comments_are_left_out_where_lines_tell_what_they_are() {
        assert_eq!(without_comments("#!/bin/sh\n# a\nb \n\n"), Some(vec!["#!/bin/sh", "b"]));
        for unclear in ["cat <<E\n# a\nE\n", "a='\n# b\n'\n", "a=$(f\n# b\n)\n"] {
            assert_eq!(without_comments(unclear), None, "{unclear}");
        }
    }
}
