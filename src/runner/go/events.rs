//! The events that `go test -json` writes, taken apart by package and test. What go builds is told beside them: in
//! words on standard error, or as events of its own since Go 1.24. A line that is no event is foreign and proves nothing.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::text::first_lines;
use super::broken::{blocks, package_of, reason};
use super::seen::Run;
use crate::sandbox::Ending;

/// Most of what is kept of the words that are no events.
const LOOSE: usize = 256 << 10;

/// Everything one `go test` told.
pub(super) struct Events {
    pub(super) packages: BTreeMap<String, Run>,
    /// Words that are no events, and standard error.
    said: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Event {
    action: String,
    package: String,
    import_path: String,
    test: String,
    output: String,
    elapsed: Option<f64>,
    failed_build: String,
}

impl Events {
    /// Reads both streams of a run.
    pub(super) fn read(out: &str, err: &str) -> Events {
        let mut events = Events { packages: BTreeMap::new(), said: String::new() };
        let mut built = String::new();
        let mut broken: Vec<String> = Vec::new();
        for line in out.lines() {
            match serde_json::from_str::<Event>(line) {
                Ok(event) if event.action == "build-output" => built.push_str(&event.output),
                Ok(event) if !event.package.is_empty() => {
                    if !event.failed_build.is_empty() {
                        broken.push(event.package.clone());
                    }
                    broken.extend(not_built(&event.output));
                    events.packages.entry(event.package.clone()).or_default().take(
                        &event.action,
                        &event.test,
                        &event.output,
                        event.elapsed,
                    );
                }
                Ok(_) => {}
                Err(_) => {
                    broken.extend(not_built(line));
                    if events.said.len() < LOOSE {
                        events.said.push_str(line);
                        events.said.push('\n');
                    }
                }
            }
        }
        built.push_str(err);
        let blocks = blocks(&built);
        for path in broken {
            let said = reason(&path, &blocks, &built);
            let run = events.packages.entry(path).or_default();
            run.broken = Some(if said.is_empty() { "it does not build, and go does not say why".to_owned() } else { said });
        }
        events.said.push_str(&built);
        events
    }

    /// What go said, where it told of no package at all and failed.
    pub(super) fn nothing(&self, ending: Ending) -> Option<String> {
        let failed = matches!(ending, Ending::Exited(code) if code != 0 && code != 127);
        (self.packages.is_empty() && failed && !self.said.trim().is_empty()).then(|| first_lines(&self.said, 12))
    }

    /// For people: what the tests printed.
    pub(super) fn printed(&self) -> String {
        self.packages.values().map(Run::printed).collect()
    }
}

/// The package of a line `FAIL a/b [build failed]`.
fn not_built(line: &str) -> Option<String> {
    let mut words = line.strip_prefix("FAIL\t")?.split_whitespace();
    let path = words.next()?;
    let why = words.collect::<Vec<_>>().join(" ");
    matches!(why.as_str(), "[build failed]" | "[setup failed]").then(|| package_of(path))
}

#[cfg(test)]
mod tests {
    use super::super::super::findings::Findings;
    use super::super::super::run::Reading;
    use super::super::packages::Packages;
    use super::*;
    use crate::runner::trial::never_invents_a_pass;
    use crate::runner::{FaultKind, Outcome, TroubleKind};

    /// What Go 1.19 printed for packages with every outcome, and Go 1.24 for one that does not build.
    const RECORDED: &str = include_str!("../fixtures/go.jsonl");
    const SAID: &str = "# example.com/calc/pkg [example.com/calc/pkg.test]\npkg/broken_test.go:5:28: undefined: Fresh\n";

    fn read(out: &str, err: &str, ending: Ending) -> Findings {
        let mut reading = Reading { command: String::new(), findings: Findings::default(), ending, output: String::new() };
        super::super::settle(Events::read(out, err), &Packages::none(), None, &mut reading);
        reading.findings
    }

    #[test]
    fn every_outcome() {
        let findings = read(RECORDED, SAID, Ending::Exited(1));
        let word = |outcome: &Outcome| match outcome {
            Outcome::Passed => "passed".to_owned(),
            Outcome::Skipped(why) => format!("skipped, {why}"),
            Outcome::Failed(fault) => format!("{:?}: {}", fault.kind, fault.message.lines().next().unwrap_or_default()),
        };
        let lines: Vec<String> = findings.cases.iter().map(|(id, case)| format!("{id}: {}", word(&case.outcome))).collect();
        let expected = [
            "example.com/calc/good::ExampleA: passed",
            "example.com/calc/good::ExampleB: Assertion: got:",
            "example.com/calc/good::TestA: passed",
            "example.com/calc/good::TestB: passed",
            "example.com/calc/good::TestB::part: passed",
            "example.com/calc/pkg/sub::TestExit: Error: panic: unexpected call to os.Exit(0) during test",
            "example.com/calc::TestAdd: Assertion: calc_test.go:11: Add(1, 2) = -1, want 3",
            "example.com/calc::TestPanic: Error: panic: runtime error: index out of range [3] with length 0",
            "example.com/calc::TestSkip: skipped, later",
            "example.com/calc::TestSub: Assertion: parts of it failed: TestSub::a/b, TestSub::one_case",
            "example.com/calc::TestSub::a/b: Assertion: calc_test.go:20: no",
            "example.com/calc::TestSub::one_case: Assertion: calc_test.go:20: no",
        ];
        assert_eq!(lines, expected);
        let troubles: Vec<_> =
            findings.troubles.iter().map(|one| (one.kind, one.file.as_deref().unwrap_or_default(), one.message.as_str())).collect();
        let broken = [
            (TroubleKind::Build, "example.com/calc/pkg", "pkg/broken_test.go:5:28: undefined: Fresh"),
            (TroubleKind::Build, "example.com/new", "./new_test.go:6:2: undefined: Newer"),
        ];
        assert_eq!(troubles, broken);
    }

    #[test]
    fn torn_and_mutated_events() {
        never_invents_a_pass(RECORDED, |text| read(text, "", Ending::TimedOut));
    }

    #[test]
    fn a_test_that_hangs_is_told_from_those_that_wait() {
        let out = concat!(
            "{\"Action\":\"run\",\"Package\":\"a\",\"Test\":\"TestP\"}\n{\"Action\":\"pause\",\"Package\":\"a\",\"Test\":\"TestP\"}\n",
            "{\"Action\":\"run\",\"Package\":\"a\",\"Test\":\"TestH\"}\n",
            "{\"Action\":\"output\",\"Package\":\"a\",\"Test\":\"TestH\",\"Output\":\"panic: test timed out after 1s\\n\"}\n",
            "{\"Action\":\"fail\",\"Package\":\"a\"}\n"
        );
        let findings = read(out, "", Ending::Exited(1));
        assert_eq!(findings.cases.len(), 1);
        let Outcome::Failed(fault) = &findings.cases.first_key_value().unwrap().1.outcome else { panic!() };
        assert_eq!(fault.kind, FaultKind::Hang);
    }

    #[test]
    fn a_package_that_fails_without_a_failed_test_is_a_trouble() {
        let out = concat!(
            "{\"Action\":\"run\",\"Package\":\"a\",\"Test\":\"TestA\"}\n{\"Action\":\"pass\",\"Package\":\"a\",\"Test\":\"TestA\"}\n",
            "{\"Action\":\"output\",\"Package\":\"a\",\"Output\":\"exit status 3\\n\"}\n{\"Action\":\"fail\",\"Package\":\"a\"}\n"
        );
        let findings = read(out, "", Ending::Exited(1));
        assert_eq!((findings.cases.len(), findings.troubles[0].kind), (1, TroubleKind::Crash));
        assert!(findings.troubles[0].message.contains("exit status 3"));
    }

    #[test]
    fn a_pass_that_is_printed_does_not_outweigh_the_failure() {
        let event = |action: &str| format!("{{\"Action\":\"{action}\",\"Package\":\"a\",\"Test\":\"TestA\"}}\n");
        let out = ["run", "fail", "run", "pass"].map(event).concat();
        assert!(read(&out, "", Ending::Exited(0)).cases.values().all(|case| case.outcome != Outcome::Passed));
        assert!(read(&event("pass"), "", Ending::Exited(0)).cases.is_empty(), "a test that never began has no result");
    }
}
