//! `package.json`: its scripts about tests, and the settings of runners that stand in it. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Change;

/// Keys of runners.
const RUNNERS: [&str; 6] = ["jest", "mocha", "ava", "tap", "vitest", "workspaces"];
/// Keys of what measures coverage; only the least it must reach counts.
const COVERAGE: [&str; 2] = ["nyc", "c8"];
/// Settings of a runner that leave no test out and bring no code in.
const USUAL: [&str; 16] = [
    "timeout",
    "testTimeout",
    "slow",
    "concurrency",
    "maxWorkers",
    "workerThreads",
    "verbose",
    "colors",
    "nyc-arg",
    "coverage",
    "check-coverage",
    "collectCoverage",
    "coverageDirectory",
    "coverageReporters",
    "show-full-coverage",
    "coverage-map",
];

/// What the difference of two manifests means.
pub fn package(base: &str, head: &str) -> Change {
    let read = |text: &str| serde_json::from_str::<Map<String, Value>>(text);
    let (Ok(before), Ok(after)) = (read(base), read(head)) else { return super::said(base != head) };
    let parts = [scripts(&before, &after), runners(&before, &after), coverage(&before, &after), entries(&before, &after)];
    parts.into_iter().max().unwrap_or_default()
}

/// Where the package is entered: its own tests may come in by another door than its users.
fn entries(before: &Map<String, Value>, after: &Map<String, Value>) -> Change {
    const ENTRIES: [&str; 7] = ["main", "module", "exports", "imports", "browser", "type", "babel"];
    let changed = ENTRIES.iter().any(|key| before.get(*key) != after.get(*key));
    if changed && !before.is_empty() { Change::Asked } else { Change::Nothing }
}

/// Modules that what measures coverage loads into the tests.
pub fn preloads(text: &str) -> Option<Value> {
    let read = serde_json::from_str::<Value>(text).ok()?;
    read.get("require").or_else(|| read.get("hook-require")).cloned()
}

fn runners(before: &Map<String, Value>, after: &Map<String, Value>) -> Change {
    let each = RUNNERS.iter().filter(|key| before.get(**key) != after.get(**key)).map(|key| {
        let table = |from: &Map<String, Value>| from.get(*key).and_then(Value::as_object).cloned().unwrap_or_default();
        let is_table = |from: &Map<String, Value>| from.get(*key).is_none_or(Value::is_object);
        let (old, new) = (table(before), table(after));
        let mut changed = old.keys().chain(new.keys()).filter(|name| old.get(*name) != new.get(*name));
        let usual = is_table(before) && is_table(after) && changed.all(|name| USUAL.contains(&name.as_str()));
        if usual { Change::Asked } else { Change::Silences }
    });
    each.max().unwrap_or_default()
}

fn coverage(before: &Map<String, Value>, after: &Map<String, Value>) -> Change {
    let text = |from: &Map<String, Value>| {
        let tables = COVERAGE.iter().filter_map(|key| from.get(*key));
        tables.filter_map(|one| serde_json::to_string_pretty(one).ok()).collect::<String>()
    };
    let loads = |from: &Map<String, Value>| COVERAGE.iter().filter_map(|key| from.get(*key)?.get("require").cloned()).collect::<Vec<_>>();
    super::said(loads(before) != loads(after)).max(super::thresholds(&text(before), &text(after)))
}

fn scripts(before: &Map<String, Value>, after: &Map<String, Value>) -> Change {
    let about = |from: &Map<String, Value>| -> BTreeMap<String, String> {
        let all = from.get("scripts").and_then(Value::as_object).cloned().unwrap_or_default();
        let named = all.into_iter().filter(|(key, _)| ["test", "unit", "spec"].iter().any(|word| key.contains(word)));
        named.filter_map(|(key, value)| Some((key, value.as_str()?.to_owned()))).collect()
    };
    let (before, after) = (about(before), about(after));
    let changed = before.keys().chain(after.keys()).filter(|key| before.get(*key) != after.get(*key));
    let each = changed.map(|key| match (before.get(key), after.get(key)) {
        (Some(old), Some(new)) if keeps(old, new) => Change::Asked,
        (Some(_), Some(_)) => Change::Silences,
        (Some(_), None) if key == "test" => Change::Silences,
        _ => Change::Asked,
    });
    each.max().unwrap_or_default()
}

/// Whether a script still starts what it started: each of its programs, with nothing that forgives a failure and no
/// flag that leaves tests out.
fn keeps(old: &str, new: &str) -> bool {
    let words = |text: &str| {
        text.split(|c: char| c.is_whitespace() || "\"'();".contains(c))
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (before, after) = (words(old), words(new));
    let is_program = |word: &&String| word.chars().all(|c| c.is_ascii_alphanumeric() || "-_@:".contains(c)) && !word.starts_with('-');
    let leaves_out = |word: &&String| {
        let flag = word.split('=').next().unwrap_or_default();
        matches!(word.as_str(), "||" | "|" | "exit" | "true" | "echo")
            || word.starts_with('!')
            || [
                "-g",
                "-t",
                "-i",
                "-R",
                "--grep",
                "--invert",
                "--fgrep",
                "--match",
                "--exclude",
                "--bail",
                "--ignore",
                "--require",
                "-r",
                "--import",
            ]
            .contains(&flag)
            || [
                "--test-name",
                "--test-skip",
                "--testName",
                "--testPath",
                "--testMatch",
                "--passWith",
                "--pass-with",
                "--reporter",
                "--setup",
                "--config",
            ]
            .iter()
            .any(|start| flag.starts_with(start))
    };
    let count = |list: &[String]| list.iter().filter(leaves_out).count();
    before.iter().filter(is_program).all(|word| after.contains(word))
        && count(&after) <= count(&before)
        && (old.contains(';') || !new.contains(';'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(base: &str, from: &str, to: &str) -> Change {
        assert!(base.contains(from));
        package(base, &base.replace(from, to))
    }

    #[test]
    fn a_script_may_find_more_tests_but_must_run_them() {
        let base = r#"{"version": "1.0.0", "scripts": {"test": "nyc tape test/*.js", "lint": "eslint", "test:esm": "mocha x.mjs"}, "c8": {"lines": 90, "all": true}}"#;
        assert_eq!(of(base, "test/*.js", "'test/**/*.js'"), Change::Asked);
        assert_eq!(of(base, "nyc tape test/*.js", "nyc tape test/*.js --timeout 5"), Change::Asked);
        for silenced in ["exit 0", "nyc tape test/*.js || true", "echo tape nyc", "nyc tape test/*.js; exit 0", "tape test/*.js"] {
            assert_eq!(of(base, "nyc tape test/*.js", silenced), Change::Silences, "{silenced}");
        }
        assert_eq!(of(base, r#", "test:esm": "mocha x.mjs""#, ""), Change::Asked);
        assert_eq!(of(base, "mocha x.mjs", "mocha x.mjs --grep fast"), Change::Silences);
        assert_eq!(of(base, "eslint", "biome"), Change::Nothing);
        assert_eq!(of(base, "1.0.0", "1.0.1"), Change::Nothing);
        assert_eq!(of(base, "true", "false"), Change::Nothing);
        assert_eq!(of(base, "90", "80"), Change::Silences);
        assert_eq!(package(base, "{ not json"), Change::Silences);
        assert_eq!(of(base, r#""lines": 90"#, r#""lines": 90, "require": ["./x.js"]"#), Change::Silences);
        assert_eq!(of(r#"{"main": "a.js"}"#, "a.js", "b.js"), Change::Asked);
    }

    #[test]
    fn settings_of_a_runner_are_asked_about_or_refused() {
        let base = r#"{"ava": {"timeout": "1m"}, "jest": {"testMatch": ["a"]}}"#;
        assert_eq!(of(base, "1m", "2m"), Change::Asked);
        assert_eq!(of(base, r#""timeout": "1m""#, r#""timeout": "1m", "concurrency": 1"#), Change::Asked);
        assert_eq!(of(base, r#"["a"]"#, r#"["b"]"#), Change::Silences);
        assert_eq!(of(base, r#""timeout": "1m""#, r#""require": "./shim.js""#), Change::Silences);
    }
}
