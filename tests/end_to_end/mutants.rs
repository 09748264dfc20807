//! Small faults in the changed lines of verified work, and the ledger of flaky tests, as a user asks for them.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use loom_agent::queue::{Owner, Queue};
use loom_agent::task::Sighting;

use crate::loom::{Loom, commit_all};
use crate::scene::repository;
use crate::verify::{branch, git};

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
    write(&repository(&loom), &[
        ("package.json", r#"{"name": "clamp", "scripts": {"test": "node --test test/"}}"#),
        ("clamp.mjs", SOURCE),
        ("test/clamp.test.mjs", TESTS),
    ]);
    commit_all(&repository(&loom));
    let main = git(&loom, &["rev-parse", "--abbrev-ref", "HEAD"]);
    branch(&loom, "fix", &[("clamp.mjs", FIXED), ("test/clamp.test.mjs", &tested)]);
    let place = repository(&loom);
    let at = |words: &[&str]| {
        let all: Vec<&str> = ["verify", "--repo", place.to_str().unwrap(), "--base", &main, "--head", "fix"].into_iter().chain(words.iter().copied()).collect();
        loom.run(&all)
    };
    let plain = at(&["--json"]);
    assert!(plain.status.success(), "{plain:?}");
    assert!(!String::from_utf8_lossy(&plain.stdout).contains("\"mutants\":{"), "only when asked for");
    let told = at(&["--mutants"]);
    let text = String::from_utf8(told.stdout.clone()).unwrap();
    assert!(told.status.success() && text.starts_with("verified"), "{told:?}");
    assert!(text.contains("no test notices clamp.mjs:2 `>` -> `>=`"), "{text}");
    assert!(!text.contains("clamp.mjs:5 "), "the tests do look at the result: {text}");
}

#[test]
fn known_flakes_are_shown_and_forgotten() {
    let loom = Loom::new();
    let none = loom.run(&["flakes"]);
    assert!(String::from_utf8_lossy(&none.stdout).starts_with("No flaky tests are known."), "{none:?}");
    let queue = loom.home().join(".local/state/loom/queue.sqlite");
    let queue = Queue::open_as(&queue, Owner::this_process(), Arc::new(Timestamp::now)).unwrap();
    let seen = |test: &str| Sighting { suite: "pytest".into(), test: test.into(), condition: "alone".into() };
    queue.saw_flakes("acme/widget", &[seen("tests/test_a.py::test_clock"), seen("tests/test_a.py::test_port")]).unwrap();
    let shown = loom.run(&["flakes", "--repo", "Acme/Widget"]);
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(text.contains("acme/widget\n") && text.contains("tests/test_a.py::test_clock"), "{text}");
    let forgotten = loom.run(&["flakes", "forget", "tests/test_a.py::test_clock", "--repo", "acme/widget"]);
    assert!(forgotten.status.success(), "{forgotten:?}");
    let json = loom.run(&["flakes", "--json"]);
    let value: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(value["flakes"].as_array().unwrap().len(), 1);
    assert_eq!(value["flakes"][0]["test"], "tests/test_a.py::test_port");
    let absent = loom.run(&["flakes", "forget", "nothing"]);
    assert_eq!(absent.status.code(), Some(13), "{absent:?}");
    assert_eq!(loom.run(&["flakes", "--repo", "widget"]).status.code(), Some(2));
}
