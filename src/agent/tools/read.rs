//! `read`: a file with line numbers. What is too long for one answer is told as an outline and read in parts; nothing is cut silently.

use serde::Deserialize;

use super::{Reply, input, outline, paths};
use crate::agent::Assignment;
use crate::error::Result;

/// Largest file that is looked at.
const LARGEST: u64 = 16 << 20;
/// A file up to these sizes is shown whole.
const WHOLE_LINES: usize = 500;
const WHOLE_BYTES: usize = 20_000;
/// A part is at most this long.
const PART_BYTES: usize = 32_000;
/// A line is at most this long.
const LINE: usize = 600;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    path: String,
    #[serde(default, deserialize_with = "input::number")]
    from: Option<u64>,
    #[serde(default, deserialize_with = "input::number")]
    to: Option<u64>,
}

pub(super) fn run(desk: &Assignment<'_>, input: Input) -> Result<Reply> {
    let path = paths::relative(desk, &input.path);
    let bytes = match desk.workspace.read(&path, LARGEST) {
        Ok(bytes) => bytes,
        Err(failure) => return Ok(paths::no_such_file(desk, &path, &failure.line())),
    };
    if paths::is_binary(&bytes) {
        return Ok(Reply::text(format!("{path} is a binary file of {} bytes", bytes.len())));
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    if lines.is_empty() {
        return Ok(Reply::text(format!("{path} is empty")));
    }
    let ranged = input.from.is_some() || input.to.is_some();
    if !ranged && (lines.len() > WHOLE_LINES || bytes.len() > WHOLE_BYTES) {
        return Ok(Reply::text(outline::of(&path, &text, lines.len())));
    }
    let from = input.from.unwrap_or(1).max(1) as usize;
    let to = input.to.map_or(lines.len(), |to| to as usize).min(lines.len());
    if from > lines.len() || from > to {
        return Ok(Reply::error(format!("{path} has {} lines; there is no part from {from} to {to}", lines.len())));
    }
    Ok(Reply::text(part(&path, &lines, from, to, ranged)))
}

/// Numbered lines; whatever does not fit is told by its range.
fn part(path: &str, lines: &[&str], from: usize, to: usize, ranged: bool) -> String {
    let mut shown = String::new();
    let mut last = from - 1;
    for (line, number) in lines[from - 1..to].iter().zip(from..) {
        let next = format!("{number}\t{}\n", paths::short_line(line, LINE));
        if shown.len() + next.len() > PART_BYTES && last >= from {
            break;
        }
        shown.push_str(&next);
        last = number;
    }
    let total = lines.len();
    let head = if ranged || last < to { format!("{path}, lines {from}-{last} of {total}\n") } else { format!("{path}, {total} lines\n") };
    let rest = if last < to { format!("[lines {}-{to} did not fit: read from {}]\n", last + 1, last + 1) } else { String::new() };
    format!("{head}{shown}{rest}").trim_end().to_owned()
}
