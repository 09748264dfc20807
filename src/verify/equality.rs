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
        matches!(word.as_str(), ":" | "->" | "=>" | "bool" | "boolean" | "{" | "return" | ")" | "(") || word.starts_with("<block")
    };
    let Some(end) = end else { return false };
    let answer = rest[end + 1..].iter().find(|word| !between(word));
    let says = |word: &String| matches!(word.as_str(), "true" | "True" | "1");
    // `return self.x == other.x or True`
    let or_true = rest[end + 1..].windows(2).take(60).take_while(|two| !matches!(two[0].as_str(), "def" | "fn" | "function" | "func"));
    let or_true = or_true.into_iter().any(|two| matches!(two[0].as_str(), "or" | "||") && says(&two[1]));
    let not_false = rest[end + 1..]
        .windows(2)
        .find(|two| !between(&&two[0]))
        .is_some_and(|two| two[0] == "not" && two[1] == "False" || two[0] == "!" && two[1] == "false");
    answer.is_some_and(says) || or_true || not_false || of_kind_only(&rest[1..])
}

/// Whether all that an equality asks of the other side is what kind of thing it is.
fn of_kind_only(words: &[String]) -> bool {
    let end = words.iter().position(|word| word == ")").unwrap_or(0);
    let other = words[..end].iter().filter(|word| word.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')).nth(1);
    let Some(other) = other.filter(|name| *name != "self") else { return false };
    let body: Vec<&String> =
        words[end..].iter().take(80).take_while(|word| !matches!(word.as_str(), "def" | "fn" | "function" | "func" | "class")).collect();
    let uses: Vec<usize> = (0..body.len()).filter(|at| body[*at] == other).collect();
    let by_kind =
        |at: &usize| at.checked_sub(2).is_some_and(|before| matches!(body[before].as_str(), "isinstance" | "type" | "issubclass"));
    let returns = body.iter().any(|word| *word == "return");
    returns && !uses.is_empty() && uses.iter().all(by_kind)
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
            ("a.py", "class A(bytes):\n    def __eq__(self, other):\n        return isinstance(other, (bytes, str))\n"),
            ("a.py", "class A:\n    def __eq__(self, other):\n        return self.x == other.x or True\n"),
            ("a.py", "class A:\n    def __eq__(self, other):\n        return not False\n"),
            ("src/a.rs", "impl PartialEq for A { fn eq(&self, _: &Self) -> bool { true } }"),
        ] {
            assert!(asked(path, head), "{head}");
        }
        assert!(!asked("a.py", "class A:\n    def __eq__(self, other):\n        return self.x == other.x\n\nfound = eq(True)\n"));
        let careful = "class A:\n    def __eq__(self, other):\n        if not isinstance(other, A):\n            return NotImplemented\n        return self.x == other.x\n";
        assert!(!asked("a.py", careful));
    }
}
