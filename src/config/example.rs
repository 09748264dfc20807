//! Holds `loom.toml.example` to the settings there are. Tests only.

use std::collections::BTreeSet;

use super::source::Source;
use super::{Config, keys, toml_text};

const EXAMPLE: &str = include_str!("../../loom.toml.example");

/// A commented setting, `# name = value`, as a live one; prose stays a comment.
fn uncommented() -> String {
    let live = |line: &str| {
        let assignment = line.strip_prefix("# ").filter(|rest| rest.split_once(" = ").is_some_and(|(name, _)| is_name(name)));
        assignment.unwrap_or(line).to_owned()
    };
    EXAMPLE.lines().map(live).collect::<Vec<_>>().join("\n")
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

fn names(text: &str) -> BTreeSet<String> {
    toml_text::read(text, "loom.toml.example", &|_| Source::Default).unwrap().into_iter().map(|setting| setting.key).collect()
}

#[test]
fn it_equals_the_defaults() {
    assert_eq!(toml::from_str::<Config>(EXAMPLE).unwrap(), Config::default());
}

#[test]
fn it_lists_every_key_and_each_commented_value_is_possible() {
    let every: BTreeSet<String> = keys::all().iter().map(|key| key.path.clone()).collect();
    assert_eq!(names(&uncommented()), every);
}

#[test]
fn only_absent_keys_are_commented() {
    let absent: BTreeSet<String> = keys::all()
        .iter()
        .filter(|key| keys::default_values().pointer(&format!("/{}", key.path.replace('.', "/"))).is_some_and(|value| value.is_null()))
        .map(|key| key.path.clone())
        .collect();
    let commented: BTreeSet<String> = names(&uncommented()).difference(&names(EXAMPLE)).cloned().collect();
    assert_eq!(commented, absent);
}

#[test]
fn each_key_is_explained_by_the_line_above_it() {
    let text = uncommented();
    let lines: Vec<&str> = text.lines().collect();
    for pair in lines.windows(2) {
        if pair[1].split_once(" = ").is_some_and(|(name, _)| is_name(name)) {
            assert!(pair[0].starts_with("# ") && pair[0].ends_with('.'), "{:?} above {:?}", pair[0], pair[1]);
        }
    }
}
