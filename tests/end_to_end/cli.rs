//! What a user meets first: help, exit codes, settings and their sources, an empty and an unusable queue.

use std::io::Read;
use std::process::Stdio;

use serde_json::json;

use crate::loom::Loom;

#[test]
fn help_is_data_and_teaches() {
    let loom = Loom::new();
    let help = loom.run(&["--help"]).exits(0);
    for part in ["Examples:", "run-issue", "Exit codes:", "130  interrupted"] {
        assert!(help.stdout.contains(part), "{part}");
    }
    assert_eq!(help.stderr, "");
    let version = loom.run(&["--version"]).exits(0);
    assert_eq!(version.stdout.trim(), format!("loom {}", env!("CARGO_PKG_VERSION")));
    assert!(loom.run(&["run-issue", "--help"]).exits(0).stdout.contains("--unsafe-no-sandbox"));
}

#[test]
fn a_wrong_command_line_is_2() {
    let loom = Loom::new();
    for words in [&["frobnicate"][..], &["run-issue"], &["run-issue", "owner/repo#zero"], &["--set", "agent.max_turn=3", "config"], &[]] {
        let ended = loom.run(words).exits(2);
        assert_eq!(ended.stdout, "", "{words:?}");
        assert!(!ended.stderr.is_empty());
    }
    assert!(loom.run(&["--set", "agent.max_turn=3", "config"]).stderr.contains("did you mean `agent.max_turns`?"));
    let ended = loom.run(&["--json", "frobnicate"]).exits(2);
    assert_eq!((ended.json()["kind"].as_str(), ended.json()["exit_code"].as_u64(), ended.stderr.as_str()), (Some("usage"), Some(2), ""));
}

#[test]
fn an_unknown_key_is_refused_with_line_and_column() {
    let loom = Loom::new().file("loom.toml", "[agent]\nmax_turns = 3\n  max_tokns = 5\n");
    let ended = loom.run(&["config"]).exits(3);
    assert!(
        ended.stderr.starts_with("error: loom.toml:3:3: unknown key `agent.max_tokns`; did you mean `agent.max_tokens`?"),
        "{ended:#?}"
    );
    assert!(ended.stderr.contains("\n\nhint: "));
    let ended = loom.run(&["config", "--json"]).exits(3);
    assert_eq!(ended.stdout.lines().count(), 1);
    assert_eq!(ended.json()["kind"], "config");
    assert!(!ended.json()["hints"].as_array().unwrap().is_empty());
}

#[test]
fn every_setting_tells_where_it_came_from() {
    let loom = Loom::new()
        .file("loom.toml", "[agent]\nmax_turns = 3\n[model]\nheaders = { api-key = \"gateway-secret\" }\n")
        .with("LOOM_TEST_TIMEOUT", "90s")
        .with("LOOM_MODEL", "anthropic/some")
        .with("ANTHROPIC_API_KEY", "sk-very-secret");
    let ended = loom.run(&["config", "--set", "git.name=Ann"]).exits(0);
    let line = |start: &str| ended.stdout.lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned();
    assert!(line("max_turns = 3").ends_with("# loom.toml:2:1"), "{ended:#?}");
    assert!(line("timeout = \"1m 30s\"").ends_with("# LOOM_TEST_TIMEOUT"), "{ended:#?}");
    assert!(line("name = \"Ann\"").ends_with("# --set"));
    assert!(line("name = \"anthropic/some\"").ends_with("# LOOM_MODEL"));
    assert_eq!(line("# model key"), "# model key: set (from ANTHROPIC_API_KEY)");
    let json = loom.run(&["config", "--json"]).exits(0);
    let settings = json.json()["settings"].as_array().unwrap().clone();
    let turns = settings.iter().find(|setting| setting["key"] == "agent.max_turns").unwrap();
    assert_eq!(turns, &json!({"key": "agent.max_turns", "value": 3, "source": "loom.toml:2:1", "variable": "LOOM_AGENT_MAX_TURNS"}));
    for secret in ["sk-very-secret", "gateway-secret"] {
        assert!(!ended.stdout.contains(secret) && !json.stdout.contains(secret), "{secret}");
    }
}

#[test]
fn the_printed_settings_can_be_read_back() {
    let printed = Loom::new().with("LOOM_AGENT_MAX_TURNS", "7").run(&["config"]).exits(0).stdout;
    let read = Loom::new().file("loom.toml", printed).run(&["config", "--json"]).exits(0).json();
    let turns = read["settings"].as_array().unwrap().iter().find(|setting| setting["key"] == "agent.max_turns").unwrap().clone();
    assert_eq!(turns["value"], 7);
}

#[test]
fn a_misspelt_variable_is_refused() {
    let ended = Loom::new().with("LOOM_AGENT_MAXTURNS", "3").run(&["config"]).exits(3);
    assert!(ended.stderr.contains("did you mean LOOM_AGENT_MAX_TURNS?"), "{ended:#?}");
}

#[test]
fn no_model_says_how_to_name_one() {
    let ended = Loom::new().run(&["run-issue", "owner/repo#1"]).exits(3);
    assert!(ended.stderr.starts_with("error: no model is named\n\nhint: name one: --model"), "{ended:#?}");
}

#[test]
fn an_empty_queue_says_what_to_do_next_and_makes_no_file() {
    let loom = Loom::new();
    let ended = loom.run(&["status"]).exits(0);
    assert!(ended.stdout.contains("No tasks yet") && ended.stdout.contains("loom run-issue"));
    assert_eq!(loom.run(&["status", "--json"]).exits(0).json(), json!({"tasks": []}));
    assert!(loom.run(&["status", "7"]).exits(13).stderr.contains("there is no task 7"));
    assert!(!loom.queue().exists());
}

#[test]
fn a_newer_or_foreign_queue_file_is_refused_and_kept() {
    let loom = Loom::new();
    std::fs::create_dir_all(loom.queue().parent().unwrap()).unwrap();
    let newer = rusqlite::Connection::open(loom.queue()).unwrap();
    newer.execute_batch("CREATE TABLE tasks (id); PRAGMA application_id = 0x4c6f6f6d; PRAGMA user_version = 99").unwrap();
    drop(newer);
    let before = std::fs::read(loom.queue()).unwrap();
    let ended = loom.run(&["status"]).exits(5);
    assert!(ended.stderr.contains("newer loom") && ended.stderr.contains("hint:"), "{ended:#?}");
    assert!(std::fs::read(loom.queue()).unwrap() == before, "a refused file is not changed");
    std::fs::write(loom.queue(), "not a database, but long enough to have a header of one").unwrap();
    assert!(loom.run(&["status"]).exits(5).stderr.contains("move the file away"));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let loom = Loom::new();
    let mut child = loom.command(&["config"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let status = child.wait().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
}
