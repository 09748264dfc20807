//! Models that do not answer, or not sensibly: each ends with its reason, and nothing that was paid for is lost.

use crate::provider::{Provider, Reply, call};
use crate::scene;
use serde_json::json;

fn show(name: &str, ended: &crate::loom::Ended, model: &Provider) {
    eprintln!("#### {name}: {} after {} requests\n{}\n{}", ended.code, model.asked().len(), ended.stdout, ended.stderr);
}

#[test]
fn explore() {
    let raw = |status, kind, body: &str| { let body = body.to_owned(); Provider::answering(move |_| Reply::Raw(status, kind, body.clone())) };
    let quick = ["--set", "model.retry_budget=1s"];
    for (name, model) in [
        ("401", raw(401, "application/json", r#"{"error":{"message":"invalid key test-key"}}"#)),
        ("html", raw(200, "text/html", "<html>down</html>")),
        ("500", raw(500, "text/plain", "oops")),
        ("loop", Provider::answering(|_| call("read", json!({"path": "greet.sh"})))),
        ("refusal", raw(200, "application/json", r#"{"choices":[{"finish_reason":"stop","message":{"role":"assistant","refusal":"I will not."}}]}"#)),
        ("filter", raw(200, "application/json", r#"{"choices":[{"finish_reason":"content_filter","message":{"role":"assistant","content":""}}]}"#)),
        ("badjson", Provider::answering(|asked| if asked.turn == 0 { Reply::Spelt(String::new(), vec![("read".into(), "{\"path\": \"gr".into())]) } else { scene::good(asked.turn - 1) })),
        ("empty", Provider::answering(|_| Reply::Calls(String::new(), vec![]))),
    ] {
        let loom = scene::greeting();
        let ended = scene::run(&loom, &model, &quick);
        show(name, &ended, &model);
        eprintln!("state {:?}", scene::state(&loom));
    }
    let loom = crate::scene::greeting().with("LOOM_API_KEY", "");
    for words in [
        vec!["run-issue", "issue.md", "--repo", "repository", "--model", "anthropic/x"],
        vec!["run-issue", "issue.md", "--repo", "repository", "--model", "compatible/x"],
        vec!["run-issue", "issue.md", "--repo", "repository", "--model", "nonsense"],
        vec!["run-issue", "none.md", "--repo", "repository", "--model", "compatible/x", "--base-url", "http://127.0.0.1:1"],
        vec!["run-issue", "issue.md", "--model", "compatible/x", "--base-url", "http://127.0.0.1:1"],
        vec!["run-issue", "issue.md", "--repo", "nowhere", "--model", "compatible/x", "--base-url", "http://127.0.0.1:1"],
        vec!["run-issue", "issue.md", "--repo", "/etc", "--model", "compatible/x", "--base-url", "http://127.0.0.1:1"],
        vec!["run-issue", "issue.md", "--repo", "repository", "--base", "nope", "--model", "compatible/x", "--base-url", "http://127.0.0.1:1"],
        vec!["run-issue", "issue.md", "--repo", "repository", "--model", "compatible/x", "--base-url", "http://127.0.0.1:1/v1", "--set", "model.retry_budget=1s"],
        vec!["verify", "nowhere"], vec!["publish", "repository"],
    ] {
        let ended = loom.run(&words);
        eprintln!("#### {words:?}: {}\n{}{}", ended.code, ended.stdout, ended.stderr);
    }
}
