//! The ledger of flaky tests around a proof: what is known goes in as a value, what was seen on the base tree is noted
//! afterwards. The gate itself knows no file.

use crate::config::Locations;
use crate::error::Result;
use crate::queue::Queue;
use crate::task::{Flake, Sighting, ledger_name};
use crate::verify::{FlakySeen, Verdict};

/// The flaky tests of the repository at this address that still count.
pub fn known(locations: &Locations, url: &str) -> Result<Vec<Flake>> {
    let queue = Queue::open_existing(&locations.queue)?;
    Ok(queue.map(|queue| queue.flakes(&ledger_name(url))).transpose()?.unwrap_or_default())
}

/// Notes what a proof saw on the base tree. What was seen with the patch alone is left out: a patch could make any test
/// flaky, and so have it forgiven ever after.
pub fn note(locations: &Locations, url: &str, verdict: &Verdict) -> Result<()> {
    let own = verdict.evidence.flaky.iter().filter(|one| one.seen == FlakySeen::Base);
    let sighting = |test: &str, suite: &str, condition: &str| Sighting { suite: suite.into(), test: test.into(), condition: condition.into() };
    let sightings: Vec<Sighting> = own.map(|one| sighting(one.test.as_str(), &one.suite, &one.condition)).collect();
    if sightings.is_empty() { Ok(()) } else { Queue::open(&locations.queue)?.saw_flakes(&ledger_name(url), &sightings) }
}
