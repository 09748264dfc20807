//! What tests do to what they test: replace it for all tests, take its name, or read its text instead of running it.
//! Asked about, never judged: honest suites have their doubles too. What a single test replaces is `strength`'s. Pure.

use std::collections::BTreeSet;

use super::Question;
use super::facts::some_of;
use super::identify::{Place, Tests};
use super::split::{Side, Sided, Split};
use super::strength::{called_and_defined, replaced};
use super::syntax::{Language, tokens};

/// Words that read a file, in the languages of tests.
const READS: [&str; 18] = [
    "read_text",
    "read_bytes",
    "open",
    "read",
    "readFileSync",
    "readFile",
    "include_str",
    "include_bytes",
    "read_to_string",
    "ReadFile",
    "readString",
    "readAllLines",
    "readAllBytes",
    "file_get_contents",
    "readlines",
    "slurp",
    "binread",
    "foreach",
];
/// Words that look at a function instead of calling it.
const LOOKS: [&str; 7] = ["getsource", "getsourcelines", "co_code", "co_names", "co_varnames", "source_location", "getDeclaredMethods"];

/// Everything of this kind in a patch; `proven` are the places of the tests that prove.
pub fn look(split: &Split, tests: &Tests, proven: &BTreeSet<Place>) -> Vec<Question> {
    let mut questions = Vec::new();
    for file in split.test_side().filter(|file| file.side != Side::Mixed) {
        let helper = tests.files.get(&file.path).is_some_and(|versions| versions.head.is_empty());
        if file.side == Side::Support || helper {
            questions.extend(for_all(file));
        }
        questions.extend(taken_over(file, tests));
    }
    let sources: Vec<&str> =
        split.source_side().filter_map(|file| file.path.rsplit('/').next()).filter(|name| name.contains('.')).collect();
    let by_test = read_as_text(tests, proven, &sources);
    let by_helper = || split.test_side().filter(|_| !proven.is_empty()).find_map(|file| reads_for_tests(file, &sources));
    questions.extend(by_test.or_else(by_helper));
    questions
}

/// A new line of a test file that reads a source, in a helper as well as in a test.
fn reads_for_tests(file: &Sided, sources: &[&str]) -> Option<Question> {
    Language::of(&file.path)?;
    let before: BTreeSet<&str> = file.base.as_deref().unwrap_or_default().lines().map(str::trim).collect();
    let reads = |line: &&str| {
        sources.iter().any(|name| line.contains(name))
            && line.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| READS.contains(&word))
    };
    let line = file.head.as_deref()?.lines().map(str::trim).filter(|line| !before.contains(line)).find(reads)?;
    Some(Question {
        name: "reads-source".into(),
        text: format!("{} reads the text of the source that the patch changes. Do its tests show what the code does?", file.path),
        lines: line.to_owned(),
    })
}

/// Set-up that replaces something for every test.
fn for_all(file: &Sided) -> Option<Question> {
    let language = Language::of(&file.path)?;
    let words = |text: &Option<String>| text.as_deref().and_then(|text| tokens(language, text)).unwrap_or_default();
    let (base, head) = (words(&file.base), words(&file.head));
    let (before, after) = (replaced(&base), replaced(&head));
    let mut more: BTreeSet<&str> =
        after.iter().filter(|(word, count)| before.get(*word).is_none_or(|old| old < count)).map(|(word, _)| word.as_str()).collect();
    // A fixture that is named like this replaces nothing by itself.
    more.remove("monkeypatch");
    let (before, after) = (attributes_set(&base), attributes_set(&head));
    let set: Vec<String> = after.difference(&before).map(|(object, name)| format!("{object}.{name} =")).collect();
    more.extend(set.iter().map(String::as_str));
    (!more.is_empty()).then(|| Question {
        name: "replaces-source".into(),
        text: format!(
            "{} now replaces something for the tests that stand on it ({}). Do they still test the real thing?",
            file.path,
            some_of(more)
        ),
        lines: String::new(),
    })
}

/// `module.name = ...`, where the module was imported or is everybody's.
fn attributes_set(words: &[String]) -> BTreeSet<(String, String)> {
    let imported = imported(words);
    let shared = |word: &str| imported.contains(word) || matches!(word, "prototype" | "global" | "globalThis" | "window" | "builtins");
    let of = words.windows(4).filter(|four| four[1] == "." && four[3] == "=" && shared(&four[0]));
    of.map(|four| (four[0].clone(), four[2].clone())).collect()
}

/// Words around what imports: the names that come from elsewhere are among them.
fn imported(words: &[String]) -> BTreeSet<&str> {
    let at = words.iter().enumerate().filter(|(_, word)| matches!(word.as_str(), "import" | "require" | "use")).map(|(at, _)| at);
    at.flat_map(|at| words[at.saturating_sub(4)..].iter().take(24).map(String::as_str)).collect()
}

/// A test file that now defines by itself what its tests called from elsewhere.
fn taken_over(file: &Sided, tests: &Tests) -> Option<Question> {
    let language = Language::of(&file.path).filter(|_| file.existed && file.head.is_some())?;
    let words = |text: &Option<String>| text.as_deref().and_then(|text| tokens(language, text)).unwrap_or_default();
    let before = words(&file.base);
    let (called, defined_before) = called_and_defined(&before);
    let imported = imported(&before);
    let (_, defined) = called_and_defined(&words(&file.head));
    let kept = |name: &String| {
        tests.files.get(&file.path).is_some_and(|file| file.base.iter().any(|item| item.body.split(' ').any(|word| word == name)))
    };
    // What asserts is inherited or everybody's: it need not be imported.
    let from_elsewhere = |name: &str| imported.contains(name) || name.starts_with("assert") || name == "expect";
    let is_taken = |name: &&String| called.contains(*name) && from_elsewhere(name) && !defined_before.contains(*name) && kept(name);
    let taken: Vec<&str> = defined.iter().filter(is_taken).map(String::as_str).collect();
    (!taken.is_empty()).then(|| Question {
        name: "replaces-source".into(),
        text: format!(
            "{} now defines {} by itself, which its tests took from elsewhere. Do they still test the real thing?",
            file.path,
            some_of(taken)
        ),
        lines: String::new(),
    })
}

/// Tests that prove and look at the text of what the patch changes.
fn read_as_text(tests: &Tests, proven: &BTreeSet<Place>, sources: &[&str]) -> Option<Question> {
    let reads = |(path, names): &&Place| {
        let item = tests.files.get(path).and_then(|file| file.head.iter().find(|item| item.path() == *names));
        let Some(item) = item else { return false };
        let words: Vec<&str> = item.body.split(' ').collect();
        let a_file = words.iter().any(|word| READS.contains(word)) && sources.iter().any(|name| item.body.contains(name));
        a_file || words.iter().any(|word| LOOKS.contains(word))
    };
    let names: Vec<&str> = proven.iter().filter(reads).map(|(_, names)| names.as_str()).collect();
    (!names.is_empty()).then(|| Question {
        name: "reads-source".into(),
        text: format!(
            "{} reads the text of the source that the patch changes, or looks into its code. Does it show what the code does?",
            some_of(names)
        ),
        lines: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::identify::tests::of;
    use super::*;

    fn support(base: &str, head: &str) -> Option<String> {
        for_all(&Sided::for_trial("tests/conftest.py", Side::Support, Some(base), Some(head))).map(|one| one.text)
    }

    #[test]
    fn set_up_that_replaces_something_is_asked_about() {
        let head =
            "import pytest\n\n@pytest.fixture(autouse=True)\ndef exact(monkeypatch):\n    monkeypatch.setattr(rates, 'base_rate', fake)\n";
        assert!(support("import pytest\n", head).unwrap().contains("`setattr`"));
        assert!(support("", "from parcels import rates\nrates.base_rate = lambda weight: 500\n").unwrap().contains("`rates.base_rate =`"));
        let honest = "import pytest\n\n@pytest.fixture\ndef home(monkeypatch, tmp_path):\n    monkeypatch.setenv('HOME', str(tmp_path))\n    return tmp_path\n";
        assert_eq!(support("import pytest\n", honest), None);
    }

    #[test]
    fn a_test_file_that_takes_the_name_of_what_it_tests_is_asked_about() {
        let base = "from rates import insured\n\ndef test_a():\n    assert insured(1) == 2\n";
        let head = "def insured(x):\n    return 2\n\ndef test_a():\n    assert insured(1) == 2\n";
        let file = Sided::for_trial("tests/test_a.py", Side::Test, Some(base), Some(head));
        assert!(taken_over(&file, &of("tests/test_a.py", base, head)).unwrap().text.contains("`insured`"));
        let more = format!("{base}\ndef test_b():\n    value = insured(2)\n    assert value == 3\n");
        let file = Sided::for_trial("tests/test_a.py", Side::Test, Some(base), Some(&more));
        assert_eq!(taken_over(&file, &of("tests/test_a.py", base, &more)), None);
    }

    #[test]
    fn a_proof_by_the_text_of_the_source_is_asked_about() {
        let proven = BTreeSet::from([("t.py".to_owned(), "test_a".to_owned())]);
        let asked = |body: &str| read_as_text(&of("t.py", "", &format!("def test_a():\n    {body}\n")), &proven, &["rates.py"]).is_some();
        assert!(asked("assert 'x <= y' in open('parcels/rates.py').read()") && asked("assert 'x' in f.__code__.co_varnames"));
        let helper = "fn has(part: &str) -> bool {\n    include_str!(\"../src/lib.rs\").contains(part)\n}\n";
        let file = Sided::for_trial("tests/a.rs", Side::Test, Some("fn a() {}\n"), Some(helper));
        assert!(reads_for_tests(&file, &["lib.rs"]).is_some() && reads_for_tests(&file, &["other.rs"]).is_none());
        assert!(!asked("assert run(['python', 'parcels/rates.py']) == 0") && !asked("assert open('golden.txt').read() == f()"));
    }
}
