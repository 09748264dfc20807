//! Characters that a person does not see and a model reads: control characters, terminal escapes, direction marks,
//! zero-width and tag characters. Owns the lists; where they may stay is `sanitise`'s decision.

/// Whether a character takes no room and has no meaning that a reader of an issue would miss.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}')
        || is_smuggler(c)
}

/// Whether a run of such characters can carry a hidden text: tags and variation selectors.
pub(super) fn is_smuggler(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether it is a control character that no text needs.
fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
}

/// The text without control characters and terminal escapes, line ends made plain; and how many were removed.
pub(super) fn without_controls(text: &str) -> (String, usize) {
    let mut plain = String::with_capacity(text.len());
    let mut removed = 0;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            '\r' if after.starts_with('\n') => after,
            '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' => {
                plain.push('\n');
                after
            }
            '\u{1b}' => {
                removed += 1;
                after_escape(after)
            }
            '\u{9b}' => {
                removed += 1;
                after_sequence(after)
            }
            c if is_control(c) => {
                removed += 1;
                after
            }
            c => {
                plain.push(c);
                after
            }
        };
    }
    (plain, removed)
}

/// What follows an escape that began with ESC.
fn after_escape(text: &str) -> &str {
    match text.chars().next() {
        Some('[') => after_sequence(&text[1..]),
        // Strings of the terminal: they end at BEL or ESC \, or, when they never end, at the line's end.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            let end = text.find(['\u{7}', '\u{1b}', '\n']).unwrap_or(text.len());
            let rest = &text[end..];
            rest.strip_prefix('\u{7}').or_else(|| rest.strip_prefix("\u{1b}\\")).unwrap_or(rest)
        }
        Some(' '..='/') => text[1..].strip_prefix(|c: char| c.is_ascii_graphic()).unwrap_or(&text[1..]),
        Some('0'..='~') => &text[1..],
        _ => text,
    }
}

/// What follows a control sequence: parameters, then one final letter.
fn after_sequence(text: &str) -> &str {
    let rest = text.trim_start_matches(|c: char| matches!(c, ' '..='?'));
    rest.strip_prefix(|c: char| matches!(c, '@'..='~')).unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_go_and_the_words_stay() {
        for (text, plain) in [
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]8;;http://x\u{7}link\u{1b}]8;;\u{7}", "link"),
            ("\u{1b}]0;title\u{1b}\\text", "text"),
            ("a\r\nb\rc\u{2028}d", "a\nb\nc\nd"),
            ("bell\u{7} back\u{8}", "bell back"),
            ("\u{9b}1mx", "x"),
            ("\u{1b}(Bx\u{1b}=y", "xy"),
            ("ends in \u{1b}", "ends in "),
            ("ends in \u{1b}[", "ends in "),
            ("\u{1b}]never closed\nnext", "\nnext"),
            ("tab\tstays \u{e9}", "tab\tstays \u{e9}"),
        ] {
            assert_eq!(without_controls(text).0, plain, "{text:?}");
        }
    }

    #[test]
    fn letters_of_every_script_are_visible() {
        for c in "aä日ا😀\u{301}|~ \u{a0}".chars() {
            assert!(!is_invisible(c), "{c:?}");
        }
        for c in ['\u{200b}', '\u{202e}', '\u{2066}', '\u{e0041}', '\u{feff}', '\u{fe0f}', '\u{e0100}', '\u{ad}'] {
            assert!(is_invisible(c), "{:x}", c as u32);
        }
    }
}
