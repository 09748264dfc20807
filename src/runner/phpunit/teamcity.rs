//! The TeamCity log of phpunit: written as the tests run, it tells what a process that ended too soon had done.

use crate::runner::findings::Findings;
use crate::runner::{Case, FaultKind, Outcome, TestId};
use crate::sandbox::Ending;

use super::with_data_set;

/// The test that began and has not ended.
struct Running {
    id: TestId,
    /// As its messages write it.
    name: String,
    file: String,
    outcome: Option<Outcome>,
}

/// Reads the messages; a test that began and did not end hung, or died with its process.
pub(super) fn read(text: &str, ending: Ending, place: &dyn Fn(&str) -> Option<String>, findings: &mut Findings) {
    let mut running: Option<Running> = None;
    let whole = text.ends_with('\n');
    let count = text.lines().count();
    for (at, line) in text.lines().enumerate() {
        let Some(message) = line.strip_prefix("##teamcity[").and_then(|line| line.strip_suffix(']')) else {
            if line.contains("teamcity") || line.contains("test") {
                running = None;
            }
            continue;
        };
        // A line without its end may be a part of a worse one.
        if at + 1 == count && !whole {
            break;
        }
        let (kind, fields) = message.split_once(' ').unwrap_or((message, ""));
        let field = |name: &str| field(fields, name);
        match kind {
            "testStarted" => {
                settle(running.take(), ending, findings);
                let hint = field("locationHint").unwrap_or_default();
                let mut parts = hint.trim_start_matches("php_qn://").splitn(2, "::");
                let file = parts.next().and_then(place).unwrap_or_default();
                let class = parts
                    .next()
                    .and_then(|inner| inner.rsplit_once("::"))
                    .map_or("", |(class, _)| class)
                    .trim_start_matches('\\')
                    .to_owned();
                let name = field("name").unwrap_or_default();
                let id = TestId::new(&[&file, &class, &with_data_set(&name)]);
                running = Some(Running { id, name, file, outcome: None });
            }
            "testFailed" | "testIgnored" => {
                if let Some(test) = &mut running {
                    let said = field("message").unwrap_or_default();
                    test.outcome = Some(match kind {
                        "testIgnored" => Outcome::Skipped(said),
                        _ => Outcome::failed(FaultKind::Error, &said, &field("details").unwrap_or_default()),
                    });
                }
            }
            "testFinished" => {
                // An end that does not name the test that runs is another's.
                let name = field("name").filter(|name| !name.is_empty());
                if let Some(test) = running.take_if(|test| name.as_ref() == Some(&test.name)) {
                    findings.add(test.id, Case::new(test.outcome.unwrap_or(Outcome::Passed)).in_file(test.file));
                }
            }
            "testCount" | "testSuiteStarted" | "testSuiteFinished" => {}
            // A message that cannot be read may have been the failure of the test that runs.
            _ => running = None,
        }
    }
    settle(running, ending, findings);
}

fn settle(running: Option<Running>, ending: Ending, findings: &mut Findings) {
    let Some(Running { id, file, outcome, .. }) = running else { return };
    let outcome = outcome.unwrap_or_else(|| match ending {
        Ending::TimedOut => Outcome::failed(FaultKind::Hang, "still running when the run was stopped at its limit", ""),
        _ => Outcome::failed(FaultKind::Crash, "the test process ended while this test ran", ""),
    });
    findings.add(id, Case::new(outcome).in_file(file));
}

/// The value of `name='...'`, its escapes undone.
fn field(fields: &str, name: &str) -> Option<String> {
    let start = fields.find(&format!("{name}='"))? + name.len() + 2;
    let mut value = String::new();
    let mut letters = fields[start..].chars();
    loop {
        match letters.next()? {
            '\'' => return Some(value),
            '|' => match letters.next()? {
                'n' => value.push('\n'),
                'r' => {}
                '0' => {
                    let code: String = letters.by_ref().take(5).skip(1).collect();
                    value.extend(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32));
                }
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::trial::{found, never_invents_a_pass};

    const LOG: &str = "##teamcity[testStarted name='testA' locationHint='php_qn:///loom/repo/tests/ATest.php::\\App\\ATest::testA' flowId='1']\n##teamcity[testFinished name='testA' duration='4' flowId='1']\n##teamcity[testStarted name='testB with data set \"a|nb\"' locationHint='php_qn:///loom/repo/tests/ATest.php::\\App\\ATest::testB' flowId='1']\n##teamcity[testFailed name='testB' message='it|'s |[no|]' details=' x|n ' flowId='1']\n##teamcity[testFinished name='testB' duration='4' flowId='1']\n##teamcity[testStarted name='testC' locationHint='php_qn:///loom/repo/tests/ATest.php::\\App\\ATest::testC' flowId='1']\n";

    fn parsed(text: &str) -> Findings {
        found(|place, findings| read(text, Ending::Exited(0), place, findings))
    }

    #[test]
    fn what_began_and_did_not_end_died() {
        let findings = parsed(LOG);
        let shown: Vec<String> = findings
            .cases
            .iter()
            .map(|(id, case)| match &case.outcome {
                Outcome::Failed(fault) => format!("{id} {:?} {}", fault.kind, fault.message),
                other => format!("{id} {other:?}"),
            })
            .collect();
        let expected = ["testA Passed", "testB[a b] Error it's [no]", "testC Crash the test process ended while this test ran"];
        assert_eq!(shown, expected.map(|line| format!("tests/ATest.php::App\\ATest::{line}")));
    }

    #[test]
    fn an_end_that_names_no_test_or_another_is_no_pass() {
        let (began, _) = LOG.split_once('\n').unwrap();
        for end in ["testFinished duration='4'", "testFinished name='' duration='4'", "testFinished name='A' duration='4'"] {
            let findings = parsed(&format!("{began}\n##teamcity[{end}]\n"));
            assert!(findings.cases.values().all(|case| matches!(case.outcome, Outcome::Failed(_))), "{end}");
        }
        let long = "x".repeat(900);
        let log = LOG.replace("testA", &format!("testA with data set \"{long}\""));
        assert_eq!(parsed(&log).cases.values().filter(|case| case.outcome == Outcome::Passed).count(), 1);
    }

    #[test]
    fn torn_and_mutated_logs() {
        never_invents_a_pass(LOG, parsed);
    }
}
