//! A repository made of plain files, ready to be judged: its setup and baseline are made once, as the pipeline does it,
//! then every patch is proved beside it. What is in the repository, and what must come out, is left to whoever uses it.

#![allow(clippy::unwrap_used, reason = "a test stops where something is missing")]

use std::collections::BTreeMap;
use std::time::Duration;

use loom_agent::config::Config;
use loom_agent::runner::{Bench, detect, prepare};
use loom_agent::sandbox::{Cancel, Sandbox};
use loom_agent::task::{CommitId, Flake, Issue, IssueRef, IssueState, Silent, TreeId};
use loom_agent::verify::{CellRun, Judge, Verdict, baseline, prove};
use loom_agent::workspace::{Cache, Patch};

/// Path and what lies there: bytes and mode; none when it is deleted.
pub type Files = BTreeMap<String, Option<(Vec<u8>, u32)>>;

/// The mode of a file that is no program.
pub const PLAIN: u32 = 0o100_644;

/// Files with this text; none deletes.
#[allow(dead_code, reason = "cases of the matrix bring their bytes and modes themselves")]
pub fn texts<'a>(files: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Files {
    files.into_iter().map(|(path, text)| (path.to_owned(), text.map(|text| (text.as_bytes().to_vec(), PLAIN)))).collect()
}

/// A base tree, ready to prove patches of it.
pub struct Ground {
    pub folder: tempfile::TempDir,
    pub sandbox: Sandbox,
    pub cache: Cache,
    pub base: CommitId,
    pub tree: TreeId,
    pub bench: Bench,
    pub baseline: Vec<CellRun>,
    pub config: Config,
    pub flakes: Vec<Flake>,
}

impl Ground {
    pub fn of(files: &Files, config: Config) -> Ground {
        let folder = tempfile::tempdir().unwrap();
        let origin = folder.path().join("origin");
        commit(&git2::Repository::init(&origin).unwrap(), "HEAD", files, None);
        let (url, cancel) = (origin.to_str().unwrap(), Cancel::default());
        let (cache, base, _) = Cache::fetch(&folder.path().join("cache"), url, None, None, Duration::from_secs(60), &cancel).unwrap();
        let tree = cache.tree_of(&base).unwrap();
        let sandbox = Sandbox::new(&config.sandbox).unwrap();
        let host = folder.path().join("setup");
        std::fs::create_dir_all(&host).unwrap();
        cache.export(&tree, &host).unwrap();
        let suites = detect(&host, &config.test, &sandbox).unwrap();
        let bench = prepare(&sandbox, suites, &host, &folder.path().join("bench"), &config.test, &Silent, &cancel).unwrap();
        let mut ground = Ground { folder, sandbox, cache, base, tree, bench, baseline: Vec::new(), config, flakes: Vec::new() };
        ground.baseline = ground.judged(|judge| baseline(judge, &ground.base).unwrap());
        ground
    }

    /// The base tree with these changes.
    pub fn patch(&self, changes: &Files) -> Patch {
        let changes: Vec<_> = changes.iter().map(|(path, content)| (path.clone(), content.clone())).collect();
        let head = self.cache.overlay(&self.tree, &changes).unwrap();
        self.cache.patch(&self.base, &head).unwrap()
    }

    /// What the gate says of a patch, for an issue with these labels.
    pub fn prove(&self, patch: &Patch, labels: &[String]) -> Verdict {
        self.judged(|judge| prove(judge, patch, &self.baseline, &issue(labels)).unwrap())
    }

    fn judged<T>(&self, work: impl FnOnce(&Judge<'_>) -> T) -> T {
        let cells = self.folder.path().join("cells");
        std::fs::create_dir_all(&cells).unwrap();
        work(&Judge {
            sandbox: &self.sandbox,
            bench: &self.bench,
            cache: &self.cache,
            folder: &cells,
            config: &self.config,
            flakes: &self.flakes,
            reporter: &Silent,
            cancel: &Cancel::default(),
        })
    }
}

fn issue(labels: &[String]) -> Issue {
    Issue {
        reference: "issue.md".parse::<IssueRef>().unwrap(),
        title: "Fix it".into(),
        body: String::new(),
        author: String::new(),
        state: IssueState::Open,
        labels: labels.to_vec(),
        comments: Vec::new(),
        trigger: None,
        url: None,
    }
}

/// Commits these files, and nothing else, to a branch.
pub fn commit(repository: &git2::Repository, branch: &str, files: &Files, parent: Option<git2::Oid>) -> git2::Oid {
    let mut index = git2::Index::new().unwrap();
    for (path, content) in files {
        let (bytes, mode) = content.as_ref().unwrap();
        let entry = git2::IndexEntry {
            ctime: git2::IndexTime::new(0, 0),
            mtime: git2::IndexTime::new(0, 0),
            dev: 0,
            ino: 0,
            mode: *mode,
            uid: 0,
            gid: 0,
            file_size: 0,
            id: repository.blob(bytes).unwrap(),
            flags: 0,
            flags_extended: 0,
            path: path.clone().into_bytes(),
        };
        index.add(&entry).unwrap();
    }
    let tree = repository.find_tree(index.write_tree_to(repository).unwrap()).unwrap();
    let who = git2::Signature::new("A", "a@example.com", &git2::Time::new(1_700_000_000, 0)).unwrap();
    let parents: Vec<git2::Commit<'_>> = parent.into_iter().map(|id| repository.find_commit(id).unwrap()).collect();
    repository.commit(Some(branch), &who, &who, "files", &tree, &parents.iter().collect::<Vec<_>>()).unwrap()
}
