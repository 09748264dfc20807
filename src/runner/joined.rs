//! Reports of parts of one suite, put together as if they had been one run.

use std::collections::{BTreeMap, BTreeSet};

use super::{Report, TestId};
use crate::sandbox::Ending;

/// Most of the printed text that is kept of all parts together.
const OUTPUT: usize = 64 << 10;

impl Report {
    /// Of a run that did not take place.
    pub fn nothing(command: &str) -> Report {
        Report {
            command: command.to_owned(),
            cases: BTreeMap::new(),
            troubles: Vec::new(),
            ending: Ending::Exited(0),
            elapsed_ms: 0,
            output: String::new(),
            loaded: BTreeMap::new(),
        }
    }

    /// Of this report what belongs to a part that was run in another tree: the tests of these files, and of whatever else
    /// that part reports on.
    pub fn about(&self, files: &[String], part: &Report) -> Report {
        let inner = |id: &TestId| id.as_str().split_once("::").is_some_and(|(_, rest)| rest.starts_with("doctest"));
        let bound: BTreeSet<(&str, bool)> = part.cases.keys().map(|id| (id.file(), inner(id))).collect();
        let mut about = self.clone();
        about.cases.retain(|id, case| {
            let file = case.file.as_deref().unwrap_or(id.file());
            part.cases.contains_key(id) || files.iter().any(|one| one == file) || bound.contains(&(id.file(), inner(id)))
        });
        about
    }

    /// Adds what another part said; where both name a test, the later one counts.
    pub fn join(&mut self, part: Report) {
        self.cases.extend(part.cases);
        for trouble in part.troubles {
            if !self.troubles.contains(&trouble) {
                self.troubles.push(trouble);
            }
        }
        if self.ending == Ending::Exited(0) {
            self.ending = part.ending;
        }
        self.elapsed_ms += part.elapsed_ms;
        self.loaded.extend(part.loaded);
        if self.output.len() < OUTPUT {
            self.output.push_str(&part.output);
            let end = self.output.floor_char_boundary(OUTPUT);
            self.output.truncate(end);
        }
    }
}
