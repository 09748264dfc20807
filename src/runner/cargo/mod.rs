//! `cargo test`, taken apart: one build that keeps going past broken targets, then each test binary by itself with
//! libtest's JSON events, then the doctests by cargo.
//!
//! A test is named `SOURCE::path::of::test`, `SOURCE` being the target's root file relative to the repository's root
//! (`crates/a/tests/string.rs`, `src/lib.rs`); a doctest `FILE::doctest item`. A test that is not there is absent from
//! the cases; a target that does not compile is a `Build` trouble with the target's root file, its tests absent.

mod binary;
mod build;
mod doctest;
mod flags;
mod narrow;
mod package;

pub(super) use build::{Built, Target};

pub(super) use flags::Flags;
pub use narrow::narrowed;

use std::collections::BTreeMap;

use build::build;

use super::findings::Findings;
use super::run::Reading;
use super::session::{Deadline, Session};
use super::text::OUTPUT;
use super::{Selection, TroubleKind};
use crate::error::Result;
use crate::sandbox::Ending;

/// Builds and runs the suite, or the part of it that was asked for.
pub(super) fn run(session: &Session<'_>) -> Result<Reading> {
    let flags = Flags::of(&session.suite.command);
    let (built, mut reading) = begin(session, &flags)?;
    if built.ending == Ending::TimedOut {
        return Ok(reading);
    }
    let deadline = Deadline::after(session.settings.timeout.duration());
    let built_tests = built.targets.iter().filter(|target| target.executable.is_some());
    for target in built_tests.filter(|_| !flags.only_doctests) {
        let Some(names) = wanted(session.selection, &target.source) else { continue };
        if deadline.spent() {
            reading.stopped();
            break;
        }
        binary::run(session, &flags, &built, target, &names, deadline, &mut reading)?;
    }
    run_doctests(session, &flags, &built, deadline, &mut reading)?;
    Ok(reading)
}

/// The build, which every run begins with, and what it told; over when it was stopped at its limit.
pub(super) fn begin(session: &Session<'_>, flags: &Flags) -> Result<(Built, Reading)> {
    let mut findings = Findings::default();
    let built = build(session, flags, &mut findings)?;
    if built.ending == Ending::TimedOut {
        findings.trouble(TroubleKind::Timeout, None, "the build was stopped at its limit");
    }
    let reading = Reading { command: session.suite.command.clone(), findings, ending: built.ending, output: built.output.clone() };
    Ok((built, reading))
}

/// The doctests, where the command and the selection include them and a library can have some.
pub(super) fn run_doctests(session: &Session<'_>, flags: &Flags, built: &Built, deadline: Deadline, reading: &mut Reading) -> Result<()> {
    let wanted = flags.doctests && doctest::wanted(session.selection) && !built.libraries().is_empty();
    if wanted && !deadline.spent() {
        doctest::run(session, flags, built, deadline, reading)?;
    }
    Ok(())
}

/// The tests to run in a target: all of them when empty, none of the target when `None`.
pub(super) fn wanted(selection: &Selection, source: &str) -> Option<Vec<String>> {
    match selection {
        Selection::All => Some(Vec::new()),
        // A file below `src/` or `tests/x/` belongs to the target that declares it as a module; its root is what runs.
        Selection::Files(files) => files.iter().any(|file| belongs(file, source)).then(Vec::new),
        Selection::Tests(tests) => {
            let names: Vec<String> = tests
                .iter()
                .filter(|test| test.file() == source)
                .map(|test| test.unnumbered().split_once("::").map_or("", |(_, inner)| inner).to_owned())
                .filter(|name| !name.starts_with(doctest::MARK))
                .collect();
            (!names.is_empty()).then_some(names)
        }
    }
}

/// Whether a file can be part of the target with this root file.
fn belongs(file: &str, source: &str) -> bool {
    let folder = source.rsplit_once('/').map_or("", |(folder, _)| folder);
    let below = |folder: &str| file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/') && !folder.is_empty());
    let name = source.rsplit('/').next().unwrap_or(source);
    if file == source {
        return true;
    }
    match name {
        // Data and modules beside the root of a library, program or multi-file test belong to it.
        "lib.rs" | "main.rs" => below(folder),
        // `tests/common/mod.rs` or `tests/fixtures/x.toml` may be part of every test beside its folder.
        _ => below(folder) && file[folder.len() + 1..].contains('/'),
    }
}

/// Variables for everything that is built or run: build output of this tree alone, no network, no colours.
pub(super) fn environment(session: &Session<'_>) -> BTreeMap<String, String> {
    let target = session.tree.private_point().join("target");
    let mut env = BTreeMap::new();
    env.insert("CARGO_TARGET_DIR".to_owned(), target.to_string_lossy().into_owned());
    env.insert("CARGO_NET_OFFLINE".to_owned(), "true".to_owned());
    env.insert("CARGO_TERM_COLOR".to_owned(), "never".to_owned());
    env.insert("CARGO_TERM_PROGRESS_WHEN".to_owned(), "never".to_owned());
    env
}

/// Adds to what people read, without growing past what is kept in the end.
pub(super) fn append(output: &mut String, more: &str) {
    if output.len() < OUTPUT * 8 {
        output.push_str(more);
        if !more.ends_with('\n') {
            output.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Span, TestSettings};
    use crate::runner::TestId;
    use crate::runner::trial::{Trial, lines};

    #[test]
    fn a_selection_reaches_the_targets_it_is_about() {
        let files = |path: &str| Selection::Files(vec![path.to_owned()]);
        assert!(wanted(&files("crates/a/tests/string.rs"), "crates/a/tests/string.rs").is_some());
        assert!(wanted(&files("crates/a/src/deep/mod.rs"), "crates/a/src/lib.rs").is_some());
        assert!(wanted(&files("crates/a/tests/common/mod.rs"), "crates/a/tests/string.rs").is_some());
        assert!(wanted(&files("crates/a/tests/other.rs"), "crates/a/tests/string.rs").is_none());
        assert!(wanted(&files("crates/b/src/lib.rs"), "crates/a/src/lib.rs").is_none());
        let test = TestId::new(&["src/lib.rs", "tests::bad"]);
        assert_eq!(wanted(&Selection::Tests(vec![test.clone()]), "src/lib.rs"), Some(vec!["tests::bad".to_owned()]));
        assert_eq!(wanted(&Selection::Tests(vec![test]), "src/main.rs"), None);
    }

    const LIB: &str = "/// ```\n/// assert_eq!(calc::add(1, 2), 3);\n/// ```\npub fn add(a: u64, b: u64) -> u64 { a + b }\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn ok() { assert_eq!(super::add(1, 2), 3); }\n    #[test]\n    fn wrong() { assert_eq!(super::add(1, 2), 4); }\n    #[test]\n    #[ignore = \"slow\"]\n    fn slow() {}\n}\n";
    const MANIFEST: &str =
        "[package]\nname = \"calc\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[[test]]\nname = \"bare\"\nharness = false\n";

    fn files() -> [(&'static str, &'static str); 6] {
        [
            ("Cargo.toml", MANIFEST),
            ("src/lib.rs", LIB),
            ("tests/bare.rs", "fn main() { assert_eq!(calc::add(2, 2), 4); }\n"),
            ("tests/broken.rs", "#[test] fn missing() { calc::absent(); }\n"),
            ("tests/crash.rs", "#[test] fn dies() { std::process::abort(); }\n#[test] fn lives() {}\n"),
            (
                "tests/surroundings.rs",
                "#[test] fn env() { assert_eq!(std::env::var(\"CARGO_PKG_NAME\").unwrap(), \"calc\"); assert!(std::path::Path::new(\"Cargo.toml\").exists()); }\n",
            ),
        ]
    }

    #[test]
    fn a_real_package_with_broken_crashing_and_bare_targets() {
        let trial = Trial::new(&files(), TestSettings::default());
        let base = trial.tree("one", &files());
        let report = trial.run(&base, &Selection::All);
        assert_eq!(
            lines(&report),
            [
                "src/lib.rs::doctest add: passed",
                "src/lib.rs::tests::ok: passed",
                "src/lib.rs::tests::slow: skipped, slow",
                "src/lib.rs::tests::wrong: Assertion",
                "tests/bare.rs::bare (no harness): passed",
                "tests/crash.rs::dies: Crash",
                "tests/crash.rs::lives: passed",
                "tests/surroundings.rs::env: passed",
            ],
            "{:#?}",
            report.troubles
        );
        let build = report.troubles.iter().find(|trouble| trouble.kind == TroubleKind::Build).unwrap();
        assert_eq!(build.file.as_deref(), Some("tests/broken.rs"));
        assert!(build.message.contains("cannot find function `absent`"), "{}", build.message);

        // A seeded tree with other source: what is tested is its own.
        let mut other = files();
        let changed = LIB.replace("{ a + b }", "{ let _ = (a, b); 4 }");
        other[1].1 = &changed;
        let head = trial.tree("two", &other);
        trial.bench.seed(&base, &head, &crate::runner::Age::AllNew).unwrap();
        let (built, seeded) = (base.private.join("target/debug"), head.private.join("target/debug"));
        assert!(built.join("incremental").is_dir() && !seeded.join("incremental").exists(), "what is built anew is not copied");
        assert!(seeded.join(".fingerprint").is_dir() && seeded.join("deps").is_dir());
        let ids = ["ok", "wrong"].map(|name| TestId::new(&["src/lib.rs", "tests", name]));
        let report = trial.run(&head, &Selection::Tests(ids.to_vec()));
        assert_eq!(lines(&report), ["src/lib.rs::tests::ok: Assertion", "src/lib.rs::tests::wrong: passed"]);
    }

    #[test]
    fn tests_that_hang_cost_no_other_its_result() {
        let names: String = (0..12).map(|number| format!("#[test] fn z{number:02}() {{}}\n")).collect();
        // As many as there are threads, so that none is left for the others.
        let stuck: String = (0..3).map(|number| format!("#[test] fn a{number}() {{ loop {{ std::thread::park(); }} }}\n")).collect();
        let tests = format!("{stuck}{names}");
        let files = [
            ("Cargo.toml", "[package]\nname = \"stuck\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
            ("src/lib.rs", ""),
            ("tests/stuck.rs", tests.as_str()),
        ];
        let settings = TestSettings {
            command: Some("cargo test -- --test-threads=2".into()),
            case_timeout: Span::seconds(2),
            ..TestSettings::default()
        };
        let trial = Trial::new(&files, settings);
        let report = trial.run(&trial.tree("one", &files), &Selection::All);
        let (hung, passed): (Vec<_>, Vec<_>) = lines(&report).into_iter().partition(|line| line.ends_with("Hang"));
        assert_eq!((hung.len(), passed.len()), (3, 12), "{hung:?} {passed:?} {:#?}", report.troubles);
        assert!(passed.iter().all(|line| line.ends_with("passed")) && report.troubles.is_empty(), "{:#?}", report.troubles);
    }
}
