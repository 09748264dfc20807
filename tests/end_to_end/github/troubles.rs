//! GitHub loses answers, breaks, limits and refuses: one pull request and one comment, or a clear error, nothing half-done.

use super::scene::Scene;
use crate::fake_github::Fault;

#[test]
fn lost_answers_and_storms_leave_one_of_each() {
    let limited = || Fault::answer("POST", "", 403, "You have exceeded a secondary rate limit.").header("retry-after", 1);
    type Faults = Vec<Fault>;
    let all: Vec<(&str, Faults)> = vec![
        ("answers lost", vec![Fault::drop_after("POST", "/comments"), Fault::drop_after("POST", "/pulls")]),
        ("answers cut", vec![Fault::truncate("POST", "/comments"), Fault::truncate("POST", "/pulls"), Fault::truncate("GET", "/pulls")]),
        ("connections dropped", vec![Fault::drop("POST", "/comments"), Fault::drop("POST", "/pulls"), Fault::drop("PATCH", "")]),
        ("a storm of pages", vec![Fault::page("", "", 502).times(4), Fault::page("POST", "/pulls", 502).times(2)]),
        ("a storm in the middle", vec![Fault::answer("", "", 503, "No server is available").after(12).times(5)]),
        ("git out of order", vec![Fault::page("POST", "/git-upload-pack", 502), Fault::page("POST", "/git-receive-pack", 503)]),
        ("the answer to the push lost", vec![Fault::drop_after("POST", "/git-receive-pack")]),
        ("a secondary limit", vec![limited(), limited().after(4)]),
    ];
    for (trouble, faults) in all {
        let scene = Scene::new();
        for fault in faults {
            scene.hub.fault(fault);
        }
        let ended = scene.run();
        assert_eq!(ended.code, 0, "{trouble}: {ended:#?}");
        scene.stands();
    }
}

#[test]
fn a_storm_without_end_is_told_before_the_model_is_paid() {
    let scene = Scene::new();
    scene.hub.fault(Fault::page("POST", "/comments", 502).times(10_000));
    let ended = scene.run_with_events(&["--set", "github.retry_budget=300ms"]).exits(4);
    assert!(!ended.stdout.contains("\"event\":\"turn\""), "{ended:#?}");
    assert!(ended.stdout.contains("gave up after"), "{ended:#?}");
    scene.nothing_opened();
    // The storm is over.
    scene.hub.state().faults.clear();
    scene.run().exits(0);
    scene.stands();
}

#[test]
fn tokens_that_may_not_are_told_before_the_model_is_paid() {
    let permission = "the token lacks a permission: issues: write";
    for (rights, hint) in [
        (Some([("contents", "read"), ("issues", "read"), ("pull_requests", "read")]), permission),
        (Some([("contents", "write"), ("issues", "read"), ("pull_requests", "write")]), permission),
        (None, "needs write access to the repository"),
    ] {
        let scene = Scene::new();
        let token = rights.map_or("token-of-rita".into(), |rights| scene.hub.state().workflow_token(&rights));
        let scene = scene.with_token(Some(&token));
        let ended = scene.run_with_events(&[]).exits(4);
        assert!(ended.stdout.contains(hint), "{ended:#?}");
        assert!(!ended.stdout.contains("\"event\":\"turn\""), "{ended:#?}");
        scene.nothing_opened();
        // Everybody may comment on what is public: then the comment says how it ended.
        let state = scene.hub.state();
        let told = state.comments_with(scene.number, super::scene::MARKER);
        assert!(told.iter().all(|text| text.contains("loom could not finish")), "{told:#?}");
        assert_eq!(told.len(), usize::from(rights.is_none()));
    }
}

#[test]
fn a_wrong_token_or_none_is_a_matter_of_configuration() {
    let scene = Scene::new().with_token(Some("token-nobody-knows"));
    let ended = scene.run().exits(3);
    assert!(ended.stderr.contains("Bad credentials") && ended.stderr.contains("hint: set GITHUB_TOKEN"), "{ended:#?}");
    scene.untouched();
    for scene in [Scene::new(), Scene::unlabelled()] {
        let scene = scene.with_token(None);
        let ended = scene.run().exits(3);
        assert!(ended.stderr.contains("hint: set GITHUB_TOKEN"), "{ended:#?}");
        scene.untouched();
    }
}

#[test]
fn workflows_that_may_not_open_pull_requests_keep_their_work() {
    let scene = Scene::new();
    scene.hub.state().actions_may_open_pulls = false;
    let token = scene.hub.state().workflow_token(&[("contents", "write"), ("issues", "write"), ("pull_requests", "write")]);
    let scene = scene.with_token(Some(&token));
    let ended = scene.run().exits(4);
    assert!(ended.stderr.contains("Allow GitHub Actions to create and approve pull requests"), "{ended:#?}");
    let comment = scene.comment(&scene.hub.state());
    assert!(comment.contains("Settings > Actions > General") && comment.contains("Pull request (stopped here)"), "{comment}");
    assert_eq!(scene.labels(), ["loom:failed"]);
    assert!(scene.hub.state().pulls().is_empty());

    scene.hub.state().actions_may_open_pulls = true;
    let ended = scene.run_with_events(&[]).exits(0);
    assert!(!ended.stdout.contains("\"event\":\"turn\""), "{ended:#?}");
    scene.stands();
}

#[test]
fn a_base_branch_that_moves_meanwhile_is_no_obstacle() {
    let scene = Scene::new();
    scene.hub.fault(Fault::hold("POST", "/git-receive-pack"));
    scene.run_until_held_and_kill();
    let base = scene.hub.head("main").unwrap();
    let moved = scene.hub.commit("main", "NEWS.md", "more\n");
    scene.run().exits(0);
    scene.stands();
    let head = scene.hub.state().pulls()[0].2.head.clone();
    assert_eq!(scene.hub.parent(&head), base, "what was proved is what is proposed");
    assert_eq!(scene.hub.head("main").unwrap(), moved);
}

#[test]
fn a_renamed_repository_is_followed_from_its_old_name() {
    let scene = Scene::new();
    scene.hub.state().former_names.push("acme/old-widget".into());
    let run = || scene.loom.run(&["run-issue", "acme/old-widget#1", "--model", "replay/answers.jsonl"]).exits(0);
    run();
    scene.stands();
    run();
    // By its new name it is the same task.
    let ended = scene.run().exits(0);
    assert!(ended.stdout.contains("was there already"), "{ended:#?}");
    scene.stands();
}
