//! `go test`: one run with JSON events for all packages, then once more for what a panic kept from running.
//!
//! A test is named `IMPORT/PATH::TestName`, a subtest `IMPORT/PATH::TestName::its/name`. A test that is not there is
//! absent from the cases; a package that does not build or load is a `Build` trouble that names its import path, and the
//! other packages run all the same.

mod broken;
mod call;
mod events;
mod packages;
mod seen;

use std::collections::{BTreeMap, BTreeSet};

use call::Call;
use events::Events;
use packages::{Package, Packages};

use super::findings::Findings;
use super::run::Reading;
use super::session::{Child, Deadline, Session, ended_by_itself};
use super::text::{first_lines, plain};
use super::{FaultKind, Outcome, Selection, TroubleKind};
use crate::error::Result;
use crate::sandbox::Ending;

/// How often a package is started again for the tests that a panic of another one kept from running.
const ROUNDS: usize = 25;

/// Runs the suite, or the part of it that was asked for.
pub(super) fn run(session: &Session<'_>) -> Result<Reading> {
    let packages = Packages::of(session);
    let call = Call::of(&session.suite.command);
    let wanted = wanted(session.selection, &packages);
    let shown = call.shown(wanted.as_ref());
    let mut reading = Reading { command: shown, findings: Findings::default(), ending: Ending::Exited(0), output: String::new() };
    if wanted.as_ref().is_some_and(Wanted::is_empty) {
        return Ok(reading);
    }
    let built = Deadline::after(session.settings.build_timeout.duration());
    if is_cold(session) && !warm(session, &call, wanted.as_ref(), built, &mut reading)? {
        return Ok(reading);
    }
    let deadline = Deadline::after(session.settings.timeout.duration());
    let events = round(session, &call, wanted.as_ref(), deadline, &mut reading)?;
    if let Some(said) = events.nothing(reading.ending) {
        reading.findings.trouble(TroubleKind::Build, None, &said);
        return Ok(reading);
    }
    let mut left = settle(events, &packages, wanted.as_ref(), &mut reading);
    for _ in 0..ROUNDS {
        if left.is_empty() || deadline.spent() || !ended_by_itself(reading.ending) {
            break;
        }
        let again = Wanted { names: left };
        let first = std::mem::replace(&mut reading.ending, Ending::Exited(0));
        let events = round(session, &call, Some(&again), deadline, &mut reading)?;
        left = settle(events, &packages, Some(&again), &mut reading);
        if ended_by_itself(reading.ending) {
            reading.ending = first;
        }
    }
    Ok(reading)
}

/// The test functions to run, by the package's folder below the suite's; all of a package when none is named.
pub(super) struct Wanted {
    names: BTreeMap<String, BTreeSet<String>>,
}

impl Wanted {
    fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// The part of the packages that a selection is about; none for all.
fn wanted(selection: &Selection, packages: &Packages) -> Option<Wanted> {
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    match selection {
        Selection::All => return None,
        Selection::Files(files) => {
            for file in files {
                let Some(package) = packages.holding(file) else { continue };
                let own = package.functions_in(file);
                let known = names.get(&package.dir).is_some_and(BTreeSet::is_empty);
                // A file without tests of its own serves others of its package.
                if own.is_empty() {
                    names.insert(package.dir.clone(), BTreeSet::new());
                } else if !known {
                    names.entry(package.dir.clone()).or_default().extend(own);
                }
            }
        }
        Selection::Tests(tests) => {
            for test in tests {
                let Some(package) = packages.named(test.file()) else { continue };
                let function = test.inner().split("::").next().unwrap_or_default();
                names.entry(package.dir.clone()).or_default().insert(function.to_owned());
            }
        }
    }
    Some(Wanted { names })
}

/// Whether nothing was ever built in this tree: then the time that building takes is not the tests'.
fn is_cold(session: &Session<'_>) -> bool {
    !session.tree.private.join(call::CACHE).is_dir()
}

/// Builds the test programs without running them. False when that took too long.
fn warm(session: &Session<'_>, call: &Call, wanted: Option<&Wanted>, deadline: Deadline, reading: &mut Reading) -> Result<bool> {
    let finished = session.start(call.building(session, wanted)?, deadline)?;
    if finished.ending != Ending::TimedOut {
        return Ok(true);
    }
    reading.ending = Ending::TimedOut;
    reading.findings.trouble(TroubleKind::Timeout, None, "the build was stopped at its limit");
    Ok(false)
}

/// One `go test`.
fn round(session: &Session<'_>, call: &Call, wanted: Option<&Wanted>, deadline: Deadline, reading: &mut Reading) -> Result<Events> {
    let child: Child = call.testing(session, wanted, deadline)?;
    let finished = session.start(child, deadline)?;
    let said = plain(&finished.stderr.text());
    let events = Events::read(&finished.stdout.text(), &said);
    super::cargo::append(&mut reading.output, &events.printed());
    if !said.trim().is_empty() {
        super::cargo::append(&mut reading.output, &said);
    }
    reading.ending = finished.ending;
    if let Ending::Signalled(signal) = finished.ending {
        reading.findings.trouble(TroubleKind::Crash, None, &format!("go died of signal {signal}: {}", first_lines(&said, 4)));
    }
    Ok(events)
}

/// Takes over what ended; answers with the functions that others kept from running, by folder.
fn settle(events: Events, packages: &Packages, wanted: Option<&Wanted>, reading: &mut Reading) -> BTreeMap<String, BTreeSet<String>> {
    let mut left = BTreeMap::new();
    for (path, mut run) in events.packages {
        let package = packages.named(&path);
        if let Some(said) = &run.broken {
            reading.findings.trouble(TroubleKind::Build, Some(&path), said);
            continue;
        }
        let culprits = run.blame(reading.ending);
        for (name, case) in run.cases(&culprits) {
            let (function, _) = name.split_once("::").unwrap_or((&name, ""));
            let file = package.and_then(|package| package.file_of(function));
            // A name that no file of the package defines was printed by something else.
            if package.is_some() && file.is_none() {
                continue;
            }
            let case = match file {
                Some(file) => case.in_file(file),
                None => case,
            };
            reading.findings.put(super::TestId::new(&[&path, &name]), case);
        }
        if let Some(said) = run.unexplained(&culprits) {
            reading.findings.trouble(TroubleKind::Crash, Some(&path), &said);
        }
        if let Some(package) = package.filter(|_| run.died && !culprits.is_empty()) {
            let rest = rest(package, wanted, &run, &culprits);
            if !rest.is_empty() {
                left.insert(package.dir.clone(), rest);
            }
        }
    }
    left
}

/// The functions of a package that should have run and did not come to an end.
fn rest(package: &Package, wanted: Option<&Wanted>, run: &seen::Run, culprits: &BTreeSet<String>) -> BTreeSet<String> {
    let asked = wanted.and_then(|wanted| wanted.names.get(&package.dir)).filter(|names| !names.is_empty());
    let all = package.functions();
    let blamed: BTreeSet<&str> = culprits.iter().map(|name| name.split("::").next().unwrap_or(name)).collect();
    all.filter(|name| asked.is_none_or(|asked| asked.contains(*name)))
        .filter(|name| !run.has_ended(name) && !blamed.contains(name))
        .map(str::to_owned)
        .collect()
}

/// A failure of the kind that a stopped or dead process leaves behind.
fn lost(kind: FaultKind, message: &str, trace: &str) -> Outcome {
    Outcome::failed(kind, message, trace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TestSettings;
    use crate::runner::TestId;
    use crate::runner::trial::{Trial, lines};

    const CALC: &str = "package calc\n\nfunc Add(a, b int) int { return a + b }\n\nfunc At(all []int, i int) int { return all[i] }\n";
    const TESTS: &str = r#"package calc

import (
	"fmt"
	"testing"
)

func TestAdd(t *testing.T) {
	fmt.Print("no end of the line")
	if got := Add(1, 2); got != 3 {
		t.Errorf("Add(1, 2) = %d", got)
	}
}
func TestWrong(t *testing.T) {
	if got := Add(1, 2); got != 4 {
		t.Fatalf("Add(1, 2) = %d\nwant 4", got)
	}
}
func TestTable(t *testing.T) {
	for _, name := range []string{"one case", "a/b"} {
		t.Run(name, func(t *testing.T) { t.Parallel() })
	}
}
func TestPanics(t *testing.T) { At(nil, 3) }
func TestAfter(t *testing.T)  {}
func TestDeep(t *testing.T)   { t.Run("inner", func(t *testing.T) { go func() { panic("elsewhere") }(); select {} }) }
func TestLater(t *testing.T)  { t.Skip("not yet") }
func ExampleAdd() {
	fmt.Println(Add(3, 1))
	// Output: 4
}
func FuzzAdd(f *testing.F) {
	f.Add(1)
	f.Fuzz(func(t *testing.T, a int) {})
}
"#;

    fn files() -> [(&'static str, &'static str); 8] {
        [
            ("go.mod", "module example.com/calc\n\ngo 1.19\n\nrequire example.com/dep v1.0.0\n"),
            ("vendor/modules.txt", "# example.com/dep v1.0.0\n## explicit; go 1.19\nexample.com/dep\n"),
            ("vendor/example.com/dep/dep.go", "package dep\n\nconst Two = 2\n"),
            ("calc.go", CALC),
            ("calc_test.go", TESTS),
            ("broken/broken_test.go", "package broken\n\nimport \"testing\"\n\nfunc TestX(t *testing.T) { Fresh(1) }\n"),
            (
                "exit/exit_test.go",
                "package exit\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestMain(m *testing.M) { m.Run(); os.Exit(3) }\nfunc TestIn(t *testing.T) {}\n",
            ),
            (
                "dep/dep_test.go",
                "package dep_test\n\nimport (\n\t\"testing\"\n\n\t\"example.com/dep\"\n)\n\nfunc TestTwo(t *testing.T) {\n\tif dep.Two != 2 {\n\t\tt.Fail()\n\t}\n}\n",
            ),
        ]
    }

    #[test]
    fn a_real_module_with_panicking_broken_and_leaving_packages() {
        let trial = Trial::new(&files(), TestSettings::default());
        assert!(trial.bench.suites[0].setup.is_empty(), "vendored");
        let base = trial.tree("one", &files());
        let report = trial.run(&base, &Selection::All);
        let expected = [
            "example.com/calc/dep::TestTwo: passed",
            "example.com/calc/exit::TestIn: passed",
            "example.com/calc::ExampleAdd: passed",
            "example.com/calc::FuzzAdd: passed",
            "example.com/calc::FuzzAdd::seed#0: passed",
            "example.com/calc::TestAdd: passed",
            "example.com/calc::TestAfter: passed",
            "example.com/calc::TestDeep: Crash",
            "example.com/calc::TestDeep::inner: Error",
            "example.com/calc::TestLater: skipped, not yet",
            "example.com/calc::TestPanics: Error",
            "example.com/calc::TestTable: passed",
            "example.com/calc::TestTable::a/b: passed",
            "example.com/calc::TestTable::one_case: passed",
            "example.com/calc::TestWrong: Assertion",
        ];
        assert_eq!(lines(&report), expected, "{:#?}\n{}", report.troubles, report.output);
        let fault = |name: &str| match &report.cases[&TestId::new(&["example.com/calc", name])].outcome {
            Outcome::Failed(fault) => fault.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(fault("TestWrong").message, "calc_test.go:16: Add(1, 2) = 3\n    want 4");
        let panicked = fault("TestPanics");
        assert!(panicked.message.starts_with("panic: runtime error: index out of range"), "{panicked:?}");
        assert!(
            panicked.trace.contains("calc.go:5") && !panicked.trace.contains("/loom") && !panicked.trace.contains("runtime/panic.go"),
            "{}",
            panicked.trace
        );
        let told: Vec<_> = report.troubles.iter().map(|one| (one.kind, one.file.as_deref())).collect();
        assert_eq!(told, [(TroubleKind::Build, Some("example.com/calc/broken")), (TroubleKind::Crash, Some("example.com/calc/exit"))]);
        assert!(report.troubles[0].message.contains("broken/broken_test.go:5:28: undefined: Fresh"), "{}", report.troubles[0].message);
        assert_eq!(report.cases[&TestId::new(&["example.com/calc", "TestAdd"])].file.as_deref(), Some("calc_test.go"));

        // Another tree, seeded: it is its own source that is tested.
        let mut other = files();
        let changed = CALC.replace("a + b", "a - b");
        other[3].1 = &changed;
        let head = trial.tree("two", &other);
        trial.bench.seed(&base, &head, &crate::runner::Age::AllNew).unwrap();
        let ids = ["TestAdd", "TestTable::a/b"].map(|name| TestId::new(&["example.com/calc", name]));
        let report = trial.run(&head, &Selection::Tests(ids.to_vec()));
        assert_eq!(lines(&report), ["example.com/calc::TestAdd: Assertion", "example.com/calc::TestTable::a/b: passed"]);
        assert_eq!(report.command, "go test '-run=^(TestAdd|TestTable)$' .");
        let report = trial.run(&head, &Selection::Files(vec!["dep/dep_test.go".into(), "broken/broken_test.go".into()]));
        assert_eq!((lines(&report), report.troubles.len()), (vec!["example.com/calc/dep::TestTwo: passed".to_owned()], 1));
    }

    #[test]
    fn a_test_that_hangs_is_named_and_the_rest_runs() {
        let files = [
            ("go.mod", "module example.com/h\n"),
            (
                "h_test.go",
                "package h\n\nimport \"testing\"\n\nfunc TestHangs(t *testing.T) { select {} }\nfunc TestAfter(t *testing.T) {}\n",
            ),
            (
                "go_test.go",
                "package h\n\nimport (\n\t\"testing\"\n\t\"time\"\n)\n\nfunc TestSleeps(t *testing.T) { time.Sleep(time.Hour) }\n",
            ),
        ];
        let settings = TestSettings { command: Some("go test -timeout 1s ./...".into()), ..TestSettings::default() };
        let trial = Trial::new(&files, settings);
        let report = trial.run(&trial.tree("one", &files), &Selection::All);
        let expected = ["example.com/h::TestAfter: passed", "example.com/h::TestHangs: Hang", "example.com/h::TestSleeps: Hang"];
        assert_eq!(lines(&report), expected, "{}", report.output);
    }
}
