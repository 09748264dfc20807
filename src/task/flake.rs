//! A test whose result differs from run to run, as the ledger of its repository has it: when it was seen, how often, and
//! how much of that still counts. Keeping the ledger is the queue's work, noticing flakes is the gate's.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// After so many days a sighting counts half.
const HALF_LIFE_DAYS: f64 = 30.0;
/// A flake that weighs less is forgotten: one sighting after about 100 days.
const FORGOTTEN: f64 = 0.1;

/// One test that was seen to pass and fail in the same tree under the same conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The command of its suite.
    pub suite: String,
    /// The test's id.
    pub test: String,
    /// Under which conditions it was seen, in words.
    pub condition: String,
}

/// A flaky test of a repository's ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flake {
    /// What was seen.
    #[serde(flatten)]
    pub seen: Sighting,
    /// How often.
    pub times: u32,
    /// The first time.
    pub first: Timestamp,
    /// The last time.
    pub last: Timestamp,
    /// What all sightings together weighed then; each new one weighs 1.
    pub weight: f64,
}

impl Flake {
    /// The first sighting of it.
    pub fn new(seen: Sighting, now: Timestamp) -> Flake {
        Flake { seen, times: 1, first: now, last: now, weight: 1.0 }
    }

    /// The same, seen once more.
    pub fn again(self, now: Timestamp) -> Flake {
        let weight = self.weight_at(now) + 1.0;
        Flake { times: self.times.saturating_add(1), last: now.max(self.last), weight, ..self }
    }

    /// What its sightings weigh now; a clock that was turned back makes nothing heavier.
    pub fn weight_at(&self, now: Timestamp) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "seconds of some years")]
        let days = now.duration_since(self.last).as_secs().max(0) as f64 / 86_400.0;
        self.weight * (-days / HALF_LIFE_DAYS).exp2()
    }

    /// Whether it was last seen so long ago that it counts no more.
    pub fn is_forgotten(&self, now: Timestamp) -> bool {
        self.weight_at(now) < FORGOTTEN
    }
}

/// Under which name the ledger of a repository is kept: `owner/repo` for an address, whoever serves it and by whatever
/// protocol; the path for a folder.
pub fn ledger_name(url: &str) -> String {
    let address = url.split_once("://").filter(|(scheme, _)| *scheme != "file").map(|(_, rest)| rest);
    let by_ssh = || url.split_once(':').filter(|(host, _)| host.contains('@') && !host.contains('/')).map(|(_, path)| path);
    let path = match address {
        Some(rest) => rest.split_once('/').map_or(rest, |(_, path)| path),
        None => match by_ssh() {
            Some(path) => path,
            None => return url.strip_prefix("file://").unwrap_or(url).trim_end_matches('/').to_owned(),
        },
    };
    path.trim_matches('/').trim_end_matches(".git").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(days: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + days * 86_400).unwrap()
    }

    #[test]
    fn sightings_fade_and_are_forgotten() {
        let seen = Sighting { suite: "pytest".into(), test: "t.py::a".into(), condition: "from run to run".into() };
        let flake = Flake::new(seen, at(0));
        assert!((flake.weight_at(at(30)) - 0.5).abs() < 1e-9);
        assert!((flake.weight_at(at(-5)) - 1.0).abs() < 1e-9, "a clock turned back makes nothing heavier");
        assert!(!flake.is_forgotten(at(99)) && flake.is_forgotten(at(100)));
        let again = flake.again(at(30));
        assert_eq!((again.times, again.first, again.last), (2, at(0), at(30)));
        assert!((again.weight - 1.5).abs() < 1e-9);
        assert!(!again.is_forgotten(at(140)) && again.is_forgotten(at(30 + 118)));
    }

    #[test]
    fn one_repository_has_one_ledger() {
        for url in ["https://github.com/Acme/Widget", "https://github.com/acme/widget.git", "git@github.com:acme/widget.git"] {
            assert_eq!(ledger_name(url), "acme/widget");
        }
        assert_eq!(ledger_name("/srv/widget/"), "/srv/widget");
        assert_eq!(ledger_name("file:///srv/widget"), "/srv/widget");
    }
}
