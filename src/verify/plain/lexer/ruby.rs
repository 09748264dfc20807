//! Ruby's words and texts.

use super::{Lexer, Sort, is_word};

/// Words behind which a value begins.
const BEFORE_VALUE: [&str; 22] = [
    "if", "unless", "while", "until", "when", "and", "or", "not", "return", "then", "do", "else", "elsif", "case", "in", "puts", "yield",
    "raise", "begin", "ensure", "rescue", "p",
];

impl Lexer<'_> {
    pub(super) fn ruby(&mut self) -> Option<()> {
        let byte = self.bytes[self.at];
        let value = self.wants_value(&BEFORE_VALUE);
        // `puts /x/` and `it %q(x)`: a name, a blank, and no blank behind the sign.
        let argument =
            self.spaced && self.tokens.last().is_some_and(|token| token.sort == Sort::Word) && !self.byte(1).is_ascii_whitespace();
        match byte {
            b'"' | b'`' => return self.text(self.at + 1, byte, true),
            b'\'' => return self.text(self.at + 1, byte, false),
            b'/' if value || argument && self.byte(1) != b'=' => {
                let end = self.closed(self.at + 1, b'/', true)?;
                self.push(Sort::Text, self.word_end(end));
            }
            b'%' if value || argument => return self.percent(),
            b'<' if self.byte(1) == b'<' && (value || self.spaced || matches!(self.byte(2), b'~' | b'-')) => {
                let class = self.tokens.last().is_some_and(|token| &self.text[token.range.clone()] == "class");
                if class || !self.heredoc(value || argument) {
                    self.push(Sort::Sign, self.at + 2);
                }
            }
            b'?' if value && !self.byte(1).is_ascii_whitespace() && self.byte(1) != 0 && !is_word(self.byte(2)) => {
                self.push(Sort::Text, self.at + 2);
            }
            b':' if self.byte(1) == b':' => self.push(Sort::Sign, self.at + 2),
            b':' if self.byte(1) == b'"' => {
                let end = self.closed(self.at + 2, b'"', true)?;
                self.push(Sort::Text, end);
            }
            b':' if is_word(self.byte(1)) && !self.byte(1).is_ascii_digit() && (value || self.spaced || argument) => {
                let end = self.word_end(self.at + 1);
                let mark =
                    matches!(self.bytes.get(end), Some(b'?' | b'!' | b'=')) && !matches!(self.bytes.get(end + 1), Some(b'=' | b'>' | b'~'));
                self.push(Sort::Text, end + usize::from(mark));
            }
            b'@' | b'$' => {
                let sigils = self.bytes[self.at..].iter().take_while(|byte| matches!(byte, b'@' | b'$')).count().min(2);
                let end = self.word_end(self.at + sigils);
                let special = byte == b'$' && end == self.at + sigils && self.byte(sigils) > b' ' && self.byte(sigils) < 0x80;
                self.push(Sort::Word, end + usize::from(special));
            }
            _ if is_word(byte) => {
                let end = self.word_end(self.at);
                let mark = matches!(self.bytes.get(end), Some(b'?' | b'!')) && !matches!(self.bytes.get(end + 1), Some(b'=' | b'~'));
                self.push(Sort::Word, end + usize::from(mark));
            }
            b'=' if matches!(self.byte(1), b'>' | b'=' | b'~') => self.push(Sort::Sign, self.at + 2),
            b'-' if self.byte(1) == b'>' => self.push(Sort::Sign, self.at + 2),
            b'&' | b'|' if self.byte(1) == byte => self.push(Sort::Sign, self.at + 2),
            b'&' if self.byte(1) == b'.' => self.push(Sort::Sign, self.at + 2),
            _ => self.push(Sort::Sign, self.at + 1),
        }
        Some(())
    }

    fn text(&mut self, at: usize, open: u8, holds_code: bool) -> Option<()> {
        let end = self.closed(at, open, holds_code)?;
        self.push(Sort::Text, end);
        Some(())
    }

    /// `%w[a b]`, `%q(x)`, `%(x)`; a plain sign when it is none of them.
    fn percent(&mut self) -> Option<()> {
        let lettered = matches!(self.byte(1), b'w' | b'W' | b'i' | b'I' | b'q' | b'Q' | b'r' | b's' | b'x');
        let open = self.byte(1 + usize::from(lettered));
        if open.is_ascii_punctuation() && open != b'=' && (lettered || matches!(open, b'(' | b'[' | b'{' | b'<' | b'|' | b'!')) {
            let holds_code = !matches!(self.byte(1), b'w' | b'i' | b'q' | b's');
            let end = self.closed(self.at + 2 + usize::from(lettered), open, holds_code)?;
            let flags = if self.byte(1) == b'r' { self.word_end(end) } else { end };
            self.push(Sort::Text, flags);
        } else {
            self.push(Sort::Sign, self.at + 1);
        }
        Some(())
    }
}
