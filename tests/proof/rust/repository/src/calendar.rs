//! Which hours are taken.

use std::collections::BTreeMap;

/// The bookings of one room.
#[derive(Debug, Default)]
pub struct Calendar {
    taken: BTreeMap<u32, (u32, String)>,
}

impl Calendar {
    /// Books from `start` to `end`, both in minutes of the day; false when that is taken.
    pub fn book(&mut self, start: u32, end: u32, who: &str) -> bool {
        if self.is_taken(start, end) {
            return false;
        }
        self.taken.insert(start, (end, who.to_owned()));
        true
    }

    /// Whether any booking meets this span.
    pub fn is_taken(&self, start: u32, end: u32) -> bool {
        self.taken.iter().any(|(from, (to, _))| *from <= end && start < *to)
    }

    /// Who has the room at a minute.
    pub fn at(&self, minute: u32) -> Option<&str> {
        self.taken.iter().find(|(from, (to, _))| **from <= minute && minute < *to).map(|(_, (_, who))| who.as_str())
    }

    /// Ends all bookings of a person.
    pub fn cancel(&mut self, who: &str) -> usize {
        let before = self.taken.len();
        self.taken.retain(|_, (_, name)| name != who);
        before - self.taken.len()
    }
}
