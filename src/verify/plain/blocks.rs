//! The blocks of Ruby and Perl, matched by their words: where one begins, what stands before it in its statement, where
//! it ends, and which block is around it.

use std::ops::Range;

use super::lexer::{Sort, Token};
use crate::verify::syntax::Language;

/// What opens a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opener {
    /// `def`.
    Def,
    /// `class` or `module`.
    Class,
    /// `do`.
    Do,
    /// `{`.
    Brace,
    /// `if`, `begin`, `case` and the like.
    Other,
}

/// One block, by the indices of its tokens.
#[derive(Debug, Clone)]
pub struct Block {
    /// How it was opened.
    pub opener: Opener,
    /// The first token of the statement it belongs to.
    pub statement: usize,
    /// The token that opens it.
    pub open: usize,
    /// The token that ends it.
    pub close: usize,
    /// The block around it, by its place in the list.
    pub parent: Option<usize>,
}

impl Block {
    /// What stands between its beginning and its end.
    pub fn inside(&self) -> Range<usize> {
        self.open + 1..self.close
    }
}

/// All blocks in the order of their beginnings; none when they do not match.
pub fn blocks(language: Language, text: &str, tokens: &[Token]) -> Option<Vec<Block>> {
    let mut reader = Reader { text, tokens, blocks: Vec::new(), open: Vec::new(), statement: 0, loops: 0 };
    let mut at = 0;
    while at < tokens.len() {
        at = if language == Language::Perl { reader.perl(at)? } else { reader.ruby(at)? };
    }
    reader.open.is_empty().then_some(reader.blocks)
}

struct Reader<'t> {
    text: &'t str,
    tokens: &'t [Token],
    blocks: Vec<Block>,
    open: Vec<usize>,
    statement: usize,
    /// `while`, `until` and `for` whose own `do` may follow.
    loops: usize,
}

impl<'t> Reader<'t> {
    fn word(&self, at: usize) -> &'t str {
        self.tokens.get(at).and_then(|token| self.text.get(token.range.clone())).unwrap_or_default()
    }

    fn begin(&mut self, opener: Opener, at: usize) {
        let parent = self.open.last().copied();
        self.open.push(self.blocks.len());
        self.blocks.push(Block { opener, statement: self.statement, open: at, close: at, parent });
        self.statement = at + 1;
    }

    fn end(&mut self, at: usize, brace: bool) -> Option<()> {
        let block = self.open.pop()?;
        let block = &mut self.blocks[block];
        block.close = at;
        self.statement = block.statement;
        ((block.opener == Opener::Brace) == brace).then_some(())
    }

    fn perl(&mut self, at: usize) -> Option<usize> {
        match (self.tokens[at].sort, self.word(at)) {
            (Sort::Sign, "{") => self.begin(Opener::Brace, at),
            (Sort::Sign, "}") => {
                self.end(at, true)?;
                // `sub f { }` needs no semicolon: what follows on the next line is a statement of its own.
                if self.tokens.get(at + 1).is_none_or(|next| next.sort == Sort::Break) {
                    self.statement = at + 1;
                }
            }
            (Sort::Sign, ";") => self.statement = at + 1,
            (Sort::Break, _) if self.statement == at => self.statement = at + 1,
            _ => {}
        }
        Some(at + 1)
    }

    fn ruby(&mut self, at: usize) -> Option<usize> {
        let token = &self.tokens[at];
        let word = self.word(at);
        match token.sort {
            Sort::Break => {
                self.statement = at + 1;
                self.loops = 0;
            }
            Sort::Sign if word == ";" => self.statement = at + 1,
            Sort::Sign if word == "{" => self.begin(Opener::Brace, at),
            Sort::Sign if word == "}" => self.end(at, true)?,
            Sort::Word if !self.is_name(at) => return self.keyword(at, word),
            _ => {}
        }
        Some(at + 1)
    }

    /// `x.end`, `end:` and `def end`: keywords that are names here.
    fn is_name(&self, at: usize) -> bool {
        let behind = at.checked_sub(1).map_or("", |before| self.word(before));
        let label = self.word(at + 1) == ":" && self.tokens.get(at + 1).is_some_and(|next| !next.spaced);
        matches!(behind, "." | "&." | "def") || label && behind != "?"
    }

    fn keyword(&mut self, at: usize, word: &str) -> Option<usize> {
        match word {
            "def" => return self.def(at),
            "class" | "module" => self.begin(Opener::Class, at),
            "begin" | "case" => self.begin(Opener::Other, at),
            "if" | "unless" | "while" | "until" | "for" if self.begins_expression(at) => {
                self.begin(Opener::Other, at);
                self.loops += usize::from(matches!(word, "while" | "until" | "for"));
            }
            "do" if self.loops > 0 => self.loops -= 1,
            "do" => self.begin(Opener::Do, at),
            "end" => self.end(at, false)?,
            "then" | "else" | "ensure" => self.statement = at + 1,
            _ => {}
        }
        Some(at + 1)
    }

    /// Whether an `if` begins something here instead of following it.
    fn begins_expression(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1) else { return true };
        match self.tokens[before].sort {
            Sort::Break => true,
            Sort::Text => false,
            Sort::Sign => !matches!(self.word(before), ")" | "]" | "}" | "?" | "!"),
            Sort::Word => matches!(self.word(before), "then" | "do" | "else" | "begin" | "and" | "or" | "not" | "ensure" | "in"),
        }
    }

    /// `def name(...) = value` has no end.
    fn def(&mut self, at: usize) -> Option<usize> {
        let after = parameters(self.text, self.tokens, at).2;
        if self.word(after) == "=" {
            return Some(after + 1);
        }
        self.begin(Opener::Def, at);
        self.statement = after;
        Some(after)
    }
}

/// Name and parameters of the `def` at a token, and the token behind them.
pub fn parameters(text: &str, tokens: &[Token], def: usize) -> (String, Range<usize>, usize) {
    let word = |at: usize| tokens.get(at).and_then(|token| text.get(token.range.clone())).unwrap_or_default();
    let start = tokens.get(def + 1).map_or(text.len(), |token| token.range.start);
    let rest = text.get(start..).unwrap_or_default();
    let operator = rest.starts_with(|first: char| !first.is_alphanumeric() && first != '_' && !first.is_whitespace());
    let length = rest.find(|letter: char| letter.is_whitespace() || letter == '(' || letter == ';').unwrap_or(rest.len());
    let name = if operator && length == 0 { rest.chars().take(1).collect() } else { rest[..length].to_owned() };
    let end = start + name.len();
    let mut at = def + 1;
    while tokens.get(at).is_some_and(|token| token.range.start < end) {
        at += 1;
    }
    let first = at;
    if word(at) == "(" {
        let mut depth = 0;
        while at < tokens.len() {
            match word(at) {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            at += 1;
            if depth == 0 {
                break;
            }
        }
    } else if word(at) != "=" {
        while tokens.get(at).is_some_and(|token| token.sort != Sort::Break && word(at) != ";") {
            at += 1;
        }
    }
    (name, first..at, at)
}
