//! Which files of a PHPUnit suite hold tests, and the command without those it names.

use std::sync::LazyLock;

use regex::Regex;

use crate::runner::session::Session;
use crate::runner::{one_by_one, places};

/// Longest PHP file that is looked into.
const LONGEST: u64 = 2 << 20;
/// Options of phpunit that take a value in the next word.
const VALUED: [&str; 10] =
    ["-c", "--configuration", "--bootstrap", "--testsuite", "--group", "--exclude-group", "--order-by", "-d", "--test-suffix", "--filter"];

static DIRECTORY: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"<(?:directory|file)\b[^>]*>\s*([^<]+?)\s*</").expect("a constant pattern that the tests compile"));
static FUNCTION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\bfunction\s+&?(\w+)\s*\(").expect("a constant pattern that the tests compile"));

/// The files of the suite that hold tests, relative to the root: those of the folders that its settings name.
pub(super) fn of_suite(session: &Session<'_>) -> Vec<String> {
    let named = named_folders(session);
    let is_named = |path: &str| named.is_empty() || named.iter().any(|folder| path == folder || path.starts_with(&format!("{folder}/")));
    let full: Vec<String> =
        one_by_one::files(session).filter(|path| path.ends_with("Test.php") && is_named(&session.in_dir(path))).collect();
    with_tests(session, &full)
}

/// What the configuration file names, without what stands for everything.
fn named_folders(session: &Session<'_>) -> Vec<String> {
    let text = ["phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml"]
        .iter()
        .find_map(|name| places::read(&session.host_dir().join(name), LONGEST).ok())
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let suites = text.split_once("<testsuites").and_then(|(_, rest)| rest.split_once("</testsuites>")).map_or("", |(suites, _)| suites);
    let folders = DIRECTORY.captures_iter(suites).map(|found| found[1].trim_start_matches("./").trim_end_matches('/').to_owned());
    folders.filter(|folder| !folder.is_empty() && folder != "." && !folder.contains('*')).collect()
}

/// Of these files those that are there and hold a test class: phpunit takes any other for an error.
pub(super) fn with_tests(session: &Session<'_>, asked: &[String]) -> Vec<String> {
    let is_test = |path: &&String| {
        let Ok(bytes) = places::read(&session.tree.host.join(path.as_str()), LONGEST) else { return false };
        let text = String::from_utf8_lossy(&bytes);
        let class = text.lines().any(|line| line.contains("class ") && !line.trim_start().starts_with("abstract "));
        class && (path.ends_with("Test.php") || text.contains("function test") || text.contains("@test") || text.contains("#[Test"))
    };
    let mut files: Vec<String> = asked.iter().filter(|path| path.ends_with(".php")).filter(is_test).cloned().collect();
    files.sort();
    files.dedup();
    files
}

/// The words of the command without the files, folders and filters that it names.
pub(super) fn options(session: &Session<'_>, words: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if VALUED.contains(&word.as_str()) {
            let value = rest.next().cloned();
            if !matches!(word.as_str(), "--filter" | "--testsuite") {
                kept.push(word.clone());
                kept.extend(value);
            }
        } else if kept.is_empty()
            || word.starts_with('-') && !word.starts_with("--testsuite=")
            || !session.host_dir().join(word).exists()
            || kept.len() == 1 && words[0].ends_with("php")
        {
            kept.push(word.clone());
        }
    }
    kept
}

/// The function around a line of a file: phpunit's traces do not name it.
pub(super) fn method_at(session: &Session<'_>, file: &str, line: usize) -> Option<String> {
    let bytes = places::read(&session.tree.host.join(file), LONGEST).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().take(line).collect();
    lines.iter().rev().find_map(|line| FUNCTION.captures(line)).map(|found| found[1].to_owned())
}
