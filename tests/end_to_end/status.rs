//! `loom status` on a queue with tasks in every state.

use loom_agent::queue::Queue;
use loom_agent::task::{Issue, IssueState, Stage, TaskState};

use crate::loom::Loom;

fn issue(number: u64) -> Issue {
    Issue {
        reference: format!("acme/widget#{number}").parse().unwrap(),
        title: format!("Number {number} breaks"),
        body: String::new(),
        author: "ann".into(),
        state: IssueState::Open,
        labels: Vec::new(),
        comments: Vec::new(),
        trigger: None,
        url: None,
    }
}

/// One task done, one failed, one whose process was killed, one waiting.
fn filled() -> Loom {
    let loom = Loom::new();
    let queue = Queue::open(&loom.queue()).unwrap();
    let claim = |number| queue.claim(queue.add("R1", &issue(number), false).unwrap().id).unwrap();
    let done = claim(1);
    done.stage_began(Stage::Clone, 0).unwrap();
    done.stage_ended(Stage::Clone, 0, "{}").unwrap();
    done.log("info", "cloned at 0123456789", &serde_json::Value::Null).unwrap();
    done.note(Some(12_430), Some("verified"), Some((31, "https://github.com/acme/widget/pull/31"))).unwrap();
    done.finish(TaskState::Completed, None).unwrap();
    claim(2).finish(TaskState::Failed, Some("the provider answered 529")).unwrap();
    let killed = claim(3);
    killed.stage_began(Stage::Generate, 0).unwrap();
    std::mem::forget(killed);
    let path = rusqlite::Connection::open(loom.queue()).unwrap();
    path.execute("UPDATE tasks SET owner_start = '1' WHERE id = 3", []).unwrap();
    queue.add("R1", &issue(4), false).unwrap();
    loom
}

#[test]
fn the_table_shows_every_task_newest_first() {
    let ended = filled().run(&["status"]).exits(0);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{ended:#?}");
    for (line, parts) in [
        (0, &["TASK", "STATE", "AGE", "STAGE", "TRY", "TOKENS", "PR", "ISSUE"][..]),
        (1, &["4", "pending", "acme/widget#4"]),
        (2, &["3", "stopped", "generate"]),
        (3, &["2", "failed"]),
        (4, &["the provider answered 529"]),
        (5, &["1", "completed", "clone", "12.4k", "#31"]),
        (6, &["cloned at 0123456789"]),
    ] {
        assert!(parts.iter().all(|part| lines[line].contains(part)), "{parts:?} in {ended:#?}");
    }
}

#[test]
fn one_task_is_shown_with_stages_log_and_links() {
    let loom = filled();
    let ended = loom.run(&["status", "1"]).exits(0);
    for part in
        ["https://github.com/acme/widget/issues/1", "https://github.com/acme/widget/pull/31", "verified", "clone", "cloned at 0123456789"]
    {
        assert!(ended.stdout.contains(part), "{part} in {ended:#?}");
    }
    assert!(loom.run(&["status", "3"]).exits(0).stdout.contains("is gone; run it again to go on"));
}

#[test]
fn programs_read_the_same_as_data() {
    let loom = filled();
    let tasks = loom.run(&["status", "--json", "-n", "2"]).exits(0).json();
    let standings: Vec<&str> = tasks["tasks"].as_array().unwrap().iter().filter_map(|task| task["standing"].as_str()).collect();
    assert_eq!(standings, ["pending", "stopped"]);
    let task = loom.run(&["--json", "status", "1"]).exits(0).json();
    assert_eq!((&task["pr_number"], &task["stages"][0]["stage"], &task["log"][0]["level"]), (&31.into(), &"clone".into(), &"info".into()));
}
