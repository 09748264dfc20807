//! A patch that needs another package: fetched for its own tree from a registry, or the reason why not.

use std::process::Command;

use serde_json::{Value, json};

use crate::loom::{Loom, commit_all};
use crate::provider::{Provider, Reply, call, submit};
use crate::scene;

/// Makes a wheel of one module in this folder.
const WHEEL: &str = "import sys, zipfile\nfolder, name, text = sys.argv[1:]\nwith zipfile.ZipFile(f'{folder}/{name}-1.0-py3-none-any.whl', 'w') as wheel:\n    info = f'{name}-1.0.dist-info'\n    wheel.writestr(f'{name}.py', text)\n    wheel.writestr(f'{info}/METADATA', f'Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n')\n    wheel.writestr(f'{info}/WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n    wheel.writestr(f'{info}/RECORD', f'{name}.py,,\\n{info}/METADATA,,\\n{info}/WHEEL,,\\n{info}/RECORD,,\\n')\n";

const TESTS: &str = "import unittest\nfrom calc import double\n\nclass Double(unittest.TestCase):\n    def test_two(self): self.assertEqual(double(2), 4)\n";

fn loom() -> Loom {
    let loom = Loom::new()
        .file("issue.md", "# double cannot take words\n\n`double(\"two\")` should give `twotwo!`, as the library does it.\n")
        .with("LOOM_API_KEY", "test-key")
        .file("repository/calc.py", "def double(value):\n    return value * 2\n")
        .file("repository/requirements.txt", "# nothing yet\n")
        .file("repository/test_calc.py", TESTS)
        .file("wheels/.keep", "");
    commit_all(&scene::repository(&loom));
    let wheels = loom.folder().join("wheels");
    let text = "def shout(word): return word + '!'\n";
    let made = Command::new("python3").args(["-c", WHEEL]).arg(&wheels).args(["tinyshout", text]).status().unwrap();
    assert!(made.success());
    loom.with("PIP_FIND_LINKS", wheels.as_os_str()).with("PIP_NO_INDEX", "1")
}

/// A model that asks for this requirement and uses it.
fn model(requirement: &'static str) -> Provider {
    Provider::answering(move |asked| -> Reply {
        match asked.turn {
            0 => call("edit", json!({"path": "requirements.txt", "old": "# nothing yet", "new": requirement})),
            1 => call(
                "write",
                json!({"path": "calc.py", "text": "from tinyshout import shout\n\n\ndef double(value):\n    return shout(value * 2) if isinstance(value, str) else value * 2\n"}),
            ),
            2 => call(
                "edit",
                json!({"path": "test_calc.py", "old": "    def test_two", "new": "    def test_word(self): self.assertEqual(double('two'), 'twotwo!')\n    def test_two"}),
            ),
            _ => submit(),
        }
    })
}

fn verdict(loom: &Loom) -> Value {
    let folder = loom.home().join(".local/state/loom/tasks/1/proposal");
    let written: Value = serde_json::from_slice(&std::fs::read(folder.join("proposal.json")).unwrap()).unwrap();
    written.pointer("/content/proposal/verdict").unwrap().clone()
}

#[test]
fn a_package_from_a_registry_is_there_for_the_head_tree() {
    let loom = loom();
    let wheels = format!("sandbox.read=[\"{}\"]", loom.folder().join("wheels").display());
    scene::run(&loom, &model("tinyshout==1.0"), &["--set", &wheels]).exits(0);
    let verdict = verdict(&loom);
    assert_eq!(verdict.pointer("/ruling/ruling"), Some(&json!("verified")), "{verdict:#}");
    let notes = verdict.pointer("/evidence/notes").unwrap().to_string();
    assert!(notes.contains("requirements.txt` asks for `tinyshout`: set up again for the head tree"), "{notes}");
}

#[test]
fn what_is_in_no_registry_is_not_fetched() {
    for (requirement, because) in [
        ("tinyshout @ git+https://example.org/tinyshout", "requirements.txt takes `tinyshout` from `@ git+https://example.org/tinyshout`"),
        ("tinyabsent==1.0", "what the patch asks for (`tinyabsent`) could not be installed"),
    ] {
        let loom = loom();
        let wheels = format!("sandbox.read=[\"{}\"]", loom.folder().join("wheels").display());
        scene::run(&loom, &model(requirement), &["--set", &wheels]).exits(12);
        let cause = verdict(&loom).pointer("/ruling/because").unwrap().to_string();
        assert!(cause.contains(because), "{cause}");
    }
}
