//! What children print, made fit to keep: no escape sequences, bounded, the decisive lines first.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use crate::sandbox::Finished;

/// Longest `Fault::message`.
pub(super) const MESSAGE: usize = 2_000;
/// Longest `Fault::trace`.
pub(super) const TRACE: usize = 8_000;
/// Longest `Report::output`.
pub(super) const OUTPUT: usize = 24_000;

static ESCAPES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\x1b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
        .expect("a constant pattern that the tests compile")
});

/// The text without terminal escapes and carriage returns.
pub(super) fn plain(text: &str) -> String {
    let text = if text.contains('\x1b') { ESCAPES.replace_all(text, "") } else { Cow::Borrowed(text) };
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// At most about `limit` bytes: two thirds from the beginning, one from the end, the cut marked by its size.
pub(super) fn clip(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let head = text.floor_char_boundary(limit * 2 / 3);
    let tail = text.ceil_char_boundary(text.len() - limit / 3);
    format!("{}\n[... {} bytes cut ...]\n{}", &text[..head], tail - head, &text[tail..])
}

/// The first `count` lines that are not blank.
pub(super) fn first_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.trim().is_empty()).take(count).collect();
    clip(&lines.join("\n"), MESSAGE)
}

/// Both streams of a child for people.
pub(super) fn streams(finished: &Finished) -> String {
    let (out, err) = (plain(&finished.stdout.text()), plain(&finished.stderr.text()));
    match (out.trim().is_empty(), err.trim().is_empty()) {
        (_, true) => out,
        (true, false) => err,
        (false, false) => format!("{}\n{err}", out.trim_end()),
    }
}

/// The lines pytest marks as the error, or the last ones.
pub(super) fn marked(long: &str) -> String {
    let marked: Vec<&str> = long.lines().filter_map(|line| line.strip_prefix("E  ")).map(str::trim).collect();
    if !marked.is_empty() {
        return first_lines(&marked.join("\n"), 12);
    }
    let lines: Vec<&str> = long.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(6)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_overlong_texts_are_tamed() {
        assert_eq!(plain("\x1b[1;31mred\x1b[0m\r\nnext \x1b]8;;http://x\x07link"), "red\nnext link");
        let clipped = clip(&"äb".repeat(1_000), 300);
        assert!(clipped.len() < 400 && clipped.contains("bytes cut"), "{clipped}");
        assert_eq!(first_lines("\n\n a \n\nb\nc", 2), " a\nb");
    }
}
