//! `edit`: one text of a file replaced by another. Works on bytes, so that files in other encodings survive.

use serde::Deserialize;

use super::{Reply, nearest, outline, paths};
use crate::agent::Assignment;
use crate::error::Result;

/// Largest file that is edited.
const LARGEST: u64 = 16 << 20;
/// A new text of up to this many lines is shown in its place, with so many lines around.
const SHOWN: usize = 12;
const AROUND: usize = 2;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    path: String,
    old: String,
    new: String,
    #[serde(default)]
    all: Option<bool>,
}

pub(super) fn run(desk: &Assignment<'_>, input: Input) -> Result<Reply> {
    let path = paths::relative(desk, &input.path);
    let before = match desk.workspace.read(&path, LARGEST) {
        Ok(bytes) => bytes,
        Err(failure) => return Ok(paths::no_such_file(desk, &path, &failure.line())),
    };
    let every = input.all.unwrap_or(false);
    let (after, lines) = match replaced(&before, &input.old, &input.new, every) {
        Ok(done) => done,
        Err(why) => return Ok(Reply::error(format!("{path}: {why}"))),
    };
    if let Some(refusal) = paths::protected(desk, &path, after.len())? {
        return Ok(refusal);
    }
    if let Err(failure) = desk.workspace.write(&path, &after) {
        return Ok(Reply::error(failure.line()));
    }
    let places: Vec<String> = lines.iter().take(20).map(ToString::to_string).collect();
    let broken = outline::newly_broken(&path, &before, &after);
    let warning = broken.map(|line| format!("\nBut now it does not parse: see line {line}")).unwrap_or_default();
    let shown = result(&after, &lines, &input.new);
    Ok(Reply::text(format!("{path}: replaced {} at line {}{shown}{warning}", times(lines.len()), places.join(", "))))
}

/// The lines around a single replacement, as they are now.
fn result(after: &[u8], lines: &[usize], new: &str) -> String {
    let [line] = lines else { return String::new() };
    let count = new.lines().count().max(1);
    if count > SHOWN || paths::is_binary(after) {
        return String::new();
    }
    let (from, to) = (line.saturating_sub(AROUND).max(1), line + count - 1 + AROUND);
    let text = String::from_utf8_lossy(after);
    let shown = text.lines().enumerate().skip(from - 1).take(to + 1 - from);
    shown.map(|(at, line)| format!("\n{}\t{}", at + 1, paths::short_line(line, 240))).collect()
}

fn times(count: usize) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// The new content and the lines where it changed, or why not.
fn replaced(before: &[u8], old: &str, new: &str, every: bool) -> Result<(Vec<u8>, Vec<usize>), String> {
    if old.is_empty() {
        return Err("old is empty; write makes a whole file".to_owned());
    }
    if old == new {
        return Err("old and new are the same".to_owned());
    }
    let (mut old, mut new) = (old.as_bytes().to_vec(), new.as_bytes().to_vec());
    let mut found = places(before, &old);
    if found.is_empty() && before.windows(2).any(|two| two == b"\r\n") {
        // the file ends its lines by CR LF, which models do not see
        (old, new) = (with_carriage_returns(&old), with_carriage_returns(&new));
        found = places(before, &old);
    }
    let line_of = |at: &usize| before[..*at].iter().filter(|byte| **byte == b'\n').count() + 1;
    let lines: Vec<usize> = found.iter().map(line_of).collect();
    match found.len() {
        0 => return Err(not_found(before, &String::from_utf8_lossy(&old))),
        2.. if !every => {
            let shown: Vec<String> = lines.iter().take(20).map(ToString::to_string).collect();
            return Err(format!(
                "old is there {} times, at lines {}. Give more lines around it, or all: true",
                lines.len(),
                shown.join(", ")
            ));
        }
        _ => {}
    }
    let mut after = Vec::with_capacity(before.len() + new.len());
    let mut from = 0;
    for at in found {
        after.extend_from_slice(&before[from..at]);
        after.extend_from_slice(&new);
        from = at + old.len();
    }
    after.extend_from_slice(&before[from..]);
    Ok((after, lines))
}

fn not_found(before: &[u8], old: &str) -> String {
    let text = String::from_utf8_lossy(before);
    let near = nearest::told(&text, old);
    let numbered = old.lines().all(|line| line.split_once('\t').is_some_and(|(number, _)| number.parse::<u32>().is_ok()));
    let hint = if numbered { " It seems to contain line numbers: leave them out." } else { "" };
    match near.is_empty() {
        true => format!("old is not in the file.{hint} Nothing in it is like it: read it again"),
        false => format!("old is not in the file.{hint} {near}").trim_end().to_owned(),
    }
}

/// Where `needle` stands, without overlaps.
fn places(text: &[u8], needle: &[u8]) -> Vec<usize> {
    let mut places = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].windows(needle.len()).position(|window| window == needle) {
        places.push(from + at);
        from += at + needle.len();
    }
    places
}

fn with_carriage_returns(text: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(text).replace("\r\n", "\n").replace('\n', "\r\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(before: &[u8], old: &str, new: &str, every: bool) -> Result<(Vec<u8>, Vec<usize>), String> {
        replaced(before, old, new, every)
    }

    #[test]
    fn one_place_is_replaced_and_other_bytes_survive() {
        let (after, lines) = edit(b"a\n\xffb\nc\n", "b\nc", "d", false).unwrap();
        assert_eq!((after.as_slice(), lines.as_slice()), (b"a\n\xffd\n".as_slice(), [2].as_slice()));
        let (after, lines) = edit(b"x x\nx", "x", "yy", true).unwrap();
        assert_eq!((after.as_slice(), lines.as_slice()), (b"yy yy\nyy".as_slice(), [1, 1, 2].as_slice()));
        let (after, _) = edit(b"a\r\nb\r\nc\r\n", "a\nb\n", "z\nb\n", false).unwrap();
        assert_eq!(after, b"z\r\nb\r\nc\r\n");
    }

    #[test]
    fn what_does_not_fit_is_explained() {
        for (before, old, new, word) in [
            ("a\n", "", "b", "write makes"),
            ("a\n", "a", "a", "the same"),
            ("a\nb\na\n", "a", "c", "2 times, at lines 1, 3"),
            ("\tlet x = 1;\n", "  let x = 1;", "y", "Only whitespace differs (the file indents by tabs)"),
            ("let xyz = 1;\n", "1\tlet xyz = 1;", "y", "contain line numbers"),
            ("alpha\n", "omega", "y", "read it again"),
        ] {
            let error = edit(before.as_bytes(), old, new, false).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
