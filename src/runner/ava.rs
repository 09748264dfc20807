//! `ava`: a file of loom's own, preloaded into ava's process, tells of each test; `told` reads what it wrote. ava's TAP
//! does not name the files, and ends when a test ends its process.
//!
//! A test is named `FILE::title`. A test that is not there is absent from the cases; a file that cannot be loaded, or
//! has no tests, is a `Load` trouble.

use super::canary::{keeping_options, option};
use super::run::Reading;
use super::session::{Child, Session};
use super::told;
use super::words::{Words, assigned, line, words};
use crate::error::Result;

const PLUGIN: &str = include_str!("plugins/loom_ava.cjs");
/// Options that take a value in the next word.
const VALUED: [&str; 9] =
    ["--match", "-m", "--concurrency", "-c", "--timeout", "-T", "--node-arguments", "--config", "--environment-variables"];

/// Runs the suite, or the part of it that was asked for.
pub(super) fn run(session: &Session<'_>) -> Result<Reading> {
    let planted = session.plant("loom_ava.cjs", PLUGIN)?.join("loom_ava.cjs");
    let command = command(session);
    let child = Child::shell(&keeping_options(&command)).env("NODE_OPTIONS", option(&planted.to_string_lossy()));
    told::run(session, "ava", command, child)
}

/// The suite's command with the files asked for in place of those it names.
fn command(session: &Session<'_>) -> String {
    let Some(files) = session.files() else { return session.suite.command.clone() };
    let Some(Words { vars, words }) = words(&session.suite.command) else { return session.suite.command.clone() };
    let vars = assigned(&vars);
    format!("{vars}{}", line(&with_files(&words, &files)))
}

fn with_files<'w>(words: &'w [String], files: &'w [String]) -> Vec<&'w str> {
    let at = words.iter().position(|word| word.rsplit('/').next() == Some("ava")).unwrap_or(0);
    let (before, after) = words.split_at(at + 1);
    let is_kept = |index: usize| after[index].starts_with('-') || index > 0 && VALUED.contains(&after[index - 1].as_str());
    let options = (0..after.len()).filter(|index| is_kept(*index)).map(|index| after[index].as_str());
    before.iter().map(String::as_str).chain(options).chain(files.iter().map(String::as_str)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_take_the_place_of_patterns_and_options_stay() {
        let words = ["node_modules/.bin/ava", "--timeout", "10s", "test/**/*.js", "-v"].map(str::to_owned);
        let files = ["test/a.js".to_owned()];
        assert_eq!(with_files(&words, &files), ["node_modules/.bin/ava", "--timeout", "10s", "-v", "test/a.js"]);
    }
}
