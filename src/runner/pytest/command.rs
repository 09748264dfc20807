//! The command of a pytest suite, narrowed to what was asked for.

use crate::runner::session::Session;
use crate::runner::words::{Words, assigned, line, words};
use crate::runner::{Selection, TestId};

/// The suite's command with the selection in place of the paths it names.
pub(super) fn command(session: &Session<'_>) -> String {
    let asked: Vec<String> = match session.selection {
        Selection::All => return session.suite.command.clone(),
        Selection::Files(files) => files.iter().map(|file| session.in_dir(file)).collect(),
        Selection::Tests(tests) => {
            let mut asked: Vec<String> = tests.iter().map(|test| node(session, test)).collect();
            asked.sort();
            asked.dedup();
            asked
        }
    };
    let Some(Words { vars, words }) = words(&session.suite.command) else { return session.suite.command.clone() };
    if !words.iter().any(|word| word.rsplit('/').next().is_some_and(|name| matches!(name, "pytest" | "py.test"))) {
        return session.suite.command.clone();
    }
    let kept = words.iter().enumerate().filter(|(at, word)| {
        let path = word.split("::").next().unwrap_or(word);
        *at == 0 || word.starts_with('-') || path == "pytest" || !session.host_dir().join(path).exists()
    });
    let kept: Vec<&str> = kept.map(|(_, word)| word.as_str()).chain(asked.iter().map(String::as_str)).collect();
    let vars = assigned(&vars);
    format!("{vars}{}", line(&kept))
}

/// What selects a test: its function, as parameters in names were cleaned.
fn node(session: &Session<'_>, test: &TestId) -> String {
    let name = test.unnumbered();
    let (file, inner) = name.split_once("::").unwrap_or((name, ""));
    let function = inner.split('[').next().unwrap_or(inner);
    let file = session.in_dir(file);
    if function.is_empty() { file } else { format!("{file}::{function}") }
}
