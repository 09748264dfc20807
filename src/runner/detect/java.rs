//! Maven and Gradle: one suite per build that no other one contains.

use super::{Found, at};
use crate::runner::{Program, Suite};

/// Most test classes that setup runs to bring what running tests needs.
const FIRST: usize = 40;

/// One suite per outermost `pom.xml` or Gradle build with tests below; Maven where a folder has both.
pub(super) fn suites(found: &Found<'_>) -> Vec<Suite> {
    let mut suites: Vec<Suite> = Vec::new();
    let names = ["pom.xml", "settings.gradle", "settings.gradle.kts", "build.gradle", "build.gradle.kts"];
    for name in names {
        for dir in found.folders_with(name) {
            let inside = suites.iter().any(|suite| suite.dir == dir || suite.dir.is_empty() || dir.starts_with(&format!("{}/", suite.dir)));
            if !inside && let Some(suite) = suite(found, &dir, name) {
                suites.push(suite);
            }
        }
    }
    suites
}

fn suite(found: &Found<'_>, dir: &str, manifest: &str) -> Option<Suite> {
    let test = found.any_file(dir, is_test_file)?;
    let why = format!("{}; tests, first in {}", at(dir, manifest), at(dir, &test));
    let (program, command, setup) = match manifest {
        "pom.xml" => (Program::Maven, format!("{} test", maven(found, dir)), maven_setup(found, dir)),
        _ => (Program::Gradle, format!("{} test", gradle(found, dir)), gradle_setup(found, dir)),
    };
    Some(Suite { program, dir: dir.to_owned(), command, junit: None, setup, build: Vec::new(), why })
}

fn is_test_file(path: &str) -> bool {
    let code = [".java", ".kt", ".groovy"].iter().any(|end| path.ends_with(end));
    code && (path.starts_with("src/test/") || path.contains("/src/test/"))
}

/// The machine's own Maven needs no network; the wrapper brings one where there is none.
fn maven(found: &Found<'_>, dir: &str) -> &'static str {
    if !(found.has)("mvn") && found.is_file(&at(dir, "mvnw")) { "./mvnw" } else { "mvn" }
}

/// A build is written for one version of Gradle, which the wrapper brings.
fn gradle(found: &Found<'_>, dir: &str) -> &'static str {
    if found.is_file(&at(dir, "gradlew")) && found.is_file(&at(dir, "gradle/wrapper/gradle-wrapper.jar")) { "./gradlew" } else { "gradle" }
}

/// Running a test brings what no listing names: what Surefire runs tests with is chosen when it begins.
pub(super) fn maven_setup(found: &Found<'_>, dir: &str) -> Vec<String> {
    let mut modules: Vec<String> = Vec::new();
    let mut classes: Vec<String> = Vec::new();
    for file in found.files(dir, is_test_file) {
        let module = file.split_once("src/test/").map_or(String::new(), |(module, _)| module.to_owned());
        let name = file.rsplit('/').next().and_then(|name| name.split('.').next()).unwrap_or_default();
        let is_test = ["Test", "Tests", "TestCase"].iter().any(|end| name.ends_with(end)) || name.starts_with("Test");
        let plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if is_test && plain && !modules.contains(&module) && classes.len() < FIRST {
            modules.push(module);
            classes.push(name.to_owned());
        }
    }
    let program = maven(found, dir);
    let quiet = "-B -fae -Dmaven.test.failure.ignore=true -Dstyle.color=never";
    let whole = format!("{program} {quiet} -DskipTests test");
    match classes.is_empty() {
        true => vec![whole],
        false => {
            let some = "-DfailIfNoTests=false -Dsurefire.failIfNoSpecifiedTests=false";
            vec![format!("{program} {quiet} {some} -Dtest={} test || {whole}", classes.join(","))]
        }
    }
}

/// What tests run with is brought when a test task begins, though it finds no test of that name.
pub(super) fn gradle_setup(found: &Found<'_>, dir: &str) -> Vec<String> {
    let program = gradle(found, dir);
    let options = "--no-daemon --console=plain --continue";
    vec![format!("{program} {options} test --tests loom.none; {program} {options} testClasses")]
}
