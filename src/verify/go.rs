//! Go as the proof reads it: test functions with their marks, what asserts, and which lines of a file are no mere
//! comments. Pure; what is done with it is `items`', `asserts`' and `tamper`'s.

use std::collections::BTreeSet;

use tree_sitter::Node;

use super::items::{Item, Lines, Mark, words_after_name};
use super::syntax::{Language, Walk, text_of, visit};

/// Packages and values all of whose methods assert.
const ASSERTING: [&str; 10] = ["assert", "require", "must", "should", "is", "qt", "td", "expect", "check", "gomega"];
/// What a test says to fail.
const FAILING: [&str; 6] = ["Error", "Errorf", "Fatal", "Fatalf", "Fail", "FailNow"];

/// A test, example or fuzz function, or a method of a suite of tests.
pub fn item(node: Node<'_>, text: &str) -> Option<Item> {
    if !matches!(node.kind(), "function_declaration" | "method_declaration") {
        return None;
    }
    let name = text_of(node.child_by_field_name("name")?, text);
    if !is_test_name(name) || name == "TestMain" || node.kind() == "method_declaration" && !name.starts_with("Test") {
        return None;
    }
    let body = node.child_by_field_name("body")?;
    let mut marks = BTreeSet::new();
    visit(body, |inner| {
        if call(inner, text).is_some_and(|(_, method)| matches!(method, "Skip" | "Skipf" | "SkipNow")) {
            marks.insert(Mark::Skip);
        }
        Walk::Into
    });
    let asserts = super::asserts::count(Language::Go, node, text);
    Some(Item {
        names: vec![name.to_owned()],
        body: words_after_name(Language::Go, node, text),
        asserts,
        marks,
        group: false,
        lines: Lines::of(node),
    })
}

/// `Testing` is no test, `TestIt`, `Test_it` and `Test` are.
fn is_test_name(name: &str) -> bool {
    let rest = ["Test", "Example", "Fuzz"].iter().find_map(|start| name.strip_prefix(start));
    rest.is_some_and(|rest| !rest.starts_with(char::is_lowercase))
}

/// Object and method of a call; the object empty for a plain function.
fn call<'s>(node: Node<'_>, text: &'s str) -> Option<(&'s str, &'s str)> {
    let function = node.child_by_field_name("function").filter(|_| node.kind() == "call_expression")?;
    Some(match function.kind() {
        "selector_expression" => {
            let of = |field| function.child_by_field_name(field).map_or("", |one| text_of(one, text));
            (of("operand"), of("field"))
        }
        _ => ("", text_of(function, text)),
    })
}

/// Whether a node asserts; what can never fail does not.
pub fn asserts(node: Node<'_>, text: &str) -> bool {
    if node.kind() == "comment" {
        // What an example has to print.
        return is_expectation(node, text);
    }
    let Some((object, method)) = call(node, text) else { return false };
    let arguments: String = node.child_by_field_name("arguments").map_or("", |one| text_of(one, text)).split_whitespace().collect();
    let plain = arguments.trim_matches(['(', ')']);
    let own = plain.split_once(',').filter(|(first, _)| first.len() <= 3).map_or(plain, |(_, rest)| rest);
    let certain = ["true", "nil", "1,1", "true,true", "nil,nil"]
        .iter()
        .any(|one| own == *one || own.strip_prefix(one).is_some_and(|rest| rest.starts_with(",\"")));
    let fails = FAILING.contains(&method) && !object.is_empty() && object != "log" && !object.starts_with("fmt");
    let about = ASSERTING.contains(&object) || object.starts_with("Expect(") || object.starts_with("Ω(");
    let runs = matches!(method, "New" | "Run" | "Helper" | "Log" | "Logf");
    fails || (about && !runs || super::asserts::speaks_of_asserting(method)) && !certain
}

/// A comment line of an example at or below its `Output:`.
fn is_expectation(comment: Node<'_>, text: &str) -> bool {
    let Some(function) = std::iter::successors(comment.parent(), Node::parent).find(|above| above.kind() == "function_declaration") else {
        return false;
    };
    let name = function.child_by_field_name("name").map_or("", |name| text_of(name, text));
    if !name.starts_with("Example") {
        return false;
    }
    let before = text.get(function.start_byte()..comment.end_byte()).unwrap_or_default().to_ascii_lowercase();
    before.contains("// output:") || before.contains("// unordered output:")
}

/// Whether a comment is more than that: an instruction to the compiler, or what an example has to print.
pub fn counts(comment: Node<'_>, text: &str) -> bool {
    let words = text_of(comment, text);
    words.starts_with("//go:") || words.starts_with("// +build") || is_expectation(comment, text)
}

/// What decides whether a file is built at all.
pub fn constraints(path: &str, text: &str) -> Vec<String> {
    let head = text.lines().take_while(|line| !line.starts_with("package "));
    let mut found: Vec<String> =
        head.filter(|line| line.starts_with("//go:build") || line.starts_with("// +build")).map(|line| line.trim().to_owned()).collect();
    let stem = path.rsplit('/').next().unwrap_or_default().trim_end_matches("_test.go").trim_end_matches(".go");
    const SYSTEMS: [&str; 16] = [
        "windows", "darwin", "freebsd", "netbsd", "openbsd", "plan9", "solaris", "js", "wasip1", "android", "ios", "aix", "arm", "arm64",
        "386", "wasm",
    ];
    found.extend(stem.rsplit_once('_').map(|(_, last)| last).filter(|last| SYSTEMS.contains(last)).map(|last| format!("built for {last}")));
    found
}

/// Whether a new test file decides what other tests of its package do.
pub fn reaches_others(path: &str, text: &str) -> bool {
    path.ends_with("_test.go") && text.lines().any(|line| line.starts_with("func init()") || line.starts_with("func TestMain("))
}

#[cfg(test)]
mod tests {
    use super::super::items::items;
    use super::*;

    #[test]
    fn tests_are_found_with_their_marks_and_assertions() {
        let text = "package a\nfunc TestA(t *testing.T) {\n\tif f() != 1 { t.Errorf(\"x\") }\n\trequire.NoError(t, g())\n\tassert.True(t, true)\n\tassert.Equal(t, 1, 1)\n}\nfunc (s *S) TestB() { s.Equal(1, f()); s.T().Skip(\"no\") }\nfunc TestMain(m *testing.M) {}\nfunc helper() {}\nfunc ExampleA() {\n\tfmt.Println(1)\n\t// Output:\n\t// 1\n}\nfunc Testing() {}\n";
        let found = items("a_test.go", text);
        assert_eq!(found.iter().map(Item::name).collect::<Vec<_>>(), ["TestA", "TestB", "ExampleA"]);
        assert_eq!((found[0].asserts, found[2].asserts), (2, 2));
        assert!(found[1].marks.contains(&Mark::Skip) && found[0].marks.is_empty());
        let other = items("a_test.go", &text.replace("// 1", "// 2"));
        assert_ne!(found[2].body, other[2].body, "what an example prints is its assertion");
    }

    #[test]
    fn what_is_never_reached_asserts_nothing() {
        let count = |body: &str| items("a_test.go", &format!("package a\nfunc TestA(t *testing.T) {{\n{body}\n}}\n"))[0].asserts;
        let plain = "\tif f() != 1 { t.Error(\"x\") }\n";
        assert_eq!(count(plain), 1);
        for gone in [
            format!("\treturn\n{plain}"),
            format!("\tif false {{\n{plain}\t}}\n"),
            format!("\tif true {{ return }}\n{plain}"),
            plain.replace("f() != 1", "f() != 1 && false"),
            plain.replace("f() != 1", "f() != f()"),
        ] {
            assert_eq!(count(&gone), 0, "{gone}");
        }
        assert_eq!(count(&format!("\tif short() {{ return }}\n{plain}")), 1);
    }

    #[test]
    fn constraints_are_read_from_lines_and_names() {
        assert_eq!(constraints("a_test.go", "//go:build ignore\n\npackage a\n"), ["//go:build ignore"]);
        assert_eq!(constraints("x/a_windows_test.go", "package a\n"), ["built for windows"]);
        assert!(constraints("a_test.go", "package a\n//go:build x\n").is_empty());
        assert!(reaches_others("z_test.go", "package a\nfunc init() { f = g }\n") && !reaches_others("z_test.go", "package a\n"));
    }
}
