//! How strictly a test asserts, beyond how often: which of its assertions surely run, how exact they compare, what it
//! replaces and how far it tolerates. Compared between two versions of one test; a person is asked about what is lost.
//! Pure, and the same for every language: by kinds of nodes that grammars share, and by words.

use std::collections::{BTreeMap, BTreeSet};

use tree_sitter::Node;

use super::Question;
use super::asserts::is_assertion;
use super::items::each;
use super::syntax::{Language, Walk, tokens_of, visit};
use super::tolerance::tolerances;

/// What one test function does with its assertions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Strength {
    /// Assertions that run whenever the test does.
    certain: usize,
    /// Assertions in all.
    all: usize,
    /// Comparisons with one value.
    exact: usize,
    /// Words that replace what is tested.
    replaced: BTreeMap<String, usize>,
    /// What it calls.
    called: BTreeSet<String>,
    /// What it gives a meaning of its own.
    defined: BTreeSet<String>,
    /// Values that a test which asserts in a loop is written with.
    rows: usize,
    /// How many tolerances, and their numbers.
    tolerances: Vec<f64>,
}

/// Every test function of a text by its names; of functions with the same names the last one, in order.
pub fn strengths(path: &str, text: &str) -> BTreeMap<String, Vec<Strength>> {
    let mut found: BTreeMap<String, Vec<Strength>> = BTreeMap::new();
    let Some(language) = Language::of(path) else { return found };
    each(path, text, |item, node| {
        if !item.group {
            found.entry(item.path()).or_default().push(strength(language, node, text));
        }
    });
    found
}

fn strength(language: Language, test: Node<'_>, text: &str) -> Strength {
    // A decorator stands around its function.
    let whole = test.parent().filter(|above| above.kind() == "decorated_definition").unwrap_or(test);
    let words = tokens_of(language, whole, text);
    // A condition in a decorator compares nothing that is tested.
    let own = tokens_of(language, test, text);
    let (called, defined) = called_and_defined(&words);
    let mut strength = Strength {
        called,
        defined,
        rows: rows(&words),
        exact: exact(&own),
        replaced: replaced(&words),
        tolerances: tolerances(&own),
        ..Strength::default()
    };
    visit(test, |node| {
        if is_assertion(language, node, text) {
            strength.all += 1;
            strength.certain += usize::from(surely_runs(test, node, text));
        }
        Walk::Into
    });
    strength
}

/// Whether nothing between a test and a node decides that it runs: a condition, a loop, something that catches what
/// fails, a function of its own, or a statement before it that leaves.
fn surely_runs(test: Node<'_>, node: Node<'_>, text: &str) -> bool {
    let mut functions = 0;
    let mut below = node;
    for above in std::iter::successors(node.parent(), Node::parent).take_while(|above| *above != test) {
        match above.kind() {
            kind if decides(kind) || kind == "with_statement" && swallows(above, text) => return false,
            // What a test framework is given to run is a function too: the outermost one of a call is the test's own.
            "function_definition" | "function_item" | "function_declaration" | "func_literal" | "closure_expression" => return false,
            kind if is_function_value(kind) => functions += 1,
            _ => {}
        }
        let sequence = above.kind().contains("block") || above.kind().contains("body");
        if sequence && above.named_children(&mut above.walk()).take_while(|one| *one != below).any(may_leave) {
            return false;
        }
        below = above;
    }
    // The test's own statements, where it is a function itself.
    let own = test.child_by_field_name("body").filter(|body| below == *body).is_some();
    functions <= 1 || own && functions == 0
}

/// Whether a context manager's name says that it keeps what fails to itself.
fn swallows(with: Node<'_>, text: &str) -> bool {
    let head = with.child_by_field_name("body").map_or(with.end_byte(), |body| body.start_byte());
    let head = text.get(with.start_byte()..head).unwrap_or_default().to_lowercase();
    ["suppress", "ignor", "swallow"].iter().any(|word| head.contains(word))
}

fn decides(kind: &str) -> bool {
    let parts = [
        "if_",
        "conditional",
        "ternary",
        "try_statement",
        "try_block",
        "for_",
        "while_",
        "loop_expression",
        "match_",
        "switch_",
        "case_",
        "catch",
        "except",
        "rescue",
    ];
    parts.iter().any(|part| kind.starts_with(part)) || matches!(kind, "if" | "unless" | "boolean_operator" | "else_clause" | "begin")
}

fn is_function_value(kind: &str) -> bool {
    matches!(
        kind,
        "arrow_function" | "function_expression" | "function" | "lambda" | "lambda_expression" | "anonymous_function" | "do_block"
    )
}

/// Whether a statement can end the function that it stands in.
fn may_leave(statement: Node<'_>) -> bool {
    let mut found = matches!(statement.kind(), "raise_statement" | "throw_statement");
    visit(statement, |node| {
        found |= matches!(node.kind(), "return_statement" | "return_expression" | "return" | "break_statement" | "continue_statement");
        let own = node.kind().contains("function") || is_function_value(node.kind()) || node.kind() == "closure_expression";
        if found || own { Walk::Past } else { Walk::Into }
    });
    found
}

/// Comparisons with one value, by operators and by the usual names of assertions.
fn exact(words: &[String]) -> usize {
    const WORDS: [&str; 27] = [
        "==",
        "===",
        "assert_eq",
        "assert_eq!",
        "assertEqual",
        "assertEquals",
        "assertSame",
        "assertIs",
        "assertDictEqual",
        "assertListEqual",
        "equal",
        "strictEqual",
        "deepEqual",
        "deepStrictEqual",
        "notDeepEqual",
        "toBe",
        "toEqual",
        "toStrictEqual",
        "same",
        "is",
        "eql",
        "eq",
        "assert_equal",
        "assert_same",
        "toMatchInlineSnapshot",
        "assertArrayEquals",
        "is_deeply",
    ];
    let next = |at: usize| words.get(at + 1).map(String::as_str);
    words.iter().enumerate().filter(|(at, word)| WORDS.contains(&word.as_str()) && !matches!(next(*at), Some("not" | "None"))).count()
}

/// Literals of a test that loops; none of one that does not.
fn rows(words: &[String]) -> usize {
    let loops = words.iter().any(|word| matches!(word.as_str(), "for" | "each" | "forEach" | "foreach" | "range"));
    let literal = |word: &&String| word.starts_with(|letter: char| letter.is_ascii_digit() || matches!(letter, '"' | '\'' | '`'));
    if loops { words.iter().filter(literal).count() } else { 0 }
}

/// What stands in for something else, by the names that mocks go by.
pub fn replaced(words: &[String]) -> BTreeMap<String, usize> {
    const WORDS: [&str; 27] = [
        "mock",
        "mocks",
        "Mock",
        "MagicMock",
        "AsyncMock",
        "patch",
        "monkeypatch",
        "setattr",
        "setitem",
        "globals",
        "spyOn",
        "stub",
        "sinon",
        "mockReturnValue",
        "mockImplementation",
        "mockResolvedValue",
        "doMock",
        "unstable_mockModule",
        "proxyquire",
        "rewire",
        "createMock",
        "createStub",
        "getMockBuilder",
        "Mockito",
        "mockStatic",
        "allow_any_instance_of",
        "and_return",
    ];
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    words.iter().filter(|word| WORDS.contains(&word.as_str())).for_each(|word| *found.entry(word.clone()).or_default() += 1);
    found
}

/// Names that a test calls, and names that it gives a meaning of its own.
pub fn called_and_defined(words: &[String]) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut called, mut defined) = (BTreeSet::new(), BTreeSet::new());
    for (at, word) in words.iter().enumerate().filter(|(_, word)| is_name(word)) {
        let before = at.checked_sub(1).map(|at| words[at].as_str());
        let next = words.get(at + 1).map(String::as_str);
        let before = if before == Some("!") { at.checked_sub(2).map(|at| words[at].as_str()) } else { before };
        let definition = matches!(before, Some("def" | "fn" | "function" | "macro_rules" | "macro_rules!"));
        if definition || next == Some("=") && !matches!(before, Some("." | "," | "(")) {
            defined.insert(word.clone());
        } else if next == Some("(") || next == Some("!") && matches!(words.get(at + 2).map(String::as_str), Some("(" | "[" | "{")) {
            called.insert(word.clone());
        }
    }
    (called, defined)
}

fn is_name(word: &str) -> bool {
    word.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
}

/// What a test lost of its strictness, as questions. A test that proves may well compare otherwise than before.
pub fn compared(path: &str, name: &str, old: &Strength, new: &Strength, proves: bool) -> Vec<Question> {
    let mut questions = Vec::new();
    let mut ask = |kind: &str, says: &str| {
        let text = format!("`{name}` in {path} {says} Does it still check what it did?");
        questions.push(Question { name: kind.into(), text, lines: String::new() });
    };
    if new.certain < old.certain && new.all - new.certain > old.all - old.certain {
        ask("guarded-assertions", "now asserts under a condition, in a loop, after it may have left, or where a failure is caught.");
    }
    let mocks =
        new.replaced.iter().filter(|(word, count)| old.replaced.get(*word).is_none_or(|before| before < count)).map(|(word, _)| word);
    let taken = new.defined.iter().filter(|name| old.called.contains(*name) && !old.defined.contains(*name));
    let more: Vec<String> = mocks.chain(taken).map(|word| format!("`{word}`")).collect();
    if !more.is_empty() {
        ask("mocked-unit", &format!("now replaces what it calls ({}).", more.join(", ")));
    }
    let wider =
        new.tolerances.len() > old.tolerances.len() || new.tolerances.len() == old.tolerances.len() && new.tolerances != old.tolerances;
    if wider {
        ask("wider-tolerance", "now tolerates more, or otherwise than before.");
    }
    if !proves && new.rows > 0 && new.rows < old.rows && new.all >= old.all {
        ask("fewer-cases", "goes over fewer values than before.");
    }
    if !proves && !wider && new.exact < old.exact && new.all >= old.all {
        ask("looser-comparison", "now compares less exactly than before.");
    }
    questions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(path: &str, old: &str, new: &str) -> Vec<String> {
        let one = |text: &str| strengths(path, text).into_values().next().unwrap().pop().unwrap();
        compared(path, "test_a", &one(old), &one(new), false).into_iter().map(|one| one.name).collect()
    }

    #[test]
    fn python_tests_that_say_less_are_asked_about() {
        let old = "def test_a():\n    assert f(1) == 600\n    assert f(0) == 500\n";
        for (new, name) in [
            ("def test_a():\n    if f(0) is None:\n        assert f(1) == 600\n        assert f(0) == 500\n", "guarded-assertions"),
            (
                "def test_a():\n    try:\n        assert f(1) == 600\n        assert f(0) == 500\n    except AssertionError:\n        pass\n",
                "guarded-assertions",
            ),
            (
                "def test_a():\n    with contextlib.suppress(Exception):\n        assert f(1) == 600\n    assert f(0) == 500\n",
                "guarded-assertions",
            ),
            ("def test_a():\n    return\n    assert f(1) == 600\n    assert f(0) == 500\n", "guarded-assertions"),
            ("def test_a():\n    def later():\n        assert f(1) == 600\n        assert f(0) == 500\n", "guarded-assertions"),
            ("def test_a():\n    for a, b in []:\n        assert f(a) == 600\n        assert f(b) == 500\n", "guarded-assertions"),
            ("@mock.patch('f', return_value=600)\ndef test_a(f):\n    assert f(1) == 600\n    assert f(0) == 500\n", "mocked-unit"),
            ("def test_a():\n    f = lambda x: 600\n    assert f(1) == 600\n    assert f(0) == 500\n", "mocked-unit"),
            ("def test_a():\n    assert f(1) == pytest.approx(600, abs=1000)\n    assert f(0) == 500\n", "wider-tolerance"),
            ("def test_a():\n    assert f(1) >= 500\n    assert f(0) == 500\n", "looser-comparison"),
            ("def test_a():\n    assert f(1) is not None\n    assert f(0) == 500\n", "looser-comparison"),
        ] {
            assert_eq!(asked("t.py", old, new), [name], "{new}");
        }
        let loops = "def test_a():\n    for a, b in [(1, 600), (0, 500)]:\n        assert f(a) == b\n";
        assert_eq!(asked("t.py", loops, &loops.replace("(1, 600), ", "")), ["fewer-cases"]);
        let wide = "def test_a():\n    assert f(1) == approx(600, abs=0.5)\n    assert f(0) == 500\n";
        assert_eq!(asked("t.py", wide, &wide.replace("0.5", "5000")), ["wider-tolerance"]);
    }

    #[test]
    fn tests_of_other_languages_too() {
        let rust = "#[test]\nfn a() { assert_eq!(f(1), 600); assert_eq!(f(0), 500); }";
        assert_eq!(
            asked("tests/a.rs", rust, &rust.replace("assert_eq!(f(1), 600);", "if false { assert_eq!(f(1), 600); }")),
            ["guarded-assertions"]
        );
        assert_eq!(asked("tests/a.rs", rust, &rust.replace("assert_eq!(f(1), 600);", "assert!(f(1) > 1);")), ["looser-comparison"]);
        assert_eq!(
            asked("tests/a.rs", rust, &rust.replace("{ assert_eq!(f(1)", "{ if f(0) == 500 { return; } assert_eq!(f(1)")),
            ["guarded-assertions"]
        );
        let script = "test('a', () => { assert.equal(f(1), 600); assert.equal(f(0), 500); });";
        assert_eq!(
            asked("a.test.js", script, &script.replace("assert.equal(f(1), 600);", "try { assert.equal(f(1), 600); } catch {}")),
            ["guarded-assertions"]
        );
        assert_eq!(asked("a.test.js", script, &script.replace("equal(f(1), 600)", "ok(f(1))")), ["looser-comparison"]);
        assert_eq!(
            asked(
                "a.test.js",
                script,
                &script.replace("() => { assert", "() => { const later = () => { assert").replace("500); }", "500); } }")
            ),
            ["guarded-assertions"]
        );
        assert_eq!(
            asked("a.test.js", script, &script.replace("{ assert.equal(f(1)", "{ return; assert.equal(f(1)")),
            ["guarded-assertions"]
        );
    }

    #[test]
    fn honest_changes_of_tests_are_not() {
        let skips = "@pytest.mark.skipif(platform.system() == \"Windows\", reason=\"no sed\")\ndef test_a():\n    assert f(1) == 600\n";
        assert_eq!(asked("t.py", skips, &skips.replace("platform.system() == \"Windows\"", "WIN")), [""; 0]);
        let old = "def test_a():\n    assert f(1) == 600\n    assert f(0) == 500\n";
        for new in [
            "def test_a():\n    assert f(1, old=True) == 600\n    assert f(0) == 500\n",
            "def test_a():\n    assert f(1) == 700\n    assert f(0) == 500\n    assert f(2) == 1\n",
            "def test_a(tmp_path):\n    with open(tmp_path / 'x') as file:\n        assert f(1) == 600\n        assert f(file) == 500\n",
        ] {
            assert_eq!(asked("t.py", old, new), [""; 0], "{new}");
        }
        let script = "describe('g', () => { it('a', async () => { expect(await f(1)).toBe(600); }); });";
        assert_eq!(asked("a.test.js", script, &script.replace("600", "700")), [""; 0]);
    }
}
