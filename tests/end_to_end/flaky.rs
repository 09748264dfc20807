//! Tests that pass and fail from run to run, on both trees, and what the ledger makes of them. Whether they fail is
//! decided by how often they ran in their tree, so that each case is the same every time.

#![allow(clippy::unwrap_used, reason = "a test stops where something is missing")]

use jiff::Timestamp;
use loom_agent::config::Config;
use loom_agent::task::{Flake, Sighting};
use loom_agent::verify::{FlakySeen, Proof};

use super::gate::{Scene, questions, reasons, verified};

const SOURCE: &str = "def clamp(value, low, high):\n    return min(value, high)\n";
const FIXED: &str = "def clamp(value, low, high):\n    return max(low, min(value, high))\n";

/// `runs()` counts the runs of a test in its tree; `fixed` tells the trees apart.
const COUNTED: &str = "import pathlib\n\nfrom calc import clamp\n\nfixed = clamp(0, 1, 2) == 1\n\n\ndef runs(name):\n    note = pathlib.Path.home() / name\n    count = len(note.read_text()) + 1 if note.exists() else 1\n    note.write_text('x' * count)\n    return count\n";

const NEW: &str =
    "from calc import clamp\n\n\ndef test_high():\n    assert clamp(5, 0, 3) == 3\n\n\ndef test_low():\n    assert clamp(-5, 0, 3) == 0\n";

fn scene(shaky: &str) -> Scene {
    let shaky = format!("{COUNTED}\n\n{shaky}");
    let files = [
        ("pyproject.toml", "[tool.pytest.ini_options]\npythonpath = ['.']\n"),
        ("calc.py", SOURCE),
        ("tests/test_clamp.py", "from calc import clamp\n\n\ndef test_high():\n    assert clamp(5, 0, 3) == 3\n"),
        ("tests/test_shaky.py", shaky.as_str()),
    ];
    Scene::of(&files, Config::default())
}

const HONEST: [(&str, Option<&str>); 2] = [("calc.py", Some(FIXED)), ("tests/test_clamp.py", Some(NEW))];

fn known(test: &str) -> Flake {
    let seen = Sighting { suite: "python -m pytest".into(), test: test.into(), condition: "alone".into() };
    Flake::new(seen, Timestamp::UNIX_EPOCH)
}

#[test]
fn a_test_that_is_flaky_on_the_base_too_blocks_nothing() {
    // On head it fails the first time, on base the third.
    let scene = scene("def test_shaky():\n    assert runs('shaky') != (1 if fixed else 3)\n");
    let verdict = scene.verdict(&HONEST);
    assert_eq!(verified(&verdict, Proof::FailToPass), ["tests/test_clamp.py::test_low"]);
    let flaky = &verdict.evidence.flaky;
    assert_eq!((flaky.len(), flaky[0].seen, flaky[0].condition.as_str()), (1, FlakySeen::Base, "alone"));
    assert_eq!(flaky[0].test.as_str(), "tests/test_shaky.py::test_shaky");
}

#[test]
fn a_test_that_the_patch_alone_makes_flaky_is_a_question_until_it_is_known() {
    let mut scene = scene("def test_shaky():\n    assert not fixed or runs('shaky') % 2 == 0\n");
    let verdict = scene.verdict(&HONEST);
    assert_eq!(questions(&verdict), ["flaky-with-the-patch"]);
    assert_eq!(verdict.evidence.flaky[0].seen, FlakySeen::Patch, "and is not noted for later");
    let mut flake = known("tests/test_shaky.py::test_shaky");
    flake.seen.suite = verdict.evidence.flaky[0].suite.clone();
    scene.flakes = vec![flake];
    let verdict = scene.verdict(&HONEST);
    assert_eq!(verified(&verdict, Proof::FailToPass), ["tests/test_clamp.py::test_low"]);
    assert_eq!(verdict.evidence.flaky[0].seen, FlakySeen::Ledger);
}

#[test]
fn a_known_flake_that_always_fails_with_the_patch_is_a_regression() {
    let mut scene = scene("def test_shaky():\n    assert not fixed\n");
    let rejected = scene.verdict(&HONEST);
    assert_eq!(reasons(&rejected), ["regression"]);
    let mut flake = known("tests/test_shaky.py::test_shaky");
    flake.seen.suite = rejected.evidence.runs[0].report.command.clone();
    scene.flakes = vec![flake];
    assert_eq!(reasons(&scene.verdict(&HONEST)), ["regression"], "each time with it, never without it");
}

#[test]
fn a_flaky_test_of_the_patch_proves_nothing_and_neither_does_a_known_one() {
    let mut scene = scene("def test_steady():\n    assert True\n");
    // Red on base and green on head at first, green on both when asked again.
    let shaky = format!("{COUNTED}\n\ndef test_new():\n    assert fixed or runs('new') % 2 == 0\n");
    let verdict = scene.verdict(&[("calc.py", Some(FIXED)), ("tests/test_shaky.py", Some(&shaky))]);
    assert!(reasons(&verdict).contains(&"no-failing-test".to_owned()), "{:?}", verdict.ruling);

    let mut flake = known("tests/test_clamp.py::test_low");
    flake.seen.suite = verdict.evidence.runs[0].report.command.clone();
    scene.flakes = vec![flake];
    assert_eq!(reasons(&scene.verdict(&HONEST)), ["no-failing-test"]);
}

#[test]
fn what_depends_on_the_time_zone_still_proves_and_is_named() {
    let mut scene = scene("def test_steady():\n    assert True\n");
    scene.flakes = Vec::new();
    // The fault shows in the plain time zone only: far in the east the test is green without the patch as well.
    let zoned = "import time\n\nfrom calc import clamp\n\n\ndef test_low():\n    assert time.timezone == -50400 or clamp(-5, 0, 3) == 0\n";
    let verdict = scene.verdict(&[("calc.py", Some(FIXED)), ("tests/test_zone.py", Some(zoned))]);
    assert_eq!(verified(&verdict, Proof::FailToPass), ["tests/test_zone.py::test_low"]);
    let told =
        "`tests/test_zone.py::test_low` depends on the time zone: without the patch it fails, and with TZ=Pacific/Kiritimati it passes.";
    assert!(verdict.evidence.not_verified.contains(&told.to_owned()), "{:#?}", verdict.evidence.not_verified);
    assert!(verdict.evidence.flaky.is_empty());

    // With the patch it fails there as well as without it: both trees alike, and the proof stands.
    let picky = "import time\n\nfrom calc import clamp\n\n\ndef test_low():\n    assert time.timezone != -50400 and clamp(-5, 0, 3) == 0\n";
    let verdict = scene.verdict(&[("calc.py", Some(FIXED)), ("tests/test_zone.py", Some(picky))]);
    assert_eq!(verified(&verdict, Proof::FailToPass), ["tests/test_zone.py::test_low"]);
    let told =
        "`tests/test_zone.py::test_low` depends on the time zone: with the patch it passes, and with TZ=Pacific/Kiritimati it fails.";
    assert!(verdict.evidence.not_verified.contains(&told.to_owned()), "{:#?}", verdict.evidence.not_verified);
}

#[test]
fn what_fails_beside_others_only_is_a_regression_and_a_red_that_needs_others_proves_nothing() {
    // Another test leaves its mark in the process, and only the patched source minds.
    let marked = "import calc\n\n\ndef test_a_leaves_a_mark():\n    calc.mark = True\n\n\ndef test_b_is_marked():\n    assert not (fixed and getattr(calc, 'mark', False))\n";
    let scene = scene(marked);
    let verdict = scene.verdict(&HONEST);
    assert_eq!(reasons(&verdict), ["regression"]);
    let told = "`tests/test_shaky.py::test_b_is_marked` depends on other tests: with the patch it fails beside them and passes alone.";
    assert!(verdict.evidence.not_verified.contains(&told.to_owned()), "{:#?}", verdict.evidence.not_verified);

    let scene = self::scene("def test_steady():\n    assert True\n");
    let fixed_zero = SOURCE.replace("return", "if value == low:\n        return low\n    return");
    let needy = "import calc\n\n\ndef test_a_leaves_a_mark():\n    calc.mark = calc.clamp(-5, 0, 3)\n\n\ndef test_b_sees_it():\n    assert getattr(calc, 'mark', 0) == 0 or 'if value' in open(calc.__file__).read()\n";
    let verdict = scene.verdict(&[("calc.py", Some(&fixed_zero)), ("tests/test_needy.py", Some(needy))]);
    assert_eq!(reasons(&verdict), ["no-failing-test"], "red only beside another test");
}
