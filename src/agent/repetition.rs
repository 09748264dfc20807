//! Notices a model that goes in circles: the same call, the same result, the same files.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::task::TreeId;

/// From here on the model is told.
const TOLD_AT: u32 = 3;
/// Here it ends.
const ENDS_AT: u32 = 5;

/// What a repetition means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Circle {
    /// Nothing.
    None,
    /// The model should hear of it.
    Tell(u32),
    /// It does not help.
    End,
}

/// Counts what happened before.
#[derive(Default)]
pub(super) struct Repetition(HashMap<u64, u32>);

impl Repetition {
    /// Takes note of one call with the files as they are after it. Digits of the result do not count: times and addresses
    /// differ without meaning anything.
    pub(super) fn note(&mut self, call: &str, result: &str, tree: Option<&TreeId>) -> Circle {
        let mut hash = DefaultHasher::new();
        (call, tree.map(TreeId::as_str)).hash(&mut hash);
        result.chars().filter(|one| !one.is_ascii_digit()).for_each(|one| one.hash(&mut hash));
        let times = self.0.entry(hash.finish()).or_default();
        *times += 1;
        match *times {
            ENDS_AT.. => Circle::End,
            TOLD_AT.. => Circle::Tell(*times),
            _ => Circle::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_are_told_and_then_ended_but_progress_is_none() {
        let mut seen = Repetition::default();
        let one: TreeId = "1".repeat(40).parse().unwrap();
        let verdicts: Vec<Circle> = (0..5).map(|n| seen.note("test {}", &format!("1 failed in {n} s"), Some(&one))).collect();
        assert_eq!(verdicts, [Circle::None, Circle::None, Circle::Tell(3), Circle::Tell(4), Circle::End]);
        for digit in '2'..='9' {
            let tree = digit.to_string().repeat(40).parse().unwrap();
            assert_eq!(seen.note("test {}", "1 failed", Some(&tree)), Circle::None);
        }
    }
}
