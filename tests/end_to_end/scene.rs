//! A small repository with a bug, an issue about it, and what a good model answers: the ground of tests on what goes wrong.

use std::path::{Path, PathBuf};
use std::process::Command;

use loom_agent::queue::Queue;
use loom_agent::task::{TaskId, TaskState};
use serde_json::json;

use crate::loom::{Ended, Loom, commit_all};
use crate::provider::{Provider, Reply, call, submit};

/// Turns of the good model.
pub const TURNS: usize = 4;

/// The repository and the issue of `tests/scenarios/verified-tap`, by a user with a key.
pub fn greeting() -> Loom {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/verified-tap");
    let issue = std::fs::read(scenario.join("issue.md")).unwrap();
    let loom = Loom::new().file("issue.md", issue).with("LOOM_API_KEY", "test-key");
    assert!(Command::new("cp").arg("-R").arg(scenario.join("repository")).arg(repository(&loom)).status().unwrap().success());
    commit_all(&repository(&loom));
    loom
}

/// Where the repository is.
pub fn repository(loom: &Loom) -> PathBuf {
    loom.folder().join("repository")
}

/// What a good model answers in this turn.
pub fn good(turn: usize) -> Reply {
    let name = r#"is "a greeting has the name" "$(sh greet.sh Ann)" "Hello, Ann!""#;
    match turn {
        0 => call("read", json!({"path": "greet.sh"})),
        1 => {
            call("edit", json!({"path": "test/greet.test", "old": "is \"a greeting ends", "new": format!("{name}\nis \"a greeting ends")}))
        }
        2 => call("edit", json!({"path": "greet.sh", "old": "$name", "new": "$1"})),
        _ => submit(),
    }
}

/// The command on this scene, with further words.
pub fn words<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec!["run-issue", "issue.md", "--repo", "repository", "--model", "compatible/scripted", "--base-url", url];
    words.extend(more);
    words
}

/// Runs it to its end; whatever came of it, nothing is left running.
#[track_caller]
pub fn run(loom: &Loom, model: &Provider, more: &[&str]) -> Ended {
    let ended = loom.run(&words(&model.url("compatible"), more));
    nothing_runs(loom);
    ended
}

/// The only task's state.
#[track_caller]
pub fn state(loom: &Loom) -> TaskState {
    Queue::open(&loom.queue()).unwrap().task(TaskId(1)).unwrap().unwrap().state
}

/// Loom's branches in the repository.
pub fn branches(loom: &Loom) -> Vec<String> {
    let list =
        Command::new("git").args(["for-each-ref", "--format=%(refname:short)", "refs/heads/loom"]).current_dir(repository(loom)).output();
    String::from_utf8(list.unwrap().stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Fails when a process is there that was started for this scene.
#[track_caller]
pub fn nothing_runs(loom: &Loom) {
    let running = running(loom);
    assert!(running.is_empty(), "left running: {running:#?}");
}

/// Processes with this scene's home in their words or as their folder.
pub fn running(loom: &Loom) -> Vec<String> {
    let home = loom.home().to_str().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
        let words = String::from_utf8_lossy(&std::fs::read(entry.path().join("cmdline")).ok()?).replace('\0', " ");
        let folder = std::fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        (words.contains(home) || folder.starts_with(home)).then(|| format!("{}: {words}", entry.file_name().to_string_lossy()))
    });
    processes.collect()
}

/// Whether a command runs in a sandbox of this scene: a process below one of bubblewrap's.
pub fn in_sandbox(loom: &Loom) -> bool {
    let wraps = running(loom).into_iter().filter(|process| process.contains("bwrap"));
    let numbers: Vec<String> = wraps.filter_map(|process| Some(process.split_once(':')?.0.to_owned())).collect();
    std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1));
        !stat.contains("(bwrap)") && parent.is_some_and(|parent| numbers.iter().any(|number| number == parent))
    })
}

impl Ended {
    /// Fails unless this is said and a hint says this.
    #[track_caller]
    pub fn says(self, what: &str, hint: &str) -> Ended {
        let hints: Vec<&str> = self.stderr.lines().filter_map(|line| line.strip_prefix("hint: ")).collect();
        assert!(self.stderr.contains(what), "{what:?} is not said: {self:#?}");
        assert!(hints.iter().any(|one| one.contains(hint)), "no hint says {hint:?}: {self:#?}");
        self
    }
}
