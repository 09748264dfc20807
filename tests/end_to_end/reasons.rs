//! `docs/reasons.md` held against the gate's source: every name that a reason or a question can have, every sentence that
//! a new test can get, every cause of *inconclusive*; and the page in `docs/proof.md` against the one that loom writes.

use std::collections::BTreeSet;
use std::path::Path;

use loom_agent::verify::Ruling;

/// Words of `src/verify` that are written like names of findings and are none: settings, folders, cells.
const NO_FINDINGS: [&str; 29] = [
    "build-backend",
    "build-dependencies",
    "build-system",
    "check-coverage",
    "checks-base",
    "checks-head",
    "coverage-map",
    "default-members",
    "dependency-groups",
    "dev-dependencies",
    "dev-packages",
    "env-vars",
    "find-links",
    "hatch-test",
    "jest-setup",
    "must-fail",
    "must-pass",
    "nyc-arg",
    "optional-dependencies",
    "registry-index",
    "require-dev",
    "setup-tests",
    "show-full-coverage",
    "surefire-reports",
    "test-classes",
    "test-d",
    "test-data",
    "test-setup",
    "vitest-setup",
];
/// The one finding of a single word.
const SHORT: &str = "regression";

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The product's text below a folder of `src`: without comments and without the tests at the foot of each file.
fn source(folder: &str) -> String {
    let mut text = String::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                text.push_str(&product(&std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    text
}

fn product(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let foot = lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].contains("mod tests {"));
    let kept = lines[..foot.unwrap_or(lines.len())].iter().filter(|line| {
        let line = line.trim_start();
        !line.starts_with("//") && !line.starts_with("#[serde")
    });
    kept.flat_map(|line| [line, "\n"]).collect()
}

/// Literals that are written like the name of a finding.
fn names(source: &str) -> BTreeSet<String> {
    let is_name =
        |word: &&str| word.contains('-') && word.split('-').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase()));
    source.split('"').filter(is_name).map(str::to_owned).collect()
}

/// The rows of the table below a heading, as cells.
fn rows(page: &str, heading: &str) -> Vec<Vec<String>> {
    let chapter = page.split(&format!("\n## {heading}\n")).nth(1).unwrap_or_else(|| panic!("there is no chapter {heading}"));
    let chapter = chapter.split("\n## ").next().unwrap_or_default();
    let table = chapter.lines().filter(|line| line.starts_with('|')).skip(2);
    table.map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`').to_owned()).collect()).collect()
}

#[track_caller]
fn same(told: &BTreeSet<String>, known: &BTreeSet<String>) {
    let missing: Vec<_> = known.difference(told).collect();
    let gone: Vec<_> = told.difference(known).collect();
    assert!(missing.is_empty() && gone.is_empty(), "docs/reasons.md lacks {missing:?}, and tells of {gone:?}, which the source has not");
}

#[test]
fn every_reason_and_question_has_a_row_with_an_example() {
    let page = read("docs/reasons.md");
    let table = [rows(&page, "Reasons"), rows(&page, "Questions")].concat();
    let broken: Vec<_> = table.iter().filter(|row| row.len() != 4 || row.iter().any(|cell| cell.is_empty())).collect();
    assert!(broken.is_empty(), "a row has a name, what it means, an example, and whether it is lifted: {broken:?}");
    let told: BTreeSet<String> = table.iter().map(|row| row[0].clone()).collect();
    let mut known = names(&source("verify"));
    for other in NO_FINDINGS {
        assert!(known.remove(other), "{other} is no longer in the source: take it out of this list");
    }
    known.insert(SHORT.to_owned());
    same(&told, &known);
}

#[test]
fn what_is_lifted_is_told_as_it_is() {
    let page = read("docs/reasons.md");
    for row in [rows(&page, "Reasons"), rows(&page, "Questions")].concat() {
        assert_eq!(row[3], if Ruling::LIFTED.contains(&row[0].as_str()) { "yes" } else { "no" }, "{}", row[0]);
    }
}

#[test]
fn every_way_to_prove_nothing_has_a_row() {
    let told: BTreeSet<String> =
        rows(&read("docs/reasons.md"), "Why a new test proves nothing").into_iter().map(|mut row| row.remove(0)).collect();
    let source = product(&read("src/verify/red.rs"));
    let sentence = |line: &str| Some(line.trim().strip_prefix("Weak::")?.split_once(" => \"")?.1.strip_suffix("\",")?.to_owned());
    same(&told, &source.lines().filter_map(sentence).collect());
}

#[test]
fn every_cause_of_inconclusive_has_a_row() {
    let rows = rows(&read("docs/reasons.md"), "Causes of *inconclusive*");
    let (gate, pipeline) = (source("verify"), source("pipeline"));
    for row in &rows {
        assert!(gate.contains(&row[0]) || pipeline.contains(&row[0]), "no cause says {:?}", row[0]);
    }
    let places = gate.matches("unknowable =").count() + pipeline.matches("verify::unknowable(").count();
    assert_eq!(rows.len(), places, "so many places of the source end a proof as inconclusive, and so many rows has docs/reasons.md");
}

#[test]
fn the_example_of_a_pull_request_is_one() {
    let page = read("src/proposal/snapshots/loom_agent__proposal__gallery__a_verified_bug_fix.snap");
    let example = read("docs/proof.md").split("```text\n").nth(1).unwrap().split("```").next().unwrap().to_owned();
    let parts: Vec<&str> = example.trim_end().split("\n\n...\n\n").collect();
    assert_eq!(parts.len(), 2);
    let missing: Vec<_> = parts.iter().filter(|part| !page.contains(**part)).collect();
    assert!(missing.is_empty(), "docs/proof.md shows what no pull request says: {missing:#?}");
}

/// A rule that cannot be broken guards nothing.
#[test]
fn planted_faults_are_found() {
    let planted =
        "let one = reason(\"new-finding\", \"a sentence\");\n// \"in-a-comment\"\n#[cfg(test)]\nmod tests {\n    \"in-a-test\"\n}\n";
    assert_eq!(names(&product(planted)), BTreeSet::from(["new-finding".to_owned()]));
    let page = "\n## Reasons\n\n| reason | means |\n| --- | --- |\n| `one-row` | x |\n\n## Questions\n| q |\n| - |\n| `other` |\n";
    assert_eq!(rows(page, "Reasons"), [["one-row", "x"]]);
}
