//! Ruby and Perl, read by their words and blocks instead of as syntax trees: their grammars would add a tenth to the
//! program. What cannot be read for certain (a quote that never ends, a block without its end) is not read at all, and
//! whoever asks then treats the whole file as changed. Pure.

mod blocks;
mod counts;
mod lexer;
mod perl;
mod ruby;

use std::collections::BTreeSet;
use std::ops::Range;

use super::items::{Item, Mark};
use super::syntax::Language;
use lexer::{Sort, Token, lex};

/// Words times blocks of a text that is read.
const MOST: usize = 100_000_000;

/// A named function with a body.
pub struct Definition {
    /// Classes, modules or packages around it, then its name.
    pub names: Vec<String>,
    /// Its parameters, without layout.
    pub signature: String,
    /// What is run: behind the parameters, up to the end of the block.
    pub body: Range<usize>,
    /// Whether `body` is a list of statements and not one expression.
    pub block: bool,
}

/// Every function of a text.
pub fn definitions(language: Language, text: &str) -> Vec<Definition> {
    read(language, text).map_or_else(Vec::new, |read| match language {
        Language::Perl => perl::definitions(&read),
        _ => ruby::definitions(&read),
    })
}

/// Every test of a text.
pub fn items(language: Language, text: &str) -> Vec<Item> {
    read(language, text).map_or_else(Vec::new, |read| match language {
        Language::Perl => perl::items(&read),
        _ => ruby::items(&read),
    })
}

/// Marks that hold for a whole file.
pub fn file_marks(language: Language, text: &str) -> BTreeSet<Mark> {
    let Some(read) = read(language, text).filter(|_| language == Language::Perl) else { return BTreeSet::new() };
    perl::file_marks(&read)
}

/// The words of a text without comments and layout; line ends stay where they end statements.
pub fn tokens(language: Language, text: &str) -> Option<Vec<String>> {
    let read = read(language, text)?;
    // A comment that changes what texts are.
    let magic =
        text.lines().take_while(|line| line.starts_with('#')).filter(|line| line.contains("frozen_string_literal")).map(str::to_owned);
    let kept = read.tokens.iter().filter(|token| token.sort != Sort::Break || language == Language::Ruby);
    Some(magic.chain(kept.map(|token| if token.sort == Sort::Break { "\n".to_owned() } else { read.of(token).to_owned() })).collect())
}

/// Every name that occurs in a text, without its sigil.
pub fn identifiers(language: Language, text: &str) -> BTreeSet<String> {
    let Some(tokens) = lex(language, text) else { return BTreeSet::new() };
    let words = tokens.iter().filter(|token| token.sort == Sort::Word).map(|token| &text[token.range.clone()]);
    words
        .flat_map(|word| word.split("::"))
        .map(|word| word.trim_start_matches(['$', '@', '%', '&', '#']).to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

/// A text that was read.
struct Read<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    blocks: Vec<blocks::Block>,
}

impl<'t> Read<'t> {
    fn of(&self, token: &Token) -> &'t str {
        self.text.get(token.range.clone()).unwrap_or_default()
    }

    fn word(&self, at: usize) -> &'t str {
        self.tokens.get(at).map_or("", |token| self.of(token))
    }

    fn is_text(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.sort == Sort::Text)
    }

    /// The words of some tokens.
    fn words(&self, range: Range<usize>) -> Vec<&'t str> {
        let tokens = self.tokens.get(range).unwrap_or_default();
        tokens.iter().filter(|token| token.sort != Sort::Break).map(|token| self.of(token)).collect()
    }

    /// The line on which a token stands, without blanks around it.
    fn line(&self, at: usize) -> &'t str {
        let start = self.tokens.get(at).map_or(0, |token| token.range.start);
        let from = self.text[..start].rfind('\n').map_or(0, |end| end + 1);
        self.text[from..].lines().next().unwrap_or_default().trim()
    }
}

fn read(language: Language, text: &str) -> Option<Read<'_>> {
    let tokens = lex(language, text)?;
    let blocks = blocks::blocks(language, text, &tokens)?;
    // Which block a word stands in is looked up block by block: a text made to be slow is not read.
    (tokens.len().saturating_mul(blocks.len()) < MOST).then_some(())?;
    Some(Read { text, tokens, blocks })
}

/// A quoted text without its quotes, its escapes undone as far as names need it.
fn unquoted(text: &str) -> String {
    let inner = match text.get(..1) {
        Some("\"" | "'") => text.get(1..text.len().saturating_sub(1)).unwrap_or_default(),
        Some(":") => text.trim_start_matches([':', '"']).trim_end_matches('"'),
        Some("q") => text.trim_start_matches('q').get(1..).and_then(|rest| rest.get(..rest.len().saturating_sub(1))).unwrap_or_default(),
        _ => text,
    };
    inner.replace("\\'", "'").replace("\\\"", "\"")
}
