//! `loom verify` on two commits: no model, no forge, no key, and nothing left behind.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::loom::{Loom, commit_all};
use crate::scene::repository;

/// The repository of `tests/scenarios/verified-tap`, by a user without any key.
pub fn greeting() -> Loom {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/verified-tap");
    let loom = Loom::new();
    assert!(Command::new("cp").arg("-R").arg(scenario.join("repository")).arg(repository(&loom)).status().unwrap().success());
    commit_all(&repository(&loom));
    loom
}

/// Git in the repository.
#[track_caller]
pub fn git(loom: &Loom, words: &[&str]) -> String {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"]).args(words);
    let output = git.current_dir(repository(loom)).output().unwrap();
    assert!(output.status.success(), "git {words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A commit with these files on a branch of this name, made where the work stands.
#[track_caller]
pub fn branch(loom: &Loom, name: &str, files: &[(&str, &str)]) -> String {
    git(loom, &["checkout", "--quiet", "-b", name]);
    for (path, text) in files {
        std::fs::write(repository(loom).join(path), text).unwrap();
    }
    git(loom, &["add", "--all"]);
    git(loom, &["commit", "--quiet", "--message", name]);
    git(loom, &["rev-parse", "HEAD"])
}

pub const FIXED: &str = "echo \"Hello, $1!\"\n";
pub const TESTED: &str = "is \"a greeting has the name\" \"$(sh greet.sh Ann)\" \"Hello, Ann!\"\nis \"a greeting ends with a mark\" \"$(sh greet.sh Ann | tail -c 2)\" \"!\"\n";

/// What a run may leave: nothing below the state folder but empty folders.
#[track_caller]
pub fn nothing_is_left(loom: &Loom) {
    let mut folders = vec![loom.home().join(".local/state/loom")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            assert!(entry.path().is_dir(), "left behind: {}", entry.path().display());
            folders.push(entry.path());
        }
    }
}

#[test]
fn two_commits_are_judged_whoever_wrote_them() {
    let loom = greeting();
    let fix = branch(&loom, "fix", &[("greet.sh", FIXED), ("test/greet.test", TESTED)]);
    git(&loom, &["checkout", "--quiet", "main"]);
    branch(&loom, "half", &[("greet.sh", FIXED)]);

    let verified = loom.run(&["verify", "--repo", "repository", "--base", "main", "--head", &fix[..9], "--json"]).exits(0).json();
    assert_eq!((&verified["ruling"], &verified["proof"]), (&json!("verified"), &json!("fail-to-pass")));
    assert_eq!(verified["fail_to_pass"][0]["test"], "a greeting has the name");
    assert_eq!((&verified["head"], &verified["pass_to_pass"]), (&json!(fix), &json!(1)));
    assert_eq!(verified["cells"][0]["cell"], "baseline");
    nothing_is_left(&loom);

    let rejected = loom.run(&["verify", "--repo", "repository", "--base", "main", "--head", "half", "--json"]).exits(11).json();
    assert_eq!((&rejected["ruling"], &rejected["reasons"][0]["name"]), (&json!("rejected"), &json!("no-new-test")));
    let labelled = ["verify", "--repo", "repository", "--base", "main", "--head", "half", "--label", "refactoring"];
    let shown = loom.run(&labelled).exits(0);
    assert!(shown.stdout.starts_with("verified: no regression"), "{shown:?}");
    nothing_is_left(&loom);
}

#[test]
fn what_cannot_be_compared_is_said() {
    let loom = greeting();
    let verify = |words: &[&str]| loom.run(&[&["verify", "--repo", "repository"], words].concat());
    verify(&["--base", "main", "--head", "main"]).exits(10).says("are the same commit", "--head is the work");
    verify(&["--base", "main", "--head", "nowhere"]).exits(5).says("no branch, tag or commit", "main");
    verify(&["--base", "main..x"]).exits(2).says("not a revision", "branch");
    loom.run(&["verify", "--repo", "elsewhere", "--base", "main"]).exits(5).says("elsewhere", "path");
    loom.run(&["verify", "proposal", "--base", "main"]).exits(2);
}
