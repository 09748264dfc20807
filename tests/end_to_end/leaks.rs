//! Repositories whose installation or build leads back to the tree it was made in: a proof that runs them in four folders
//! silently tests the wrong source. Each is judged with a fix, and with a patch whose source stays as it was.

use serde_json::{Value, json};

use crate::loom::{Ended, Loom, commit_all};
use crate::scene::repository;
use crate::verify::{branch, git};

/// A repository of these files.
fn repository_of(files: &[(&str, &str)]) -> Loom {
    let loom = Loom::new();
    for (path, text) in files {
        let path = repository(&loom).join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    commit_all(&repository(&loom));
    loom
}

fn judged(loom: &Loom, head: &str) -> Ended {
    loom.run(&["verify", "--repo", "repository", "--base", "main", "--head", head, "--json"])
}

/// The fix is verified by this test, and the same tests beside an unchanged source are not.
#[track_caller]
fn is_proved_from_its_own_source(loom: &Loom, source: (&str, &str, &str), tests: (&str, &str), test: &str) -> Value {
    let (path, fixed, unchanged) = source;
    branch(loom, "fix", &[(path, fixed), tests]);
    git(loom, &["checkout", "--quiet", "main"]);
    branch(loom, "idle", &[(path, unchanged), tests]);
    let verified = judged(loom, "fix").exits(0).json();
    assert_eq!((&verified["ruling"], &verified["proof"]), (&json!("verified"), &json!("fail-to-pass")), "{verified:#}");
    assert_eq!(verified["fail_to_pass"][0]["test"], test, "{verified:#}");
    let idle = judged(loom, "idle").exits(11).json();
    assert_eq!(idle["ruling"], "rejected", "{idle:#}");
    assert_eq!(idle["reasons"][0]["name"], "test-fails-on-head", "{idle:#}");
    verified
}

const PROJECT: &str =
    "[project]\nname = \"calc\"\nversion = \"1\"\n[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n";
/// Asks a Python of its own, in another folder, which the installation alone leads to the package.
const ELSEWHERE: &str = "import subprocess, sys, tempfile, unittest\n\ndef told(what):\n    return int(subprocess.check_output([sys.executable, '-c', 'import calc; print(%s)' % what], cwd=tempfile.gettempdir()))\n\nclass Calc(unittest.TestCase):\n    def test_one(self):\n        self.assertEqual(told('calc.double(1)'), 2)\n";
const ELSEWHERE_MORE: &str = "\n    def test_more(self):\n        self.assertEqual(told('calc.double(3)'), 6)\n";

fn editable(package: &str) {
    let wrong = "def double(n):\n    return n + 1\n";
    let files = [("pyproject.toml", PROJECT), (package, wrong), ("tests/__init__.py", ""), ("tests/test_calc.py", ELSEWHERE)];
    let loom = repository_of(&files);
    let tests = format!("{ELSEWHERE}{ELSEWHERE_MORE}");
    let source = (package, "def double(n):\n    return n * 2\n", "def double(n):\n    return 1 + n\n");
    is_proved_from_its_own_source(&loom, source, ("tests/test_calc.py", &tests), "tests/test_calc.py::Calc::test_more");
}

#[test]
fn an_editable_install_of_a_flat_package() {
    editable("calc/__init__.py");
}

#[test]
fn an_editable_install_of_a_src_layout() {
    editable("src/calc/__init__.py");
}

const CORE_TEST: &str = "const test = require('node:test'), assert = require('node:assert');\nconst { double } = require('@acme/core');\ntest('one', () => assert.equal(double(1), 2));\n";
const CORE_MORE: &str = "test('more', () => assert.equal(double(3), 6));\n";
const CORE: [&str; 3] = ["exports.double = (n) => n + 1;\n", "exports.double = (n) => n * 2;\n", "exports.double = (n) => 1 + n;\n"];
const CORE_MANIFEST: (&str, &str) = ("packages/core/package.json", r#"{"name": "@acme/core", "version": "1.0.0", "main": "index.js"}"#);

#[test]
fn a_linked_package_of_a_workspace() {
    let app = r#"{"name": "@acme/app", "version": "1.0.0", "scripts": {"test": "node --test"}, "dependencies": {"@acme/core": "1.0.0"}}"#;
    let loom = repository_of(&[
        ("package.json", r#"{"name": "all", "private": true, "workspaces": ["packages/*"]}"#),
        CORE_MANIFEST,
        ("packages/core/index.js", CORE[0]),
        ("packages/app/package.json", app),
        ("packages/app/test/app.test.js", CORE_TEST),
    ]);
    let tests = format!("{CORE_TEST}{CORE_MORE}");
    let source = ("packages/core/index.js", CORE[1], CORE[2]);
    let test = "packages/app/test/app.test.js::more";
    let verified = is_proved_from_its_own_source(&loom, source, ("packages/app/test/app.test.js", &tests), test);
    let told = "`packages/core/` was loaded from the tree under test, packages/core/index.js.";
    assert!(verified.to_string().contains(told), "{verified:#}");
}

#[test]
fn a_package_that_the_installation_copied_proves_nothing() {
    let loom = repository_of(&[
        (
            "package.json",
            r#"{"name": "all", "private": true, "scripts": {"test": "node --test test/"}, "dependencies": {"@acme/core": "file:packages/core"}}"#,
        ),
        (".npmrc", "install-links=true\n"),
        CORE_MANIFEST,
        ("packages/core/index.js", CORE[0]),
        ("test/core.test.js", CORE_TEST),
    ]);
    let tests = format!("{CORE_TEST}{CORE_MORE}");
    branch(&loom, "fix", &[("packages/core/index.js", CORE[1]), ("test/core.test.js", &tests)]);
    let unknown = judged(&loom, "fix").exits(12).json();
    let cause = unknown["cause"].as_str().unwrap();
    assert!(cause.contains("`packages/core/` was loaded from /node_modules/@acme/core/index.js"), "{unknown:#}");
}

#[test]
fn a_warm_build_whose_files_are_younger_than_the_source() {
    let lib = |body: &str| format!("pub fn double(n: u32) -> u32 {{\n    {body}\n}}\n");
    let test = "#[test]\nfn one() {\n    assert_eq!(calc::double(1), 2);\n}\n";
    let loom = repository_of(&[
        ("Cargo.toml", "[package]\nname = \"calc\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
        ("Cargo.lock", "version = 3\n\n[[package]]\nname = \"calc\"\nversion = \"0.1.0\"\n"),
        (".gitignore", "target\n"),
        ("src/lib.rs", &lib("n + 1")),
        ("tests/calc.rs", test),
    ]);
    let tests = format!("{test}#[test]\nfn more() {{\n    assert_eq!(calc::double(3), 6);\n}}\n");
    let (fixed, unchanged) = (lib("n * 2"), lib("1 + n"));
    let source = ("src/lib.rs", fixed.as_str(), unchanged.as_str());
    is_proved_from_its_own_source(&loom, source, ("tests/calc.rs", &tests), "tests/calc.rs::more");
}
