//! A real small repository with a real suite, sandbox and workspace, and a model that says what a test wants. For tests of this room.

use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Assignment, Outcome, work};
use crate::config::{Config, SandboxSettings};
use crate::error::Result;
use crate::model::{self, Answer, Block, Conversation, Message, Model, Role, Stop};
use crate::runner::{Bench, Report, detect, prepare};
use crate::sandbox::{Cancel, Sandbox};
use crate::task::{CommitId, Event, Issue, IssueRef, IssueState, Reporter, Usage};
use crate::workspace::{Cache, Tree, Workspace};

const FILES: [(&str, &str); 4] = [
    ("package.json", "{\"name\": \"sum\", \"version\": \"1.0.0\", \"scripts\": {\"test\": \"node --test\"}}\n"),
    ("sum.js", "exports.sum = function (a, b) {\n  return a - b;\n};\n"),
    (
        "test/sum.test.js",
        "const test = require('node:test');\nconst assert = require('node:assert');\nconst { sum } = require('../sum');\n\ntest('zero', () => {\n  assert.strictEqual(sum(0, 0), 0);\n});\n\ntest('red before', () => {\n  assert.strictEqual(1, 2);\n});\n",
    ),
    (".gitignore", "ignored/\n"),
];

/// Everything an assignment borrows.
pub(super) struct Scene {
    pub(super) folder: tempfile::TempDir,
    pub(super) cache: Cache,
    pub(super) base: CommitId,
    pub(super) workspace: Workspace,
    pub(super) tree: Tree,
    pub(super) bench: Bench,
    pub(super) sandbox: Sandbox,
    pub(super) config: Config,
    pub(super) issue: Issue,
    pub(super) baseline: OnceLock<Vec<Report>>,
    pub(super) cancel: Cancel,
    pub(super) heard: Heard,
}

/// Keeps the events.
#[derive(Default)]
pub(super) struct Heard(pub(super) Mutex<Vec<Event>>);

impl Reporter for Heard {
    fn event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Scene {
    pub(super) fn new() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let origin = folder.path().join("origin");
        let repository = git2::Repository::init(&origin).unwrap();
        let mut index = repository.index().unwrap();
        for (path, text) in FILES {
            std::fs::create_dir_all(origin.join(path).parent().unwrap()).unwrap();
            std::fs::write(origin.join(path), text).unwrap();
            index.add_path(path.as_ref()).unwrap();
        }
        let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
        let who = git2::Signature::new("A", "a@example.com", &git2::Time::new(1_700_000_000, 0)).unwrap();
        repository.commit(Some("HEAD"), &who, &who, "first", &tree, &[]).unwrap();
        drop(tree);
        let (mut config, cancel) = (Config::default(), Cancel::default());
        config.test.command = Some("node --test --test-reporter=tap".into());
        config.test.runner = Some("tap".into());
        let wall = Duration::from_secs(60);
        let url = origin.to_str().unwrap();
        let (cache, base, _) = Cache::fetch(&folder.path().join("cache"), url, None, None, wall, &cancel).unwrap();
        let pristine = folder.path().join("pristine");
        cache.export(&cache.tree_of(&base).unwrap(), &pristine).unwrap();
        let sandbox = Sandbox::new(&SandboxSettings::default()).unwrap();
        let suites = detect(&pristine, &config.test, &sandbox).unwrap();
        let heard = Heard::default();
        let bench = prepare(&sandbox, suites, &pristine, &folder.path().join("bench"), &config.test, &heard, &cancel).unwrap();
        let workspace = Workspace::create(&cache, &base, &folder.path().join("work")).unwrap();
        let tree = bench.tree(workspace.root(), &folder.path().join("private")).unwrap();
        let issue = Issue {
            reference: IssueRef::File("issue.md".into()),
            title: "sum subtracts".into(),
            body: "`sum(1, 2)` is -1.".into(),
            author: String::new(),
            state: IssueState::Open,
            labels: Vec::new(),
            comments: Vec::new(),
            trigger: None,
            url: None,
        };
        Scene { cache, base, workspace, tree, bench, sandbox, config, issue, baseline: OnceLock::new(), cancel, heard, folder }
    }

    pub(super) fn trajectory(&self) -> PathBuf {
        self.folder.path().join("trajectory.jsonl")
    }

    /// The runs of an untouched tree, as the gate would give them.
    pub(super) fn run_baseline(&self) {
        let pristine = self.folder.path().join("pristine");
        let tree = self.bench.tree(&pristine, &self.folder.path().join("private-pristine")).unwrap();
        let all = crate::runner::Selection::All;
        let run = |suite| crate::runner::run(&self.sandbox, &tree, suite, &all, &self.config.test, &self.cancel).unwrap();
        self.baseline.set(self.bench.suites.iter().map(run).collect()).unwrap();
    }

    /// Works with this model; `repair` in rounds after the first.
    pub(super) fn work(&self, model: &mut dyn Model, round: u32, repair: Option<&str>) -> Result<Outcome> {
        with_assignment(self, round, repair, |assignment| work(assignment, model))
    }
}

/// Runs something on the scene's assignment.
pub(super) fn with_assignment<T>(scene: &Scene, round: u32, repair: Option<&str>, run: impl FnOnce(&Assignment<'_>) -> T) -> T {
    run(&Assignment {
        issue: &scene.issue,
        workspace: &scene.workspace,
        tree: &scene.tree,
        bench: &scene.bench,
        sandbox: &scene.sandbox,
        config: &scene.config,
        baseline: &scene.baseline,
        round,
        repair,
        trajectory: &scene.trajectory(),
        reporter: &scene.heard,
        cancel: &scene.cancel,
    })
}

/// A model that gives prepared answers and keeps what it was asked.
pub(super) struct Prepared {
    answers: std::vec::IntoIter<Answer>,
    pub(super) asked: Vec<Conversation>,
}

impl Prepared {
    pub(super) fn new(answers: Vec<Answer>) -> Prepared {
        Prepared { answers: answers.into_iter(), asked: Vec::new() }
    }

    /// All results and notices of the last request's last message.
    pub(super) fn told(&self, request: usize) -> String {
        let blocks = &self.asked[request].messages.last().unwrap().blocks;
        let texts = blocks.iter().filter_map(|block| match block {
            Block::Text { text } | Block::Result { text, .. } => Some(text.as_str()),
            _ => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }
}

impl Model for Prepared {
    fn name(&self) -> &str {
        "prepared/answers"
    }

    fn answer(&mut self, conversation: &Conversation, _: Instant, _: &mut dyn FnMut(model::Heard<'_>), _: &Cancel) -> Result<Answer> {
        self.asked.push(conversation.clone());
        match self.answers.next() {
            Some(answer) => Ok(answer),
            None => Err(crate::error::Failure::new(crate::error::Kind::Model, "no more answers are prepared")),
        }
    }
}

/// An answer of calls, each with a tool's name and input.
pub(super) fn calls(calls: &[(&str, Value)]) -> Answer {
    let call = |(number, (name, input)): (usize, &(&str, Value))| Block::Call {
        id: format!("c{number}"),
        name: (*name).to_owned(),
        input: input.clone(),
    };
    let blocks = calls.iter().enumerate().map(call).collect();
    Answer { message: Message { role: Role::Assistant, blocks }, stop: Stop::Calls, usage: usage() }
}

/// An answer of words.
pub(super) fn words(text: &str, stop: Stop) -> Answer {
    let blocks = vec![Block::Text { text: text.to_owned() }];
    Answer { message: Message { role: Role::Assistant, blocks }, stop, usage: usage() }
}

/// The answer that fixes the bug.
pub(super) fn fix() -> Answer {
    calls(&[("edit", json!({"path": "sum.js", "old": "a - b", "new": "a + b"}))])
}

/// The answer that ends well.
pub(super) fn submit() -> Answer {
    calls(&[("submit", json!({"title": "Add in sum", "summary": "It subtracted."}))])
}

fn usage() -> Usage {
    Usage { requests: 1, input_tokens: 100, cached_tokens: 0, output_tokens: 10 }
}
