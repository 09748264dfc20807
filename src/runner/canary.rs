//! The canary of JavaScript: which files of the repository's own packages the processes of a run loaded, and whether
//! one of them came from a copy that setup installed. Told by a file that NODE_OPTIONS preloads; the verdict is `verify`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ignore::WalkBuilder;
use serde::Deserialize;
use serde_json::{Value, json};

use super::findings::Findings;
use super::places;
use super::session::{Child, Drop, Session};
use crate::error::Result;

const HOOK: &str = include_str!("plugins/loom_loaded.cjs");
/// Longest package.json that is read.
const MANIFEST: u64 = 1 << 20;
/// How deep below the root packages are looked for.
const DEPTH: usize = 5;
/// Most packages of one tree.
const MOST: usize = 2_000;

/// What a run is given to tell by.
pub(super) struct Canary {
    /// Name and folder of every package that the tree defines; the root's folder is empty.
    packages: BTreeMap<String, String>,
    hook: String,
    told: Drop,
}

/// One process about one package.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    name: String,
    own: Vec<String>,
    foreign: Vec<String>,
    /// A file of the tree itself asked for the foreign one.
    asked: bool,
}

impl Canary {
    /// Puts the hook where the run's processes find it; none in a tree without packages.
    pub(super) fn plant(session: &Session<'_>) -> Result<Option<Canary>> {
        let packages = packages(&session.tree.host);
        if packages.is_empty() {
            return Ok(None);
        }
        let list = json!({ "root": session.tree.point, "packages": packages }).to_string();
        session.plant("loom_packages.json", &list)?;
        let hook = session.plant("loom_loaded.cjs", HOOK)?.join("loom_loaded.cjs");
        Ok(Some(Canary { packages, hook: option(&hook.to_string_lossy()), told: session.drop("loaded.jsonl")? }))
    }

    /// The child, whose own processes will tell too.
    pub(super) fn on(&self, child: Child) -> Child {
        let options = child.env.get("NODE_OPTIONS").map_or_else(|| self.hook.clone(), |own| format!("{} {own}", self.hook));
        child.env("NODE_OPTIONS", options).env("LOOM_LOADED", self.told.inside.to_string_lossy())
    }

    /// What was told, by folder of the package: a file of the tree, or the foreign one that stood in its place.
    pub(super) fn read(&self, findings: &mut Findings) {
        let mut own: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut foreign: BTreeMap<String, (BTreeSet<String>, bool)> = BTreeMap::new();
        let written = self.told.take();
        for line in String::from_utf8_lossy(&written).lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
            let Some(folder) = self.packages.get(&line.name) else { continue };
            let folder = if folder.is_empty() { "./".to_owned() } else { format!("{folder}/") };
            own.entry(folder.clone()).or_default().extend(line.own);
            let entry = foreign.entry(folder).or_default();
            entry.0.extend(line.foreign);
            entry.1 |= line.asked;
        }
        for (folder, files) in own {
            let (others, asked) = foreign.remove(&folder).unwrap_or_default();
            let file = match others.first() {
                // A tool may bring an older release of what it is used on; only what the tests stand on counts.
                Some(other) if asked || files.is_empty() => Some(other.clone()),
                _ => files.iter().find(|file| !is_of_tests(file)).or(files.first()).cloned(),
            };
            findings.loaded.extend(file.map(|file| (folder, file)));
        }
    }
}

/// A command that sets NODE_OPTIONS itself keeps what it is given.
pub(super) fn keeping_options(command: &str) -> String {
    command.replacen("NODE_OPTIONS=", "NODE_OPTIONS=\"$NODE_OPTIONS \"", 1)
}

/// `--require` as NODE_OPTIONS reads it.
pub(super) fn option(path: &str) -> String {
    format!("--require=\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""))
}

fn is_of_tests(file: &str) -> bool {
    file.split('/').any(|part| part.contains("test") || part.contains("spec"))
}

/// Every package that the tree defines: its name and folder.
fn packages(root: &Path) -> BTreeMap<String, String> {
    let walk = WalkBuilder::new(root)
        .standard_filters(false)
        .max_depth(Some(DEPTH))
        .filter_entry(|entry| {
            entry.depth() == 0 || !matches!(entry.file_name().to_string_lossy().as_ref(), "node_modules" | ".git" | "target")
        })
        .sort_by_file_path(|a, b| a.cmp(b))
        .build();
    let mut packages = BTreeMap::new();
    for entry in walk.flatten().filter(|entry| entry.file_name() == "package.json") {
        let Some(folder) = entry.path().parent().and_then(|folder| folder.strip_prefix(root).ok()) else { continue };
        let Ok(bytes) = places::read(entry.path(), MANIFEST) else { continue };
        let manifest: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let folder = folder.to_string_lossy().into_owned();
        let name = manifest.get("name").and_then(Value::as_str).map(str::to_owned);
        // A root without a name is still what its files belong to.
        let Some(name) = name.or_else(|| folder.is_empty().then(|| "/".to_owned())) else { continue };
        packages.entry(name).or_insert(folder);
        if packages.len() == MOST {
            break;
        }
    }
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> BTreeMap<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let host = folder.path().join("told");
        std::fs::write(&host, lines.join("\n")).unwrap();
        let packages = [("root", ""), ("@acme/core", "packages/core")].map(|(name, folder)| (name.to_owned(), folder.to_owned()));
        let canary = Canary { packages: packages.into(), hook: String::new(), told: Drop { host, inside: "/x".into() } };
        let mut findings = Findings::default();
        canary.read(&mut findings);
        findings.loaded
    }

    #[test]
    fn a_copy_in_place_of_the_tree_is_told() {
        let own = r#"{"name": "root", "own": ["/r/test/a.js", "/r/z.js"]}"#;
        let copy = r#"{"name": "@acme/core", "foreign": ["/r/node_modules/@acme/core/index.js"]}"#;
        let both = r#"{"name": "@acme/core", "own": ["/r/packages/core/index.js"]}"#;
        let asked = copy.replace("\"foreign\"", "\"asked\": true, \"foreign\"");
        let core = |lines: &[&str]| read(lines)["packages/core/"].clone();
        assert_eq!(read(&[own, "{ torn", r#"{"name": "other", "own": ["/r/x.js"]}"#]), [("./".to_owned(), "/r/z.js".to_owned())].into());
        assert_eq!(core(&[copy]), "/r/node_modules/@acme/core/index.js");
        assert_eq!(core(&[copy, both]), "/r/packages/core/index.js", "a tool's own");
        assert_eq!(core(&[both, &asked]), "/r/node_modules/@acme/core/index.js");
    }

    #[test]
    fn packages_of_a_tree_are_those_it_defines() {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            ("package.json", r#"{"private": true}"#),
            ("packages/core/package.json", r#"{"name": "@acme/core"}"#),
            ("packages/odd/package.json", "{"),
            ("node_modules/left-pad/package.json", r#"{"name": "left-pad"}"#),
        ];
        crate::runner::trial::write(folder.path(), &files);
        let found: Vec<_> = packages(folder.path()).into_iter().collect();
        assert_eq!(found, [("/".to_owned(), String::new()), ("@acme/core".to_owned(), "packages/core".to_owned())]);
    }

    #[test]
    fn options_of_the_command_are_kept() {
        assert_eq!(keeping_options("NODE_OPTIONS=--x jest"), "NODE_OPTIONS=\"$NODE_OPTIONS \"--x jest");
        assert_eq!(keeping_options("jest"), "jest");
        assert_eq!(option("/a b/x.cjs"), "--require=\"/a b/x.cjs\"");
    }
}
