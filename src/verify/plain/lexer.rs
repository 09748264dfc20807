//! Ruby and Perl taken apart into words, quoted texts and signs. Comments and documentation are left out; heredocs,
//! regular expressions and the many kinds of quotes are one text each. A quote without its end makes the whole unreadable.

mod perl;
mod quotes;
mod ruby;

use std::ops::Range;

use crate::verify::syntax::Language;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// A name or keyword, with its sigil.
    Word,
    /// A quoted text, regular expression, heredoc or symbol.
    Text,
    /// One sign, or `::`, `=>`, `->`.
    Sign,
    /// The end of a line.
    Break,
}

/// One piece of a text.
#[derive(Debug, Clone)]
pub struct Token {
    /// What it is.
    pub sort: Sort,
    /// Where it is.
    pub range: Range<usize>,
    /// Whether a blank stands before it.
    pub spaced: bool,
}

/// The tokens of a text; none when it cannot be read.
pub fn lex(language: Language, text: &str) -> Option<Vec<Token>> {
    if text.len() > 2 << 20 {
        return None;
    }
    let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0, tokens: Vec::new(), heredocs: Vec::new(), spaced: false };
    while lexer.at < lexer.bytes.len() {
        lexer.step(language)?;
    }
    lexer.heredocs.is_empty().then_some(lexer.tokens)
}

struct Heredoc {
    end: String,
    indented: bool,
}

struct Lexer<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    tokens: Vec<Token>,
    heredocs: Vec<Heredoc>,
    spaced: bool,
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

impl Lexer<'_> {
    fn byte(&self, offset: usize) -> u8 {
        self.bytes.get(self.at + offset).copied().unwrap_or(0)
    }

    fn push(&mut self, sort: Sort, end: usize) {
        self.tokens.push(Token { sort, range: self.at..end, spaced: std::mem::take(&mut self.spaced) });
        self.at = end;
    }

    fn step(&mut self, language: Language) -> Option<()> {
        let line_start = self.at == 0 || self.bytes[self.at - 1] == b'\n';
        match self.bytes[self.at] {
            b'\n' => {
                self.push(Sort::Break, self.at + 1);
                return self.bodies();
            }
            b' ' | b'\t' | b'\r' => {
                self.at += 1;
                self.spaced = true;
            }
            b'\\' if self.byte(1) == b'\n' => self.at += 2,
            b'=' if line_start && self.byte(1).is_ascii_alphabetic() => self.documentation(language),
            b'#' => self.at = self.line_end(),
            b'_' if line_start && (self.starts("__END__") || self.starts("__DATA__")) => self.at = self.bytes.len(),
            _ => return if language == Language::Perl { self.perl() } else { self.ruby() },
        }
        Some(())
    }

    fn starts(&self, word: &str) -> bool {
        self.bytes[self.at..].starts_with(word.as_bytes())
    }

    fn line_end(&self) -> usize {
        self.bytes[self.at..].iter().position(|byte| *byte == b'\n').map_or(self.bytes.len(), |length| self.at + length)
    }

    /// `=begin ... =end` of Ruby, POD of Perl.
    fn documentation(&mut self, language: Language) {
        let end = if language == Language::Perl { "=cut" } else { "=end" };
        loop {
            let last = self.starts(end);
            self.at = (self.line_end() + 1).min(self.bytes.len());
            if last || self.at >= self.bytes.len() {
                return;
            }
        }
    }

    fn word_end(&self, mut at: usize) -> usize {
        while at < self.bytes.len() && is_word(self.bytes[at]) {
            at += 1;
        }
        at
    }

    /// `<<~END`, `<<-'END'`, `<<"END"`: remembers that a text follows the line. False when it is none.
    fn heredoc(&mut self, bare: bool) -> bool {
        let indented = matches!(self.byte(2), b'~' | b'-');
        let mut at = self.at + 2 + usize::from(indented);
        let quote = self.bytes.get(at).copied().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
        at += usize::from(quote.is_some());
        let end = match quote {
            Some(quote) => self.bytes[at..].iter().position(|byte| *byte == quote || *byte == b'\n').map_or(at, |length| at + length),
            None => self.word_end(at),
        };
        let named = end > at && (quote.is_some() || indented || bare && self.bytes[at].is_ascii_uppercase());
        if !named || quote.is_some() && self.bytes.get(end) != quote.as_ref() || quote.is_none() && self.bytes[at].is_ascii_digit() {
            return false;
        }
        self.heredocs.push(Heredoc { end: self.text[at..end].to_owned(), indented });
        self.push(Sort::Text, end + usize::from(quote.is_some()));
        true
    }

    /// The texts that were announced on the line that just ended.
    fn bodies(&mut self) -> Option<()> {
        for heredoc in std::mem::take(&mut self.heredocs) {
            let begin = self.at;
            let mut at = begin;
            loop {
                let rest = self.text.get(at..).filter(|rest| !rest.is_empty())?;
                let line = rest.split_inclusive('\n').next()?;
                at += line.len();
                let plain = line.trim_end_matches(['\n', '\r']);
                if (if heredoc.indented { plain.trim() } else { plain }) == heredoc.end {
                    break;
                }
            }
            self.at = begin;
            self.push(Sort::Text, at);
        }
        Some(())
    }

    /// Whether a value may begin here: then `/` begins a regular expression.
    fn wants_value(&self, keywords: &[&str]) -> bool {
        let Some(last) = self.tokens.last() else { return true };
        let word = &self.text[last.range.clone()];
        match last.sort {
            Sort::Break => true,
            Sort::Text => false,
            Sort::Sign => !matches!(word, ")" | "]" | "}"),
            Sort::Word => keywords.contains(&word),
        }
    }
}
