//! How long to wait and when to give up. Owns the clock, the budget and the jitter; which answer deserves
//! another try is told apart by who asked.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::error::{Failure, Kind, Result};
use crate::sandbox::Cancel;

/// The first try is repeated after up to this long, the next after up to twice as long, and so on.
const FIRST: Duration = Duration::from_millis(500);
/// No wait that loom chose itself is longer than this.
const LONGEST: Duration = Duration::from_secs(30);
/// A wait looks for a cancellation this often.
const STEP: Duration = Duration::from_millis(100);

/// Time as the retries see it, so that tests need not wait.
pub(super) trait Clock: Send + Sync {
    /// For spans.
    fn now(&self) -> Instant;
    /// For deadlines that a server names.
    fn wall(&self) -> Timestamp;
    /// Lets time pass.
    fn sleep(&self, span: Duration);
}

/// The machine's clock.
pub(super) struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, span: Duration) {
        std::thread::sleep(span);
    }
}

/// Why a try has to be repeated.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It may go away by itself.
    Transient(anyhow::Error),
    /// The server asks for a pause of this length.
    Limited {
        /// From now.
        pause: Duration,
        /// The server's words.
        says: String,
    },
}

/// The patience loom has with a forge.
pub(super) struct Patience {
    budget: Duration,
    clock: Box<dyn Clock>,
    cancel: Cancel,
}

/// The tries of one call.
pub(super) struct Tries {
    began: Instant,
    failed: u32,
}

impl Patience {
    /// All tries of one call together take no longer than `budget`.
    pub(super) fn new(budget: Duration, clock: Box<dyn Clock>, cancel: &Cancel) -> Patience {
        Patience { budget, clock, cancel: cancel.clone() }
    }

    /// The first try begins.
    pub(super) fn begin(&self) -> Tries {
        Tries { began: self.clock.now(), failed: 0 }
    }

    /// Time as this patience sees it.
    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Waits before the next try, at least `least`; fails when the budget does not allow one.
    pub(super) fn wait(&self, tries: &mut Tries, trouble: Trouble, least: Duration) -> Result<()> {
        tries.failed += 1;
        let spent = self.clock.now().saturating_duration_since(tries.began);
        let left = self.budget.saturating_sub(spent);
        let pause = match &trouble {
            // The last try comes when the budget ends, not before.
            Trouble::Transient(_) if left > Duration::ZERO => jitter(tries.failed).max(least).min(left),
            Trouble::Transient(_) => return Err(self.spent(tries, trouble, spent)),
            // A little on top: the clocks of two machines differ, and a limit asked for too early grows.
            Trouble::Limited { pause, .. } => *pause + jitter(1).max(least),
        };
        if pause > left {
            return Err(self.spent(tries, trouble, spent));
        }
        self.pause(pause)
    }

    /// Waits so long, or until somebody cancels.
    pub(super) fn pause(&self, span: Duration) -> Result<()> {
        let began = self.clock.now();
        loop {
            self.cancel.check()?;
            let passed = self.clock.now().saturating_duration_since(began);
            match span.checked_sub(passed) {
                Some(left) if !left.is_zero() => self.clock.sleep(left.min(STEP)),
                _ => return Ok(()),
            }
        }
    }

    fn spent(&self, tries: &Tries, trouble: Trouble, spent: Duration) -> Failure {
        match trouble {
            Trouble::Limited { pause, says } => {
                let back = self.clock.wall().saturating_add(pause).unwrap_or(Timestamp::MAX);
                let back = back.strftime("%Y-%m-%d %H:%M:%S UTC");
                Failure::new(Kind::Forge, says)
                    .context(format_args!("GitHub asks to come back at {back}, in {}", people(pause)))
                    .hint(format!("run again after {back}"))
                    .hint(format!("or raise github.retry_budget, now {}, and loom waits for it", people(self.budget)))
            }
            Trouble::Transient(cause) => Failure { kind: Kind::Forge, cause, hints: Vec::new() }
                .context(format_args!("gave up after {} tries in {}", tries.failed, people(spent)))
                .hint("check the network and the server (https://www.githubstatus.com), then run again: loom continues where it stopped")
                .hint(format!("or raise github.retry_budget, now {}", people(self.budget))),
        }
    }
}

/// Full jitter: anything up to the doubled bound, so that many clients do not come back at once.
fn jitter(failed: u32) -> Duration {
    let bound = FIRST.saturating_mul(1 << failed.saturating_sub(1).min(10)).min(LONGEST);
    bound.mul_f64(fastrand::f64())
}

fn people(span: Duration) -> String {
    match span.as_secs() {
        0 => format!("{} ms", span.as_millis()),
        seconds @ 1..=119 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A clock that never waits and remembers what it was asked for.
    #[derive(Clone)]
    pub(in crate::forge) struct FastClock {
        start: Instant,
        passed: Arc<Mutex<Duration>>,
    }

    impl FastClock {
        pub(in crate::forge) fn new() -> FastClock {
            FastClock { start: Instant::now(), passed: Arc::default() }
        }

        pub(in crate::forge) fn passed(&self) -> Duration {
            *self.passed.lock().unwrap()
        }
    }

    impl Clock for FastClock {
        fn now(&self) -> Instant {
            self.start + self.passed()
        }

        fn wall(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH + self.passed()
        }

        fn sleep(&self, span: Duration) {
            *self.passed.lock().unwrap() += span;
        }
    }

    fn patience(seconds: u64) -> (Patience, FastClock) {
        let clock = FastClock::new();
        (Patience::new(Duration::from_secs(seconds), Box::new(clock.clone()), &Cancel::default()), clock)
    }

    fn broken() -> Trouble {
        Trouble::Transient(anyhow::anyhow!("GitHub answered 502"))
    }

    fn limited(seconds: u64) -> Trouble {
        Trouble::Limited { pause: Duration::from_secs(seconds), says: "secondary rate limit".into() }
    }

    #[test]
    fn tries_end_with_the_budget() {
        let (patience, clock) = patience(60);
        let mut tries = patience.begin();
        let failure = (0..1000).find_map(|_| patience.wait(&mut tries, broken(), Duration::ZERO).err()).unwrap();
        assert!(clock.passed() <= Duration::from_secs(61), "{:?}", clock.passed());
        assert!(clock.passed() >= Duration::from_secs(60), "gave up early: {:?}", clock.passed());
        assert!(failure.line().starts_with("gave up after"), "{}", failure.line());
        assert!(failure.line().ends_with("GitHub answered 502"));
        assert_eq!(failure.kind, Kind::Forge);
    }

    #[test]
    fn a_named_pause_is_obeyed_within_the_budget() {
        let (patience, clock) = patience(60);
        patience.wait(&mut patience.begin(), limited(20), Duration::ZERO).unwrap();
        assert!(clock.passed() >= Duration::from_secs(20) && clock.passed() < Duration::from_secs(22), "{:?}", clock.passed());
    }

    #[test]
    fn a_pause_past_the_budget_fails_at_once_and_says_when_to_come_back() {
        let (patience, clock) = patience(60);
        let failure = patience.wait(&mut patience.begin(), limited(3600), Duration::ZERO).unwrap_err();
        assert_eq!(clock.passed(), Duration::ZERO);
        assert_eq!(failure.line(), "GitHub asks to come back at 1970-01-01 01:00:00 UTC, in 60 min: secondary rate limit");
        assert_eq!(failure.hints[0], "run again after 1970-01-01 01:00:00 UTC");
    }

    #[test]
    fn a_cancelled_wait_ends() {
        let cancel = Cancel::default();
        let patience = Patience::new(Duration::from_secs(60), Box::new(FastClock::new()), &cancel);
        cancel.request(Kind::Interrupted);
        let failure = patience.wait(&mut patience.begin(), limited(20), Duration::ZERO).unwrap_err();
        assert_eq!(failure.kind, Kind::Interrupted);
    }

    #[test]
    fn jitter_grows_and_stays_bounded() {
        for failed in 1..40 {
            assert!(jitter(failed) <= LONGEST);
        }
        assert!((0..100).map(|_| jitter(1)).all(|wait| wait <= FIRST));
        assert!((0..200).map(|_| jitter(7)).max().unwrap() > FIRST * 8);
    }
}
