//! A run that is stopped in the middle of a stage: it ends soon, leaves nothing running, and the same command goes on
//! without asking the model again for what it has answered.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use loom_agent::task::TaskState;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::loom::Loom;
use crate::provider::{Provider, Reply, call};
use crate::scene::{self, TURNS, good, greeting};

/// Longest way from the signal to the end of the process.
const SOON: Duration = Duration::from_secs(10);

/// A scene whose setup, or whose new test, waits as long as a file is there.
fn holding(stage: &str) -> (Loom, Provider) {
    let loom = greeting();
    let place = loom.folder().join("held");
    std::fs::create_dir(&place).unwrap();
    let hold = format!("while [ -e {} ]; do sleep 0.05; done", place.join("hold").display());
    let setup = if stage == "setup" { json!([hold]) } else { json!([]) };
    let settings = format!("[test]\nsetup = {setup}\n[sandbox]\nread = [{}]\n", json!(place));
    let loom = loom.file("loom.toml", settings).file("held/hold", "");
    let (silent, in_verify) = (AtomicBool::new(stage == "generate"), stage == "verify");
    let model = Provider::answering(move |asked| match asked.turn {
        2 if silent.swap(false, Ordering::SeqCst) => Reply::Silence,
        1 if in_verify => call(
            "edit",
            json!({"path": "test/greet.test", "old": "is \"a greeting ends",
                "new": format!("{hold}\nis \"a greeting has the name\" \"$(sh greet.sh Ann)\" \"Hello, Ann!\"\nis \"a greeting ends")}),
        ),
        turn => good(turn),
    });
    (loom, model)
}

fn begin(loom: &Loom, model: &Provider) -> Child {
    loom.command(&scene::words(&model.url("compatible"), &[])).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Reads what the child says up to a line with this beginning.
#[track_caller]
fn read_until(child: &mut Child, start: &str) {
    let mut said = String::new();
    let mut lines = BufReader::new(child.stderr.as_mut().unwrap());
    while !said.lines().last().is_some_and(|line| line.starts_with(start)) {
        assert!(lines.read_line(&mut said).unwrap() > 0, "it never came to {start:?}:\n{said}");
    }
}

/// Waits for something that other processes do.
#[track_caller]
fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what} did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A killed loom takes what it started with it, though not before its own end is seen.
#[track_caller]
fn all_ends(loom: &Loom, what: &str) {
    let began = Instant::now();
    while !scene::running(loom).is_empty() {
        assert!(began.elapsed() < SOON, "{what}: left running: {:#?}", scene::running(loom));
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn in_the_middle_of(stage: &str, loom: &Loom, model: &Provider, child: &mut Child) {
    if stage == "generate" {
        return model.is_silent();
    }
    read_until(child, &format!("> {stage}"));
    wait_for("a command in the sandbox", || scene::in_sandbox(loom));
}

fn stopped_by(signal: Signal, code: Option<i32>) {
    for stage in ["setup", "generate", "verify"] {
        let (loom, model) = holding(stage);
        let mut child = begin(&loom, &model);
        in_the_middle_of(stage, &loom, &model, &mut child);
        let before = Instant::now();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), code, "{stage}: {said}");
        assert!(before.elapsed() < SOON, "{stage}: it took {:?}", before.elapsed());
        if code.is_some() {
            assert!(said.contains("hint: run the same command again"), "{stage}: {said}");
            assert_eq!(scene::state(&loom), TaskState::Pending, "{stage}");
            assert!(comment(&loom).contains("\nInterrupted: nobody works on this issue now."), "{stage}: {}", comment(&loom));
            scene::nothing_runs(&loom);
        }
        all_ends(&loom, stage);
        goes_on(&loom, &model, stage, TURNS + usize::from(stage == "generate"));
    }
}

/// The status comment that the local forge left.
fn comment(loom: &Loom) -> String {
    let outbox = std::fs::read_dir(loom.queue().with_file_name("outbox")).unwrap();
    let found = outbox.map(|entry| entry.unwrap().path()).find(|path| path.to_string_lossy().ends_with(".comment.md"));
    std::fs::read_to_string(found.unwrap()).unwrap()
}

fn goes_on(loom: &Loom, model: &Provider, what: &str, requests: usize) {
    let _ = std::fs::remove_file(loom.folder().join("held/hold"));
    let ended = scene::run(loom, model, &[]);
    assert_eq!(ended.code, 0, "{what}: {ended:#?}");
    assert!(ended.stdout.contains("verified: "), "{what}: {ended:#?}");
    assert_eq!(scene::state(loom), TaskState::Completed, "{what}");
    assert_eq!(scene::branches(loom).len(), 1, "{what}");
    assert_eq!(model.asked().len(), requests, "{what}: requests");
}

#[test]
fn interrupted_in_each_stage() {
    stopped_by(Signal::INT, Some(130));
}

#[test]
fn terminated_in_each_stage() {
    stopped_by(Signal::TERM, Some(143));
}

#[test]
fn killed_in_each_stage() {
    stopped_by(Signal::KILL, None);
}

#[test]
fn interrupted_while_the_remote_is_silent() {
    let remote = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/acme/widget.git", remote.local_addr().unwrap());
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let loom = greeting();
        let words = ["run-issue", "issue.md", "--repo", &url, "--model", "compatible/scripted", "--base-url", "http://127.0.0.1:1/v1"];
        let child = loom.command(&words).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let _call = remote.accept().unwrap();
        let before = Instant::now();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(before.elapsed() < SOON, "it took {:?}", before.elapsed());
        scene::nothing_runs(&loom);
    }
}

#[test]
fn killed_at_each_boundary() {
    let marks = [
        "> clone",
        "✓ clone",
        "> setup",
        "✓ setup",
        "> generate",
        "✓ generate",
        "> verify",
        "✓ verify",
        "> publish",
        "✓ publish",
        "> report",
    ];
    for mark in marks {
        let (loom, model) = (greeting(), Provider::answering(|asked| good(asked.turn)));
        let mut child = begin(&loom, &model);
        read_until(&mut child, mark);
        child.kill().unwrap();
        child.wait().unwrap();
        all_ends(&loom, mark);
        let ended = scene::run(&loom, &model, &[]);
        assert_eq!(ended.code, 0, "{mark}: {ended:#?}");
        assert_eq!((scene::state(&loom), scene::branches(&loom).len()), (TaskState::Completed, 1), "{mark}");
        assert!((TURNS..=TURNS + 1).contains(&model.asked().len()), "{mark}: {} requests", model.asked().len());
    }
}
