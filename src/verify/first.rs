//! A repository without tests gets its first ones with the patch: what runs them is found, and set up, in the base tree
//! with those tests beside it and nothing else of the patch.

use super::Judge;
use super::cells::emptied;
use super::paths::{is_code, is_test_path};
use crate::error::Result;
use crate::runner::{Bench, detect, prepare};
use crate::workspace::{Change, Content, Patch};

/// Mode of a plain file in git.
const PLAIN: u32 = 0o100_644;

/// A bench for the patch's own tests; none where the base has suites, or the patch brings no test that can be run.
pub fn bench(judge: &Judge<'_>, patch: &Patch) -> Result<Option<Bench>> {
    let own = &judge.config.test.paths;
    let is_first = |path: &str| is_test_path(path, own) && is_code(path);
    let added = patch.files.iter().filter(|file| file.change == Change::Added && file.mode == PLAIN && is_first(&file.path));
    let added: Vec<&str> = added.map(|file| file.path.as_str()).collect();
    if !judge.bench.suites.is_empty() || added.is_empty() {
        return Ok(None);
    }
    let mut tests: Vec<(String, Content)> = Vec::new();
    for path in added {
        let bytes = judge.cache.blob(&patch.head_tree, path)?;
        tests.push((path.to_owned(), bytes.map(|bytes| (bytes, PLAIN))));
    }
    let tree = judge.cache.overlay(&patch.base_tree, &tests)?;
    let (host, folder) = (judge.folder.join("first"), judge.folder.join("first.deps"));
    emptied(&host)?;
    emptied(&folder)?;
    judge.cache.export(&tree, &host)?;
    let settings = &judge.config.test;
    let suites = detect(&host, settings, judge.sandbox)?;
    if suites.is_empty() {
        return Ok(None);
    }
    prepare(judge.sandbox, suites, &host, &folder, settings, judge.reporter, judge.cancel).map(Some)
}
