//! Java as the proof reads it: test methods with their annotations, what asserts, and classes that take another's
//! place. Pure; what is done with it is `items`', `asserts`' and `tamper`'s.

use std::collections::BTreeSet;

use tree_sitter::Node;

use super::items::{Item, Lines, Mark, words_after_name};
use super::syntax::{Language, Walk, text_of, visit};

const TESTS: [&str; 7] = ["Test", "ParameterizedTest", "RepeatedTest", "TestFactory", "TestTemplate", "Property", "Theory"];

/// A test method of JUnit 3, 4 or 5, or of TestNG.
pub fn item(node: Node<'_>, text: &str) -> Option<Item> {
    if node.kind() != "method_declaration" {
        return None;
    }
    let name = text_of(node.child_by_field_name("name")?, text);
    let own = annotations(node, text);
    let by_name = name.starts_with("test") && own.iter().all(|one| name_of(one) == "Override") && of_test_case(node, text);
    if !by_name && !own.iter().any(|one| TESTS.contains(&name_of(one))) {
        return None;
    }
    let classes: Vec<Node<'_>> = std::iter::successors(node.parent(), Node::parent).filter(|above| is_class(*above)).collect();
    let around: Vec<String> = classes.iter().flat_map(|class| annotations(*class, text)).collect();
    let mut marks = BTreeSet::new();
    for annotation in own.iter().chain(&around) {
        let (name, plain) = (name_of(annotation), annotation.split_whitespace().collect::<String>());
        if name.starts_with("Disabled") || name.starts_with("Enabled") || name == "Ignore" || plain.contains("enabled=false") {
            marks.insert(Mark::Skip);
        }
        if plain.contains("expected=") || plain.contains("expectedExceptions=") {
            marks.insert(Mark::ExpectedFailure);
        }
    }
    visit(node, |inner| {
        let assumes = inner.kind() == "method_invocation"
            && inner.child_by_field_name("name").is_some_and(|name| text_of(name, text).starts_with("assum"));
        if assumes {
            marks.insert(Mark::Skip);
        }
        Walk::Into
    });
    let mut names: Vec<String> =
        classes.iter().filter_map(|class| class.child_by_field_name("name")).map(|name| text_of(name, text).to_owned()).collect();
    names.reverse();
    names.push(name.to_owned());
    let expected = usize::from(marks.contains(&Mark::ExpectedFailure));
    let asserts = super::asserts::count(Language::Java, node, text) + expected;
    Some(Item { names, body: words_after_name(Language::Java, node, text), asserts, marks, group: false, lines: Lines::of(node) })
}

fn is_class(node: Node<'_>) -> bool {
    matches!(node.kind(), "class_declaration" | "interface_declaration" | "record_declaration" | "enum_declaration")
}

/// The annotations of a class or method, as they are written.
fn annotations(node: Node<'_>, text: &str) -> Vec<String> {
    let modifiers = node.children(&mut node.walk()).find(|child| child.kind() == "modifiers");
    let Some(modifiers) = modifiers else { return Vec::new() };
    let each = modifiers.named_children(&mut modifiers.walk()).filter(|one| one.kind().ends_with("annotation")).collect::<Vec<_>>();
    each.into_iter().map(|one| text_of(one, text).trim_start_matches('@').to_owned()).collect()
}

/// `org.junit.Test(timeout = 5)` is `Test`.
fn name_of(annotation: &str) -> &str {
    let name = annotation.split('(').next().unwrap_or_default().trim();
    name.rsplit('.').next().unwrap_or_default()
}

/// JUnit 3 has no annotations.
fn of_test_case(node: Node<'_>, text: &str) -> bool {
    let class = std::iter::successors(node.parent(), Node::parent).find(|above| is_class(*above));
    class.and_then(|class| class.child_by_field_name("superclass")).is_some_and(|one| text_of(one, text).contains("Test"))
}

/// Whether a node asserts; what can never fail does not.
pub fn asserts(node: Node<'_>, text: &str) -> bool {
    match node.kind() {
        "assert_statement" => !text_of(node, text).split_whitespace().collect::<String>().starts_with("asserttrue"),
        "method_invocation" => {
            let name = node.child_by_field_name("name").map_or("", |one| text_of(one, text));
            let arguments: String = node.child_by_field_name("arguments").map_or("", |one| text_of(one, text)).split_whitespace().collect();
            let plain = arguments.trim_matches(['(', ')']);
            let own = if plain.starts_with('"') { plain.split_once("\",").map_or(plain, |(_, rest)| rest) } else { plain };
            let certain = ["true", "1,1", "true,true", "null"]
                .iter()
                .any(|one| own == *one || own.strip_prefix(one).is_some_and(|rest| rest.starts_with(",\"")));
            let certain = certain && name != "assertFalse" && name != "assertNotNull" || name == "assertFalse" && own == "false";
            (name == "fail" || super::asserts::speaks_of_asserting(name)) && !certain
        }
        _ => false,
    }
}

/// The class that a test-side file takes the place of: the class path of tests comes first.
pub fn shadowed<'p>(path: &str, sources: impl IntoIterator<Item = &'p str>) -> Option<&'p str> {
    let (module, class) = path.split_once("src/test/java/").or_else(|| path.split_once("src/test/kotlin/"))?;
    sources.into_iter().find(|source| {
        ["src/main/java/", "src/main/kotlin/"]
            .iter()
            .any(|main| source.strip_prefix(module).and_then(|rest| rest.strip_prefix(main)) == Some(class))
    })
}

#[cfg(test)]
mod tests {
    use super::super::items::items;
    use super::*;

    const TEXT: &str = "class PriceTest {\n @Test void a() { assertEquals(1, f()); assertTrue(true); assertTrue(\"x\", f()); }\n @Test @Disabled(\"x\") void b() { assertThrows(E.class, () -> f()); }\n @Test(expected = E.class) public void c() { f(); }\n void helper() { assertTrue(f()); }\n @Nested class Inner { @ParameterizedTest @ValueSource(ints = 1) void d(int x) { assumeTrue(g()); fail(); } }\n}\nclass Old extends TestCase { public void testE() { if (false) { assertTrue(f()); } if (true) return; assertNotNull(f()); } }\n";

    #[test]
    fn tests_are_found_with_their_marks_and_assertions() {
        let found = items("src/test/java/PriceTest.java", TEXT);
        let names: Vec<String> = found.iter().map(Item::path).collect();
        assert_eq!(names, ["PriceTest::a", "PriceTest::b", "PriceTest::c", "PriceTest::Inner::d", "Old::testE"]);
        assert_eq!(found.iter().map(|one| one.asserts).collect::<Vec<_>>(), [2, 1, 1, 1, 0]);
        assert!(found[1].marks.contains(&Mark::Skip) && found[3].marks.contains(&Mark::Skip) && found[0].marks.is_empty());
        assert!(found[2].marks.contains(&Mark::ExpectedFailure));
        let class = items("A.java", "@Ignore class A { @org.junit.Test public void a() {} }");
        assert!(class[0].marks.contains(&Mark::Skip));
    }

    #[test]
    fn a_class_that_takes_anothers_place_is_found() {
        let sources = ["core/src/main/java/shop/Price.java", "src/main/java/shop/Till.java"];
        assert_eq!(shadowed("core/src/test/java/shop/Price.java", sources), Some(sources[0]));
        assert_eq!(shadowed("src/test/java/shop/Price.java", sources), None);
        assert_eq!(shadowed("src/test/java/shop/TillTest.java", sources), None);
    }
}
