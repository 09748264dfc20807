//! Which new files belong to the work and which are by-products.
//!
//! The rule: a file of the base tree always belongs. A new one is left out when the `.gitignore` files **of the base
//! tree** ignore it and the present ones ignore it too: so the agent hides nothing by adding a pattern, and a fix of
//! a pattern that was too wide brings its files in. Folders that tools make (`node_modules`, `__pycache__`, a virtual
//! environment, a build folder with a cache tag) are left out in any case when base has nothing in them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::cache::{Cache, Leaf};
use super::export::{EXECUTABLE, FILE};
use crate::error::{Kind, OrFail, Result};

/// `.gitignore` files by the folder they stand in.
#[derive(Debug, Default)]
pub(super) struct Rules {
    folders: BTreeMap<Vec<u8>, Gitignore>,
}

impl Rules {
    /// The rules that a tree carries.
    pub fn of_tree(cache: &Cache, leaves: &[Leaf]) -> Result<Rules> {
        let repository = cache.repository()?;
        let mut rules = Rules::default();
        for leaf in leaves.iter().filter(|leaf| matches!(leaf.mode, FILE | EXECUTABLE)) {
            if let Some(folder) = ruled_folder(&leaf.path) {
                let blob = repository.find_blob(leaf.id).or_fail(Kind::Workspace, || "reading a .gitignore")?;
                rules.add(folder, blob.content());
            }
        }
        Ok(rules)
    }

    /// Takes in one file; lines that are no pattern are passed over, as git does.
    pub fn add(&mut self, folder: &[u8], text: &[u8]) {
        let mut builder = GitignoreBuilder::new(Path::new("."));
        for line in String::from_utf8_lossy(text).lines() {
            let _ = builder.add_line(None, line);
        }
        if let Ok(matcher) = builder.build() {
            self.folders.insert(folder.to_vec(), matcher);
        }
    }

    /// Whether this path is ignored, its own folders not being so. The file nearest to it decides.
    pub fn ignores(&self, path: &[u8], folder: bool) -> bool {
        let mut end = path.len();
        loop {
            end = path[..end].iter().rposition(|b| *b == b'/').unwrap_or(0);
            if let Some(matcher) = self.folders.get(&path[..end]) {
                let below = if end == 0 { path } else { &path[end + 1..] };
                match matcher.matched(Path::new(OsStr::from_bytes(below)), folder) {
                    Match::Ignore(_) => return true,
                    Match::Whitelist(_) => return false,
                    Match::None => {}
                }
            }
            if end == 0 {
                return false;
            }
        }
    }
}

/// The folder a `.gitignore` rules; none for other files.
pub(super) fn ruled_folder(path: &[u8]) -> Option<&[u8]> {
    if path == b".gitignore" {
        return Some(b"");
    }
    path.strip_suffix(b"/.gitignore")
}

/// Folders that tools make; nobody writes them by hand.
pub(super) fn is_by_product(name: &[u8]) -> bool {
    let exact: [&[u8]; 12] = [
        b"node_modules",
        b"__pycache__",
        b".pytest_cache",
        b".mypy_cache",
        b".ruff_cache",
        b".tox",
        b".nox",
        b".venv",
        b".gradle",
        b".hypothesis",
        b".nyc_output",
        b".eggs",
    ];
    exact.contains(&name) || name.ends_with(b".egg-info")
}

/// Files in a folder that mark it as a tool's own.
pub(super) const MARKS: [&str; 2] = ["CACHEDIR.TAG", "pyvenv.cfg"];

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(files: &[(&str, &str)]) -> Rules {
        let mut rules = Rules::default();
        for (folder, text) in files {
            rules.add(folder.as_bytes(), text.as_bytes());
        }
        rules
    }

    #[test]
    fn the_nearest_file_decides() {
        let rules = rules(&[("", "*.log\n/build/\n"), ("docs", "!keep.log\n")]);
        assert!(rules.ignores(b"a/b.log", false));
        assert!(rules.ignores(b"docs/x.log", false));
        assert!(!rules.ignores(b"docs/keep.log", false));
        assert!(rules.ignores(b"build", true));
        assert!(!rules.ignores(b"build", false));
        assert!(!rules.ignores(b"src/build", true));
    }

    #[test]
    fn patterns_of_a_folder_hold_below_it_only() {
        let rules = rules(&[("sub", "/x\ny/z\n")]);
        assert!(rules.ignores(b"sub/x", false));
        assert!(!rules.ignores(b"x", false));
        assert!(rules.ignores(b"sub/y/z", false));
        assert!(!rules.ignores(b"sub/deep/x", false));
    }

    #[test]
    fn nonsense_patterns_and_odd_bytes_do_no_harm() {
        let mut rules = rules(&[("", "[\n***\n\\\n*.tmp\n")]);
        rules.add(b"odd", b"\xff\xfe\n*.o\n");
        assert!(rules.ignores(b"a.tmp", false));
        assert!(rules.ignores(b"odd/\xff.o", false));
    }
}
