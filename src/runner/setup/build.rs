//! What loom itself proposes to build before the tests, tried once in the base tree as a cell will do it: without network,
//! dependencies to read only. A build that fails so is left out and told. What a build makes is not kept for other trees:
//! it would stand there whatever their source says, and a build that compares times would take it for fresh.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Setup, decisive, harvest, uses_node};
use crate::error::{Kind, OrFail, Result};
use crate::runner::places;
use crate::runner::text::first_lines;
use crate::runner::words::words;
use crate::sandbox::{Ending, Finished, Limits, Mount, Network};
use crate::task::Event;

/// Below the bench's folder: what setup left in the tree, while it is seen what the build makes of it.
const ASIDE: &str = "aside";
/// Longest package.json that is read.
const MANIFEST: u64 = 4 << 20;
/// How deep scripts are taken apart.
const DEPTH: usize = 4;
const DEPENDENCIES: [&str; 5] = ["node_modules", "vendor", ".venv", "venv", ".yarn"];

/// Tries the proposed builds; `own` are those of the settings, which nobody doubts. `before` are the tree's own entries.
pub(super) fn try_out(setup: &mut Setup<'_>, before: &BTreeSet<PathBuf>, own: &[String]) -> Result<()> {
    let proposed: Vec<(usize, Vec<String>)> = setup
        .suites
        .iter()
        .enumerate()
        .filter(|(_, suite)| uses_node(suite))
        .map(|(at, suite)| (at, suite.build.iter().filter(|command| !own.contains(command)).cloned().collect()))
        .filter(|(_, commands): &(usize, Vec<String>)| !commands.is_empty())
        .collect();
    if proposed.is_empty() {
        return Ok(());
    }
    let root = setup.tree.host.clone();
    let aside = setup.folder.join(ASIDE);
    let left = files(&root, before)?;
    carry(&root, &aside, &left)?;
    let mut failed = Vec::new();
    for (at, commands) in &proposed {
        let dir = setup.suites[*at].dir.clone();
        let mut tried = Tried::default();
        for command in commands {
            if let Some(why) = tried.run(setup, before, &dir, command, 0)? {
                failed.push((*at, format!("`{command}` fails: {why}")));
                break;
            }
        }
        tried.absent.iter().for_each(|part| setup.lacks(format!("setup: `{part}` does not run here and was left out of the build")));
        tried.works.extend(setup.suites[*at].build.iter().filter(|command| own.contains(command)).cloned());
        setup.suites[*at].build = tried.works;
    }
    let made = files(&root, before)?;
    for path in &made {
        let place = root.join(path);
        let removed = if harvest::is_built(path, before) { fs::remove_dir_all(&place) } else { fs::remove_file(&place) };
        removed.or_fail(Kind::Workspace, || format!("removing {}", path.display()))?;
    }
    let kept: Vec<PathBuf> = left.into_iter().filter(|path| !failed.is_empty() || !made.contains(path)).collect();
    carry(&aside, &root, &kept)?;
    fs::remove_dir_all(&aside).or_fail(Kind::Workspace, || format!("removing {}", aside.display()))?;
    for (at, why) in failed {
        setup.suites[at].build.retain(|command| own.contains(command));
        setup.lacks(format!("setup: the tests run without a build, because {why}"));
    }
    Ok(())
}

/// What became of the proposed commands of one suite.
#[derive(Default)]
struct Tried {
    works: Vec<String>,
    /// Parts whose program is not installed: they clean or check, or the rest would fail without them.
    absent: Vec<String>,
}

impl Tried {
    /// Tries a command, and where a program of it is missing its parts one by one. Why it fails, when it does.
    fn run(&mut self, setup: &Setup<'_>, before: &BTreeSet<PathBuf>, dir: &str, command: &str, depth: usize) -> Result<Option<String>> {
        let finished = start(setup, before, dir, command)?;
        if finished.ok() {
            self.works.push(command.to_owned());
            return Ok(None);
        }
        let said = first_lines(&decisive(&finished), 1);
        let script = script(&setup.tree.host.join(dir), command).unwrap_or_else(|| command.to_owned());
        let parts: Vec<&str> = script.split("&&").map(str::trim).collect();
        let missing = finished.ending == Ending::Exited(127);
        if !missing || depth >= DEPTH || parts == [command] {
            if missing && depth > 0 {
                self.absent.push(command.to_owned());
                return Ok(None);
            }
            return Ok(Some(said));
        }
        let worked = self.works.len();
        for part in parts {
            if let Some(why) = self.run(setup, before, dir, part, depth + 1)? {
                return Ok(Some(why));
            }
        }
        Ok((self.works.len() == worked).then_some(said))
    }
}

/// What `npm run NAME` runs.
fn script(dir: &Path, command: &str) -> Option<String> {
    let split = words(command)?;
    let [program, run, name] = split.words.as_slice() else { return None };
    let manifest = places::read(&dir.join("package.json"), MANIFEST).ok()?;
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).ok()?;
    let script = manifest.get("scripts")?.get(name)?.as_str()?;
    (matches!(program.as_str(), "npm" | "pnpm" | "yarn") && run == "run").then(|| script.to_owned())
}

/// What is new in the tree, nothing of the dependencies: files, and folders of dependencies that a build made.
fn files(root: &Path, before: &BTreeSet<PathBuf>) -> Result<Vec<PathBuf>> {
    let foreign = |path: &Path| path.iter().any(|part| DEPENDENCIES.iter().any(|name| part == *name));
    let is_file = |path: &PathBuf| fs::symlink_metadata(root.join(path)).is_ok_and(|meta| !meta.is_dir());
    let fresh = harvest::paths(root)?;
    Ok(fresh.difference(before).filter(|path| harvest::is_built(path, before) || !foreign(path) && is_file(path)).cloned().collect())
}

fn carry(from: &Path, to: &Path, paths: &[PathBuf]) -> Result<()> {
    fs::create_dir_all(to).or_fail(Kind::Workspace, || format!("making {}", to.display()))?;
    for path in paths {
        let target = to.join(path);
        let parent = target.parent().unwrap_or(to);
        fs::create_dir_all(parent)
            .and_then(|()| fs::rename(from.join(path), &target))
            .or_fail(Kind::Workspace, || format!("moving {} to {}", path.display(), to.display()))?;
    }
    Ok(())
}

/// A build as a cell starts it.
fn start(setup: &Setup<'_>, before: &BTreeSet<PathBuf>, dir: &str, command: &str) -> Result<Finished> {
    setup.reporter.event(&Event::Progress { what: format!("setup: trying {command}") });
    let limits = Limits { wall: setup.deadline.left(), head: 1 << 20, tail: 1 << 20 };
    let mut job = setup.tree.job(["bash", "-c", command].map(str::to_owned).to_vec(), limits);
    job.mounts.push(Mount::ReadOnly { host: setup.made.clone(), inside: setup.inside.clone() });
    let installed = harvest::paths(&setup.tree.host)?;
    let installed = installed
        .into_iter()
        .filter(|path| path.file_name().is_some_and(|name| name == "node_modules") && !harvest::is_built(path, before));
    job.mounts.extend(installed.map(|path| Mount::ReadOnly { host: setup.tree.host.join(&path), inside: setup.tree.point.join(&path) }));
    job.network = Network::Private;
    if !dir.is_empty() {
        job.cwd = setup.tree.point.join(dir);
    }
    setup.sandbox.run(&job, setup.cancel)
}

#[cfg(test)]
mod tests {
    use crate::config::TestSettings;
    use crate::runner::Selection;
    use crate::runner::trial::{Trial, lines};

    const TEST: (&str, &str) = (
        "test/a.test.js",
        "const test = require('node:test'), assert = require('node:assert');\ntest('a', () => assert.equal(require('../dist/a.js').one, 1));\n",
    );

    #[test]
    fn what_installing_built_from_the_base_source_is_built_anew_in_each_tree() {
        let package = r#"{"name": "a", "version": "1.0.0", "scripts": {"prepare": "node build.js", "test": "node --test test/"}, "dependencies": {"b": "file:./b"}}"#;
        let links = "fs.rmSync('dist/node_modules', { recursive: true, force: true });\nfs.mkdirSync('dist/node_modules', { recursive: true });\nfs.symlinkSync('../..', 'dist/node_modules/a');\n";
        let build = "const fs = require('fs');\nfs.mkdirSync('dist', { recursive: true });\nif (!fs.existsSync('dist/a.js')) fs.copyFileSync('src/a.js', 'dist/a.js');\nfs.writeFileSync('made-once.txt', 'x');\n";
        let files = [
            ("package.json", package),
            ("build.js", &format!("{build}{links}")),
            ("b/package.json", r#"{"name": "b", "version": "1.0.0"}"#),
            ("src/a.js", "exports.one = 1;\n"),
            TEST,
        ];
        let trial = Trial::new(&files, TestSettings::default());
        assert_eq!(trial.bench.suites[0].build, ["npm run prepare"]);
        assert_eq!(trial.bench.by_products().unwrap(), Vec::<String>::new());
        let mut other = files;
        other[3].1 = "exports.one = 2;\n";
        let report = trial.run(&trial.tree("right", &files), &Selection::All);
        assert_eq!(lines(&report), ["test/a.test.js::a: passed"], "{:?} {}", report.troubles, report.output);
        let report = trial.run(&trial.tree("wrong", &other), &Selection::All);
        assert_eq!(lines(&report), ["test/a.test.js::a: Assertion"], "the build of the base tree was tested");
    }

    #[test]
    fn a_build_that_needs_what_a_cell_lacks_is_left_out_and_told() {
        let package = r#"{"name": "a", "scripts": {"pretest": "node build.js", "test": "node --test test/"}}"#;
        let build = "if (require('fs').existsSync('src/a.js')) process.exit(3);\n";
        let files = [("package.json", package), ("build.js", build), ("src/a.js", ""), ("dist/a.js", "exports.one = 1;\n"), TEST];
        let trial = Trial::new(&files, TestSettings::default());
        assert!(trial.bench.suites[0].build.is_empty());
        assert!(
            trial.bench.warnings[0].starts_with("the tests run without a build, because `node build.js` fails"),
            "{:?}",
            trial.bench.warnings
        );
        assert_eq!(lines(&trial.run(&trial.tree("one", &files), &Selection::All)), ["test/a.test.js::a: passed"]);
    }
}
