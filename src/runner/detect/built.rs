//! Which parts of a package.json script make files that tests may stand on, and which only look at the code.

use serde_json::{Map, Value};

use super::command::{base, handed_on, parts, unwrapped};
use crate::runner::words::{Words, line, words};

/// What only looks at the code.
const LOOKS: [&str; 26] = [
    "eslint",
    "xo",
    "standard",
    "ts-standard",
    "prettier",
    "biome",
    "oxlint",
    "stylelint",
    "tslint",
    "publint",
    "attw",
    "depcheck",
    "knip",
    "tsd",
    "dtslint",
    "echo",
    "aud",
    "evalmd",
    "size-limit",
    "commitlint",
    "markdownlint",
    "cspell",
    "jshint",
    "ls-lint",
    "zizmor",
    "codecov",
];
/// What makes files that tests may stand on.
const BUILDS: [&str; 34] = [
    "tsc",
    "vue-tsc",
    "babel",
    "rollup",
    "webpack",
    "esbuild",
    "tsup",
    "tsdown",
    "unbuild",
    "parcel",
    "microbundle",
    "swc",
    "vite",
    "gulp",
    "grunt",
    "make",
    "peggy",
    "pegjs",
    "nearleyc",
    "antlr4ts",
    "jison",
    "napi",
    "node-gyp",
    "preconstruct",
    "bob",
    "ncc",
    "pkgroll",
    "obuild",
    "zshy",
    "tshy",
    "duel",
    "copyfiles",
    "cpx",
    "wireit",
];

/// The commands of one script that make files; empty when it only looks, or does something loom does not know.
pub(super) fn builds(scripts: &Map<String, Value>, name: &str) -> Vec<String> {
    let Some(script) = scripts.get(name).and_then(Value::as_str) else { return Vec::new() };
    let kept: Vec<&str> = parts(script).into_iter().filter(|part| !only_looks(part, scripts)).collect();
    if kept.iter().any(|part| makes(part, scripts)) { kept.into_iter().map(as_command).collect() } else { Vec::new() }
}

/// Whether a part only looks at the code, or does what a proof does not need.
pub(super) fn only_looks(part: &str, scripts: &Map<String, Value>) -> bool {
    let Some(split) = words(part) else { return true };
    let (_, rest) = unwrapped(split, scripts);
    let named = handed_on(&rest, scripts);
    if !named.is_empty() {
        return named.iter().all(|(name, _)| {
            let script = scripts.get(name).and_then(Value::as_str).unwrap_or_default();
            !names_a_build(name) || parts(script).iter().all(|part| words(part).is_some_and(|split| looks(&unwrapped(split, scripts).1)))
        });
    }
    looks(&rest)
}

pub(super) fn looks(words: &[String]) -> bool {
    let Some(first) = words.first().map(|word| base(word)) else { return true };
    LOOKS.contains(&first)
        || matches!(first, "tsc" | "vue-tsc") && words.iter().any(|word| word == "--noEmit")
        || first.starts_with("in-publish")
}

/// Whether a part makes files.
pub(super) fn makes(part: &str, scripts: &Map<String, Value>) -> bool {
    let Some(split) = words(part) else { return false };
    let (_, rest) = unwrapped(split, scripts);
    let named = handed_on(&rest, scripts);
    let by_hand = |first: &str| first == "node" && rest.get(1).is_some_and(|file| names_a_build(base(file)));
    named.iter().any(|(name, _)| names_a_build(name))
        || rest.first().is_some_and(|first| BUILDS.contains(&base(first)) || by_hand(base(first)))
}

/// `build`, `compile:esm`, `prepare`, `generate-parser`, ...
pub(super) fn names_a_build(name: &str) -> bool {
    let words =
        ["build", "compile", "transpile", "bundle", "prepare", "prepack", "generate", "gen", "dist", "tsc", "codegen", "babel", "rollup"];
    name.split([':', '-', '_', '.']).any(|part| words.contains(&part))
}

/// A part as it is run apart: scripts by npm, whichever manager they name.
pub(super) fn as_command(part: &str) -> String {
    let Some(Words { vars, words }) = words(part) else { return part.to_owned() };
    let manager = words.first().is_some_and(|word| matches!(word.as_str(), "yarn" | "pnpm" | "bun"));
    let rest: Vec<&String> =
        words.iter().skip(1).filter(|word| !matches!(word.as_str(), "run" | "run-script" | "-s" | "--silent")).collect();
    match rest.first().filter(|_| manager && vars.is_empty()) {
        Some(name) if names_a_build(name) => format!("npm run {}", line(&rest.iter().map(|word| word.as_str()).collect::<Vec<_>>())),
        _ => part.to_owned(),
    }
}
