//! Models that do not answer, or not sensibly: each ends with its reason, and nothing that was paid for is lost.

use loom_agent::task::TaskState;
use serde_json::json;

use crate::loom::Loom;
use crate::provider::{Provider, Reply, call};
use crate::scene::{self, TURNS, good, greeting};

/// All tries of a request together take this long.
const QUICK: [&str; 2] = ["--set", "model.retry_budget=1s"];

fn raw(status: u16, kind: &'static str, body: &str) -> Reply {
    Reply::Raw(status, kind, body.to_owned())
}

#[test]
fn without_a_key_nothing_is_cloned_and_the_end_is_on_record() {
    let loom = greeting().with("LOOM_API_KEY", "");
    let words = ["run-issue", "issue.md", "--repo", "repository", "--model", "anthropic/some"];
    let ended = loom.run(&words).exits(3).says("ANTHROPIC_API_KEY is not set", "set ANTHROPIC_API_KEY");
    assert!(!ended.stderr.contains("clone"), "{ended:#?}");
    let status = loom.run(&["status"]).exits(0);
    assert!(status.stdout.contains("failed"), "{status:#?}");
}

#[test]
fn a_wrong_key_is_asked_once_and_never_shown() {
    let (loom, model) = (greeting(), Provider::answering(|_| raw(401, "application/json", r#"{"error":{"message":"bad key test-key"}}"#)));
    let ended = scene::run(&loom, &model, &QUICK).exits(3).says("refused the key", "check the key in LOOM_API_KEY");
    assert!(!ended.stderr.contains("test-key"), "{ended:#?}");
    assert_eq!((model.asked().len(), scene::state(&loom)), (1, TaskState::Failed));
}

#[test]
fn a_server_that_only_fails_is_given_up_within_the_budget() {
    for (reply, said) in
        [(raw(500, "text/plain", "oops"), "answered 500: oops"), (raw(200, "text/html", "<html>maintenance</html>"), "is no JSON")]
    {
        let (loom, model) = (greeting(), Provider::answering(move |_| reply.clone()));
        let ended = scene::run(&loom, &model, &QUICK).exits(6).says(said, "finished turns are kept");
        assert!(ended.stderr.contains("asking the model again in"), "{ended:#?}");
        assert_eq!(scene::state(&loom), TaskState::Failed);
    }
    let loom = greeting();
    let words = scene::words("http://127.0.0.1:1/v1", &QUICK);
    loom.run(&words).exits(6).says("connecting to 127.0.0.1", "model.retry_budget");
}

#[test]
fn after_an_outage_the_same_command_goes_on_and_pays_no_turn_twice() {
    let loom = greeting();
    let up = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_up = std::sync::Arc::clone(&up);
    let model = Provider::answering(move |asked| match asked.turn {
        2 if !is_up.load(std::sync::atomic::Ordering::SeqCst) => raw(503, "text/plain", "overloaded"),
        turn => good(turn),
    });
    scene::run(&loom, &model, &QUICK).exits(6).says("answered 503", "run loom again later");
    let lost = model.asked().len() - 2;
    up.store(true, std::sync::atomic::Ordering::SeqCst);
    scene::run(&loom, &model, &QUICK).exits(0);
    assert_eq!((model.asked().len() - lost, scene::state(&loom)), (TURNS, TaskState::Completed));
    assert_eq!(scene::branches(&loom).len(), 1);
}

#[test]
fn a_call_that_is_repeated_without_end_ends() {
    let (loom, model) = (greeting(), Provider::answering(|_| call("read", json!({"path": "greet.sh"}))));
    scene::run(&loom, &model, &[]).exits(14).says("it repeated the same call without end", "--model");
    assert!(model.asked().len() < 8, "{}", model.asked().len());
    assert!(model.heard().contains("with the same result"));
}

#[test]
fn words_without_calls_end() {
    let (loom, model) = (greeting(), Provider::answering(|_| Reply::Calls(String::new(), Vec::new())));
    scene::run(&loom, &model, &[]).exits(14).says("it only talked and called no tool", "--model");
    assert_eq!(model.asked().len(), 3);
}

#[test]
fn a_refusal_is_told_in_the_models_words() {
    let refusal = r#"{"choices":[{"finish_reason":"stop","message":{"role":"assistant","refusal":"I will not."}}]}"#;
    let filter = r#"{"choices":[{"finish_reason":"content_filter","message":{"role":"assistant","content":""}}]}"#;
    for (body, said) in [(refusal, "the model refused: I will not."), (filter, "content filter")] {
        let (loom, model) = (greeting(), Provider::answering(move |_| raw(200, "application/json", body)));
        scene::run(&loom, &model, &[]).exits(6).says(said, "choose another model");
        assert_eq!((model.asked().len(), scene::state(&loom)), (1, TaskState::Failed));
    }
}

#[test]
fn malformed_calls_are_answered_and_the_work_goes_on() {
    let wrong = [("read", "{\"path\": \"gr"), ("read", "[]"), ("grep", "{}"), ("edit", "null"), ("shell", "{\"command\": 7}")];
    let model = Provider::answering(move |asked| match wrong.get(asked.turn) {
        Some((name, input)) => Reply::Spelt(String::new(), vec![((*name).to_owned(), (*input).to_owned())]),
        None => good(asked.turn - wrong.len()),
    });
    let loom = greeting();
    scene::run(&loom, &model, &[]).exits(0);
    let heard = model.heard();
    assert!(heard.contains("no valid JSON") && heard.contains("there is no tool \"grep\""), "{heard}");
    assert_eq!(model.asked().len(), wrong.len() + TURNS);
}

#[test]
fn settings_that_cannot_be_read_are_told_with_their_place() {
    let model = Provider::answering(|asked| good(asked.turn));
    for (text, said) in
        [(&b"[agent\n"[..], "loom.toml:1:"), (b"[agent]\nmax_turns = \"many\"\n", "loom.toml:2:"), (b"\xff\xfe[agent]\n", "loom.toml")]
    {
        scene::run(&greeting().file("loom.toml", text), &model, &[]).exits(3).says(said, "loom.toml.example");
    }
    let folder = greeting();
    std::fs::create_dir(folder.folder().join("loom.toml")).unwrap();
    scene::run(&folder, &model, &[]).exits(3).says("it is not a regular file", "loom.toml.example");
    let absent = greeting();
    scene::run(&absent, &model, &["--config", "nowhere.toml"]).exits(3).says("nowhere.toml", "--config");
    assert!(model.asked().is_empty());
}

#[test]
fn issue_files_of_every_size_and_kind() {
    let run = |text: Option<&[u8]>| {
        let loom: Loom = greeting();
        match text {
            Some(text) => std::fs::write(loom.folder().join("issue.md"), text).unwrap(),
            None => std::fs::remove_file(loom.folder().join("issue.md")).unwrap(),
        }
        let model = Provider::answering(|asked| good(asked.turn));
        let ended = scene::run(&loom, &model, &[]);
        (ended, model)
    };
    run(None).0.exits(2).says("issue.md", "path of a Markdown file");
    for empty in [&b""[..], b"\n \n"] {
        run(Some(empty)).0.exits(2).says("it is empty", "write what is wrong");
    }
    let (ended, model) = run(Some(format!("# The name is missing\n\n{}", "It is always missing. ".repeat(14_000)).as_bytes()));
    ended.exits(0);
    let opening = model.asked()[0].body["messages"].to_string();
    assert!(opening.len() < 40_000 && opening.contains("cut by loom"), "{} bytes", opening.len());
    run(Some(b"# The name is missing\n\n\xff\xfe caf\xe9\n")).0.exits(2).says("no UTF-8 text", "save it as UTF-8");
}
