//! The JUnit log of phpunit, which names classes, files and data sets where JUnit XML in general does not.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::with_data_set;
use crate::runner::findings::Findings;
use crate::runner::text::first_lines;
use crate::runner::{Case, FaultKind, Outcome, TestId, TroubleKind};

/// Methods that run before or after a test's own code.
const FIXTURES: [&str; 4] = ["setUp", "setUpBeforeClass", "tearDown", "tearDownAfterClass"];

/// What is open while the log is read.
#[derive(Default)]
struct Open {
    name: String,
    class: String,
    file: String,
    seconds: Option<f64>,
    outcome: Option<Outcome>,
    /// Whether what it printed is told here.
    talks: bool,
    /// Tag, type and text of the fault being read.
    fault: Option<(String, String, String)>,
}

/// What a log declares against what it tells: a fault that was lost must not become a pass.
#[derive(Default)]
struct Tally {
    declared: u64,
    told: u64,
    damaged: bool,
}

impl Tally {
    fn begin(&mut self, tag: &BytesStart<'_>, suites: &[String], open: &Option<Open>) {
        self.damaged |= crate::runner::junit::broken(tag);
        match tag.local_name().as_ref() {
            "testsuite" if suites.is_empty() => {
                for one in tag.attributes().with_checks(false).flatten() {
                    if matches!(one.key.local_name().as_ref(), "failures" | "errors") {
                        self.declared = self.declared.saturating_add(one.value.parse().unwrap_or(0));
                    }
                }
            }
            "failure" | "error" => self.told += 1,
            "testsuites" | "testsuite" | "testcase" | "skipped" | "warning" | "system-out" | "system-err" | "properties" | "property" => {}
            _ => self.damaged |= open.is_some(),
        }
    }

    fn text(&mut self, text: &str, open: &Option<Open>) {
        self.damaged |=
            open.as_ref().is_some_and(|test| test.fault.is_none() && test.outcome.is_none() && !test.talks) && !text.trim().is_empty();
    }
}

type Place<'a> = &'a dyn Fn(&str) -> Option<String>;
type MethodAt<'a> = &'a dyn Fn(&str, usize) -> Option<String>;

/// Reads a log; false when it is none, or not whole: then nothing of it counts.
pub(super) fn read(bytes: &[u8], place: Place<'_>, method_at: MethodAt<'_>, findings: &mut Findings) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut own = Findings::default();
    // Files of the suites around; each suite may name one.
    let mut suites: Vec<String> = Vec::new();
    let mut open: Option<Open> = None;
    let mut tally = Tally::default();
    let (mut seen, mut depth) = (false, 0_usize);
    loop {
        let Ok(event) = reader.read_event() else { return false };
        match event {
            Event::DocType(_) => return false,
            Event::Start(tag) => {
                depth += 1;
                seen |= tag.local_name().as_ref() == "testsuites";
                tally.begin(&tag, &suites, &open);
                begin(&tag, &mut suites, &mut open);
            }
            Event::Empty(tag) => {
                seen |= tag.local_name().as_ref() == "testsuites";
                tally.begin(&tag, &suites, &open);
                begin(&tag, &mut suites, &mut open);
                end(tag.local_name().as_ref(), &mut suites, &mut open, (place, method_at), &mut own);
            }
            Event::End(tag) => {
                depth = depth.saturating_sub(1);
                // The end of something whose beginning was lost, or the other way round.
                tally.damaged |= tag.local_name().as_ref() == "testcase" && open.as_ref().is_some_and(|test| test.fault.is_some());
                tally.damaged |=
                    matches!(tag.local_name().as_ref(), "failure" | "error") && open.as_ref().is_none_or(|test| test.fault.is_none());
                end(tag.local_name().as_ref(), &mut suites, &mut open, (place, method_at), &mut own);
            }
            Event::Text(text) => {
                tally.text(&text, &open);
                add(&mut open, &text);
            }
            Event::CData(text) => add(&mut open, &text),
            Event::GeneralRef(name) => add(&mut open, crate::runner::junit::entity(&name)),
            Event::Eof => break,
            _ => {}
        }
    }
    let whole = seen && depth == 0 && open.is_none() && !tally.damaged && tally.told >= tally.declared;
    if whole {
        findings.join(own);
    }
    whole
}

fn begin(tag: &BytesStart<'_>, suites: &mut Vec<String>, open: &mut Option<Open>) {
    let attribute = |name: &str| {
        let value = tag.attributes().with_checks(false).flatten().find(|one| one.key.local_name().as_ref() == name)?;
        let raw = value.value.into_owned();
        Some(quick_xml::escape::unescape(&raw).map(|text| text.into_owned()).unwrap_or(raw))
    };
    match (tag.local_name().as_ref(), open.as_mut()) {
        ("testsuite", _) => suites.push(attribute("file").or_else(|| suites.last().cloned()).unwrap_or_default()),
        ("testcase", _) => {
            *open = Some(Open {
                name: attribute("name").unwrap_or_default(),
                class: attribute("class").or_else(|| Some(attribute("classname")?.replace('.', "\\"))).unwrap_or_default(),
                file: attribute("file").or_else(|| suites.last().cloned()).unwrap_or_default(),
                seconds: attribute("time").and_then(|time| time.parse().ok()),
                ..Open::default()
            });
        }
        (tag @ ("failure" | "error"), Some(test)) => {
            test.fault = Some((tag.to_owned(), attribute("type").unwrap_or_default(), String::new()));
        }
        ("system-out" | "system-err" | "warning", Some(test)) => test.talks = true,
        ("skipped", Some(test)) if test.outcome.is_none() => {
            test.outcome = Some(Outcome::Skipped("skipped or incomplete".to_owned()));
        }
        _ => {}
    }
}

fn add(open: &mut Option<Open>, text: &str) {
    if let Some((_, _, said)) = open.as_mut().and_then(|test| test.fault.as_mut()).filter(|(_, _, said)| said.len() < 64 << 10) {
        said.push_str(text);
    }
}

fn end(tag: &str, suites: &mut Vec<String>, open: &mut Option<Open>, how: (Place<'_>, MethodAt<'_>), findings: &mut Findings) {
    match tag {
        "testsuite" => drop(suites.pop()),
        "failure" | "error" => {
            let Some((test, (tag, sort, said))) = open.as_mut().and_then(|test| test.fault.take().map(|fault| (test, fault))) else {
                return;
            };
            let outcome = outcome(&tag, &sort, &said, test, how);
            if !matches!(test.outcome, Some(Outcome::Failed(_))) {
                test.outcome = Some(outcome);
            }
        }
        "testcase" => {
            let Some(test) = open.take() else { return };
            let file = (how.0)(&test.file).unwrap_or_default();
            let outcome = test.outcome.unwrap_or(Outcome::Passed);
            // A data provider that fails, a class without tests: phpunit reports them as tests of its own.
            if test.class.is_empty() || test.class.starts_with("PHPUnit\\Framework\\") {
                if let Outcome::Failed(fault) = outcome {
                    let said = format!("{}\n{}", fault.message, fault.trace);
                    findings.trouble(TroubleKind::Load, Some(file.as_str()).filter(|file| !file.is_empty()), &said);
                }
                return;
            }
            let id = TestId::new(&[&file, &test.class, &with_data_set(&test.name)]);
            findings.add(id, Case { file: Some(file).filter(|file| !file.is_empty()), ..Case::new(outcome).after(test.seconds) });
        }
        _ => {}
    }
}

fn outcome(tag: &str, sort: &str, said: &str, test: &Open, (place, method_at): (Place<'_>, MethodAt<'_>)) -> Outcome {
    // The first line names the test, the last lines are places, deepest first.
    let lines: Vec<&str> = said.lines().collect();
    let named = lines.first().is_some_and(|line| line.starts_with(test.class.as_str()) && line.contains("::") || *line == test.name);
    let lines = &lines[usize::from(named)..];
    let is_place = |line: &str| line.starts_with('/') && line.rsplit_once(':').is_some_and(|(_, at)| at.parse::<u32>().is_ok());
    let start = lines.iter().rposition(|line| !is_place(line) && !line.trim().is_empty()).map_or(0, |at| at + 1);
    let message = first_lines(&lines[..start].join("\n"), 16);
    if sort.ends_with("RiskyTestError") {
        return Outcome::Skipped(format!("risky: {}", first_lines(&message, 1)));
    }
    let places = lines[start..].iter().filter_map(|line| line.rsplit_once(':'));
    let places: Vec<(String, usize)> =
        places.filter_map(|(path, at)| Some((place(path).unwrap_or_else(|| path.to_owned()), at.trim().parse().ok()?))).collect();
    let own = place(&test.file).unwrap_or_default();
    let hook = places.iter().find(|(path, _)| *path == own).and_then(|(path, at)| method_at(path, *at));
    let kind = match hook {
        Some(method) if FIXTURES.contains(&method.as_str()) => FaultKind::Fixture,
        _ if tag == "failure" => FaultKind::Assertion,
        _ if sort.contains("imeout") => FaultKind::Hang,
        _ => FaultKind::Error,
    };
    let trace: String = places.iter().map(|(path, at)| format!("{path}:{at}:\n")).collect();
    Outcome::failed(kind, &message, &trace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::trial::never_invents_a_pass;

    const LOG: &str = include_str!("../fixtures/phpunit.xml");

    fn parsed(text: &str) -> Findings {
        let mut findings = Findings::default();
        read(text.as_bytes(), &|path| path.strip_prefix("/loom/repo/").map(str::to_owned), &|_, _| None, &mut findings);
        findings
    }

    #[test]
    fn a_recorded_log() {
        let findings = parsed(LOG);
        assert_eq!(findings.cases.len(), 16);
        let missing = &findings.cases[&TestId::new(&["tests/CalcTest.php", "App\\Tests\\CalcTest", "testMissing"])];
        let Outcome::Failed(fault) = &missing.outcome else { panic!() };
        assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Error, "Error: Call to undefined method App\\Calc::fresh()"));
        assert!(findings.cases.contains_key(&TestId::new(&["tests/CalcTest.php", "App\\Tests\\CalcTest", "testRows[odd row]"])));
    }

    #[test]
    fn a_provider_that_fails_is_a_file_that_does_not_load() {
        let log = "<testsuites><testsuite name=\"P\" file=\"/loom/repo/tests/PTest.php\"><testsuite name=\"P::testA\"><testcase name=\"Error\"><error type=\"PHPUnit\\Framework\\Error\">Error\nThe data provider specified for P::testA is invalid.\nError: Call to undefined method App\\Calc::fresh()\n/loom/repo/tests/PTest.php:4</error></testcase></testsuite></testsuite></testsuites>";
        let findings = parsed(log);
        assert_eq!((findings.cases.len(), findings.troubles[0].kind), (0, TroubleKind::Load));
        assert_eq!(findings.troubles[0].file.as_deref(), Some("tests/PTest.php"));
        assert!(findings.troubles[0].message.contains("Call to undefined method"));
    }

    #[test]
    fn torn_and_mutated_logs() {
        never_invents_a_pass(LOG, parsed);
        assert!(parsed("<!DOCTYPE x [<!ENTITY a \"b\">]><testsuites/>").cases.is_empty());
    }
}
