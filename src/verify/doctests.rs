//! Python's examples in docstrings: found by the syntax tree, told from the source they document, and put beside the
//! source of another version. They are tests only where the suite runs them; pytest names them by the item they stand
//! in, not by their line, so that they keep their names.

use std::collections::BTreeMap;
use std::ops::Range;

use tree_sitter::Node;

use super::items::{Item, Lines, Mark};
use super::syntax::{Language, Walk, parse, replaced, text_of, visit};
use crate::error::Result;
use crate::runner::Suite;
use crate::task::TreeId;
use crate::workspace::Cache;

/// What the names of such tests begin with, in sentences.
pub const MARK: &str = "doctest ";

/// Whether examples in docstrings count as tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Examples {
    /// The suite runs them.
    AreTests,
    /// Nobody runs them.
    AreText,
}

impl Examples {
    /// By the suites' commands and pytest's settings in the base tree.
    pub fn of(suites: &[Suite], cache: &Cache, tree: &TreeId) -> Result<Examples> {
        let asks = |text: &str| text.contains("--doctest-modules") || text.contains("--doctest-plus");
        if suites.iter().any(|suite| asks(&suite.command)) {
            return Ok(Examples::AreTests);
        }
        let folders = suites.iter().map(|suite| suite.dir.trim_matches('/')).chain([""]);
        for folder in folders {
            for name in ["pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg", "conftest.py"] {
                let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
                if cache.blob(tree, &path)?.is_some_and(|bytes| asks(&String::from_utf8_lossy(&bytes))) {
                    return Ok(Examples::AreTests);
                }
            }
        }
        Ok(Examples::AreText)
    }
}

/// One docstring, with or without examples.
struct Doc {
    /// Classes and functions around it; empty for the module.
    path: String,
    /// The string; none where there is no docstring.
    string: Option<Range<usize>>,
    /// Where one could be put: the first statement of the body, and what stands before it on its line.
    place: Option<(usize, String)>,
    /// Its examples without layout; empty when there are none.
    shown: String,
}

/// The module's docstring, and that of each class and function.
fn docs(text: &str) -> Option<Vec<Doc>> {
    let tree = parse(Language::Python, text)?;
    if tree.root_node().has_error() {
        return None;
    }
    let mut found = Vec::new();
    visit(tree.root_node(), |node| {
        let body = match node.kind() {
            "module" => Some(node),
            "class_definition" | "function_definition" => node.child_by_field_name("body"),
            _ => None,
        };
        found.extend(body.map(|body| doc(node, body, text)));
        Walk::Into
    });
    Some(found)
}

fn doc(node: Node<'_>, body: Node<'_>, text: &str) -> Doc {
    let first = body.named_children(&mut body.walk()).find(|child| child.kind() != "comment");
    let string =
        first.filter(|one| one.kind() == "expression_statement").and_then(|one| one.named_child(0)).filter(|one| one.kind() == "string");
    let place = first.and_then(|one| {
        let before = text.get(..one.start_byte())?.rsplit('\n').next()?;
        before.trim().is_empty().then(|| (one.start_byte(), before.to_owned()))
    });
    let mut names: Vec<&str> = std::iter::successors(Some(node), Node::parent)
        .filter(|one| matches!(one.kind(), "class_definition" | "function_definition"))
        .filter_map(|one| one.child_by_field_name("name"))
        .map(|name| text_of(name, text))
        .collect();
    names.reverse();
    let shown = string.map(|one| examples(text_of(one, text))).unwrap_or_default();
    Doc { path: names.join("."), string: string.map(|one| one.byte_range()), place, shown }
}

/// The lines of the examples and what they are to print.
fn examples(docstring: &str) -> String {
    let mut kept = String::new();
    let mut inside = false;
    for line in docstring.lines() {
        let line = line.trim().trim_end_matches("\"\"\"").trim_end_matches("'''").trim_end();
        let start = line.trim_start_matches(['r', 'R', 'u', 'U']).trim_start_matches("\"\"\"").trim_start_matches("'''");
        inside = start.starts_with(">>>") || inside && !line.is_empty();
        if inside {
            kept.push_str(start);
            kept.push('\n');
        }
    }
    kept
}

/// The examples of a file as tests; the file's name stands for the module.
pub fn items(path: &str, text: &str) -> Vec<Item> {
    let module = path.rsplit('/').find(|part| *part != "__init__.py").unwrap_or(path).trim_end_matches(".py");
    let with_examples = docs(text).unwrap_or_default().into_iter().filter(|doc| !doc.shown.is_empty());
    with_examples
        .map(|doc| {
            let name = if doc.path.is_empty() { module } else { &doc.path };
            let expected = doc.shown.lines().filter(|line| !line.starts_with(">>>") && !line.starts_with("...")).count();
            let marks = doc.shown.contains("doctest: +SKIP").then_some(Mark::Skip).into_iter().collect();
            let lines = doc.string.map_or_else(Lines::unknown, |range| Lines(line_of(text, range.start)..=line_of(text, range.end)));
            Item { names: vec![format!("{MARK}{name}")], body: doc.shown, asserts: expected, marks, group: false, lines }
        })
        .collect()
}

fn line_of(text: &str, byte: usize) -> usize {
    text[..byte].matches('\n').count() + 1
}

/// All examples, to see whether they changed.
pub fn tests_text(text: &str) -> Option<String> {
    let all = docs(text)?.into_iter().filter(|doc| !doc.shown.is_empty());
    Some(all.map(|doc| format!("{}:\n{}", doc.path, doc.shown)).collect())
}

/// The file without the docstrings that hold examples.
pub fn source_text(text: &str) -> Option<String> {
    let cuts = docs(text)?.into_iter().filter(|doc| !doc.shown.is_empty()).filter_map(|doc| Some((doc.string?, String::new())));
    Some(replaced(text, &cuts.collect::<Vec<_>>()))
}

/// The source of one version with the examples of another. What only one of them has keeps what it has: an example needs
/// the item it stands in. None when they cannot be put together.
pub fn splice(source: &str, tests: &str) -> Option<String> {
    let (own, other) = (numbered(docs(source)?), numbered(docs(tests)?));
    let mut changes: Vec<(Range<usize>, String)> = Vec::new();
    for (key, doc) in &own {
        let Some(wanted) = other.get(key) else { continue };
        let new = wanted.string.clone().filter(|_| !wanted.shown.is_empty()).map(|range| tests[range].to_owned());
        match (&doc.string, new) {
            (Some(range), Some(new)) => changes.push((range.clone(), new)),
            (Some(range), None) if !doc.shown.is_empty() => changes.push((range.clone(), "\"\"".to_owned())),
            (None, Some(new)) => {
                let (at, indent) = doc.place.clone()?;
                changes.push((at..at, format!("{new}\n{indent}")));
            }
            (_, None) => {}
        }
    }
    changes.sort_by_key(|(range, _)| range.start);
    let mixed = replaced(source, &changes);
    parse(Language::Python, &mixed).is_some_and(|tree| !tree.root_node().has_error()).then_some(mixed)
}

/// Namesakes (an item defined under several conditions) by their order.
fn numbered(all: Vec<Doc>) -> BTreeMap<(String, usize), Doc> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let number = |doc: Doc| {
        let count = counts.entry(doc.path.clone()).or_insert(0);
        *count += 1;
        ((doc.path.clone(), *count), doc)
    };
    all.into_iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "\"\"\"Numbers.\"\"\"\n\n\nclass Box:\n    def half(self, a):\n        \"\"\"Half of it.\n\n        >>> Box().half(4)\n        2\n\n        Says nothing else.\n        \"\"\"\n        return a // 2\n\n\ndef twice(a):\n    return a * 2\n";
    const HEAD: &str = "\"\"\"Numbers.\n\n>>> 1 + 1\n2\n\"\"\"\n\n\nclass Box:\n    def half(self, a):\n        \"\"\"Half of it, exactly.\n\n        >>> Box().half(3)\n        1.5\n        \"\"\"\n        return a / 2\n\n\ndef twice(a):\n    \"\"\"\n    >>> twice(2)\n    4\n    \"\"\"\n    return 2 * a\n\n\ndef new():\n    \"\"\">>> new()\"\"\"\n";

    #[test]
    fn examples_are_named_by_their_item() {
        let found = items("src/pkg/numbers.py", HEAD);
        let names: Vec<&str> = found.iter().map(Item::name).collect();
        assert_eq!(names, ["doctest numbers", "doctest Box.half", "doctest twice", "doctest new"]);
        assert_eq!((found[1].body.as_str(), found[1].asserts), (">>> Box().half(3)\n1.5\n", 1));
        assert_eq!(items("src/pkg/numbers.py", BASE).len(), 1);
    }

    #[test]
    fn the_examples_of_one_version_stand_beside_the_source_of_another() {
        let mixed = splice(BASE, HEAD).unwrap();
        assert!(mixed.contains("return a // 2") && mixed.contains(">>> Box().half(3)\n        1.5"), "{mixed}");
        assert!(mixed.contains("def twice(a):\n    \"\"\"\n    >>> twice(2)\n    4\n    \"\"\"\n    return a * 2"), "{mixed}");
        assert!(mixed.starts_with("\"\"\"Numbers.\n\n>>> 1 + 1") && !mixed.contains("def new"), "{mixed}");
        let back = splice(HEAD, BASE).unwrap();
        assert!(back.contains("return a / 2") && back.contains(">>> Box().half(4)") && !back.contains(">>> twice"), "{back}");
        assert_eq!(splice(BASE, BASE).unwrap(), BASE);
        assert_eq!(splice("def broken(:\n", HEAD), None);
    }

    #[test]
    fn words_around_examples_are_no_tests() {
        let worded = BASE.replace("Says nothing else.", "Says more.");
        assert_eq!(tests_text(BASE), tests_text(&worded));
        assert_ne!(tests_text(BASE), tests_text(HEAD));
        assert_eq!(source_text(BASE).unwrap().split_whitespace().count(), source_text(&worded).unwrap().split_whitespace().count());
    }
}
