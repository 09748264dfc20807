//! Runs the gate on the cases of one base tree: its setup and baseline are made once, as the pipeline does it, then
//! every patch is proved beside it.

use std::path::Path;
use std::time::Duration;

use loom_agent::config::Config;
use loom_agent::runner::{Bench, detect, prepare};
use loom_agent::sandbox::{Cancel, Sandbox};
use loom_agent::task::{CommitId, Issue, IssueRef, IssueState, Silent, TreeId};
use loom_agent::verify::{CellRun, Judge, Proof, Ruling, Verdict, baseline, prove};
use loom_agent::workspace::Cache;

use crate::case::{Case, Files};

/// A base tree, ready to prove patches of it.
pub struct Ground {
    folder: tempfile::TempDir,
    sandbox: Sandbox,
    cache: Cache,
    base: CommitId,
    tree: TreeId,
    bench: Bench,
    baseline: Vec<CellRun>,
    config: Config,
}

/// What the gate said, in words.
#[derive(Debug)]
pub struct Said {
    pub verdict: String,
    pub proof: String,
    /// Names of reasons or questions.
    pub names: Vec<String>,
    /// What they say, or the cause.
    pub texts: String,
    pub fail_to_pass: Vec<String>,
    pub flips: usize,
}

impl Ground {
    pub fn of(base: &Files) -> Ground {
        let folder = tempfile::tempdir().unwrap();
        let origin = folder.path().join("origin");
        commit(&origin, base);
        let text = base.get("loom.toml").and_then(Option::as_ref).map(|(bytes, _)| String::from_utf8(bytes.clone()).unwrap());
        let config: Config = toml::from_str(text.as_deref().unwrap_or_default()).unwrap();
        let cancel = Cancel::default();
        let url = origin.to_str().unwrap();
        let (cache, base, _) = Cache::fetch(&folder.path().join("cache"), url, None, None, Duration::from_secs(60), &cancel).unwrap();
        let tree = cache.tree_of(&base).unwrap();
        let sandbox = Sandbox::new(&config.sandbox).unwrap();
        let host = folder.path().join("setup");
        std::fs::create_dir_all(&host).unwrap();
        cache.export(&tree, &host).unwrap();
        let suites = detect(&host, &config.test, &sandbox).unwrap();
        let bench = prepare(&sandbox, suites, &host, &folder.path().join("bench"), &config.test, &Silent, &cancel).unwrap();
        let mut ground = Ground { folder, sandbox, cache, base, tree, bench, baseline: Vec::new(), config };
        ground.baseline = ground.judged(|judge| baseline(judge, &ground.base).unwrap());
        ground
    }

    /// What the gate says about this patch.
    pub fn says(&self, case: &Case, patch: &Files) -> Said {
        let changes: Vec<_> = patch.iter().map(|(path, content)| (path.clone(), content.clone())).collect();
        let head = self.cache.overlay(&self.tree, &changes).unwrap();
        let patch = self.cache.patch(&self.base, &head).unwrap();
        said(self.judged(|judge| prove(judge, &patch, &self.baseline, &issue(&case.labels)).unwrap()))
    }

    /// How many tests the base has: passing, failing, skipped.
    pub fn counts(&self) -> String {
        let each = self.baseline.iter().map(|run| {
            let (passed, failed, skipped) = run.report.counts();
            let troubles: Vec<_> = run.report.troubles.iter().map(|one| one.message.lines().next().unwrap_or_default()).collect();
            format!("`{}`: {passed} passed, {failed} failed, {skipped} skipped {}", run.report.command, troubles.join("; "))
        });
        each.collect::<Vec<_>>().join(", ")
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
            flakes: &[],
            reporter: &Silent,
            cancel: &Cancel::default(),
        })
    }
}

fn said(verdict: Verdict) -> Said {
    let (mut proof, mut names, mut texts) = (String::new(), Vec::new(), Vec::new());
    let word = verdict.word().to_owned();
    match verdict.ruling {
        Ruling::Verified(kind) => {
            proof = match kind {
                Proof::FailToPass => "fail-to-pass",
                Proof::NoRegression => "no-regression",
                Proof::NoBehaviourChange => "no-behaviour-change",
            }
            .to_owned();
        }
        Ruling::Review(questions) => {
            questions.into_iter().for_each(|one| {
                names.push(one.name);
                texts.push(format!("{}\n{}", one.text, one.lines));
            });
        }
        Ruling::Rejected(reasons) => {
            reasons.into_iter().for_each(|one| {
                names.push(one.name);
                texts.push(format!("{}\n{}", one.text, one.lines));
            });
        }
        Ruling::Inconclusive(cause) => texts.push(cause),
    }
    names.dedup();
    let fail_to_pass = verdict.evidence.fail_to_pass.iter().map(|one| one.test.to_string()).collect();
    Said { verdict: word, proof, names, texts: texts.join("\n"), fail_to_pass, flips: verdict.evidence.flips.len() }
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

fn commit(origin: &Path, files: &Files) {
    let repository = git2::Repository::init(origin).unwrap();
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
    let tree = repository.find_tree(index.write_tree_to(&repository).unwrap()).unwrap();
    let who = git2::Signature::new("A", "a@example.com", &git2::Time::new(1_700_000_000, 0)).unwrap();
    repository.commit(Some("HEAD"), &who, &who, "first", &tree, &[]).unwrap();
}
