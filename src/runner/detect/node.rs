//! JavaScript and TypeScript: what the `test` script of a package.json comes down to.

use serde_json::{Map, Value};

use super::{Found, at};
use crate::runner::words::{Words, line, words};
use crate::runner::{Program, Suite};

/// How often one script may lead to another.
const CHAIN: usize = 8;
/// Programs that only run another one with something around it, and how many words of theirs stand before it.
const WRAPPERS: [&str; 11] = ["nyc", "c8", "cross-env", "cross-env-shell", "npx", "env-cmd", "istanbul", "cover", "exec", "dotenv", "env"];
const WRAPPERS_WITH_VALUE: [&str; 5] = ["--reporter", "-r", "--check-coverage", "--include", "--exclude"];

/// The root's suite; where the root only hands on to its workspaces, one per workspace.
pub(super) fn suites(found: &Found<'_>) -> Vec<Suite> {
    let mut suites: Vec<Suite> = Vec::new();
    for dir in found.folders_with("package.json") {
        let inside = suites.iter().any(|suite| suite.dir.is_empty() || dir.starts_with(&format!("{}/", suite.dir)));
        if !inside && let Some(suite) = suite(found, &dir) {
            suites.push(suite);
        }
    }
    suites
}

fn suite(found: &Found<'_>, dir: &str) -> Option<Suite> {
    let path = at(dir, "package.json");
    let manifest: Value = serde_json::from_str(&found.text(&path)?).ok()?;
    let scripts = manifest.get("scripts").and_then(Value::as_object)?;
    let resolved = resolve(scripts)?;
    Some(Suite {
        program: resolved.program,
        dir: dir.to_owned(),
        command: resolved.command,
        junit: None,
        setup: setup(found, dir),
        build: Vec::new(),
        why: format!("{path}: {}", resolved.chain.join(" -> ")),
    })
}

struct Resolved {
    program: Program,
    command: String,
    chain: Vec<String>,
}

/// Follows the `test` script to the runner. Hooks before and after it (lint, audit) are not the tests.
fn resolve(scripts: &Map<String, Value>) -> Option<Resolved> {
    let names = ["test", "tests", "tests-only", "test:unit", "unit", "test-unit", "test:node", "jest", "vitest"];
    names.iter().filter(|name| scripts.contains_key(**name)).find_map(|name| follow(scripts, name, &mut vec![(*name).to_owned()]))
}

fn follow(scripts: &Map<String, Value>, name: &str, chain: &mut Vec<String>) -> Option<Resolved> {
    let script = scripts.get(name)?.as_str()?;
    // Of several commands (build, lint, test) the one that runs tests counts.
    for part in script.split("&&").flat_map(|part| part.split(';')).map(str::trim) {
        let Some(split) = words(part) else { continue };
        // `pnpm lint` names a script, `pnpm vitest run` a program.
        if let Some(next) = handed_on(&split.words).filter(|next| scripts.contains_key(next)) {
            if chain.len() < CHAIN && !chain.contains(&next) {
                chain.push(next.clone());
                if let Some(resolved) = follow(scripts, &next, chain) {
                    return Some(resolved);
                }
                chain.pop();
            }
        } else if let Some((program, command)) = runner(split) {
            let mut chain = chain.clone();
            chain.push(script.to_owned());
            return Some(Resolved { program, command, chain });
        }
    }
    None
}

/// The script that `npm run X`, `yarn X` or `pnpm X` names.
fn handed_on(words: &[String]) -> Option<String> {
    let manager = words.first().filter(|word| matches!(word.as_str(), "npm" | "yarn" | "pnpm" | "bun"))?;
    let mut rest = words[1..].iter().filter(|word| !word.starts_with('-'));
    match rest.next()?.as_str() {
        "run" | "run-script" => rest.next().cloned(),
        "test" | "t" => Some("test".to_owned()),
        "exec" | "install" | "ci" => None,
        other if manager != "npm" => Some(other.to_owned()),
        _ => None,
    }
}

/// The runner behind wrappers, and the command without them.
fn runner(split: Words) -> Option<(Program, String)> {
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
        "tape" => Program::Tap,
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
        "npm ci || npm install --no-package-lock"
    } else {
        "npm install --no-package-lock"
    };
    vec![command.to_owned()]
}
