//! Tests of vitest inside of a source file: `if (import.meta.vitest) { ... }`. Only at the top level, where a bundler takes
//! them out; what is reached in another way stays source.

use tree_sitter::Node;

use super::{Region, line_end};
use crate::verify::syntax::text_of;

/// What every such block asks for.
pub(super) const MARK: &str = "import.meta.vitest";

/// The blocks of a file, in order; they have no names, so each is known by its place among them.
pub(super) fn regions(root: Node<'_>, text: &str) -> Vec<Region> {
    let blocks = root.named_children(&mut root.walk()).filter(|item| is_block(*item, text)).collect::<Vec<_>>();
    let region = |(at, item): (usize, &Node<'_>)| {
        let range = item.start_byte()..line_end(text, item.end_byte());
        Region { parent: Vec::new(), key: format!("block {at}"), range }
    };
    blocks.iter().enumerate().map(region).collect()
}

fn is_block(item: Node<'_>, text: &str) -> bool {
    let asks = |node: Node<'_>| {
        let words: String = text_of(node, text).split_whitespace().collect();
        let plain = words.trim_start_matches('(').trim_end_matches(')');
        // Whatever else the condition holds would make the block more than tests.
        plain == MARK || plain.strip_prefix(MARK).is_some_and(|rest| matches!(rest, "!==undefined" | "!=undefined" | "!=null" | "!==null"))
    };
    match item.kind() {
        "if_statement" => item.child_by_field_name("alternative").is_none() && item.child_by_field_name("condition").is_some_and(asks),
        "expression_statement" => {
            let inner = item.named_child(0).filter(|inner| inner.kind() == "binary_expression");
            inner.and_then(|inner| inner.child_by_field_name("left")).is_some_and(asks)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{regions, source_text, splice, tests_text};
    use crate::verify::items::items;
    use crate::verify::syntax::Language;

    const BASE: &str = "export const add = (a: number, b: number) => a - b;\n\nif (import.meta.vitest) {\n  const { it, expect } = import.meta.vitest;\n  it('adds none', () => { expect(add(1, 0)).toBe(1); });\n}\n";
    const TS: Language = Language::TypeScript;

    #[test]
    fn blocks_are_told_from_the_source_and_put_beside_another() {
        let head = BASE.replace("a - b", "a + b").replace("});\n}", "});\n  it('adds', () => { expect(add(1, 2)).toBe(3); });\n}");
        assert_eq!(source_text(TS, BASE).unwrap(), "export const add = (a: number, b: number) => a - b;\n\n");
        let names: Vec<String> = items("src/a.ts", &tests_text(TS, &head).unwrap()).iter().map(|one| one.path()).collect();
        assert_eq!(names, ["adds none", "adds"]);
        let mixed = splice(TS, BASE, &head).unwrap();
        assert!(mixed.contains("a - b") && mixed.contains("it('adds',") && mixed.matches("import.meta.vitest)").count() == 1, "{mixed}");
        assert_eq!(splice(TS, BASE, BASE).unwrap(), BASE);
        let bare = source_text(TS, BASE).unwrap();
        assert!(splice(TS, &bare, BASE).unwrap().contains("it('adds none'"));
        assert_eq!(splice(TS, BASE, &bare).unwrap(), bare);
    }

    #[test]
    fn only_whole_blocks_for_tests_count() {
        let count = |text: &str| regions(Language::JavaScript, text).map_or(99, |found| found.len());
        assert_eq!(count("if (import.meta.vitest !== undefined) { it('a', () => {}); }\nimport.meta.vitest && run();"), 2);
        for text in [
            "if (import.meta.vitest || true) { start(); }",
            "if (!import.meta.vitest) { start(); }",
            "if (import.meta.vitest) { a(); } else { start(); }",
            "export const tested = import.meta.vitest;",
            "function f() { if (import.meta.vitest) { a(); } }",
        ] {
            assert_eq!(count(text), 0, "{text}");
        }
        assert_eq!(count("if (import.meta.vitest) {"), 99, "a file that does not parse is not taken apart");
    }
}
