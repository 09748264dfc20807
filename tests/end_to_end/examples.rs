//! Python's examples in docstrings as tests, where the suite runs them.

#![allow(clippy::unwrap_used, reason = "a test stops where something is missing")]

use loom_agent::config::Config;
use loom_agent::verify::Proof;

use super::gate::{Scene, reasons, verified};

const SOURCE: &str = "def clamp(value, low, high):\n    \"\"\"Keeps a value within bounds.\n\n    >>> clamp(5, 0, 3)\n    3\n    \"\"\"\n    return min(value, high)\n\n\ndef half(value):\n    \"\"\"Half of a value.\n\n    >>> half(3)\n    1\n    \"\"\"\n    return value // 2\n";

#[test]
fn examples_in_docstrings_prove_and_flip_like_tests() {
    let files = [
        ("pyproject.toml", "[tool.pytest.ini_options]\naddopts = \"--doctest-modules\"\n"),
        ("calc.py", SOURCE),
        ("tests/test_calc.py", "from calc import clamp\n\n\ndef test_high():\n    assert clamp(5, 0, 3) == 3\n"),
    ];
    let scene = Scene::of(&files, Config::default());

    let fixed =
        SOURCE.replace("    3\n", "    3\n    >>> clamp(-5, 0, 3)\n    0\n").replace("min(value, high)", "max(low, min(value, high))");
    let verdict = scene.verdict(&[("calc.py", Some(&fixed))]);
    assert_eq!(verified(&verdict, Proof::FailToPass), ["calc.py::calc.clamp"]);
    assert_eq!(
        (verdict.evidence.test_files.as_slice(), verdict.evidence.source_files.as_slice()),
        (&["calc.py".to_owned()][..], &["calc.py".to_owned()][..])
    );

    // An expectation that changes with the source: old against new.
    let exact = SOURCE.replace("    1\n", "    1.5\n").replace("value // 2", "value / 2");
    let verdict = scene.verdict(&[("calc.py", Some(&exact))]);
    assert_eq!(verified(&verdict, Proof::FailToPass), ["calc.py::calc.half"]);
    assert_eq!(verdict.evidence.flips.len(), 1, "{:#?}", verdict.evidence.flips);

    // An example that raises where the source is at fault.
    let raising = SOURCE.replace("    1\n", "    1\n    >>> half('4')\n    2\n").replace("value // 2", "int(value) // 2");
    let verdict = scene.verdict(&[("calc.py", Some(&raising))]);
    assert_eq!(verified(&verdict, Proof::FailToPass), ["calc.py::calc.half"]);

    // Examples that pass without the change show nothing.
    let hollow =
        SOURCE.replace("    3\n", "    3\n    >>> clamp(4, 0, 3)\n    3\n").replace("min(value, high)", "max(low, min(value, high))");
    assert_eq!(reasons(&scene.verdict(&[("calc.py", Some(&hollow))])), ["no-failing-test"]);
    // And one that is taken away is a deleted test.
    let gone = SOURCE.replace("\n    >>> half(3)\n    1\n", "").replace("value // 2", "value / 2");
    assert_eq!(reasons(&scene.verdict(&[("calc.py", Some(&gone))])), ["tampering-deleted-test"]);
}
