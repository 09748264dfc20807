//! In which languages the tests of a suite may be written, beyond those that are read: what is in no such language is
//! data to them, whatever else it may be. Pure.

use std::collections::BTreeSet;

use super::shell;
use crate::runner::Program;
use crate::verify::split::Sided;
use crate::verify::syntax::{Language, tokens};

/// Of all suites together.
#[derive(Debug, Default)]
pub struct Tongues {
    /// Any command may run any program.
    any: bool,
    /// Scripts of shells.
    shells: bool,
    endings: BTreeSet<&'static str>,
}

impl Tongues {
    /// Of one suite; `files` are where its runner found its tests, as far as it tells.
    pub fn add<'r>(&mut self, program: Program, mut files: impl Iterator<Item = Option<&'r str>>) {
        match program {
            Program::Tap | Program::Junit => self.any |= files.any(|file| file.and_then(Language::of).is_none()),
            Program::Prove => self.shells = true,
            Program::Maven | Program::Gradle => self.endings.extend(["kt", "kts", "groovy", "scala", "clj"]),
            Program::Mocha | Program::Jest | Program::Vitest | Program::Ava => self.endings.extend(["coffee", "ls"]),
            Program::Phpunit => self.endings.extend(["phpt"]),
            Program::Cargo
            | Program::Nextest
            | Program::Pytest
            | Program::Unittest
            | Program::NodeTest
            | Program::Go
            | Program::Rspec
            | Program::Minitest => {}
        }
    }

    /// Whether a test file that is not read may hold tests, or what tests are made of.
    pub fn may_be_in(&self, file: &Sided) -> bool {
        let Some(text) = file.base.as_deref().or(file.head.as_deref()) else { return false };
        let ending = file.path.rsplit_once('.').map_or("", |(_, ending)| ending);
        match Language::of(&file.path) {
            // Perl's tests share their ending with those of shells.
            Some(language) if language.is_plain() => shell::is_script(&file.path, text) || tokens(language, text).is_none(),
            Some(_) => false,
            None => self.any || self.shells && shell::is_script(&file.path, text) || self.endings.contains(ending),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::split::Side;

    #[test]
    fn a_suite_tells_what_its_tests_may_be_written_in() {
        let may = |program: Program, found: Option<&str>, path: &str, text: &str| {
            let mut tongues = Tongues::default();
            tongues.add(program, [found].into_iter());
            tongues.may_be_in(&Sided::for_trial(path, Side::Test, Some(text), None))
        };
        assert!(may(Program::Tap, None, "tests/a.test", "") && may(Program::Junit, Some("a.c"), "tests/b.h", ""));
        assert!(!may(Program::Tap, Some("test/a.js"), "test/page.vue", ""), "tape runs files that are read");
        assert!(may(Program::Gradle, None, "src/test/kotlin/A.kt", "") && !may(Program::Gradle, None, "src/test/a.vm", ""));
        assert!(may(Program::Prove, None, "t/lib.sh", "") && !may(Program::Pytest, None, "tests/lib.sh", ""));
        assert!(may(Program::Prove, None, "t/a.t", "#!/bin/sh\n") && !may(Program::Prove, None, "t/a.t", "use strict;\n"));
        assert!(may(Program::Minitest, None, "test/test_a.rb", "def a\n"), "it cannot be read");
    }
}
