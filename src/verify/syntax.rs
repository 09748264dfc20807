//! Source text as a syntax tree: languages by file name, a walk that cannot overflow, tokens without comments,
//! identifiers. Owns nothing about tests; leaves the meaning of what it finds to its readers.

use std::collections::BTreeSet;
use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

use tree_sitter::{Node, ParseOptions, ParseState, Parser, Tree};

use super::plain;

/// Files past this size are compared as bytes and never parsed.
const LARGEST: usize = 2 * 1024 * 1024;

/// A text can be made to cost the square of its length; one that takes longer has no tree.
const PATIENCE: Duration = Duration::from_secs(5);

/// A language whose files can be read as a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// `.rs`
    Rust,
    /// `.py`, `.pyi`
    Python,
    /// `.js`, `.jsx`, `.mjs`, `.cjs`
    JavaScript,
    /// `.ts`, `.mts`, `.cts`
    TypeScript,
    /// `.tsx`
    Tsx,
    /// `.go`
    Go,
    /// `.java`
    Java,
    /// `.php`
    Php,
    /// `.rb`, `.rake`, `.gemspec`, `Rakefile`, `Gemfile`; read by its words
    Ruby,
    /// `.pl`, `.pm`, `.t`; read by its words
    Perl,
}

impl Language {
    /// By the file's name; none for everything else.
    pub fn of(path: &str) -> Option<Language> {
        let name = path.rsplit('/').next()?;
        if matches!(name, "Rakefile" | "Gemfile") {
            return Some(Language::Ruby);
        }
        let (_, ending) = name.rsplit_once('.')?;
        match ending {
            "rs" => Some(Language::Rust),
            "py" | "pyi" => Some(Language::Python),
            "js" | "jsx" | "mjs" | "cjs" => Some(Language::JavaScript),
            "ts" | "mts" | "cts" => Some(Language::TypeScript),
            "tsx" => Some(Language::Tsx),
            "go" => Some(Language::Go),
            "java" => Some(Language::Java),
            "php" => Some(Language::Php),
            "rb" | "rake" | "gemspec" => Some(Language::Ruby),
            "pl" | "pm" | "t" => Some(Language::Perl),
            _ => None,
        }
    }

    /// Whether this is one of the JavaScript family.
    pub fn is_script(self) -> bool {
        matches!(self, Language::JavaScript | Language::TypeScript | Language::Tsx)
    }

    /// Whether it is read by its words and blocks (`plain`), because it has no grammar here.
    pub fn is_plain(self) -> bool {
        matches!(self, Language::Ruby | Language::Perl)
    }

    fn grammar(self) -> Option<tree_sitter::Language> {
        Some(match self {
            Language::Rust => tree_sitter_rust::LANGUAGE.into(),
            Language::Python => tree_sitter_python::LANGUAGE.into(),
            Language::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
            Language::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
            Language::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
            Language::Go => tree_sitter_go::LANGUAGE.into(),
            Language::Java => tree_sitter_java::LANGUAGE.into(),
            Language::Php => tree_sitter_php::LANGUAGE_PHP_ONLY.into(),
            Language::Ruby | Language::Perl => return None,
        })
    }
}

/// The tree of a text; none when it is too large, the grammar gives up, or there is none.
pub fn parse(language: Language, text: &str) -> Option<Tree> {
    parse_within(PATIENCE, language, text)
}

fn parse_within(patience: Duration, language: Language, text: &str) -> Option<Tree> {
    if text.len() > LARGEST {
        return None;
    }
    let mut parser = Parser::new();
    parser.set_language(&language.grammar()?).ok()?;
    let began = Instant::now();
    let mut in_time = |_: &ParseState| if began.elapsed() < patience { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
    let options = ParseOptions::new().progress_callback(&mut in_time);
    parser.parse_with_options(&mut |at, _| &text.as_bytes()[at..], None, Some(options))
}

/// Whether a walk goes on below a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// Its children come next.
    Into,
    /// Its children are left out.
    Past,
}

/// Shows every node below `root` in the order of the text. Uses no stack: repositories may nest as deep as they like.
pub fn visit<'t>(root: Node<'t>, mut enter: impl FnMut(Node<'t>) -> Walk) {
    let mut cursor = root.walk();
    loop {
        let down = enter(cursor.node()) == Walk::Into && cursor.goto_first_child();
        if down {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

/// The text of a node.
pub fn text_of<'s>(node: Node<'_>, text: &'s str) -> &'s str {
    text.get(node.byte_range()).unwrap_or_default()
}

/// The words of a text without comments, layout and (Python) docstrings: two texts with equal tokens mean the same.
pub fn tokens(language: Language, text: &str) -> Option<Vec<String>> {
    if language.is_plain() {
        return plain::tokens(language, text);
    }
    let tree = parse(language, text)?;
    if tree.root_node().has_error() {
        return None;
    }
    Some(tokens_of(language, tree.root_node(), text))
}

/// The same for one node.
pub fn tokens_of(language: Language, node: Node<'_>, text: &str) -> Vec<String> {
    let mut words = Vec::new();
    visit(node, |node| {
        if is_comment(node) && !(language == Language::Go && super::go::counts(node, text))
            || (language == Language::Python && is_docstring(node))
        {
            return Walk::Past;
        }
        // String contents are kept whole: blanks inside them count.
        let whole = node.child_count() == 0 || node.kind().contains("string") && !node.kind().contains("interpolat");
        if !whole {
            // Python's blocks are told by layout: their borders must be words of their own.
            if node.kind() == "block" && language == Language::Python {
                let statements = node.named_children(&mut node.walk()).filter(|one| !is_comment(*one) && !is_docstring(*one)).count();
                words.push(format!("<block {statements}>"));
            }
            return Walk::Into;
        }
        let word = text_of(node, text);
        if !word.trim().is_empty() {
            words.push(word.to_owned());
        }
        Walk::Past
    });
    words
}

fn is_comment(node: Node<'_>) -> bool {
    matches!(node.kind(), "comment" | "line_comment" | "block_comment" | "html_comment")
}

fn is_docstring(node: Node<'_>) -> bool {
    if node.kind() != "expression_statement" || node.named_child_count() != 1 || node.child(0).is_none_or(|c| c.kind() != "string") {
        return false;
    }
    let Some(parent) = node.parent() else { return false };
    let first = parent.named_children(&mut parent.walk()).find(|child| !is_comment(*child)).is_some_and(|child| child == node);
    let in_definition = parent.parent().is_some_and(|above| matches!(above.kind(), "function_definition" | "class_definition"));
    // A body that is nothing but its docstring keeps it: without it the function would not parse.
    first && (parent.kind() == "module" || in_definition)
}

/// Every name that occurs in a text.
pub fn identifiers(language: Language, text: &str) -> BTreeSet<String> {
    if language.is_plain() {
        return plain::identifiers(language, text);
    }
    let mut names = BTreeSet::new();
    let Some(tree) = parse(language, text) else { return names };
    visit(tree.root_node(), |node| {
        let named = node.kind().ends_with("identifier") || language == Language::Php && node.kind() == "name";
        if named && node.child_count() == 0 {
            names.insert(text_of(node, text).trim_start_matches('#').to_owned());
        }
        if is_comment(node) { Walk::Past } else { Walk::Into }
    });
    names
}

/// `text` with each of these ranges (in order, apart) replaced.
pub fn replaced(text: &str, changes: &[(Range<usize>, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (range, new) in changes {
        out.push_str(text.get(at..range.start).unwrap_or_default());
        out.push_str(new);
        at = range.end.max(at);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_layout_are_no_tokens() {
        let one = tokens(Language::Rust, "/// doc\nfn a() { 1 + 2 } // end").unwrap();
        let two = tokens(Language::Rust, "fn a()\n{\n  1+2\n}").unwrap();
        assert_eq!(one, two);
        assert_ne!(one, tokens(Language::Rust, "fn a() { 1 + 3 }").unwrap());
        assert_ne!(tokens(Language::Rust, r#"fn a() -> &str { "x y" }"#), tokens(Language::Rust, r#"fn a() -> &str { "x  y" }"#));
    }

    #[test]
    fn python_docstrings_are_no_tokens_but_layout_that_means_something_is() {
        let plain = "def f(x):\n    if x:\n        a()\n    b()\n";
        let with = "def f(x):\n    \"\"\"Says what.\"\"\"\n    if x:\n        a()\n    b()\n";
        let moved = "def f(x):\n    if x:\n        a()\n        b()\n";
        assert_eq!(tokens(Language::Python, plain), tokens(Language::Python, with));
        assert_ne!(tokens(Language::Python, plain), tokens(Language::Python, moved));
        assert_ne!(tokens(Language::Python, "x = 'a'"), tokens(Language::Python, "x = 'b'"));
    }

    #[test]
    fn a_deep_nest_does_not_overflow() {
        let deep = format!("x = {}1{}", "(".repeat(50_000), ")".repeat(50_000));
        let _ = tokens(Language::Python, &deep);
        let _ = identifiers(Language::Python, &deep);
    }

    #[test]
    fn broken_text_has_no_tokens() {
        assert_eq!(tokens(Language::Rust, "fn a( {"), None);
    }

    #[test]
    fn a_text_made_to_be_slow_has_no_tree() {
        let began = Instant::now();
        assert!(parse_within(Duration::from_millis(100), Language::Rust, &"r#\"".repeat(60_000)).is_none());
        assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    }
}
