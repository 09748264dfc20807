//! Tests that live inside a source file (Rust's test modules, blocks of vitest): finds them by the syntax tree, tells
//! them from the source, and puts the tests of one version beside the source of another. Which files this is done for is
//! `split`'s decision.

mod vitest;

use std::ops::Range;

use tree_sitter::Node;

use super::doctests;
use super::syntax::{Language, parse, replaced, text_of};

/// One piece of a file that is there for tests only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// The inline modules around it.
    pub parent: Vec<String>,
    /// Kind and name, the same in both versions.
    key: String,
    /// From its first attribute to the end of its line.
    pub range: Range<usize>,
}

/// Whether source files of this language may hold tests.
pub fn holds_tests(language: Language) -> bool {
    language == Language::Rust || language.is_script()
}

/// Every test-only piece of a file, in order; none when the file does not parse, or its language has no such thing.
pub fn regions(language: Language, text: &str) -> Option<Vec<Region>> {
    // Most files of JavaScript have none, and need not be parsed for it.
    if language.is_script() && !text.contains(vitest::MARK) {
        return Some(Vec::new());
    }
    let tree = parse(language, text).filter(|tree| holds_tests(language) && !tree.root_node().has_error())?;
    Some(if language.is_script() { vitest::regions(tree.root_node(), text) } else { rust(tree.root_node(), text) })
}

fn rust(root: Node<'_>, text: &str) -> Vec<Region> {
    let mut found = Vec::new();
    let mut open = vec![(root, Vec::new())];
    while let Some((list, parent)) = open.pop() {
        for item in list.named_children(&mut list.walk()) {
            if matches!(item.kind(), "attribute_item" | "line_comment" | "block_comment" | "inner_attribute_item") {
                continue;
            }
            let attributes = attributes(item);
            if attributes.iter().any(|node| is_test_attribute(text_of(*node, text))) {
                let start = attributes.first().map_or(item.start_byte(), Node::start_byte);
                let name = item.child_by_field_name("name").map_or_else(|| short(text_of(item, text)), |n| text_of(n, text).to_owned());
                let end = line_end(text, item.end_byte());
                found.push(Region { parent: parent.clone(), key: format!("{} {name}", item.kind()), range: start..end });
            } else if item.kind() == "mod_item"
                && let (Some(name), Some(body)) = (item.child_by_field_name("name"), item.child_by_field_name("body"))
            {
                let mut path = parent.clone();
                path.push(text_of(name, text).to_owned());
                open.push((body, path));
            }
        }
    }
    found.sort_by_key(|region| region.range.start);
    found
}

/// The attributes right before an item, in order.
pub fn attributes<'t>(item: Node<'t>) -> Vec<Node<'t>> {
    let mut found = Vec::new();
    let mut before = item.prev_named_sibling();
    while let Some(node) = before {
        match node.kind() {
            "attribute_item" => found.push(node),
            "line_comment" | "block_comment" => {}
            _ => break,
        }
        before = node.prev_named_sibling();
    }
    found.reverse();
    found
}

/// `#[test]` and its relatives, and everything under `#[cfg(test)]`.
pub fn is_test_attribute(attribute: &str) -> bool {
    let inner = attribute.trim_start_matches("#[").trim_end_matches(']').trim();
    if let Some(condition) = inner.strip_prefix("cfg").map(str::trim_start).filter(|rest| rest.starts_with('(')) {
        let plain: String = condition.split_whitespace().collect();
        let words = plain.replace("not(test)", "");
        return !plain.contains("any(") && words.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '"').any(|word| word == "test");
    }
    let name = inner.split(['(', '=', ' ']).next().unwrap_or_default();
    matches!(name.rsplit("::").next(), Some("test" | "rstest" | "test_case" | "wasm_bindgen_test" | "quickcheck"))
}

fn short(text: &str) -> String {
    text.split_whitespace().take(12).collect::<Vec<_>>().join(" ")
}

fn line_end(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    match rest.find('\n') {
        Some(length) if rest[..length].trim().is_empty() => from + length + 1,
        _ => from,
    }
}

/// The file without its tests.
pub fn source_text(language: Language, text: &str) -> Option<String> {
    if language == Language::Python {
        return doctests::source_text(text);
    }
    let cuts: Vec<_> = outermost(regions(language, text)?).into_iter().map(|region| (region.range, String::new())).collect();
    Some(replaced(text, &cuts))
}

/// The tests alone.
pub fn tests_text(language: Language, text: &str) -> Option<String> {
    if language == Language::Python {
        return doctests::tests_text(text);
    }
    Some(outermost(regions(language, text)?).into_iter().map(|region| &text[region.range]).collect())
}

fn outermost(regions: Vec<Region>) -> Vec<Region> {
    let mut kept: Vec<Region> = Vec::new();
    for region in regions {
        if kept.last().is_none_or(|last| last.range.end <= region.range.start) {
            kept.push(region);
        }
    }
    kept
}

/// The source of one version with the tests of another. None when they cannot be put together: a file that does not
/// parse, or tests in a module that the source does not have.
pub fn splice(language: Language, source: &str, tests: &str) -> Option<String> {
    if language == Language::Python {
        return doctests::splice(source, tests);
    }
    let old = outermost(regions(language, source)?);
    let mut new: Vec<Option<Region>> = outermost(regions(language, tests)?).into_iter().map(Some).collect();
    let mut changes: Vec<(Range<usize>, String)> = Vec::new();
    for region in &old {
        let same = new.iter_mut().find(|one| one.as_ref().is_some_and(|one| one.key == region.key && one.parent == region.parent));
        let text = same.and_then(Option::take).map_or(String::new(), |one| tests[one.range].to_owned());
        changes.push((region.range.clone(), text));
    }
    for region in new.into_iter().flatten() {
        let at = end_of_module(source, &region.parent)?;
        changes.push((at..at, format!("\n{}\n", tests[region.range].trim_end())));
    }
    changes.sort_by_key(|(range, _)| (range.start, range.end));
    Some(replaced(source, &changes))
}

/// Just inside the end of an inline module; the end of the file for the root.
fn end_of_module(text: &str, path: &[String]) -> Option<usize> {
    if path.is_empty() {
        return Some(text.len());
    }
    let tree = parse(Language::Rust, text)?;
    let mut list = tree.root_node();
    for name in path {
        let inner = list
            .named_children(&mut list.walk())
            .find(|item| item.kind() == "mod_item" && item.child_by_field_name("name").is_some_and(|node| text_of(node, text) == name))?;
        list = inner.child_by_field_name("body")?;
    }
    list.end_byte().checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUST: Language = Language::Rust;

    const BASE: &str = "pub fn one() -> u8 { 0 }\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n    #[test]\n    fn old() { assert_eq!(one(), 0); }\n}\n";
    const HEAD: &str = "pub fn one() -> u8 { 1 }\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n    #[test]\n    fn new() { assert_eq!(one(), 1); }\n}\n";

    #[test]
    fn tests_and_source_are_told_apart() {
        assert_eq!(source_text(RUST, HEAD).unwrap(), "pub fn one() -> u8 { 1 }\n\n");
        assert!(tests_text(RUST, HEAD).unwrap().contains("fn new()"));
        assert!(!tests_text(RUST, HEAD).unwrap().contains("pub fn one"));
    }

    #[test]
    fn tests_of_one_version_stand_beside_the_source_of_another() {
        let mixed = splice(RUST, BASE, HEAD).unwrap();
        assert!(mixed.contains("u8 { 0 }") && mixed.contains("fn new()") && !mixed.contains("fn old()"), "{mixed}");
        assert_eq!(splice(RUST, BASE, BASE).unwrap(), BASE);
    }

    #[test]
    fn tests_in_a_nested_module_stay_in_it() {
        let source = "mod inner {\n    pub fn f() {}\n}\n";
        let tests = "mod inner {\n    pub fn f() {}\n    #[test]\n    fn t() { f(); }\n}\n";
        let mixed = splice(RUST, source, tests).unwrap();
        assert_eq!(regions(RUST, &mixed).unwrap()[0].parent, ["inner"]);
        assert_eq!(splice(RUST, "fn other() {}\n", tests), None);
        assert_eq!(splice(RUST, tests, source).unwrap().replace(' ', ""), source.replace(' ', ""));
    }

    #[test]
    fn only_what_is_compiled_for_tests_alone_is_a_test() {
        for yes in ["#[test]", "#[tokio::test(flavor = \"x\")]", "#[cfg(test)]", "#[cfg(all(test, unix))]", "#[rstest]"] {
            assert!(is_test_attribute(yes), "{yes}");
        }
        for no in
            ["#[cfg(not(test))]", "#[cfg(any(test, feature = \"x\"))]", "#[cfg(feature = \"test\")]", "#[derive(Debug)]", "#[testing]"]
        {
            assert!(!is_test_attribute(no), "{no}");
        }
    }
}
