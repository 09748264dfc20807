//! A run that is stopped: by a signal it gives its task back, killed it loses its claim, and either way it can go on.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use loom_agent::queue::Queue;
use loom_agent::task::{Stage, TaskId, TaskState};
use rustix::process::{Pid, Signal, kill_process};

use crate::loom::Loom;

/// A model that takes every call and never answers.
struct Mute(TcpListener);

impl Mute {
    fn listen() -> Mute {
        Mute(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn url(&self) -> String {
        format!("http://{}/v1", self.0.local_addr().unwrap())
    }

    /// Waits until loom calls: then it is in the middle of its work.
    fn called(&self) -> TcpStream {
        self.0.accept().unwrap().0
    }
}

fn scene() -> Loom {
    let loom = Loom::new().file("issue.md", "# It breaks\n\nBadly.\n").file("repo/notes.txt", "hello\n");
    for words in [&["init", "--quiet", "--initial-branch=main"][..], &["add", "."], &["commit", "--quiet", "--message=one"]] {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]).args(words).current_dir(loom.folder().join("repo"));
        assert!(git.status().unwrap().success());
    }
    loom
}

fn begin(loom: &Loom, model: &Mute) -> Child {
    let words = ["run-issue", "issue.md", "--repo", "repo", "--dry-run", "--model", "compatible/mute", "--base-url", &model.url()];
    loom.command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn an_interrupted_run_gives_its_task_back() {
    let (loom, model) = (scene(), Mute::listen());
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let child = begin(&loom, &model);
        let _call = model.called();
        send(&child, signal);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains("task returned to the queue") && said.contains("hint: run the same command again"), "{said}");
        assert_eq!(output.stdout, b"");
        let task = Queue::open(&loom.queue()).unwrap().task(TaskId(1)).unwrap().unwrap();
        assert_eq!((task.state, task.owner), (TaskState::Pending, None));
    }
}

#[test]
fn what_a_killed_run_had_done_is_not_done_again() {
    let (loom, model) = (scene(), Mute::listen());
    let mut child = begin(&loom, &model);
    let _call = model.called();
    let second = loom.run(&["run-issue", "issue.md", "--repo", "repo", "--model", "compatible/mute", "--base-url", &model.url()]).exits(13);
    assert!(second.stderr.contains("is being worked on by process"), "{second:#?}");
    send(&child, Signal::KILL);
    child.wait().unwrap();
    assert!(loom.run(&["status"]).exits(0).stdout.contains("stopped"));

    let child = begin(&loom, &model);
    let _call = model.called();
    send(&child, Signal::INT);
    let said = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
    assert!(said.lines().any(|line| line.contains("clone") && line.contains("earlier")), "{said}");
    let queue = Queue::open(&loom.queue()).unwrap();
    let clone = queue.stages(TaskId(1)).unwrap().into_iter().find(|row| row.stage == Stage::Clone).unwrap();
    assert_eq!((clone.attempt, queue.task(TaskId(1)).unwrap().unwrap().attempts), (1, 2));
}
