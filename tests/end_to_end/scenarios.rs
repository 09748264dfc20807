//! Plays every folder of `tests/scenarios` with the real binary: an issue, a repository, what the model answers, and
//! what is to come of it. How a folder is written is told in `tests/scenarios/README.md`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

use crate::loom::{Ended, Loom};
use crate::provider::{Provider, Reply};

/// `expectation.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expectation {
    /// Another scenario whose repository is taken, where this one has none of its own.
    repository: Option<String>,
    /// `compatible`, `openai` or `anthropic`.
    #[serde(default)]
    provider: Option<String>,
    /// Further words of the first command.
    #[serde(default)]
    with: Vec<String>,
    /// Requests to the model in all.
    requests: Option<usize>,
    /// Parts of what was said to the model.
    #[serde(default)]
    model_hears: Vec<String>,
    /// What comes of the first command.
    #[serde(flatten)]
    first: Outcome,
    /// Further commands.
    #[serde(default)]
    then: Vec<Step>,
}

/// A further command; `{proposal}` stands for the proposal's folder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    words: Vec<String>,
    /// A command of the shell that is run before, in the proposal's folder.
    before: Option<String>,
    #[serde(flatten)]
    outcome: Outcome,
}

/// What comes of a command.
#[derive(Deserialize)]
struct Outcome {
    exit: i32,
    /// The verdict's word in the proposal.
    verdict: Option<String>,
    /// The task's state and nothing else.
    state: Option<String>,
    /// Parts of what the command prints.
    #[serde(default)]
    prints: Vec<String>,
    /// The files that the one branch changes; absent when there shall be no branch.
    branch: Option<Vec<String>>,
    /// Parts of the pull request's text.
    #[serde(default)]
    page: Vec<String>,
    /// What the pull request's text must not have.
    #[serde(default)]
    page_lacks: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    answer: Vec<Answer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    #[serde(default)]
    say: String,
    #[serde(default)]
    call: Vec<Value>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

/// One test for each folder.
macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        $(#[test] fn $name() { play(&stringify!($name).replace('_', "-")); })*
        const PLAYED: &[&str] = &[$(stringify!($name)),*];
    };
}

scenarios! {
    checks_configured,
    checks_rust,
    docs_only,
    dry_run_then_publish,
    flip,
    generated_lock_file,
    given_up,
    no_tests,
    no_tests_draft,
    own_settings,
    protected_path,
    protected_path_undone,
    proved_again,
    red_before,
    refactoring,
    rejected,
    repaired,
    submits_nothing,
    tests_deleted,
    tests_skipped,
    turns_spent,
    turns_spent_without_change,
    verified_node,
    verified_python,
    verified_rust,
    verified_tap,
}

#[test]
fn every_folder_is_played() {
    let folders = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.path().is_dir());
    let there: BTreeSet<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    let played: BTreeSet<String> = PLAYED.iter().map(|name| name.replace('_', "-")).collect();
    assert_eq!(there, played);
}

fn read<T: serde::de::DeserializeOwned>(path: PathBuf) -> T {
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn play(name: &str) {
    let at = folder().join(name);
    let expectation: Expectation = read(at.join("expectation.toml"));
    let script: Script = read(at.join("model.toml"));
    let model = Provider::playing(script.answer.into_iter().map(reply).collect());
    let loom = Loom::new()
        .file("issue.md", std::fs::read(at.join("issue.md")).unwrap())
        .with("LOOM_API_KEY", "test-key")
        .with("ANTHROPIC_API_KEY", "test-key");
    let source = expectation.repository.as_ref().map_or_else(|| at.clone(), |other| folder().join(other));
    lay_out(&source.join("repository"), &loom.folder().join("repository"));
    let provider = expectation.provider.as_deref().unwrap_or("compatible");
    let (model_name, url) = (format!("{provider}/scripted"), model.url(provider));
    let mut words = vec!["run-issue", "issue.md", "--repo", "repository", "--model", &model_name, "--base-url", &url];
    words.extend(expectation.with.iter().map(String::as_str));
    let ended = loom.run(&words);
    let said = check(&loom, &ended, &expectation.first, &format!("{name}: run-issue"));
    if let Some(requests) = expectation.requests {
        assert_eq!(model.asked().len(), requests, "{name}: requests to the model\n{said}");
    }
    let heard = model.heard();
    for part in &expectation.model_hears {
        assert!(heard.contains(part), "{name}: the model did not hear {part:?}, but\n{heard}");
    }
    for step in &expectation.then {
        further(&loom, step, name);
    }
}

fn further(loom: &Loom, step: &Step, name: &str) {
    let proposal = proposal(loom);
    if let Some(before) = &step.before {
        assert!(Command::new("sh").args(["-ec", before]).current_dir(&proposal).status().unwrap().success(), "{name}: {before}");
    }
    let words: Vec<String> = step.words.iter().map(|word| word.replace("{proposal}", proposal.to_str().unwrap())).collect();
    let ended = loom.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    check(loom, &ended, &step.outcome, &format!("{name}: {}", step.words.join(" ")));
}

fn reply(answer: Answer) -> Reply {
    let calls = answer.call.into_iter().map(|mut call| {
        let tool = call.as_object_mut().and_then(|call| call.shift_remove("tool")).expect("a call names its tool");
        (tool.as_str().unwrap().to_owned(), call)
    });
    Reply::Calls(answer.say, calls.collect())
}

/// A repository with one commit of these files.
fn lay_out(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-R").arg(from).arg(to).status().unwrap().success(), "copying {}", from.display());
    crate::loom::commit_all(to);
}

fn proposal(loom: &Loom) -> PathBuf {
    loom.home().join(".local/state/loom/tasks/1/proposal")
}

/// Compares what a command left with what it was to leave; answers with what it said.
fn check(loom: &Loom, ended: &Ended, outcome: &Outcome, what: &str) -> String {
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.code, outcome.exit, "{what}\n{said}");
    assert_eq!(ended.code != 0, ended.stderr.contains("\nhint: "), "{what}: a failure says what to do next\n{said}");
    for part in &outcome.prints {
        assert!(said.contains(part), "{what}: {part:?} is not said\n{said}");
    }
    let written = std::fs::read_to_string(proposal(loom).join("proposal.json")).unwrap_or_default();
    if let Some(verdict) = &outcome.verdict {
        let proposal: Value = serde_json::from_str(&written).unwrap_or_else(|error| panic!("{what}: {error}\n{said}"));
        assert_eq!(word(&proposal), verdict, "{what}\n{said}");
    }
    if let Some(state) = &outcome.state {
        let tasks = loom.run(&["status", "--json"]).exits(0).json();
        assert_eq!(tasks["tasks"][0]["state"], state.as_str(), "{what}\n{tasks:#}");
    }
    let page = std::fs::read_to_string(proposal(loom).join("pull-request.md")).unwrap_or_default();
    for part in &outcome.page {
        assert!(page.contains(part), "{what}: the page lacks {part:?}\n{page}");
    }
    for part in &outcome.page_lacks {
        assert!(!page.contains(part), "{what}: the page has {part:?}\n{page}");
    }
    assert_eq!(branch(loom), outcome.branch, "{what}: the branch\n{said}");
    said
}

fn word(proposal: &Value) -> &str {
    proposal.pointer("/content/proposal/verdict/ruling/ruling").and_then(Value::as_str).unwrap_or("none")
}

/// The files that the one branch of loom changes.
fn branch(loom: &Loom) -> Option<Vec<String>> {
    let git = |words: &[&str]| {
        let output = Command::new("git").args(words).current_dir(loom.folder().join("repository")).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let branches = git(&["for-each-ref", "--format=%(refname)", "refs/heads/loom"]);
    assert!(branches.len() < 2, "one branch: {branches:?}");
    branches.first().map(|branch| git(&["diff", "--name-only", &format!("main...{branch}")]))
}
