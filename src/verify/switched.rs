//! Tests that set what the patch adds, or replace what it changes: a mend that stands behind a switch does nothing where
//! nobody throws it, and a double shows nothing of the real thing. Asked about, never judged: a new setting has to be set
//! to be tested. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::Question;
use super::facts::some_of;
use super::functions;
use super::merged::new_variables;
use super::split::{Side, Sided, Split};
use super::syntax::{Language, tokens};

/// Calls that change what they are called on.
const CHANGES: [&str; 12] =
    ["add", "set", "push", "append", "update", "insert", "extend", "unshift", "clear", "delete", "discard", "setdefault"];

/// What a test may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Variables,
    Functions,
}

/// At most two questions per test file: on variables of the source that are new, and on functions that the patch changes.
pub fn look(split: &Split) -> Vec<Question> {
    let own = || split.source_side().filter(|file| file.side == Side::Source);
    let texts = |file: &Sided| (file.base.clone().unwrap_or_default(), file.head.clone().unwrap_or_default());
    let of = |read: &dyn Fn(&str, &str, &str) -> BTreeSet<String>| -> BTreeSet<String> {
        own().flat_map(|file| read(&file.path, &texts(file).0, &texts(file).1)).collect()
    };
    // What is compiled cannot be replaced while it runs.
    let changed = |path: &str, base: &str, head: &str| match Language::of(path) {
        Some(Language::Rust | Language::Go | Language::Java) | None => BTreeSet::new(),
        Some(_) => functions::changed(path, base, head),
    };
    let (variables, functions) = (of(&new_variables), of(&changed));
    let stems: BTreeSet<&str> =
        own().map(|file| file.path.rsplit('/').next().unwrap_or_default().split('.').next().unwrap_or_default()).collect();
    let mut questions = Vec::new();
    for file in split.test_side().filter(|file| file.side != Side::Mixed && file.head.is_some()) {
        let words = |text: &Option<String>| tokens(Language::of(&file.path)?, text.as_deref()?);
        let (before, Some(after)) = (words(&file.base).unwrap_or_default(), words(&file.head)) else { continue };
        let new = |names: &BTreeSet<String>, what: What| -> BTreeSet<String> {
            let count = |words: &[String]| {
                let mut counts: BTreeMap<String, usize> = BTreeMap::new();
                (0..words.len())
                    .filter_map(|at| set_here(words, at, names, what))
                    .for_each(|name| *counts.entry(name.to_owned()).or_default() += 1);
                counts
            };
            let old = count(&before);
            count(&after).into_iter().filter(|(name, now)| old.get(name).is_none_or(|then| then < now)).map(|(name, _)| name).collect()
        };
        let set = new(&variables, What::Variables);
        if !set.is_empty() {
            questions.push(question(
                "switched-on-by-tests",
                format!(
                    "{} sets {}, which the patch adds to the source. Is the fault mended where nobody sets it?",
                    file.path,
                    names(&set)
                ),
            ));
        }
        let mut replaced = new(&functions, What::Functions);
        replaced.extend(modules_replaced(&after, &stems).difference(&modules_replaced(&before, &stems)).cloned());
        if !replaced.is_empty() {
            questions.push(question(
                "replaces-source",
                format!("{} replaces {}, which the patch changes. Do its tests still test the real thing?", file.path, names(&replaced)),
            ));
        }
    }
    questions
}

fn names(all: &BTreeSet<String>) -> String {
    some_of(all.iter().map(String::as_str))
}

fn question(name: &str, text: String) -> Question {
    Question { name: name.into(), text, lines: String::new() }
}

/// Modules of the source that a test has a double for: `vi.mock('../src/a')`.
fn modules_replaced(words: &[String], stems: &BTreeSet<&str>) -> BTreeSet<String> {
    let mocks = |word: &str| matches!(word, "mock" | "doMock" | "unstable_mockModule" | "module" | "proxyquire" | "rewire");
    let of = words.windows(3).filter(|three| mocks(&three[0]) && three[1] == "(" && three[2].starts_with(['"', '\'', '`']));
    let plain = of.map(|three| three[2].trim_matches(['"', '\'', '`']).to_owned());
    plain
        .filter(|path| {
            path.starts_with('.') && path.rsplit('/').next().is_some_and(|name| stems.contains(name.split('.').next().unwrap_or_default()))
        })
        .collect()
}

/// The variable that the words from here on set or change, as an attribute of something or by its name in a string.
fn set_here<'w>(words: &'w [String], at: usize, variables: &BTreeSet<String>, what: What) -> Option<&'w str> {
    let word = |more: usize| words.get(at + more).map(String::as_str);
    let plain = words[at].trim_matches(['"', '\'', '`']);
    // `patch("package.module.name")`
    let plain = if plain.len() < words[at].len() { plain.rsplit('.').next().unwrap_or(plain) } else { plain };
    if !variables.contains(plain) {
        return None;
    }
    let before = at.checked_sub(1).map(|at| words[at].as_str());
    let quoted = plain.len() < words[at].len();
    let by_name = quoted
        && words[at.saturating_sub(8)..at].iter().any(|word| {
            matches!(
                word.as_str(),
                "setattr" | "setitem" | "defineProperty" | "replaceProperty" | "patch" | "object" | "spyOn" | "stub" | "method"
            )
        });
    let near = |names: &[&str]| words[at.saturating_sub(8)..at].iter().any(|word| names.contains(&word.as_str()));
    let of_names = what == What::Variables || near(&["__dict__", "vars", "globals"]);
    let as_key = quoted && of_names && before == Some("[") && word(1) == Some("]") && word(2) == Some("=");
    let assigned = !quoted && matches!(before, Some("." | "?.")) && word(1) == Some("=");
    if what == What::Functions {
        return (by_name || as_key || assigned).then_some(plain);
    }
    let of_it = matches!(word(1), Some("." | "?.")) && word(2).is_some_and(|name| CHANGES.contains(&name)) && word(3) == Some("(");
    let part =
        word(1) == Some("[") && words[at + 1..].iter().take(8).skip_while(|word| *word != "]").nth(1).is_some_and(|word| word == "=");
    let global = word(1) == Some("=") && near(&["global"]);
    (by_name || as_key || assigned || !quoted && (of_it || part || global)).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(path: &str, base: &str, head: &str, test: &str) -> usize {
        let file = Sided::for_trial(path, Side::Source, Some(base), Some(head));
        let of_test = Sided::for_trial(&format!("tests/{path}"), Side::Test, Some(""), Some(test));
        let id = || "a".repeat(40).parse().unwrap();
        look(&Split { files: vec![file, of_test], must_fail: id(), regression: id(), notes: Vec::new() }).len()
    }

    #[test]
    fn a_switch_that_tests_throw_is_asked_about() {
        for test in [
            "import a\na.STRICT = True\n",
            "def test_a(monkeypatch):\n    monkeypatch.setattr(a, 'STRICT', True)\n",
            "vars(a)['STRICT'] = 1\n",
        ] {
            assert_eq!(asked("a.py", "x = 1\n", "x = 1\nSTRICT = False\n", test), 1, "{test}");
        }
        assert_eq!(asked("a.js", "", "export const skips = new Set();", "import * as a from '../a.js'; a.skips?.add('x');"), 1);
        assert_eq!(asked("a.py", "x = 1\n", "x = 1\nSTRICT = False\n", "assert a.STRICT is False\nSTRICT = 2\n"), 0);
        assert_eq!(asked("a.py", "x = 1\n", "x = 1\ndef strict():\n    pass\n", "a.strict = 1\n"), 0);
        let (old, new) = ("def f(x):\n    return x\n", "def f(x):\n    return x + 1\n");
        for test in ["m.__dict__['f'] = better\n", "m.f = better\n", "@patch('pkg.a.f')\ndef test_a(f):\n    pass\n"] {
            assert_eq!(asked("a.py", old, new, test), 1, "{test}");
        }
        assert_eq!(asked("a.js", "export const a = () => 1;", "export const a = () => 2;", "vi.mock('../src/a.js', better);"), 1);
        for fine in ["f = better\ng(f)\n", "headers['f'] = 1\n"] {
            assert_eq!(asked("a.py", old, new, fine), 0, "{fine}");
        }
        let method = |body: &str| format!("class A:\n    def f(self, x):\n        return {body}\n");
        assert_eq!(asked("a.py", &method("x"), &method("x + 1"), "A().f = 3\n"), 0);
        assert_eq!(asked("a.py", "STRICT = 1\n", "STRICT = 2\n", "a.STRICT = 1\n"), 0);
    }
}
