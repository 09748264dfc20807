//! From TAP lines to cases. Reads what producers really print: plans before or after, subtests indented in front of
//! their own line, `# name` groups, YAML or loose lines below a failure, `# SKIP` and `# TODO`.

use std::sync::LazyLock;

use regex::Regex;

use crate::runner::findings::Findings;
use crate::runner::text::first_lines;
use crate::runner::{Case, FaultKind, Outcome, TestId, TroubleKind};

static TEST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(not )?ok\b(?:\s+(\d+))?(?:\s+-(?:\s+|$))?\s*(.*)$").expect("a constant pattern that the tests compile")
});
static PLAN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^1\.\.(\d+)\s*(?:#\s*(.*))?$").expect("a constant pattern that the tests compile"));
static DIRECTIVE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)(?:^|\s)#\s*(skip\S*|todo)\b[\s:]*(.*)$").expect("a constant pattern that the tests compile"));

/// How long it took, as node-tap writes behind a description.
static TOOK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\s+# time=[\d.]+m?s\s*$").expect("a constant pattern that the tests compile"));

/// One indentation level.
#[derive(Default)]
struct Level {
    indent: usize,
    /// `# Subtest: name` or tape's `# name`.
    group: Option<String>,
    planned: Option<u64>,
    seen: u64,
    failed: bool,
}

struct Parser<'a> {
    file: Option<&'a str>,
    levels: Vec<Level>,
    /// Results wait here until the name of their subtest is known.
    waiting: Vec<Waiting>,
    bailed: bool,
}

struct Waiting {
    indent: usize,
    path: Vec<String>,
    outcome: Outcome,
    seconds: Option<f64>,
}

/// Reads a whole stream.
pub(in crate::runner) fn parse(text: &str, file: Option<&str>, findings: &mut Findings) {
    let mut parser = Parser { file, levels: vec![Level::default()], waiting: Vec::new(), bailed: false };
    let whole = text.ends_with('\n');
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0;
    while at < lines.len() && !parser.bailed {
        let line = lines[at];
        at += 1;
        let indent = line.len() - line.trim_start_matches(' ').len();
        let body = line.trim();
        if let Some(found) = TEST.captures(body).filter(|_| indent.is_multiple_of(2)) {
            // A line without its end may be a part of a worse one.
            if at == lines.len() && !whole {
                break;
            }
            let below = diagnostic(&lines[at..], indent);
            at += below.len();
            parser.test(indent, &found, &below, findings);
        } else if let Some(found) = PLAN.captures(body) {
            parser.plan(indent, &found, findings);
        } else if let Some(comment) = body.strip_prefix('#') {
            parser.comment(indent, comment.trim());
        } else if let Some(why) = body.strip_prefix("Bail out!") {
            parser.bailed = true;
            findings.trouble(TroubleKind::Crash, file, &format!("the suite gave up: {}", why.trim()));
        }
    }
    parser.close(findings);
}

/// The lines below a test line that belong to it: a YAML block, or loose deeper lines that are no TAP.
fn diagnostic<'a>(lines: &[&'a str], indent: usize) -> Vec<&'a str> {
    let depth = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let Some(first) = lines.first() else { return Vec::new() };
    if first.trim() == "---" && depth(first) > indent {
        let end = lines.iter().position(|line| line.trim() == "..." && depth(line) == depth(first));
        // Without its end the block is torn off: what follows cannot be told from a result.
        return lines[..end.map_or(lines.len(), |end| end + 1)].to_vec();
    }
    let loose = lines.iter().take_while(|line| {
        let body = line.trim_start();
        depth(line) > indent && !TEST.is_match(body) && !PLAN.is_match(body) && !body.starts_with("# Subtest") && !body.starts_with("---")
    });
    loose.copied().collect()
}

impl Parser<'_> {
    /// Makes `indent` the innermost level; results of deeper levels wait for the line that names their subtest.
    fn level(&mut self, indent: usize) -> &mut Level {
        while self.levels.len() > 1 && self.levels.last().is_some_and(|level| level.indent > indent) {
            self.levels.pop();
        }
        if self.levels.last().is_some_and(|level| level.indent < indent) {
            self.levels.push(Level { indent, ..Level::default() });
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    fn test(&mut self, indent: usize, found: &regex::Captures<'_>, below: &[&str], findings: &mut Findings) {
        let failed = found.get(1).is_some();
        let (name, directive) = description(&found[3]);
        let yaml = Yaml(below);
        let deeper: Option<Level> = {
            while self.levels.len() > 1 && self.levels[self.levels.len() - 2].indent > indent {
                self.levels.pop();
            }
            let inner = self.levels.last().is_some_and(|level| level.indent > indent);
            inner.then(|| self.levels.pop()).flatten()
        };
        let level = self.level(indent);
        level.seen += 1;
        level.failed |= failed;
        let group = level.group.clone().filter(|_| deeper.is_none());
        let outcome = match directive {
            Some((word, why)) if word.starts_with("skip") || failed => Outcome::Skipped(format!("{word} {why}").trim().to_owned()),
            _ if failed => yaml.fault(&name),
            _ => Outcome::Passed,
        };
        if let Some(deeper) = deeper {
            let children = self.waiting.iter_mut().filter(|one| one.indent > indent);
            let mut any = false;
            for one in children {
                one.path.insert(0, name.clone());
                one.indent = indent;
                any = true;
            }
            // A parent only repeats its children, unless it failed by itself.
            if any && (!failed || deeper.failed) {
                if indent == 0 {
                    self.release(findings);
                }
                return;
            }
        }
        let name = if name.is_empty() { "(unnamed)".to_owned() } else { name };
        let path = group.into_iter().chain([name]).collect();
        self.waiting.push(Waiting { indent, path, outcome, seconds: yaml.seconds() });
        if indent == 0 {
            self.release(findings);
        }
    }

    fn plan(&mut self, indent: usize, found: &regex::Captures<'_>, findings: &mut Findings) {
        let file = self.file;
        let level = self.level(indent);
        level.planned = found[1].parse().ok();
        let why = found.get(2).map_or("", |why| why.as_str());
        if level.planned == Some(0) && indent == 0 && why.to_lowercase().starts_with("skip") {
            let parts: Vec<&str> = file.into_iter().chain(["(whole file)"]).collect();
            findings.add(TestId::new(&parts), Case { file: self.file.map(str::to_owned), ..Case::new(Outcome::Skipped(why.to_owned())) });
        }
    }

    fn comment(&mut self, indent: usize, comment: &str) {
        if let Some(name) = comment.strip_prefix("Subtest:") {
            // Names the level below; the line after it names it again, with the result.
            let _ = name;
            return;
        }
        if indent == 0 && self.levels.len() == 1 && !comment.is_empty() {
            self.levels[0].group = Some(comment.to_owned());
        }
    }

    fn release(&mut self, findings: &mut Findings) {
        for one in std::mem::take(&mut self.waiting) {
            let parts: Vec<&str> = self.file.into_iter().chain(one.path.iter().map(String::as_str)).collect();
            // node-tap makes a subtest of each file, under its name.
            let is_file =
                |name: &&String| [".js", ".cjs", ".mjs", ".ts", ".mts", ".cts", ".tsx", ".jsx"].iter().any(|end| name.ends_with(end));
            let file = self.file.or_else(|| one.path.first().filter(is_file).map(String::as_str)).map(str::to_owned);
            findings.add(TestId::new(&parts), Case { file, ..Case::new(one.outcome).after(one.seconds) });
        }
    }

    /// The end of the stream: the plan must be right. Results of a subtest that was cut off have no full name, which
    /// would make them other tests: they are dropped, and the trouble says so.
    fn close(self, findings: &mut Findings) {
        let level = &self.levels[0];
        let torn = !self.waiting.is_empty();
        let message = match level.planned {
            _ if self.bailed => return,
            Some(planned) if planned != level.seen => format!("the plan says {planned} tests, {} came", level.seen),
            None if level.seen > 0 || torn => "the output ends without a plan: tests may be missing".to_owned(),
            _ if torn => "the output ends inside of a subtest".to_owned(),
            _ => return,
        };
        findings.trouble(TroubleKind::Crash, self.file, &message);
    }
}

/// The description without its directive.
fn description(text: &str) -> (String, Option<(String, String)>) {
    let text = text.trim_end_matches('{').trim();
    let text = TOOK.find(text).map_or(text, |took| &text[..took.start()]);
    match DIRECTIVE.captures(text) {
        Some(found) => {
            let start = found.get(0).map_or(0, |whole| whole.start());
            (unescape(&text[..start]), Some((found[1].to_lowercase(), found[2].trim().to_owned())))
        }
        None => (unescape(text), None),
    }
}

fn unescape(text: &str) -> String {
    text.replace("\\#", "#").replace("\\\\", "\\").trim().to_owned()
}

/// The lines below a failure.
struct Yaml<'a>(&'a [&'a str]);

impl Yaml<'_> {
    /// A scalar, or the deeper lines of a block.
    fn field(&self, name: &str) -> Option<String> {
        let depth = |line: &str| line.len() - line.trim_start().len();
        let start = self.0.iter().position(|line| line.trim_start().strip_prefix(name).is_some_and(|rest| rest.starts_with(':')))?;
        let value = self.0[start].trim_start()[name.len() + 1..].trim();
        if !matches!(value, "" | "|-" | "|" | ">-" | ">") {
            return Some(value.trim_matches(['\'', '"']).to_owned());
        }
        let own = depth(self.0[start]);
        let block = self.0[start + 1..].iter().take_while(|line| depth(line) > own || line.trim().is_empty());
        Some(block.map(|line| line.trim()).collect::<Vec<_>>().join("\n"))
    }

    fn seconds(&self) -> Option<f64> {
        self.field("duration_ms").and_then(|value| value.parse::<f64>().ok()).map(|value| value / 1_000.0)
    }

    fn fault(&self, name: &str) -> Outcome {
        let trace = self.trace();
        let said = self.field("error").or_else(|| self.field("message"));
        let mut message: Vec<String> = vec![name.to_owned()];
        message.extend(said.clone().map(|said| first_lines(&said, 6)));
        for field in ["operator", "expected", "actual", "at"] {
            message.extend(self.field(field).map(|value| format!("{field}: {}", first_lines(&value, 4))));
        }
        if message.len() == 1 {
            message.push(first_lines(&self.0.join("\n"), 6));
        }
        Outcome::failed(self.kind(name, said.as_deref()), &message.join("\n"), &trace)
    }

    /// The stack as it was printed; where there is none, what the fields of the message do not tell.
    fn trace(&self) -> String {
        let depth = |line: &str| line.len() - line.trim_start().len();
        let name = |line: &str| line.trim_start().split_once(':').map_or("", |(name, _)| name).to_owned();
        let block = |start: usize| start + 1 + self.0[start + 1..].iter().take_while(|line| depth(line) > depth(self.0[start])).count();
        if let Some(start) = self.0.iter().position(|line| name(line) == "stack") {
            return self.0[start + 1..block(start)].join("\n");
        }
        let mut rest: Vec<&str> = Vec::new();
        let mut at = 0;
        while at < self.0.len() {
            let told = ["error", "message", "operator", "expected", "actual", "at"].contains(&name(self.0[at]).as_str());
            if !told && !matches!(self.0[at].trim(), "---" | "...") {
                rest.push(self.0[at]);
            }
            at = if told { block(at) } else { at + 1 };
        }
        rest.join("\n")
    }

    fn kind(&self, name: &str, said: Option<&str>) -> FaultKind {
        match self.field("failureType").as_deref() {
            Some("hookFailed") => return FaultKind::Fixture,
            Some("testTimeoutFailure") => return FaultKind::Hang,
            _ => {}
        }
        let text = self.0.join("\n");
        let raised = self.field("operator").as_deref() == Some("error") || self.field("failureType").as_deref() == Some("testCodeFailure");
        let error_name = |text: &str| {
            text.lines().any(|line| {
                let word = line.split(':').next().unwrap_or("").trim();
                word.ends_with("Error") && word != "AssertionError" && !word.contains(' ')
            })
        };
        if text.contains("AssertionError") || text.contains("ERR_ASSERTION") {
            FaultKind::Assertion
        } else if ["test exited without ending", "test timed out"].iter().any(|start| name.starts_with(start))
            || raised
            || error_name(name)
            || said.is_some_and(error_name)
            || self.field("operator").is_none() && error_name(&text)
        {
            FaultKind::Error
        } else {
            FaultKind::Assertion
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::trial::never_invents_a_pass;

    const TAPE: &str = "TAP version 13\n# parse()\nok 1 parses\nok 2 parses\nnot ok 3 should be deeply equivalent\n  ---\n    operator: deepEqual\n    expected: |-\n      { a: 1 }\n    actual: |-\n      { a: 2 }\n    at: Test.<anonymous> (/loom/repo/test/parse.js:5:7)\n    stack: |-\n      Error: should be deeply equivalent\n  ...\n# later\nok 4 skipped one # SKIP not now\nnot ok 5 TypeError: x is not a function\n  ---\n    operator: error\n    stack: |-\n      TypeError: x is not a function\n          at src/x.js:1:1\n  ...\n\n1..5\n# tests 5\n# pass  3\n# fail  2\n";
    const NESTED: &str = "TAP version 14\n# Subtest: outer\n    # Subtest: inner\n        ok 1 - leaf\n        not ok 2 - bad leaf\n          ---\n          error: 'Expected 1'\n          code: 'ERR_ASSERTION'\n          ...\n        1..2\n    not ok 1 - inner\n    1..1\nnot ok 1 - outer\nok 2 - alone\n1..2\n";

    fn read(text: &str) -> Findings {
        let mut findings = Findings::default();
        parse(text, Some("test/a.js"), &mut findings);
        findings
    }

    fn names(findings: &Findings) -> Vec<String> {
        let word = |outcome: &Outcome| match outcome {
            Outcome::Passed => "ok".to_owned(),
            Outcome::Failed(fault) => format!("{:?}", fault.kind),
            Outcome::Skipped(_) => "skip".to_owned(),
        };
        findings.cases.iter().map(|(id, case)| format!("{} {}", id.inner(), word(&case.outcome))).collect()
    }

    #[test]
    fn groups_as_tape_prints_them() {
        let findings = read(TAPE);
        let expected = [
            "later::TypeError: x is not a function Error",
            "later::skipped one skip",
            "parse()::parses ok",
            "parse()::parses #2 ok",
            "parse()::should be deeply equivalent Assertion",
        ];
        assert_eq!(names(&findings), expected);
        assert!(findings.troubles.is_empty(), "{:?}", findings.troubles);
        let unequal = findings.cases.iter().find(|(id, _)| id.inner().ends_with("deeply equivalent")).unwrap().1;
        let Outcome::Failed(fault) = &unequal.outcome else { panic!("{unequal:?}") };
        let message = "should be deeply equivalent\noperator: deepEqual\nexpected: { a: 1 }\nactual: { a: 2 }\nat: Test.<anonymous> (/loom/repo/test/parse.js:5:7)";
        assert_eq!((fault.message.as_str(), fault.trace.as_str()), (message, "      Error: should be deeply equivalent"));
    }

    #[test]
    fn subtests_in_front_of_their_line() {
        let findings = read(NESTED);
        assert_eq!(names(&findings), ["alone ok", "outer::inner::bad leaf Assertion", "outer::inner::leaf ok"]);
        assert!(findings.troubles.is_empty(), "{:?}", findings.troubles);
    }

    #[test]
    fn node_tap_names_its_files_and_writes_times_behind_names() {
        let text = "TAP version 13\n# Subtest: test/a.js\n    # Subtest: adds\n        ok 1 - one\n        1..1\n    ok 1 - adds # time=92.71ms\n    1..1\nok 1 - test/a.js # time=140.5ms\n\nok 2 - test/b.js # time=3s\n1..2\n";
        let mut findings = Findings::default();
        parse(text, None, &mut findings);
        let ids: Vec<&str> = findings.cases.keys().map(TestId::as_str).collect();
        assert_eq!(ids, ["test/a.js::adds::one", "test/b.js"]);
        assert!(findings.cases.values().all(|case| case.file.as_deref().is_some_and(|file| file.ends_with(".js"))));
    }

    #[test]
    fn a_wrong_plan_and_a_bail_out_are_troubles() {
        assert_eq!(read("1..3\nok 1 - a\n").troubles[0].kind, TroubleKind::Crash);
        assert_eq!(read("ok 1 - a\n").troubles[0].kind, TroubleKind::Crash);
        assert_eq!(read("1..2\nok 1 - a\nBail out! no disk\n").troubles.len(), 1);
        assert_eq!(read("1..1\nok 1 - expected # TODO\n").cases.len(), 1);
    }

    #[test]
    fn torn_and_mutated_streams() {
        for text in [TAPE, NESTED] {
            never_invents_a_pass(text, read);
        }
    }
}
