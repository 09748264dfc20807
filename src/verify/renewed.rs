//! Which files of a cell's tree must look newer than what the base tree built. Where a patch only changes code that the
//! compiler itself keeps account of, everything else keeps its time and need not be built again; where it cannot be
//! told who reads a file while something is built, all of them are new.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::docs::is_documentation;
use crate::error::{Kind, OrFail as _, Result};
use crate::task::TreeId;
use crate::workspace::{Change, Patch};

/// The paths of the patch, when everything else is built from the same files as before; none when that cannot be told.
pub fn paths(patch: &Patch) -> Option<BTreeSet<String>> {
    let accounted = |path: &str, change: &Change| match change {
        Change::Modified => path.ends_with(".rs") || path.ends_with(".snap") || is_documentation(path),
        // A file that comes or goes may be found by code that lists its folder while it is compiled, unless it is a test
        // program of its own.
        Change::Added | Change::Deleted => is_documentation(path) || path.ends_with(".rs") && is_test_program(path),
        _ => false,
    };
    let all = patch.files.iter().all(|file| accounted(&file.path, &file.change));
    all.then(|| patch.files.iter().map(|file| file.path.clone()).collect())
}

fn is_test_program(path: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(folder, _)| folder == "tests" || folder.ends_with("/tests"))
}

/// Notes which tree the build output of a folder was made of, and the time that its files have.
pub struct Stamp(PathBuf);

impl Stamp {
    /// The note of the baseline in this folder.
    pub fn of(folder: &Path) -> Stamp {
        Stamp(folder.join("baseline.stamp"))
    }

    /// The time of the files of this tree, when the output was made of it.
    pub fn time(&self, tree: &TreeId) -> Option<SystemTime> {
        let text = fs::read_to_string(&self.0).ok()?;
        let (id, nanos) = text.trim().split_once(' ')?;
        (id == tree.as_str()).then_some(SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos.parse().ok()?))
    }

    /// What is built from now on comes from this tree, whose files have this time.
    pub fn set(&self, tree: &TreeId, time: SystemTime) -> Result<()> {
        let nanos = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        fs::write(&self.0, format!("{} {nanos}\n", tree.as_str())).or_fail(Kind::Workspace, || format!("writing {}", self.0.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::CommitId;
    use crate::workspace::FileChange;

    fn patch(files: &[(&str, Change)]) -> Patch {
        let (base, tree): (CommitId, TreeId) = ("a".repeat(40).parse().unwrap(), "b".repeat(40).parse().unwrap());
        let one = |(path, change): &(&str, Change)| FileChange {
            path: (*path).into(),
            change: change.clone(),
            mode: 0o100_644,
            added: 1,
            removed: 1,
            binary: false,
        };
        Patch { base, base_tree: tree.clone(), head_tree: tree, files: files.iter().map(one).collect(), diff: Vec::new() }
    }

    #[test]
    fn only_what_the_compiler_accounts_for_keeps_the_rest_as_it_was() {
        let kept = |files: &[(&str, Change)]| paths(&patch(files)).map(|paths| paths.len());
        assert_eq!(kept(&[("src/a.rs", Change::Modified), ("CHANGELOG.md", Change::Modified), ("tests/b.rs", Change::Added)]), Some(3));
        for (path, change) in [
            ("src/new.rs", Change::Added),
            ("tests/cases/new.rs", Change::Added),
            ("src/a.rs", Change::Deleted),
            ("Cargo.toml", Change::Modified),
            ("migrations/1.sql", Change::Modified),
            ("src/b.rs", Change::Renamed("src/a.rs".into())),
        ] {
            assert_eq!(kept(&[("src/a.rs", Change::Modified), (path, change)]), None, "{path}");
        }
    }

    #[test]
    fn a_stamp_speaks_of_one_tree() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two): (TreeId, TreeId) = ("a".repeat(40).parse().unwrap(), "b".repeat(40).parse().unwrap());
        let (stamp, time) = (Stamp::of(folder.path()), SystemTime::now());
        assert_eq!(stamp.time(&one), None);
        stamp.set(&one, time).unwrap();
        assert_eq!((stamp.time(&one), stamp.time(&two)), (Some(time), None));
    }
}
