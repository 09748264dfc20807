//! How much a piece of test code asserts, counted by syntax. A count, not a judgement: it only tells whether one
//! version of a test asserts less than another.

use tree_sitter::Node;

use super::reach;
use super::syntax::{Language, Walk, text_of, visit};

/// Assertions below a node; those that can never fail (`assert True`) do not count.
pub fn count(language: Language, node: Node<'_>, text: &str) -> usize {
    let mut sum = 0;
    let dead = match language {
        Language::Go | Language::Java => reach::dead(node, text),
        _ => Vec::new(),
    };
    visit(node, |inner| {
        if dead.iter().any(|range| range.contains(&inner.start_byte())) {
            return Walk::Past;
        }
        let asserts = match language {
            Language::Rust => rust(inner, text),
            Language::Python => python(inner, text),
            Language::Php => super::php::asserts(inner, text),
            // Read without a tree: `plain` counts.
            Language::Ruby | Language::Perl => false,
            Language::Go => super::go::asserts(inner, text),
            Language::Java => super::java::asserts(inner, text),
            Language::JavaScript | Language::TypeScript | Language::Tsx => script(inner, text),
        };
        sum += usize::from(asserts);
        Walk::Into
    });
    sum
}

fn rust(node: Node<'_>, text: &str) -> bool {
    match node.kind() {
        "macro_invocation" => {
            let name = node.child_by_field_name("macro").map_or("", |one| text_of(one, text));
            let name = name.rsplit("::").next().unwrap_or_default();
            let arguments: String = text_of(node, text).split_once('!').map_or("", |(_, rest)| rest).split_whitespace().collect();
            speaks_of_asserting(name) && !matches!(arguments.as_str(), "(true)" | "(true,)" | "(1==1)" | "(1,1)")
        }
        "call_expression" => {
            let Some(function) = node.child_by_field_name("function") else { return false };
            let name = match function.kind() {
                "field_expression" => function.child_by_field_name("field").map_or("", |one| text_of(one, text)),
                _ => text_of(function, text).rsplit("::").next().unwrap_or_default(),
            };
            matches!(name, "unwrap" | "expect" | "unwrap_err" | "expect_err") || speaks_of_asserting(name)
        }
        "try_expression" => true,
        _ => false,
    }
}

fn python(node: Node<'_>, text: &str) -> bool {
    match node.kind() {
        "assert_statement" => {
            let condition = node.named_child(0).map_or("", |one| text_of(one, text));
            !matches!(condition, "True" | "1" | "not False" | "(True)" | "1 == 1")
        }
        "call" => {
            let function = node.child_by_field_name("function").map_or("", |one| text_of(one, text));
            let name = function.rsplit('.').next().unwrap_or_default();
            let arguments: String = node.child_by_field_name("arguments").map_or("", |one| text_of(one, text)).split_whitespace().collect();
            let certain = matches!(arguments.as_str(), "(True)" | "(1,1)" | "(True,True)");
            (matches!(name, "raises" | "warns" | "fail") || speaks_of_asserting(name)) && !certain
        }
        _ => false,
    }
}

fn script(node: Node<'_>, text: &str) -> bool {
    if node.kind() != "call_expression" {
        return false;
    }
    let Some(function) = node.child_by_field_name("function") else { return false };
    let arguments: String = node.child_by_field_name("arguments").map_or("", |one| text_of(one, text)).split_whitespace().collect();
    let certain = matches!(arguments.as_str(), "(true)" | "(1)" | "(1,1)" | "(true,true)");
    match function.kind() {
        "identifier" => speaks_of_asserting(text_of(function, text)) && !certain,
        "member_expression" => {
            let of = |field| function.child_by_field_name(field).map_or("", |one| text_of(one, text));
            let (object, method) = (of("object"), of("property"));
            let talks = matches!(method, "end" | "plan" | "comment" | "teardown" | "test" | "skip" | "only" | "todo" | "timeout" | "slow");
            let about = matches!(object, "t" | "st" | "s2t" | "tt" | "s" | "assert" | "t.assert" | "should" | "chai" | "expect");
            (about && !talks || speaks_of_asserting(method) && object != "expect") && !certain
        }
        _ => false,
    }
}

pub(super) fn speaks_of_asserting(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["assert", "expect", "should", "verify", "ensure", "check"].iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::super::syntax::parse;
    use super::*;

    fn counted(language: Language, text: &str) -> usize {
        count(language, parse(language, text).unwrap().root_node(), text)
    }

    #[test]
    fn what_can_never_fail_does_not_count() {
        assert_eq!(counted(Language::Rust, "fn t() { assert!(true); assert!(f()); insta::assert_snapshot!(x); f()?; }"), 3);
        assert_eq!(
            counted(Language::Python, "def t():\n  assert True\n  assert f()\n  self.assertEqual(1, f())\n  self.assertTrue(True)\n"),
            2
        );
        assert_eq!(
            counted(Language::JavaScript, "expect(true).toBe(true); expect(f()).toBe(1); t.ok(f()); assert.equal(f(), 1); t.end();"),
            3
        );
    }
}
