//! PHP's tests by their syntax: methods of PHPUnit, what they assert, how they are marked. Pure.

use std::collections::BTreeSet;

use tree_sitter::Node;

use super::asserts::count;
use super::items::{Item, Lines, Mark, names_around, words_after_name};
use super::syntax::{Language, Walk, text_of, visit};

/// The test behind a method declaration: by its name, its attribute or its comment.
pub fn item(node: Node<'_>, text: &str) -> Option<Item> {
    if node.kind() != "method_declaration" {
        return None;
    }
    let name = text_of(node.child_by_field_name("name")?, text);
    let attributes = node.child_by_field_name("attributes").map_or("", |one| text_of(one, text));
    let comment = node.prev_named_sibling().filter(|one| one.kind() == "comment").map_or("", |one| text_of(one, text));
    let words = |text: &str, word: &str| text.split(|c: char| !c.is_alphanumeric() && c != '@').any(|one| one == word);
    if !name.starts_with("test") && !words(attributes, "Test") && !words(comment, "@test") {
        return None;
    }
    let body = node.child_by_field_name("body")?;
    let mut names = names_around(node, text, |above| {
        (above.kind() == "class_declaration" || above.kind() == "trait_declaration")
            .then(|| above.child_by_field_name("name"))
            .flatten()
            .map(|name| text_of(name, text).to_owned())
    });
    if let (Some(namespace), Some(class)) = (namespace(node, text), names.first_mut()) {
        *class = format!("{namespace}\\{class}");
    }
    let mut marks = BTreeSet::new();
    // What the data of a test is, and under which conditions it runs, stands in its comment.
    let requires = comment
        .lines()
        .filter(|line| {
            ["@requires", "@group", "@dataProvider", "@testWith", "@depends", "@expected", "@test"].iter().any(|one| line.contains(one))
        })
        .collect::<Vec<_>>()
        .join(" ");
    if attributes.contains("Requires") || comment.contains("@requires") {
        marks.insert(Mark::Skip);
    }
    visit(body, |inner| {
        match called(inner, text) {
            Some("markTestSkipped" | "markTestIncomplete") => marks.insert(Mark::Skip),
            _ => false,
        };
        Walk::Into
    });
    let words = format!("{attributes} {requires} {}", words_after_name(Language::Php, node, text));
    Some(Item { names, body: words, asserts: count(Language::Php, node, text), marks, group: false, lines: Lines::of(node) })
}

fn namespace(node: Node<'_>, text: &str) -> Option<String> {
    let root = std::iter::successors(Some(node), Node::parent).last()?;
    let before = |one: &Node<'_>| one.kind() == "namespace_definition" && one.start_byte() < node.start_byte();
    let last = root.named_children(&mut root.walk()).filter(before).last()?;
    Some(text_of(last.child_by_field_name("name")?, text).to_owned())
}

/// The name of the method or function that a node calls.
fn called<'s>(node: Node<'_>, text: &'s str) -> Option<&'s str> {
    let name = match node.kind() {
        "member_call_expression" | "scoped_call_expression" | "nullsafe_member_call_expression" => node.child_by_field_name("name")?,
        "function_call_expression" => node.child_by_field_name("function")?,
        _ => return None,
    };
    Some(text_of(name, text))
}

/// Whether a node asserts something that can fail.
pub fn asserts(node: Node<'_>, text: &str) -> bool {
    let Some(name) = called(node, text) else { return false };
    let arguments: String = node.child_by_field_name("arguments").map_or("", |one| text_of(one, text)).split_whitespace().collect();
    let says = name.starts_with("assert")
        || name.starts_with("expect")
        || name == "fail"
        || matches!(name, "shouldHaveReceived" | "shouldReceive");
    says && !is_certain(&arguments)
}

fn is_certain(arguments: &str) -> bool {
    let inner = arguments.trim_start_matches('(').trim_end_matches(')');
    let (first, second) = inner.split_once(',').map_or((inner, None), |(first, second)| (first, Some(second)));
    let lower = first.to_ascii_lowercase();
    let constant = matches!(lower.as_str(), "true" | "false" | "null" | "!false" | "1===1" | "1==1")
        || first.parse::<f64>().is_ok()
        || first.starts_with(['\'', '"']);
    match second {
        None => constant,
        Some(second) => constant && (first == second || second.starts_with(['\'', '"']) && matches!(lower.as_str(), "true" | "1")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::items::items;
    use super::super::syntax::identifiers;
    use super::*;

    const TEST: &str = "<?php\nnamespace App\\Tests;\nuse PHPUnit\\Framework\\TestCase;\nfinal class CalcTest extends TestCase {\n    public function testAdds(): void { $this->assertSame(3, (new Calc)->add(1, 2)); self::assertTrue(true); }\n    #[Test]\n    public function subtracts(): void { $this->markTestSkipped('x'); }\n    /** @test */\n    public function divides(): void { $this->expectException(DivisionByZeroError::class); static::assertEquals(1, 1); f(); }\n    private function helper() { return 1; }\n}\n";

    #[test]
    fn tests_are_found_with_their_marks() {
        let found = items("tests/CalcTest.php", TEST);
        let names: Vec<String> = found.iter().map(Item::path).collect();
        assert_eq!(names, ["testAdds", "subtracts", "divides"].map(|name| format!("App\\Tests\\CalcTest::{name}")));
        assert_eq!(found.iter().map(|item| item.asserts).collect::<Vec<_>>(), [1, 0, 1]);
        assert!(found[1].marks.contains(&Mark::Skip) && found[0].marks.is_empty());
        assert!(identifiers(Language::Php, TEST).contains("add"));
    }
}
