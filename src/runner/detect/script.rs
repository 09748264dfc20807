//! The scripts of a package.json followed to the runner they come down to, through other scripts, wrappers and pipes;
//! what is built before it is collected on the way. What the runner prints is read elsewhere.

use serde_json::{Map, Value};

use super::built::{as_command, builds, makes, only_looks};
use super::command::{handed_on, parts, runner, tidy, unwrapped};
use crate::runner::Program;
use crate::runner::words::{assigned, line, words};

/// How often one script may lead to another.
const CHAIN: usize = 8;
/// Names of scripts that run the tests, best first.
const NAMES: [&str; 13] = [
    "test",
    "tests",
    "tests-only",
    "test:unit",
    "unit",
    "unit-test",
    "test-unit",
    "test:node",
    "test:ci",
    "jest",
    "vitest",
    "mocha",
    "ava",
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
                let vars = assigned(&self.vars);
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
            (
                "NODE_OPTIONS=--experimental-vm-modules npx jest --config jest.esm.json",
                Program::Jest,
                "NODE_OPTIONS=--experimental-vm-modules jest --config jest.esm.json",
            ),
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
            ("tap test/*.js", Program::Tap, "tap --reporter=tap --timeout=240 'test/*.js'"),
        ] {
            let one = found(&[("test", script)]);
            assert_eq!(one.map(|one| (one.0, one.1)), Some((program, command.to_owned())), "{script}");
        }
        for script in [
            "karma start",
            "echo no test && exit 1",
            "npm test --workspaces",
            "pnpm -r test",
            "lerna run test",
            "turbo run test",
            "eslint .",
        ] {
            assert_eq!(found(&[("test", script)]), None, "{script}");
        }
    }

    #[test]
    fn scripts_lead_to_scripts() {
        let all =
            [("test", "run-s lint test:*"), ("lint", "eslint ."), ("test:types", "tsc --noEmit"), ("test:unit", "NODE_ENV=test mocha")];
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
        assert_eq!(
            build(&[("test", "npm run unit"), ("preunit", "npm run compile"), ("compile", "babel src -d lib"), ("unit", "mocha")]),
            ["npm run compile"]
        );
        assert_eq!(
            build(&[("pretest", "npm run lint"), ("lint", "eslint ."), ("test", "mocha"), ("posttest", "npm audit")]),
            Vec::<String>::new()
        );
    }
}
