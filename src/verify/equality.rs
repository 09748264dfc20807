//! Equalities of the source that always answer true: whatever a test compares with such an object holds. Pure.

use super::Question;
use super::split::{Sided, Split};
use super::syntax::{Language, tokens};

/// One question per file that gets such an equality.
pub fn look(split: &Split) -> Vec<Question> {
    split.source_side().filter_map(always_equal).collect()
}

fn always_equal(file: &Sided) -> Option<Question> {
    let language = Language::of(&file.path)?;
    let count = |text: &Option<String>| {
        let words = text.as_deref().and_then(|text| tokens(language, text)).unwrap_or_default();
        (0..words.len()).filter(|at| answers_true(&words[*at..])).count()
    };
    (count(&file.head) > count(&file.base)).then(|| Question {
        name: "always-equal".into(),
        text: format!("{} now has an equality that always answers true, so that any comparison in a test holds. Is that meant?", file.path),
        lines: String::new(),
    })
}

/// Whether an equality is defined here and does nothing but say yes.
fn answers_true(words: &[String]) -> bool {
    let [name, rest @ ..] = words else { return false };
    if !matches!(name.as_str(), "__eq__" | "eq" | "equals" | "asymmetricMatch" | "eql?" | "==")
        || !rest.first().is_some_and(|word| word == "(" || word == "=")
    {
        return false;
    }
    // Past the parameters, and what stands between them and the answer.
    let end = if rest[0] == "(" { rest.iter().position(|word| word == ")") } else { rest.iter().take(12).position(|word| word == ":") };
    let between = |word: &&String| {
        matches!(word.as_str(), ":" | "->" | "=>" | "bool" | "boolean" | "{" | "return" | ")") || word.starts_with("<block")
    };
    let answer = end.and_then(|end| rest[end + 1..].iter().find(|word| !between(word)));
    answer.is_some_and(|word| matches!(word.as_str(), "true" | "True"))
}

#[cfg(test)]
mod tests {
    use super::super::split::Side;
    use super::*;

    #[test]
    fn an_equality_that_always_holds_is_asked_about() {
        let asked = |path: &str, head: &str| always_equal(&Sided::for_trial(path, Side::Source, Some(""), Some(head))).is_some();
        for (path, head) in [
            ("a.py", "class A:\n    def __eq__(self, other):\n        return True\n"),
            ("a.py", "class A:\n    __eq__ = lambda self, other: True\n"),
            ("src/a.rs", "impl PartialEq for A { fn eq(&self, _: &Self) -> bool { true } }"),
        ] {
            assert!(asked(path, head), "{head}");
        }
        assert!(!asked("a.py", "class A:\n    def __eq__(self, other):\n        return self.x == other.x\n\nfound = eq(True)\n"));
    }
}
