//! Times and counts as people read them: `1m 20s`, `12.4k`, `3h`.

use std::time::Duration;

use jiff::Timestamp;

/// How long something took, to the precision that matters.
pub fn elapsed(duration: Duration) -> String {
    let tenths = duration.as_millis() / 100;
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{}.{}s", tenths / 10, tenths % 10),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// How long ago, in one unit.
pub fn age(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(since).as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A large count, short.
pub fn count(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        1000..1_000_000 => format!("{}.{}k", number / 1000, number / 100 % 10),
        _ => format!("{}.{}M", number / 1_000_000, number / 100_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_short() {
        let texts = [340, 9_990, 12_300, 80_000, 3_725_000].map(|ms| elapsed(Duration::from_millis(ms)));
        assert_eq!(texts, ["0.3s", "9.9s", "12s", "1m 20s", "1h 02m"]);
        assert_eq!([0, 999, 12_430, 2_560_000].map(count), ["0", "999", "12.4k", "2.5M"]);
        let now = Timestamp::from_second(1_000_000).unwrap();
        let ages = [5, 120, 7200, 400_000, -9].map(|ago| age(Timestamp::from_second(1_000_000 - ago).unwrap(), now));
        assert_eq!(ages, ["5s", "2m", "2h", "4d", "0s"]);
    }
}
