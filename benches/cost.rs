//! What a proof costs beyond the baseline, as a ratio to one plain run of the suite with warm dependencies, in the same
//! minutes on the same machine: `.ci/nightly cost`. Suites of ten seconds that mostly wait, so that the load of a neighbour
//! changes little.

// Its table is its output.
#![allow(clippy::print_stdout)]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use loom_agent::config::{Config, SandboxSettings};
use loom_agent::runner::{Age, Bench, detect, prepare};
use loom_agent::sandbox::{Cancel, Limits, Sandbox};
use loom_agent::task::{CommitId, Issue, IssueRef, IssueState, Silent, TreeId};
use loom_agent::verify::{CellRun, Judge, baseline, prove};
use loom_agent::workspace::{Cache, Tree};

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
        let ground = Ground::of(&ecosystem);
        let plain = ground.plain();
        println!("{}: one plain run takes {:.1} s", ecosystem.name, plain.as_secs_f64());
        for (what, patch, goal) in [("no old test changed", &ecosystem.adds, 1.3), ("old tests changed", &ecosystem.alters, 2.3)] {
            let (took, own) = ground.proof(patch);
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

/// A repository with its baseline made.
struct Ground {
    folder: tempfile::TempDir,
    sandbox: Sandbox,
    cache: Cache,
    base: CommitId,
    tree: TreeId,
    bench: Bench,
    config: Config,
    baseline: Vec<CellRun>,
}

impl Ground {
    fn of(ecosystem: &Ecosystem) -> Ground {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let origin = folder.path().join("origin");
        commit(&origin, &ecosystem.files);
        let (config, cancel) = (Config::default(), Cancel::default());
        let url = origin.display().to_string();
        let wall = Duration::from_secs(60);
        let (cache, base, _) = Cache::fetch(&folder.path().join("cache"), &url, None, None, wall, &cancel).expect("a clone");
        let tree = cache.tree_of(&base).expect("a tree");
        let sandbox = Sandbox::new(&SandboxSettings::default()).expect("bubblewrap works here");
        let host = folder.path().join("setup");
        std::fs::create_dir_all(&host).expect("a folder");
        cache.export(&tree, &host).expect("the files");
        let suites = detect(&host, &config.test, &sandbox).expect("a suite");
        assert_eq!(suites.len(), 1, "{suites:?}");
        let bench = prepare(&sandbox, suites, &host, &folder.path().join("deps"), &config.test, &Silent, &cancel).expect("a bench");
        let mut ground = Ground { folder, sandbox, cache, base, tree, bench, config, baseline: Vec::new() };
        ground.baseline = ground.judged(|judge| baseline(judge, &ground.base).expect("a baseline"));
        assert!(ground.baseline[0].report.cases.len() > FILES / 2, "{:.600}", format!("{:?}", ground.baseline[0].report.troubles));
        ground
    }

    fn judged<T>(&self, work: impl FnOnce(&Judge<'_>) -> T) -> T {
        let cells = self.folder.path().join("cells");
        std::fs::create_dir_all(&cells).expect("a folder");
        work(&Judge {
            sandbox: &self.sandbox,
            bench: &self.bench,
            cache: &self.cache,
            folder: &cells,
            config: &self.config,
            flakes: &[],
            reporter: &Silent,
            cancel: &Cancel::default(),
        })
    }

    /// The suite's own command in a fresh tree: dependencies are warm, the workspace's code is built anew.
    fn plain(&self) -> Duration {
        let (host, private) = (self.folder.path().join("plain"), self.folder.path().join("plain.private"));
        std::fs::create_dir_all(&host).expect("a folder");
        self.cache.export(&self.tree, &host).expect("the files");
        let tree = self.bench.cell(&host, &private).expect("a tree");
        let from = Tree { private: self.folder.path().join("cells/baseline.private"), ..tree.clone() };
        self.bench.seed(&from, &tree, &Age::AllNew).expect("warm dependencies");
        let suite = &self.bench.suites[0];
        let limits = Limits { wall: Duration::from_secs(600), head: 1 << 20, tail: 1 << 20 };
        let mut job = tree.job(["bash", "-c", &suite.command].map(str::to_owned).to_vec(), limits);
        job.cwd = tree.point.join(&suite.dir);
        let began = Instant::now();
        let finished = self.sandbox.run(&job, &Cancel::default()).expect("it starts");
        assert!(finished.ok(), "{}", finished.stderr.text());
        began.elapsed()
    }

    /// Everything beyond the baseline, and what of it loom itself computed.
    fn proof(&self, edits: &[File]) -> (Duration, Duration) {
        let changes: Vec<_> = edits.iter().map(|(path, text)| (path.clone(), Some((text.clone().into_bytes(), 0o100_644)))).collect();
        let head = self.cache.overlay(&self.tree, &changes).expect("a tree");
        let patch = self.cache.patch(&self.base, &head).expect("a patch");
        let (began, before) = (Instant::now(), own_cpu());
        let verdict = self.judged(|judge| prove(judge, &patch, &self.baseline, &issue()).expect("a verdict"));
        assert_eq!(verdict.word(), "verified", "{:#?}", verdict.ruling);
        (began.elapsed(), own_cpu() - before)
    }
}

/// The CPU clock of this process, children not counted.
fn own_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("the kernel's word");
    let numbers: Vec<i64> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().filter_map(|word| word.parse().ok()).collect();
    // Counted behind the name and the state: user and system time, in hundredths of a second.
    Duration::from_millis(10 * u64::try_from(numbers[10] + numbers[11]).expect("time goes forward"))
}

fn issue() -> Issue {
    Issue {
        reference: "issue.md".parse::<IssueRef>().expect("a file name"),
        title: "mean drops the fraction".into(),
        body: String::new(),
        author: String::new(),
        state: IssueState::Open,
        labels: Vec::new(),
        comments: Vec::new(),
        trigger: None,
        url: None,
    }
}

fn commit(folder: &Path, files: &[File]) {
    for (path, text) in files {
        let place = folder.join(path);
        std::fs::create_dir_all(place.parent().expect("a folder")).expect("folders");
        std::fs::write(place, text).expect("a file");
    }
    for words in [&["init", "-q", "-b", "main"][..], &["add", "-A"], &["commit", "-q", "-m", "one"]] {
        let done =
            Command::new("git").args(["-c", "user.name=t", "-c", "user.email=t@example.com"]).args(words).current_dir(folder).status();
        assert!(done.expect("git starts").success(), "git {words:?}");
    }
}
