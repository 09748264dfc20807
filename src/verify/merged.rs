//! Base source with nothing of the head but its new names: definitions that the base lacks, hollow where they are
//! functions, and what the head says of its version. A test that is green there has asked whether the patch is present,
//! not what it does. For languages in which a name can be asked for while the program runs (in Go, by an interface). Pure.

use std::collections::BTreeSet;

use tree_sitter::Node;

use super::functions;
use super::syntax::{Language, Walk, parse, text_of, tokens_of, visit};

/// What is left of the functions that are taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bodies {
    /// A failure.
    Hollow,
    /// All.
    Real,
}

/// A text of the base with the new names of the head; none where it has none, or cannot be read.
pub fn with_new_names(path: &str, base: &str, head: &str, bodies: Bodies) -> Option<String> {
    let language = Language::of(path).filter(|one| matches!(one, Language::Python | Language::Go) || one.is_script())?;
    let added = functions::added(path, base, head);
    let hollow = match bodies {
        Bodies::Hollow => functions::emptied(path, head, &added),
        Bodies::Real => None,
    };
    let hollow = hollow.unwrap_or_else(|| head.to_owned());
    if base.trim().is_empty() {
        return (!head.trim().is_empty()).then_some(hollow);
    }
    let (old, new) = (parse(language, base)?, parse(language, &hollow)?);
    if old.root_node().has_error() || new.root_node().has_error() {
        return None;
    }
    let sides = Sides { language, base, head: &hollow };
    let merged = sides.merged(old.root_node(), new.root_node());
    (merged != base).then_some(merged)
}

/// Variables on the outermost level that `head` has and `base` has not.
pub fn new_variables(path: &str, base: &str, head: &str) -> BTreeSet<String> {
    let Some(language) = Language::of(path) else { return BTreeSet::new() };
    let names = |text: &str| -> BTreeSet<String> {
        let Some(tree) = parse(language, text) else { return BTreeSet::new() };
        let mut cursor = tree.root_node().walk();
        let all = tree.root_node().named_children(&mut cursor).filter(|node| !is_callable(*node));
        all.filter_map(|node| name(language, node, text)).filter(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_')).collect()
    };
    let before = names(base);
    names(head).into_iter().filter(|name| !before.contains(name)).collect()
}

/// Whether a definition is one of something that is called.
fn is_callable(node: Node<'_>) -> bool {
    let own = inner(node);
    let value = own
        .child_by_field_name("value")
        .or_else(|| own.child_by_field_name("right"))
        .or_else(|| own.named_child(0).and_then(|one| one.child_by_field_name("value")));
    let kinds = |node: Node<'_>| ["function", "class", "import"].iter().any(|kind| node.kind().contains(kind));
    kinds(own) || value.is_some_and(kinds)
}

struct Sides<'t> {
    language: Language,
    base: &'t str,
    head: &'t str,
}

impl Sides<'_> {
    /// The members of `old`, with those of `new` that define other names, each behind what stands before it in `new`.
    fn merged(&self, old: Node<'_>, new: Node<'_>) -> String {
        let (mut walk, mut other) = (old.walk(), new.walk());
        let (before, after): (Vec<Node<'_>>, Vec<Node<'_>>) =
            (old.named_children(&mut walk).collect(), new.named_children(&mut other).collect());
        let words = |node: Node<'_>, text: &str| tokens_of(self.language, node, text);
        let mut out = String::new();
        let mut reached = old.start_byte();
        let mut next = 0;
        for member in after {
            let same = before.iter().position(|one| {
                let named = name(self.language, member, self.head);
                named.is_some() && name(self.language, *one, self.base) == named || words(*one, self.base) == words(member, self.head)
            });
            match same {
                Some(at) if at >= next => {
                    let own = before[at];
                    out.push_str(&self.base[reached..own.start_byte()]);
                    out.push_str(&self.kept(own, member));
                    reached = own.end_byte();
                    next = at + 1;
                }
                Some(_) => {}
                None if name(self.language, member, self.head).is_some() && is_plain(member) => {
                    let column = member.start_position().column;
                    out.push_str(&format!("\n{}{}\n", " ".repeat(column), text_of(member, self.head)));
                    // What follows on a line of its own keeps its place.
                    let rest = &self.base[reached..old.end_byte()];
                    let blank = rest.len() - rest.trim_start_matches([' ', '\t', ';']).len();
                    reached += if rest[blank..].starts_with('\n') { blank } else { 0 };
                }
                None => {}
            }
        }
        out.push_str(&self.base[reached..old.end_byte()]);
        out
    }

    /// What stands for a definition that both have: the base's, with the new members of a class.
    fn kept(&self, old: Node<'_>, new: Node<'_>) -> String {
        let of = |node: Node<'_>, text: &str| text_of(node, text).to_owned();
        if is_version(self.language, new, self.head) || self.is_longer_list(old, new) {
            return of(new, self.head);
        }
        let bodies = |node: Node<'_>| class(node).and_then(|class| class.child_by_field_name("body")).map(|body| body.byte_range());
        let (Some(own), Some(_)) = (bodies(old), bodies(new)) else { return of(old, self.base) };
        let (Some(old_body), Some(new_body)) =
            (class(old).and_then(|one| one.child_by_field_name("body")), class(new).and_then(|one| one.child_by_field_name("body")))
        else {
            return of(old, self.base);
        };
        format!("{}{}{}", &self.base[old.start_byte()..own.start], self.merged(old_body, new_body), &self.base[own.end..old.end_byte()])
    }

    /// `module.exports = { .. }` and `export { .. }` with more names than before.
    fn is_longer_list(&self, old: Node<'_>, new: Node<'_>) -> bool {
        let (before, after) = (tokens_of(self.language, old, self.base), tokens_of(self.language, new, self.head));
        let lists = |words: &[String]| matches!(words.first().map(String::as_str), Some("module" | "export" | "__all__" | "exports"));
        let mut rest = after.iter();
        lists(&before)
            && lists(&after)
            && !holds_code(old)
            && !holds_code(new)
            && before.iter().filter(|word| *word != ",").all(|word| rest.any(|one| one == word))
    }
}

/// Whether a body is written in it: what it does would come along with its name.
fn holds_code(node: Node<'_>) -> bool {
    let mut found = false;
    visit(node, |one| {
        found |= one.is_named() && ["function", "class", "method", "lambda"].iter().any(|kind| one.kind().contains(kind));
        if found { Walk::Past } else { Walk::Into }
    });
    found
}

/// Below `export` and decorators.
fn inner(node: Node<'_>) -> Node<'_> {
    match node.kind() {
        "export_statement" => node.child_by_field_name("declaration").unwrap_or(node),
        "decorated_definition" => node.child_by_field_name("definition").unwrap_or(node),
        "expression_statement" => node.named_child(0).unwrap_or(node),
        _ => node,
    }
}

fn class(node: Node<'_>) -> Option<Node<'_>> {
    Some(inner(node)).filter(|own| matches!(own.kind(), "class_definition" | "class_declaration" | "abstract_class_declaration"))
}

/// What a member gives a name to; none for everything that is no definition.
fn name(language: Language, node: Node<'_>, text: &str) -> Option<String> {
    let own = inner(node);
    let field = |name: &str| own.child_by_field_name(name).map(|one| text_of(one, text).to_owned());
    match own.kind() {
        "assignment" | "assignment_expression" => field("left"),
        "lexical_declaration" | "variable_declaration" => {
            own.named_child(0).and_then(|one| one.child_by_field_name("name")).map(|one| text_of(one, text).to_owned())
        }
        "public_field_definition" | "field_definition" => field("name").or_else(|| field("property")),
        "method_declaration" => Some(format!("{}.{}", field("receiver").unwrap_or_default(), field("name")?)),
        "const_declaration" | "var_declaration" | "type_declaration" => {
            let spec = own.named_child(0)?;
            spec.child_by_field_name("name").map(|one| text_of(one, text).to_owned())
        }
        "export_statement" => Some(if own.child_by_field_name("value").is_some() { "export default" } else { "export" }.to_owned()),
        kind if kind.contains("function") || kind.contains("class") || kind == "method_definition" => field("name"),
        "import_statement" | "import_from_statement" | "future_import_statement" => Some(tokens_of(language, own, text).join(" ")),
        _ => None,
    }
}

/// Whether a definition does no more than to define: what it puts into something that was there would be a change.
fn is_plain(node: Node<'_>) -> bool {
    let own = inner(node);
    let Some(left) = own.child_by_field_name("left") else { return true };
    let value = own.child_by_field_name("right").map_or("", |one| one.kind());
    let simple = ["true", "false", "none", "null", "integer", "number", "string", "object", "dictionary", "list", "array", "identifier"];
    left.kind() == "identifier" || simple.contains(&value) || value.contains("function") || value == "lambda"
}

/// A literal that says which version this is.
fn is_version(language: Language, node: Node<'_>, text: &str) -> bool {
    name(language, node, text).is_some_and(|name| name.to_ascii_lowercase().contains("version"))
        && !is_callable(node)
        && class(node).is_none()
}

#[cfg(test)]
mod tests {
    use super::Bodies::Hollow;
    use super::*;

    #[test]
    fn an_export_that_is_a_function_keeps_its_body() {
        let base = "module.exports = function resolve(cb) {\n    if (err) cb(err);\n};\n";
        assert_eq!(with_new_names("a.js", base, &base.replace("cb(err);", "return cb(err);"), Hollow), None);
        let base = "module.exports = { one: function (cb) { cb(1); }, two: two };\n";
        assert_eq!(with_new_names("a.js", base, &base.replace("cb(1)", "return cb(1)"), Hollow), None);
        let base = "module.exports = { one, two };\n";
        assert!(with_new_names("a.js", base, &base.replace("two }", "two, three }"), Hollow).is_some());
    }

    #[test]
    fn only_new_names_are_taken_over() {
        let base =
            "import re\n\nLIMIT = 1\n\ndef price(x):\n    return x\n\nclass Box:\n    size = 1\n\n    def open(self):\n        return 1\n";
        let head = "import re\nimport os\n\nLIMIT = 2\nFIXED = True\n\ndef words(x):\n    return 2\n\ndef price(x):\n    return words(x)\n\nclass Box:\n    size = 1\n    mark = 2\n\n    def open(self):\n        return 3\n";
        let merged = with_new_names("a.py", base, head, Hollow).unwrap();
        for kept in ["LIMIT = 1", "FIXED = True", "def words(x):", "loom: hollow run", "return x\n", "    mark = 2", "return 1\n"] {
            assert!(merged.contains(kept), "{kept}: {merged}");
        }
        for gone in ["LIMIT = 2", "return words(x)", "return 3"] {
            assert!(!merged.contains(gone), "{gone}: {merged}");
        }
        assert!(!parse(Language::Python, &merged).unwrap().root_node().has_error(), "{merged}");
        assert_eq!(with_new_names("a.py", base, &base.replace("LIMIT = 1", "LIMIT = 2"), Hollow), None);
        assert!(with_new_names("a.py", "__version__ = '1'\n", "__version__ = '2'\n", Hollow).unwrap().contains("'2'"));
        assert!(with_new_names("a.py", "x = 1\n", "x = 1\ntable['a'] = better(x)\n", Hollow).is_none(), "a change and no name");
    }

    #[test]
    fn names_of_scripts_too() {
        let base = "'use strict';\nfunction a(x) { return x; }\nmodule.exports = { a: a };\n";
        let head = "'use strict';\nconst mark = 1;\nfunction a(x) { return mark; }\nmodule.exports = { a: a, mark };\nmodule.exports.fixed = true;\n";
        let merged = with_new_names("a.js", base, head, Hollow).unwrap();
        assert!(merged.contains("const mark = 1") && merged.contains("return x;") && merged.contains("a: a, mark"), "{merged}");
        assert!(merged.contains("fixed = true") && !merged.contains("return mark"), "{merged}");
        let typed = with_new_names(
            "a.ts",
            "export const f = () => 1;\nexport default f;\n",
            "export const f = () => 2;\nexport const skips = [1];\nexport default f;\n",
            Hollow,
        )
        .unwrap();
        assert!(typed.contains("=> 1") && typed.contains("skips"), "{typed}");
        let go = "package a\n\ntype T struct{}\n\nfunc (t T) Old() int { return 1 }\n";
        let merged =
            with_new_names("a.go", go, &format!("{}\nfunc (t T) Fixed() bool {{ return strings.x() }}\n", go.replace("1", "2")), Hollow)
                .unwrap();
        assert!(merged.contains("return 1") && merged.contains("Fixed() bool { panic(") && !merged.contains("strings"), "{merged}");
        assert_eq!(new_variables("a.py", "x = 1\n", "x = 2\ny = 3\ndef f():\n    pass\n"), ["y".to_owned()].into());
        assert_eq!(new_variables("a.go", "package a\n", "package a\nvar lenient bool\n"), ["lenient".to_owned()].into());
    }
}
