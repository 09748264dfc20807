//! How much of turns, tokens and time is used: at four fifths the model is told, at the whole it ends.

use std::time::{Duration, Instant};

use crate::config::AgentSettings;
use crate::model::Answer;

/// The limits of a round and what is used of them.
pub(super) struct Limits {
    turns: u32,
    max_turns: u32,
    tokens: u64,
    max_tokens: u64,
    began: Instant,
    /// Time used before this process, in milliseconds.
    before_ms: u64,
    timeout: Duration,
}

impl Limits {
    /// Nothing used yet but the time of earlier attempts.
    pub(super) fn new(settings: &AgentSettings, before_ms: u64) -> Limits {
        Limits {
            turns: 0,
            max_turns: settings.max_turns,
            tokens: 0,
            max_tokens: settings.max_tokens,
            began: Instant::now(),
            before_ms,
            timeout: settings.timeout.duration(),
        }
    }

    /// Turns are counted anew in each round.
    pub(super) fn new_round(&mut self) {
        self.turns = 0;
    }

    /// Counts an answer; where the provider told no usage, `request_bytes` stand for the prompt.
    pub(super) fn count(&mut self, answer: &Answer, request_bytes: usize) {
        self.turns += 1;
        let told = answer.usage.total();
        self.tokens += if told > 0 { told } else { request_bytes as u64 / 4 };
    }

    /// Turns of this round.
    pub(super) fn turns(&self) -> u32 {
        self.turns
    }

    /// When the time is over.
    pub(super) fn deadline(&self) -> Instant {
        let left = self.timeout.saturating_sub(Duration::from_millis(self.before_ms));
        self.began + left
    }

    /// Time left.
    pub(super) fn left(&self) -> Duration {
        self.deadline().saturating_duration_since(Instant::now())
    }

    /// The limit that is reached.
    pub(super) fn reached(&self) -> Option<&'static str> {
        self.shares().into_iter().find(|(_, share)| *share >= 1.0).map(|(name, _)| name)
    }

    /// The limit that is nearly reached, and the share that is used.
    pub(super) fn near(&self) -> Option<(&'static str, f64)> {
        self.shares().into_iter().find(|(_, share)| *share >= 0.8)
    }

    fn shares(&self) -> [(&'static str, f64); 3] {
        let used = Duration::from_millis(self.before_ms) + self.began.elapsed();
        [
            ("turns", f64::from(self.turns) / f64::from(self.max_turns.max(1))),
            ("tokens", self.tokens as f64 / self.max_tokens.max(1) as f64),
            ("time", used.as_secs_f64() / self.timeout.as_secs_f64().max(0.001)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Message, Role, Stop};
    use crate::task::Usage;

    fn answer(tokens: u64) -> Answer {
        let usage = Usage { requests: 1, input_tokens: tokens, ..Usage::default() };
        Answer { message: Message { role: Role::Assistant, blocks: Vec::new() }, stop: Stop::End, usage }
    }

    #[test]
    fn each_limit_is_told_before_it_is_reached() {
        let settings = AgentSettings { max_turns: 10, max_tokens: 1_000, timeout: "1h".parse().unwrap(), ..AgentSettings::default() };
        let mut limits = Limits::new(&settings, 0);
        limits.count(&answer(790), 0);
        assert_eq!((limits.near(), limits.reached()), (None, None));
        limits.count(&answer(10), 0);
        assert_eq!(limits.near().map(|(name, _)| name), Some("tokens"));
        // a provider that tells no usage: the prompt's bytes stand for it
        limits.count(&answer(0), 800);
        assert_eq!(limits.reached(), Some("tokens"));
        let mut limits = Limits::new(&settings, 0);
        (0..8).for_each(|_| limits.count(&answer(1), 0));
        assert_eq!(limits.near().map(|(name, _)| name), Some("turns"));
        limits.new_round();
        assert_eq!(limits.near(), None);
    }

    #[test]
    fn time_of_earlier_attempts_counts() {
        let settings = AgentSettings { timeout: "1h".parse().unwrap(), ..AgentSettings::default() };
        assert_eq!(Limits::new(&settings, 50 * 60_000).near().map(|(name, _)| name), Some("time"));
        let spent = Limits::new(&settings, 61 * 60_000);
        assert_eq!((spent.reached(), spent.left()), (Some("time"), Duration::ZERO));
    }
}
