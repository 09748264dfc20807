//! Issues that loom does not work on: each gets its reason, on the issue where a label asked, and else on the terminal.

use loom_agent::queue::Queue;
use loom_agent::task::{TaskId, TaskState};

use super::scene::{MARKER, Scene};

#[track_caller]
fn refused_on_the_issue(scene: &Scene, label: &str, why: &str) -> String {
    let ended = scene.run().exits(13);
    assert!(ended.stderr.contains(why), "{ended:#?}");
    scene.nothing_opened();
    let comment = scene.comment(&scene.hub.state());
    assert!(comment.contains("Not taken up.") && comment.contains(why), "{comment}");
    assert!(!comment.contains("- [ ]"), "{comment}");
    assert_eq!(scene.labels(), [label]);
    let task = Queue::open(&scene.loom.queue()).unwrap().task(TaskId(1)).unwrap().unwrap();
    assert_eq!(task.state, TaskState::Failed);
    assert!(task.error.unwrap().contains(why));
    comment
}

#[test]
fn a_label_of_someone_without_write_access_is_refused_and_a_better_one_taken() {
    let scene = Scene::unlabelled();
    scene.label("trina");
    let comment = refused_on_the_issue(&scene, "loom:failed", "trina set the label");
    assert!(comment.contains("hint: somebody with write access can look the issue over"), "{comment}");
    // Again, and nothing more is said.
    let writes = scene.writes();
    scene.run().exits(13);
    assert_eq!(scene.hub.state().comments_with(scene.number, MARKER).len(), 1);
    assert!(scene.writes() <= writes + 1, "{:?}", scene.hub.requests());

    scene.label("maya");
    let ended = scene.run().exits(0);
    assert_eq!(scene.hub.state().pulls().len(), 1, "{ended:#?}");
    let state = scene.hub.state();
    let comments = state.comments_with(scene.number, MARKER);
    assert_eq!(comments.len(), 2, "one per label episode: {comments:#?}");
    assert!(comments[0].contains("Not taken up.") && comments[1].contains("A draft pull request is open"), "{comments:#?}");
}

#[test]
fn an_issue_that_says_nothing_is_asked_for_more() {
    let scene = Scene::about("<!-- fill this in -->\n");
    scene.label("maya");
    let comment = refused_on_the_issue(&scene, "loom:needs-info", "the issue has no text beside its title");
    assert!(comment.contains("hint: edit the issue, then set the label `loom:ready` again"), "{comment}");
    // The text is there and the same command is given again, without another label: the same comment goes on.
    scene.hub.state().issues.get_mut(&scene.number).unwrap().body = Some("9 gives 0, it should give 5".into());
    scene.run().exits(0);
    scene.stands();
}

#[test]
fn a_closed_issue_is_left_alone() {
    let scene = Scene::new();
    scene.hub.state().issues.get_mut(&scene.number).unwrap().open = false;
    refused_on_the_issue(&scene, "loom:failed", "is closed");
}

#[test]
fn an_issue_closed_since_is_not_worked_on_by_a_second_attempt() {
    let scene = Scene::new();
    scene.hub.fault(crate::fake_github::Fault::hold("POST", "/pulls"));
    scene.run_until_held_and_kill();
    scene.hub.state().issues.get_mut(&scene.number).unwrap().open = false;
    scene.run().exits(13);
    assert!(scene.hub.state().pulls().is_empty());
    assert!(scene.comment(&scene.hub.state()).contains("is closed"));
}

#[test]
fn without_a_label_only_the_terminal_is_told() {
    let closed = Scene::unlabelled();
    closed.hub.state().issues.get_mut(&closed.number).unwrap().open = false;
    let ended = closed.run().exits(13);
    assert!(ended.stderr.contains("is closed"), "{ended:#?}");
    closed.untouched();

    let empty = Scene::about("");
    let ended = empty.run().exits(13);
    assert!(ended.stderr.contains("no text beside its title") && ended.stderr.contains("hint: edit the issue"), "{ended:#?}");
    empty.untouched();
}

#[test]
fn a_person_at_a_terminal_needs_no_label() {
    let scene = Scene::unlabelled();
    scene.run().exits(0);
    scene.stands();
    scene.run().exits(0);
    scene.stands();
    scene.other_machine().run().exits(0);
    scene.stands();
}

#[test]
fn what_is_no_issue_is_told_to_the_terminal() {
    let scene = Scene::new();
    scene.run().exits(0);
    let pull = scene.pull_and_comment().0;
    let before = scene.writes();
    let run = |name: &str| scene.loom.run(&["run-issue", name, "--model", "replay/answers.jsonl"]);
    let ended = run(&format!("acme/widget#{pull}")).exits(13);
    assert!(ended.stderr.contains("is a pull request, not an issue") && ended.stderr.contains("hint:"), "{ended:#?}");
    let ended = run("acme/widget#99").exits(4);
    assert!(ended.stderr.contains("has no issue number 99") && ended.stderr.contains("hint: check the number"), "{ended:#?}");
    let ended = run("acme/nowhere#1").exits(4);
    assert!(ended.stderr.contains("there is no repository acme/nowhere"), "{ended:#?}");
    assert_eq!(scene.writes(), before);
}

#[test]
fn a_dry_run_says_nothing_to_anybody() {
    let scene = Scene::unlabelled();
    scene.label("trina");
    scene.run_with(&["--dry-run"]).exits(13);
    scene.untouched();
    let scene = Scene::new();
    let ended = scene.run_with(&["--dry-run"]).exits(0);
    assert!(ended.stdout.contains("to publish it: loom publish "), "{ended:#?}");
    scene.untouched();
}

#[test]
fn a_locked_or_huge_issue_is_worked_on() {
    let locked = Scene::new();
    locked.hub.state().issues.get_mut(&locked.number).unwrap().locked = true;
    locked.run().exits(0);
    locked.stands();

    let huge = Scene::about(&"9 gives 0, it should give 5.\n".repeat(10_500));
    huge.label("maya");
    huge.run().exits(0);
    huge.stands();
}
