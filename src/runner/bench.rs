//! What setup made, and the trees that are put on it: one mount point for all, dependencies shared to read, HOME and
//! build output of each tree its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Suite, places};
use crate::error::{Kind, OrFail, Result};
use crate::workspace::{Shared, Tree};

/// What setup made: everything needed to turn an exported tree into one whose tests run.
#[derive(Debug, Clone)]
pub struct Bench {
    /// The suites, with their commands adapted to the environment.
    pub suites: Vec<Suite>,
    /// Dependencies that all trees share to read.
    pub shared: Vec<Shared>,
    /// Variables that children need.
    pub env: BTreeMap<String, String>,
    /// The one path at which every tree is mounted.
    pub point: PathBuf,
    /// What setup wrote into the tree beside dependencies (a version file, metadata), to be put into every tree.
    pub(super) left: Option<PathBuf>,
    /// What could not be installed, in sentences: tests or tools may be missing.
    pub warnings: Vec<String>,
}

/// The folders every private folder has: HOME, build output, caches of compilers and runners.
const OWN: [&str; 4] = ["home", "target", "cache", "results"];

impl Bench {
    /// A tree of this bench: files at `host`, own HOME and build output below `private` (made when absent).
    pub fn tree(&self, host: &Path, private: &Path) -> Result<Tree> {
        for name in OWN {
            places::folder(private, name).or_fail(Kind::Workspace, || format!("making {name} in {}", private.display()))?;
        }
        if let Some(left) = &self.left {
            let mut added = Vec::new();
            add_missing(left, host, "", &mut added)
                .and_then(|()| exclude(host, &added))
                .or_fail(Kind::Workspace, || format!("adding what setup wrote to {}", host.display()))?;
        }
        let mut tree = Tree {
            host: host.to_path_buf(),
            point: self.point.clone(),
            shared: self.shared.clone(),
            private: private.to_path_buf(),
            env: self.env.clone(),
        };
        let own = tree.private_point();
        tree.env.extend(own_variables(&own));
        Ok(tree)
    }

    /// Paths that setup made in every tree beside dependencies: by-products, unless the base tree has them.
    pub fn by_products(&self) -> Result<Vec<String>> {
        let mut paths = Vec::new();
        if let Some(left) = &self.left {
            name_files(left, "", &mut paths).or_fail(Kind::Workspace, || format!("listing {}", left.display()))?;
        }
        Ok(paths)
    }

    /// A tree whose tests run once and are thrown away with it: nothing is written down there for a next build.
    pub fn cell(&self, host: &Path, private: &Path) -> Result<Tree> {
        let mut tree = self.tree(host, private)?;
        tree.env.insert("CARGO_INCREMENTAL".to_owned(), "0".to_owned());
        Ok(tree)
    }
}

/// What is each tree's own, below where children see its private folder.
pub(super) fn own_variables(own: &Path) -> BTreeMap<String, String> {
    let below = |name: &str| own.join(name).to_string_lossy().into_owned();
    [
        ("HOME", below("home")),
        ("XDG_CACHE_HOME", below("cache")),
        ("CARGO_TARGET_DIR", below("target")),
        ("PYTHONPYCACHEPREFIX", below("cache/python")),
        ("npm_config_cache", below("cache/npm")),
        ("CI", "true".to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// What setup wrote is no work of the agent: a repository around the tree is told not to see it.
fn exclude(host: &Path, added: &[String]) -> std::io::Result<()> {
    let (git, info) = (host.join(".git"), host.join(".git/info"));
    let real = |folder: &Path| fs::symlink_metadata(folder).is_ok_and(|meta| meta.is_dir());
    if added.is_empty() || !real(&git) || !real(&info) {
        return Ok(());
    }
    let before = places::read(&info.join("exclude"), 1 << 20).unwrap_or_default();
    let mut text = String::from_utf8_lossy(&before).into_owned();
    for line in added.iter().map(|path| format!("/{path}")) {
        if !text.lines().any(|one| one == line) {
            text.push_str(&format!("\n{line}"));
        }
    }
    text.push('\n');
    places::write(&info, "exclude", &text).map(drop)
}

fn name_files(folder: &Path, below: &str, paths: &mut Vec<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            name_files(&entry.path(), &format!("{path}/"), paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

/// Copies what `to` does not have, and names it; links stay links.
pub(super) fn add_missing(from: &Path, to: &Path, below: &str, added: &mut Vec<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let path = format!("{below}{}", entry.file_name().to_string_lossy());
        let deeper = format!("{path}/");
        let kind = entry.file_type()?;
        let there = fs::symlink_metadata(&target);
        match (kind.is_dir(), &there) {
            (true, Err(_)) => {
                fs::create_dir(&target)?;
                add_missing(&entry.path(), &target, &deeper, added)?;
            }
            // Never through a link of the tree, which may lead anywhere.
            (true, Ok(meta)) if meta.is_dir() => add_missing(&entry.path(), &target, &deeper, added)?,
            (false, Err(_)) if kind.is_symlink() => {
                std::os::unix::fs::symlink(fs::read_link(entry.path())?, &target)?;
                added.push(path);
            }
            (false, Err(_)) if kind.is_file() => {
                fs::copy(entry.path(), &target)?;
                added.push(path);
            }
            _ => {}
        }
    }
    Ok(())
}

/// The part of a bench that is kept on disk, to answer a second call with the same input.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) input: String,
    pub(super) suites: Vec<Suite>,
    /// Folder below the bench's own, and where children see it relative to the tree.
    pub(super) moved: Vec<(String, String)>,
    pub(super) env: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) warnings: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_setup_wrote_is_added_once_and_kept_out_of_the_patch() {
        let folder = tempfile::tempdir().unwrap();
        let (left, host) = (folder.path().join("left"), folder.path().join("host"));
        crate::runner::trial::write(&left, &[("src/_version.py", "1"), ("Cargo.lock", "lock")]);
        crate::runner::trial::write(&host, &[("src/a.py", ""), ("Cargo.lock", "own"), (".git/info/exclude", "*.log")]);
        let bench = Bench {
            suites: Vec::new(),
            shared: Vec::new(),
            env: BTreeMap::new(),
            point: "/loom/repo".into(),
            left: Some(left),
            warnings: Vec::new(),
        };
        for _ in 0..2 {
            let tree = bench.tree(&host, &folder.path().join("private")).unwrap();
            assert_eq!(tree.env["HOME"], "/loom/private/home");
            let mut made = bench.by_products().unwrap();
            made.sort();
            assert_eq!(made, ["Cargo.lock", "src/_version.py"]);
        }
        assert_eq!(fs::read_to_string(host.join("src/_version.py")).unwrap(), "1");
        assert_eq!(fs::read_to_string(host.join("Cargo.lock")).unwrap(), "own");
        assert_eq!(fs::read_to_string(host.join(".git/info/exclude")).unwrap(), "*.log\n/src/_version.py\n");
    }
}
