//! How much Ruby or Perl test code asserts, by its words. What can never fail does not count.

use std::ops::Range;

use super::Read;
use super::lexer::Sort;

/// Assertions of Perl's usual test modules.
pub const PERL: [&str; 30] = [
    "ok",
    "is",
    "isnt",
    "like",
    "unlike",
    "is_deeply",
    "cmp_ok",
    "can_ok",
    "isa_ok",
    "new_ok",
    "fail",
    "use_ok",
    "require_ok",
    "throws_ok",
    "dies_ok",
    "lives_ok",
    "lives_and",
    "eq_or_diff",
    "cmp_deeply",
    "is_string",
    "exception_like",
    "warning_is",
    "warnings_are",
    "warning_like",
    "warnings_like",
    "eq_array",
    "eq_hash",
    "is_json",
    "dies",
    "lives",
];

/// Assertions of Ruby among some tokens.
pub fn ruby(read: &Read<'_>, range: Range<usize>) -> usize {
    range.filter(|at| read.tokens[*at].sort == Sort::Word && asserts_in_ruby(read, *at)).count()
}

fn asserts_in_ruby(read: &Read<'_>, at: usize) -> bool {
    let word = read.word(at);
    let spec = ["must_", "wont_"].iter().any(|start| word.starts_with(start));
    let classic = ["assert", "refute", "flunk"].iter().any(|start| word.starts_with(start));
    let rspec = matches!(word, "expect" | "is_expected" | "should" | "should_not" | "expect_any_instance_of");
    if spec || rspec && word != "expect" {
        return true;
    }
    (classic || rspec) && !is_certain(&arguments(read, at), classic)
}

/// Whether the call at a token asserts something in Perl.
pub fn asserts_in_perl(read: &Read<'_>, at: usize) -> bool {
    let called = at.checked_sub(1).is_none_or(|before| !matches!(read.word(before), "->" | "sub" | "::"));
    called && PERL.contains(&read.word(at)) && read.word(at + 1) != "=>" && !is_certain(&arguments(read, at), true)
}

/// The arguments of the call at a token: between its parentheses, or up to the end of the line.
fn arguments(read: &Read<'_>, at: usize) -> Vec<String> {
    let bare = read.word(at + 1) != "(";
    let mut at = at + 1 + usize::from(!bare);
    let (mut depth, mut list) = (0_usize, vec![String::new()]);
    while let Some(token) = read.tokens.get(at) {
        let word = read.of(token);
        match word {
            ")" if depth == 0 => break,
            ";" if depth == 0 => break,
            _ if token.sort == Sort::Break && bare && depth == 0 => break,
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            "," if depth == 0 => {
                list.push(String::new());
                at += 1;
                continue;
            }
            _ => {}
        }
        if token.sort != Sort::Break
            && let Some(last) = list.last_mut()
        {
            last.push_str(word);
        }
        at += 1;
    }
    list
}

/// Whether these arguments hold whatever the code under test does.
fn is_certain(arguments: &[String], compares: bool) -> bool {
    let first = arguments.first().map_or("", String::as_str);
    let constant = matches!(first, "true" | "1" | "!false" | "!nil" | "1==1" | "true==true" | "not(nil)" | "!0")
        || first.parse::<f64>().is_ok()
        || first.starts_with(['"', '\'']) && !first.contains("#{");
    match arguments.get(1) {
        Some(second) if compares && constant => first == second || matches!(first, "true" | "1" if second.starts_with(['"', '\''])),
        Some(_) => false,
        None => constant,
    }
}
