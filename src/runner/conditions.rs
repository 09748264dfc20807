//! Under which conditions a run takes place: as the repository's own command has it, or with order, time zone, locale,
//! hash seed or parallelism changed, so that a test which depends on one of them shows it. What that says about the test
//! is `verify`'s work. Every run has a loopback of its own, so ports need no changing.

use std::collections::{BTreeMap, BTreeSet};

/// One thing that can be changed from run to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// In which order tests run.
    Order,
    /// The time zone.
    TimeZone,
    /// Language, sorting, encoding.
    Locale,
    /// The seed of hash tables.
    HashSeed,
    /// How many tests run at once.
    Parallelism,
}

impl Condition {
    /// All of them.
    pub const ALL: [Condition; 5] = [Condition::Order, Condition::TimeZone, Condition::Locale, Condition::HashSeed, Condition::Parallelism];

    /// In words, as in "depends on the time zone".
    pub const fn words(self) -> &'static str {
        match self {
            Condition::Order => "the order of tests",
            Condition::TimeZone => "the time zone",
            Condition::Locale => "the locale",
            Condition::HashSeed => "the hash seed",
            Condition::Parallelism => "parallelism",
        }
    }

    fn variables(self, turn: u8) -> &'static [(&'static str, &'static str)] {
        match (self, turn % 2) {
            // libtest heeds these where its JSON is on, RSpec and minitest by themselves.
            (Condition::Order, 0) => {
                &[("LOOM_ORDER", "reversed"), ("RUST_TEST_SHUFFLE_SEED", "7"), ("RUST_TEST_SHUFFLE", "1"), ("SEED", "7")]
            }
            (Condition::Order, _) => {
                &[("LOOM_ORDER", "reversed"), ("RUST_TEST_SHUFFLE_SEED", "11"), ("RUST_TEST_SHUFFLE", "1"), ("SEED", "11")]
            }
            // As far from everybody as there is, on both sides.
            (Condition::TimeZone, 0) => &[("TZ", "Pacific/Kiritimati")],
            (Condition::TimeZone, _) => &[("TZ", "America/St_Johns")],
            (Condition::Locale, 0) => &[("LC_ALL", "de_DE.UTF-8"), ("LANG", "de_DE.UTF-8")],
            (Condition::Locale, _) => &[("LC_ALL", "C"), ("LANG", "C")],
            (Condition::HashSeed, 0) => &[("PYTHONHASHSEED", "1"), ("PERL_HASH_SEED", "1")],
            (Condition::HashSeed, _) => &[("PYTHONHASHSEED", "2"), ("PERL_HASH_SEED", "2")],
            (Condition::Parallelism, 0) => &[("RUST_TEST_THREADS", "1"), ("NEXTEST_TEST_THREADS", "1"), ("GOMAXPROCS", "1")],
            (Condition::Parallelism, _) => &[("RUST_TEST_THREADS", "8"), ("NEXTEST_TEST_THREADS", "8"), ("GOMAXPROCS", "8")],
        }
    }

    /// What is set, for people.
    pub fn told(self, turn: u8) -> String {
        let set = |at: usize| self.variables(turn).get(at).map_or(String::new(), |(name, value)| format!("{name}={value}"));
        match self {
            Condition::Order => "in another order".to_owned(),
            Condition::Parallelism => if turn.is_multiple_of(2) { "one at a time" } else { "eight at once" }.to_owned(),
            Condition::TimeZone | Condition::Locale | Condition::HashSeed => set(0),
        }
    }
}

/// What is changed in one run; nothing when plain.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conditions {
    changed: BTreeSet<Condition>,
    turn: u8,
}

impl Conditions {
    /// As the repository's own command has it.
    pub fn plain() -> Conditions {
        Conditions::default()
    }

    /// With everything changed, to other values in each turn.
    pub fn varied(turn: u8) -> Conditions {
        Conditions { changed: Condition::ALL.into(), turn }
    }

    /// With one of the things changed that are changed here, to the same value.
    pub fn only(&self, condition: Condition) -> Conditions {
        Conditions { changed: self.changed.iter().copied().filter(|one| *one == condition).collect(), turn: self.turn }
    }

    /// Each of the changes by itself.
    pub fn each(&self) -> Vec<Conditions> {
        self.changed.iter().map(|one| self.only(*one)).collect()
    }

    /// Whether nothing is changed.
    pub fn is_plain(&self) -> bool {
        self.changed.is_empty()
    }

    /// Whether this is changed.
    pub(super) fn changes(&self, condition: Condition) -> bool {
        self.changed.contains(&condition)
    }

    /// The variables that children get.
    pub(super) fn variables(&self) -> BTreeMap<String, String> {
        let each = self.changed.iter().flat_map(|one| one.variables(self.turn));
        each.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// One of them in words; none when nothing is changed.
    pub fn told(&self) -> String {
        self.changed.iter().map(|one| one.told(self.turn)).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_differ_and_one_thing_can_be_looked_at_alone() {
        let (one, two) = (Conditions::varied(0), Conditions::varied(1));
        for condition in [Condition::TimeZone, Condition::Locale, Condition::HashSeed, Condition::Parallelism] {
            assert_ne!(one.only(condition).variables(), two.only(condition).variables(), "{condition:?}");
        }
        assert_eq!(one.only(Condition::TimeZone).variables(), [("TZ".to_owned(), "Pacific/Kiritimati".to_owned())].into());
        assert_eq!(one.only(Condition::TimeZone).told(), "TZ=Pacific/Kiritimati");
        assert!(Conditions::plain().variables().is_empty() && Conditions::plain().is_plain() && !one.is_plain());
    }
}
