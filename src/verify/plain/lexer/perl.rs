//! Perl's words and texts.

use super::quotes::closing;
use super::{Lexer, Sort, is_word};

/// Words behind which a value begins.
const BEFORE_VALUE: [&str; 24] = [
    "if", "unless", "while", "until", "and", "or", "not", "return", "split", "grep", "map", "join", "push", "unshift", "x", "lt", "gt",
    "le", "ge", "eq", "ne", "cmp", "print", "when",
];

impl Lexer<'_> {
    pub(super) fn perl(&mut self) -> Option<()> {
        let byte = self.bytes[self.at];
        let value = self.wants_value(&BEFORE_VALUE);
        match byte {
            b'"' | b'\'' | b'`' => {
                let end = self.closed(self.at + 1, byte, false)?;
                self.push(Sort::Text, end);
            }
            b'/' if value => {
                let end = self.closed(self.at + 1, b'/', false)?;
                self.push(Sort::Text, self.word_end(end));
            }
            b'<' if self.byte(1) == b'<' && (value || self.spaced || matches!(self.byte(2), b'"' | b'\'' | b'~')) => {
                if !self.heredoc(true) {
                    self.push(Sort::Sign, self.at + 2);
                }
            }
            b'$' | b'@' => self.variable(),
            b'%' | b'&' if value && (is_word(self.byte(1)) || matches!(self.byte(1), b'$' | b'{')) => self.variable(),
            _ if is_word(byte) => return self.perl_word(),
            b':' if self.byte(1) == b':' => self.push(Sort::Sign, self.at + 2),
            b'=' if matches!(self.byte(1), b'>' | b'=' | b'~') => self.push(Sort::Sign, self.at + 2),
            b'-' if self.byte(1) == b'>' => self.push(Sort::Sign, self.at + 2),
            b'&' | b'|' if self.byte(1) == byte => self.push(Sort::Sign, self.at + 2),
            _ => self.push(Sort::Sign, self.at + 1),
        }
        Some(())
    }

    /// `$name`, `@{`, `$#list`, `$Pkg::name`, `$@`: braces are left to the blocks.
    fn variable(&mut self) {
        let mut at = self.at + 1;
        if self.bytes[self.at] == b'$'
            && self.bytes.get(at) == Some(&b'#')
            && self.bytes.get(at + 1).is_some_and(|next| is_word(*next) || matches!(next, b'{' | b'$'))
        {
            at += 1;
        }
        while self.bytes.get(at) == Some(&b'$') && self.bytes.get(at + 1).is_some_and(|next| is_word(*next) || matches!(next, b'$' | b'{'))
        {
            at += 1;
        }
        let mut end = self.word_end(at);
        while self.bytes.get(end..end + 2) == Some(b"::") {
            end = self.word_end(end + 2);
        }
        let special = end == at
            && self.bytes[self.at] != b'%'
            && self.bytes.get(at).is_some_and(|next| next.is_ascii_punctuation() && !matches!(next, b'{'))
            && (self.bytes[self.at] == b'$' || matches!(self.bytes[at], b'-' | b'+'));
        self.push(Sort::Word, end + usize::from(special));
    }

    fn perl_word(&mut self) -> Option<()> {
        let mut end = self.word_end(self.at);
        while self.bytes.get(end..end + 2) == Some(b"::") && self.bytes.get(end + 2).is_some_and(|next| is_word(*next)) {
            end = self.word_end(end + 2);
        }
        let word = &self.text[self.at..end];
        let behind = self.tokens.last().map(|token| &self.text[token.range.clone()]);
        let quotes = matches!(word, "q" | "qq" | "qw" | "qr" | "qx" | "m" | "s" | "tr" | "y") && !matches!(behind, Some("->" | "sub"));
        let next = self.bytes[end..].iter().position(|byte| !byte.is_ascii_whitespace()).map_or(self.bytes.len(), |skip| end + skip);
        let open = self.bytes.get(next).copied().unwrap_or(0);
        let named = self.bytes.get(next..next + 2) == Some(b"=>") || behind == Some("{") && open == b'}';
        let delimits = open.is_ascii_punctuation() && !matches!(open, b',' | b';' | b')') && (next == end || !matches!(open, b'=' | b'#'));
        if !quotes || named || !delimits {
            self.push(Sort::Word, end);
            return Some(());
        }
        let mut after = self.closed(next + 1, open, false)?;
        if matches!(word, "s" | "tr" | "y") {
            if closing(open) != open {
                after += self.bytes[after..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                let second = *self.bytes.get(after)?;
                after = self.closed(after + 1, second, false)?;
            } else {
                after = self.closed(after, open, false)?;
            }
        }
        let flags = if matches!(word, "m" | "s" | "qr" | "tr" | "y") { self.word_end(after) } else { after };
        self.push(Sort::Text, flags);
        Some(())
    }
}
