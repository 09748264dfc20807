//! Whether the runs judged the sources they were to judge: loaded from their own tree, and not rewritten there.

use super::Trial;
use crate::error::Result;
use crate::verify::facts::some_of;
use crate::verify::paths::is_test_path;
use crate::verify::split::Side;
use crate::verify::syntax::Language;
use crate::verify::{Cell, remarks};

impl Trial<'_> {
    /// A run that loaded other sources, or rewrote the files it is to judge, has judged others.
    pub(super) fn own_sources(&mut self) -> Result<()> {
        self.loaded_sources();
        let code = self.split.files.iter().filter(|file| file.side != Side::Support && Language::of(&file.path).is_some());
        let paths: Vec<&str> = code.map(|file| file.path.as_str()).collect();
        for cell in [Cell::MustPass, Cell::MustFail] {
            let changed = self.cells.rewritten(cell.as_str(), paths.iter().copied())?;
            if !changed.is_empty() {
                self.facts.unknowable = Some(format!(
                    "the {} run rewrote {} in its own tree, so its results may not be those of the patch",
                    cell.as_str(),
                    some_of(changed.iter().map(String::as_str))
                ));
            }
        }
        Ok(())
    }

    /// A run that loaded another installation of what the patch changes has judged that one.
    fn loaded_sources(&mut self) {
        let sources: Vec<&str> = self.split.source_side().map(|file| file.path.as_str()).collect();
        let own = &self.judge.config.test.paths;
        let beside = |file: &str| {
            file.ends_with(".py") && is_test_path(file, own) && !self.known.source_paths.contains(file) && !sources.contains(&file)
        };
        match remarks::loaded(&self.runs, &sources, beside) {
            Ok(notes) => self.notes.extend(notes),
            Err(cause) => self.facts.unknowable = Some(cause),
        }
    }
}
