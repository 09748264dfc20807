//! A small repository with a bug on the fake GitHub, an issue about it with the label, and a model that mends it.

use std::process::{Child, Stdio};
use std::rc::Rc;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::fake_github::{FakeGitHub, State};
use crate::loom::{Ended, Loom};

/// What the model calls its work.
pub const TITLE: &str = "Clamp to the upper bound";
/// Begins every status comment.
pub const MARKER: &str = "<!-- loom:status episode=";

const PROGRAM: &str = "#!/bin/sh\n# clamp LOW HIGH VALUE\nif [ \"$3\" -gt \"$2\" ]; then echo 0; elif [ \"$3\" -lt \"$1\" ]; then echo \"$1\"; else echo \"$3\"; fi\n";
const TESTS: &str = "#!/bin/sh\nn=0\ncheck() {\n    n=$((n + 1))\n    if [ \"$2\" = \"$3\" ]; then echo \"ok $n - $1\"; else echo \"not ok $n - $1\"; \
                     echo \"# expected $3, got $2\"; fi\n}\ncheck \"a value inside stays\" \"$(sh clamp.sh 1 5 3)\" 3\necho \"1..$n\"\n";
const SETTINGS: &str = "[test]\ncommand = \"sh tests/all.sh\"\nrunner = \"tap\"\n";

/// One machine, one GitHub, one labelled issue.
pub struct Scene {
    pub hub: Rc<FakeGitHub>,
    pub loom: Loom,
    pub number: u64,
}

impl Scene {
    /// The issue carries the label, set by somebody who may.
    pub fn new() -> Scene {
        let scene = Scene::unlabelled();
        scene.label("maya");
        scene
    }

    /// The same without the label.
    pub fn unlabelled() -> Scene {
        Scene::about("Values above the range give 0.\n\n`sh clamp.sh 1 5 9` should print 5.\n")
    }

    /// An issue with this body and no label.
    pub fn about(body: &str) -> Scene {
        let hub = Rc::new(FakeGitHub::start());
        for (path, text) in [("clamp.sh", PROGRAM), ("tests/all.sh", TESTS), ("loom.toml", SETTINGS)] {
            hub.commit("main", path, text);
        }
        let number = hub.issue("clamp returns 0", body);
        let loom = machine(&hub);
        Scene { hub, loom, number }
    }

    /// Somebody asks for the work.
    pub fn label(&self, actor: &str) {
        self.hub.state().label(self.number, "loom:ready", actor);
    }

    /// The same GitHub, and a machine that has seen nothing of it.
    pub fn other_machine(&self) -> Scene {
        Scene { hub: Rc::clone(&self.hub), loom: machine(&self.hub), number: self.number }
    }

    /// The same with another token, or none.
    pub fn with_token(self, token: Option<&str>) -> Scene {
        let loom = machine_with(&self.hub, token);
        Scene { loom, ..self }
    }

    fn words<'w>(issue: &'w str, more: &[&'w str]) -> Vec<&'w str> {
        [&["run-issue", issue, "--model", "replay/answers.jsonl"], more].concat()
    }

    fn issue(&self) -> String {
        format!("acme/widget#{}", self.number)
    }

    /// `loom run-issue` on the issue.
    pub fn run(&self) -> Ended {
        self.run_with(&[])
    }

    /// The same with more words.
    pub fn run_with(&self, more: &[&str]) -> Ended {
        self.loom.run(&Scene::words(&self.issue(), more))
    }

    /// The same with JSON events.
    pub fn run_with_events(&self, more: &[&str]) -> Ended {
        self.run_with(&[&["--json"], more].concat())
    }

    /// Runs until GitHub holds a request, then kills.
    pub fn run_until_held_and_kill(&self) {
        let child = self.begin();
        self.hub.until_held();
        kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), None, "it was to be killed: {output:?}");
    }

    /// Starts a run.
    pub fn begin(&self) -> Child {
        let mut command = self.loom.command(&Scene::words(&self.issue(), &[]));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Requests that changed something so far.
    pub fn writes(&self) -> usize {
        let writes = |request: &&String| !request.starts_with("GET ") && !request.ends_with("git-upload-pack");
        self.hub.requests().iter().filter(writes).count()
    }

    /// The text of the one status comment.
    pub fn comment(&self, state: &State) -> String {
        let all = state.comments_with(self.number, MARKER);
        assert_eq!(all.len(), 1, "one status comment: {all:#?}");
        all[0].to_owned()
    }

    /// The labels of the issue.
    pub fn labels(&self) -> Vec<String> {
        self.hub.state().issues[&self.number].labels.clone()
    }

    /// Number of the one pull request and text of the one comment.
    #[track_caller]
    pub fn pull_and_comment(&self) -> (u64, String) {
        let state = self.hub.state();
        let pulls: Vec<u64> = state.pulls().iter().map(|(number, ..)| *number).collect();
        assert_eq!(pulls.len(), 1, "one pull request");
        (pulls[0], self.comment(&state))
    }

    /// One pull request with its branch, one comment, the label of a good end.
    #[track_caller]
    pub fn stands(&self) {
        let (pull, comment) = self.pull_and_comment();
        assert!(comment.contains(&format!("/pull/{pull}")), "{comment}");
        assert_eq!(self.labels(), ["loom:completed"]);
        let head = self.hub.state().pulls()[0].2.head.clone();
        assert_eq!(self.hub.branches(), [head, "main".to_owned()]);
    }

    /// Nothing was opened and nothing pushed.
    #[track_caller]
    pub fn nothing_opened(&self) {
        assert!(self.hub.state().pulls().is_empty());
        assert_eq!(self.hub.branches(), ["main"]);
    }

    /// Nothing but the issue as it was.
    #[track_caller]
    pub fn untouched(&self) {
        self.nothing_opened();
        assert_eq!(self.writes(), 0, "{:?}", self.hub.requests());
    }
}

fn machine(hub: &FakeGitHub) -> Loom {
    machine_with(hub, Some("token-of-loom-bot"))
}

fn machine_with(hub: &FakeGitHub, token: Option<&str>) -> Loom {
    let settings = "[github]\nwrite_interval = \"1ms\"\nretry_budget = \"20s\"\n";
    let loom = Loom::new().with("GITHUB_API_URL", hub.api_url()).file("loom.toml", settings).file("answers.jsonl", answers());
    match token {
        Some(token) => loom.with("GITHUB_TOKEN", token),
        None => loom,
    }
}

/// A test first, then the cause, then the end: one turn.
fn answers() -> String {
    let wider = "check \"a value above is the upper bound\" \"$(sh clamp.sh 1 5 9)\" 5\necho \"1..$n\"";
    let turn = [
        ("edit", json!({ "path": "tests/all.sh", "old": "echo \"1..$n\"", "new": wider })),
        ("edit", json!({ "path": "clamp.sh", "old": "echo 0;", "new": "echo \"$2\";" })),
        ("submit", json!({ "title": TITLE, "summary": "Values above the range gave 0." })),
    ];
    answer(&turn)
}

/// One answer of a model with these calls.
fn answer(calls: &[(&str, Value)]) -> String {
    let blocks: Vec<Value> = calls
        .iter()
        .enumerate()
        .map(|(at, (name, input))| json!({ "type": "call", "id": format!("call-{at}"), "name": name, "input": input }))
        .collect();
    let usage = json!({ "requests": 1, "input_tokens": 100, "cached_tokens": 0, "output_tokens": 20 });
    let answer = json!({ "message": { "role": "assistant", "blocks": blocks }, "stop": "calls", "usage": usage });
    format!("{}\n", json!({ "line": "answer", "answer": answer }))
}

impl Scene {
    /// Answers of the model that this machine's first task has on record.
    pub fn recorded_answers(&self) -> usize {
        let path = self.loom.home().join(".local/state/loom/tasks/1/proposal/trajectory.jsonl");
        std::fs::read_to_string(path).unwrap().lines().filter(|line| line.starts_with("{\"line\":\"answer\"")).count()
    }
}
