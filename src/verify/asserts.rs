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
        sum += usize::from(is_assertion(language, inner, text));
        Walk::Into
    });
    sum
}

/// Whether this very node asserts something that can fail.
pub fn is_assertion(language: Language, node: Node<'_>, text: &str) -> bool {
    match language {
        Language::Rust => rust(node, text),
        Language::Python => python(node, text),
        Language::Php => super::php::asserts(node, text),
        // Read without a tree: `plain` counts.
        Language::Ruby | Language::Perl => false,
        Language::Go => super::go::asserts(node, text),
        Language::Java => super::java::asserts(node, text),
        Language::JavaScript | Language::TypeScript | Language::Tsx => script(node, text),
    }
}

fn rust(node: Node<'_>, text: &str) -> bool {
    match node.kind() {
        "macro_invocation" => {
            let name = node.child_by_field_name("macro").map_or("", |one| text_of(one, text));
            let name = name.rsplit("::").next().unwrap_or_default();
            let arguments: String = text_of(node, text).split_once('!').map_or("", |(_, rest)| rest).split_whitespace().collect();
            speaks_of_asserting(name)
                && !matches!(arguments.as_str(), "(true)" | "(true,)" | "(1==1)" | "(1,1)")
                && !with_itself(&arguments)
                && !arguments.ends_with("||true)")
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
        "assert_statement" => node.named_child(0).is_some_and(|condition| !always_true(condition, text)),
        "call" => {
            let function = node.child_by_field_name("function").map_or("", |one| text_of(one, text));
            let name = function.rsplit('.').next().unwrap_or_default();
            let arguments: String = node.child_by_field_name("arguments").map_or("", |one| text_of(one, text)).split_whitespace().collect();
            let certain = matches!(arguments.as_str(), "(True)" | "(1,1)" | "(True,True)") || with_itself(&arguments);
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
    let certain = matches!(arguments.as_str(), "(true)" | "(1)" | "(1,1)" | "(true,true)")
        || arguments.ends_with("||true)")
        || with_itself(&arguments);
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

/// A condition of Python that holds whatever happens: a literal, a pair, an alternative that is one, a value and itself.
fn always_true(condition: Node<'_>, text: &str) -> bool {
    let of = |one: Node<'_>| text_of(one, text).split_whitespace().collect::<String>();
    let sides: Vec<Node<'_>> = condition.named_children(&mut condition.walk()).collect();
    match condition.kind() {
        "tuple" => !sides.is_empty(),
        "parenthesized_expression" => sides.first().is_some_and(|one| always_true(*one, text)),
        "boolean_operator" if condition.child_by_field_name("operator").is_some_and(|one| one.kind() == "or") => {
            sides.iter().any(|one| always_true(*one, text))
        }
        "comparison_operator" => sides.len() == 2 && of(sides[0]) == of(sides[1]) && of(condition).contains("=="),
        _ => matches!(of(condition).as_str(), "True" | "1" | "notFalse" | "1==1"),
    }
}

/// Whether the two arguments of a comparison are the same words, without blanks: `(f(1),f(1))`.
fn with_itself(arguments: &str) -> bool {
    let inner = arguments.trim_end_matches(';').trim_start_matches('(').strip_suffix(')').unwrap_or_default();
    inner.len() > 2 && inner.len() % 2 == 1 && {
        let (first, rest) = inner.split_at_checked(inner.len() / 2).unwrap_or_default();
        rest.strip_prefix(',') == Some(first)
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
        assert_eq!(counted(Language::Python, "assert f() == f()\nassert (f() == 1, 'x')\nassert f() == 1 or True\nassert f() == g()\n"), 1);
        assert_eq!(counted(Language::Python, "self.assertEqual(f(1), f(1))\nself.assertEqual(f(1), f(2))\n"), 1);
        assert_eq!(counted(Language::Rust, "fn t() { assert_eq!(f(1), f(1)); assert_eq!(f(1), 1); }"), 1);
        assert_eq!(
            counted(Language::JavaScript, "expect(true).toBe(true); expect(f()).toBe(1); t.ok(f()); assert.equal(f(), 1); t.end();"),
            3
        );
    }
}
