//! Real repositories for this room's tests: an origin with commits, its cache, a workspace.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::{IndexAddOption, Repository, Signature, Time};

use super::{Cache, Workspace};
use crate::error::Result;
use crate::sandbox::{Cancel, Finished, GitJob, git};
use crate::task::{CommitId, TreeId};

pub(super) const WALL: Duration = Duration::from_secs(60);

/// An origin with a work tree, and room for caches and workspaces beside it.
pub(super) struct Origin {
    folder: tempfile::TempDir,
}

impl Origin {
    /// Without any commit.
    pub fn empty() -> Origin {
        let folder = tempfile::tempdir().unwrap();
        let mut options = git2::RepositoryInitOptions::new();
        options.initial_head("main").external_template(false);
        Repository::init_opts(folder.path().join("widget"), &options).unwrap();
        Origin { folder }
    }

    /// With one commit of a few files of every kind.
    pub fn new() -> Origin {
        let origin = Origin::empty();
        origin.write("README.md", b"# widget\n");
        origin.write("src/lib.rs", b"pub fn one() -> u32 {\n    1\n}\n");
        origin.write("src/deep/er.rs", b"// deeper\n");
        origin.write("run.sh", b"#!/bin/sh\nexit 0\n");
        std::fs::set_permissions(origin.path().join("run.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
        origin.write(".gitignore", b"*.log\n/build/\n");
        origin.write("picture.bin", &[0, 1, 2, 3, 255, 0]);
        symlink("src/lib.rs", origin.path().join("link")).unwrap();
        symlink("/etc", origin.path().join("out")).unwrap();
        origin.commit("first");
        origin
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("widget")
    }

    pub fn url(&self) -> String {
        self.path().to_str().unwrap().to_owned()
    }

    /// A path beside the repository.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, path: &str, bytes: &[u8]) {
        let place = self.path().join(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, bytes).unwrap();
    }

    /// Commits the work tree to the branch that is checked out.
    pub fn commit(&self, message: &str) -> CommitId {
        let repository = Repository::open(self.path()).unwrap();
        let mut index = repository.index().unwrap();
        index.add_all(["*"], IndexAddOption::FORCE, None).unwrap();
        index.update_all(["*"], None).unwrap();
        index.write().unwrap();
        let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
        let who = Signature::new("A", "a@example.com", &Time::new(1_700_000_000, 0)).unwrap();
        let parent = repository.head().ok().and_then(|head| head.peel_to_commit().ok());
        let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
        repository.commit(Some("HEAD"), &who, &who, message, &tree, &parents).unwrap().to_string().parse().unwrap()
    }

    pub fn fetch(&self, branch: Option<&str>) -> Result<(Cache, CommitId, String)> {
        Cache::fetch(&self.beside("cache"), &self.url(), branch, None, WALL, &Cancel::default())
    }

    pub fn cached(&self) -> (Cache, CommitId) {
        let (cache, commit, _) = self.fetch(None).unwrap();
        (cache, commit)
    }

    pub fn workspace(&self) -> (Cache, CommitId, Workspace) {
        let (cache, base) = self.cached();
        let workspace = Workspace::create(&cache, &base, &self.beside("work")).unwrap();
        (cache, base, workspace)
    }
}

/// The git program, for what a user would see.
pub(super) fn run_git(cwd: &Path, args: &[&str]) -> Finished {
    git(&GitJob { args, cwd, credential: None, wall: WALL }, &Cancel::default()).unwrap()
}

/// A tree made by hand, entry for entry, without any check; folders are trees made before.
pub(super) fn raw_tree(cache: &Cache, entries: &[(&str, u32, git2::Oid)]) -> TreeId {
    let mut bytes = Vec::new();
    for (name, mode, id) in entries {
        bytes.extend_from_slice(format!("{mode:o} {name}\0").as_bytes());
        bytes.extend_from_slice(id.as_bytes());
    }
    let repository = cache.repository().unwrap();
    repository.odb().unwrap().write(git2::ObjectType::Tree, &bytes).unwrap().to_string().parse().unwrap()
}
