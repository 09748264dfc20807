//! `phpunit`: its JUnit log, left outside of the tree, and its TeamCity log, which tells of each test as it begins.
//!
//! A test is named `FILE::Class::method`, a data set `FILE::Class::method[name]`. A test that is not there is absent from
//! the cases; a file that cannot be loaded is a `Load` trouble. One such file, or a test that ends the process, keeps
//! phpunit from telling anything of the others: then every file is run by itself.

mod files;
mod junit;
mod teamcity;

use super::findings::Findings;
use super::run::Reading;
use super::session::{Child, Deadline, Session, ended_by_itself};
use super::text::{first_lines, streams};
use super::words::{Words, assigned, line, words};
use super::{Selection, TestId, TroubleKind, one_by_one};
use crate::error::Result;
use crate::sandbox::{Ending, Finished};

/// Runs the suite, or the part of it that was asked for.
pub(super) fn run(session: &Session<'_>) -> Result<Reading> {
    let deadline = Deadline::after(session.settings.timeout.duration());
    match session.selection {
        Selection::All => run_whole(session, deadline),
        Selection::Files(asked) => run_files(session, &files::with_tests(session, asked), &[], deadline),
        Selection::Tests(tests) => {
            let asked: Vec<String> = tests.iter().map(|test| test.file().to_owned()).collect();
            run_files(session, &files::with_tests(session, &asked), tests, deadline)
        }
    }
}

fn run_whole(session: &Session<'_>, deadline: Deadline) -> Result<Reading> {
    let command = session.suite.command.clone();
    let mut findings = Findings::default();
    let (finished, told) = start(session, &command, deadline, &mut findings)?;
    let output = streams(&finished);
    // A command that needs a shell may name files that loom does not see.
    let alone = if words(&command).is_some() { files::of_suite(session) } else { Vec::new() };
    if told == Told::All || finished.ending == Ending::TimedOut || finished.ending == Ending::Exited(127) || alone.is_empty() {
        explain(&finished, told, None, &mut findings);
        return Ok(Reading { command, findings, ending: finished.ending, output });
    }
    let mut reading = run_files(session, &alone, &[], deadline)?;
    reading.command = format!("{command} (file by file)");
    Ok(reading)
}

/// Every file in a process of its own.
fn run_files(session: &Session<'_>, files: &[String], tests: &[TestId], deadline: Deadline) -> Result<Reading> {
    let Some(Words { vars, words }) = words(&session.suite.command) else {
        return run_whole(session, deadline);
    };
    let options = files::options(session, &words);
    let vars = assigned(&vars);
    one_by_one::run(&session.suite.command, files, deadline, |file, findings| {
        let mut own = options.clone();
        own.extend(filter(file, tests));
        own.push(session.in_dir(file));
        let command = format!("{vars}{}", line(&own));
        let (finished, told) = start(session, &command, deadline, findings)?;
        explain(&finished, told, Some(file), findings);
        Ok((command, finished))
    })
}

/// `--filter` for the methods asked for, with all their data sets: names of data sets were cleaned.
fn filter(file: &str, tests: &[TestId]) -> Vec<String> {
    let mut methods: Vec<&str> = tests
        .iter()
        .filter(|test| test.file() == file)
        .filter_map(|test| test.unnumbered().rsplit("::").next())
        .map(|method| method.split('[').next().unwrap_or(method))
        .filter(|method| method.chars().all(|letter| letter.is_alphanumeric() || letter == '_'))
        .collect();
    methods.sort_unstable();
    methods.dedup();
    if methods.is_empty() { Vec::new() } else { vec!["--filter".to_owned(), format!("/::({})( with data set .*)?$/", methods.join("|"))] }
}

/// How much a run has told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Its report is whole.
    All,
    /// It ended before its report was written.
    Part,
    /// Nothing.
    Nothing,
}

fn start(session: &Session<'_>, command: &str, deadline: Deadline, findings: &mut Findings) -> Result<(Finished, Told)> {
    let (log, live) = (session.drop("xml")?, session.drop("txt")?);
    let options = ["--log-junit", &log.inside.to_string_lossy(), "--log-teamcity", &live.inside.to_string_lossy()].map(str::to_owned);
    let started = match command.split_once("phpunit") {
        // Right behind the program: what follows may be files.
        Some((before, after)) if after.is_empty() || after.starts_with([' ', '\t']) => {
            format!("{before}phpunit {} --do-not-cache-result{after}", line(&options))
        }
        _ => format!("{command} {}", line(&options)),
    };
    let finished = session.start(Child::shell(&started), deadline)?;
    let place = |path: &str| session.relative(path);
    let (log, live) = (log.take(), live.take());
    let before = (findings.cases.len(), findings.troubles.len());
    let mut own = Findings::default();
    if junit::read(&log, &place, &|file, line| files::method_at(session, file, line), &mut own) {
        findings.join(own);
        return Ok((finished, Told::All));
    }
    teamcity::read(&String::from_utf8_lossy(&live), finished.ending, &place, findings);
    let told = if before == (findings.cases.len(), findings.troubles.len()) { Told::Nothing } else { Told::Part };
    Ok((finished, told))
}

/// Says why a run told nothing, or not all.
fn explain(finished: &Finished, told: Told, file: Option<&str>, findings: &mut Findings) {
    if told == Told::All || !ended_by_itself(finished.ending) && told == Told::Part {
        return;
    }
    let output = streams(finished);
    let said: Vec<&str> = output.lines().filter(|line| !line.starts_with("PHPUnit ") && !line.trim_start().starts_with('#')).collect();
    let said = first_lines(&said.join("\n"), 10);
    match (told, finished.ending) {
        (_, Ending::TimedOut) => {}
        (_, Ending::Exited(127)) => findings.trouble(TroubleKind::Missing, file, &said),
        (Told::Part, _) => findings.trouble(TroubleKind::Crash, file, &format!("phpunit ended before its run was finished\n{said}")),
        (_, Ending::Exited(0)) if output.contains("No tests executed") => {
            findings.trouble(TroubleKind::NoTests, file, "phpunit found no tests")
        }
        (_, Ending::Exited(_)) if file.is_some() => findings.trouble(TroubleKind::Load, file, &said),
        (_, Ending::Exited(_)) => findings.trouble(TroubleKind::Unreadable, None, &said),
        (_, Ending::Signalled(signal)) => findings.trouble(TroubleKind::Crash, file, &format!("phpunit died of signal {signal}\n{said}")),
    }
}

/// `testAdd with data set #0` or `... with data set "name"` as `testAdd[0]`, `testAdd[name]`.
fn with_data_set(name: &str) -> String {
    match name.split_once(" with data set ") {
        Some((method, set)) => {
            let set = set.strip_prefix('"').and_then(|set| set.strip_suffix('"')).unwrap_or(set);
            format!("{method}[{set}]")
        }
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TestSettings;
    use crate::runner::trial::{Trial, lines};

    const CALC: &str = "<?php\nnamespace App;\nclass Calc {\n    public function add(int $a, int $b): int {\n        if ($a > 100) { throw new \\RuntimeException('too big'); }\n        return $a + $b;\n    }\n}\n";
    const TEST: &str = "<?php\nuse App\\Calc;\nuse PHPUnit\\Framework\\TestCase;\nfinal class CalcTest extends TestCase {\n    protected function setUp(): void {\n        if ($this->getName() === 'testSetUp') { throw new Exception('no'); }\n    }\n    public function testAdds(): void { $this->assertSame(3, (new Calc)->add(1, 2)); }\n    public function testWrong(): void { $this->assertSame(4, (new Calc)->add(1, 2)); }\n    public function testError(): void { (new Calc)->add(101, 2); }\n    public function testSkipped(): void { $this->markTestSkipped('later'); }\n    public function testIncomplete(): void { $this->markTestIncomplete('soon'); }\n    public function testRisky(): void { }\n    public function testSetUp(): void { $this->assertTrue(true); }\n    /** @dataProvider rows */\n    public function testRows(int $a, int $b): void { $this->assertSame($b, $a); }\n    public static function rows(): array { return [[1, 1], 'two' => [1, 2]]; }\n}\n";
    const COMPOSER: &str = "{\"name\": \"a/calc\", \"autoload\": {\"psr-4\": {\"App\\\\\": \"src/\"}}}";
    const XML: &str = "<phpunit bootstrap=\"vendor/autoload.php\"><testsuites><testsuite name=\"all\"><directory>tests</directory></testsuite></testsuites></phpunit>";

    #[test]
    fn a_real_suite_with_every_outcome() {
        let files = [("composer.json", COMPOSER), ("phpunit.xml", XML), ("src/Calc.php", CALC), ("tests/CalcTest.php", TEST)];
        let trial = Trial::new(&files, TestSettings::default());
        let tree = trial.tree("one", &files);
        let report = trial.run(&tree, &Selection::All);
        let expected = [
            "testAdds: passed",
            "testError: Error",
            "testIncomplete: skipped, skipped or incomplete",
            "testRisky: skipped, risky: This test did not perform any assertions",
            "testRows[#0]: passed",
            "testRows[two]: Assertion",
            "testSetUp: Fixture",
            "testSkipped: skipped, skipped or incomplete",
            "testWrong: Assertion",
        ];
        assert_eq!(lines(&report), expected.map(|line| format!("tests/CalcTest.php::CalcTest::{line}")), "{:?}", report.troubles);
        assert!(report.troubles.is_empty(), "{:?}", report.troubles);
        let error = &report.cases[&TestId::new(&["tests/CalcTest.php", "CalcTest", "testError"])];
        let super::super::Outcome::Failed(fault) = &error.outcome else { panic!() };
        assert_eq!(fault.message, "RuntimeException: too big");
        assert!(fault.trace.starts_with("src/Calc.php:5:\ntests/CalcTest.php:10:"), "{}", fault.trace);
        let two = TestId::new(&["tests/CalcTest.php", "CalcTest", "testRows[two]"]);
        assert_eq!(lines(&trial.run(&tree, &Selection::Tests(vec![two]))), ["tests/CalcTest.php::CalcTest::testRows[two]: Assertion"]);
        assert_eq!(trial.run(&tree, &Selection::Files(vec!["tests/CalcTest.php".into()])).cases.len(), 9);
    }

    #[test]
    fn one_broken_file_and_one_that_exits_leave_the_others() {
        let broken = "<?php\nclass BrokenTest extends App\\NoSuchBase { public function testA() {} }\n";
        let exits = "<?php\nclass ExitTest extends PHPUnit\\Framework\\TestCase { public function testA() { $this->assertTrue(true); } public function testB() { exit(0); } }\n";
        let files = [
            ("composer.json", COMPOSER),
            ("phpunit.xml", XML),
            ("src/Calc.php", CALC),
            ("tests/CalcTest.php", TEST),
            ("tests/BrokenTest.php", broken),
            ("tests/ExitTest.php", exits),
        ];
        let trial = Trial::new(&files, TestSettings::default());
        let report = trial.run(&trial.tree("one", &files), &Selection::All);
        assert_eq!(report.cases.len(), 11, "{:?}", lines(&report));
        assert!(lines(&report).contains(&"tests/ExitTest.php::ExitTest::testB: Crash".to_owned()), "{:?}", lines(&report));
        let troubles: Vec<_> = report.troubles.iter().map(|one| (one.kind, one.file.as_deref().unwrap_or(""))).collect();
        assert_eq!(troubles, [(TroubleKind::Load, "tests/BrokenTest.php"), (TroubleKind::Crash, "tests/ExitTest.php")]);
        assert!(report.troubles[0].message.contains("Class \"App\\NoSuchBase\" not found"), "{:?}", report.troubles[0]);
    }
}
