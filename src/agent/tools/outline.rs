//! The outline of a source file: its definitions with their lines, from a syntax tree where there is a grammar for it.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tree_sitter::{Language, Node, ParseOptions, ParseState, Parser, Tree};

use super::paths::short_line;

/// Entries shown at most; then the deepest levels are left out.
const ENTRIES: usize = 220;
/// A definition's first line, shortened to this.
const HEADING: usize = 110;
/// Lines shown of a file without a grammar.
const FIRST_LINES: usize = 80;
/// Bodies longer than this are looked into for definitions inside.
const LONG_BODY: usize = 60;

/// A text can be made to cost the square of its length.
const PATIENCE: Duration = Duration::from_secs(2);

/// A definition.
struct Entry {
    depth: usize,
    first: usize,
    last: usize,
}

/// What `read` says of a long file.
pub(super) fn of(path: &str, text: &str, total: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let entries = grammar(path).map(|language| entries(&language, text)).unwrap_or_default();
    let how = "read the parts you need by from and to";
    if entries.is_empty() {
        let first: String =
            lines.iter().take(FIRST_LINES).zip(1..).map(|(line, number)| format!("{number}\t{}\n", short_line(line, 300))).collect();
        return format!("{path}, {total} lines; the first {} (search, or {how}):\n{first}", FIRST_LINES.min(total)).trim_end().to_owned();
    }
    let mut depth = entries.iter().map(|entry| entry.depth).max().unwrap_or(0);
    while depth > 0 && entries.iter().filter(|entry| entry.depth <= depth).count() > ENTRIES {
        depth -= 1;
    }
    let (shown, deeper): (Vec<&Entry>, Vec<&Entry>) = entries.iter().partition(|entry| entry.depth <= depth);
    let mut out = format!("{path}, {total} lines; its definitions ({how}):\n");
    for entry in shown.iter().take(ENTRIES) {
        let heading = lines.get(entry.first - 1).map_or("", |line| line.trim());
        out.push_str(&format!("{}-{}\t{}{}\n", entry.first, entry.last, "  ".repeat(entry.depth), short_line(heading, HEADING)));
    }
    let left_out = deeper.len() + shown.len().saturating_sub(ENTRIES);
    if left_out > 0 {
        out.push_str(&format!("[{left_out} more definitions: search for their names]\n"));
    }
    out.trim_end().to_owned()
}

/// The grammar for a path's ending.
fn grammar(path: &str) -> Option<Language> {
    Some(match path.rsplit_once('.')?.1 {
        "rs" => tree_sitter_rust::LANGUAGE.into(),
        "py" | "pyi" => tree_sitter_python::LANGUAGE.into(),
        "js" | "mjs" | "cjs" | "jsx" => tree_sitter_javascript::LANGUAGE.into(),
        "ts" | "mts" | "cts" => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
        "tsx" => tree_sitter_typescript::LANGUAGE_TSX.into(),
        _ => return None,
    })
}

/// Whether an edit broke the syntax of a file that was sound before: the first line that does not parse.
pub(super) fn newly_broken(path: &str, before: &[u8], after: &[u8]) -> Option<usize> {
    let language = grammar(path)?;
    let parse = |bytes: &[u8]| tree(&language, bytes);
    // most edits leave the syntax whole: then one parse is enough
    let after = parse(after).filter(|after| after.root_node().has_error())?;
    let was_sound = !parse(before)?.root_node().has_error();
    was_sound.then(|| first_error(after.root_node()))
}

/// The tree of a text; none when it is made to be slow.
fn tree(language: &Language, bytes: &[u8]) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(language).ok()?;
    let began = Instant::now();
    let mut in_time = |_: &ParseState| if began.elapsed() < PATIENCE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
    let options = ParseOptions::new().progress_callback(&mut in_time);
    parser.parse_with_options(&mut |at, _| &bytes[at..], None, Some(options))
}

fn first_error(node: Node<'_>) -> usize {
    let mut node = node;
    loop {
        let mut cursor = node.walk();
        let inner = node.children(&mut cursor).find(|child| child.has_error() || child.is_missing());
        match inner {
            Some(inner) if !node.is_error() => node = inner,
            _ => return node.start_position().row + 1,
        }
    }
}

fn entries(language: &Language, text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    if let Some(tree) = tree(language, text.as_bytes()) {
        collect(tree.root_node(), text, 0, 0, &mut entries);
    }
    entries
}

/// Definitions below `node`; `nesting` bounds the recursion, which input must not be able to drive.
fn collect(node: Node<'_>, text: &str, depth: usize, nesting: usize, entries: &mut Vec<Entry>) {
    if nesting > 200 {
        return;
    }
    let mut cursor = node.walk();
    for child in node.children(&mut cursor) {
        let kind = kind_of(child, text);
        let (first, last) = (child.start_position().row + 1, child.end_position().row + 1);
        match kind {
            Kind::None => collect(child, text, depth, nesting + 1, entries),
            Kind::Leaf => {}
            Kind::Plain | Kind::Container => {
                entries.push(Entry { depth, first, last });
                if matches!(kind, Kind::Container) || last - first > LONG_BODY {
                    collect(child, text, depth + 1, nesting + 1, entries);
                }
            }
        }
    }
}

enum Kind {
    /// No definition; its children may be.
    None,
    /// Neither it nor anything in it.
    Leaf,
    /// A definition.
    Plain,
    /// A definition that holds others.
    Container,
}

fn kind_of(node: Node<'_>, text: &str) -> Kind {
    match node.kind() {
        "function_item"
        | "function_signature_item"
        | "struct_item"
        | "enum_item"
        | "union_item"
        | "macro_definition"
        | "type_item"
        | "function_definition"
        | "function_declaration"
        | "generator_function_declaration"
        | "method_definition"
        | "type_alias_declaration"
        | "method_signature"
        | "abstract_method_signature" => Kind::Plain,
        "impl_item"
        | "trait_item"
        | "mod_item"
        | "class_definition"
        | "class_declaration"
        | "abstract_class_declaration"
        | "interface_declaration"
        | "enum_declaration"
        | "internal_module" => Kind::Container,
        "variable_declarator" | "assignment_expression" | "pair" | "public_field_definition" if defines_function(node) => Kind::Plain,
        "call_expression" if is_test_block(node, text) => Kind::Container,
        "line_comment" | "block_comment" | "comment" | "string" | "string_literal" | "template_string" => Kind::Leaf,
        _ => Kind::None,
    }
}

/// `const f = () => ...`, `exports.f = function ...`, `f: function ...`.
fn defines_function(node: Node<'_>) -> bool {
    let value = node.child_by_field_name("value").or_else(|| node.child_by_field_name("right"));
    value.is_some_and(|value| matches!(value.kind(), "arrow_function" | "function_expression" | "generator_function" | "class"))
}

/// `describe("...", ...)`, `it("...", ...)`, `test("...", ...)`.
fn is_test_block(node: Node<'_>, text: &str) -> bool {
    let name = node.child_by_field_name("function").and_then(|function| text.get(function.byte_range())).unwrap_or_default();
    let first = name.split(['.', '(']).next().unwrap_or_default();
    let last = name.rsplit('.').next().unwrap_or_default();
    let words = ["describe", "it", "test", "suite", "context"];
    let lines = node.end_position().row - node.start_position().row;
    (words.contains(&first) || words.contains(&last)) && lines > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_found_with_their_lines() {
        let rust =
            "use a;\n\nimpl Foo {\n    fn bar(&self) -> u8 {\n        1\n    }\n}\n\nmod tests {\n    #[test]\n    fn works() {}\n}\n";
        let expected = "a.rs, 12 lines; its definitions (read the parts you need by from and to):\n3-7\timpl Foo {\n4-6\t  fn bar(&self) -> u8 {\n9-12\tmod tests {\n11-11\t  fn works() {}";
        assert_eq!(of("a.rs", rust, 12), expected);
        let python = "class A:\n    @property\n    def b(self):\n        return 1\n\n\nasync def c():\n    pass\n";
        assert!(of("a.py", python, 8).ends_with("1-4\tclass A:\n3-4\t  def b(self):\n7-8\tasync def c():"));
        let script = "exports.f = function (a) {\n  return a;\n};\nconst g = () => {\n};\ndescribe('x', () => {\n  it('y', () => {\n  });\n});\nclass K { m() {\n} }\n";
        let outline = of("a.js", script, 11);
        for line in ["1-3\texports.f", "4-5\tconst g", "6-9\tdescribe", "7-8\t  it('y'", "10-11\tclass K", "10-11\t  class K"] {
            assert!(outline.contains(line), "{line} in {outline}");
        }
        assert!(of("a.tsx", "interface P {\n a(): void;\n}\nenum E { A }\n", 4).contains("1-3\tinterface P"));
    }

    #[test]
    fn a_file_without_grammar_shows_its_beginning() {
        let text = "line\n".repeat(900);
        let outline = of("notes.txt", &text, 900);
        assert!(outline.starts_with("notes.txt, 900 lines; the first 80 ") && outline.ends_with("80\tline"));
    }

    #[test]
    fn broken_syntax_is_noticed_only_when_it_is_new() {
        let (good, bad) = (b"fn a() {\n    1;\n}\n".as_slice(), b"fn a() {\n    1;\n}}\n".as_slice());
        assert_eq!(newly_broken("a.rs", good, bad), Some(3));
        assert_eq!(newly_broken("a.rs", bad, bad), None);
        assert_eq!(newly_broken("a.rs", good, good), None);
        assert_eq!(newly_broken("a.txt", good, bad), None);
    }

    #[test]
    fn deep_nesting_does_not_overflow() {
        let deep = "(".repeat(50_000);
        assert!(!of("a.rs", &format!("fn a() {{}}\n{deep}\n"), 2).is_empty());
    }
}
