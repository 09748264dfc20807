//! `loom flakes`: the flaky tests that earlier proofs noticed, as a table; `forget` takes some of them out.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::arguments::{Flakes, FlakesAction};
use super::session::Session;
use super::{amounts, plain};
use crate::error::{Failure, Kind, Result};
use crate::pipeline::ledger_of;
use crate::queue::Queue;
use crate::task::Flake;

const EMPTY: &str = "No flaky tests are known. loom notes a test here when it passes and fails on the unchanged source.";

/// Shows or changes the ledger.
pub fn run(session: &Session, asked: &Flakes) -> Result<()> {
    let repository = asked.repo.as_deref().map(repository).transpose()?;
    let queue = Queue::open_existing(&session.locations.queue)?;
    match &asked.action {
        None => show(session, queue.as_ref(), repository.as_deref()),
        Some(FlakesAction::Forget { tests }) => forget(session, queue.as_ref(), repository.as_deref(), tests),
    }
}

/// `owner/repo` as it is, a folder as the root of its repository, a URL by what it names.
fn repository(named: &str) -> Result<String> {
    let path = Path::new(named);
    if path.is_dir() {
        return Ok(ledger_of(named));
    }
    match named.split('/').collect::<Vec<_>>().as_slice() {
        [owner, name] if !owner.is_empty() && !name.is_empty() => Ok(named.to_lowercase()),
        _ if named.contains("://") || named.contains('@') || path.is_absolute() => Ok(ledger_of(named)),
        _ => {
            Err(Failure::new(Kind::Usage, format_args!("{named} is no repository")).hint("name it as owner/repo, as a folder or as a URL"))
        }
    }
}

fn show(session: &Session, queue: Option<&Queue>, repository: Option<&str>) -> Result<()> {
    let found = queue.map(|queue| queue.ledgers(repository)).transpose()?.unwrap_or_default();
    let now = Timestamp::now();
    session.screen.show(if found.is_empty() { EMPTY.to_owned() } else { table(&found, now) });
    let rows: Vec<Value> = found.iter().map(|(repository, flake)| with_place(repository, flake, now)).collect();
    session.screen.show_json(&json!({ "flakes": rows }));
    Ok(())
}

fn with_place(repository: &str, flake: &Flake, now: Timestamp) -> Value {
    let mut value = json!(flake);
    value["repository"] = json!(repository);
    value["weight"] = json!((flake.weight_at(now) * 100.0).round() / 100.0);
    value
}

fn forget(session: &Session, queue: Option<&Queue>, repository: Option<&str>, tests: &[String]) -> Result<()> {
    let gone = queue.map(|queue| queue.forget_flakes(repository, tests)).transpose()?.unwrap_or_default();
    if let Some(absent) = tests.iter().find(|test| !gone.contains(test)) {
        let forgotten = if gone.is_empty() { String::new() } else { format!("; forgotten: {}", gone.join(", ")) };
        return Err(Failure::new(Kind::Skipped, format_args!("{absent} is not among the flaky tests{forgotten}"))
            .hint("`loom flakes` lists them; a test is named by its whole id"));
    }
    session.screen.show(plain::lines(&format!("Forgotten: {}", gone.join(", "))));
    session.screen.show_json(&json!({ "forgotten": gone }));
    Ok(())
}

/// One block per repository. The test stands last: it may be long, and is needed whole to be forgotten.
fn table(found: &[(String, Flake)], now: Timestamp) -> String {
    let mut lines = Vec::new();
    let mut at = None;
    for (repository, flake) in found {
        if at != Some(repository) {
            if at.is_some() {
                lines.push(String::new());
            }
            lines.push(plain::line(repository));
            lines.push(row("SEEN", "LAST", "WEIGHT", "CONDITION", "TEST"));
            at = Some(repository);
        }
        let (times, last) = (flake.times.to_string(), amounts::age(flake.last, now));
        let weight = format!("{:.2}", flake.weight_at(now));
        lines.push(row(&times, &last, &weight, &plain::line(&flake.seen.condition), &plain::line(&flake.seen.test)));
    }
    lines.join("\n")
}

fn row(times: &str, last: &str, weight: &str, condition: &str, test: &str) -> String {
    format!("  {times:>4}  {last:>4}  {weight:>6}  {condition:<16}  {test}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Sighting;

    #[test]
    fn the_table_names_each_repository_once() {
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        let now = Timestamp::from_second(1_700_000_000 + 15 * 86_400).unwrap();
        let flake = |test: &str| Flake::new(Sighting { suite: "pytest".into(), test: test.into(), condition: "alone".into() }, at);
        let found = [
            ("acme/widget".to_owned(), flake("tests/test_a.py::test_clock").again(at)),
            ("acme/widget".to_owned(), flake("tests/test_a.py::test_\x1b[2Jport")),
            ("/srv/other".to_owned(), flake("src/lib.rs::tests::race")),
        ];
        insta::assert_snapshot!(table(&found, now), @r"
        acme/widget
          SEEN  LAST  WEIGHT  CONDITION         TEST
             2   15d    1.41  alone             tests/test_a.py::test_clock
             1   15d    0.71  alone             tests/test_a.py::test_ [2Jport

        /srv/other
          SEEN  LAST  WEIGHT  CONDITION         TEST
             1   15d    0.71  alone             src/lib.rs::tests::race
        ");
    }

    #[test]
    fn repositories_are_named_as_people_name_them() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join(".git")).unwrap();
        std::fs::create_dir_all(folder.path().join("src")).unwrap();
        let root = folder.path().canonicalize().unwrap().display().to_string();
        assert_eq!(repository(folder.path().join("src").to_str().unwrap()).unwrap(), root);
        assert_eq!(repository("Acme/Widget").unwrap(), "acme/widget");
        assert_eq!(repository("https://github.com/acme/widget.git").unwrap(), "acme/widget");
        assert_eq!(repository("widget").unwrap_err().kind, Kind::Usage);
    }
}
