//! Files of a suite run each in a process of its own, where one that does not load or ends the process keeps a runner from
//! telling anything of the others. Which files hold tests and how one is run is the runner's own file.

use ignore::WalkBuilder;

use super::findings::Findings;
use super::run::Reading;
use super::session::{Deadline, Session};
use super::text::streams;
use crate::error::Result;
use crate::sandbox::{Ending, Finished};

/// Runs the files in turn until the deadline; `start` runs one and answers with its command. `whole` is the command that
/// stands for all of them.
pub(super) fn run(
    whole: &str,
    files: &[String],
    deadline: Deadline,
    mut start: impl FnMut(&str, &mut Findings) -> Result<(String, Finished)>,
) -> Result<Reading> {
    let mut reading =
        Reading { command: whole.to_owned(), findings: Findings::default(), ending: Ending::Exited(0), output: String::new() };
    for file in files {
        if deadline.spent() {
            reading.stopped();
            break;
        }
        let (command, finished) = start(file, &mut reading.findings)?;
        if files.len() == 1 {
            reading.command = command;
        }
        match finished.ending {
            Ending::TimedOut => reading.stopped(),
            Ending::Exited(0) => {}
            ending => reading.ending = ending,
        }
        super::cargo::append(&mut reading.output, &streams(&finished));
    }
    Ok(reading)
}

/// All files below the suite's folder but those of dependencies, relative to the root, in the order of their paths.
pub(super) fn files(session: &Session<'_>) -> impl Iterator<Item = String> {
    let foreign = ["vendor", "node_modules", ".git"];
    let walk = WalkBuilder::new(session.host_dir())
        .standard_filters(false)
        .sort_by_file_path(|a, b| a.cmp(b))
        .filter_entry(move |entry| !foreign.contains(&entry.file_name().to_string_lossy().as_ref()))
        .build();
    walk.flatten()
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .filter_map(|entry| Some(entry.path().strip_prefix(&session.tree.host).ok()?.to_string_lossy().into_owned()))
}
