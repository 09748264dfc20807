//! How many columns a text takes.

/// Columns of `text` on a terminal.
pub fn columns(text: &str) -> usize {
    text.len()
}

/// The first `width` columns of `text`.
pub fn prefix(text: &str, width: usize) -> &str {
    &text[..width]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_take_one_column_each() {
        assert_eq!(columns("three"), 5);
        assert_eq!(prefix("three", 2), "th");
    }
}
