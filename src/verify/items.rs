//! The test functions of a file, by its syntax tree: their names, their text, how much they assert, and how they are
//! marked (skipped, expected to fail, run alone). Pure; comparing two versions is `identify`, `flips` and `tamper`.

use std::collections::BTreeSet;

use tree_sitter::Node;

use super::asserts::count;
use super::inline::{attributes, is_test_attribute};
use super::syntax::{Language, Walk, parse, text_of, tokens_of, visit};
use super::{php, plain};

/// One test function (or a group of them, in JavaScript).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Modules, classes or groups around it, then its own name or title.
    pub names: Vec<String>,
    /// Its words without comments and layout, its own name left out: equal texts test the same.
    pub body: String,
    /// How many things it asserts, by syntax.
    pub asserts: usize,
    /// How it is marked.
    pub marks: BTreeSet<Mark>,
    /// A group of tests (`describe`), which has no text of its own.
    pub group: bool,
    /// Where it stands in its file.
    pub lines: Lines,
}

/// The lines of a test function, the first one being 1. Two texts that stand elsewhere are equal all the same.
#[derive(Debug, Clone, Eq)]
pub struct Lines(pub std::ops::RangeInclusive<usize>);

impl PartialEq for Lines {
    fn eq(&self, _: &Lines) -> bool {
        true
    }
}

impl Lines {
    /// Where a language is read without a tree.
    pub(super) fn unknown() -> Lines {
        Lines(std::ops::RangeInclusive::new(1, 0))
    }

    pub(super) fn of(node: Node<'_>) -> Lines {
        Lines(node.start_position().row + 1..=node.end_position().row + 1)
    }
}

/// A mark that changes whether or how a test counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// Does not run, always or under a condition.
    Skip,
    /// Has to fail.
    ExpectedFailure,
    /// Silences all others.
    Only,
}

impl Item {
    /// Its own name or title.
    pub fn name(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }

    /// All its names, for people.
    pub fn path(&self) -> String {
        self.names.join("::")
    }
}

/// Every test function of a text, in order; empty when the language is not known.
pub fn items(path: &str, text: &str) -> Vec<Item> {
    if let Some(language) = Language::of(path).filter(|language| language.is_plain()) {
        return plain::items(language, text);
    }
    let mut found = Vec::new();
    each(path, text, |item, _| found.push(item));
    found
}

/// Shows every test function of a text with the node it was read from.
pub fn each(path: &str, text: &str, mut see: impl FnMut(Item, Node<'_>)) {
    let Some(language) = Language::of(path) else { return };
    let Some(tree) = parse(language, text) else { return };
    visit(tree.root_node(), |node| {
        let item = match language {
            Language::Rust => rust(node, text),
            Language::Python => python(node, text),
            Language::Php => php::item(node, text),
            Language::Ruby | Language::Perl => None,
            Language::Go => super::go::item(node, text),
            Language::Java => super::java::item(node, text),
            Language::JavaScript | Language::TypeScript | Language::Tsx => script(language, node, text),
        };
        if let Some(item) = item {
            see(item, node);
        }
        Walk::Into
    });
}

/// Marks that hold for a whole file: `pytestmark = pytest.mark.skip`, `pytest.skip(allow_module_level=True)`.
pub fn file_marks(path: &str, text: &str) -> BTreeSet<Mark> {
    let mut marks = BTreeSet::new();
    if let Some(language) = Language::of(path).filter(|language| language.is_plain()) {
        return plain::file_marks(language, text);
    }
    let Some((Language::Python, tree)) = Language::of(path).and_then(|l| Some((l, parse(l, text)?))) else { return marks };
    let root = tree.root_node();
    for statement in root.named_children(&mut root.walk()) {
        let words = text_of(statement, text);
        if words.starts_with("pytestmark") || words.contains("allow_module_level") {
            marks.extend(python_marks(words));
        }
    }
    marks
}

fn rust(node: Node<'_>, text: &str) -> Option<Item> {
    if node.kind() != "function_item" {
        return None;
    }
    let attributes: Vec<&str> = attributes(node).into_iter().map(|one| text_of(one, text)).collect();
    if !attributes.iter().any(|one| is_test_attribute(one) && !one.contains("cfg")) {
        return None;
    }
    let mut marks = BTreeSet::new();
    for attribute in &attributes {
        let plain: String = attribute.split_whitespace().collect();
        if plain.contains("#[ignore") || plain.starts_with("#[cfg(any())") || plain.contains("cfg_attr(") && plain.contains("ignore") {
            marks.insert(Mark::Skip);
        }
        if plain.contains("should_panic") {
            marks.insert(Mark::ExpectedFailure);
        }
    }
    let names = names_around(node, text, |above| {
        (above.kind() == "mod_item").then(|| above.child_by_field_name("name")).flatten().map(|name| text_of(name, text).to_owned())
    });
    let mut body = attributes.join(" ");
    body.push_str(&words_after_name(Language::Rust, node, text));
    Some(Item { names, body, asserts: count(Language::Rust, node, text), marks, group: false, lines: Lines::of(node) })
}

fn python(node: Node<'_>, text: &str) -> Option<Item> {
    if node.kind() != "function_definition" {
        return None;
    }
    let name = text_of(node.child_by_field_name("name")?, text);
    let nested = std::iter::successors(node.parent(), Node::parent).any(|above| above.kind() == "function_definition");
    if !name.starts_with("test") || nested {
        return None;
    }
    let whole = node.parent().filter(|above| above.kind() == "decorated_definition").unwrap_or(node);
    let decorators: Vec<&str> =
        whole.named_children(&mut whole.walk()).filter(|one| one.kind() == "decorator").map(|one| text_of(one, text)).collect();
    let names = names_around(node, text, |above| {
        (above.kind() == "class_definition").then(|| above.child_by_field_name("name")).flatten().map(|name| text_of(name, text).to_owned())
    });
    let mut marks: BTreeSet<Mark> = decorators.iter().flat_map(|one| python_marks(one)).collect();
    for above in std::iter::successors(node.parent(), Node::parent).filter(|above| above.kind() == "decorated_definition") {
        for decorator in above.named_children(&mut above.walk()).filter(|one| one.kind() == "decorator") {
            marks.extend(python_marks(text_of(decorator, text)));
        }
    }
    if let Some(body) = node.child_by_field_name("body") {
        visit(body, |inner| {
            if inner.kind() == "call" && inner.child_by_field_name("function").is_some_and(|f| is_python_skip(text_of(f, text))) {
                marks.insert(Mark::Skip);
            }
            if inner.kind() == "call" && inner.child_by_field_name("function").is_some_and(|f| text_of(f, text) == "pytest.xfail") {
                marks.insert(Mark::ExpectedFailure);
            }
            Walk::Into
        });
    }
    let body = format!("{} {}", decorators.join(" "), words_after_name(Language::Python, node, text));
    Some(Item { names, body, asserts: count(Language::Python, node, text), marks, group: false, lines: Lines::of(node) })
}

fn is_python_skip(function: &str) -> bool {
    matches!(function, "pytest.skip" | "self.skipTest" | "pytest.importorskip" | "unittest.SkipTest" | "SkipTest")
}

fn python_marks(decorator: &str) -> Vec<Mark> {
    let mut marks = Vec::new();
    let words: Vec<&str> = decorator.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    if words.iter().any(|word| matches!(*word, "skip" | "skipif" | "skipIf" | "skipUnless" | "allow_module_level")) {
        marks.push(Mark::Skip);
    }
    if words.iter().any(|word| matches!(*word, "xfail" | "expectedFailure")) {
        marks.push(Mark::ExpectedFailure);
    }
    marks
}

fn script(language: Language, node: Node<'_>, text: &str) -> Option<Item> {
    let call = script_call(node, text)?;
    let names = names_around_titles(node, text, call.title);
    let mut marks = BTreeSet::new();
    for word in &call.words {
        match word.as_str() {
            "skip" | "skipIf" | "runIf" | "todo" | "xit" | "xtest" | "xdescribe" => marks.insert(Mark::Skip),
            "fails" | "failing" => marks.insert(Mark::ExpectedFailure),
            "only" | "fit" | "fdescribe" => marks.insert(Mark::Only),
            _ => false,
        };
    }
    let arguments = node.child_by_field_name("arguments")?;
    for options in arguments.named_children(&mut arguments.walk()).filter(|one| one.kind() == "object") {
        for pair in options.named_children(&mut options.walk()).filter(|one| one.kind() == "pair") {
            let of = |field| pair.child_by_field_name(field).map_or("", |n| text_of(n, text));
            match (of("key"), of("value")) {
                (_, "false") => false,
                ("skip" | "todo", _) => marks.insert(Mark::Skip),
                ("only", _) => marks.insert(Mark::Only),
                ("fails", _) => marks.insert(Mark::ExpectedFailure),
                _ => false,
            };
        }
    }
    let group = call.group;
    let mut cursor = arguments.walk();
    let rest = arguments.named_children(&mut cursor).skip(1);
    let body = if group { String::new() } else { rest.flat_map(|one| tokens_of(language, one, text)).collect::<Vec<_>>().join(" ") };
    Some(Item { names, body, asserts: count(language, node, text), marks, group, lines: Lines::of(node) })
}

struct ScriptCall<'s> {
    title: &'s str,
    words: Vec<String>,
    group: bool,
}

/// `it('title', ...)`, `test.skip('title', ...)`, `t.test('title', ...)`, `describe.each(...)('title', ...)`.
fn script_call<'s>(node: Node<'_>, text: &'s str) -> Option<ScriptCall<'s>> {
    if node.kind() != "call_expression" {
        return None;
    }
    let arguments = node.child_by_field_name("arguments").filter(|one| one.kind() == "arguments")?;
    let title = arguments.named_child(0).filter(|one| matches!(one.kind(), "string" | "template_string"))?;
    let mut callee = node.child_by_field_name("function")?;
    let mut words = Vec::new();
    loop {
        match callee.kind() {
            "member_expression" => {
                words.push(text_of(callee.child_by_field_name("property")?, text).to_owned());
                callee = callee.child_by_field_name("object")?;
            }
            "call_expression" => callee = callee.child_by_field_name("function")?,
            "identifier" => {
                words.push(text_of(callee, text).to_owned());
                break;
            }
            _ => return None,
        }
    }
    let is_group = |word: &String| matches!(word.as_str(), "describe" | "xdescribe" | "fdescribe" | "suite" | "context");
    let is_test = |word: &String| matches!(word.as_str(), "test" | "it" | "specify" | "xit" | "xtest" | "fit");
    // `/x/.test('text')` and `regex.test('text')` have no function behind their text.
    let mut cursor = arguments.walk();
    let runs = arguments.named_children(&mut cursor).any(|one| one.kind().contains("function"));
    let marked = words.iter().any(|word| matches!(word.as_str(), "todo" | "skip"));
    let (group, test) = (words.iter().any(is_group), words.iter().any(is_test));
    ((group || test) && (runs || marked)).then(|| ScriptCall { title: unquoted(text_of(title, text)), words, group })
}

fn unquoted(text: &str) -> &str {
    text.get(1..text.len().saturating_sub(1)).unwrap_or_default()
}

fn names_around_titles(node: Node<'_>, text: &str, own: &str) -> Vec<String> {
    let mut names = vec![plain_title(own)];
    for above in std::iter::successors(node.parent(), Node::parent) {
        if let Some(call) = script_call(above, text) {
            names.push(plain_title(call.title));
        }
    }
    names.reverse();
    names
}

fn plain_title(title: &str) -> String {
    title.replace("\\'", "'").replace("\\\"", "\"").replace("\\`", "`")
}

pub(super) fn names_around<'t>(node: Node<'t>, text: &str, name: impl Fn(Node<'t>) -> Option<String>) -> Vec<String> {
    let own = node.child_by_field_name("name").map_or("", |one| text_of(one, text)).to_owned();
    let mut names = vec![own];
    names.extend(std::iter::successors(node.parent(), Node::parent).filter_map(name));
    names.reverse();
    names
}

/// The words of a definition but for its name: a renamed test keeps them.
pub(super) fn words_after_name(language: Language, node: Node<'_>, text: &str) -> String {
    let name = node.child_by_field_name("name");
    let parts = node.children(&mut node.walk()).filter(|child| Some(*child) != name).collect::<Vec<_>>();
    parts.into_iter().flat_map(|part| tokens_of(language, part, text)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_tests_are_found_with_their_marks() {
        let text = "mod tests {\n #[test]\n fn a() { assert_eq!(g(), 1); x.unwrap(); }\n #[test]\n #[ignore]\n fn b() {}\n #[tokio::test]\n #[should_panic]\n async fn c() {}\n fn no() {}\n}";
        let found = items("src/lib.rs", text);
        assert_eq!(found.iter().map(Item::path).collect::<Vec<_>>(), ["tests::a", "tests::b", "tests::c"]);
        assert_eq!(found[0].asserts, 2);
        assert!(found[1].marks.contains(&Mark::Skip) && found[2].marks.contains(&Mark::ExpectedFailure));
    }

    #[test]
    fn python_tests_are_found_with_their_marks() {
        let text = "import pytest\n\nclass TestA:\n    @pytest.mark.skip(reason='x')\n    def test_a(self):\n        assert f() == 1\n\n@pytest.mark.parametrize('x', [1])\ndef test_b(x):\n    with pytest.raises(ValueError):\n        f(x)\n\ndef test_c():\n    pytest.skip('no')\n";
        let found = items("tests/test_a.py", text);
        assert_eq!(found.iter().map(Item::path).collect::<Vec<_>>(), ["TestA::test_a", "test_b", "test_c"]);
        assert!(found[0].marks.contains(&Mark::Skip) && found[2].marks.contains(&Mark::Skip) && found[1].marks.is_empty());
        assert_eq!((found[0].asserts, found[1].asserts, found[2].asserts), (1, 1, 0));
        assert!(file_marks("t.py", "pytestmark = pytest.mark.skip\n").contains(&Mark::Skip));
        assert!(file_marks("t.py", "pytestmark = pytest.mark.slow\n").is_empty());
    }

    #[test]
    fn script_tests_are_found_with_their_marks() {
        let text = "describe('group', () => { it('one', () => { expect(f()).toBe(1); });\n it.skip('two', () => {}); });\ntest.only('three', function (t) { t.test('inner', function (st) { st.equal(g(), 1); st.end(); }); });\nif (/x/.test('no')) {}\ntest('o', { skip: true }, () => {});";
        let found = items("a.test.js", text);
        let names: Vec<String> = found.iter().map(Item::path).collect();
        assert_eq!(names, ["group", "group::one", "group::two", "three", "three::inner", "o"]);
        assert!(found[0].group && !found[1].group);
        assert_eq!(found[1].asserts, 1);
        assert!(found[2].marks.contains(&Mark::Skip) && found[3].marks.contains(&Mark::Only) && found[5].marks.contains(&Mark::Skip));
        assert_eq!(found[4].asserts, 1);
        assert_eq!(items("a.test.ts", "it('x', async () => { expect(1 as number).toBe(1) })").len(), 1);
    }

    #[test]
    fn a_renamed_test_keeps_its_body() {
        let one = items("t.py", "def test_a():\n    assert f() == 1\n");
        let two = items("t.py", "def test_b():\n    # says\n    assert f() == 1\n");
        assert_eq!(one[0].body, two[0].body);
    }
}
