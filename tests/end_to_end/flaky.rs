//! Tests that pass and fail from run to run, on both trees, and what the ledger makes of them. Whether they fail is
//! decided by how often they ran in their tree and by which patch is in it, so that each case is the same every time.

#![allow(clippy::unwrap_used, reason = "a test stops where something is missing")]

use jiff::Timestamp;
use loom_agent::config::Config;
use loom_agent::task::{Flake, Sighting};
use loom_agent::verify::{FlakySeen, Proof, Verdict};

use super::gate::{Scene, questions, reasons, verified};

const SOURCE: &str = "KIND = ''\n\n\ndef clamp(value, low, high):\n    return min(value, high)\n";

/// `runs()` counts the runs of a test in its tree; `kind` tells which patch is in it.
const SHAKY: &str = r#"import pathlib

import calc

kind = calc.KIND


def runs(name):
    note = pathlib.Path.home() / name
    count = len(note.read_text()) + 1 if note.exists() else 1
    note.write_text('x' * count)
    return count


def test_both():
    count = runs('both')
    assert count != 1 if kind == 'both' else kind or count != 4


def test_patched():
    assert kind != 'patched' or runs('patched') % 2 == 0


def test_broken():
    assert kind != 'broken'


def test_c_leaves_a_mark():
    calc.mark = True


def test_d_is_marked():
    assert kind != 'marked' or not getattr(calc, 'mark', False)
"#;

const NEW: &str =
    "from calc import clamp\n\n\ndef test_high():\n    assert clamp(5, 0, 3) == 3\n\n\ndef test_low():\n    assert clamp(-5, 0, 3) == 0\n";

/// The whole fix, as a patch of this kind.
fn fixed(kind: &str) -> String {
    SOURCE.replace("''", &format!("'{kind}'")).replace("min(value, high)", "max(low, min(value, high))")
}

fn honest(scene: &Scene, kind: &str) -> Verdict {
    scene.verdict(&[("calc.py", Some(&fixed(kind))), ("tests/test_clamp.py", Some(NEW))])
}

fn known(verdict: &Verdict, test: &str) -> Vec<Flake> {
    let suite = verdict.evidence.runs[0].report.command.clone();
    vec![Flake::new(Sighting { suite, test: test.into(), condition: "alone".into() }, Timestamp::UNIX_EPOCH)]
}

#[track_caller]
fn says(verdict: &Verdict, sentence: &str) {
    assert!(verdict.evidence.not_verified.contains(&sentence.to_owned()), "{:#?}", verdict.evidence.not_verified);
}

#[test]
fn what_differs_is_run_again_under_the_same_and_under_other_conditions() {
    let files = [
        ("pyproject.toml", "[tool.pytest.ini_options]\npythonpath = ['.']\n"),
        ("calc.py", SOURCE),
        ("tests/test_clamp.py", "from calc import clamp\n\n\ndef test_high():\n    assert clamp(5, 0, 3) == 3\n"),
        ("tests/test_shaky.py", SHAKY),
    ];
    let mut scene = Scene::of(&files, Config::default());

    // Flaky on the base too: no obstacle, and noted for later.
    let verdict = honest(&scene, "both");
    assert_eq!(verified(&verdict, Proof::FailToPass), ["tests/test_clamp.py::test_low"]);
    let flaky = &verdict.evidence.flaky;
    assert_eq!((flaky.len(), flaky[0].seen, flaky[0].condition.as_str()), (1, FlakySeen::Base, "alone"));
    assert_eq!(flaky[0].test.as_str(), "tests/test_shaky.py::test_both");

    // A test whose text the patch changes is asked again like any other: by now the base tree has no fault of it left.
    let asserts_more = SHAKY.replace("    count = runs('both')\n", "    count = runs('both')\n    assert kind is not None\n");
    let (source, test) = (fixed("both"), ("tests/test_clamp.py", Some(NEW)));
    let verdict = scene.verdict(&[("calc.py", Some(&source)), test, ("tests/test_shaky.py", Some(&asserts_more))]);
    assert_eq!(questions(&verdict), ["flaky-with-the-patch"]);

    // Flaky with the patch only: a question, not noted, and no question once the base was seen to be so.
    let verdict = honest(&scene, "patched");
    assert_eq!(questions(&verdict), ["flaky-with-the-patch"]);
    assert_eq!(verdict.evidence.flaky[0].seen, FlakySeen::Patch);
    scene.0.flakes = known(&verdict, "tests/test_shaky.py::test_patched");
    let verdict = honest(&scene, "patched");
    assert_eq!(verified(&verdict, Proof::FailToPass), ["tests/test_clamp.py::test_low"]);
    assert_eq!(verdict.evidence.flaky[0].seen, FlakySeen::Ledger);

    // A known flake that fails each time with the patch and never without it hides nothing.
    scene.0.flakes = known(&verdict, "tests/test_shaky.py::test_broken");
    assert_eq!(reasons(&honest(&scene, "broken")), ["regression"]);

    // A known flake proves nothing.
    scene.0.flakes = known(&verdict, "tests/test_clamp.py::test_low");
    assert_eq!(reasons(&honest(&scene, "plain")), ["no-failing-test"]);
    scene.0.flakes = Vec::new();

    // What fails beside others only, each time, is a regression all the same.
    let verdict = honest(&scene, "marked");
    assert_eq!(reasons(&verdict), ["regression"]);
    says(&verdict, "`tests/test_shaky.py::test_d_is_marked` depends on other tests: with the patch it fails beside them and passes alone.");

    let with_test = |path: &str, text: &str| scene.verdict(&[("calc.py", Some(&fixed("new"))), (path, Some(text))]);
    // A test of the patch that is flaky by itself proves nothing: red on base at first, green when asked again.
    let shaky = SHAKY.replace("def test_both", "def test_new():\n    assert kind or runs('new') % 2 == 0\n\n\ndef test_both");
    assert_eq!(reasons(&with_test("tests/test_shaky.py", &shaky)), ["no-failing-test"]);
    // Nor does one that is red beside another test only.
    let needy = "import calc\n\n\ndef test_a_leaves_a_mark():\n    calc.low = calc.clamp(-5, 0, 3)\n\n\ndef test_b_sees_it():\n    assert getattr(calc, 'low', 0) == 0\n";
    assert_eq!(reasons(&with_test("tests/test_needy.py", needy)), ["no-failing-test"]);

    // The fault shows in the plain time zone only; far in the east the test is green without the patch as well.
    let zoned = "import time\n\nfrom calc import clamp\n\n\ndef test_low():\n    assert time.timezone == -50400 or clamp(-5, 0, 3) == 0\n";
    let verdict = with_test("tests/test_zone.py", zoned);
    assert_eq!(verified(&verdict, Proof::FailToPass), ["tests/test_zone.py::test_low"]);
    assert!(verdict.evidence.flaky.is_empty(), "another result under another condition is no flake");
    says(
        &verdict,
        "`tests/test_zone.py::test_low` depends on the time zone: without the patch it fails, and with TZ=Pacific/Kiritimati it passes.",
    );
    // There it fails with the patch as well as without it: both trees alike, and the proof stands.
    let verdict = with_test("tests/test_zone.py", &zoned.replace("== -50400 or", "!= -50400 and"));
    assert_eq!(verified(&verdict, Proof::FailToPass), ["tests/test_zone.py::test_low"]);
    says(
        &verdict,
        "`tests/test_zone.py::test_low` depends on the time zone: with the patch it passes, and with TZ=Pacific/Kiritimati it fails.",
    );
}
