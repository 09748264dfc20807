//! One command of a package.json script taken apart: the wrappers around it, the scripts it hands on to, the runner that
//! it starts. Following scripts is `script`; what builds is `built`.

use serde_json::{Map, Value};

use crate::runner::Program;
use crate::runner::words::Words;

/// Programs that only run another one with something around it.
const WRAPPERS: [&str; 19] = [
    "nyc",
    "c8",
    "cross-env",
    "cross-env-shell",
    "npx",
    "env-cmd",
    "istanbul",
    "cover",
    "exec",
    "dotenv",
    "env",
    "time",
    "xvfb-run",
    "dotenvx",
    "tsx-run",
    "monocart",
    "yarn",
    "pnpm",
    "npm",
];
/// Programs that run all scripts they name.
const ALL: [&str; 6] = ["run-s", "run-p", "npm-run-all", "npm-run-all2", "npm-run-all-next", "concurrently"];

/// The commands of a script; what is piped on, or tried after a failure, is left out.
pub(super) fn parts(script: &str) -> Vec<&str> {
    let commands = script.split("&&").flat_map(|part| part.split(';'));
    let first = |part: &str| part.find('|').map_or(part.len(), |at| at);
    commands.map(|part| part[..first(part)].trim()).filter(|part| !part.is_empty()).collect()
}

pub(super) fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word).trim_end_matches(".js").trim_end_matches(".mjs").trim_end_matches(".cjs")
}

/// A command without the programs around it, with the variables they set.
pub(super) fn unwrapped(split: Words, scripts: &Map<String, Value>) -> (Vec<(String, String)>, Vec<String>) {
    let Words { mut vars, mut words } = split;
    while let Some(first) = words.first().map(|word| base(word).to_owned()).filter(|first| WRAPPERS.contains(&first.as_str())) {
        if matches!(first.as_str(), "yarn" | "pnpm" | "npm") && !words.iter().skip(1).any(|word| word == "exec" || word == "dlx") {
            let next = words.iter().skip(1).find(|word| !word.starts_with('-') && *word != "run").map(|word| base(word).to_owned());
            // `pnpm vitest run` starts a program, `pnpm lint` a script.
            if first == "npm"
                || next.as_ref().is_some_and(|next| scripts.contains_key(next))
                || !next.is_some_and(|next| is_runner(&next) || WRAPPERS.contains(&next.as_str()) || next == "node")
            {
                break;
            }
        }
        // The wrapper's own options may have values: the next word that is a program ends them.
        let program = (1..words.len()).find(|at| {
            let of_option = words[at - 1] == "--reporter" || words[at - 1] == "-r" || words[at - 1] == "--extension";
            let word = base(&words[*at]);
            let manager = matches!(word, "npm" | "yarn" | "pnpm");
            !of_option
                && (is_runner(word) || WRAPPERS.contains(&word) && word != "exec" || manager || word == "node" || words[at - 1] == "--")
        });
        let Some(program) = program else { break };
        for word in words.drain(..program).skip(1) {
            if let Some((name, value)) = word.split_once('=').filter(|_| !word.starts_with('-')) {
                vars.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    (vars, words)
}

/// The scripts that a command names, with what it hands over to them.
pub(super) fn handed_on(words: &[String], scripts: &Map<String, Value>) -> Vec<(String, Vec<String>)> {
    let Some(first) = words.first().map(|word| base(word)) else { return Vec::new() };
    if ALL.contains(&first) {
        let named = words[1..].iter().filter(|word| !word.starts_with('-')).flat_map(|word| matching(word, scripts));
        return named.map(|name| (name, Vec::new())).collect();
    }
    if !matches!(first, "npm" | "yarn" | "pnpm" | "bun") {
        return Vec::new();
    }
    let mut rest = words[1..].iter().skip_while(|word| word.starts_with('-'));
    let name = match rest.next().map(String::as_str) {
        Some("run" | "run-script") => rest.by_ref().find(|word| !word.starts_with('-')).cloned(),
        Some("test" | "t" | "tst") => Some("test".to_owned()),
        Some("exec" | "install" | "ci" | "workspaces" | "workspace") | None => None,
        Some(other) if first != "npm" => Some(other.to_owned()),
        Some(_) => None,
    };
    let extra: Vec<String> = rest.filter(|word| *word != "--").cloned().collect();
    // All packages of a workspace are found by themselves.
    let elsewhere =
        words.iter().any(|word| matches!(word.as_str(), "-r" | "--recursive" | "--workspaces" | "-ws" | "--filter" | "-w" | "--workspace"));
    name.filter(|name| !elsewhere && scripts.contains_key(name)).map(|name| (name, extra)).into_iter().collect()
}

/// The scripts that `npm:test:*` or `test:*` means.
pub(super) fn matching(word: &str, scripts: &Map<String, Value>) -> Vec<String> {
    let word = word.trim_start_matches("npm:").trim_start_matches("yarn:").trim_start_matches("pnpm:");
    match word.split_once('*') {
        Some((start, end)) => {
            let end = end.trim_start_matches('*');
            scripts.keys().filter(|name| name.starts_with(start) && name.ends_with(end) && name.len() > start.len()).cloned().collect()
        }
        None => scripts.contains_key(word).then(|| word.to_owned()).into_iter().collect(),
    }
}

pub(super) fn is_runner(name: &str) -> bool {
    matches!(
        name,
        "jest"
            | "vitest"
            | "mocha"
            | "_mocha"
            | "ts-mocha"
            | "ava"
            | "tape"
            | "tap"
            | "tsx"
            | "react-scripts"
            | "kcd-scripts"
            | "tsdx"
            | "craco"
    )
}

/// The runner that a command starts, and its words.
pub(super) fn runner(mut words: Vec<String>) -> Option<(Program, Vec<String>)> {
    let name = base(words.first()?).to_owned();
    let program = match name.as_str() {
        "jest" => Program::Jest,
        "vitest" if words.get(1).is_none_or(|word| word != "bench" && word != "typecheck") => Program::Vitest,
        "tape" => Program::Tap,
        "tap" => {
            // node-tap prints for people unless told otherwise, and ends a file after 30 seconds.
            words.retain(|word| !word.starts_with("--reporter") && !word.starts_with("-R"));
            words.splice(1..1, ["--reporter=tap", "--timeout=240"].map(str::to_owned));
            Program::Tap
        }
        "ava" => Program::Ava,
        "mocha" | "_mocha" | "ts-mocha" => Program::Mocha,
        "react-scripts" | "kcd-scripts" | "tsdx" | "craco" if words.get(1).is_some_and(|word| word == "test") => Program::Jest,
        "tsx" if words.iter().any(|word| word == "--test") => {
            words.splice(0..1, ["node", "--import", "tsx"].map(str::to_owned));
            Program::NodeTest
        }
        "node" if words.iter().any(|word| word == "--test" || word.starts_with("--test-")) => Program::NodeTest,
        // `node --experimental-vm-modules node_modules/.bin/jest`: another runner started by hand.
        "node" => match words
            .iter()
            .skip(1)
            .map(|word| base(word))
            .find(|word| matches!(*word, "jest" | "vitest" | "tape" | "mocha" | "_mocha" | "ava"))?
        {
            "jest" => Program::Jest,
            "vitest" => Program::Vitest,
            "ava" => Program::Ava,
            "tape" => Program::Tap,
            _ => Program::Mocha,
        },
        _ => return None,
    };
    Some((program, words))
}

/// The command without what watches, measures, or stops at the first failure.
pub(super) fn tidy(program: Program, words: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    let mut rest = words.into_iter().peekable();
    while let Some(word) = rest.next() {
        let valued = ["--coverageReporters", "--coverageDirectory", "--coverage.reporter", "--coverage.provider", "--changedSince"];
        let short = |letters: &[&str]| letters.contains(&word.as_str());
        let stops = match program {
            Program::Jest | Program::Mocha => short(&["-b"]) || word == "--bail" || word.starts_with("--bail="),
            Program::Vitest => word.starts_with("--bail="),
            Program::Ava => word == "--fail-fast",
            _ => false,
        };
        let watches = ["--watch", "--watchAll", "--onlyChanged", "--changed"].contains(&word.as_str())
            || program == Program::Vitest && short(&["-w", "--ui"])
            || program == Program::Jest && short(&["-o"])
            || word.starts_with("--changedSince=");
        let number = |word: &String| word.bytes().all(|byte| byte.is_ascii_digit());
        if program == Program::Vitest && word == "--bail" {
            rest.next_if(number);
        } else if valued.contains(&word.as_str()) {
            rest.next_if(|next| !next.starts_with('-'));
        } else if !(stops || watches || word.starts_with("--coverage") || word == "--collectCoverage") {
            kept.push(word);
        }
    }
    if program == Program::Vitest && base(&kept[0]) == "vitest" && !kept.iter().any(|word| word == "run" || word == "--run") {
        kept.insert(1, "run".to_owned());
    }
    kept
}
