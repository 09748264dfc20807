//! Setup: installs what the suites need, once, with network, in a pristine base tree, before any model-written code
//! exists. What it leaves in the tree is taken out: dependencies are shared, the rest is put into every tree.

mod again;
mod build;
mod harvest;
mod npm;
mod pip;
mod reuse;
mod scripted;

pub use again::{Anew, prepare_again};
pub use harvest::is_manifest;
pub use reuse::{Reach, fingerprint, reach};

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::bench::{Kept, own_variables};
use super::session::Deadline;
use super::text::{first_lines, streams};
use super::{Bench, Program, Suite, places};
use crate::config::TestSettings;
use crate::error::{Failure, Kind, OrFail, Result};
use crate::sandbox::{Cancel, Ending, Finished, Limits, Mount, Network, Sandbox, Tier};
use crate::task::{Event, Reporter};
use crate::workspace::{Shared, Tree};

/// The bench's own record in its folder.
const RECORD: &str = "bench.json";
/// The one folder of the bench that setup's children write to. What loom itself reads and writes lies beside it: a link
/// planted there would lead loom to any file of this machine.
const MADE: &str = "made";

/// Runs the suites' setup with network, once, in a pristine base tree at `host`; `folder` keeps what all trees share
/// (virtual environment, package caches, ...). A second call with the same input answers from what is there.
pub fn prepare(
    sandbox: &Sandbox,
    suites: Vec<Suite>,
    host: &Path,
    folder: &Path,
    settings: &TestSettings,
    reporter: &dyn Reporter,
    cancel: &Cancel,
) -> Result<Bench> {
    let made = folder.join(MADE);
    fs::create_dir_all(&made).or_fail(Kind::Workspace, || format!("making {}", made.display()))?;
    let folder = folder.canonicalize().or_fail(Kind::Workspace, || format!("finding {}", folder.display()))?;
    let host = host.canonicalize().or_fail(Kind::Workspace, || format!("finding the tree at {}", host.display()))?;
    let mut setup = Setup::new(sandbox, suites, host, folder, settings, reporter, cancel)?;
    let input = setup.input();
    if let Some(kept) = setup.kept(&input) {
        return Ok(setup.bench(kept));
    }
    let before = harvest::paths(&setup.tree.host)?;
    setup.environments()?;
    setup.commands()?;
    build::try_out(&mut setup, &before, &settings.build)?;
    let moved = harvest::take(&setup.tree.host, &setup.folder, &before)?;
    let warnings = setup.warned.take();
    let kept = Kept { input, suites: setup.suites.clone(), moved, env: setup.env.clone(), warnings };
    setup.keep(&kept)?;
    Ok(setup.bench(kept))
}

/// A setup in progress.
struct Setup<'a> {
    sandbox: &'a Sandbox,
    suites: Vec<Suite>,
    /// Loom's own; no child writes to it.
    folder: PathBuf,
    /// What children make in it.
    made: PathBuf,
    /// `made` as children see it.
    inside: PathBuf,
    tree: Tree,
    env: BTreeMap<String, String>,
    detected: bool,
    deadline: Deadline,
    reporter: &'a dyn Reporter,
    cancel: &'a Cancel,
    /// What was told so far.
    warned: RefCell<Vec<String>>,
}

impl<'a> Setup<'a> {
    fn new(
        sandbox: &'a Sandbox,
        suites: Vec<Suite>,
        host: PathBuf,
        folder: PathBuf,
        settings: &TestSettings,
        reporter: &'a dyn Reporter,
        cancel: &'a Cancel,
    ) -> Result<Setup<'a>> {
        let made = folder.join(MADE);
        let point = sandbox.point(&host);
        let inside = inside(sandbox, &point, &made);
        let private = folder.join("setup");
        fs::create_dir_all(private.join("home")).or_fail(Kind::Workspace, || format!("making {}", private.display()))?;
        let env = environment(sandbox, &suites, &point, &inside);
        let mut tree = Tree { host, point, shared: Vec::new(), private, env: env.clone() };
        let own = own_variables(&tree.private_point());
        tree.env.extend(own);
        if tree.env.remove("GRADLE_RO_DEP_CACHE").is_some() {
            tree.env.insert("GRADLE_USER_HOME".to_owned(), inside.join("gradle").to_string_lossy().into_owned());
        }
        for offline in ["CARGO_NET_OFFLINE", "GOPROXY"] {
            tree.env.remove(offline);
        }
        tree.env.extend(versions());
        tree.env.extend(patience());
        let deadline = Deadline::after(settings.setup_timeout.duration());
        let detected = settings.setup.is_none();
        Ok(Setup { sandbox, suites, folder, made, inside, tree, env, detected, deadline, reporter, cancel, warned: RefCell::default() })
    }

    /// Everything that decides what setup makes.
    fn input(&self) -> String {
        input(&self.suites, &self.tree.point, &self.env, &self.tree.host).to_string()
    }

    fn kept(&self, input: &str) -> Option<Kept> {
        let kept: Kept = serde_json::from_slice(&fs::read(self.folder.join(RECORD)).ok()?).ok()?;
        let there = kept.moved.iter().all(|(from, _)| self.folder.join(from).exists());
        (kept.input == input && there).then_some(kept)
    }

    fn keep(&self, kept: &Kept) -> Result<()> {
        let path = self.folder.join(RECORD);
        let text = serde_json::to_vec_pretty(kept).or_fail(Kind::Internal, || "writing down what setup made")?;
        fs::write(&path, text).or_fail(Kind::Workspace, || format!("writing {}", path.display()))
    }

    fn bench(&self, kept: Kept) -> Bench {
        let Kept { suites, moved, env, warnings, .. } = kept;
        let mut shared = vec![Shared { host: self.made.clone(), inside: self.inside.clone() }];
        shared.extend(moved.into_iter().map(|(from, path)| Shared { host: self.folder.join(from), inside: self.tree.point.join(path) }));
        let left = Some(self.folder.join(harvest::LEFT)).filter(|left| left.is_dir());
        Bench { suites, shared, env, point: self.tree.point.clone(), left, warnings }
    }

    /// What must be there before the first command.
    fn environments(&self) -> Result<()> {
        if self.suites.iter().any(uses_python) {
            pip::environment(self)?;
        }
        Ok(())
    }

    /// The suites' commands, each once.
    fn commands(&self) -> Result<()> {
        let mut done: Vec<(&str, &str)> = Vec::new();
        for suite in &self.suites {
            for command in &suite.setup {
                let dir = npm::home(&self.tree.host, &suite.dir, command);
                if !done.contains(&(dir, command)) {
                    done.push((dir, command));
                    self.command(dir, command)?;
                }
            }
        }
        Ok(())
    }

    /// One command; what loom itself proposed has alternatives, tried in turn with a warning.
    fn command(&self, dir: &str, command: &str) -> Result<()> {
        let choices: Vec<&str> = if self.detected { command.split(" || ").collect() } else { vec![command] };
        let mut last = None;
        for (at, choice) in choices.iter().enumerate() {
            let finished = self.start(dir, choice)?;
            if finished.ok() {
                return Ok(());
            }
            let said = decisive(&finished);
            if at + 1 < choices.len() {
                self.warn(format!("setup: `{choice}` failed, going on with `{}`: {}", choices[at + 1], first_lines(&said, 1)));
            }
            last = Some((*choice, finished, said));
        }
        let Some((choice, finished, said)) = last else { return Ok(()) };
        let mended = self.detected
            && finished.ending != Ending::TimedOut
            && (npm::partly(self, dir, choice, &said)?
                || pip::one_by_one(self, dir, choice)?
                || scripted::by_the_machine(self, dir, choice, &said)?);
        if mended {
            return Ok(());
        }
        let how = if finished.ending == Ending::TimedOut { "was stopped at the limit of test.setup_timeout" } else { "failed" };
        Err(Failure::new(Kind::Workspace, said)
            .context(format_args!("setup: `{choice}` {how}"))
            .hint("run the command in a clean clone to see all of it, or set test.setup to the commands that install what the tests need"))
    }

    /// Starts a command line in a folder of the tree, with network.
    fn start(&self, dir: &str, command: &str) -> Result<Finished> {
        self.start_over(dir, command, None)
    }

    /// The same with a file of loom's own shown in place of one of the tree.
    fn start_over(&self, dir: &str, command: &str, over: Option<Mount>) -> Result<Finished> {
        self.reporter.event(&Event::Progress { what: format!("setup: {command}") });
        let limits = Limits { wall: self.deadline.left(), head: 1 << 20, tail: 1 << 20 };
        let mut job = self.tree.job(["bash", "-c", command].map(str::to_owned).to_vec(), limits);
        job.mounts.push(Mount::ReadWrite { host: self.made.clone(), inside: self.inside.clone() });
        job.mounts.extend(over);
        job.network = Network::Host;
        if !dir.is_empty() {
            job.cwd = self.tree.point.join(dir);
        }
        self.sandbox.run(&job, self.cancel)
    }

    /// Tells that something is not there, now and to whoever uses the bench.
    fn lacks(&self, text: String) {
        self.warned.borrow_mut().push(text.trim_start_matches("setup: ").to_owned());
        self.warn(text);
    }

    fn warn(&self, text: String) {
        self.reporter.event(&Event::Warning { text });
    }
}

fn input(suites: &[Suite], point: &Path, env: &BTreeMap<String, String>, host: &Path) -> crate::task::Digest {
    let mut digest = Sha256::new();
    digest.update(serde_json::to_vec(suites).unwrap_or_default());
    digest.update(point.to_string_lossy().as_bytes());
    digest.update(serde_json::to_vec(env).unwrap_or_default());
    for path in harvest::manifests(host) {
        digest.update(path.to_string_lossy().as_bytes());
        digest.update(places::read(&host.join(&path), 16 << 20).unwrap_or_default());
    }
    crate::task::Digest::of(digest)
}

/// Where children see what setup makes outside of the tree.
fn inside(sandbox: &Sandbox, point: &Path, made: &Path) -> PathBuf {
    match sandbox.tier() {
        Tier::Bubblewrap => point.parent().unwrap_or(Path::new("/")).join("deps"),
        Tier::None => made.to_path_buf(),
    }
}

/// The variables of the environment that setup makes, for setup itself and for every tree.
fn environment(sandbox: &Sandbox, suites: &[Suite], point: &Path, inside: &Path) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    let mut path: Vec<String> = Vec::new();
    let below = |name: &str| inside.join(name).to_string_lossy().into_owned();
    if suites.iter().any(uses_python) {
        path.push(below("venv/bin"));
        env.insert("VIRTUAL_ENV".to_owned(), below("venv"));
        env.insert("PIP_DISABLE_PIP_VERSION_CHECK".to_owned(), "1".to_owned());
        env.insert("PIP_CACHE_DIR".to_owned(), below("pip"));
    }
    // What a workspace installs lies at its root, what one package needs in another version beside that package.
    let mut folders: Vec<&Path> =
        suites.iter().filter(|suite| uses_node(suite)).flat_map(|suite| Path::new(&suite.dir).ancestors()).collect();
    folders.sort_by_key(|folder| std::cmp::Reverse(folder.components().count()));
    for folder in folders {
        let bin = point.join(folder).join("node_modules/.bin").to_string_lossy().into_owned();
        if !path.contains(&bin) {
            path.push(bin);
        }
    }
    env.extend(scripted::environment(suites, point, inside, &mut path));
    if suites.iter().any(uses_cargo) {
        env.insert("CARGO_HOME".to_owned(), below("cargo"));
        env.insert("CARGO_NET_OFFLINE".to_owned(), "true".to_owned());
    }
    if suites.iter().any(uses_maven) {
        // Java asks the system, and not the environment, where home is.
        env.insert("MAVEN_OPTS".to_owned(), format!("-Duser.home=/tmp -Dmaven.repo.local={}", below("m2")));
    }
    if suites.iter().any(uses_gradle) {
        env.insert("GRADLE_RO_DEP_CACHE".to_owned(), below("gradle/caches"));
    }
    if suites.iter().any(uses_go) {
        env.extend(
            [("GOMODCACHE", below("gomod")), ("GOENV", "off".to_owned()), ("GOFLAGS", String::new())]
                .map(|(name, value)| (name.to_owned(), value)),
        );
        // For what tests start themselves; fetching is for setup alone.
        env.insert("GOPROXY".to_owned(), "off".to_owned());
    }
    if !path.is_empty() {
        path.push(sandbox.path().to_owned());
        env.insert("PATH".to_owned(), path.join(":"));
    }
    env
}

/// An exported tree has no history for a version to be taken from; a high one satisfies whatever asks for a least one.
fn versions() -> [(String, String); 4] {
    [
        ("SETUPTOOLS_SCM_PRETEND_VERSION", "9999.0"),
        ("PBR_VERSION", "9999.0"),
        ("PDM_BUILD_SCM_VERSION", "9999.0"),
        ("POETRY_DYNAMIC_VERSIONING_BYPASS", "9999.0"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// A registry that does not answer must not eat the whole limit: few tries, short waits.
fn patience() -> [(String, String); 6] {
    [
        ("npm_config_fetch_retries", "1"),
        ("npm_config_fetch_retry_maxtimeout", "10000"),
        ("npm_config_fetch_timeout", "60000"),
        ("npm_config_audit", "false"),
        ("npm_config_fund", "false"),
        ("CARGO_TERM_PROGRESS_WHEN", "never"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

fn mentions(suite: &Suite, words: &[&str]) -> bool {
    let mut texts = suite.setup.iter().chain(&suite.build).chain([&suite.command]);
    texts.any(|text| text.split_whitespace().any(|word| words.contains(&word)))
}

fn uses_python(suite: &Suite) -> bool {
    matches!(suite.program, Program::Pytest | Program::Unittest) || mentions(suite, &["pip", "python", "python3", "pytest", "tox", "nox"])
}

fn uses_node(suite: &Suite) -> bool {
    matches!(suite.program, Program::Jest | Program::Vitest | Program::Mocha | Program::Ava | Program::NodeTest)
        || mentions(suite, &["npm", "npx", "node", "yarn", "pnpm", "tape", "ava", "mocha"])
}

fn uses_cargo(suite: &Suite) -> bool {
    matches!(suite.program, Program::Cargo | Program::Nextest) || mentions(suite, &["cargo"])
}

fn uses_maven(suite: &Suite) -> bool {
    suite.program == Program::Maven || mentions(suite, &["mvn", "./mvnw"])
}

fn uses_gradle(suite: &Suite) -> bool {
    suite.program == Program::Gradle || mentions(suite, &["gradle", "./gradlew"])
}

fn uses_go(suite: &Suite) -> bool {
    suite.program == Program::Go || mentions(suite, &["go"])
}

/// The lines that say why, or the last ones.
fn decisive(finished: &Finished) -> String {
    let output = streams(finished);
    let lines: Vec<&str> = output.lines().filter(|line| !line.trim().is_empty()).collect();
    let telling: Vec<&str> = lines
        .iter()
        .filter(|line| {
            let line = line.to_lowercase();
            line.starts_with("error")
                || line.starts_with("npm err")
                || line.starts_with("npm error")
                || line.contains("not found")
                || line.contains("could not be fully loaded")
                || line.contains("could not fetch specs")
                || line.starts_with("! ")
        })
        .copied()
        .take(12)
        .collect();
    if telling.is_empty() { lines[lines.len().saturating_sub(12)..].join("\n") } else { telling.join("\n") }
}
