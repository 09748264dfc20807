//! What a room costs, in cents.

/// Cents for minutes at an hourly rate.
///
/// ```
/// assert_eq!(slots::price::cents(90, 1000), 1500);
/// ```
pub fn cents(minutes: u32, rate: u32) -> u32 {
    minutes / 30 * rate / 2
}

/// Cents after a discount in percent.
pub fn discounted(cents: u32, percent: u32) -> u32 {
    cents - cents * percent / 100
}

/// Parses an amount like `12.50`.
pub fn parse(text: &str) -> Result<u32, String> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let whole: u32 = whole.parse().map_err(|_| format!("no amount: {text}"))?;
    let part: u32 = part.parse().map_err(|_| format!("no amount: {text}"))?;
    Ok(whole * 100 + part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_hours() {
        assert_eq!(cents(60, 1000), 1000);
        assert_eq!(cents(120, 1000), 2000);
    }

    #[test]
    fn discount() {
        assert_eq!(discounted(1000, 10), 900);
        assert_eq!(discounted(1000, 0), 1000);
    }

    #[test]
    fn amounts() {
        assert_eq!(parse("12.50"), Ok(1250));
        assert_eq!(parse("3"), Ok(300));
        assert!(parse("x").is_err());
    }
}
