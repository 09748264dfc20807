//! JUnit XML that any command leaves. Producers are sloppy: every attribute may be absent, suites nest, text is not
//! always UTF-8. A document type is refused: none needs one, and entities can grow without bounds.
//!
//! A test is named `CLASSNAME::name`, or `FILE::name` where the producer names no class. A test that is not there is
//! absent from the cases.

use std::io::Read;
use std::time::SystemTime;

use globset::GlobBuilder;
use ignore::WalkBuilder;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::findings::Findings;
use super::run::Reading;
use super::session::{Child, Deadline, Session, ended_by_itself};
use super::text::{first_lines, streams};
use super::{Case, FaultKind, Outcome, TestId, TroubleKind, places};
use crate::error::Result;

/// Longest report that is read.
const LONGEST: u64 = 64 << 20;
/// Most reports of one run.
const MOST: usize = 5_000;

/// Runs the command and reads what it wrote.
pub(super) fn run(session: &Session<'_>) -> Result<Reading> {
    let began = SystemTime::now();
    let command = session.suite.command.clone();
    let finished = session.start(Child::shell(&command), Deadline::after(session.settings.timeout.duration()))?;
    let mut findings = Findings::default();
    let mut count = 0;
    for path in reports(session, began) {
        count += 1;
        let shown = path.strip_prefix(&session.tree.host).unwrap_or(&path).to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        match places::open(&path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes)) {
            Ok(length) if length as u64 <= LONGEST => parse(&bytes, &shown, &|file| session.relative(file), &mut findings),
            Ok(_) => findings.trouble(TroubleKind::Unreadable, Some(&shown), "the report is larger than 64 MiB"),
            Err(error) => findings.trouble(TroubleKind::Unreadable, Some(&shown), &error.to_string()),
        }
    }
    let output = streams(&finished);
    if count == 0 && ended_by_itself(finished.ending) {
        let glob = session.suite.junit.as_deref().unwrap_or("");
        findings.trouble(
            TroubleKind::Unreadable,
            None,
            &format!("the command wrote no report that matches {glob:?}: {}", first_lines(&output, 6)),
        );
    }
    Ok(Reading { command, findings, ending: finished.ending, output })
}

/// Reports that were written by this run; older ones would show another tree's results.
fn reports(session: &Session<'_>, began: SystemTime) -> Vec<std::path::PathBuf> {
    let Some(pattern) = session.suite.junit.as_deref() else { return Vec::new() };
    let Ok(glob) = GlobBuilder::new(pattern.trim_start_matches("./")).literal_separator(true).build() else { return Vec::new() };
    let matcher = glob.compile_matcher();
    let root = session.host_dir();
    let walk = WalkBuilder::new(&root)
        .standard_filters(false)
        .sort_by_file_path(|a, b| a.cmp(b))
        .filter_entry(|entry| entry.file_name() != "node_modules" && entry.file_name() != ".git")
        .build();
    let earliest = began - std::time::Duration::from_millis(20);
    walk.flatten()
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .filter(|entry| entry.path().strip_prefix(&root).is_ok_and(|path| matcher.is_match(path)))
        .filter(|entry| entry.metadata().ok().and_then(|meta| meta.modified().ok()).is_some_and(|time| time >= earliest))
        .map(ignore::DirEntry::into_path)
        .take(MOST)
        .collect()
}

/// A test case being read.
#[derive(Default)]
struct Open {
    class: String,
    name: String,
    file: Option<String>,
    seconds: Option<f64>,
    outcome: Option<Outcome>,
    /// Kind, message and text of the failure being read.
    fault: Option<(FaultKind, String, String)>,
    text: String,
    /// Whether what it printed is told here.
    talks: bool,
    /// What it was told of in words that are not known: it may have failed.
    strange: Option<String>,
}

/// Elements of a test case that are no result.
const ASIDE: [&str; 12] = [
    "system-out",
    "system-err",
    "properties",
    "property",
    "output",
    "warning",
    "rerunFailure",
    "rerunError",
    "flakyFailure",
    "flakyError",
    "stackTrace",
    "attachments",
];

/// Reads one report.
pub(super) fn parse(bytes: &[u8], shown: &str, place: &dyn Fn(&str) -> Option<String>, findings: &mut Findings) {
    let text = String::from_utf8_lossy(bytes);
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    let mut open: Option<Open> = None;
    let (mut suites, mut depth) = (false, 0_i64);
    loop {
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => {
                findings.trouble(TroubleKind::Unreadable, Some(shown), &format!("not readable as XML: {error}"));
                return;
            }
        };
        match event {
            Event::DocType(_) => {
                findings.trouble(TroubleKind::Unreadable, Some(shown), "the report has a document type, which loom refuses to read");
                return;
            }
            Event::Start(tag) => {
                depth += 1;
                suites |= tag.local_name().as_ref().starts_with("testsuite");
                begin(&tag, &mut open);
            }
            Event::Empty(tag) => {
                suites |= tag.local_name().as_ref().starts_with("testsuite");
                begin(&tag, &mut open);
                end(tag.local_name().as_ref(), &mut open, place, findings);
            }
            Event::End(tag) => {
                depth -= 1;
                end(tag.local_name().as_ref(), &mut open, place, findings);
            }
            Event::Text(text) => add_text(&mut open, &text),
            Event::CData(text) => add_text(&mut open, &text),
            Event::GeneralRef(name) => add_text(&mut open, entity(&name)),
            Event::Eof => break,
            _ => {}
        }
    }
    if depth > 0 || open.is_some() {
        findings.trouble(TroubleKind::Unreadable, Some(shown), "the report ends in the middle");
    } else if !suites {
        findings.trouble(TroubleKind::Unreadable, Some(shown), "no JUnit report: there is no testsuite in it");
    }
}

fn begin(tag: &BytesStart<'_>, open: &mut Option<Open>) {
    let attribute = |name: &str| {
        let value = tag.attributes().with_checks(false).flatten().find(|one| one.key.local_name().as_ref() == name)?;
        let raw = value.value.into_owned();
        Some(quick_xml::escape::unescape(&raw).map(|text| text.into_owned()).unwrap_or(raw))
    };
    match (tag.local_name().as_ref(), open.as_mut()) {
        ("testcase", _) => {
            *open = Some(Open {
                class: attribute("classname").unwrap_or_default(),
                name: attribute("name").unwrap_or_default(),
                file: attribute("file"),
                seconds: attribute("time").and_then(|time| time.replace(',', "").parse().ok()),
                // Then the name may be half of one, and what follows may be the rest of another test.
                strange: broken(tag).then(|| "attributes that are not whole".to_owned()),
                ..Open::default()
            });
        }
        ("failure" | "error", Some(test)) => {
            let said = attribute("message").unwrap_or_default();
            let sort = attribute("type").unwrap_or_default();
            let kind = kind(tag.local_name().as_ref(), &sort, &said);
            test.fault = Some((kind, if said.is_empty() { sort } else { said }, String::new()));
            test.text.clear();
        }
        ("skipped", Some(test)) if test.outcome.is_none() => {
            let why = attribute("message").filter(|why| !why.is_empty()).unwrap_or_else(|| "skipped".to_owned());
            test.outcome = Some(Outcome::Skipped(why));
        }
        (tag, Some(test)) if ASIDE.contains(&tag) => test.talks = true,
        // What has a message or a type tells of a result, by whatever name; a damaged name may have been that of one.
        (tag, Some(test)) if test.fault.is_none() && (attribute("message").is_some() || attribute("type").is_some() || !is_name(tag)) => {
            test.strange = Some(format!("<{tag}>"));
        }
        _ => {}
    }
}

fn is_name(tag: &str) -> bool {
    tag.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.'))
}

/// Whether something among the attributes of a tag cannot be read as one, or may have swallowed other tags.
pub(super) fn broken(tag: &BytesStart<'_>) -> bool {
    tag.attributes().with_checks(false).any(|one| one.map_or(true, |one| one.key.as_ref().contains('<') || one.value.contains('<')))
}

fn kind(tag: &str, sort: &str, said: &str) -> FaultKind {
    let asserts = |text: &str| text.contains("ssert") || text.contains("ComparisonFailure");
    if sort.contains("imeout") || sort.contains("TimedOut") {
        FaultKind::Hang
    } else if tag == "failure"
        && (sort.is_empty() || asserts(sort) || asserts(said) || !sort.ends_with("Error") && !sort.ends_with("Exception"))
    {
        FaultKind::Assertion
    } else {
        FaultKind::Error
    }
}

fn add_text(open: &mut Option<Open>, text: &str) {
    if let Some(test) =
        open.as_mut().filter(|test| test.fault.is_none() && test.outcome.is_none() && !test.talks && !text.trim().is_empty())
    {
        test.strange = Some("text of its own".to_owned());
    }
    if let Some(test) = open.as_mut().filter(|test| test.fault.is_some() && test.text.len() < 64 << 10) {
        test.text.push_str(text);
    }
}

pub(super) fn entity(name: &str) -> &'static str {
    match name {
        "lt" => "<",
        "gt" => ">",
        "amp" => "&",
        "quot" => "\"",
        "apos" => "'",
        "#10" | "#xA" | "#xa" => "\n",
        _ => "?",
    }
}

fn end(tag: &str, open: &mut Option<Open>, place: &dyn Fn(&str) -> Option<String>, findings: &mut Findings) {
    match tag {
        "failure" | "error" => {
            let Some(test) = open.as_mut() else { return };
            if test.fault.is_none() {
                test.strange = Some(format!("</{tag}> without its beginning"));
            }
            if let Some((kind, said, _)) = test.fault.take() {
                let text = std::mem::take(&mut test.text);
                let message = if said.trim().is_empty() { first_lines(&text, 8) } else { said };
                if !matches!(test.outcome, Some(Outcome::Failed(_))) {
                    test.outcome = Some(Outcome::failed(kind, &message, &text));
                }
            }
        }
        "testcase" => {
            let Some(mut test) = open.take() else { return };
            if test.fault.is_some() {
                test.strange = Some("a failure without its end".to_owned());
            }
            let file = test.file.as_deref().map(|file| place(file).unwrap_or_else(|| file.to_owned()));
            let first = if test.class.is_empty() { file.clone().unwrap_or_default() } else { test.class };
            let mut case = Case::new(test.outcome.unwrap_or(Outcome::Passed)).after(test.seconds);
            case.file = file;
            let id = TestId::new(&[&first, &test.name]);
            if let Some(strange) = test.strange.filter(|_| case.outcome == Outcome::Passed) {
                let said = format!("the report tells of `{id}` by {strange}, so that it may have failed");
                findings.trouble(TroubleKind::Unreadable, case.file.as_deref(), &said);
            } else if !id.as_str().is_empty() {
                findings.add(id, case);
            }
        }
        _ => {}
    }
}

/// What a report of ours says, for the tests of who writes one.
#[cfg(test)]
pub fn read(bytes: &[u8]) -> (std::collections::BTreeMap<TestId, Case>, Vec<super::Trouble>) {
    let mut findings = Findings::default();
    parse(bytes, "report.xml", &|_| None, &mut findings);
    (findings.cases, findings.troubles)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TestSettings;
    use crate::runner::Selection;
    use crate::runner::trial::{Trial, lines, never_invents_a_pass};
    use std::fs;

    const REPORT: &str = "<?xml version=\"1.0\"?>\n<testsuites><testsuite name=\"s\" tests=\"5\">\n<testcase classname=\"a.B\" name=\"ok\" time=\"0.01\"/>\n<testcase classname=\"a.B\" name=\"bad\" file=\"tests/b.py\"><failure message=\"1 &lt; 2\" type=\"AssertionError\">trace &amp; <![CDATA[more]]></failure></testcase>\n<testcase classname=\"a.B\" name=\"err\"><error type=\"ValueError\">boom</error></testcase>\n<testcase classname=\"a.B\" name=\"skip\"><skipped message=\"later\"/></testcase>\n<testcase classname=\"a.B\" name=\"out\"><system-out>ok</system-out></testcase>\n</testsuite></testsuites>\n";

    fn read(text: &str) -> Findings {
        let mut findings = Findings::default();
        parse(text.as_bytes(), "r.xml", &|file| Some(file.to_owned()), &mut findings);
        findings
    }

    #[test]
    fn every_outcome() {
        let findings = read(REPORT);
        assert_eq!((findings.cases.len(), findings.troubles.len()), (5, 0));
        let Outcome::Failed(bad) = &findings.cases[&TestId::new(&["a.B", "bad"])].outcome else { panic!() };
        assert_eq!((bad.kind, bad.message.as_str(), bad.trace.as_str()), (FaultKind::Assertion, "1 < 2", "trace & more"));
        let Outcome::Failed(err) = &findings.cases[&TestId::new(&["a.B", "err"])].outcome else { panic!() };
        assert_eq!((err.kind, err.trace.as_str()), (FaultKind::Error, "boom"));
    }

    #[test]
    fn bombs_torn_and_foreign_files_are_refused() {
        let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><testsuite><testcase name=\"t\"/></testsuite>";
        for text in [bomb, "<html></html>", "<testsuite><testcase name=\"a\"><failure>", "not xml <"] {
            let findings = read(text);
            assert_eq!(findings.troubles.first().map(|trouble| trouble.kind), Some(TroubleKind::Unreadable), "{text}");
            assert!(findings.cases.is_empty(), "{text}");
        }
        let mut findings = Findings::default();
        parse(b"<testsuite><testcase name=\"a\xff\"/></testsuite>", "r.xml", &|_| None, &mut findings);
        assert_eq!(findings.cases.len(), 1);
    }

    #[test]
    fn a_test_whose_attributes_are_not_whole_is_no_pass() {
        for name in ["half \" of \"it", "half<failure/>"] {
            let report = "<testsuite><testcase classname=\"c\" name=\"NAME\"/><testcase classname=\"c\" name=\"a\"/></testsuite>";
            let findings = read(&report.replace("NAME", name));
            assert_eq!(findings.cases.keys().map(TestId::as_str).collect::<Vec<_>>(), ["c::a"]);
            assert_eq!(findings.troubles[0].kind, TroubleKind::Unreadable);
            assert!(findings.troubles[0].message.contains("by attributes that are not whole"), "{:?}", findings.troubles);
        }
        let findings = read("<testsuite><testcase classname=\"c\" name=\"a\"><skipped?message=\"later\"/></testcase></testsuite>");
        assert!(findings.cases.is_empty() && findings.troubles[0].kind == TroubleKind::Unreadable, "a damaged tag is no pass");
    }

    #[test]
    fn torn_and_mutated_reports() {
        never_invents_a_pass(REPORT, read);
    }

    #[test]
    fn reports_of_an_earlier_run_are_not_read() {
        let script =
            "test -e stop && exit 1; mkdir -p out; echo '<testsuite><testcase classname=\"c\" name=\"t\"/></testsuite>' > out/r.xml\n";
        let files = [("check.sh", script)];
        let settings = TestSettings {
            command: Some("bash check.sh".into()),
            junit: Some("out/*.xml".into()),
            setup: Some(Vec::new()),
            ..TestSettings::default()
        };
        let trial = Trial::new(&files, settings);
        let tree = trial.tree("one", &files);
        assert_eq!(lines(&trial.run(&tree, &Selection::All)), ["c::t: passed"]);
        let old = fs::File::open(tree.host.join("out/r.xml")).unwrap();
        old.set_modified(SystemTime::now() - std::time::Duration::from_secs(60)).unwrap();
        fs::write(tree.host.join("stop"), "").unwrap();
        let report = trial.run(&tree, &Selection::All);
        assert!(report.cases.is_empty());
        assert_eq!(report.troubles[0].kind, TroubleKind::Unreadable);
    }
}
