//! Tests that need what is not here: named for what they are, and never held against a patch.

use serde_json::{Value, json};

use crate::loom::{Loom, commit_all};
use crate::provider::{Provider, Reply, call, submit};
use crate::scene;

const STORE: &str = "import socket, unittest\n\nclass Store(unittest.TestCase):\n    def test_store(self):\n        with socket.create_connection((\"127.0.0.1\", 5432)) as there: self.assertTrue(there)\n";
const CALC: &str = "import unittest\nfrom calc import mean\n\nclass Mean(unittest.TestCase):\n    def test_whole(self): self.assertEqual(mean([2, 2]), 2)\n";

fn loom() -> Loom {
    let loom = Loom::new()
        .file("issue.md", "# mean drops the fraction\n\n`mean([1, 2])` gives 1 instead of 1.5.\n")
        .with("LOOM_API_KEY", "test-key")
        .file("repository/calc.py", "def mean(values):\n    return sum(values) // len(values)\n")
        .file("repository/test_calc.py", CALC)
        .file("repository/test_store.py", STORE);
    commit_all(&scene::repository(&loom));
    loom
}

/// A model that mends the source and puts this in front of an old test.
fn model(file: &'static str, old: &'static str, test: &'static str) -> Provider {
    Provider::answering(move |asked| -> Reply {
        match asked.turn {
            0 => call("edit", json!({"path": "calc.py", "old": "//", "new": "/"})),
            1 => call("edit", json!({"path": file, "old": old, "new": format!("{test}\n{old}")})),
            _ => submit(),
        }
    })
}

fn proposal(loom: &Loom, name: &str) -> String {
    std::fs::read_to_string(loom.home().join(".local/state/loom/tasks/1/proposal").join(name)).unwrap()
}

#[test]
fn old_tests_that_need_a_service_were_not_run() {
    let loom = loom();
    let test = "    def test_half(self): self.assertEqual(mean([1, 2]), 1.5)";
    scene::run(&loom, &model("test_calc.py", "    def test_whole", test), &[]).exits(0);
    let page = proposal(&loom, "pull-request.md");
    assert!(page.starts_with("**Verified: 1 test fails on the base source"), "{page}");
    assert!(page.contains("1 test was not run, with and without the patch: needs"), "{page}");
}

#[test]
fn a_new_test_that_needs_a_service_leaves_nothing_known_and_names_the_setting() {
    let loom = loom();
    let test = "    def test_other(self):\n        with socket.create_connection((\"127.0.0.1\", 5432)) as there: self.assertFalse(there)";
    let ended = scene::run(&loom, &model("test_store.py", "    def test_store", test), &[]).exits(12);
    assert!(ended.stderr.contains("which is new or changed in this patch, needs"), "{ended:#?}");
    let written: Value = serde_json::from_str(&proposal(&loom, "proposal.json")).unwrap();
    let cause = written.pointer("/content/proposal/verdict/ruling/because").unwrap().to_string();
    assert!(cause.contains("`sandbox.allow`"), "{cause}");
}
