//! `gradle test`: the repository's own words without network, and an init script by which every test task writes its
//! JUnit XML into a folder that this run alone knows.

use std::fs;

use super::super::findings::Findings;
use super::super::run::Reading;
use super::super::session::{Child, Deadline, Session};
use super::super::text::{first_lines, streams};
use super::super::words::{Words, line, words};
use super::super::{TroubleKind, places};
use super::{compile_errors, reports, take, wanted};
use crate::error::{Kind, OrFail, Result};
use crate::sandbox::Ending;

/// Read by every Gradle since 4: what is asked of newer ones is asked only where they know it.
const SCRIPT: &str = include_str!("../plugins/loom.gradle");

/// Runs the suite, or the part of it that was asked for.
pub(in crate::runner) fn run(session: &Session<'_>) -> Result<Reading> {
    let mark = format!("{:016x}", fastrand::u64(..));
    let script = session.plant("loom.gradle", SCRIPT)?.join("loom.gradle");
    let results = session.private("results")?;
    let host = places::folder(&results, &mark).or_fail(Kind::Workspace, || format!("making {mark} in {}", results.display()))?;
    let inside = session.tree.private_point().join("results").join(&mark);
    let home = session.private("gradle")?;
    shared_programs(session, &home);
    let mut own: Vec<String> = ["--offline", "--no-daemon", "--continue", "--console=plain", "--init-script"].map(str::to_owned).to_vec();
    own.push(script.to_string_lossy().into_owned());
    let mut filters: Vec<String> = Vec::new();
    for (class, methods) in wanted(session).into_iter().flatten() {
        let class = class.replace('$', "*");
        match methods.is_empty() {
            true => filters.push(format!("{class}*")),
            false => filters.extend(methods.iter().map(|method| format!("{class}.{method}*"))),
        }
    }
    let command = &session.suite.command;
    let shown = match filters.is_empty() {
        true => command.clone(),
        false => format!("{command} {}", filters.iter().map(|one| format!("--tests {}", line(&[one]))).collect::<Vec<_>>().join(" ")),
    };
    let child = match words(command) {
        Some(Words { vars, words }) if matches!(words[0].rsplit('/').next(), Some("gradle" | "gradlew")) => {
            let mut child = Child::new([&words[..1], &own, &words[1..]].concat());
            child.env.extend(vars);
            child
        }
        // In a longer command only a script in Gradle's own folder is found.
        _ => {
            let folder = places::folder(&home, "init.d").or_fail(Kind::Workspace, || "making Gradle's folder of scripts")?;
            places::write(&folder, "loom.gradle", SCRIPT).or_fail(Kind::Workspace, || "writing Gradle's script")?;
            Child::shell(command)
        }
    };
    let child = child
        .env("GRADLE_USER_HOME", session.tree.private_point().join("gradle").to_string_lossy())
        .env("LOOM_GRADLE_RESULTS", inside.to_string_lossy())
        .env("LOOM_GRADLE_TESTS", filters.join("\n"));
    let settings = session.settings;
    let deadline = Deadline::after(settings.build_timeout.duration() + settings.timeout.duration());
    let finished = session.start(child.parsed(), deadline)?;
    let output = streams(&finished);
    let mut findings = Findings::default();
    let files = reports(&host, |path| path.extension().is_some_and(|end| end == "xml"));
    take(session, &files, "", &mut findings);
    let _ = fs::remove_dir_all(&host);
    let mut reading = Reading { command: shown, findings, ending: finished.ending, output };
    troubles(session, &mut reading);
    Ok(reading)
}

/// What stands beside the tests.
fn troubles(session: &Session<'_>, reading: &mut Reading) {
    let output = reading.output.replace(&format!("{}/", session.tree.point.display()), "");
    if output.contains("Compilation failed") || output.contains(": error: ") {
        compile_errors(session, &output, &mut reading.findings);
    }
    if let Some(at) = output.find("finished with non-zero exit value") {
        let from = output[..at].rfind('\n').map_or(0, |line| line + 1);
        reading.findings.trouble(TroubleKind::Crash, None, &first_lines(&output[from..], 2));
    }
    let failed = matches!(reading.ending, Ending::Exited(code) if code != 0 && code != 127);
    if failed && reading.findings.cases.is_empty() && reading.findings.troubles.is_empty() {
        let from = output.find("* What went wrong").or_else(|| output.find("FAILURE:")).unwrap_or(0);
        reading.findings.trouble(TroubleKind::Build, None, &first_lines(&output[from..], 8));
    }
}

/// Gradle itself, where setup's wrapper fetched it.
fn shared_programs(session: &Session<'_>, home: &std::path::Path) {
    let Some(shared) = session.tree.env.get("GRADLE_RO_DEP_CACHE").and_then(|cache| cache.strip_suffix("/caches")) else { return };
    let link = home.join("wrapper");
    if fs::symlink_metadata(&link).is_err() {
        let _ = std::os::unix::fs::symlink(format!("{shared}/wrapper"), &link);
    }
}

#[cfg(test)]
mod tests {
    use crate::config::TestSettings;
    use crate::runner::trial::{Trial, lines};
    use crate::runner::{Selection, TestId};

    const BUILD: &str = "apply plugin: 'java'\nrepositories { maven { url 'file:///usr/share/maven-repo' } }\ndependencies { testCompile 'junit:junit:4.x' }\n";
    const PRICE: &str = "package shop;\npublic class Price {\n    public static int total(int a, int b) { return a + b; }\n    public static int at(int[] all, int i) { return all[i]; }\n}\n";
    const TESTS: &str = "package shop;\nimport static org.junit.Assert.*;\nimport org.junit.*;\npublic class PriceTest {\n    @Test public void adds() { assertEquals(3, Price.total(1, 2)); }\n    @Test public void wrong() { assertEquals(4, Price.total(1, 2)); }\n    @Test public void deep() { Price.at(new int[0], 3); }\n    @Test @Ignore public void later() {}\n}\n";

    #[test]
    fn a_build_is_really_run_and_its_compiler_heard() {
        let mut files =
            vec![("build.gradle", BUILD), ("src/main/java/shop/Price.java", PRICE), ("src/test/java/shop/PriceTest.java", TESTS)];
        let trial = Trial::new(&files, TestSettings { setup: Some(Vec::new()), ..TestSettings::default() });
        let tree = trial.tree("one", &files);
        let report = trial.run(&tree, &Selection::All);
        let expected = [
            "shop.PriceTest::adds: passed",
            "shop.PriceTest::deep: Error",
            "shop.PriceTest::later: skipped, skipped",
            "shop.PriceTest::wrong: Assertion",
        ];
        assert_eq!(lines(&report), expected, "{:#?}\n{}", report.troubles, report.output);
        let report = trial.run(&tree, &Selection::Tests(vec![TestId::new(&["shop.PriceTest", "adds"])]));
        assert_eq!((lines(&report), report.command.as_str()), (vec![expected[0].to_owned()], "gradle test --tests 'shop.PriceTest.adds*'"));
        let broken = TESTS.replace("Price.total(1, 2)", "Price.fresh(1)");
        files[2].1 = &broken;
        let report = trial.run(&trial.tree("two", &files), &Selection::All);
        assert!(report.cases.is_empty());
        assert_eq!(report.troubles[0].file.as_deref(), Some("src/test/java/shop/PriceTest.java"), "{}", report.output);
        assert!(report.troubles[0].message.contains("cannot find symbol"), "{}", report.troubles[0].message);
    }
}
