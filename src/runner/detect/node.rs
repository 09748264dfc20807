//! JavaScript and TypeScript: what the `test` script of a package.json comes down to.

use serde_json::Value;

use super::{Found, at, node_scripts};
use crate::runner::words::{Words, line};
use crate::runner::{Program, Suite};

/// Programs that only run another one with something around it, and how many words of theirs stand before it.
const WRAPPERS: [&str; 11] = ["nyc", "c8", "cross-env", "cross-env-shell", "npx", "env-cmd", "istanbul", "cover", "exec", "dotenv", "env"];
const WRAPPERS_WITH_VALUE: [&str; 5] = ["--reporter", "-r", "--check-coverage", "--include", "--exclude"];

/// The root's suite; where the root only hands on to its workspaces, one per workspace.
pub(super) fn suites(found: &Found<'_>) -> Vec<Suite> {
    let mut suites: Vec<Suite> = Vec::new();
    for dir in found.folders_with("package.json") {
        let inside = suites.iter().any(|suite| suite.dir.is_empty() || dir.starts_with(&format!("{}/", suite.dir)));
        if !inside {
            suites.extend(own(found, &dir));
        }
    }
    suites
}

/// The suites of one package: one for each run of a runner that its script starts.
fn own(found: &Found<'_>, dir: &str) -> Vec<Suite> {
    let path = at(dir, "package.json");
    let manifest: Value = found.text(&path).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let Some(scripts) = manifest.get("scripts").and_then(Value::as_object) else { return Vec::new() };
    let each = node_scripts::runs(scripts).into_iter().map(|run| Suite {
        program: run.program,
        dir: dir.to_owned(),
        command: run.command,
        junit: None,
        setup: setup(found, dir),
        build: run.build,
        why: format!("{path}: {}", run.chain.join(" -> ")),
    });
    each.collect()
}

/// The runner behind wrappers, and the command without them.
pub(super) fn runner(split: Words) -> Option<(Program, String)> {
    let Words { mut vars, words } = split;
    let mut words: Vec<String> = words;
    while let Some(first) = words.first().map(|word| word.rsplit('/').next().unwrap_or(word).to_owned()) {
        if !WRAPPERS.contains(&first.as_str()) && !matches!(first.as_str(), "yarn" | "pnpm" | "npm") {
            break;
        }
        words.remove(0);
        while let Some(word) = words.first().filter(|word| word.starts_with('-') || word.contains('=')).cloned() {
            words.remove(0);
            if let Some((name, value)) = word.split_once('=').filter(|_| !word.starts_with('-')) {
                vars.push((name.to_owned(), value.to_owned()));
            } else if WRAPPERS_WITH_VALUE.contains(&word.as_str()) && words.len() > 1 {
                words.remove(0);
            }
        }
    }
    let name = words.first()?.rsplit('/').next()?.trim_end_matches(".js").to_owned();
    let program = match name.as_str() {
        "jest" => Program::Jest,
        "vitest" => Program::Vitest,
        "tape" | "tap" => Program::Tap,
        "ava" => Program::Ava,
        "mocha" | "_mocha" => Program::Mocha,
        "node" if words.iter().any(|word| word == "--test" || word.starts_with("--test-")) => Program::NodeTest,
        "node" => {
            // `node --experimental-vm-modules node_modules/.bin/jest`: another runner started by hand.
            let inner = words.iter().find_map(|word| {
                ["jest", "vitest", "tape", "mocha"]
                    .into_iter()
                    .find(|one| word.rsplit('/').next().map(|name| name.trim_end_matches(".js")) == Some(one))
            })?;
            match inner {
                "jest" => Program::Jest,
                "vitest" => Program::Vitest,
                "mocha" => Program::Mocha,
                _ => Program::Tap,
            }
        }
        _ => return None,
    };
    match name.as_str() {
        // node-tap prints for people unless told otherwise, and ends a file after 30 seconds.
        "tap" => {
            words.retain(|word| !word.starts_with("--reporter") && !word.starts_with("-R"));
            words.splice(1..1, ["--reporter=tap", "--timeout=240"].map(str::to_owned));
        }
        "vitest" if !words.iter().any(|word| word == "run" || word == "--run") => words.insert(1, "run".to_owned()),
        _ => {}
    }
    let watching = ["--watch", "--watchAll", "-w", "--coverage", "--ui"];
    words.retain(|word| !watching.contains(&word.as_str()));
    let vars: String = vars.iter().map(|(name, value)| format!("{name}={} ", line(&[value]))).collect();
    Some((program, format!("{vars}{}", line(&words))))
}

/// Installs by the lock file that is there.
pub(super) fn setup(found: &Found<'_>, dir: &str) -> Vec<String> {
    let manifest: Value = found.text(&at(dir, "package.json")).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let filled = |name: &str| manifest.get(name).and_then(Value::as_object).is_some_and(|table| !table.is_empty());
    if !["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"].into_iter().any(filled)
        && manifest.get("workspaces").is_none()
    {
        return Vec::new();
    }
    let lock = |name: &str| found.is_file(&at(dir, name));
    let command = if lock("pnpm-lock.yaml") && (found.has)("pnpm") {
        "pnpm install --frozen-lockfile || pnpm install"
    } else if lock("yarn.lock") && (found.has)("yarn") {
        "yarn install --frozen-lockfile || yarn install"
    } else if lock("package-lock.json") || lock("npm-shrinkwrap.json") {
        "npm ci || npm install --no-package-lock || npm install --no-package-lock --legacy-peer-deps --ignore-scripts"
    } else {
        // Packages that disagree about their peers, or fetch more than packages when they are installed, may serve all the same.
        "npm install --no-package-lock || npm install --no-package-lock --legacy-peer-deps --ignore-scripts"
    };
    vec![command.to_owned()]
}
