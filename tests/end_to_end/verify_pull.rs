//! `loom verify owner/repo#34`: a pull request by anyone, from a fork too, and its check run.

use serde_json::json;

use crate::fake_github::{CheckRun, FakeGitHub, Fault};
use crate::loom::Loom;
use crate::verify::nothing_is_left;

const PROGRAM: &str = "echo \"Hello, $name!\"\n";
const FIXED: &str = "echo \"Hello, $1!\"\n";
const RUN: &str = "n=0\nis() {\n    n=$((n + 1))\n    if [ \"$2\" = \"$3\" ]; then echo \"ok $n - $1\"; else printf 'not ok %s - %s\\n  ---\\n  message: \
                   assertion failed\\n  ...\\n' \"$n\" \"$1\"; fi\n}\n. test/cases.sh\necho \"1..$n\"\n";
const CASES: &str = "is \"a greeting ends with a mark\" \"$(sh greet.sh Ann | tail -c 2)\" \"!\"\n";
const SETTINGS: &str = "[test]\ncommand = \"sh test/run.sh\"\nrunner = \"tap\"\n";

/// A repository with a bug on GitHub, and a machine with this token.
fn scene(token: impl Fn(&FakeGitHub) -> Option<String>) -> (FakeGitHub, Loom) {
    let hub = FakeGitHub::start();
    for (path, text) in [("greet.sh", PROGRAM), ("test/run.sh", RUN), ("test/cases.sh", CASES), ("loom.toml", SETTINGS)] {
        hub.commit("main", path, text);
    }
    let settings = "[github]\nwrite_interval = \"1ms\"\nretry_budget = \"20s\"\n";
    let loom = Loom::new().with("GITHUB_API_URL", hub.api_url()).file("loom.toml", settings);
    let token = token(&hub);
    (hub, token.into_iter().fold(loom, |loom, token| loom.with("GITHUB_TOKEN", token)))
}

fn tested() -> String {
    format!("is \"a greeting has the name\" \"$(sh greet.sh Ann)\" \"Hello, Ann!\"\n{CASES}")
}

/// As a workflow gets it.
fn workflow(hub: &FakeGitHub) -> Option<String> {
    Some(hub.state().workflow_token(&[("contents", "read"), ("pull_requests", "read"), ("checks", "write"), ("metadata", "read")]))
}

fn runs(hub: &FakeGitHub) -> Vec<CheckRun> {
    hub.state().check_runs.clone()
}

#[test]
fn a_pull_request_from_a_fork_is_judged_without_any_token() {
    let (hub, loom) = scene(|_| None);
    let (number, head) = hub.pull_from_fork("Greet by name", &[("greet.sh", FIXED), ("test/cases.sh", &tested())]);
    let named = format!("acme/widget#{number}");
    let proved = loom.run(&["verify", &named, "--json"]).exits(0).json();
    assert_eq!((&proved["ruling"], &proved["head"]), (&json!("verified"), &json!(head)));
    assert_eq!((&proved["pull_request"]["number"], &proved["check_run"]), (&json!(number), &json!(null)));
    let page = loom.run(&["verify", &format!("http://127.0.0.1/acme/widget/pull/{number}")]).exits(0).stdout;
    assert!(page.contains("(main)") && page.contains("pull request: http://127.0.0.1") && page.contains("(Greet by name)"), "{page}");
    loom.run(&["verify", &named, "--check-run"]).exits(3).says("a check run needs a token", "checks: write");
    assert!(hub.requests().iter().all(|request| request.starts_with("GET ") || request.ends_with("git-upload-pack")));
    nothing_is_left(&loom);
}

#[test]
fn its_own_settings_and_its_labels_by_outsiders_count_for_nothing() {
    let (hub, loom) = scene(|_| None);
    let loose =
        "[test]\ncommand = \"echo ok 1 - a greeting has the name; echo 1..1\"\nrunner = \"tap\"\n[gate]\nallow = [\"no-new-test\"]\n";
    let (number, _) = hub.pull_from_fork("Trust me", &[("greet.sh", FIXED), ("loom.toml", loose)]);
    let named = format!("acme/widget#{number}");
    let rejected = loom.run(&["verify", &named, "--json"]).exits(11).json();
    assert_eq!(rejected["cells"][0]["command"], "sh test/run.sh", "{rejected}");
    // Only who may triage sets a label: then it says what is asked for.
    hub.state().label(number, "refactoring", "trina");
    let (other, _) = hub.pull_from_fork("Tidy", &[("greet.sh", "# Greets.\nname=$1\necho \"Hello, $name!\"\n")]);
    hub.state().label(other, "refactoring", "trina");
    let tidy = loom.run(&["verify", &format!("acme/widget#{other}"), "--json"]).exits(0).json();
    assert_eq!(tidy["proof"], "no-regression");
}

#[test]
fn the_word_is_told_once_on_the_commit_and_brought_up_to_date() {
    let (hub, loom) = scene(workflow);
    let (number, head) = hub.pull_from_fork("Greet by name", &[("greet.sh", FIXED), ("test/cases.sh", &tested())]);
    let named = format!("acme/widget#{number}");
    hub.fault(Fault::drop_after("POST", "/check-runs"));
    for _ in 0..2 {
        let told = loom.run(&["verify", &named, "--check-run"]).exits(0);
        assert!(told.stdout.contains("check run: http://127.0.0.1"), "{told:?}");
        let [run] = &runs(&hub)[..] else { panic!("one check run: {:?}", runs(&hub)) };
        assert_eq!((run.name.as_str(), &run.commit, run.status.as_str()), ("loom verify", &head, "completed"));
        assert_eq!(run.conclusion.as_deref(), Some("success"));
        assert!(run.title.starts_with("verified: 1 test fails on the base source"), "{}", run.title);
        assert!(run.summary.starts_with("**Verified: 1 test fails") && run.summary.contains("## Proof"), "{}", run.summary);
    }
    // A half fix on top: another commit has a check run of its own.
    let pushed = hub.push_to_pull(number, &[("greet.sh", FIXED)]);
    loom.run(&["verify", &named, "--check-run"]).exits(11);
    let all = runs(&hub);
    assert_eq!((all.len(), &all[1].commit, all[1].conclusion.as_deref()), (2, &pushed, Some("failure")));
    assert!(all[1].summary.contains("Not to be merged"), "{}", all[1].summary);
}

#[test]
fn who_may_not_write_hears_of_it_before_anything_runs() {
    let (hub, loom) = scene(|_| Some("token-of-maya".into()));
    let (number, _) = hub.pull_from_fork("Greet by name", &[("greet.sh", FIXED), ("test/cases.sh", &tested())]);
    let refused = loom.run(&["verify", &format!("acme/widget#{number}"), "--check-run"]).exits(4);
    assert!(!refused.stderr.contains("baseline"), "{refused:?}");
    refused.says("must authenticate via a GitHub App", "checks: write");
}

#[test]
fn what_cannot_be_known_does_not_pass_for_a_check() {
    let (hub, loom) = scene(workflow);
    let (number, _) = hub.pull_from_fork("Greet by name", &[("greet.sh", FIXED), ("test/cases.sh", &tested())]);
    hub.commit("main", "greet.sh", "echo \"Good day, $name!\"\n");
    let unknown = loom.run(&["verify", &format!("acme/widget#{number}"), "--check-run"]).exits(12);
    assert!(unknown.stdout.contains("it does not merge with main"), "{unknown:?}");
    assert_eq!(runs(&hub)[0].conclusion.as_deref(), Some("action_required"));
    loom.run(&["verify", "acme/widget#99"]).exits(4).says("no pull request number 99", "run-issue");
}
