//! The red classifier: what a failure on the base source says. Proof is an assertion, an error of the source under
//! test, a missing name that the patch adds, or a hang; everything else has its name and is no proof.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::RedKind;
use super::compile_errors;
use crate::runner::{Fault, FaultKind, Trouble, TroubleKind};

/// What a failure on the base source is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Red {
    /// It shows what the patch changes.
    Proof(RedKind),
    /// It shows nothing, under this name.
    No(Weak),
}

/// A failure that proves nothing by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weak {
    /// It passes on the base source.
    Passes,
    /// It did not run there.
    Skipped,
    /// It was not there at all.
    NotRun,
    /// A fixture or hook failed before the test's own code.
    Fixture,
    /// Its file could not be loaded or compiled, for another reason than a name that the patch adds.
    Load,
    /// Its process died.
    Crash,
    /// An error in the test's own code.
    OwnError,
    /// It was marked to fail, and passes there.
    UnexpectedPass,
    /// Its result differs from run to run.
    Flaky,
    /// It gives another result when it runs alone.
    Company,
    /// It hangs there, and needs most of the limit of one test with the patch.
    Slow,
    /// The names that the patch adds are enough for it, with nothing behind them.
    Names,
}

impl Weak {
    /// What it did on the base source, as the end of a sentence.
    pub const fn says(self) -> &'static str {
        match self {
            Weak::Passes => "passes on the unchanged source",
            Weak::Skipped => "is skipped on the unchanged source",
            Weak::NotRun => "did not run on the unchanged source",
            Weak::Fixture => "fails on the unchanged source in a fixture or hook, before its own code",
            Weak::Load => "cannot be loaded or compiled beside the unchanged source, and not for a name that the patch adds",
            Weak::Crash => "kills its process on the unchanged source",
            Weak::UnexpectedPass => "is marked to fail, and passes on the unchanged source",
            Weak::OwnError => "fails on the unchanged source by an error in its own code, not by an assertion",
            Weak::Flaky => "passes and fails from run to run",
            Weak::Company => "gives another result when it runs alone",
            Weak::Names => "is red on the unchanged source only for want of the names or version of the patch",
            Weak::Slow => "hangs on the unchanged source, and comes near the limit of one test with the patch as well",
        }
    }

    /// Red all the same: something a person may accept.
    pub const fn is_red(self) -> bool {
        matches!(self, Weak::Crash | Weak::OwnError | Weak::Slow | Weak::Names)
    }
}

/// What the classifier knows of the repository and the patch.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Code of the base tree that is no test.
    pub source_paths: BTreeSet<String>,
    /// Names and parameters that the patch adds to source files, or whose shape it changes.
    pub added: BTreeSet<String>,
    /// Source files that only the head tree has.
    pub new_sources: BTreeSet<String>,
}

/// What a failed test is worth as proof. `file` is where the test is written.
pub fn classify(fault: &Fault, file: Option<&str>, known: &Known) -> Red {
    let said = format!("{}\n{}", fault.message, fault.trace);
    match fault.kind {
        FaultKind::Fixture => Red::No(Weak::Fixture),
        FaultKind::Crash => Red::No(Weak::Crash),
        FaultKind::UnexpectedPass => Red::No(Weak::UnexpectedPass),
        FaultKind::Hang => Red::Proof(RedKind::Hang),
        // A missing name can dress up as anything; it is looked for first, because it says the least.
        FaultKind::Assertion | FaultKind::Error if misses_added_name(&fault.message, known) => Red::Proof(RedKind::MissingApi),
        FaultKind::Assertion => Red::Proof(RedKind::Assertion),
        FaultKind::Error if example_reaches_source(&said, file) => Red::Proof(RedKind::SourceError),
        FaultKind::Error if reaches_source(&frames_of(fault, file), file, known) => Red::Proof(RedKind::SourceError),
        // A Rust test asserts by panicking as well: `unwrap`, `expect`, `panic!`, an `Err` returned.
        FaultKind::Error if file.is_some_and(|file| file.ends_with(".rs")) || said.contains("panicked at ") => {
            Red::Proof(RedKind::Assertion)
        }
        FaultKind::Error => Red::No(Weak::OwnError),
    }
}

/// What a file or target that could not be loaded or built is worth.
pub fn classify_trouble(trouble: &Trouble, known: &Known) -> Red {
    match trouble.kind {
        TroubleKind::Build
            if compile_errors_miss_added_names(&trouble.message, known) || compile_errors::miss_added_names(&trouble.message, known) =>
        {
            Red::Proof(RedKind::MissingApi)
        }
        TroubleKind::Load if misses_added_name(&trouble.message, known) => Red::Proof(RedKind::MissingApi),
        TroubleKind::Build | TroubleKind::Load => Red::No(Weak::Load),
        // A Perl test is a program: what comes after the line that died is missing, and its last words say why.
        TroubleKind::Crash if is_perl(trouble) && misses_added_name(&trouble.message, known) => Red::Proof(RedKind::MissingApi),
        TroubleKind::Crash if is_perl(trouble) && reaches_source(&trouble.message, trouble.file.as_deref(), known) => {
            Red::Proof(RedKind::SourceError)
        }
        TroubleKind::Crash => Red::No(Weak::Crash),
        TroubleKind::NoTests | TroubleKind::Timeout | TroubleKind::Missing | TroubleKind::Unreadable => Red::No(Weak::NotRun),
    }
}

fn is_perl(trouble: &Trouble) -> bool {
    trouble.file.as_deref().is_some_and(|file| file.ends_with(".t"))
}

static MISSING: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"cannot import name '(?P<n>[^']+)'",
        r"No module named '(?P<n>[^']+)'",
        r"has no attribute '(?P<n>[^']+)'",
        r"unexpected keyword argument '(?P<n>[^']+)'",
        r"name '(?P<n>[^']+)' is not defined",
        r"(?P<n>\w+)\(\) takes (?:no|from|exactly|at|\d)",
        r"(?P<n>\w+)\(\) missing \d+ required",
        r"(?P<n>[\w$]+)(?:\)|\(\.\.\.\))* is not a (?:function|constructor)",
        r"(?P<n>[\w$]+) is not defined",
        r"Cannot find module '(?P<n>[^']+)'",
        r"does not provide an export named '(?P<n>[^']+)'",
        r"Failed to (?:resolve|load) (?:import|url) .?(?P<n>[\w./@-]+)",
        r"No matching export in .* for import .(?P<n>[\w$]+)",
        r"Property '(?P<n>[^']+)' does not exist",
        r"has no exported member '?(?P<n>[\w$]+)",
        r"Call to (?:undefined|private|protected) (?:method|function) (?:[\w\\]+::)?(?:\w+\\)*(?P<n>\w+)\(\)",
        r#"(?:Class|Interface|Trait|Enum) "(?:[\w\\]*\\)?(?P<n>\w+)" not found"#,
        r#"Undefined constant "?(?:[\w\\]+(?:::|\\))?(?P<n>\w+)"#,
        r"Unknown named parameter \$(?P<n>\w+)",
        r"(?:Undefined property: |undeclared static property )[\w\\]+::\$(?P<n>\w+)",
        r"Too (?:few|many) arguments (?:to function|for subroutine) .?(?:[\w\\]+::)*(?P<n>\w+)",
        r"undefined (?:local variable or )?method [`'](?P<n>[\w?!=]+)'",
        r"uninitialized constant (?:\w+::)*(?P<n>\w+)",
        r"unknown keywords?: :(?P<n>\w+)",
        r"wrong number of arguments \(.*\) for [`'](?P<n>[\w?!]+)'",
        r"cannot load such file -- (?P<n>[\w./-]+)",
        r#"Can't locate object method "(?P<n>\w+)""#,
        r"Undefined subroutine &(?:\w+::)*(?P<n>\w+)",
        r"Can't locate (?P<n>[\w/]+)\.pm in @INC",
        r#""(?P<n>\w+)" is not exported by"#,
    ]
    .iter()
    .map(|pattern| Regex::new(pattern).expect("a fixed pattern"))
    .collect()
});

fn misses_added_name(message: &str, known: &Known) -> bool {
    let is_added = |name: &str| {
        let last = name.trim_end_matches(['/', '.']).rsplit(['.', '/']).find(|part| !matches!(*part, "js" | "ts" | "mjs" | "cjs" | "tsx"));
        known.added.contains(name) || last.is_some_and(|last| known.added.contains(last))
    };
    MISSING.iter().any(|pattern| pattern.captures_iter(message).any(|found| is_added(&found["n"])))
}

static CODE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)(?:^\s*|does not compile: )error(?:\[(E\d{4})\])?: (.*)$").expect("a fixed pattern"));

/// Compile errors that a missing or differently shaped item gives.
const SHAPE: [&str; 31] = [
    "E0026", "E0027", "E0040", "E0050", "E0053", "E0061", "E0063", "E0107", "E0191", "E0220", "E0277", "E0282", "E0283", "E0308", "E0369",
    "E0403", "E0405", "E0407", "E0412", "E0422", "E0423", "E0425", "E0432", "E0433", "E0437", "E0531", "E0559", "E0560", "E0599", "E0603",
    "E0609",
];

fn compile_errors_miss_added_names(message: &str, known: &Known) -> bool {
    let mut told = 0;
    for error in CODE.captures_iter(message) {
        let summary = error.get(2).map_or("", |text| text.as_str());
        match error.get(1) {
            Some(code) if SHAPE.contains(&code.as_str()) || matches!(code.as_str(), "E0614" | "E0616" | "E0624") => told += 1,
            Some(_) => return false,
            None if is_chorus(summary) => {}
            // `cannot find macro x in this scope` has no code.
            None if summary.starts_with("cannot find") => told += 1,
            None => return false,
        }
    }
    let words = message.split(|c: char| !c.is_alphanumeric() && c != '_');
    told > 0 && words.into_iter().any(|word| known.added.contains(word))
}

/// Lines that only repeat that something else failed.
fn is_chorus(summary: &str) -> bool {
    ["aborting due to", "could not compile", "build failed", "process didn't exit"].iter().any(|start| summary.starts_with(start))
}

static PATH: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[\w./@+-]+\.(?:py|rs|jsx?|mjs|cjs|tsx?|mts|cts|go|rb|java|php|pm|pl|t)\b").expect("a fixed pattern"));

/// The part of what a failure said that holds frames: not its message and not what the test printed, which may name any
/// file. Elsewhere than in Python and JavaScript the frames stand in the message as well.
fn frames_of(fault: &Fault, file: Option<&str>) -> String {
    let ends = |endings: &[&str]| file.is_some_and(|file| endings.iter().any(|ending| file.ends_with(ending)));
    if ends(&[".py"]) {
        let own = fault.trace.split("\n--- ").next().unwrap_or_default();
        return own.lines().filter(|line| !line.starts_with("E  ")).map(|line| format!("{line}\n")).collect();
    }
    if ends(&[".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts"]) {
        return fault.trace.replacen(fault.message.trim(), "", 1);
    }
    format!("{}\n{}", fault.message, fault.trace)
}

/// Whether a trace has a frame of the source under test below the test's own. Python prints the deepest frame last,
/// everybody else first.
fn reaches_source(said: &str, file: Option<&str>, known: &Known) -> bool {
    let frames: Vec<&str> = PATH.find_iter(said).map(|found| found.as_str()).collect();
    let is_source = |path: &str| {
        let foreign =
            ["site-packages/", "node_modules/", "/rustc/", ".cargo/registry/", "node:internal"].iter().any(|part| path.contains(part));
        !foreign && suffixes(path).any(|part| known.source_paths.contains(part)) && file.is_none_or(|file| !path.ends_with(file))
    };
    let is_test = |path: &str| file.is_some_and(|file| path.ends_with(file));
    let python = file.is_some_and(|file| file.ends_with(".py")) || frames.iter().any(|path| path.ends_with(".py"));
    if python {
        let own = frames.iter().position(|path| is_test(path));
        return frames.iter().rposition(|path| is_source(path)).is_some_and(|at| own.is_none_or(|own| own < at));
    }
    let own = frames.iter().rposition(|path| is_test(path));
    frames.iter().position(|path| is_source(path)).is_some_and(|at| own.is_none_or(|own| at < own))
}

/// An example in a docstring stands in the source's own file: what it calls there lies below its own frame.
fn example_reaches_source(said: &str, file: Option<&str>) -> bool {
    let after_example = said.rsplit_once("File \"<doctest ").map_or("", |(_, after)| after);
    file.is_some_and(|file| after_example.lines().skip(1).any(|line| line.trim_start().starts_with("File \"") && line.contains(file)))
}

fn suffixes(path: &str) -> impl Iterator<Item = &str> {
    let starts = std::iter::once(0).chain(path.match_indices('/').map(|(at, _)| at + 1));
    starts.map(|at| &path[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        Known {
            source_paths: ["src/pkg/core.py", "lib/parse.js", "src/lib.rs", "lib/Calc.pm"].map(str::to_owned).into(),
            added: ["fresh".to_owned()].into(),
            ..Known::default()
        }
    }

    fn fault(kind: FaultKind, message: &str, trace: &str) -> Fault {
        Fault { kind, message: message.into(), trace: trace.into() }
    }

    fn of(kind: FaultKind, message: &str, trace: &str, file: &str) -> Red {
        classify(&fault(kind, message, trace), Some(file), &known())
    }

    #[test]
    fn python_reds() {
        let own = "tests/test_a.py";
        assert_eq!(of(FaultKind::Assertion, "assert 1 == 2", "", own), Red::Proof(RedKind::Assertion));
        let deep = "tests/test_a.py:3: in test_a\n    f()\nsrc/pkg/core.py:9: IndexError";
        assert_eq!(of(FaultKind::Error, "IndexError: x", deep, own), Red::Proof(RedKind::SourceError));
        assert_eq!(of(FaultKind::Error, "KeyError: 'x'", "tests/test_a.py:3: KeyError", own), Red::No(Weak::OwnError));
        let before = "src/pkg/core.py:1: in runs_the_test\ntests/test_a.py:3: KeyError";
        assert_eq!(of(FaultKind::Error, "KeyError: 'x'", before, own), Red::No(Weak::OwnError));
        let installed = "tests/test_a.py:3: in t\n/venv/site-packages/src/pkg/core.py:3: KeyError";
        assert_eq!(of(FaultKind::Error, "KeyError: 'x'", installed, own), Red::No(Weak::OwnError));
        assert_eq!(
            of(FaultKind::Error, "TypeError: f() got an unexpected keyword argument 'fresh'", "", own),
            Red::Proof(RedKind::MissingApi)
        );
        assert_eq!(of(FaultKind::Error, "TypeError: f() got an unexpected keyword argument 'stale'", "", own), Red::No(Weak::OwnError));
        assert_eq!(of(FaultKind::Fixture, "fixture 'x' not found", deep, own), Red::No(Weak::Fixture));
        assert_eq!(of(FaultKind::UnexpectedPass, "[XPASS(strict)]", "", own), Red::No(Weak::UnexpectedPass));
        // What a test says or prints is no frame.
        let printed = "tests/test_a.py:3 in test_a\n\n>       f()\nE       KeyError: 'src/pkg/core.py:3'\n\n--- Captured stdout call ---\nsrc/pkg/core.py:9: in f\n";
        assert_eq!(of(FaultKind::Error, "KeyError: 'src/pkg/core.py:3'", printed, own), Red::No(Weak::OwnError));
        assert_eq!(of(FaultKind::Hang, "", "", own), Red::Proof(RedKind::Hang));
    }

    #[test]
    fn script_reds() {
        let own = "test/parse.test.js";
        let trace = "at parse (/loom/repo/lib/parse.js:3:1)\n at Test.<anonymous> (/loom/repo/test/parse.test.js:1:1)";
        assert_eq!(of(FaultKind::Error, "TypeError: Cannot read properties of undefined", trace, own), Red::Proof(RedKind::SourceError));
        assert_eq!(
            of(FaultKind::Error, "TypeError: qs.fresh is not a function", "at test/parse.test.js:1:1", own),
            Red::Proof(RedKind::MissingApi)
        );
        let named = "Error: lib/parse.js:3:1\n    at test/parse.test.js:1:1";
        assert_eq!(of(FaultKind::Error, "Error: lib/parse.js:3:1", named, own), Red::No(Weak::OwnError));
        assert_eq!(of(FaultKind::Error, "TypeError: t.equl is not a function", "at test/parse.test.js:1:1", own), Red::No(Weak::OwnError));
    }

    #[test]
    fn reds_of_php_ruby_and_perl() {
        for message in [
            "Error: Call to undefined method App\\Calc::fresh()",
            "Error: Call to undefined function App\\fresh()",
            "Error: Unknown named parameter $fresh",
            "ArgumentCountError: Too few arguments to function App\\Calc::fresh(), 1 passed",
            "NoMethodError: undefined method `fresh' for #<Calc>",
            "ArgumentError: unknown keyword: :fresh",
            "ArgumentError: wrong number of arguments (given 3, expected 2) for `fresh'",
            "LoadError: cannot load such file -- calc/fresh",
            "Can't locate object method \"fresh\" via package \"Calc\" at t/a.t line 3.",
            "Undefined subroutine &main::fresh called",
        ] {
            assert_eq!(of(FaultKind::Error, message, "", "t/a.t"), Red::Proof(RedKind::MissingApi), "{message}");
            assert_eq!(of(FaultKind::Error, &message.replace("fresh", "stale"), "", "t/a.t"), Red::No(Weak::OwnError), "{message}");
        }
        let crash = |message: &str, file: &str| {
            classify_trouble(&Trouble { kind: TroubleKind::Crash, file: Some(file.into()), message: message.into() }, &known())
        };
        assert_eq!(crash("Can't locate object method \"fresh\" via package", "t/a.t"), Red::Proof(RedKind::MissingApi));
        assert_eq!(crash("too big at lib/Calc.pm line 4.", "t/a.t"), Red::Proof(RedKind::SourceError));
        assert_eq!(crash("too big at t/a.t line 4.", "t/a.t"), Red::No(Weak::Crash));
        assert_eq!(crash("panicked at src/lib.rs:3:1", "tests/a.rs"), Red::No(Weak::Crash));
    }

    #[test]
    fn rust_reds() {
        assert_eq!(
            of(FaultKind::Error, "called `Result::unwrap()` on an `Err` value", "panicked at tests/a.rs:3:1", "tests/a.rs"),
            Red::Proof(RedKind::Assertion)
        );
        assert_eq!(
            of(FaultKind::Error, "attempt to add with overflow", "panicked at src/lib.rs:3:1", "tests/a.rs"),
            Red::Proof(RedKind::SourceError)
        );
        let build = |message: &str| classify_trouble(&Trouble { kind: TroubleKind::Build, file: None, message: message.into() }, &known());
        assert_eq!(
            build(
                "error[E0425]: cannot find function `fresh` in this scope\n --> tests/a.rs\nerror: could not compile `x` (test \"a\") due to 1 previous error"
            ),
            Red::Proof(RedKind::MissingApi)
        );
        assert_eq!(build("error[E0425]: cannot find function `typo` in this scope"), Red::No(Weak::Load));
        assert_eq!(build("error[E0425]: cannot find function `fresh`\nerror: expected `;`, found `}`"), Red::No(Weak::Load));
        assert_eq!(build("error[E0502]: cannot borrow `fresh`"), Red::No(Weak::Load));
    }

    #[test]
    fn a_file_that_does_not_load_proves_only_by_an_added_name() {
        let load = |message: &str| classify_trouble(&Trouble { kind: TroubleKind::Load, file: None, message: message.into() }, &known());
        assert_eq!(load("ImportError: cannot import name 'fresh' from 'pkg'"), Red::Proof(RedKind::MissingApi));
        assert_eq!(load("ModuleNotFoundError: No module named 'pkg.fresh'"), Red::Proof(RedKind::MissingApi));
        assert_eq!(load("Error: Cannot find module '../lib/fresh.js'"), Red::Proof(RedKind::MissingApi));
        assert_eq!(load("ModuleNotFoundError: No module named 'requests'"), Red::No(Weak::Load));
        assert_eq!(load("SyntaxError: invalid syntax"), Red::No(Weak::Load));
    }
}
