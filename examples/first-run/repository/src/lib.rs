//! Wraps and shortens lines of plain text.

mod measure;

use measure::{columns, prefix};

/// Breaks `text` into lines of at most `width` columns, between words.
///
/// A word that is longer than `width` stands alone on its line, in one piece.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let gap = usize::from(!line.is_empty());
        if !line.is_empty() && columns(&line) + gap + columns(word) > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// Cuts `text` to at most `width` columns; where something was cut, the last column is `…`.
pub fn shorten(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    match width.checked_sub(1) {
        None => String::new(),
        Some(kept) => format!("{}…", prefix(text, kept)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
    }

    #[test]
    fn white_space_is_folded() {
        assert_eq!(wrap("  one \n two ", 20), ["one two"]);
        assert!(wrap(" \n", 20).is_empty());
    }
}
