//! Test commands that hang, flood, daemonise or kill: each ends, each is told, and nothing is left running.

use loom_agent::task::TaskState;
use serde_json::json;

use crate::loom::{Ended, Loom, commit_all};
use crate::provider::{Provider, call};
use crate::scene::{self, good, greeting, repository};

/// A scene whose test script begins with these lines.
fn beginning_with(lines: &str) -> Loom {
    let loom = greeting().file("loom.toml", "[test]\ntimeout = \"2s\"\n");
    let script = repository(&loom).join("test/run.sh");
    let text = std::fs::read_to_string(&script).unwrap();
    std::fs::write(&script, format!("{lines}\n{text}")).unwrap();
    commit_all(&repository(&loom));
    loom
}

fn run(loom: &Loom) -> Ended {
    scene::run(loom, &Provider::answering(|asked| good(asked.turn)), &[])
}

#[test]
fn a_suite_that_hangs_proves_nothing() {
    let loom = beginning_with("sleep 987");
    run(&loom).exits(12).says("stopped at the limit of 2s", "test.timeout");
    assert_eq!(scene::state(&loom), TaskState::Failed);
}

#[test]
fn a_change_that_makes_the_suite_hang_is_no_success() {
    let loom = greeting().file("loom.toml", "[test]\ntimeout = \"2s\"\n[agent]\nrepair_rounds = 0\n");
    let model = Provider::answering(|asked| match asked.turn {
        2 => call("write", json!({"path": "greet.sh", "text": "sleep 987\necho \"Hello, $1!\"\n"})),
        turn => good(turn),
    });
    let ended = scene::run(&loom, &model, &[]);
    assert!(matches!(ended.code, 11 | 12), "{ended:#?}");
    assert!(ended.stderr.contains("hint: "), "{ended:#?}");
    assert!(scene::branches(&loom).is_empty());
}

#[test]
fn a_flood_is_capped() {
    let loom = beginning_with("yes 'all work and no play' | head -c 8000000; yes 'to the other' | head -c 8000000 >&2");
    let ended = run(&loom);
    assert!(matches!(ended.code, 0 | 12), "{ended:#?}");
    let kept = std::process::Command::new("du").args(["-sk", loom.home().to_str().unwrap()]).output().unwrap();
    let kilobytes: u64 = String::from_utf8(kept.stdout).unwrap().split_whitespace().next().unwrap().parse().unwrap();
    assert!(kilobytes < 10_000, "{kilobytes} kB are kept of it");
}

#[test]
fn daemons_end_with_the_run() {
    let daemon = "(setsid sh -c 'trap \"\" TERM HUP INT; while :; do sleep 987.25; done' >/dev/null 2>&1 &) ; sleep 987.25 &";
    let loom = beginning_with(daemon);
    run(&loom).exits(0);
    let words = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let left: Vec<String> =
        words.map(|words| String::from_utf8_lossy(&words).replace('\0', " ")).filter(|words| words.contains("987.25")).collect();
    assert!(left.is_empty(), "{left:#?}");
}

#[test]
fn a_suite_that_kills_all_it_can_reach_is_told() {
    // It reaches nothing: its parent is the sandbox's first process, and nobody else is there.
    for kill in ["kill -9 $PPID", "kill -9 -1"] {
        run(&beginning_with(kill)).exits(0);
    }
    for kill in ["kill -9 $$", "kill -SEGV $$"] {
        let loom = beginning_with(kill);
        let ended = run(&loom).exits(12);
        assert!(ended.stderr.contains("hint: ") && scene::branches(&loom).is_empty(), "{kill}: {ended:#?}");
    }
}
