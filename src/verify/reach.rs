//! Code that can never run, by its syntax: what stands behind a return, or under a condition that never holds. Read for
//! Go and Java, whose compilers let such code pass in tests. Pure.

use std::ops::Range;

use tree_sitter::Node;

use super::syntax::{Walk, text_of, visit};

/// The parts of a function that are never reached.
pub fn dead(function: Node<'_>, text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    visit(function, |node| {
        match node.kind() {
            "block" | "statement_list" | "constructor_body" => {
                let mut cursor = node.walk();
                if let Some(last) = node.named_children(&mut cursor).find(|one| leaves(*one, text)) {
                    found.push(last.end_byte()..node.end_byte());
                }
            }
            "if_statement" => {
                let (never, part) = match condition(node, text) {
                    Some(false) => (true, "consequence"),
                    Some(true) => (true, "alternative"),
                    None => (false, ""),
                };
                found.extend(node.child_by_field_name(part).filter(|_| never).map(|part| part.byte_range()));
            }
            "for_statement" | "while_statement" if condition(node, text) == Some(false) => {
                found.extend(node.child_by_field_name("body").map(|body| body.byte_range()));
            }
            _ => {}
        }
        Walk::Into
    });
    found.retain(|range| !range.is_empty());
    found
}

/// Whether nothing after this statement of a block runs.
fn leaves(statement: Node<'_>, text: &str) -> bool {
    match statement.kind() {
        "return_statement" | "throw_statement" => true,
        "if_statement" => {
            let body = statement.child_by_field_name("consequence").filter(|_| condition(statement, text) == Some(true));
            body.is_some_and(|body| leaves(body, text) || inside(body).any(|one| leaves(one, text)))
        }
        "block" | "statement_list" => inside(statement).any(|one| leaves(one, text)),
        _ => false,
    }
}

fn inside(node: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    (0..node.named_child_count()).filter_map(move |at| node.named_child(at as _))
}

/// What a condition always comes to, where it can be seen.
fn condition(node: Node<'_>, text: &str) -> Option<bool> {
    let condition = node.child_by_field_name("condition")?;
    constant(text_of(condition, text).trim())
}

fn constant(words: &str) -> Option<bool> {
    let words = match words.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) if !inner.contains(['(', ')']) => inner.trim(),
        _ => words,
    };
    if words.split("&&").any(|part| matches!(part.trim(), "false" | "!true")) && !words.contains("||") {
        return Some(false);
    }
    if words.split("||").any(|part| matches!(part.trim(), "true" | "!false")) && !words.contains("&&") {
        return Some(true);
    }
    for (sign, holds) in [("!=", false), ("==", true), ("<", false), (">", false)] {
        let Some((left, right)) = words.split_once(sign) else { continue };
        let (left, right) = (left.trim(), right.trim());
        // A value that is no number differs from itself; nobody tests for that by a call.
        if left == right && !left.is_empty() && !words.contains("&&") && !words.contains("||") {
            return Some(holds);
        }
        if let (Ok(left), Ok(right)) = (left.parse::<i64>(), right.parse::<i64>()) {
            return Some(match sign {
                "!=" => left != right,
                "==" => left == right,
                "<" => left < right,
                _ => left > right,
            });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::constant;

    #[test]
    fn conditions_that_always_come_to_the_same() {
        for never in ["false", "(false)", "got != want && false", "got != got", "1 == 2", "f() != f()", "(x < x)"] {
            assert_eq!(constant(never), Some(false), "{never}");
        }
        for always in ["true", "x == x", "a || true", "1 < 2"] {
            assert_eq!(constant(always), Some(true), "{always}");
        }
        for open in ["got != want", "f(false) != 1", "a == nil && b", "x.false()", "testing.Short()", "a <= b"] {
            assert_eq!(constant(open), None, "{open}");
        }
    }
}
