//! More than one run over one issue: new episodes, dry runs that are published later, pull requests that were closed.

use loom_agent::queue::Queue;
use loom_agent::task::TaskId;

use super::scene::{MARKER, Scene};

#[test]
fn asked_for_anew_there_is_a_second_pull_request_and_the_first_stays() {
    let scene = Scene::new();
    scene.run().exits(0);
    for machine in [&scene, &scene.other_machine()] {
        let before = machine.hub.state().pulls().len();
        machine.run_with(&["--again"]).exits(0);
        let state = machine.hub.state();
        assert_eq!(state.pulls().len(), before + 1);
        let mut heads: Vec<_> = state.pulls().iter().map(|(_, _, pull)| pull.head.clone()).collect();
        heads.sort();
        heads.dedup();
        assert_eq!(heads.len(), before + 1, "a branch for each");
        let comments = state.comments_with(machine.number, MARKER);
        assert_eq!(comments.len(), before + 1, "one status comment per episode: {comments:#?}");
        for ((number, ..), comment) in state.pulls().iter().zip(comments) {
            assert!(comment.contains(&format!("/pull/{number}\n")), "{comment}");
        }
        assert!(state.pulls().iter().all(|(_, issue, _)| issue.open));
    }
}

#[test]
fn the_label_set_once_more_is_a_new_episode() {
    let scene = Scene::new();
    scene.run().exits(0);
    scene.label("wes");
    scene.run().exits(0);
    assert_eq!(scene.hub.state().pulls().len(), 2);
    assert_eq!(scene.labels(), ["loom:completed"]);
}

#[test]
fn a_dry_run_is_published_once_and_reported_like_a_run() {
    let scene = Scene::new();
    let proposal = scene.run_with_events(&["--dry-run"]).exits(0).json()["proposal"].as_str().unwrap().to_owned();
    let ended = scene.loom.run(&["publish", &proposal]).exits(0);
    assert!(ended.stdout.contains("draft pull request: http"), "{ended:#?}");
    scene.stands();
    let (_, comment) = scene.pull_and_comment();
    assert!(comment.contains("A draft pull request is open, verified") && !comment.contains("- [ ]"), "{comment}");
    let task = Queue::open(&scene.loom.queue()).unwrap().task(TaskId(1)).unwrap().unwrap();
    assert_eq!(task.pr_number, Some(scene.pull_and_comment().0));

    let writes = scene.writes();
    let ended = scene.loom.run(&["publish", &proposal]).exits(0);
    assert!(ended.stdout.contains("was there already"), "{ended:#?}");
    assert_eq!(scene.writes(), writes, "{:?}", scene.hub.requests());
    let ended = scene.run().exits(0);
    assert!(ended.stdout.contains("was there already"), "{ended:#?}");
    assert_eq!(scene.writes(), writes);
    scene.other_machine().run().exits(0);
    scene.stands();
}

#[test]
fn what_cannot_be_published_is_told_on_the_issue() {
    let scene = Scene::new();
    let proposal = scene.run_with_events(&["--dry-run"]).exits(0).json()["proposal"].as_str().unwrap().to_owned();
    let branch = proposal_branch(&proposal);
    scene.hub.commit(&branch, "notes.md", "somebody's work\n");
    let ended = scene.loom.run(&["publish", &proposal]).exits(4);
    assert!(ended.stderr.contains("is there already"), "{ended:#?}");
    assert_eq!(scene.labels(), ["loom:failed"]);
    assert!(scene.comment(&scene.hub.state()).contains("is there already"));
    assert!(scene.hub.state().pulls().is_empty());
}

#[test]
fn a_branch_of_somebody_else_stays_and_one_of_looms_own_is_replaced() {
    let scene = Scene::new();
    let proposal = scene.run_with_events(&["--dry-run"]).exits(0).json()["proposal"].as_str().unwrap().to_owned();
    let branch = proposal_branch(&proposal);
    let foreign = scene.hub.commit(&branch, "notes.md", "somebody's work\n");
    let other = scene.other_machine();
    let ended = other.run().exits(4);
    assert!(ended.stderr.contains(&format!("the branch {branch} is there already")), "{ended:#?}");
    assert!(ended.stderr.contains("hint: look at it, delete it if nobody needs it"), "{ended:#?}");
    assert_eq!(other.hub.head(&branch).unwrap(), foreign, "untouched");
    assert!(other.hub.state().pulls().is_empty());
    assert_eq!(other.labels(), ["loom:failed"]);
    assert!(other.comment(&other.hub.state()).contains("is there already"));

    // Somebody deletes it, and the same command goes on with the patch it has.
    other.hub.delete(&branch);
    let ended = other.run_with_events(&[]).exits(0);
    assert!(!ended.stdout.contains("\"event\":\"turn\""), "the patch was kept: {ended:#?}");
    other.stands();
}

#[test]
fn a_closed_pull_request_ends_its_episode_before_anything_is_paid() {
    let scene = Scene::new();
    scene.run().exits(0);
    let (pull, _) = scene.pull_and_comment();
    scene.hub.state().issues.get_mut(&pull).unwrap().open = false;
    let other = scene.other_machine();
    let ended = other.run_with_events(&[]).exits(13);
    assert!(ended.json()["error"].as_str().unwrap().contains("is closed") || ended.stdout.contains("is closed"), "{ended:#?}");
    assert!(!ended.stdout.contains("\"event\":\"turn\""), "{ended:#?}");
    assert_eq!(other.hub.state().pulls().len(), 1);
    other.run_with(&["--again"]).exits(0);
    assert_eq!(other.hub.state().pulls().len(), 2);
}

fn proposal_branch(proposal: &str) -> String {
    let text = std::fs::read_to_string(std::path::Path::new(proposal).join("proposal.json")).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value["content"]["proposal"]["target"]["branch"].as_str().unwrap().to_owned()
}
