//! The ledger of flaky tests around a proof: what is known goes in as a value, what was seen on the base tree is noted
//! afterwards. The gate itself knows no file.

use std::path::Path;

use crate::config::Locations;
use crate::error::Result;
use crate::queue::Queue;
use crate::task::{Flake, Sighting, ledger_name};
use crate::verify::{FlakySeen, Verdict};

/// Under which name the ledger of a repository is kept, however people name it: a folder by the root of its work tree,
/// anything else by what it addresses.
pub fn ledger_of(repository: &str) -> String {
    let Some(path) = Path::new(repository).canonicalize().ok().filter(|path| path.is_dir()) else { return ledger_name(repository) };
    let root = path.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&path);
    root.display().to_string()
}

/// The flaky tests of the repository at this address that still count.
pub fn known(locations: &Locations, url: &str) -> Result<Vec<Flake>> {
    let queue = Queue::open_existing(&locations.queue)?;
    Ok(queue.map(|queue| queue.flakes(&ledger_of(url))).transpose()?.unwrap_or_default())
}

/// Notes what a proof saw on the base tree. What was seen with the patch alone is left out: a patch could make any test
/// flaky, and so have it forgiven ever after.
pub fn note(locations: &Locations, url: &str, verdict: &Verdict) -> Result<()> {
    let own = verdict.evidence.flaky.iter().filter(|one| one.seen == FlakySeen::Base);
    let sighting =
        |test: &str, suite: &str, condition: &str| Sighting { suite: suite.into(), test: test.into(), condition: condition.into() };
    let sightings: Vec<Sighting> = own.map(|one| sighting(one.test.as_str(), &one.suite, &one.condition)).collect();
    if sightings.is_empty() { Ok(()) } else { Queue::open(&locations.queue)?.saw_flakes(&ledger_of(url), &sightings) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_named_by_the_root_of_its_work_tree() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("src");
        std::fs::create_dir_all(folder.path().join(".git")).unwrap();
        std::fs::create_dir_all(&inner).unwrap();
        assert_eq!(ledger_of(inner.to_str().unwrap()), folder.path().canonicalize().unwrap().display().to_string());
        assert_eq!(ledger_of("https://github.com/acme/widget"), "acme/widget");
    }
}
