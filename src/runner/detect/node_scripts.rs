//! The `test` script of a package.json followed to its end: every runner that it starts, and what it builds before.
//! Which program reads a runner's results is `node`'s knowledge.

use serde_json::{Map, Value};

use super::node::runner;
use crate::runner::Program;
use crate::runner::words::words;

/// How often one script may lead to another.
const CHAIN: usize = 8;
/// A script that starts more runs than this has the rest left out.
const RUNS: usize = 4;
/// More build steps than this are no plain build.
const STEPS: usize = 8;
/// Scripts that are the tests, best first.
const TESTS: [&str; 9] = ["test", "tests", "tests-only", "test:unit", "unit", "test-unit", "test:node", "jest", "vitest"];
/// Programs that make what tests load from what people write, or clear it away first.
const BUILDERS: [&str; 24] = [
    "tsc",
    "tsup",
    "tsdown",
    "tshy",
    "rollup",
    "babel",
    "esbuild",
    "swc",
    "webpack",
    "unbuild",
    "microbundle",
    "ncc",
    "pkgroll",
    "mkdist",
    "obuild",
    "rimraf",
    "del-cli",
    "shx",
    "cpy",
    "copyfiles",
    "mkdirp",
    "peggy",
    "pegjs",
    "jison",
];

/// One run of a runner.
pub(super) struct Run {
    pub(super) program: Program,
    pub(super) command: String,
    /// What must be built before, as the scripts say.
    pub(super) build: Vec<String>,
    /// The scripts that led here.
    pub(super) chain: Vec<String>,
}

/// Every run that the tests' script starts. Other commands of it (lint, audit) are not the tests.
pub(super) fn runs(scripts: &Map<String, Value>) -> Vec<Run> {
    for name in TESTS.iter().filter(|name| scripts.contains_key(**name)) {
        let mut walk = Walk { scripts, chain: Vec::new(), build: Vec::new(), found: Vec::new() };
        walk.script(name);
        if !walk.found.is_empty() {
            walk.found.truncate(RUNS);
            return walk.found;
        }
    }
    Vec::new()
}

struct Walk<'a> {
    scripts: &'a Map<String, Value>,
    chain: Vec<String>,
    build: Vec<String>,
    found: Vec<Run>,
}

impl Walk<'_> {
    fn script(&mut self, name: &str) {
        let Some(script) = self.scripts.get(name).and_then(Value::as_str) else { return };
        if self.chain.len() >= CHAIN || self.chain.iter().any(|one| one == name) {
            return;
        }
        self.chain.push(name.to_owned());
        let before = format!("pre{name}");
        if self.scripts.contains_key(&before) {
            // What runs before a script builds for it; its own tests are not the tests.
            let known = self.found.len();
            self.script(&before);
            self.found.truncate(known);
        }
        for part in script.split("&&").flat_map(|part| part.split(';')).map(str::trim) {
            self.part(part, script);
        }
        self.chain.pop();
    }

    fn part(&mut self, part: &str, script: &str) {
        let Some(split) = words(part) else { return };
        let next: Vec<String> = handed_on(&split.words, self.scripts).into_iter().filter(|next| self.scripts.contains_key(next)).collect();
        if !next.is_empty() {
            next.iter().for_each(|next| self.script(next));
        } else if is_build(&split.words) {
            if self.build.len() < STEPS && !self.build.iter().any(|one| one == part) {
                self.build.push(part.to_owned());
            }
        } else if let Some((program, command)) = runner(split)
            && !self.found.iter().any(|one| one.command == command)
        {
            let chain = self.chain.iter().cloned().chain([script.to_owned()]).collect();
            self.found.push(Run { program, command, build: self.build.clone(), chain });
        }
    }
}

/// The scripts that `npm run X`, `yarn X`, `pnpm X`, `run-s X Y:*` name.
fn handed_on(words: &[String], scripts: &Map<String, Value>) -> Vec<String> {
    let Some((manager, rest)) = words.split_first() else { return Vec::new() };
    let mut rest = rest.iter().filter(|word| !word.starts_with('-'));
    match manager.as_str() {
        "run-s" | "run-p" | "npm-run-all" => rest.flat_map(|pattern| matching(pattern, scripts)).collect(),
        "npm" | "yarn" | "pnpm" | "bun" => match rest.next().map(String::as_str) {
            Some("run" | "run-script") => rest.next().cloned().into_iter().collect(),
            Some("test" | "t") => vec!["test".to_owned()],
            Some("exec" | "install" | "ci") | None => Vec::new(),
            // `pnpm lint` names a script, `pnpm vitest run` a program.
            Some(other) if manager != "npm" => vec![other.to_owned()],
            Some(_) => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn matching(pattern: &str, scripts: &Map<String, Value>) -> Vec<String> {
    match pattern.strip_suffix('*') {
        Some(start) => scripts.keys().filter(|name| name.starts_with(start)).cloned().collect(),
        None => vec![pattern.to_owned()],
    }
}

fn is_build(words: &[String]) -> bool {
    let mut words = words.iter().map(String::as_str).skip_while(|word| matches!(*word, "npx" | "cross-env" | "exec") || word.contains('='));
    let Some(program) = words.next().and_then(|word| word.rsplit('/').next()) else { return false };
    let rest: Vec<&str> = words.collect();
    let idle = rest.iter().any(|word| matches!(*word, "--noEmit" | "--no-emit" | "--watch" | "-w" | "--dry-run"));
    let of_node = || {
        let file = rest.iter().find(|word| !word.starts_with('-')).map_or("", |word| word.rsplit('/').next().unwrap_or(word));
        ["build", "bundle", "compile", "generate", "rollup"].iter().any(|name| file.contains(name)) && !rest.contains(&"--test")
    };
    let builds = BUILDERS.contains(&program) || program == "vite" && rest.first() == Some(&"build") || program == "node" && of_node();
    builds && !idle
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(scripts: &serde_json::Value) -> Vec<(String, Vec<String>)> {
        runs(scripts.as_object().unwrap()).into_iter().map(|run| (run.command, run.build)).collect()
    }

    fn owned(command: &str, build: &[&str]) -> (String, Vec<String>) {
        (command.to_owned(), build.iter().map(|one| (*one).to_owned()).collect())
    }

    #[test]
    fn what_a_script_builds_first_is_built_first() {
        let scripts = serde_json::json!({"pretest": "rimraf build && npm run compile && npm run lint", "compile": "tsc -p tsconfig.test.json",
            "lint": "eslint .", "test": "c8 mocha test/*.mjs"});
        assert_eq!(of(&scripts), [owned("mocha 'test/*.mjs'", &["rimraf build", "tsc -p tsconfig.test.json"])]);
        let scripts = serde_json::json!({"pretest": "run-p build:*", "build:es": "babel src -d es", "build:node": "node build-node.js", "test": "tape test.js"});
        assert_eq!(of(&scripts), [owned("tape test.js", &["babel src -d es", "node build-node.js"])]);
        let scripts = serde_json::json!({"test": "tsc --noEmit && node --test test/build.test.js"});
        assert_eq!(of(&scripts), [owned("node --test test/build.test.js", &[])]);
    }

    #[test]
    fn each_runner_of_a_script_is_a_suite() {
        let scripts = serde_json::json!({"test": "npm run build && npm run test:specs && npm run test:unit && npm run test:specs",
            "build": "esbuild src/a.js --outfile=lib/a.js", "test:specs": "node --test test/specs.js", "test:unit": "node --test test/unit/*.js"});
        let built = ["esbuild src/a.js --outfile=lib/a.js"];
        assert_eq!(of(&scripts), [owned("node --test test/specs.js", &built), owned("node --test 'test/unit/*.js'", &built)]);
        let looping = serde_json::json!({"test": "npm run a", "a": "npm run b", "b": "npm test"});
        assert!(of(&looping).is_empty());
    }
}
