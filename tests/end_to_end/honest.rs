//! Honest fixes that a plain rule turns away: each is the shape of a fix that real projects merged.

#![allow(clippy::unwrap_used, reason = "a test stops where something is missing")]

use loom_agent::config::{Config, Span};
use loom_agent::verify::{Proof, Ruling};

use super::gate::{Scene, verified};

const PROJECT: &str = "[project]\nname = \"marks\"\nversion = \"1.0\"\n\n[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n\n[tool.pytest.ini_options]\ntestpaths = [\"tests\"]\n\n[tool.setuptools]\npackages = [\"marks\"]\n";

const MARKS: &str = "def render(text):\n    return text.replace(\"*\", \"<b>\")\n";

/// Rows of a data file, and a test that is slow where the machine is: red at first, green in any later run.
const ROWS: &str = "import pathlib\n\nimport pytest\n\nfrom marks import render\n\nROWS = (pathlib.Path(__file__).parent / \"fixtures\" / \"rows.txt\").read_text().splitlines()\n\n\n@pytest.mark.parametrize(\"row\", ROWS)\ndef test_row(row):\n    text, wanted = row.split(\" -> \")\n    assert render(text) == wanted\n\n\ndef test_in_time():\n    note = pathlib.Path.home() / \"ran\"\n    again = note.exists()\n    note.write_text(\"x\")\n    assert again or len(ROWS) > 1\n";

#[test]
fn fixes_of_a_python_package() {
    let files = [
        ("pyproject.toml", PROJECT),
        ("marks/__init__.py", MARKS),
        ("tests/test_rows.py", ROWS),
        ("tests/fixtures/rows.txt", "*a -> <b>a\n"),
    ];
    let scene = Scene::of(&files, Config::default());

    // Red by chance at the baseline and green beside the new data is no cover-up.
    let fixed = MARKS.replace("return text", "text = text.strip()\n    return text");
    let rows = "*a -> <b>a\n *b -> <b>b\n";
    let verdict = scene.verdict(&[("marks/__init__.py", Some(&fixed)), ("tests/fixtures/rows.txt", Some(rows))]);
    assert_eq!(verified(&verdict, Proof::FailToPass), ["tests/test_rows.py::test_row[ *b -> <b>b]"]);
    assert_eq!(verdict.evidence.flaky.len(), 1);
}

const SLUG: &str = "export function slug(text) {\n  return text.toLowerCase().replace(' ', '-');\n}\n";

const SLUG_TEST: &str = "import test from 'node:test';\nimport assert from 'node:assert/strict';\nimport { slug } from '../lib/slug.js';\n\ntest('one blank', () => {\n  assert.equal(slug('A b'), 'a-b');\n});\n";

#[test]
fn fixes_of_a_package_that_is_built_before_its_tests() {
    let package = r#"{"name": "slugs", "type": "module", "scripts": {"pretest": "npm run lint && npm run build", "lint": "eslint .",
        "build": "rimraf lib && node build.js", "test": "node --test --test-reporter=spec test/slug.test.js"}}"#;
    let build = "import { cpSync } from 'node:fs';\ncpSync('src', 'lib', { recursive: true });\n";
    let files = [("package.json", package), ("build.js", build), ("src/slug.js", SLUG), ("test/slug.test.js", SLUG_TEST)];
    let scene = Scene::of(&files, Config::default());
    let fixed = SLUG.replace("replace(' ', '-')", "replaceAll(' ', '-')");
    let with_new = format!("{SLUG_TEST}\ntest('two blanks', () => {{\n  assert.equal(slug('a b c'), 'a-b-c');\n}});\n");
    let verdict = scene.verdict(&[("src/slug.js", Some(&fixed)), ("test/slug.test.js", Some(&with_new))]);
    assert_eq!(verified(&verdict, Proof::FailToPass), ["test/slug.test.js::two blanks"]);
    assert!(verdict.evidence.not_verified.iter().any(|one| one.contains("`rimraf lib` does not run here")), "{:?}", verdict.evidence);

    // Tests that nothing here knows how to run are not the same as none.
    let files = [
        ("package.json", r#"{"scripts": {"test": "node test/run.js"}}"#),
        ("lib/a.js", "exports.a = 1;\n"),
        ("test/run.js", "require('../lib/a');\n"),
    ];
    let verdict = Scene::of(&files, Config::default()).verdict(&[("lib/a.js", Some("exports.a = 2;\n"))]);
    assert!(
        matches!(&verdict.ruling, Ruling::Inconclusive(why) if why.contains("`test/run.js`") && why.contains("test.command")),
        "{:?}",
        verdict.ruling
    );
}

#[test]
fn a_patch_whose_tests_are_of_two_languages() {
    let test = SLUG_TEST.replace("../lib/slug.js", "./slug.js");
    let old = "from marks import render\n\n\ndef test_star():\n    assert render(\"*a\") == \"<b>a\"\n";
    let files = [
        ("pyproject.toml", "[tool.pytest.ini_options]\npythonpath = [\".\"]\n"),
        ("marks.py", MARKS),
        ("tests/test_marks.py", old),
        ("package.json", r#"{"type": "module", "scripts": {"test": "node --test web/slug.test.js"}}"#),
        ("web/slug.js", SLUG),
        ("web/slug.test.js", &test),
    ];
    let scene = Scene::of(&files, Config::default());
    let verdict = scene.verdict(&[
        ("marks.py", Some(&MARKS.replace("return text", "text = text.strip()\n    return text"))),
        ("tests/test_marks.py", Some(&format!("{old}\n\ndef test_blanks():\n    assert render(\" *b\") == \"<b>b\"\n"))),
        ("web/slug.js", Some(&SLUG.replace("replace(' ', '-')", "replaceAll(' ', '-')"))),
        ("web/slug.test.js", Some(&format!("{test}\ntest('two blanks', () => {{\n  assert.equal(slug('a b c'), 'a-b-c');\n}});\n"))),
    ]);
    // Neither runner is told of the other's files: pytest would run nothing at all.
    assert_eq!(verified(&verdict, Proof::FailToPass), ["tests/test_marks.py::test_blanks", "web/slug.test.js::two blanks"]);
}

#[test]
fn a_suite_that_is_cut_off_on_both_sides_says_nothing() {
    // One command that prints everything cannot be run in parts; what it had no time for differs from run to run.
    let suite = "cat lib/order | while read -r name; do echo \"ok - $name\"; done; sleep 60\n";
    let files = [("lib/order", "one\ntwo\n"), ("lib/a.js", "exports.a = 1;\n"), ("test/run.sh", suite)];
    let mut config = Config::default();
    config.test.command = Some("sh test/run.sh".into());
    config.test.runner = Some("tap".into());
    config.test.timeout = Span::seconds(4);
    let scene = Scene::of(&files, config);
    let verdict = scene.verdict(&[("lib/order", Some("one\n")), ("lib/a.js", Some("exports.a = 2;\n"))]);
    assert!(matches!(&verdict.ruling, Ruling::Inconclusive(why) if why.contains("test.timeout")), "{:?}", verdict.ruling);
}
