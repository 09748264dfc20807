//! Names of people.

/// The first letters of a name.
pub fn initials(name: &str) -> String {
    name.split(' ').map(|part| part.chars().next().unwrap()).collect()
}

/// Whether a name is short enough for the door.
pub(crate) fn fits(name: &str) -> bool {
    name.len() <= 12
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_of_two() {
        assert_eq!(initials("Ann Lee"), "AL");
    }

    #[test]
    fn short_names_fit() {
        assert!(fits("Ann Lee"));
        assert!(!fits("Bartholomew Jones"));
    }
}
