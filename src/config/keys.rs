//! The list of every setting by its path, like `model.base_url`: taken from the types themselves, so it cannot lag
//! behind them. Owns the shape of a value as people write it and the nearest known name for a misspelt one.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::Config;

/// One setting.
#[derive(Debug, Clone)]
pub struct Key {
    /// Section and name, like `github.labels.ready`.
    pub path: String,
    /// What its value looks like.
    pub shape: Shape,
    /// Its environment variable, like `LOOM_GITHUB_LABELS_READY`.
    pub variable: String,
}

/// What a value looks like in a settings file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A string.
    Text,
    /// A duration in a string.
    Duration,
    /// One of a few words.
    Choice,
    /// `true` or `false`.
    Truth,
    /// A number without a fraction.
    Whole,
    /// Any number.
    Number,
    /// A list of strings.
    List,
    /// Names with string values.
    Table,
}

impl Shape {
    /// The shape in words, for error messages.
    pub fn words(self) -> &'static str {
        match self {
            Shape::Text => "a string",
            Shape::Duration => "a duration in quotes, like \"30m\"",
            Shape::Choice => "one of its words, in quotes",
            Shape::Truth => "true or false",
            Shape::Whole => "a whole number",
            Shape::Number => "a number",
            Shape::List => "a list of strings, like [\"one\", \"two\"]",
            Shape::Table => "a table of strings, like { name = \"value\" }",
        }
    }
}

static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let mut keys = Vec::new();
    collect("", &default_values(), &mut keys);
    keys
});

/// All settings, in the order of the types.
pub fn all() -> &'static [Key] {
    &KEYS
}

/// The setting with this path.
pub fn named(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// Is this the path of a section, like `github.labels`?
pub fn is_section(path: &str) -> bool {
    KEYS.iter().any(|key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// The defaults as a tree, absent ones as `null`.
pub fn default_values() -> Value {
    serde_json::to_value(Config::default()).expect("settings have string keys and finite numbers")
}

/// Would the settings take this value? The reason when not.
pub fn accepts(path: &str, value: &Value) -> Result<(), String> {
    let nested = path.rsplit('.').fold(value.clone(), |inner, name| json!({ name: inner }));
    serde_json::from_value::<Config>(nested).map(drop).map_err(|error| error.to_string())
}

/// A section has members by default; a table that users fill (`model.headers`) is empty, so it counts as one setting.
fn collect(path: &str, value: &Value, keys: &mut Vec<Key>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(&path, member, keys);
            }
        }
        _ => keys.push(Key { path: path.to_owned(), shape: shape(path), variable: variable(path) }),
    }
}

/// Finds the shape by offering samples to the type.
fn shape(path: &str) -> Shape {
    let samples = [
        (json!("zz zz"), Shape::Text),
        (json!("1m"), Shape::Duration),
        (json!(true), Shape::Truth),
        (json!(0.5), Shape::Number),
        (json!(1), Shape::Whole),
        (json!(["x"]), Shape::List),
        (json!({"x": "y"}), Shape::Table),
    ];
    samples.into_iter().find(|(sample, _)| accepts(path, sample).is_ok()).map_or(Shape::Choice, |(_, shape)| shape)
}

fn variable(path: &str) -> String {
    format!("LOOM_{}", path.replace('.', "_").to_uppercase())
}

/// The candidate that `word` most likely meant, when one is close.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let last = |path: &'a str| path.rsplit('.').next().unwrap_or(path);
    let word_last = word.rsplit('.').next().unwrap_or(word);
    candidates
        .into_iter()
        .map(|candidate| {
            let whole = distance(word, candidate);
            // A key in the wrong section: the name is right, all else is not.
            let misplaced = if last(candidate) == word_last { 1 } else { usize::MAX };
            (whole.min(misplaced), whole, candidate)
        })
        .filter(|(near, _, _)| *near <= (word.chars().count() / 3).max(2))
        .min_by_key(|(near, whole, _)| (*near, *whole))
        .map(|(_, _, candidate)| candidate)
}

/// Edits between two words, a swap of neighbours counting as one.
fn distance(one: &str, other: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_follow_the_types() {
        let expected = [
            ("model.name", Shape::Text),
            ("model.base_url", Shape::Text),
            ("model.headers", Shape::Table),
            ("model.temperature", Shape::Number),
            ("model.max_output_tokens", Shape::Whole),
            ("model.idle_timeout", Shape::Duration),
            ("gate.without_tests", Shape::Choice),
            ("git.sign_off", Shape::Truth),
            ("test.setup", Shape::List),
            ("github.labels.needs_info", Shape::Text),
            ("sandbox.memory_mib", Shape::Whole),
            ("paths.queue", Shape::Text),
        ];
        for (path, shape) in expected {
            assert_eq!(named(path).map(|key| key.shape), Some(shape), "{path}");
        }
        assert!(named("model").is_none() && is_section("model") && is_section("github.labels") && !is_section("model.headers"));
    }

    #[test]
    fn variables_are_distinct() {
        let mut names: Vec<&str> = all().iter().map(|key| key.variable.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all().len());
    }

    #[test]
    fn the_nearest_name_is_found_or_none() {
        let paths = || all().iter().map(|key| key.path.as_str());
        assert_eq!(nearest("model.nmae", paths()), Some("model.name"));
        assert_eq!(nearest("max_turns", paths()), Some("agent.max_turns"));
        assert_eq!(nearest("test.max_tokens", paths()), Some("agent.max_tokens"));
        assert_eq!(nearest("zebra.crossing", paths()), None);
    }
}
