//! What the environment says about settings. Owns which variable sets which key and the names that mean nothing.
//! An empty value counts as not set: workflow files pass absent inputs that way.

use serde_json::{Value, json};

use super::HostEnvironment;
use super::keys::{self, Key, Shape};
use super::source::{Setting, Source};
use super::toml_text;

/// Variables that mean something to loom without naming a key.
const SPECIAL: [&str; 4] = ["LOOM_API_KEY", "LOOM_CONFIG", "LOOM_GITHUB_TOKEN", "LOOM_MODEL"];

/// Other names for a key; the key's own variable wins.
const ALIASES: [(&str, &str); 3] =
    [("GITHUB_API_URL", "github.api_url"), ("GITHUB_SERVER_URL", "github.server_url"), ("LOOM_MODEL", "model.name")];

impl HostEnvironment {
    /// Every setting it makes, or everything that is wrong with its `LOOM_*` variables.
    pub(super) fn settings(&self) -> Result<Vec<Setting>, Vec<String>> {
        let mut settings = Vec::new();
        let mut problems = Vec::new();
        for (variable, path) in ALIASES {
            self.take(variable, keys::named(path), &mut settings, &mut problems);
        }
        for key in keys::all() {
            self.take(&key.variable, Some(key), &mut settings, &mut problems);
        }
        if problems.is_empty() { Ok(settings) } else { Err(problems) }
    }

    fn take(&self, variable: &str, key: Option<&Key>, settings: &mut Vec<Setting>, problems: &mut Vec<String>) {
        let (Some(key), Some(text)) = (key, self.variable(variable)) else { return };
        match read(key, text) {
            Ok(value) => {
                settings.push(Setting { key: key.path.clone(), value, source: Source::Environment { variable: variable.to_owned() } })
            }
            Err(reason) => problems.push(format!("{variable}: {reason}")),
        }
    }

    /// What is wrong with the names of `LOOM_*` variables; `allowed` are names that the settings themselves mention.
    pub(super) fn unknown(&self, allowed: &[&str]) -> Vec<String> {
        let known = || keys::all().iter().map(|key| key.variable.as_str()).chain(SPECIAL);
        self.variables(|name| name.starts_with("LOOM_") && !allowed.contains(&name) && known().all(|one| one != name))
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, _)| match keys::nearest(name, known()) {
                Some(near) => format!("unknown environment variable {name}; did you mean {near}?"),
                None => format!("unknown environment variable {name}; names that begin with LOOM_ are loom's settings"),
            })
            .collect()
    }
}

/// A value as people write it in an environment variable: strings plain, lists as TOML or one item per line.
pub(super) fn read(key: &Key, text: &str) -> Result<Value, String> {
    let value = match key.shape {
        Shape::Text | Shape::Duration | Shape::Choice => json!(text),
        Shape::List => match toml_text::value(text) {
            Some(list @ Value::Array(_)) => list,
            _ => json!(text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>()),
        },
        Shape::Truth | Shape::Whole | Shape::Number | Shape::Table => {
            toml_text::value(text.trim()).ok_or_else(|| format!("must be {}", key.shape.words()))?
        }
    };
    match keys::accepts(&key.path, &value) {
        Ok(()) => Ok(value),
        Err(reason) if matches!(key.shape, Shape::Duration | Shape::Choice) => Err(reason),
        Err(_) => Err(format!("must be {}", key.shape.words())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> HostEnvironment {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_shape_is_read() {
        let settings = environment(&[
            ("LOOM_AGENT_MAX_TURNS", "7"),
            ("LOOM_GIT_SIGN_OFF", "true"),
            ("LOOM_TEST_SETUP", "npm ci\nnpm run build, all\n"),
            ("LOOM_PULL_REQUEST_LABELS", "[\"a\", \"b\"]"),
            ("LOOM_MODEL_HEADERS", "{ api-key = \"x\" }"),
            ("LOOM_TEST_TIMEOUT", "90s"),
            ("LOOM_GATE_BUDGET", ""),
        ])
        .settings()
        .unwrap();
        let value = |key: &str| settings.iter().find(|setting| setting.key == key).map(|setting| setting.value.clone());
        assert_eq!(value("agent.max_turns"), Some(json!(7)));
        assert_eq!(value("git.sign_off"), Some(json!(true)));
        assert_eq!(value("test.setup"), Some(json!(["npm ci", "npm run build, all"])));
        assert_eq!(value("pull_request.labels"), Some(json!(["a", "b"])));
        assert_eq!(value("model.headers"), Some(json!({"api-key": "x"})));
        assert_eq!(value("test.timeout"), Some(json!("90s")));
        assert_eq!(value("gate.budget"), None);
    }

    #[test]
    fn mistakes_are_named() {
        let wrong = environment(&[("LOOM_AGENT_MAX_TURNS", "many"), ("LOOM_TEST_TIMEOUT", "soon"), ("LOOM_GATE_WITHOUT_TESTS", "x")]);
        let problems = wrong.settings().unwrap_err();
        assert_eq!(problems.len(), 3);
        assert!(problems.iter().any(|problem| problem == "LOOM_AGENT_MAX_TURNS: must be a whole number"), "{problems:?}");
        let unknown = environment(&[("LOOM_AGENT_MAXTURNS", "7"), ("LOOM_MY_KEY", "x"), ("LOOM_API_KEY", "x"), ("OTHER", "y")]);
        assert_eq!(
            unknown.unknown(&["LOOM_MY_KEY"]),
            ["unknown environment variable LOOM_AGENT_MAXTURNS; did you mean LOOM_AGENT_MAX_TURNS?"]
        );
    }
}
