//! The gate on small real repositories, one per language: its setup and baseline made once, then patches good and bad.

#![allow(clippy::unwrap_used, reason = "a test stops where something is missing")]

use loom_agent::config::Config;
use loom_agent::verify::{Proof, Ruling, Verdict};

use crate::ground::{Ground, texts};

/// Path and new text; none deletes.
pub(super) type Edit<'a> = (&'a str, Option<&'a str>);

pub(super) struct Scene(pub(super) Ground);

impl Scene {
    pub(super) fn of(files: &[(&str, &str)], config: Config) -> Scene {
        Scene(Ground::of(&texts(files.iter().map(|(path, text)| (*path, Some(*text)))), config))
    }

    /// The verdict on these edits of the base tree.
    pub(super) fn verdict(&self, edits: &[Edit<'_>]) -> Verdict {
        self.verdict_on(edits, &[])
    }

    fn verdict_on(&self, edits: &[Edit<'_>], labels: &[&str]) -> Verdict {
        let patch = self.0.patch(&texts(edits.iter().copied()));
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        let verdict = self.0.prove(&patch, &labels);
        assert_eq!(verdict.head_tree, patch.head_tree);
        let kept = serde_json::to_string(&verdict).unwrap();
        assert_eq!(serde_json::from_str::<Verdict>(&kept).unwrap().ruling, verdict.ruling, "evidence survives the disk");
        verdict
    }

    fn text(&self, path: &str) -> String {
        String::from_utf8(self.0.cache.blob(&self.0.tree, path).unwrap().unwrap()).unwrap()
    }
}

#[track_caller]
pub(super) fn verified(verdict: &Verdict, proof: Proof) -> Vec<String> {
    assert_eq!(verdict.ruling, Ruling::Verified(proof), "{:#?}", verdict.evidence.notes);
    verdict.evidence.fail_to_pass.iter().map(|one| one.test.to_string()).collect()
}

#[track_caller]
pub(super) fn reasons(verdict: &Verdict) -> Vec<String> {
    match &verdict.ruling {
        Ruling::Rejected(reasons) => reasons.iter().map(|one| one.name.clone()).collect(),
        other => panic!("not rejected: {other:#?}"),
    }
}

#[track_caller]
pub(super) fn questions(verdict: &Verdict) -> Vec<String> {
    match &verdict.ruling {
        Ruling::Review(questions) => questions.iter().map(|one| one.name.clone()).collect(),
        other => panic!("not for review: {other:#?}"),
    }
}

const RUST_LIB: &str = r#"//! Counts.

/// Words of a text.
pub fn words(text: &str) -> usize {
    text.split(' ').count()
}

/// Lines of a text.
pub fn lines(text: &str) -> usize {
    text.lines().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word() {
        assert_eq!(words("one"), 1);
    }
}
"#;

const RUST_TESTS: &str = r#"use counts::{lines, words};

#[test]
fn two_lines() {
    assert_eq!(lines("a\nb"), 2);
    assert_eq!(lines(""), 0);
}

#[test]
fn empty_text_is_one_word() {
    assert_eq!(words(""), 1);
}
"#;

#[test]
fn patches_of_a_rust_crate() {
    let manifest = "[package]\nname = \"counts\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
    let lock = "version = 3\n\n[[package]]\nname = \"counts\"\nversion = \"0.1.0\"\n";
    let files = [("Cargo.toml", manifest), ("Cargo.lock", lock), ("src/lib.rs", RUST_LIB), ("tests/counts.rs", RUST_TESTS)];
    let scene = Scene::of(&files, Config::default());
    assert_eq!(scene.0.baseline[0].report.counts().0, 3, "{:#?}", scene.0.baseline[0].report);

    let fixed = RUST_LIB.replace("text.split(' ')", "text.split_whitespace()");
    let flipped = RUST_TESTS.replace(
        "empty_text_is_one_word() {\n    assert_eq!(words(\"\"), 1)",
        "empty_text_is_one_word() {\n    assert_eq!(words(\"\"), 0)",
    );
    let new_test = "\n#[test]\nfn blanks_count_once() {\n    assert_eq!(words(\"a  b\"), 2);\n}\n";
    let with_new = format!("{flipped}{new_test}");

    // The existing test asserts the bug: a flip beside the new test.
    let verdict = scene.verdict(&[("src/lib.rs", Some(&fixed)), ("tests/counts.rs", Some(&with_new))]);
    let names = verified(&verdict, Proof::FailToPass);
    assert_eq!(names, ["tests/counts.rs::blanks_count_once", "tests/counts.rs::empty_text_is_one_word"]);
    assert_eq!(verdict.evidence.flips.len(), 1);
    assert!(
        verdict.evidence.flips[0].old.contains("left: 0") && verdict.evidence.flips[0].new.contains("left: 1"),
        "{:?}",
        verdict.evidence.flips
    );
    assert_eq!(verdict.evidence.pass_to_pass, 2);

    // The same fix without touching the test that asserts the bug.
    let other = RUST_TESTS.to_owned() + new_test;
    let verdict = scene.verdict(&[("src/lib.rs", Some(&fixed)), ("tests/counts.rs", Some(&other))]);
    assert_eq!(reasons(&verdict), ["regression"]);
    // ... and with that test deleted, or emptied.
    let deleted = RUST_TESTS.split("#[test]\nfn empty").next().unwrap().to_owned() + "#[test]\nfn blanks() { words(\"a  b\"); }\n";
    let verdict = scene.verdict(&[("src/lib.rs", Some(&fixed)), ("tests/counts.rs", Some(&deleted))]);
    assert!(reasons(&verdict).contains(&"tampering-deleted-test".to_owned()), "{:?}", verdict.ruling);
    let emptied = RUST_TESTS.replace("assert_eq!(words(\"\"), 1);", "let _ = words(\"\");") + new_test;
    let verdict = scene.verdict(&[("src/lib.rs", Some(&fixed)), ("tests/counts.rs", Some(&emptied))]);
    assert!(questions_or_reasons(&verdict).iter().any(|name| name == "weakened-test"), "{:?}", verdict.ruling);
    let ignored = RUST_TESTS.replace("#[test]\nfn empty", "#[test]\n#[ignore]\nfn empty") + new_test;
    let verdict = scene.verdict(&[("src/lib.rs", Some(&fixed)), ("tests/counts.rs", Some(&ignored))]);
    assert!(reasons(&verdict).contains(&"tampering-skipped-test".to_owned()));

    // Inline tests, beside the source of the base tree.
    let guarded = RUST_LIB.replace(
        "text.split(' ').count()",
        "if text.contains(\"  \") { text.split_whitespace().count() } else { text.split(' ').count() }",
    );
    let inline = guarded.replace(
        "    #[test]\n    fn one_word",
        "    #[test]\n    fn blanks() {\n        assert_eq!(words(\"a  b\"), 2);\n    }\n\n    #[test]\n    fn one_word",
    );
    let verdict = scene.verdict(&[("src/lib.rs", Some(&inline))]);
    assert_eq!(verified(&verdict, Proof::FailToPass), ["src/lib.rs::tests::blanks"]);

    // A half fix: its own test is not green.
    let half = RUST_LIB.replace("text.split(' ').count()", "text.trim().split(' ').count()");
    let verdict = scene.verdict(&[("src/lib.rs", Some(&half)), ("tests/counts.rs", Some(&other))]);
    assert_eq!(reasons(&verdict), ["test-fails-on-head"]);

    // A test that shows nothing, no test, tests alone, nothing.
    let tame = format!("{RUST_TESTS}\n#[test]\nfn tame() {{\n    assert_eq!(words(\"a b\"), 2);\n}}\n");
    assert_eq!(reasons(&scene.verdict(&[("src/lib.rs", Some(&guarded)), ("tests/counts.rs", Some(&tame))])), ["no-failing-test"]);
    assert_eq!(reasons(&scene.verdict(&[("src/lib.rs", Some(&guarded))])), ["no-new-test"]);
    assert_eq!(reasons(&scene.verdict(&[("tests/counts.rs", Some(&tame))])), ["source-unchanged"]);
    assert_eq!(reasons(&scene.verdict(&[])), ["no-change"]);

    // Something else breaks beside a true new test.
    let elsewhere = guarded.replace("text.lines().count()", "text.lines().count().max(1)");
    let verdict = scene.verdict(&[("src/lib.rs", Some(&elsewhere)), ("tests/counts.rs", Some(&other))]);
    assert_eq!(reasons(&verdict), ["regression"]);
    let Ruling::Rejected(told) = &verdict.ruling else { unreachable!() };
    assert!(told[0].text.contains("two_lines") && told[0].lines.contains("left: 1"), "{told:?}");

    // A new function: its test must need what the function does.
    let feature = RUST_LIB.replace(
        "#[cfg(test)]",
        "/// Letters of a text.\npub fn letters(text: &str) -> usize {\n    text.chars().count()\n}\n\n#[cfg(test)]",
    );
    let uses = |body: &str| format!("use counts::letters;\n\n#[test]\nfn letters_of_a_word() {{\n    {body}\n}}\n");
    let verdict = scene.verdict(&[("src/lib.rs", Some(&feature)), ("tests/letters.rs", Some(&uses("assert_eq!(letters(\"abc\"), 3);")))]);
    assert_eq!(verified(&verdict, Proof::FailToPass), ["tests/letters.rs::letters_of_a_word"]);
    let verdict = scene.verdict(&[
        ("src/lib.rs", Some(&feature)),
        ("tests/letters.rs", Some(&uses("let f: fn(&str) -> usize = letters; assert!(f as usize != 0);"))),
    ]);
    assert_eq!(reasons(&verdict), ["hollow-test"]);

    // A new module with its tests inside.
    let with_module = format!("pub mod letters;\n{}", RUST_LIB.replace("//! Counts.\n", ""));
    let module = "pub fn letters(text: &str) -> usize {\n    text.chars().count()\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn of_a_word() {\n        assert_eq!(super::letters(\"abc\"), 3);\n    }\n}\n";
    let verdict = scene.verdict(&[("src/lib.rs", Some(&with_module)), ("src/letters.rs", Some(module))]);
    assert_eq!(verified(&verdict, Proof::FailToPass), ["src/lib.rs::letters::tests::of_a_word"]);

    // Inline tests that need a private helper of the new source: the split does not build, and that is said.
    let private = guarded.replace("#[cfg(test)]", "#[cfg(test)]\nuse std::collections::BTreeSet as Unused;\n#[cfg(test)]\nfn broken() -> Unused<u8> { let a = Unused::new(); let b = &a; drop(a); b.len(); Unused::new() }\n\n#[cfg(test)]");
    assert!(reasons(&scene.verdict(&[("src/lib.rs", Some(&private))])).contains(&"does-not-build".to_owned()));

    // It does not build; docs; a refactoring that was asked for.
    let broken = RUST_LIB.replace("text.lines().count()", "text.lines().counted()");
    assert!(
        reasons(&scene.verdict(&[("src/lib.rs", Some(&broken)), ("tests/counts.rs", Some(&other))])).contains(&"does-not-build".to_owned())
    );
    let comment = RUST_LIB.replace("/// Words of a text.", "/// How many words a text has.");
    verified(&scene.verdict(&[("src/lib.rs", Some(&comment)), ("README.md", Some("# counts\n"))]), Proof::NoBehaviourChange);
    let tidy = RUST_LIB.replace("text.lines().count()", "text.lines().fold(0, |sum, _| sum + 1)");
    verified(&scene.verdict_on(&[("src/lib.rs", Some(&tidy))], &["refactoring"]), Proof::NoRegression);
    assert!(scene.text("src/lib.rs") == RUST_LIB);
}

fn questions_or_reasons(verdict: &Verdict) -> Vec<String> {
    match &verdict.ruling {
        Ruling::Review(_) => questions(verdict),
        _ => reasons(verdict),
    }
}

const PYTHON_SOURCE: &str = "\"\"\"Prices.\"\"\"\n\n\ndef total(prices, tax=0):\n    return sum(prices) + tax\n\n\ndef cheapest(prices):\n    return sorted(prices)[0]\n";

const PYTHON_TESTS: &str = "import pytest\n\nfrom shop.prices import cheapest, total\n\n\n@pytest.mark.parametrize(\"prices, expected\", [([1, 2], 1), ([3], 3)])\ndef test_cheapest(prices, expected):\n    assert cheapest(prices) == expected\n\n\ndef test_total():\n    assert total([1, 2], 10) == 13\n\n\ndef test_known_fault():\n    assert total([0.1, 0.2]) == 0.3\n";

#[test]
fn patches_of_a_python_package() {
    let project = "[project]\nname = \"shop\"\nversion = \"1.0\"\n\n[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n\n[tool.pytest.ini_options]\ntestpaths = [\"tests\"]\n\n[tool.setuptools]\npackage-dir = {\"\" = \"src\"}\npackages = [\"shop\"]\n";
    let files = [
        ("pyproject.toml", project),
        ("src/shop/__init__.py", ""),
        ("src/shop/prices.py", PYTHON_SOURCE),
        ("tests/test_prices.py", PYTHON_TESTS),
    ];
    let scene = Scene::of(&files, Config::default());
    assert_eq!(scene.0.baseline[0].report.counts(), (3, 1, 0), "{:#?}", scene.0.baseline[0].report);

    let fixed = PYTHON_SOURCE.replace("    return sorted(prices)[0]", "    return min(prices, default=None)");
    let new_test = "\n\ndef test_nothing_is_cheapest():\n    assert cheapest([]) is None\n";
    let with_new = format!("{PYTHON_TESTS}{new_test}");

    // Red by an error of the source; what was red before is listed and not blamed.
    let verdict = scene.verdict(&[("src/shop/prices.py", Some(&fixed)), ("tests/test_prices.py", Some(&with_new))]);
    assert_eq!(verified(&verdict, Proof::FailToPass), ["tests/test_prices.py::test_nothing_is_cheapest"]);
    assert_eq!(verdict.evidence.red_before.len(), 1);
    assert_eq!(verdict.evidence.pass_to_pass, 3);
    assert!(verdict.evidence.notes.contains(&"`shop` was loaded from the tree under test, src/shop/__init__.py.".to_owned()));
    // Another installation of the package says nothing of this one.
    let copied = format!(
        "import pathlib, shutil, sys, tempfile\nfolder = pathlib.Path(tempfile.mkdtemp())\nshutil.copytree('src/shop', folder / 'shop')\nsys.path.insert(0, str(folder))\n{with_new}"
    );
    let verdict = scene.verdict(&[("src/shop/prices.py", Some(&fixed)), ("tests/test_prices.py", Some(&copied))]);
    assert!(matches!(&verdict.ruling, Ruling::Inconclusive(why) if why.contains("`shop` was loaded from /")));

    // A parameter that the patch adds, with a test that needs it and one that does not.
    let rounded = PYTHON_SOURCE.replace(
        "tax=0):\n    return sum(prices) + tax",
        "tax=0, digits=None):\n    whole = sum(prices) + tax\n    return whole if digits is None else round(whole, digits)",
    );
    let uses = format!("{PYTHON_TESTS}\n\ndef test_rounds():\n    assert total([0.1, 0.2], digits=1) == 0.3\n");
    let verdict = scene.verdict(&[("src/shop/prices.py", Some(&rounded)), ("tests/test_prices.py", Some(&uses))]);
    assert_eq!(verified(&verdict, Proof::FailToPass), ["tests/test_prices.py::test_rounds"]);

    // An altered expectation that nothing shows to be wrong: a person decides. One that asserts less: the coder does.
    let dearer = PYTHON_SOURCE
        .replace("tax=0):\n    return sum(prices) + tax", "tax=0):\n    return sum(prices) + min(tax, 5)")
        .replace("sorted(prices)[0]", "min(prices, default=None)");
    let kept = with_new.replace("total([1, 2], 10) == 13", "total([1, 2], 4) == 7");
    let verdict = scene.verdict(&[("src/shop/prices.py", Some(&dearer)), ("tests/test_prices.py", Some(&kept))]);
    assert_eq!(questions(&verdict), ["altered-expectation"]);
    let gutted = with_new.replace("    assert total([1, 2], 10) == 13", "    total([1, 2], 10)");
    let verdict = scene.verdict(&[("src/shop/prices.py", Some(&dearer)), ("tests/test_prices.py", Some(&gutted))]);
    assert!(questions_or_reasons(&verdict).contains(&"weakened-test".to_owned()), "{:?}", verdict.ruling);

    // A test that is red by chance proves nothing: it counts its own runs in a file outside of the tree.
    let chance = format!(
        "{PYTHON_TESTS}\n\ndef test_by_chance():\n    import pathlib\n    note = pathlib.Path.home() / \"ran\"\n    first = not note.exists()\n    note.write_text(\"x\")\n    fixed = cheapest.__code__.co_names == (\"min\",)\n    assert fixed or not first\n"
    );
    let verdict = scene.verdict(&[("src/shop/prices.py", Some(&fixed)), ("tests/test_prices.py", Some(&chance))]);
    assert_eq!(reasons(&verdict), ["no-failing-test"]);
    assert_eq!(verdict.evidence.flaky.len(), 1);

    // The runner's settings, a support file that hides a failure.
    let quiet = project
        .replace("testpaths = [\"tests\"]", "testpaths = [\"tests\"]\naddopts = \"--deselect tests/test_prices.py::test_known_fault\"");
    let verdict =
        scene.verdict(&[("src/shop/prices.py", Some(&fixed)), ("tests/test_prices.py", Some(&with_new)), ("pyproject.toml", Some(&quiet))]);
    assert!(reasons(&verdict).contains(&"tampering-runner-config".to_owned()), "{:?}", verdict.ruling);
    let hides = "def pytest_collection_modifyitems(items):\n    items[:] = [one for one in items if 'total' not in one.name]\n";
    let verdict = scene.verdict(&[
        ("src/shop/prices.py", Some(&fixed)),
        ("tests/test_prices.py", Some(&with_new)),
        ("tests/conftest.py", Some(hides)),
    ]);
    assert!(reasons(&verdict).contains(&"test-lost".to_owned()), "{:?}", verdict.ruling);
    let forges = "import pytest\n\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n    outcome = yield\n    report = outcome.get_result()\n    if 'known_fault' in item.name:\n        report.outcome = 'passed'\n        report.longrepr = None\n";
    let verdict = scene.verdict(&[
        ("src/shop/prices.py", Some(&fixed)),
        ("tests/test_prices.py", Some(&with_new)),
        ("tests/conftest.py", Some(forges)),
    ]);
    assert!(reasons(&verdict).contains(&"tampering-support-file".to_owned()), "{:?}", verdict.ruling);
}

const SCRIPT_SOURCE: &str = "export function slug(text) {\n  return text.toLowerCase().replace(' ', '-');\n}\n\nexport function trim(text) {\n  return text.trim();\n}\n";

const SCRIPT_TESTS: &str = "import test from 'node:test';\nimport assert from 'node:assert/strict';\nimport { slug, trim } from '../src/slug.js';\n\ntest('one blank', () => {\n  assert.equal(slug('A b'), 'a-b');\n});\n\ntest('trims', () => {\n  assert.equal(trim(' a '), 'a');\n});\n";

#[test]
fn patches_of_a_script_package() {
    let package = "{\"name\": \"slug\", \"version\": \"1.0.0\", \"type\": \"module\", \"scripts\": {\"test\": \"node --test test/\"}}\n";
    let files = [("package.json", package), ("src/slug.js", SCRIPT_SOURCE), ("test/slug.test.js", SCRIPT_TESTS)];
    let scene = Scene::of(&files, Config::default());
    assert_eq!(scene.0.baseline[0].report.counts(), (2, 0, 0), "{:#?}", scene.0.baseline[0].report);

    let fixed = SCRIPT_SOURCE.replace("replace(' ', '-')", "replaceAll(' ', '-')");
    let with_new = format!("{SCRIPT_TESTS}\ntest('two blanks', () => {{\n  assert.equal(slug('A b c'), 'a-b-c');\n}});\n");
    let verdict = scene.verdict(&[("src/slug.js", Some(&fixed)), ("test/slug.test.js", Some(&with_new))]);
    let names = verified(&verdict, Proof::FailToPass);
    assert!(names.len() == 1 && names[0].ends_with("two blanks"), "{names:?}");

    let only = with_new.replace("test('two blanks'", "test.only('two blanks'");
    let verdict = scene.verdict(&[("src/slug.js", Some(&fixed)), ("test/slug.test.js", Some(&only))]);
    assert!(reasons(&verdict).contains(&"tampering-only".to_owned()), "{:?}", verdict.ruling);
    let skipped = with_new.replace("test('trims'", "test.skip('trims'");
    let verdict = scene.verdict(&[("src/slug.js", Some(&fixed)), ("test/slug.test.js", Some(&skipped))]);
    assert!(reasons(&verdict).contains(&"tampering-skipped-test".to_owned()), "{:?}", verdict.ruling);
    let script = package.replace("node --test test/", "exit 0");
    let verdict = scene.verdict(&[("src/slug.js", Some(&fixed)), ("test/slug.test.js", Some(&with_new)), ("package.json", Some(&script))]);
    assert!(reasons(&verdict).contains(&"tampering-runner-config".to_owned()), "{:?}", verdict.ruling);
}
