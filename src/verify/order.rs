//! The test files of a repository in the order in which they are worth their time: those of the patch, those of the
//! packages that it changes, then of what depends on them, then all others; within that, those that name what changed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::items::items;
use super::packages::{APART, Packages};
use super::paths::{is_support, is_test_path};
use super::red::Known;
use super::split::{Side, Split};
use super::syntax::Language;
use crate::error::Result;
use crate::runner::Suite;
use crate::task::TreeId;
use crate::workspace::Cache;

/// One test file of one suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The suite that runs it.
    pub suite: usize,
    /// The file.
    pub path: String,
    /// How many test functions it has; one where they cannot be counted.
    pub tests: u64,
    /// How near it is to the patch.
    pub rank: Rank,
}

/// Nearer is less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// The patch does not touch it.
    elsewhere: bool,
    /// Distance of its package.
    distance: usize,
    /// It names what changed.
    names_it: Reverse<bool>,
}

impl Unit {
    /// Whether the patch touches it.
    pub fn is_touched(&self) -> bool {
        !self.rank.elsewhere
    }

    /// Whether the patch reaches it: by its package, or through what that needs.
    pub fn is_reached(&self) -> bool {
        self.rank.distance != APART
    }
}

/// Every test file of the tree, nearest first.
pub fn units(cache: &Cache, tree: &TreeId, suites: &[Suite], split: &Split, known: &Known, own_folders: &[String]) -> Result<Vec<Unit>> {
    let paths = cache.paths(tree)?;
    let text = |path: &str| cache.blob(tree, path).ok().flatten().and_then(|bytes| String::from_utf8(bytes).ok());
    let packages = Packages::read(&paths, text);
    let distances = packages.distances(split.files.iter().filter(|file| file.side != Side::Support).map(|file| file.path.as_str()));
    let words = words(split, known);
    let touched: BTreeSet<&str> = split.test_side().map(|file| file.path.as_str()).collect();
    let mut units = Vec::new();
    for path in &paths {
        let own = touched.contains(path.as_str());
        let is_code = super::paths::is_code(path);
        let may_hold = path.ends_with(".rs") || is_test_path(path, own_folders) && !is_support(path);
        let Some(suite) = suite_of(path, suites).filter(|_| is_code && may_hold) else { continue };
        let text = text(path).unwrap_or_default();
        let tests = match Language::of(path) {
            Some(_) => items(path, &text).iter().filter(|item| !item.group).count() as u64,
            None => 1,
        };
        if tests > 0 || own {
            let distance = distances.get(packages.folder_of(path)).copied().unwrap_or(APART);
            let names_it = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| words.contains(word));
            units.push(Unit { suite, path: path.clone(), tests, rank: Rank { elsewhere: !own, distance, names_it: Reverse(names_it) } });
        }
    }
    let mut units = as_they_run(units, &packages);
    units.sort_by(|one, two| (one.rank, one.suite, &one.path).cmp(&(two.rank, two.suite, &two.path)));
    Ok(units)
}

/// The unit tests of a Rust package are one program, whatever file they are in.
fn as_they_run(units: Vec<Unit>, packages: &Packages) -> Vec<Unit> {
    let mut merged: Vec<Unit> = Vec::new();
    let mut programs: BTreeMap<(usize, String), usize> = BTreeMap::new();
    for unit in units {
        let folder = packages.folder_of(&unit.path);
        let inner = unit.path.strip_prefix(folder).unwrap_or(&unit.path).trim_start_matches('/');
        if !(inner.starts_with("src/") && inner.ends_with(".rs")) {
            merged.push(unit);
            continue;
        }
        match programs.get(&(unit.suite, folder.to_owned())) {
            Some(at) => {
                merged[*at].tests += unit.tests;
                merged[*at].rank = merged[*at].rank.min(unit.rank);
            }
            None => {
                programs.insert((unit.suite, folder.to_owned()), merged.len());
                merged.push(unit);
            }
        }
    }
    merged
}

/// The suite whose folder holds a file, the deepest one.
fn suite_of(path: &str, suites: &[Suite]) -> Option<usize> {
    let all = suites.iter().enumerate().filter(|(_, suite)| suite.takes(path) && suite.holds(path));
    all.max_by_key(|(at, suite)| (suite.dir.len(), Reverse(*at))).map(|(at, _)| at)
}

/// Words by which a test file speaks of what the patch changes.
fn words(split: &Split, known: &Known) -> BTreeSet<String> {
    let stem = |path: &str| path.rsplit('/').next().and_then(|name| name.split('.').next()).unwrap_or_default().to_owned();
    let stems = split.source_side().map(|file| stem(&file.path));
    let stems = stems.filter(|stem| !matches!(stem.as_str(), "" | "mod" | "lib" | "main" | "index" | "__init__" | "__main__"));
    stems.chain(known.added.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_tests_of_a_package_run_as_one() {
        let rank = |elsewhere| Rank { elsewhere, distance: 0, names_it: Reverse(false) };
        let unit = |path: &str, elsewhere| Unit { suite: 0, path: path.into(), tests: 2, rank: rank(elsewhere) };
        let packages = Packages::read(&["a/Cargo.toml".into()], |_| Some("[package]\nname = \"a\"".into()));
        let units = as_they_run(vec![unit("a/src/x.rs", true), unit("a/src/y.rs", false), unit("a/tests/z.rs", true)], &packages);
        assert_eq!(units, [Unit { tests: 4, ..unit("a/src/x.rs", false) }, unit("a/tests/z.rs", true)]);
    }

    #[test]
    fn the_patchs_own_then_what_it_reaches_then_the_rest() {
        let rank = |elsewhere, distance, names_it| Rank { elsewhere, distance, names_it: Reverse(names_it) };
        let mut ranks = [rank(true, APART, true), rank(true, 1, false), rank(false, 0, false), rank(true, 0, false), rank(true, 0, true)];
        ranks.sort();
        assert_eq!(
            ranks,
            [rank(false, 0, false), rank(true, 0, true), rank(true, 0, false), rank(true, 1, false), rank(true, APART, true)]
        );
    }
}
