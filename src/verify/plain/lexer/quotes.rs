//! Where a quoted text ends.

use super::Lexer;

/// Texts inside of texts inside of texts: deeper ones are not read.
const DEPTH: usize = 40;

impl Lexer<'_> {
    /// The end of a text whose opening sign stands right before `at`, behind its closing sign.
    pub(super) fn closed(&self, at: usize, open: u8, holds_code: bool) -> Option<usize> {
        self.closed_at(at, open, holds_code, 0)
    }

    fn closed_at(&self, mut at: usize, open: u8, holds_code: bool, depth: usize) -> Option<usize> {
        let close = closing(open);
        let mut level = 0_usize;
        loop {
            let byte = *self.bytes.get(at)?;
            at += 1;
            match byte {
                b'\\' => at += 1,
                b'#' if holds_code && self.bytes.get(at) == Some(&b'{') => at = self.code(at + 1, depth + 1)?,
                _ if byte == close && level == 0 => return Some(at),
                _ if byte == close => level -= 1,
                _ if byte == open => level += 1,
                _ => {}
            }
        }
    }

    /// The end of `#{ ... }`, behind its brace.
    fn code(&self, mut at: usize, depth: usize) -> Option<usize> {
        if depth > DEPTH {
            return None;
        }
        let mut level = 0_usize;
        loop {
            let byte = *self.bytes.get(at)?;
            at += 1;
            match byte {
                b'{' => level += 1,
                b'}' if level == 0 => return Some(at),
                b'}' => level -= 1,
                b'"' | b'\'' | b'`' => at = self.closed_at(at, byte, byte != b'\'', depth + 1)?,
                _ => {}
            }
        }
    }
}

/// The sign that ends what `open` begins.
pub(super) fn closing(open: u8) -> u8 {
    match open {
        b'(' => b')',
        b'[' => b']',
        b'{' => b'}',
        b'<' => b'>',
        other => other,
    }
}
