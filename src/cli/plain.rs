//! Text that others wrote (issues, models, repositories), made safe for a terminal and for a log of GitHub Actions.

/// One line: no control characters that move the cursor, none that turn the reading direction.
pub fn line(text: &str) -> String {
    disarmed(&text.chars().map(|c| if is_unsafe(c) { ' ' } else { c }).collect::<String>())
}

/// Several lines, each made safe.
pub fn lines(text: &str) -> String {
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// At most `width` characters, the last one telling that some are missing.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The runner of GitHub Actions obeys lines that begin with `::` (blanks before it count for nothing) and `##[` anywhere.
fn disarmed(line: &str) -> String {
    let line = line.replace("##[", "# #[");
    match line.trim_start().strip_prefix("::") {
        Some(rest) => format!(": :{rest}"),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor_or_commands_the_runner() {
        assert_eq!(line("a\x1b[2Jb\r\u{202e}c"), "a [2Jb  c");
        assert_eq!(lines("ok\n  ::add-mask::x\n##[error]y\ta"), "ok\n: :add-mask::x\n# #[error]y a");
        assert_eq!(line("std::process"), "std::process");
    }

    #[test]
    fn long_text_is_cut_by_characters() {
        assert_eq!(cut("ääää", 4), "ääää");
        assert_eq!(cut("äääää", 4), "äää…");
    }
}
