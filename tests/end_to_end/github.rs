//! `loom run-issue owner/repo#12` whole: the real binary, a fake GitHub with a real repository behind it, and a model
//! whose answers are written down. What stands on GitHub afterwards is what counts.

mod admission;
mod again;
mod crashes;
mod scene;
mod troubles;

use loom_agent::queue::Queue;
use loom_agent::task::{TaskId, TaskState};

use scene::{Scene, TITLE};

#[test]
fn a_label_becomes_one_draft_that_says_what_is_proved() {
    let scene = Scene::new();
    let ended = scene.run().exits(0);
    assert!(ended.stdout.contains("draft pull request: http://127.0.0.1"), "{ended:#?}");
    scene.stands();

    let state = scene.hub.state();
    let (_, page, pull) = state.pulls()[0];
    assert_eq!((page.title.as_str(), pull.base.as_str(), pull.draft), (TITLE, "main", true));
    let body = page.body.as_deref().unwrap();
    assert!(body.starts_with("**Verified: 1 test fails on the base source and passes with this change;"), "{body}");
    assert_eq!(body.matches(&format!("Closes #{}", scene.number)).count(), 1, "{body}");
    let comment = scene.comment(&state);
    assert!(comment.starts_with("<!-- loom:status episode="), "{comment}");
    assert!(comment.contains(&format!("/pull/{}", state.pulls()[0].0)), "{comment}");
    assert!(!comment.contains("- [ ]"), "every stage is ticked: {comment}");
    let branch = pull.head.clone();
    drop(state);

    assert!(scene.hub.text(&branch, "clamp.sh").contains("echo \"$2\""));
    assert!(scene.hub.text(&branch, "").contains("Loom-Episode: "));
    assert!(scene.loom.run(&["status"]).exits(0).stdout.contains("completed"));
}

#[test]
fn twice_on_one_machine_adopts_and_asks_no_model() {
    let scene = Scene::new();
    scene.run().exits(0);
    let before = scene.pull_and_comment();
    let writes = scene.writes();
    let again = scene.run().exits(0);
    assert!(again.stdout.contains("pull request was there already"), "{again:#?}");
    assert_eq!(scene.writes(), writes, "nothing is written twice: {:?}", scene.hub.requests());
    assert_eq!(scene.pull_and_comment(), before);
    assert!(!again.stderr.contains("generate"), "{again:#?}");
}

#[test]
fn twice_on_two_machines_adopts_and_asks_no_model() {
    let scene = Scene::new();
    scene.run().exits(0);
    let before = scene.pull_and_comment();
    let other = scene.other_machine();
    let again = other.run_with_events(&[]).exits(0);
    assert_eq!(again.json()["pull_request"]["adopted"], true, "{again:#?}");
    assert!(!again.stdout.contains("\"turn\""), "no model was asked: {again:#?}");
    other.stands();
    assert_eq!(other.pull_and_comment(), before, "the comment of the first run says more");
    let task = Queue::open(&other.loom.queue()).unwrap().task(TaskId(1)).unwrap().unwrap();
    assert_eq!((task.state, task.pr_number), (TaskState::Completed, Some(before.0)));
}

#[test]
fn json_is_events_and_then_the_result_or_the_failure() {
    let scene = Scene::new();
    let ended = scene.run_with_events(&[]).exits(0);
    let last = ended.json();
    assert_eq!(last["verdict"], "verified");
    assert_eq!(last["pull_request"]["adopted"], false);
    let missing = scene.loom.run(&["--json", "run-issue", "acme/widget#99", "--model", "replay/answers.jsonl"]).exits(4);
    let last = missing.json();
    assert_eq!((&last["kind"], &last["exit_code"]), (&"forge".into(), &4.into()));
    assert!(last["caused_by"][0].as_str().unwrap().contains("has no issue number 99"), "{last}");
}
