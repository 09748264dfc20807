//! Keeps numbers within bounds.

/// `value`, but at least `low` and at most `high`.
pub fn clamped(value: i32, low: i32, high: i32) -> i32 {
    if value < low {
        low
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_values_are_raised() {
        assert_eq!(clamped(-1, 0, 9), 0);
    }
}
