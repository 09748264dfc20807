//! The scripts of a package.json followed to the runner they come down to, through other scripts, wrappers and pipes;
//! what is built before it is collected on the way. What the runner prints is read elsewhere.

use serde_json::{Map, Value};

use crate::runner::Program;
use crate::runner::words::{Words, line, words};

/// How often one script may lead to another.
const CHAIN: usize = 8;
/// Names of scripts that run the tests, best first.
const NAMES: [&str; 13] = [
    "test", "tests", "tests-only", "test:unit", "unit", "unit-test", "test-unit", "test:node", "test:ci", "jest", "vitest", "mocha", "ava",
];
/// Programs that only run another one with something around it.
const WRAPPERS: [&str; 19] = [
    "nyc", "c8", "cross-env", "cross-env-shell", "npx", "env-cmd", "istanbul", "cover", "exec", "dotenv", "env", "time", "xvfb-run",
    "dotenvx", "tsx-run", "monocart", "yarn", "pnpm", "npm",
];
/// Programs that run all scripts they name.
const ALL: [&str; 6] = ["run-s", "run-p", "npm-run-all", "npm-run-all2", "npm-run-all-next", "concurrently"];
/// What only looks at the code.
const LOOKS: [&str; 26] = [
    "eslint", "xo", "standard", "ts-standard", "prettier", "biome", "oxlint", "stylelint", "tslint", "publint", "attw", "depcheck", "knip",
    "tsd", "dtslint", "echo", "aud", "evalmd", "size-limit", "commitlint", "markdownlint", "cspell", "jshint", "ls-lint", "zizmor", "codecov",
];
/// What makes files that tests may stand on.
const BUILDS: [&str; 34] = [
    "tsc", "vue-tsc", "babel", "rollup", "webpack", "esbuild", "tsup", "tsdown", "unbuild", "parcel", "microbundle", "swc", "vite", "gulp",
    "grunt", "make", "peggy", "pegjs", "nearleyc", "antlr4ts", "jison", "napi", "node-gyp", "preconstruct", "bob", "ncc", "pkgroll", "obuild",
    "zshy", "tshy", "duel", "copyfiles", "cpx", "wireit",
];

/// What a script comes down to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) program: Program,
    pub(super) command: String,
    /// Names of scripts and the last one's text.
    pub(super) chain: Vec<String>,
    /// What the scripts build before it, as commands.
    pub(super) build: Vec<String>,
}

/// Follows the first script that runs tests.
pub(super) fn resolve(scripts: &Map<String, Value>) -> Option<Resolved> {
    NAMES.iter().find_map(|name| resolve_one(scripts, name))
}

/// Follows one script, with what its `pre` script builds.
pub(super) fn resolve_one(scripts: &Map<String, Value>, name: &str) -> Option<Resolved> {
    let mut path = Path { scripts, chain: vec![name.to_owned()], vars: Vec::new(), extra: Vec::new(), build: Vec::new() };
    path.follow(name)
}

/// The commands of one script that make files; empty when it only looks, or does something loom does not know.
pub(super) fn builds(scripts: &Map<String, Value>, name: &str) -> Vec<String> {
    let Some(script) = scripts.get(name).and_then(Value::as_str) else { return Vec::new() };
    let kept: Vec<&str> = parts(script).into_iter().filter(|part| !only_looks(part, scripts)).collect();
    if kept.iter().any(|part| makes(part, scripts)) { kept.into_iter().map(as_command).collect() } else { Vec::new() }
}

/// A way through scripts.
struct Path<'s> {
    scripts: &'s Map<String, Value>,
    chain: Vec<String>,
    vars: Vec<(String, String)>,
    extra: Vec<String>,
    build: Vec<String>,
}

impl Path<'_> {
    fn follow(&mut self, name: &str) -> Option<Resolved> {
        let script = self.scripts.get(name)?.as_str()?;
        let before = self.build.len();
        self.build.extend(builds(self.scripts, &format!("pre{name}")));
        let own = self.build.len();
        let mut waiting: Vec<String> = Vec::new();
        for part in parts(script) {
            let Some(split) = words(part) else { continue };
            let (vars, rest) = unwrapped(split, self.scripts);
            let known = self.vars.len();
            self.vars.extend(vars);
            let named = handed_on(&rest, self.scripts);
            let alone = named.is_empty();
            for (next, extra) in named {
                if let Some(resolved) = self.into(&next, &extra) {
                    return Some(self.after(resolved, own, &waiting));
                }
                waiting.push(format!("npm run {next}"));
            }
            if alone && let Some((program, mut words)) = runner(rest) {
                words.extend(self.extra.clone());
                let vars: String = self.vars.iter().map(|(name, value)| format!("{name}={} ", line(&[value]))).collect();
                let chain = self.chain.iter().cloned().chain([script.to_owned()]).collect();
                let command = format!("{vars}{}", line(&tidy(program, words)));
                let resolved = Resolved { program, command, chain, build: self.build.clone() };
                return Some(self.after(resolved, own, &waiting));
            }
            self.vars.truncate(known);
            if alone {
                waiting.push(part.to_owned());
            }
        }
        self.build.truncate(before);
        None
    }

    fn into(&mut self, next: &str, extra: &[String]) -> Option<Resolved> {
        if self.chain.len() >= CHAIN || self.chain.iter().any(|name| name == next) {
            return None;
        }
        self.chain.push(next.to_owned());
        let more = self.extra.clone();
        self.extra.splice(0..0, extra.iter().cloned());
        let resolved = self.follow(next);
        if resolved.is_none() {
            self.extra = more;
            self.chain.pop();
        }
        resolved
    }

    /// With what the script does before its tests, which comes before what those build themselves.
    fn after(&self, mut resolved: Resolved, at: usize, waiting: &[String]) -> Resolved {
        let own: Vec<&String> = waiting.iter().filter(|part| !only_looks(part, self.scripts)).collect();
        if own.iter().any(|part| makes(part, self.scripts)) {
            resolved.build.splice(at..at, own.into_iter().map(|part| as_command(part)));
        }
        resolved.build.dedup();
        resolved
    }
}

/// The commands of a script; what is piped on, or tried after a failure, is left out.
pub(super) fn parts(script: &str) -> Vec<&str> {
    let commands = script.split("&&").flat_map(|part| part.split(';'));
    let first = |part: &str| part.find('|').map_or(part.len(), |at| at);
    commands.map(|part| part[..first(part)].trim()).filter(|part| !part.is_empty()).collect()
}

fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word).trim_end_matches(".js").trim_end_matches(".mjs").trim_end_matches(".cjs")
}

/// Whether a part only looks at the code, or does what a proof does not need.
fn only_looks(part: &str, scripts: &Map<String, Value>) -> bool {
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

fn looks(words: &[String]) -> bool {
    let Some(first) = words.first().map(|word| base(word)) else { return true };
    LOOKS.contains(&first) || matches!(first, "tsc" | "vue-tsc") && words.iter().any(|word| word == "--noEmit") || first.starts_with("in-publish")
}

/// Whether a part makes files.
fn makes(part: &str, scripts: &Map<String, Value>) -> bool {
    let Some(split) = words(part) else { return false };
    let (_, rest) = unwrapped(split, scripts);
    let named = handed_on(&rest, scripts);
    let by_hand = |first: &str| first == "node" && rest.get(1).is_some_and(|file| names_a_build(base(file)));
    named.iter().any(|(name, _)| names_a_build(name)) || rest.first().is_some_and(|first| BUILDS.contains(&base(first)) || by_hand(base(first)))
}

/// `build`, `compile:esm`, `prepare`, `generate-parser`, ...
fn names_a_build(name: &str) -> bool {
    let words = ["build", "compile", "transpile", "bundle", "prepare", "prepack", "generate", "gen", "dist", "tsc", "codegen", "babel", "rollup"];
    name.split([':', '-', '_', '.']).any(|part| words.contains(&part))
}

/// A part as it is run apart: scripts by npm, whichever manager they name.
fn as_command(part: &str) -> String {
    let Some(Words { vars, words }) = words(part) else { return part.to_owned() };
    let manager = words.first().is_some_and(|word| matches!(word.as_str(), "yarn" | "pnpm" | "bun"));
    let rest: Vec<&String> = words.iter().skip(1).filter(|word| !matches!(word.as_str(), "run" | "run-script" | "-s" | "--silent")).collect();
    match rest.first().filter(|_| manager && vars.is_empty()) {
        Some(name) if names_a_build(name) => format!("npm run {}", line(&rest.iter().map(|word| word.as_str()).collect::<Vec<_>>())),
        _ => part.to_owned(),
    }
}

/// A command without the programs around it, with the variables they set.
fn unwrapped(split: Words, scripts: &Map<String, Value>) -> (Vec<(String, String)>, Vec<String>) {
    let Words { mut vars, mut words } = split;
    while let Some(first) = words.first().map(|word| base(word).to_owned()).filter(|first| WRAPPERS.contains(&first.as_str())) {
        if matches!(first.as_str(), "yarn" | "pnpm" | "npm") && !words.iter().skip(1).any(|word| word == "exec" || word == "dlx") {
            let next = words.iter().skip(1).find(|word| !word.starts_with('-') && *word != "run").map(|word| base(word).to_owned());
            // `pnpm vitest run` starts a program, `pnpm lint` a script.
            if first == "npm" || next.as_ref().is_some_and(|next| scripts.contains_key(next)) || !next.is_some_and(|next| is_runner(&next) || WRAPPERS.contains(&next.as_str()) || next == "node") {
                break;
            }
        }
        // The wrapper's own options may have values: the next word that is a program ends them.
        let program = (1..words.len()).find(|at| {
            let of_option = words[at - 1] == "--reporter" || words[at - 1] == "-r" || words[at - 1] == "--extension";
            let word = base(&words[*at]);
            let manager = matches!(word, "npm" | "yarn" | "pnpm");
            !of_option && (is_runner(word) || WRAPPERS.contains(&word) && word != "exec" || manager || word == "node" || words[at - 1] == "--")
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
fn handed_on(words: &[String], scripts: &Map<String, Value>) -> Vec<(String, Vec<String>)> {
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
    let elsewhere = words.iter().any(|word| matches!(word.as_str(), "-r" | "--recursive" | "--workspaces" | "-ws" | "--filter" | "-w" | "--workspace"));
    name.filter(|name| !elsewhere && scripts.contains_key(name)).map(|name| (name, extra)).into_iter().collect()
}

/// The scripts that `npm:test:*` or `test:*` means.
fn matching(word: &str, scripts: &Map<String, Value>) -> Vec<String> {
    let word = word.trim_start_matches("npm:").trim_start_matches("yarn:").trim_start_matches("pnpm:");
    match word.split_once('*') {
        Some((start, end)) => {
            let end = end.trim_start_matches('*');
            scripts.keys().filter(|name| name.starts_with(start) && name.ends_with(end) && name.len() > start.len()).cloned().collect()
        }
        None => scripts.contains_key(word).then(|| word.to_owned()).into_iter().collect(),
    }
}

fn is_runner(name: &str) -> bool {
    matches!(
        name,
        "jest" | "vitest" | "mocha" | "_mocha" | "ts-mocha" | "ava" | "tape" | "tap" | "tsx" | "react-scripts" | "kcd-scripts" | "tsdx" | "craco"
    )
}

/// The runner that a command starts, and its words.
fn runner(mut words: Vec<String>) -> Option<(Program, Vec<String>)> {
    let name = base(words.first()?).to_owned();
    let program = match name.as_str() {
        "jest" => Program::Jest,
        "vitest" if words.get(1).is_none_or(|word| word != "bench" && word != "typecheck") => Program::Vitest,
        "tape" => Program::Tap,
        "tap" => {
            words.push("--reporter=tap".to_owned());
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
        "node" => match words.iter().skip(1).map(|word| base(word)).find(|word| matches!(*word, "jest" | "vitest" | "tape" | "mocha" | "_mocha" | "ava"))? {
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
fn tidy(program: Program, words: Vec<String>) -> Vec<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn scripts(list: &[(&str, &str)]) -> Map<String, Value> {
        list.iter().map(|(name, script)| ((*name).to_owned(), Value::String((*script).to_owned()))).collect()
    }

    fn found(list: &[(&str, &str)]) -> Option<(Program, String, Vec<String>)> {
        resolve(&scripts(list)).map(|found| (found.program, found.command, found.build))
    }

    #[test]
    fn shapes_of_test_scripts() {
        for (script, program, command) in [
            ("nyc --check-coverage mocha --timeout 5000", Program::Mocha, "mocha --timeout 5000"),
            ("c8 --reporter lcov --reporter text -- mocha 'test/**/*.js' --bail", Program::Mocha, "mocha 'test/**/*.js'"),
            ("NODE_OPTIONS=--experimental-vm-modules npx jest --config jest.esm.json", Program::Jest, "NODE_OPTIONS=--experimental-vm-modules jest --config jest.esm.json"),
            ("cross-env NODE_OPTIONS='--loader ts-node/esm' mocha", Program::Mocha, "NODE_OPTIONS='--loader ts-node/esm' mocha"),
            ("dotenv -e .env.test -- jest -i", Program::Jest, "jest -i"),
            ("vitest --run --coverage.enabled --bail 1", Program::Vitest, "vitest --run"),
            ("vitest run --changed", Program::Vitest, "vitest run"),
            ("tape 'test/*.js' | tap-spec", Program::Tap, "tape 'test/*.js'"),
            ("jest --coverage --coverageReporters json || true", Program::Jest, "jest"),
            ("tsx --test 'test/**/*.ts'", Program::NodeTest, "node --import tsx --test 'test/**/*.ts'"),
            ("react-scripts test --watchAll=false", Program::Jest, "react-scripts test --watchAll=false"),
            ("node ./node_modules/mocha/bin/_mocha -R dot", Program::Mocha, "node ./node_modules/mocha/bin/_mocha -R dot"),
            ("ts-mocha -p tsconfig.json test/*.ts", Program::Mocha, "ts-mocha -p tsconfig.json 'test/*.ts'"),
            ("xo && ava && tsd", Program::Ava, "ava"),
            ("yarn jest", Program::Jest, "jest"),
            ("yarn run vitest", Program::Vitest, "vitest run"),
            ("tap test/*.js", Program::Tap, "tap 'test/*.js' --reporter=tap"),
        ] {
            let one = found(&[("test", script)]);
            assert_eq!(one.map(|one| (one.0, one.1)), Some((program, command.to_owned())), "{script}");
        }
        for script in ["karma start", "echo no test && exit 1", "npm test --workspaces", "pnpm -r test", "lerna run test", "turbo run test", "eslint ."] {
            assert_eq!(found(&[("test", script)]), None, "{script}");
        }
    }

    #[test]
    fn scripts_lead_to_scripts() {
        let all = [("test", "run-s lint test:*"), ("lint", "eslint ."), ("test:types", "tsc --noEmit"), ("test:unit", "NODE_ENV=test mocha")];
        assert_eq!(found(&all), Some((Program::Mocha, "NODE_ENV=test mocha".into(), Vec::new())));
        let more = [("test", "cross-env TZ=UTC npm run unit -- --grep x"), ("unit", "c8 mocha")];
        assert_eq!(found(&more), Some((Program::Mocha, "TZ=UTC mocha --grep x".into(), Vec::new())));
        let parallel = [("test", "concurrently npm:lint npm:unit"), ("lint", "eslint ."), ("unit", "vitest")];
        assert_eq!(found(&parallel).unwrap().1, "vitest run");
        let chain = resolve(&scripts(&more)).unwrap().chain;
        assert_eq!(chain, ["test", "unit", "c8 mocha"]);
    }

    #[test]
    fn what_is_built_before_the_tests_is_found_and_what_only_looks_is_not() {
        let build = |list: &[(&str, &str)]| found(list).unwrap().2;
        assert_eq!(build(&[("test", "npm run lint && npm run build && mocha"), ("lint", "eslint ."), ("build", "tsc")]), ["npm run build"]);
        assert_eq!(build(&[("pretest", "yarn build"), ("test", "jest"), ("build", "rollup -c")]), ["npm run build"]);
        assert_eq!(build(&[("pretest", "eslint . && tsc --noEmit"), ("test", "jest")]), Vec::<String>::new());
        assert_eq!(build(&[("test", "tsc -p test && node --test out/")]), ["tsc -p test"]);
        assert_eq!(build(&[("test", "rimraf out && tsc && ava")]), ["rimraf out", "tsc"]);
        assert_eq!(build(&[("test", "node scripts/build.js && tape test.js")]), ["node scripts/build.js"]);
        assert_eq!(build(&[("test", "npm run unit"), ("preunit", "npm run compile"), ("compile", "babel src -d lib"), ("unit", "mocha")]), ["npm run compile"]);
        assert_eq!(build(&[("pretest", "npm run lint"), ("lint", "eslint ."), ("test", "mocha"), ("posttest", "npm audit")]), Vec::<String>::new());
    }
}
