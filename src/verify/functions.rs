//! The functions of source files, by the syntax tree: what a patch adds, whose parameters it changes, which symbols it
//! removes; and the same file with their bodies made to fail (the hollow run). Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use tree_sitter::Node;

use super::syntax::{Language, Walk, parse, replaced, text_of, tokens_of, visit};
use super::{inline, plain};

/// What a hollow function says when it is reached.
pub const HOLLOW: &str = "loom: hollow run";

/// One function of a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Types, classes and modules around it, then its name.
    pub path: String,
    /// Its own name.
    pub name: String,
    /// Parameters and result, without layout.
    pub signature: String,
    body: Range<usize>,
    block: bool,
}

/// Every named function with a body; tests inside the file are none of them.
pub fn functions(path: &str, text: &str) -> Vec<Function> {
    if let Some(language) = Language::of(path).filter(|language| language.is_plain()) {
        return plain::definitions(language, text).into_iter().map(Function::from).collect();
    }
    let Some((language, tree)) = Language::of(path).and_then(|language| Some((language, parse(language, text)?))) else {
        return Vec::new();
    };
    let tests = inline::regions(language, text).unwrap_or_default();
    let mut found = Vec::new();
    visit(tree.root_node(), |node| {
        found.extend(function(language, node, text));
        Walk::Into
    });
    found.retain(|one: &Function| !tests.iter().any(|region| region.range.contains(&one.body.start)));
    found
}

impl From<plain::Definition> for Function {
    fn from(one: plain::Definition) -> Function {
        let name = one.names.last().cloned().unwrap_or_default();
        Function { path: one.names.join("::"), name, signature: one.signature, body: one.body, block: one.block }
    }
}

fn function(language: Language, node: Node<'_>, text: &str) -> Option<Function> {
    let kind = node.kind();
    let is_one = match language {
        Language::Rust => kind == "function_item",
        Language::Python => kind == "function_definition",
        Language::Php => matches!(kind, "function_definition" | "method_declaration"),
        Language::Go => matches!(kind, "function_declaration" | "method_declaration"),
        Language::Java => matches!(kind, "method_declaration" | "constructor_declaration" | "compact_constructor_declaration"),
        // Read without a tree: `plain` finds them.
        Language::Ruby | Language::Perl => false,
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            kind.contains("function") && kind != "function_signature" || kind == "method_definition"
        }
    };
    let body = node.child_by_field_name("body").filter(|_| is_one)?;
    let name = node.child_by_field_name("name").or_else(|| name_of_value(node))?;
    let name = text_of(name, text).rsplit('.').next().unwrap_or_default().to_owned();
    let mut around: Vec<&str> = std::iter::successors(node.parent(), Node::parent)
        .filter_map(|above| match above.kind() {
            "impl_item" => above.child_by_field_name("type"),
            "mod_item"
            | "trait_item"
            | "class_definition"
            | "class_declaration"
            | "function_definition"
            | "trait_declaration"
            | "interface_declaration"
            | "enum_declaration"
            | "record_declaration" => above.child_by_field_name("name"),
            _ => None,
        })
        .map(|node| text_of(node, text))
        .collect();
    around.reverse();
    // Go writes the type beside the name, with a star or without.
    let receiver = node.child_by_field_name("receiver").map_or("", |one| text_of(one, text));
    around.extend(receiver.trim_end_matches([')', ' ']).rsplit([' ', '*', '(']).next().filter(|name| !name.is_empty()));
    let compiled = matches!(language, Language::Go | Language::Java);
    let results: &[&str] = if compiled { &["result", "type"] } else { &["return_type"] };
    let parts = ["type_parameters", "parameters", "parameter"].iter().chain(results).filter_map(|field| node.child_by_field_name(field));
    let signature = parts.flat_map(|part| tokens_of(language, part, text)).collect::<Vec<_>>().join(" ");
    let path = around.into_iter().chain([name.as_str()]).collect::<Vec<_>>().join("::");
    let block = matches!(body.kind(), "block" | "statement_block" | "constructor_body" | "compound_statement");
    let mut inner = body.byte_range();
    // What a constructor begins with must stay its beginning.
    if let Some(first) = body.named_child(0).filter(|first| first.kind() == "explicit_constructor_invocation") {
        inner.start = first.end_byte() - 1;
    }
    // A package that fails while it is set up would take every test along.
    let sets_up = language == Language::Go && name == "init";
    (!sets_up).then_some(Function { path, name, signature, body: inner, block })
}

/// The name a function expression is given: `const a = () => {}`, `exports.a = function () {}`, `{ a: () => {} }`.
fn name_of_value(node: Node<'_>) -> Option<Node<'_>> {
    let above = node.parent()?;
    match above.kind() {
        "variable_declarator" => above.child_by_field_name("name"),
        "assignment_expression" => above.child_by_field_name("left"),
        "pair" => above.child_by_field_name("key"),
        "public_field_definition" | "field_definition" => {
            above.child_by_field_name("property").or_else(|| above.child_by_field_name("name"))
        }
        _ => None,
    }
}

/// Functions of `head` that `base` has not, or has with other parameters.
pub fn added(path: &str, base: &str, head: &str) -> Vec<Function> {
    let mut before: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for one in functions(path, base) {
        before.entry(one.path).or_default().insert(one.signature);
    }
    functions(path, head).into_iter().filter(|one| before.get(&one.path).is_none_or(|known| !known.contains(&one.signature))).collect()
}

/// Names of functions of a module itself that both have, and that read otherwise in `head`.
pub fn changed(path: &str, base: &str, head: &str) -> BTreeSet<String> {
    let words = |text: &str, one: &Function| text.get(one.body.clone()).unwrap_or_default().split_whitespace().collect::<String>();
    let before: BTreeMap<String, String> = functions(path, base).iter().map(|one| (one.path.clone(), words(base, one))).collect();
    let now = functions(path, head);
    let differs = |one: &&Function| one.path == one.name && before.get(&one.path).is_some_and(|old| *old != words(head, one));
    now.iter().filter(differs).map(|one| one.name.clone()).collect()
}

/// Names of functions that `base` has and `head` has not under any path.
pub fn removed(path: &str, base: &str, head: &str) -> BTreeSet<String> {
    let (before, now) = (functions(path, base), functions(path, head));
    let after: BTreeSet<&str> = now.iter().map(|one| one.name.as_str()).collect();
    let known: BTreeSet<&str> = before.iter().map(|one| one.name.as_str()).collect();
    // What goes on under another name has not left.
    let words = |text: &str, one: &Function| text.get(one.body.clone()).unwrap_or_default().split_whitespace().collect::<String>();
    let new: BTreeSet<String> = now.iter().filter(|one| !known.contains(one.name.as_str())).map(|one| words(head, one)).collect();
    let gone = before.iter().filter(|one| !after.contains(one.name.as_str()) && !new.contains(&words(base, one)));
    gone.map(|one| one.name.clone()).collect()
}

/// `head` with nothing but a failure in each of these functions: nothing that their bodies need must be there.
pub fn emptied(path: &str, head: &str, which: &[Function]) -> Option<String> {
    if Language::of(path) != Some(Language::Go) {
        return hollowed(path, head, which);
    }
    let mut bodies: Vec<Range<usize>> = which.iter().map(|one| one.body.clone()).collect();
    bodies.sort_by_key(|body| body.start);
    let changes: Vec<(Range<usize>, String)> = bodies.into_iter().map(|body| (body, format!("{{ panic(\"{HOLLOW}\") }}"))).collect();
    (!changes.is_empty()).then(|| replaced(head, &changes))
}

/// `head` with each of these functions failing as soon as it is called; none when there is nothing to hollow out.
pub fn hollowed(path: &str, head: &str, which: &[Function]) -> Option<String> {
    let language = Language::of(path)?;
    let mut outer: Vec<&Function> = which.iter().collect();
    outer.sort_by_key(|one| (one.body.start, std::cmp::Reverse(one.body.end)));
    let mut changes: Vec<(Range<usize>, String)> = Vec::new();
    let mut reached = 0;
    for one in outer {
        if one.body.start < reached {
            continue;
        }
        reached = one.body.end;
        changes.push(failing(language, head, one)?);
    }
    (!changes.is_empty()).then(|| replaced(head, &changes))
}

/// The old body stays behind the failure: types are still inferred, generators stay generators.
fn failing(language: Language, text: &str, one: &Function) -> Option<(Range<usize>, String)> {
    let start = one.body.start;
    Some(match (language, one.block) {
        (Language::Rust, _) => (start + 1..start + 1, format!(" if true {{ ::core::panic!(\"{HOLLOW}\"); }}")),
        (Language::Python, _) => {
            let before = text.get(..start)?;
            let indent = before.rsplit('\n').next().filter(|line| line.trim().is_empty());
            let after = indent.map_or("; ".to_owned(), |indent| format!("\n{indent}"));
            (start..start, format!("raise RuntimeError(\"{HOLLOW}\"){after}"))
        }
        (Language::Php, _) => (start + 1..start + 1, format!(" throw new \\Error(\"{HOLLOW}\");")),
        (Language::Ruby, true) => (start..start, format!("; raise \"{HOLLOW}\"; ")),
        (Language::Ruby, false) => (one.body.clone(), format!("raise(\"{HOLLOW}\")")),
        (Language::Perl, _) => (start..start, format!(" die \"{HOLLOW}\";")),
        (Language::Go, _) => (start + 1..start + 1, format!(" panic(\"{HOLLOW}\");")),
        // Java refuses what stands behind a plain throw.
        (Language::Java, _) => (start + 1..start + 1, format!(" if (true) throw new RuntimeException(\"{HOLLOW}\");")),
        (_, true) => (start + 1..start + 1, format!(" throw new Error(\"{HOLLOW}\");")),
        (_, false) => (one.body.clone(), format!("{{ throw new Error(\"{HOLLOW}\"); }}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn added_functions_and_changed_parameters_are_found() {
        let base = "impl A { fn same(&self) {} fn wider(&self) {} }";
        let head = "impl A { fn same(&self) { let x = 1; } fn wider(&self, n: u8) {} fn new() -> A { A } }";
        let found: Vec<String> = added("src/a.rs", base, head).into_iter().map(|one| one.path).collect();
        assert_eq!(found, ["A::wider", "A::new"]);
        let go = added(
            "a.go",
            "package a\nfunc (t T) Same() {}\nfunc F() {}\n",
            "package a\nfunc (t T) Same() {}\nfunc (u *U) Same() {}\nfunc F() error { return nil }\n",
        );
        assert_eq!(go.into_iter().map(|one| one.path).collect::<Vec<_>>(), ["U::Same", "F"]);
        assert_eq!(removed("src/a.rs", head, base).into_iter().collect::<Vec<_>>(), ["new"]);
    }

    #[test]
    fn hollow_functions_fail_and_still_parse() {
        for (path, text) in [
            ("a.rs", "fn f(x: u8) -> impl Iterator<Item = u8> { (0..x).map(|y| y) }"),
            ("a.py", "class A:\n    def f(self):\n        \"\"\"Doc.\"\"\"\n        yield 1\n\ndef g(): return 1\n"),
            ("a.js", "exports.f = function (x) { return x; };\nconst g = (x) => x + 1;\nclass A { m() { return 1; } }\n"),
            ("a.php", "<?php\nnamespace A;\nclass B { public function c(int $x): int { return $x; } }\nfunction d($y) { return $y; }\n"),
            ("a.rb", "module A\n  def self.one(x) = x + 1\n  def two(a, b)\n    a + b\n  end\n  def three; 3; end\nend\n"),
            ("a.pm", "package A;\nsub new { return bless {}, shift }\nsub add { my ($self, $x) = @_; return $x + 1 }\n1;\n"),
            ("a.go", "package a\nfunc F(x int) int { return x }\nfunc (t *T) M() {}\n"),
            ("A.java", "class A extends B { A(int x) { super(x); y = x; } int f() { return 1; } abstract int g(); }"),
            ("a.ts", "export function f(x: number): number { return x }"),
        ] {
            let found = added(path, "", text);
            assert!(!found.is_empty(), "{path}");
            let hollow = hollowed(path, text, &found).unwrap();
            let language = Language::of(path).unwrap();
            let readable = match language.is_plain() {
                true => crate::verify::syntax::tokens(language, &hollow).is_some(),
                false => !parse(language, &hollow).unwrap().root_node().has_error(),
            };
            assert!(readable, "{hollow}");
            assert_eq!(hollow.matches(HOLLOW).count(), found.len(), "{hollow}");
        }
    }
}
