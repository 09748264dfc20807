//! Small faults in the changed lines of verified work, and the ledger of flaky tests, as a user asks for them.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use loom_agent::queue::{Owner, Queue};
use loom_agent::task::Sighting;

use crate::loom::{Loom, commit_all};
use crate::scene::repository;
use crate::verify::branch;

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        std::fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
        std::fs::write(folder.join(path), text).unwrap();
    }
}

const SOURCE: &str = "export const clamp = (value, low, high) => Math.min(value, high);\n";
const FIXED: &str = "export const clamp = (value, low, high) => {\n  if (low > high) {\n    return low;\n  }\n  return Math.max(low, Math.min(value, high));\n};\n";
const TESTS: &str = "import { test } from 'node:test';\nimport assert from 'node:assert';\nimport { clamp } from '../clamp.mjs';\ntest('high', () => assert.equal(clamp(5, 0, 3), 3));\n";

#[test]
fn what_no_test_notices_is_told_with_its_line() {
    let loom = Loom::new();
    let tested = format!("{TESTS}test('low', () => assert.equal(clamp(-5, 0, 3), 0));\n");
    let place = repository(&loom);
    let package = r#"{"name": "clamp", "scripts": {"test": "node --test test/"}}"#;
    write(&place, &[("package.json", package), ("clamp.mjs", SOURCE), ("test/clamp.test.mjs", TESTS)]);
    commit_all(&place);
    branch(&loom, "fix", &[("clamp.mjs", FIXED), ("test/clamp.test.mjs", &tested)]);
    let words = ["verify", "--repo", place.to_str().unwrap(), "--base", "main", "--head", "fix"];
    let plain = loom.run(&[&words[..], &["--json"]].concat()).exits(0);
    assert!(!plain.stdout.contains("\"mutants\":{"), "only when asked for");
    let told = loom.run(&[&words[..], &["--mutants"]].concat()).exits(0).stdout;
    assert!(told.starts_with("verified"), "{told}");
    assert!(told.contains("No test notices when `>` becomes `>=` in clamp.mjs:2."), "{told}");
    assert!(!told.contains("clamp.mjs:5 "), "the tests do look at the result: {told}");
}

#[test]
fn known_flakes_are_shown_and_forgotten() {
    let loom = Loom::new();
    let none = loom.run(&["flakes"]).exits(0);
    assert!(none.stdout.starts_with("No flaky tests are known."), "{none:?}");
    let queue = Queue::open_as(&loom.queue(), Owner::this_process(), Arc::new(Timestamp::now)).unwrap();
    let seen = |test: &str| Sighting { suite: "pytest".into(), test: test.into(), condition: "alone".into() };
    queue.saw_flakes("acme/widget", &[seen("tests/test_a.py::test_clock"), seen("tests/test_a.py::test_port")]).unwrap();
    let shown = loom.run(&["flakes", "--repo", "Acme/Widget"]).exits(0).stdout;
    assert!(shown.contains("acme/widget\n") && shown.contains("tests/test_a.py::test_clock"), "{shown}");
    loom.run(&["flakes", "forget", "tests/test_a.py::test_clock", "--repo", "acme/widget"]).exits(0);
    let left = loom.run(&["flakes", "--json"]).exits(0).json();
    assert_eq!(left["flakes"].as_array().unwrap().len(), 1);
    assert_eq!(left["flakes"][0]["test"], "tests/test_a.py::test_port");
    loom.run(&["flakes", "forget", "nothing"]).exits(13).says("nothing is not among the flaky tests", "by its whole id");
    loom.run(&["flakes", "--repo", "widget"]).exits(2).says("widget is no repository", "owner/repo");
}
