//! Runners that CI's machines do not have, really run: `.ci/nightly runners` installs them first. What they print is
//! tested beside their parsers, from recordings.

mod node;

use std::fs;
use std::path::Path;

use loom_agent::config::{SandboxSettings, Span, TestSettings};
use loom_agent::runner::{Outcome, Report, Selection, TestId, detect, prepare, run};
use loom_agent::sandbox::{Cancel, Sandbox};
use loom_agent::task::Silent;

const FILES: [(&str, &str); 5] = [
    ("Cargo.toml", "[package]\nname = \"my-calc\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
    (".config/nextest.toml", ""),
    (
        "src/lib.rs",
        "/// ```\n/// assert!(my_calc::yes());\n/// ```\npub fn yes() -> bool { true }\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn ok() {}\n    #[test]\n    fn wrong() { assert_eq!(1, 2); }\n    #[test]\n    #[ignore]\n    fn slow() {}\n}\n",
    ),
    ("tests/outer.rs", "#[test] fn dies() { std::process::abort(); }\n#[test] fn lives() {}\n"),
    ("tests/stuck.rs", "#[test] fn hangs() { loop { std::thread::park(); } }\n#[test] fn moves() {}\n"),
];

fn write(root: &Path) {
    for (path, text) in FILES {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn lines(report: &Report) -> Vec<String> {
    let word = |outcome: &Outcome| match outcome {
        Outcome::Passed => "passed".to_owned(),
        Outcome::Failed(fault) => format!("{:?}", fault.kind),
        Outcome::Skipped(why) => format!("skipped, {why}"),
    };
    report.cases.iter().map(|(id, case)| format!("{id}: {}", word(&case.outcome))).collect()
}

#[test]
fn a_package_under_nextest() {
    let folder = tempfile::tempdir().unwrap();
    let (base, one) = (folder.path().join("base"), folder.path().join("one"));
    write(&base);
    write(&one);
    let settings = TestSettings { case_timeout: Span::seconds(5), ..TestSettings::default() };
    let cancel = Cancel::default();
    let sandbox = Sandbox::new(&SandboxSettings::default()).unwrap();
    let suites = detect(&base, &settings, &sandbox).unwrap();
    assert_eq!(suites[0].command, "cargo nextest run");
    let bench = prepare(&sandbox, suites, &base, &folder.path().join("deps"), &settings, &Silent, &cancel).unwrap();
    let tree = bench.tree(&one, &folder.path().join("private")).unwrap();
    let report = |selection: &Selection| run(&sandbox, &tree, &bench.suites[0], selection, &settings, &cancel).unwrap();
    let all = report(&Selection::All);
    let expected = [
        "src/lib.rs::doctest yes: passed",
        "src/lib.rs::tests::ok: passed",
        "src/lib.rs::tests::slow: skipped, ignored",
        "src/lib.rs::tests::wrong: Assertion",
        "tests/outer.rs::dies: Crash",
        "tests/outer.rs::lives: passed",
        "tests/stuck.rs::hangs: Hang",
        "tests/stuck.rs::moves: passed",
    ];
    assert_eq!(lines(&all), expected, "{:#?}\n{}", all.troubles, all.output);
    let one = report(&Selection::Tests(vec![TestId::new(&["tests/outer.rs", "lives"])]));
    assert_eq!(lines(&one), ["tests/outer.rs::lives: passed"], "{:#?}\n{}", one.troubles, one.output);
}
