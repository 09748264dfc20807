//! What Maven and Gradle have in common: JUnit XML below the modules, tests named by their classes, frames without
//! folders, errors of the Java compiler.
//!
//! A test is named `package.Class::Inner::method[parameters]`. A test that is not there is absent from the cases; a file
//! that does not compile is a `Build` trouble of its own, and takes the tests of its module along.

pub(super) mod gradle;
pub(super) mod maven;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use ignore::WalkBuilder;
use regex::Regex;
use sources::Sources;

use super::findings::Findings;
use super::session::Session;
use super::text::first_lines;
use super::{Case, Outcome, Selection, TestId, TroubleKind, junit, places};

/// Longest report that is read.
const LONGEST: u64 = 64 << 20;
/// Most reports of one run.
const MOST: usize = 20_000;

/// Signatures that runners write behind a method's name: `adds(int, int)[1]`, `adds{int}[1]`, `adds()`.
static SIGNATURE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(?P<name>[\w$]+)\s?(?:\([^()]*\)|\{[^{}]*\})").expect("a constant pattern that the tests compile"));
/// javac by Maven (`/a/B.java:[9,30] words`) and by itself (`/a/B.java:9: error: words`).
static ERROR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:\[ERROR\] )?(?P<file>/?[^\s:\[\]]+\.(?:java|kt|groovy)):(?P<at>\[\d+,\d+\]|\d+): ?(?:error: )?(?P<said>.*)$|^(?:\[ERROR\] )(?P<mfile>/?[^\s:\[\]]+\.(?:java|kt|groovy)):(?P<mat>\[\d+,\d+\]) (?P<msaid>.*)$")
        .expect("a constant pattern that the tests compile")
});

/// The report files below a folder that `wanted` accepts.
fn reports(root: &Path, wanted: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let walk = WalkBuilder::new(root)
        .standard_filters(false)
        .sort_by_file_path(|a, b| a.cmp(b))
        .filter_entry(|entry| !matches!(entry.file_name().to_string_lossy().as_ref(), ".git" | "node_modules" | "classes" | "test-classes"))
        .build();
    walk.flatten()
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()) && wanted(entry.path()))
        .map(ignore::DirEntry::into_path)
        .take(MOST)
        .collect()
}

/// Reads reports into the findings, under the names that tests have in every tree; answers with how many there were.
/// `drop` is what was added to the names for this run alone.
fn take(session: &Session<'_>, files: &[PathBuf], drop: &str, findings: &mut Findings) -> usize {
    let sources = Sources::of(session);
    let mut read = Findings::default();
    for path in files {
        let shown = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut bytes = Vec::new();
        match places::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes)) {
            Ok(length) if length as u64 <= LONGEST => {
                let text = String::from_utf8_lossy(&bytes);
                let text = if drop.is_empty() { text.into_owned() } else { text.replace(drop, "") };
                junit::parse(text.as_bytes(), &shown, &|file| session.relative(file), &mut read);
            }
            Ok(_) => read.trouble(TroubleKind::Unreadable, Some(&shown), "the report is larger than 64 MiB"),
            Err(error) => read.trouble(TroubleKind::Unreadable, Some(&shown), &error.to_string()),
        }
    }
    let count = read.cases.len();
    for (id, case) in read.cases {
        let (id, case) = named(&id, case, &sources);
        findings.add(id, case);
    }
    for trouble in read.troubles {
        findings.trouble(trouble.kind, trouble.file.as_deref(), &trouble.message);
    }
    count
}

/// The id and the case as loom tells them: nested classes as parts, no signature, the file, frames with folders.
fn named(id: &TestId, mut case: Case, sources: &Sources) -> (TestId, Case) {
    let (class, method) = id.unnumbered().split_once("::").unwrap_or((id.unnumbered(), ""));
    let method = SIGNATURE.replace(method, "$name");
    let parts: Vec<&str> = class.split('$').chain([method.as_ref()]).collect();
    if let Outcome::Failed(fault) = &mut case.outcome {
        fault.trace = sources.placed(&fault.trace);
    }
    if case.file.is_none() {
        case.file = sources.of_class(class).map(str::to_owned);
    }
    (TestId::new(&parts), case)
}

/// One trouble per file that the compiler complains of.
fn compile_errors(session: &Session<'_>, output: &str, findings: &mut Findings) {
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut open: Option<String> = None;
    for line in output.lines() {
        if let Some(found) = ERROR.captures(line) {
            let part = |one: &str, other: &str| found.name(one).or_else(|| found.name(other)).map_or("", |text| text.as_str());
            let path = part("file", "mfile");
            let file = session.relative(path).unwrap_or_else(|| path.to_owned());
            let text = format!("{file}:{} {}", bracketed(part("at", "mat")), part("said", "msaid"));
            let told = files.entry(file.clone()).or_default();
            // Maven says everything twice.
            if !told.contains(&text) {
                told.push(text);
                open = Some(file);
            } else {
                open = None;
            }
            continue;
        }
        let plain = line.strip_prefix("[ERROR]").unwrap_or(line);
        match open.as_ref().and_then(|file| files.get_mut(file)) {
            Some(told) if plain.starts_with("  ") && !plain.trim().is_empty() => told.push(plain.to_owned()),
            _ => open = None,
        }
    }
    for (file, lines) in files {
        findings.trouble(TroubleKind::Build, Some(&file), &first_lines(&lines.join("\n"), 40));
    }
}

fn bracketed(place: &str) -> String {
    if place.starts_with('[') { place.to_owned() } else { format!("[{place},1]") }
}

/// The classes and methods that a selection names, as both tools take them apart: `package.Class` and its methods, none
/// for all of them. None for everything.
fn wanted(session: &Session<'_>) -> Option<BTreeMap<String, BTreeSet<String>>> {
    let mut classes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    match session.selection {
        Selection::All => return None,
        Selection::Files(files) => {
            for class in files.iter().filter_map(|file| class_of(file)) {
                classes.insert(class, BTreeSet::new());
            }
        }
        Selection::Tests(tests) => {
            for test in tests {
                let parts: Vec<&str> = test.unnumbered().split("::").collect();
                let Some((method, class)) = parts.split_last() else { continue };
                let method = method.split('[').next().unwrap_or(method);
                // A class that fails as a whole has a case without a method.
                let class = if class.is_empty() { (*method).to_owned() } else { class.join("$") };
                let methods = classes.entry(class).or_default();
                if parts.len() > 1 {
                    methods.insert(method.to_owned());
                }
            }
        }
    }
    Some(classes)
}

/// The class that a test file defines, by its path.
fn class_of(file: &str) -> Option<String> {
    let stem = [".java", ".kt", ".groovy"].iter().find_map(|end| file.strip_suffix(end))?;
    let inner = ["/java/", "/kotlin/", "/groovy/"].iter().find_map(|folder| stem.split_once(folder)).map_or(stem, |(_, inner)| inner);
    Some(inner.replace('/', "."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_signatures() {
        let of = |method: &str| SIGNATURE.replace(method, "$name").into_owned();
        for (told, name) in [
            ("adds()", "adds"),
            ("adds(int, int)[1]", "adds[1]"),
            ("adds{int}[2]", "adds[2]"),
            ("adds[a(b)]", "adds[a(b)]"),
            ("adds", "adds"),
        ] {
            assert_eq!(of(told), name);
        }
        assert_eq!(class_of("core/src/test/java/shop/PriceTest.java").unwrap(), "shop.PriceTest");
        assert_eq!(class_of("src/test/resources/a.txt"), None);
    }
}
