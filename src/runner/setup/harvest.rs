//! What setup wrote into the tree: dependencies are moved out to be shared to read, the rest is kept for every tree.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use crate::error::{Kind, OrFail, Result};

/// Folder of the bench for what belongs into every tree.
pub(super) const LEFT: &str = "left";
/// Folders of dependencies, wherever they are.
const DEPENDENCIES: [&str; 5] = ["node_modules", "vendor", ".venv", "venv", ".yarn"];
/// Left by setup, of no use to anyone.
const WASTE: [&str; 8] = ["__pycache__", ".pytest_cache", ".mypy_cache", "build", "target", ".git", ".npm", ".cache"];

/// The entries of a tree as they are before setup; nothing below dependency folders.
pub(super) fn paths(root: &Path) -> Result<BTreeSet<PathBuf>> {
    let walk = WalkBuilder::new(root).standard_filters(false).filter_entry(|entry| !inside_dependencies(entry)).build();
    let mut paths = BTreeSet::new();
    for entry in walk {
        let entry = entry.or_fail(Kind::Workspace, || format!("listing {}", root.display()))?;
        if let Ok(path) = entry.path().strip_prefix(root) {
            paths.insert(path.to_path_buf());
        }
    }
    Ok(paths)
}

/// Whether a file says what setup installs: a manifest or a lock file.
pub fn is_manifest(path: &str) -> bool {
    const NAMES: [&str; 34] = [
        "Cargo.toml",
        "Cargo.lock",
        "package.json",
        "package-lock.json",
        "npm-shrinkwrap.json",
        "yarn.lock",
        "pnpm-lock.yaml",
        "pyproject.toml",
        "setup.py",
        "setup.cfg",
        "tox.ini",
        "poetry.lock",
        "uv.lock",
        "Pipfile",
        "Pipfile.lock",
        "composer.json",
        "composer.lock",
        "Gemfile",
        "Gemfile.lock",
        "cpanfile",
        "Makefile.PL",
        "Build.PL",
        "dist.ini",
        "go.mod",
        "go.sum",
        "go.work",
        "go.work.sum",
        "pom.xml",
        "build.gradle",
        "build.gradle.kts",
        "settings.gradle",
        "settings.gradle.kts",
        "gradle.lockfile",
        "libs.versions.toml",
    ];
    let name = path.rsplit('/').next().unwrap_or_default();
    NAMES.contains(&name) || name.contains("requirements") && name.ends_with(".txt") || name.ends_with(".gemspec")
}

/// Manifests and lock files near the root, whose content decides what setup makes.
pub(super) fn manifests(root: &Path) -> Vec<PathBuf> {
    let walk = WalkBuilder::new(root)
        .standard_filters(false)
        .max_depth(Some(5))
        .filter_entry(|entry| !inside_dependencies(entry))
        .sort_by_file_path(|a, b| a.cmp(b))
        .build();
    walk.flatten()
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .filter(|entry| is_manifest(&entry.file_name().to_string_lossy()))
        .filter_map(|entry| entry.path().strip_prefix(root).ok().map(Path::to_path_buf))
        .collect()
}

/// Whether an entry lies in a dependency folder (the folder itself does not).
fn inside_dependencies(entry: &ignore::DirEntry) -> bool {
    let parent = entry.path().parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    entry.depth() > 1 && parent.is_some_and(|name| name == "node_modules" || name == ".git")
}

/// Whether a `node_modules` was made by a build and not by a package manager: no manifest of the tree stands beside it.
/// Some builds link the package to itself that way in their output.
pub(super) fn is_built(path: &Path, before: &BTreeSet<PathBuf>) -> bool {
    let owner = path.parent().unwrap_or(Path::new(""));
    path.file_name().is_some_and(|name| name == "node_modules") && !before.contains(&owner.join("package.json"))
}

/// Moves what is new out of the tree; answers with the dependency folders: where they are below `folder`, and where in the tree they belong.
pub(super) fn take(root: &Path, folder: &Path, before: &BTreeSet<PathBuf>) -> Result<Vec<(String, String)>> {
    let mut moved = Vec::new();
    let mut fresh: Vec<PathBuf> = paths(root)?.difference(before).cloned().collect();
    fresh.sort();
    let mut covered: Option<PathBuf> = None;
    for path in fresh {
        if covered.as_ref().is_some_and(|covered| path.starts_with(covered)) {
            continue;
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let from = root.join(&path);
        let meta = fs::symlink_metadata(&from).or_fail(Kind::Workspace, || format!("looking at {}", from.display()))?;
        let target = if is_built(&path, before) {
            Some(folder.join(LEFT).join(&path))
        } else if meta.is_dir() && DEPENDENCIES.contains(&name.as_str()) {
            let place = format!("tree/{}", moved.len());
            moved.push((place.clone(), path.to_string_lossy().into_owned()));
            Some(folder.join(place))
        } else if WASTE.contains(&name.as_str()) || name.ends_with(".pyc") || name.ends_with(".egg-info") {
            None
        } else if meta.is_dir() {
            // Its entries come next, one by one.
            continue;
        } else {
            Some(folder.join(LEFT).join(&path))
        };
        relocate(&from, target.as_deref(), meta.is_dir())
            .or_fail(Kind::Workspace, || format!("keeping {} for other trees", path.display()))?;
        covered = Some(path);
    }
    Ok(moved)
}

fn relocate(from: &Path, to: Option<&Path>, folder: bool) -> std::io::Result<()> {
    match to {
        Some(to) => {
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent)?;
            }
            if to.is_dir() {
                fs::remove_dir_all(to)?;
            }
            fs::rename(from, to)
        }
        None if folder => fs::remove_dir_all(from),
        None => fs::remove_file(from),
    }
}
