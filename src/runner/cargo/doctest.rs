//! Doctests, by `cargo test --doc`: read by the words for people, since their JSON would need an unstable compiler.

use std::sync::LazyLock;

use regex::Regex;

use super::{Built, Flags, append, environment};
use crate::error::Result;
use crate::runner::libtest::read_words;
use crate::runner::run::Reading;
use crate::runner::session::{Child, Deadline, Session};
use crate::runner::text::{first_lines, plain};
use crate::runner::{Case, Selection, TestId, TroubleKind};
use crate::sandbox::Ending;

/// What the inner name of a doctest begins with.
pub(super) const MARK: &str = "doctest";

static NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(.+?) - (?:(.*?) )?\(line \d+\)$").expect("a constant pattern that the tests compile"));

/// Whether the selection can contain doctests.
pub(super) fn wanted(selection: &Selection) -> bool {
    match selection {
        Selection::All => true,
        // Only libraries have examples; test programs and benches have none.
        Selection::Files(files) => {
            let apart = |file: &str| file.split('/').rev().skip(1).any(|folder| matches!(folder, "tests" | "benches" | "examples"));
            files.iter().any(|file| file.ends_with(".rs") && !apart(file) || file.ends_with(".md"))
        }
        Selection::Tests(tests) => tests.iter().any(|test| test.inner().starts_with(MARK)),
    }
}

/// Runs the doctests of every library.
pub(super) fn run(session: &Session<'_>, flags: &Flags, built: &Built, deadline: Deadline, reading: &mut Reading) -> Result<()> {
    let mut argv = flags.cargo();
    argv.extend(["test", "--doc", "--no-fail-fast"].map(str::to_owned));
    argv.extend(flags.packages_and_features());
    let mut child = Child::new(argv).parsed();
    child.env.extend(environment(session));
    child.env.extend(flags.vars.iter().cloned());
    let finished = session.start(child, deadline)?;
    let text = plain(&finished.stdout.text());
    append(&mut reading.output, &format!("--- doctests\n{text}"));
    for (name, outcome) in read_words(&text) {
        let Some((file, item)) = split(&name) else { continue };
        let file = session.relative(&file).unwrap_or(file);
        let asked = match session.selection {
            Selection::All => true,
            Selection::Files(files) => files.contains(&file),
            // Which of several namesakes is meant is known once all of them are numbered.
            Selection::Tests(_) => true,
        };
        if asked {
            reading.findings.add(TestId::new(&[&file, &item]), Case::new(outcome).in_file(file));
        }
    }
    if finished.ending == Ending::TimedOut {
        reading.stopped();
    } else if !finished.ok() && !text.contains("test result:") && !built.libraries().is_empty() {
        let said = plain(&finished.stderr.text());
        let from = said.find("error").unwrap_or(0);
        reading.findings.trouble(TroubleKind::Build, None, &format!("doctests: {}", first_lines(&said[from..], 10)));
    }
    Ok(())
}

/// `src/lib.rs - add (line 5)` without its line: the file, and `doctest add`.
fn split(name: &str) -> Option<(String, String)> {
    let found = NAME.captures(name)?;
    let item = found.get(2).map_or("", |item| item.as_str());
    Some((found[1].to_owned(), format!("{MARK} {}", if item.is_empty() { "(module)" } else { item })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doctests_are_named_by_item() {
        assert_eq!(split("src/lib.rs - add (line 5)"), Some(("src/lib.rs".to_owned(), "doctest add".to_owned())));
        assert_eq!(split("src/lib.rs - (line 5)"), Some(("src/lib.rs".to_owned(), "doctest (module)".to_owned())));
        assert_eq!(split("a/b.rs - de::Impl<T>::x (line 10)"), Some(("a/b.rs".to_owned(), "doctest de::Impl<T>::x".to_owned())));
        assert_eq!(split("not a doctest"), None);
    }
}
