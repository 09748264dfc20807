//! JavaScript and TypeScript: the suites of a repository's packages, by what their `test` scripts come down to
//! (`script`), with what must be installed and built for them. In a workspace each package is a suite of its own.

use globset::GlobBuilder;
use serde_json::{Map, Value};

use super::built::builds;
use super::clue::{Clue, Followed, Source};
use super::script::{Resolved, resolve, resolve_one};
use super::{FOREIGN, Found, at, steps};
use crate::runner::Suite;
use crate::runner::words::words;

/// A package of the tree.
struct Package {
    dir: String,
    text: String,
    manifest: Value,
}

impl Package {
    fn read(found: &Found<'_>, dir: &str) -> Option<Package> {
        let text = found.text(&at(dir, "package.json"))?;
        let manifest = serde_json::from_str(&text).ok()?;
        Some(Package { dir: dir.to_owned(), text, manifest })
    }

    fn scripts(&self) -> Map<String, Value> {
        self.manifest.get("scripts").and_then(Value::as_object).cloned().unwrap_or_default()
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.manifest.get(name).and_then(Value::as_str)
    }

    /// What was found at a script of this package.
    fn clue(&self, script: &str, followed: Followed, why: String) -> Clue {
        let key = format!("\"{script}\"");
        let found = |fits: &dyn Fn(&str) -> bool| self.text.lines().position(fits).map(|at| at + 1);
        let line = found(&|line| line.trim_start().starts_with(&key)).or_else(|| found(&|line| line.contains(&key)));
        let says = self.scripts().get(script).and_then(Value::as_str).unwrap_or_default().to_owned();
        Clue { source: Source::Manifest, file: at(&self.dir, "package.json"), line, says, followed, why }
    }
}

/// One suite per package of a workspace; else the root's, or those of the packages nearest to it.
pub(super) fn suites(found: &Found<'_>) -> Vec<Suite> {
    let root = Package::read(found, "");
    let members = root.as_ref().map(|root| members(found, root)).unwrap_or_default();
    let whole = suite(found, "", None);
    if !members.is_empty() {
        let own: Vec<Suite> = members.iter().filter_map(|dir| suite(found, dir, root.as_ref())).collect();
        // Tests of the root that belong to no package are run by its own command only.
        let inside = |path: &str| members.iter().any(|dir| path.strip_prefix(dir.as_str()).is_some_and(|rest| rest.starts_with('/')));
        let beside = whole
            .is_some()
            .then(|| found.any_file("", |path| is_test(path) && !inside(path) && !path.split('/').any(|part| FOREIGN.contains(&part))))
            .flatten();
        match (whole, beside) {
            (Some(whole), Some(_)) => return vec![whole],
            (Some(whole), None) if own.is_empty() => return vec![whole],
            (whole, _) => {
                if let (Some(root), Some(_)) = (&root, whole) {
                    found.clue(root.clue("test", Followed::SetAside, "each package of the workspace has tests of its own".to_owned()));
                }
                return own;
            }
        }
    }
    let mut suites: Vec<Suite> = whole.into_iter().collect();
    for dir in found.folders_with("package.json").into_iter().filter(|dir| !dir.is_empty()) {
        let inside = suites.iter().any(|suite| suite.dir.is_empty() || dir.starts_with(&format!("{}/", suite.dir)));
        if !inside {
            suites.extend(suite(found, &dir, None));
        }
    }
    suites
}

/// The folders of a workspace's packages.
fn members(found: &Found<'_>, root: &Package) -> Vec<String> {
    let listed = root.manifest.get("workspaces").map(|one| one.get("packages").unwrap_or(one));
    let mut globs: Vec<String> =
        listed.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    globs.extend(found.text("pnpm-workspace.yaml").map(|text| listed_in_yaml(&text)).unwrap_or_default());
    let fits = |glob: &str, dir: &str| {
        let glob = glob.trim_start_matches("./").trim_end_matches('/');
        GlobBuilder::new(glob).literal_separator(true).build().is_ok_and(|glob| glob.compile_matcher().is_match(dir))
    };
    let (not, yes): (Vec<&String>, Vec<&String>) = globs.iter().partition(|glob| glob.starts_with('!'));
    let is_member = |dir: &String| yes.iter().any(|glob| fits(glob, dir)) && !not.iter().any(|glob| fits(&glob[1..], dir));
    found.folders_with("package.json").into_iter().filter(|dir| !dir.is_empty()).filter(is_member).collect()
}

/// The list below `packages:`.
fn listed_in_yaml(text: &str) -> Vec<String> {
    let below = text.lines().skip_while(|line| line.trim_end() != "packages:").skip(1);
    let entries = below.map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).take_while(|line| line.starts_with('-'));
    entries.map(|line| line[1..].trim().trim_matches(['"', '\'']).to_owned()).collect()
}

fn is_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let code = [".js", ".ts", ".mjs", ".cjs", ".jsx", ".tsx", ".mts", ".cts"].iter().any(|end| name.ends_with(end));
    let by_name = name.contains(".test.") || name.contains(".spec.") || name.starts_with("test.") || name.starts_with("test-");
    code && (by_name || path.split('/').any(|part| matches!(part, "test" | "tests" | "__tests__")))
}

fn suite(found: &Found<'_>, dir: &str, root: Option<&Package>) -> Option<Suite> {
    let package = Package::read(found, dir)?;
    let scripts = package.scripts();
    let (resolved, why) = match resolve(&scripts) {
        Some(resolved) => {
            let name = resolved.chain.first().cloned().unwrap_or_default();
            found.clue(package.clue(&name, Followed::Chosen, format!("it comes down to `{}`", resolved.command)));
            let why = format!("{}: {}", at(dir, "package.json"), resolved.chain.join(" -> "));
            (resolved, why)
        }
        None => {
            if scripts.contains_key("test") {
                found.clue(package.clue("test", Followed::SetAside, "loom knows no runner in it".to_owned()));
            }
            from_steps(found, dir, &scripts).or_else(|| from_packages(found, &package))?
        }
    };
    let build = build(found, &package, root, &resolved);
    let setup = setup(found, dir);
    Some(Suite { program: resolved.program, dir: dir.to_owned(), command: resolved.command, junit: None, setup, build, why })
}

/// Where the manifest's script says nothing: a step of the workflows or a recipe that runs a script, or the runner itself.
fn from_steps(found: &Found<'_>, dir: &str, scripts: &Map<String, Value>) -> Option<(Resolved, String)> {
    let recipes = steps::recipes(found, dir).into_iter().filter(|step| step.name.contains("test") || step.name == "check");
    for step in steps::workflows(found).into_iter().filter(|step| step.dir == dir).chain(recipes) {
        let mut with = scripts.clone();
        with.insert("loom:step".to_owned(), Value::String(step.command.clone()));
        let Some(mut resolved) = resolve_one(&with, "loom:step") else { continue };
        resolved.chain.remove(0);
        let clue = Clue {
            source: step.source,
            line: Some(step.line),
            says: step.command.clone(),
            followed: Followed::Chosen,
            why: format!("it comes down to `{}`", resolved.command),
            file: step.file,
        };
        let why = format!("{}: {}", clue.place(), step.command);
        found.clue(clue);
        return Some((resolved, why));
    }
    None
}

/// Where nothing says how: the one runner among the packages that finds its tests by itself.
fn from_packages(found: &Found<'_>, package: &Package) -> Option<(Resolved, String)> {
    let asked = package.manifest.get("devDependencies").and_then(Value::as_object)?;
    let runners: Vec<_> =
        [("vitest", "vitest run"), ("jest", "jest"), ("ava", "ava")].into_iter().filter(|(name, _)| asked.contains_key(*name)).collect();
    let [(name, command)] = runners[..] else { return None };
    let with = Map::from_iter([("loom:package".to_owned(), Value::String(command.to_owned()))]);
    let resolved = resolve_one(&with, "loom:package").filter(|_| !found.files(&package.dir, is_test).is_empty())?;
    found.clue(package.clue(name, Followed::Chosen, format!("nothing else says how the tests are run, so by `{command}`")));
    Some((resolved, format!("{}: {name}", at(&package.dir, "package.json"))))
}

/// What must be built in each tree: what the scripts build before the tests, what was built while installing, and what
/// the CI builds before it tests.
fn build(found: &Found<'_>, package: &Package, root: Option<&Package>, resolved: &Resolved) -> Vec<String> {
    let scripts = package.scripts();
    let mut build: Vec<String> = Vec::new();
    let mut add = |command: String, clue: Clue| {
        if !build.contains(&command) {
            build.push(command);
            found.clue(clue);
        }
    };
    let up = |command: &str| match package.dir.is_empty() {
        true => command.to_owned(),
        false => format!("cd {} && {command}", vec![".."; package.dir.split('/').count()].join("/")),
    };
    // What installing builds once would stand in every tree, whatever its source says.
    for script in ["postinstall", "prepare"] {
        if !builds(&scripts, script).is_empty() {
            add(format!("npm run {script}"), package.clue(script, Followed::Chosen, "what it makes is made anew in each tree".to_owned()));
        }
        if let Some(root) = root.filter(|root| !builds(&root.scripts(), script).is_empty()) {
            add(
                up(&format!("npm run {script}")),
                root.clue(script, Followed::Chosen, "what it makes is made anew in each tree".to_owned()),
            );
        }
    }
    for command in &resolved.build {
        let name = resolved.chain.first().map_or("test", String::as_str);
        add(command.clone(), package.clue(name, Followed::Chosen, format!("`{command}` comes before the tests")));
    }
    for (owner, dir) in [(Some(package), package.dir.as_str()), (root, "")] {
        let Some(owner) = owner else { continue };
        for step in steps::workflows(found).into_iter().filter(|step| step.dir == dir) {
            let Some(name) = built_by(&step.command, &owner.scripts()) else { continue };
            let needed = in_workflow_of_tests(found, &step.file);
            let clue = Clue {
                source: Source::Workflow,
                line: Some(step.line),
                says: step.command.clone(),
                followed: if needed { Followed::Chosen } else { Followed::SetAside },
                why: if needed { "it is built before the tests" } else { "no tests are run in that workflow" }.to_owned(),
                file: step.file,
            };
            let command = format!("npm run {name}");
            match needed {
                true if dir.is_empty() && owner.dir.is_empty() => add(up(&command), clue),
                true => add(command, clue),
                false => found.clue(clue),
            }
        }
        if let Some(missing) =
            missing_output(found, package).filter(|_| ["build", "compile"].iter().any(|name| owner.scripts().contains_key(*name)))
        {
            let name = if owner.scripts().contains_key("build") { "build" } else { "compile" };
            let clue = owner.clue(name, Followed::Chosen, format!("the tests stand on {missing}, which is not in the repository"));
            if builds(&owner.scripts(), name).is_empty() {
                continue;
            }
            if std::ptr::eq(owner, package) {
                add(format!("npm run {name}"), clue)
            } else {
                add(up(&format!("npm run {name}")), clue)
            }
            break;
        }
    }
    build
}

/// The script of this package that a step runs to build something.
fn built_by(command: &str, scripts: &Map<String, Value>) -> Option<String> {
    let split = words(command)?;
    let first = split.words.first()?;
    if !matches!(first.as_str(), "npm" | "yarn" | "pnpm" | "bun") {
        return None;
    }
    let name = split.words[1..].iter().find(|word| !word.starts_with('-') && *word != "run" && *word != "run-script")?;
    let known = ["build", "compile", "prepare", "bundle", "generate", "codegen"]
        .iter()
        .any(|word| name.split([':', '-', '_']).any(|part| part == *word));
    (known && scripts.contains_key(name) && !builds(scripts, name).is_empty()).then(|| name.clone())
}

fn in_workflow_of_tests(found: &Found<'_>, file: &str) -> bool {
    let is_test = |command: &str| {
        words(command).is_some_and(|split| {
            split
                .words
                .iter()
                .any(|word| word.starts_with("test") || word == "vitest" || word == "jest" || word == "mocha" || word == "ava")
        })
    };
    steps::workflows(found).iter().any(|step| step.file == file && is_test(&step.command))
}

/// The file a package is loaded by, when the repository has it not and the package's tests load it.
fn missing_output(found: &Found<'_>, package: &Package) -> Option<String> {
    let exported = package.manifest.get("exports").map(|exports| first_path(exports, 0)).unwrap_or_default();
    let main = package.field("main").or(package.field("module")).map(str::to_owned).or(exported)?;
    let main = main.trim_start_matches("./").to_owned();
    let folder = main.split_once('/')?.0.to_owned();
    let there = |path: &str| found.is_file(&at(&package.dir, path)) || found.is_file(&at(&package.dir, &format!("{path}.js")));
    if there(&main) || there(&format!("{main}/index.js")) {
        return None;
    }
    let name = package.field("name").unwrap_or("/");
    let marks = [format!("/{folder}/"), format!("/{folder}'"), format!("/{folder}\""), format!("'{name}'"), format!("\"{name}\"")];
    let own = ["'..'", "\"..\"", "'../'", "\"../\""];
    let files = found.files(&package.dir, is_test);
    let loads = |text: &str| marks.iter().any(|mark| text.contains(mark.as_str())) || own.iter().any(|mark| text.contains(mark));
    files.iter().take(200).any(|file| found.text(file).is_some_and(|text| loads(&text))).then(|| at(&package.dir, &main))
}

/// The first file that `exports` names.
fn first_path(exports: &Value, depth: usize) -> Option<String> {
    match exports {
        Value::String(path) if !path.ends_with(".d.ts") => Some(path.clone()),
        Value::Object(table) if depth < 6 => table
            .get(".")
            .and_then(|own| first_path(own, depth + 1))
            .or_else(|| table.values().find_map(|value| first_path(value, depth + 1))),
        _ => None,
    }
}

/// Installs by the lock file that is there.
pub(super) fn setup(found: &Found<'_>, dir: &str) -> Vec<String> {
    let manifest: Value = found.text(&at(dir, "package.json")).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let filled = |name: &str| manifest.get(name).and_then(Value::as_object).is_some_and(|table| !table.is_empty());
    // What a package of a workspace needs is installed where the workspace is.
    let home = Package::read(found, "").filter(|root| !dir.is_empty() && members(found, root).iter().any(|member| member == dir));
    let inside = home.is_some();
    if !inside
        && !["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"].into_iter().any(filled)
        && manifest.get("workspaces").is_none()
    {
        return Vec::new();
    }
    let lock = |name: &str| found.is_file(&if inside { name.to_owned() } else { at(dir, name) });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::Program;
    use crate::runner::trial::write;

    fn found(files: &[(&str, &str)]) -> (Vec<Suite>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), files);
        let found = Found::new(folder.path(), &|_| true);
        let suites = suites(&found);
        (suites, found.clues().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn packages_of_a_workspace_are_suites_and_the_root_is_the_fallback() {
        let core = ("packages/core/package.json", r#"{"name": "core", "scripts": {"test": "jest"}}"#);
        let app = ("packages/app/package.json", r#"{"name": "app", "scripts": {"test": "vitest"}}"#);
        let docs = ("packages/docs/package.json", r#"{"name": "docs"}"#);
        let root = (
            "package.json",
            "{\n \"workspaces\": [\"packages/*\", \"!packages/old\"],\n \"scripts\": {\n  \"test\": \"vitest run\"\n }\n}",
        );
        let old = ("packages/old/package.json", r#"{"scripts": {"test": "ava"}}"#);
        let dirs = |suites: &[Suite]| suites.iter().map(|suite| format!("{} {:?}", suite.dir, suite.program)).collect::<Vec<_>>();
        let (suites, clues) = found(&[root, core, app, docs, old]);
        assert_eq!(dirs(&suites), ["packages/app Vitest", "packages/core Jest"]);
        assert_eq!(suites[0].setup, ["npm install --no-package-lock"], "the workspace is installed, whatever the package itself needs");
        assert!(
            clues.contains(&"package.json:4: `vitest run`: set aside, each package of the workspace has tests of its own".to_owned()),
            "{clues:#?}"
        );
        assert_eq!(dirs(&found(&[root, docs]).0), [" Vitest"]);
        assert_eq!(dirs(&found(&[root, core, ("test/whole.test.js", "")]).0), [" Vitest"], "tests of the root itself");
        let pnpm = ("pnpm-workspace.yaml", "packages:\n  # all\n  - 'packages/*'\n\ncatalog:\n");
        assert_eq!(dirs(&found(&[("package.json", r#"{"scripts": {"test": "pnpm -r test"}}"#), pnpm, core, app]).0).len(), 2);
    }

    #[test]
    fn a_manifest_that_says_nothing_leaves_it_to_the_workflows_and_recipes() {
        let package = ("package.json", r#"{"scripts": {"test": "karma start", "unit": "mocha spec"}}"#);
        let workflow = (".github/workflows/ci.yml", "jobs:\n  a:\n    steps:\n      - run: npm ci\n      - run: npm run unit\n");
        let (suites, clues) = found(&[package, workflow]);
        assert_eq!((suites[0].program, suites[0].command.as_str()), (Program::Mocha, "mocha spec"));
        assert_eq!(suites[0].why, "package.json: unit -> mocha spec");
        assert!(clues.iter().any(|clue| clue.contains("chosen, it comes down to `mocha spec`")), "{clues:#?}");
        let bare = ("package.json", r#"{"scripts": {"test": "make test"}}"#);
        let (suites, clues) = found(&[bare, ("Makefile", "test:\n\tnode_modules/.bin/mocha --ui tdd\n")]);
        assert_eq!(suites[0].command, "node_modules/.bin/mocha --ui tdd");
        assert!(clues.contains(&"package.json:1: `make test`: set aside, loom knows no runner in it".to_owned()), "{clues:#?}");
        assert_eq!(suites[0].why, "Makefile:2: node_modules/.bin/mocha --ui tdd");
        let foreign = ("package.json", r#"{"scripts": {"test": "ts-scripts test"}, "devDependencies": {"vitest": "^3"}}"#);
        assert_eq!(found(&[foreign, ("src/a.spec.ts", "")]).0[0].command, "vitest run");
        assert!(found(&[foreign]).0.is_empty());
    }

    #[test]
    fn builds_come_from_scripts_installation_workflows_and_from_what_is_missing() {
        let build = |files: &[(&str, &str)]| found(files).0.remove(0).build;
        let prepare = r#"{"scripts": {"test": "mocha", "prepare": "npm run build", "build": "tsc"}}"#;
        assert_eq!(build(&[("package.json", prepare)]), ["npm run prepare"]);
        assert_eq!(build(&[("package.json", r#"{"scripts": {"test": "mocha", "prepare": "husky"}}"#)]), Vec::<String>::new());
        let plain = r#"{"name": "a", "main": "dist/index.js", "scripts": {"test": "mocha", "build": "rollup -c"}}"#;
        let steps = "      - run: npm ci\n      - run: npm run build --if-present\n      - run: npm test\n";
        assert_eq!(build(&[("package.json", plain), (".github/workflows/ci.yml", steps)]), ["npm run build"]);
        assert_eq!(build(&[("package.json", plain), (".github/workflows/site.yml", "      - run: npm run build\n")]), Vec::<String>::new());
        assert_eq!(build(&[("package.json", plain), ("test/a.js", "require('../dist/index.js')")]), ["npm run build"]);
        assert_eq!(build(&[("package.json", plain), ("test/a.js", "require('..')"), ("dist/index.js", "")]), Vec::<String>::new());
        assert_eq!(build(&[("package.json", plain), ("test/a.js", "require('../src')")]), Vec::<String>::new());
        let member = ("packages/a/package.json", r#"{"name": "a", "scripts": {"test": "mocha"}}"#);
        let root = ("package.json", r#"{"workspaces": ["packages/*"], "scripts": {"prepare": "tsc -b"}}"#);
        assert_eq!(build(&[root, member]), ["cd ../.. && npm run prepare"]);
    }
}
