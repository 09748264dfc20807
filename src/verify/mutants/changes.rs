//! Small faults put into the lines that a patch changes, by the syntax tree: operators flipped, conditions negated,
//! constants changed, results replaced, calls removed. Pure; running the tests against them is the neighbour's work.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use similar::{DiffTag, TextDiff};
use tree_sitter::Node;

use crate::verify::inline;
use crate::verify::syntax::{Language, Walk, parse, replaced, text_of, visit};

/// One fault: where it is and what it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    pub line: u32,
    /// What stood there.
    pub was: String,
    /// What stands there now.
    pub now: String,
    kind: Kind,
    range: Range<usize>,
}

/// In the order in which they are tried: the first ones are noticed by any test that looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Operator,
    Condition,
    Result,
    Call,
    Constant,
}

impl Fault {
    /// The text with it.
    pub fn applied(&self, text: &str) -> String {
        replaced(text, &[(self.range.clone(), self.now.clone())])
    }
}

/// The faults that can be put into what differs between two versions of a source file, one of each line before the second
/// of any; none where the language is not known.
pub fn faults(path: &str, base: &str, head: &str) -> Vec<Fault> {
    let Some((language, tree)) = Language::of(path).and_then(|language| Some((language, parse(language, head)?))) else {
        return Vec::new();
    };
    if !(matches!(language, Language::Rust | Language::Python) || language.is_script()) {
        return Vec::new();
    }
    let touched = touched_lines(base, head);
    let tests = inline::regions(language, head).unwrap_or_default();
    let mut found = Vec::new();
    visit(tree.root_node(), |node| {
        let (first, last) = (node.start_position().row, node.end_position().row);
        let near = touched.range(first..=last).next().is_some();
        if !near || is_left_out(node, head) || tests.iter().any(|region| region.range.contains(&node.start_byte())) {
            return Walk::Past;
        }
        found.extend(fault(language, node, head).filter(|one| touched.contains(&(one.line as usize - 1))));
        Walk::Into
    });
    found.retain(|one| parse(language, &one.applied(head)).is_some_and(|tree| !tree.root_node().has_error()));
    spread(found)
}

/// Lines that `base` has not, from 0.
fn touched_lines(base: &str, head: &str) -> BTreeSet<usize> {
    let diff = TextDiff::from_lines(base, head);
    diff.ops().iter().filter(|op| op.tag() != DiffTag::Equal).flat_map(|op| op.new_range()).collect()
}

/// What says nothing at run time, or says it to nobody: types, attributes, imports, words for a log.
fn is_left_out(node: Node<'_>, text: &str) -> bool {
    let kind = node.kind();
    kind.contains("comment")
        || kind == "expression_statement"
            && node.named_child(0).is_some_and(|call| call.kind().starts_with("call") && is_talk(text_of(call, text)))
        || kind.contains("attribute_item")
        || kind.starts_with("import")
        || matches!(kind, "use_declaration" | "decorator" | "type_annotation" | "type_arguments" | "type_alias_declaration")
        || matches!(kind, "interface_declaration" | "type" | "token_tree" | "macro_definition" | "assert_statement")
}

/// First one of each line, the most telling kind, then the second ones.
fn spread(mut found: Vec<Fault>) -> Vec<Fault> {
    found.sort_by_key(|one| (one.kind, one.range.start));
    let mut seen: BTreeMap<u32, usize> = BTreeMap::new();
    let mut turns: Vec<(usize, Fault)> = Vec::new();
    for one in found {
        let turn = seen.entry(one.line).or_insert(0);
        turns.push((*turn, one));
        *turn += 1;
    }
    turns.sort_by_key(|(turn, one)| (*turn, one.line, one.kind));
    turns.into_iter().map(|(_, one)| one).collect()
}

fn fault(language: Language, node: Node<'_>, text: &str) -> Option<Fault> {
    let of = |kind: Kind, node: Node<'_>, now: String| {
        let was = text_of(node, text).to_owned();
        (was != now).then(|| Fault { line: node.start_position().row as u32 + 1, was, now, kind, range: node.byte_range() })
    };
    match node.kind() {
        "binary_expression"
        | "binary_operator"
        | "boolean_operator"
        | "augmented_assignment"
        | "augmented_assignment_expression"
        | "compound_assignment_expr" => {
            let operator = node.child_by_field_name("operator")?;
            of(Kind::Operator, operator, flipped(text_of(operator, text))?.to_owned())
        }
        "comparison_operator" => {
            let operator = node.children(&mut node.walk()).find(|child| !child.is_named() && flipped(text_of(*child, text)).is_some())?;
            of(Kind::Operator, operator, flipped(text_of(operator, text))?.to_owned())
        }
        "if_statement"
        | "if_expression"
        | "elif_clause"
        | "while_statement"
        | "while_expression"
        | "conditional_expression"
        | "ternary_expression" => {
            let condition = node.child_by_field_name("condition").or_else(|| python_ternary(node))?;
            of(Kind::Condition, condition, negated(language, condition, text)?)
        }
        "return_statement" | "return_expression" => {
            let value = node.named_child(0)?;
            of(Kind::Result, value, nothing(language, text_of(value, text)).to_owned())
        }
        "expression_statement" => {
            node.named_child(0).filter(|child| matches!(child.kind(), "call" | "call_expression" | "await" | "await_expression"))?;
            let gone = match language {
                Language::Python => "pass",
                Language::Rust => "();",
                _ => ";",
            };
            of(Kind::Call, node, gone.to_owned())
        }
        "integer" | "float" | "number" | "integer_literal" | "float_literal" => {
            of(Kind::Constant, node, other_number(text_of(node, text))?)
        }
        "true" | "false" | "boolean_literal" => of(Kind::Constant, node, other_truth(text_of(node, text))?.to_owned()),
        "string" | "string_literal" if !is_bare(node) => of(Kind::Constant, node, other_text(text_of(node, text))?),
        _ => None,
    }
}

fn other_truth(text: &str) -> Option<&'static str> {
    Some(match text {
        "true" => "false",
        "false" => "true",
        "True" => "False",
        "False" => "True",
        _ => return None,
    })
}

/// `a if condition else b` has its condition in the middle, without a name.
fn python_ternary(node: Node<'_>) -> Option<Node<'_>> {
    (node.kind() == "conditional_expression" && node.named_child_count() == 3).then(|| node.named_child(1)).flatten()
}

fn flipped(operator: &str) -> Option<&'static str> {
    Some(match operator {
        "==" => "!=",
        "!=" => "==",
        "===" => "!==",
        "!==" => "===",
        "<" => "<=",
        "<=" => "<",
        ">" => ">=",
        ">=" => ">",
        "+" => "-",
        "-" => "+",
        "*" => "/",
        "/" => "*",
        "//" => "*",
        "%" => "*",
        "&&" => "||",
        "||" => "&&",
        "??" => "&&",
        "and" => "or",
        "or" => "and",
        "&" => "|",
        "|" => "&",
        "<<" => ">>",
        ">>" => "<<",
        "+=" => "-=",
        "-=" => "+=",
        "*=" => "/=",
        "in" => "not in",
        "not in" => "in",
        "is" => "is not",
        "is not" => "is",
        _ => return None,
    })
}

fn negated(language: Language, condition: Node<'_>, text: &str) -> Option<String> {
    let words = text_of(condition, text);
    match language {
        Language::Python => Some(format!("not ({words})")),
        // A pattern binds names; there is nothing to negate.
        Language::Rust => {
            let mut binds = false;
            visit(condition, |node| {
                binds |= node.kind().starts_with("let_");
                Walk::Into
            });
            (!binds).then(|| format!("!({words})"))
        }
        _ if condition.kind() == "parenthesized_expression" => Some(format!("(!{words})")),
        _ => Some(format!("!({words})")),
    }
}

fn nothing(language: Language, value: &str) -> &'static str {
    match language {
        Language::Python if value == "None" => "0",
        Language::Python => "None",
        Language::Rust => "Default::default()",
        _ if value == "undefined" => "0",
        _ => "undefined",
    }
}

/// Words for people who watch: nobody tests them.
fn is_talk(call: &str) -> bool {
    let callee = call.trim_start_matches("await ").split('(').next().unwrap_or_default().to_lowercase();
    ["log", "print", "debug", "warn", "trace", "console", "info", "assert"].iter().any(|word| callee.contains(word))
}

fn other_number(text: &str) -> Option<String> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let rest = &text[digits.len()..];
    let radix = text.starts_with("0x") || text.starts_with("0b") || text.starts_with("0o");
    let number: u64 = digits.parse().ok().filter(|_| !radix)?;
    Some(format!("{}{rest}", number.checked_add(1)?))
}

fn other_text(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let triple: String = std::iter::repeat_n(quote, 3).collect();
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    if text.starts_with(&triple) {
        return None;
    }
    Some(if inner.is_empty() { format!("{quote}loom{quote}") } else { format!("{quote}{quote}") })
}

/// A string that stands alone is documentation.
fn is_bare(node: Node<'_>) -> bool {
    node.parent().is_some_and(|above| above.kind() == "expression_statement")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str, base: &str, head: &str) -> Vec<String> {
        faults(path, base, head).iter().map(|one| format!("{}: {} -> {}", one.line, one.was, one.now)).collect()
    }

    #[test]
    fn faults_of_python() {
        let base = "def f(a, b):\n    return a\n";
        let head = "def f(a, b):\n    \"\"\"Doc 1.\"\"\"\n    if a < b and not True:\n        log.info('x')\n        save(a, 'k')\n    return a + 1\n";
        assert_eq!(
            told("a.py", base, head),
            [
                "3: < -> <=",
                "5: save(a, 'k') -> pass",
                "6: + -> -",
                "3: and -> or",
                "5: 'k' -> ''",
                "6: a + 1 -> None",
                "3: a < b and not True -> not (a < b and not True)",
                "6: 1 -> 2",
                "3: True -> False"
            ]
        );
    }

    #[test]
    fn faults_of_scripts() {
        let head =
            "export function f(a: number): string {\n  if (a === 3) { send(a); }\n  console.log('no');\n  return a ? 'x' : `y`;\n}\n";
        let found = told("a.ts", "", head);
        for one in [
            "2: === -> !==",
            "2: (a === 3) -> (!(a === 3))",
            "2: send(a); -> ;",
            "2: 3 -> 4",
            "4: a ? 'x' : `y` -> undefined",
            "4: a -> !(a)",
        ] {
            assert!(found.contains(&one.to_owned()), "{one} of {found:#?}");
        }
        assert!(!found.iter().any(|one| one.starts_with("3: console")), "{found:#?}");
    }

    #[test]
    fn faults_of_rust_leave_tests_and_patterns_alone() {
        let head = "pub fn f(a: u8) -> bool {\n    if let Some(b) = g(a) { return b > 2; }\n    store(a);\n    a >= 1 || false\n}\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn t() { assert!(super::f(3) == true); let x = 1 + 1; }\n}\n";
        let found = told("a.rs", "", head);
        for one in ["2: > -> >=", "2: b > 2 -> Default::default()", "3: store(a); -> ();", "4: >= -> >", "4: || -> &&", "4: false -> true"]
        {
            assert!(found.contains(&one.to_owned()), "{one} of {found:#?}");
        }
        assert!(found.iter().all(|one| one[..1].parse::<u32>().unwrap() < 6), "{found:#?}");
        assert!(!found.iter().any(|one| one.contains("let Some")), "{found:#?}");
    }

    #[test]
    fn only_changed_lines_are_looked_at_and_every_fault_parses() {
        let base = "def f(a):\n    return a + 1\n\n\ndef g(a):\n    return a - 1\n";
        let head = base.replace("a - 1", "a - 2");
        assert_eq!(told("a.py", base, &head), ["6: - -> +", "6: a - 2 -> None", "6: 2 -> 3"]);
        assert!(told("a.txt", "", "1 + 1").is_empty() && told("a.py", &head, &head).is_empty());
        let one = &faults("a.py", base, &head)[0];
        assert!(one.applied(&head).ends_with("return a + 2\n"));
    }
}
