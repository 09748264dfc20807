//! `mvn test`: the repository's own words without network, read through Surefire's XML. The reports of a run carry a
//! name that it alone has, and no more results are believed than Surefire counts itself.

use std::sync::LazyLock;

use regex::Regex;

use super::super::findings::Findings;
use super::super::run::Reading;
use super::super::session::{Child, Deadline, Session};
use super::super::text::{first_lines, streams};
use super::super::words::{Words, line, words};
use super::super::{FaultKind, Outcome, TestId, TroubleKind};
use super::{compile_errors, reports, take, wanted};
use crate::error::Result;
use crate::runner::Case;
use crate::sandbox::Ending;

/// The last word of Surefire on one module; those on single classes go on with a time.
static COUNT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^\[(?:INFO|WARNING|ERROR)\] Tests run: (\d+), Failures: \d+, Errors: \d+, Skipped: \d+\s*$")
        .expect("a constant pattern that the tests compile")
});
static CRASHED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^\[ERROR\] (?:Crashed tests:\s*\n\[ERROR\] )(?P<class>[\w.$]+)").expect("a constant pattern that the tests compile")
});

/// Runs the suite, or the part of it that was asked for.
pub(in crate::runner) fn run(session: &Session<'_>) -> Result<Reading> {
    let mark = format!("loom{:016x}", fastrand::u64(..));
    let own = options(session, &mark);
    let (child, command) = call(session, &own);
    let settings = session.settings;
    // Maven's own limit ends the tests; building has another.
    let deadline = Deadline::after(settings.build_timeout.duration() + settings.timeout.duration());
    let finished = session.start(child, deadline)?;
    let output = streams(&finished);
    let mut findings = Findings::default();
    let ends = format!("-{mark}.xml");
    let files = reports(&session.host_dir(), |path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with("TEST-") && name.ends_with(&ends)
    });
    let told = take(session, &files, &format!("({mark})"), &mut findings);
    let counted: Vec<usize> = COUNT.captures_iter(&output).filter_map(|found| found[1].parse().ok()).collect();
    let sum: usize = counted.iter().sum();
    if !counted.is_empty() && told > sum {
        findings.cases.clear();
        let text = format!("Surefire counts {sum} tests and its reports show {told}: something else wrote results");
        findings.trouble(TroubleKind::Unreadable, None, &text);
    }
    let mut reading = Reading { command, findings, ending: finished.ending, output };
    troubles(session, &mut reading);
    Ok(reading)
}

/// What stands beside the tests.
fn troubles(session: &Session<'_>, reading: &mut Reading) {
    let output = reading.output.replace(&format!("{}/", session.tree.point.display()), "");
    if output.contains("COMPILATION ERROR") {
        compile_errors(session, &output, &mut reading.findings);
    }
    if output.contains("There was a timeout") {
        reading.ending = Ending::TimedOut;
    } else if let Some(at) = output.find("The forked VM terminated") {
        crash(&output, at, &mut reading.findings);
    }
    let failed = matches!(reading.ending, Ending::Exited(code) if code != 0 && code != 127);
    // Failed tests alone end a build only where the project insists on it.
    let by_tests = output.contains("There are test failures") && !output.contains("Could not resolve");
    if failed && reading.findings.troubles.is_empty() && (!by_tests || reading.findings.cases.is_empty()) {
        let said = |line: &&str| line.starts_with("[ERROR] ") && line.contains("Failed to execute") || line.starts_with("[FATAL]");
        let errors: Vec<&str> = output.lines().filter(said).take(4).collect();
        let text = if errors.is_empty() { first_lines(&output, 8) } else { errors.join("\n") };
        reading.findings.trouble(TroubleKind::Build, None, &text);
    }
}

/// A process of tests that died: the class it was at, where Surefire says so.
fn crash(output: &str, at: usize, findings: &mut Findings) {
    let class = CRASHED.captures(output).map(|found| found["class"].to_owned());
    let said = first_lines(&output[at..], 6);
    findings.trouble(TroubleKind::Crash, class.as_deref(), &said);
    if let Some(class) = class {
        let parts: Vec<&str> = class.split('$').collect();
        findings.put(TestId::new(&parts), Case::new(Outcome::failed(FaultKind::Crash, "its process ended while this class ran", &said)));
    }
}

/// What loom adds: no network, every module, whole traces, and its own mark on the reports.
fn options(session: &Session<'_>, mark: &str) -> Vec<String> {
    let limit = session.settings.timeout.duration().as_secs().max(1);
    let mut own: Vec<String> = ["-o", "-B", "-fae"].map(str::to_owned).to_vec();
    let mut set = |name: &str, value: &str| own.push(format!("-D{name}={value}"));
    set("style.color", "never");
    set("maven.test.failure.ignore", "true");
    set("trimStackTrace", "false");
    set("surefire.reportNameSuffix", mark);
    set("surefire.timeout", &limit.to_string());
    set("surefire.rerunFailingTestsCount", "0");
    // Half of all the time for one test is a hang.
    set("junit.jupiter.execution.timeout.testable.method.default", &format!("{} s", limit.div_ceil(2)));
    if let Some(classes) = wanted(session) {
        set("failIfNoTests", "false");
        set("surefire.failIfNoSpecifiedTests", "false");
        let each = classes.iter().map(|(class, methods)| match methods.is_empty() {
            true => class.clone(),
            false => format!("{class}#{}", methods.iter().map(|one| format!("{one}*")).collect::<Vec<_>>().join("+")),
        });
        set("test", &each.collect::<Vec<_>>().join(","));
    }
    own
}

/// The child, and what a person would type.
fn call(session: &Session<'_>, own: &[String]) -> (Child, String) {
    let command = &session.suite.command;
    let shown = match wanted(session) {
        None => command.clone(),
        Some(_) => format!("{command} {}", own.last().map(|test| line(&[test])).unwrap_or_default()),
    };
    let settings: Vec<&str> = own.iter().filter(|word| word.starts_with("-D")).map(String::as_str).collect();
    let child = match words(command) {
        Some(Words { vars, words }) if is_maven(&words[0]) => {
            let argv = [&words[..1], own, &words[1..]].concat();
            let mut child = Child::new(argv);
            child.env.extend(vars);
            child
        }
        // Properties of the JVM are properties of the build too.
        _ => {
            let before = session.tree.env.get("MAVEN_OPTS").cloned().unwrap_or_default();
            Child::shell(command).env("MAVEN_OPTS", format!("{before} {}", settings.join(" ").replace(" s", "s")).trim())
        }
    };
    (child.parsed(), shown)
}

fn is_maven(program: &str) -> bool {
    matches!(program.rsplit('/').next(), Some("mvn" | "mvnw" | "mvnd"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TestSettings;
    use crate::runner::Selection;
    use crate::runner::trial::{Trial, lines};

    /// The machine's own repository of Debian's packages, as a project names it.
    const CONFIG: &str = "-o\n-Dmaven.repo.local=/usr/share/maven-repo\n";
    const PARENT: &str = "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion><groupId>shop</groupId><artifactId>parent</artifactId><version>1</version><packaging>pom</packaging><modules><module>core</module><module>till</module></modules><properties><maven.compiler.source>11</maven.compiler.source><maven.compiler.target>11</maven.compiler.target><project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties></project>";
    const PRICE: &str = "package shop;\npublic class Price {\n    public static int total(int a, int b) { return a + b; }\n    public static int at(int[] all, int i) { return all[i]; }\n}\n";
    const OLD: &str = "package shop;\nimport static org.junit.Assert.*;\nimport org.junit.*;\npublic class PriceTest {\n    @Test public void adds() { assertEquals(3, Price.total(1, 2)); }\n    @Test public void wrong() { assertEquals(4, Price.total(1, 2)); }\n    @Test public void deep() { Price.at(new int[0], 3); }\n    @Test @Ignore(\"later\") public void skipped() {}\n    @Test(timeout = 200) public void hangs() throws Exception { Thread.sleep(60000); }\n    public static class Inner { @Test public void nested() {} }\n}\n";
    const NEW: &str = "package shop;\nimport static org.junit.jupiter.api.Assertions.*;\nimport org.junit.jupiter.api.*;\nimport org.junit.jupiter.params.ParameterizedTest;\nimport org.junit.jupiter.params.provider.ValueSource;\nclass TillTest {\n    @Test void adds() { assertEquals(3, Price.total(1, 2)); }\n    @ParameterizedTest @ValueSource(ints = {1, 2}) void each(int x) { assertEquals(1, x); }\n    @Nested class Inside { @Test void nested() { assertThrows(RuntimeException.class, () -> Price.at(new int[0], 1)); } }\n}\n";

    fn module(name: &str, dependencies: &str) -> String {
        format!(
            "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion><parent><groupId>shop</groupId><artifactId>parent</artifactId><version>1</version></parent><artifactId>{name}</artifactId><dependencies>{dependencies}</dependencies></project>"
        )
    }

    #[test]
    fn two_modules_of_junit_4_and_5_are_really_run() {
        let test = |group: &str, name: &str, version: &str| {
            format!(
                "<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version><scope>test</scope></dependency>"
            )
        };
        let core = module("core", &test("junit", "junit", "4.x"));
        let jupiter =
            ["junit-jupiter-api", "junit-jupiter-params", "junit-jupiter-engine"].map(|name| test("org.junit.jupiter", name, "debian"));
        let own = "<dependency><groupId>shop</groupId><artifactId>core</artifactId><version>1</version></dependency>";
        let till = module("till", &format!("{own}{}", jupiter.concat()));
        let mut files = vec![
            (".mvn/maven.config", CONFIG),
            ("pom.xml", PARENT),
            ("core/pom.xml", core.as_str()),
            ("core/src/main/java/shop/Price.java", PRICE),
            ("core/src/test/java/shop/PriceTest.java", OLD),
            ("till/pom.xml", till.as_str()),
            ("till/src/test/java/shop/TillTest.java", NEW),
        ];
        let trial = Trial::new(&files, TestSettings { setup: Some(Vec::new()), ..TestSettings::default() });
        assert_eq!(trial.bench.suites.len(), 1);
        let report = trial.run(&trial.tree("one", &files), &Selection::All);
        let expected = [
            "shop.PriceTest::adds: passed",
            "shop.PriceTest::deep: Error",
            "shop.PriceTest::hangs: Hang",
            "shop.PriceTest::skipped: skipped, later",
            "shop.PriceTest::wrong: Assertion",
            "shop.TillTest::Inside::nested: passed",
            "shop.TillTest::adds: passed",
            "shop.TillTest::each[1]: passed",
            "shop.TillTest::each[2]: Assertion",
        ];
        assert_eq!(lines(&report), expected, "{:#?}\n{}", report.troubles, report.output);
        assert!(report.troubles.is_empty(), "{:#?}", report.troubles);
        let case = &report.cases[&TestId::new(&["shop.PriceTest", "deep"])];
        assert_eq!(case.file.as_deref(), Some("core/src/test/java/shop/PriceTest.java"));
        let Outcome::Failed(fault) = &case.outcome else { panic!() };
        assert!(fault.trace.contains("at shop.Price.at(core/src/main/java/shop/Price.java:4)"), "{}", fault.trace);

        // One test, in a tree whose other module's tests do not compile.
        let broken = NEW.replace("Price.total(1, 2)", "Price.fresh(1)");
        files[6].1 = &broken;
        let head = trial.tree("two", &files);
        let report = trial.run(&head, &Selection::Tests(vec![TestId::new(&["shop.PriceTest", "adds"])]));
        assert_eq!(lines(&report), ["shop.PriceTest::adds: passed"], "{}", report.output);
        assert_eq!(report.troubles[0].file.as_deref(), Some("till/src/test/java/shop/TillTest.java"));
        assert!(
            report.troubles[0].message.contains("cannot find symbol") && report.troubles[0].message.contains("fresh"),
            "{}",
            report.troubles[0].message
        );
    }

    #[test]
    fn a_process_that_ends_itself_is_a_crash() {
        let said = "[ERROR] The forked VM terminated without properly saying goodbye. VM crash or System.exit called?\n[ERROR] Crashed tests:\n[ERROR] shop.PriceTest\n";
        let mut findings = Findings::default();
        crash(said, said.find("The forked").unwrap(), &mut findings);
        assert_eq!((findings.troubles[0].kind, findings.troubles[0].file.as_deref()), (TroubleKind::Crash, Some("shop.PriceTest")));
        assert_eq!(COUNT.captures_iter("[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 0\n[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 1 s - in A\n").count(), 1);
    }
}
