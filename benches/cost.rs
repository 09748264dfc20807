//! What a proof costs beyond the baseline, as a ratio to one plain run of the suite with warm dependencies, in the same
//! minutes on the same machine: `.ci/nightly cost`. Suites of ten seconds that mostly wait, so that the load of a neighbour
//! changes little.

// Its table is its output.
#![allow(clippy::print_stdout)]

#[path = "../tests/shared/ground.rs"]
mod ground;

use std::time::{Duration, Instant};

use ground::{Files, Ground, texts};
use loom_agent::config::Config;
use loom_agent::runner::Age;
use loom_agent::sandbox::{Cancel, Limits};
use loom_agent::workspace::Tree;

/// Test files of each suite, and how long each of them waits.
const FILES: usize = 24;

struct Row {
    what: String,
    measured: f64,
    goal: f64,
}

type File = (String, String);

/// A suite, and two patches of it: with a new test file, and with an old test changed.
struct Ecosystem {
    name: &'static str,
    files: Vec<File>,
    adds: Vec<File>,
    alters: Vec<File>,
}

fn main() {
    // `cargo test --benches` and `cargo bench` both come here; only the latter measures.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let mut rows = Vec::new();
    for ecosystem in [python(), node(), rust()] {
        let ground = ground(&ecosystem);
        let plain = plain(&ground);
        println!("{}: one plain run takes {:.1} s", ecosystem.name, plain.as_secs_f64());
        for (what, patch, goal) in [("no old test changed", &ecosystem.adds, 1.3), ("old tests changed", &ecosystem.alters, 2.3)] {
            let (took, own) = proof(&ground, patch);
            let what = format!("{}, {what}", ecosystem.name);
            rows.push(Row {
                what: format!("{what}: own CPU, % of the time"),
                measured: 100.0 * own.as_secs_f64() / took.as_secs_f64(),
                goal: 2.0,
            });
            rows.push(Row { what, measured: took.as_secs_f64() / plain.as_secs_f64(), goal });
        }
    }
    println!("{:<58} {:>8} {:>6}", "", "measured", "goal");
    for row in &rows {
        let mark = if row.measured <= row.goal { "" } else { "  missed" };
        println!("{:<58} {:>8.2} {:>6.1}{mark}", row.what, row.measured, row.goal);
    }
    let failed = rows.iter().filter(|row| row.measured > row.goal).count();
    println!("{} passed, {failed} failed", rows.len() - failed);
    std::process::exit(i32::from(failed > 0));
}

fn file(path: impl Into<String>, text: impl Into<String>) -> File {
    (path.into(), text.into())
}

fn python() -> Ecosystem {
    let waits =
        |n: usize| format!("import time, unittest\n\nclass Waits{n}(unittest.TestCase):\n    def test_it(self): time.sleep(0.45)\n");
    let calc = |operator: &str| format!("def mean(values):\n    return sum(values) {operator} len(values)\n");
    let about = |wanted: &str| {
        format!(
            "import unittest\nfrom calc import mean\n\nclass Mean(unittest.TestCase):\n    def test_mean(self): self.assertEqual(mean([1, 2]), {wanted})\n"
        )
    };
    let mut files = vec![file("calc.py", calc("//")), file("tests/__init__.py", ""), file("tests/test_calc.py", about("1"))];
    files.extend((0..FILES).map(|n| file(format!("tests/test_{n}.py"), waits(n))));
    let untouched = about("1.5").replace("Mean", "Halves").replace("[1, 2]", "[4, 5]").replace("1.5", "4.5");
    // The old test holds for both: only the new file tells the trees apart.
    files[2] = file("tests/test_calc.py", about("1").replace("[1, 2]", "[1, 1]"));
    let mut altered = files[2].1.clone();
    altered.push_str("    def test_half(self): self.assertEqual(mean([1, 2]), 1.5)\n");
    Ecosystem {
        name: "Python",
        adds: vec![file("calc.py", calc("/")), file("tests/test_halves.py", untouched)],
        alters: vec![file("calc.py", calc("/")), file("tests/test_calc.py", altered)],
        files,
    }
}

fn node() -> Ecosystem {
    let start = "const test = require('node:test');\nconst assert = require('node:assert');\n";
    let waits = |n: usize| format!("{start}test('waits {n}', () => new Promise((done) => setTimeout(done, 450)));\n");
    let calc = |body: &str| format!("exports.mean = (values) => {body};\n");
    let (wrong, right) =
        (calc("Math.floor(values.reduce((a, b) => a + b, 0) / values.length)"), calc("values.reduce((a, b) => a + b, 0) / values.length"));
    let about = |title: &str, input: &str, wanted: &str| {
        format!("test('{title}', () => assert.equal(require('../calc').mean({input}), {wanted}));\n")
    };
    let old = format!("{start}{}", about("whole", "[1, 1]", "1"));
    let mut files = vec![
        file("package.json", "{\"name\": \"calc\", \"version\": \"1.0.0\", \"scripts\": {\"test\": \"node --test test/\"}}\n"),
        file("calc.js", wrong),
        file("test/calc.test.js", old.clone()),
    ];
    files.extend((0..FILES).map(|n| file(format!("test/waits{n}.test.js"), waits(n))));
    Ecosystem {
        name: "Node",
        adds: vec![file("calc.js", right.clone()), file("test/halves.test.js", format!("{start}{}", about("half", "[1, 2]", "1.5")))],
        alters: vec![file("calc.js", right), file("test/calc.test.js", format!("{old}{}", about("half", "[1, 2]", "1.5")))],
        files,
    }
}

fn rust() -> Ecosystem {
    let manifest =
        |name: &str, needs: &str| format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\n{needs}");
    let waits = |n: usize| {
        format!(
            "#[test]\nfn waits_{n}() {{ std::thread::sleep(std::time::Duration::from_millis(900)); assert!(one::mean(&[2, 2]) > 0.0); }}\n"
        )
    };
    // Enough code that building it takes a while.
    let bulk: String = (0..300).map(|n| format!("pub fn part_{n}(text: &str) -> Vec<String> {{ let mut all: Vec<String> = text.split(\"{n}\").map(|one| format!(\"{{one}}-{n}\")).collect(); all.sort(); all.dedup(); all }}\n")).collect();
    let lib = |body: &str| format!("pub fn mean(values: &[u32]) -> f64 {{ {body} }}\n{bulk}");
    let (wrong, right) = (
        lib("f64::from(values.iter().sum::<u32>() / values.len() as u32)"),
        lib("f64::from(values.iter().sum::<u32>()) / values.len() as f64"),
    );
    let old = "#[test]\nfn whole() { assert_eq!(one::mean(&[1, 1]), 1.0); }\n";
    let half = "#[test]\nfn half() { assert_eq!(one::mean(&[1, 2]), 1.5); }\n";
    let mut files = vec![
        file("Cargo.toml", "[workspace]\nmembers = [\"one\", \"two\", \"three\"]\nresolver = \"2\"\n"),
        file("one/Cargo.toml", manifest("one", "")),
        file("one/src/lib.rs", wrong),
        file("one/tests/mean.rs", old),
        file("two/Cargo.toml", manifest("two", "one = { path = \"../one\" }\n")),
        file("two/src/lib.rs", format!("pub use one::mean;\n{bulk}")),
        file("three/Cargo.toml", manifest("three", "")),
        file("three/src/lib.rs", bulk.clone()),
    ];
    files.extend((0..FILES / 4).map(|n| file(format!("one/tests/waits{n}.rs"), waits(n))));
    files.extend((0..FILES / 4).map(|n| file(format!("two/tests/waits{n}.rs"), waits(n).replace("one::", "two::"))));
    Ecosystem {
        name: "Rust",
        adds: vec![file("one/src/lib.rs", right.clone()), file("one/tests/halves.rs", half)],
        alters: vec![file("one/src/lib.rs", right), file("one/tests/mean.rs", format!("{old}{half}"))],
        files,
    }
}

/// The repository with its baseline made.
fn ground(ecosystem: &Ecosystem) -> Ground {
    let ground = Ground::of(&files(&ecosystem.files), Config::default());
    assert_eq!(ground.bench.suites.len(), 1, "{:?}", ground.bench.suites);
    let report = &ground.baseline[0].report;
    assert!(report.cases.len() > FILES / 2, "{:.600}", format!("{:?}", report.troubles));
    ground
}

fn files(files: &[File]) -> Files {
    texts(files.iter().map(|(path, text)| (path.as_str(), Some(text.as_str()))))
}

/// The suite's own command in a fresh tree: dependencies are warm, the workspace's code is built anew.
fn plain(ground: &Ground) -> Duration {
    let (host, private) = (ground.folder.path().join("plain"), ground.folder.path().join("plain.private"));
    std::fs::create_dir_all(&host).expect("a folder");
    ground.cache.export(&ground.tree, &host).expect("the files");
    let tree = ground.bench.cell(&host, &private).expect("a tree");
    let from = Tree { private: ground.folder.path().join("cells/baseline.private"), ..tree.clone() };
    ground.bench.seed(&from, &tree, &Age::AllNew).expect("warm dependencies");
    let suite = &ground.bench.suites[0];
    let limits = Limits { wall: Duration::from_secs(600), head: 1 << 20, tail: 1 << 20 };
    let mut job = tree.job(["bash", "-c", &suite.command].map(str::to_owned).to_vec(), limits);
    job.cwd = tree.point.join(&suite.dir);
    let began = Instant::now();
    let finished = ground.sandbox.run(&job, &Cancel::default()).expect("it starts");
    assert!(finished.ok(), "{}", finished.stderr.text());
    began.elapsed()
}

/// Everything beyond the baseline, and what of it loom itself computed.
fn proof(ground: &Ground, edits: &[File]) -> (Duration, Duration) {
    let patch = ground.patch(&files(edits));
    let (began, before) = (Instant::now(), own_cpu());
    let verdict = ground.prove(&patch, &[]);
    assert_eq!(verdict.word(), "verified", "{:#?}", verdict.ruling);
    (began.elapsed(), own_cpu() - before)
}

/// The CPU clock of this process, children not counted.
fn own_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("the kernel's word");
    let numbers: Vec<i64> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().filter_map(|word| word.parse().ok()).collect();
    // Counted behind the name and the state: user and system time, in hundredths of a second.
    Duration::from_millis(10 * u64::try_from(numbers[10] + numbers[11]).expect("time goes forward"))
}
