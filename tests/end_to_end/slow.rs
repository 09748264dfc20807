//! A suite that takes far longer than there is time for: the patch's own tests always, the nearest ones within the
//! budget, and the count of the rest said aloud.

use serde_json::{Value, json};

use crate::loom::{Loom, commit_all};
use crate::provider::{Provider, Reply, call, submit};
use crate::scene;
use crate::verify::branch;

/// Test files beside the one that is about the bug.
const FILES: usize = 60;

/// Sixty test files that take almost half a second each, a limit of four seconds for one run, and little more for the proof.
fn slow() -> Loom {
    let slow = |n: usize| {
        format!(
            "import time, unittest\n\nclass Slow{n}(unittest.TestCase):\n    def test_one(self): time.sleep(0.4)\n    def test_two(self): pass\n"
        )
    };
    let mut loom = Loom::new()
        .file("issue.md", "# mean drops the fraction\n\n`mean([1, 2])` gives 1 instead of 1.5.\n")
        .with("LOOM_API_KEY", "test-key")
        .file("repository/calc.py", "def mean(values):\n    return sum(values) // len(values)\n")
        .file("repository/tests/__init__.py", "")
        .file("repository/tests/test_zz_calc.py", TESTS)
        .file("repository/loom.toml", "[test]\ncommand = \"python3 -m unittest\"\ntimeout = \"4s\"\n[gate]\nbudget = \"20s\"\n");
    for n in 0..FILES {
        loom = loom.file(&format!("repository/tests/test_{n:02}.py"), slow(n));
    }
    commit_all(&scene::repository(&loom));
    loom
}

const TESTS: &str = "import unittest\nfrom calc import mean\n\nclass Mean(unittest.TestCase):\n    def test_whole(self): self.assertEqual(mean([2, 2]), 2)\n";

/// A model that changes the source so, adds this test, and submits.
fn model(source: &'static str, test: &'static str) -> Provider {
    Provider::answering(move |asked| -> Reply {
        match asked.turn {
            0 => call("edit", json!({"path": "calc.py", "old": "//", "new": source})),
            1 => call(
                "edit",
                json!({"path": "tests/test_zz_calc.py", "old": "    def test_whole", "new": format!("    {test}\n    def test_whole")}),
            ),
            _ => submit(),
        }
    })
}

fn proposal(loom: &Loom) -> Value {
    let folder = loom.home().join(".local/state/loom/tasks/1/proposal");
    serde_json::from_slice(&std::fs::read(folder.join("proposal.json")).unwrap()).unwrap()
}

#[test]
fn the_nearest_part_of_a_suite_without_end_is_run_and_said() {
    let loom = slow();
    let model = model("/", "def test_half(self): self.assertEqual(mean([1, 2]), 1.5)");
    scene::run(&loom, &model, &[]).exits(0);
    let written = proposal(&loom);
    let verdict = written.pointer("/content/proposal/verdict").unwrap();
    assert_eq!(verdict.pointer("/ruling/ruling"), Some(&json!("verified")), "{verdict:#}");
    let part = verdict.pointer("/evidence/part").unwrap();
    let (run, known) = (part["run"].as_u64().unwrap(), part["known"].as_u64().unwrap());
    assert_eq!(known, 2 * FILES as u64 + 2);
    assert!(run >= 2 + 8 && run < known, "{part}");
    let page = std::fs::read_to_string(loom.home().join(".local/state/loom/tasks/1/proposal/pull-request.md")).unwrap();
    let said = format!("{run} of {known} tests were run");
    assert!(page.lines().next().unwrap().contains(&said) && page.contains("(`gate.budget`)"), "{said}\n{page}");
}

#[test]
fn a_patch_that_fails_its_own_test_goes_back_before_the_rest_is_run() {
    let loom = slow();
    let model = model("+ 0 *", "def test_half(self): self.assertEqual(mean([1, 2]), 1.5)");
    scene::run(&loom, &model, &["--set", "agent.repair_rounds=0"]).exits(11);
    let written = proposal(&loom);
    let verdict = written.pointer("/content/proposal/verdict").unwrap();
    assert_eq!(verdict.pointer("/ruling/because/0/name"), Some(&json!("test-fails-on-head")), "{verdict:#}");
    assert_eq!(verdict.pointer("/evidence/part/run"), Some(&json!(2)), "{verdict:#}");
}

/// A suite that cannot be run by files stands beside one that must be: it is run whole, and what breaks there is seen.
#[test]
fn a_suite_that_has_no_parts_is_not_forgotten() {
    let program =
        "const price = require('../price.js');\nconsole.log(price() === 1 ? 'ok 1 - price' : 'not ok 1 - price');\nconsole.log('1..1');\n";
    let mut loom = Loom::new()
        .file("repository/calc.py", "def mean(values):\n    return sum(values) // len(values)\n")
        .file("repository/tests/__init__.py", "")
        .file("repository/tests/test_zz_calc.py", TESTS)
        .file("repository/setup.py", "from setuptools import setup\n\nsetup(name='calc')\n")
        .file("repository/package.json", "{\"name\": \"price\", \"scripts\": {\"test\": \"node tools/tape\"}}\n")
        .file("repository/tools/tape", program)
        .file("repository/price.js", "module.exports = () => 1;\n")
        .file("repository/loom.toml", "[test]\nsetup = []\ntimeout = \"3s\"\n");
    for n in 0..10 {
        let slow = format!("import time, unittest\n\nclass Slow{n}(unittest.TestCase):\n    def test_one(self): time.sleep(0.4)\n");
        loom = loom.file(&format!("repository/tests/test_{n:02}.py"), slow);
    }
    commit_all(&scene::repository(&loom));
    let tested = TESTS.replace("    def test_whole", "    def test_half(self): self.assertEqual(mean([1, 2]), 1.5)\n    def test_whole");
    let mended = "def mean(values):\n    return sum(values) / len(values)\n";
    let broken = "module.exports = () => 2;\n";
    branch(&loom, "fix", &[("calc.py", mended), ("tests/test_zz_calc.py", &tested), ("price.js", broken)]);
    let told = loom.run(&["verify", "--repo", "repository", "--base", "main", "--head", "fix", "--json"]).exits(11).json();
    let reasons: Vec<_> = told["reasons"].as_array().unwrap().iter().map(|one| (&one["name"], one["text"].to_string())).collect();
    assert!(matches!(&reasons[..], [(name, text)] if **name == "regression" && text.contains("`price`")), "{told:#}");
}
