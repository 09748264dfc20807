//! `loom verify` on two commits: no model, no forge, no key, and nothing left behind.

use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::loom::{Ended, Loom, commit_all};
use crate::provider::Provider;
use crate::scene::{self, in_sandbox, nothing_runs, repository};

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

/// `loom verify` in the scene's repository.
fn verify(loom: &Loom, words: &[&str]) -> Ended {
    loom.run(&[&["verify", "--repo", "repository"], words].concat())
}

#[test]
fn the_page_and_the_report_for_ci_say_the_same() {
    let loom = greeting();
    let fix = branch(&loom, "fix", &[("greet.sh", FIXED), ("test/greet.test", TESTED)]);
    // The working folder lies inside of the repository, which stands on the branch: no option is needed.
    let mut command = loom.command(&["verify", "--junit", "out.xml"]);
    let output = command.current_dir(repository(&loom).join("test")).output().unwrap();
    let page = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{page}");
    for said in [
        "verified: 1 test fails on the base source and passes with this change; 1 test that passed before still passes\n",
        "base source   baseline: 1 passed     must fail: 1 passed, 1 failed\n",
        "red on the base source, green on the head source\n  a greeting has the name: an assertion fails on base\n",
        "    |   wanted: \"Hello, Ann!\"\n",
        &format!("(main), head {}", &fix[..10]),
        "sandbox bubblewrap",
        concat!("loom ", env!("CARGO_PKG_VERSION")),
        "git version ",
    ] {
        assert!(page.contains(said), "{said:?} is not in\n{page}");
    }
    let report = std::fs::read_to_string(repository(&loom).join("test/out.xml")).unwrap();
    assert!(report.contains("<testcase classname=\"loom\" name=\"verdict: verified\""), "{report}");
    assert!(report.contains("<testcase classname=\"fail-to-pass\" name=\"a greeting has the name\""), "{report}");
    let nowhere = verify(&loom, &["--base", "main", "--head", "fix", "--junit", "no/such/folder.xml"]).exits(5);
    assert!(!nowhere.stderr.contains("baseline"), "nothing runs for a report that cannot be written: {nowhere:?}");
}

#[test]
fn a_base_that_has_moved_on_is_looked_at_as_far_as_it_matters() {
    let loom = greeting();
    branch(&loom, "fix", &[("greet.sh", FIXED), ("test/greet.test", TESTED)]);
    let moved = |name: &str, files: &[(&str, &str)]| {
        git(&loom, &["checkout", "--quiet", "main"]);
        branch(&loom, name, files)
    };
    moved("apart", &[("NOTES", "news\n")]);
    let apart = verify(&loom, &["--base", "apart", "--head", "fix"]).exits(0);
    assert!(apart.stdout.contains("apart has moved on by 1 commit since"), "{apart:?}");
    assert!(apart.stdout.contains("no path in common with this change"), "{apart:?}");

    // Both add to the same file, and come together; what is judged then is both.
    let last = "is \"a greeting ends with a mark\" \"$(sh greet.sh Ann | tail -c 2)\" \"!\"\n\n\n\nis \"one more\" 1 1\n";
    let tip = moved("met", &[("test/greet.test", last)]);
    let met = verify(&loom, &["--base", "met", "--head", "fix", "--json"]).exits(0).json();
    assert_eq!((&met["ruling"], &met["base"]), (&json!("verified"), &json!(tip)));
    assert_eq!((&met["moved"]["merged"], &met["moved"]["in_common"]), (&json!(true), &json!(["test/greet.test"])));
    assert_eq!(met["pass_to_pass"], 2, "the base's new test is among them: {met}");

    moved("other", &[("greet.sh", "echo \"Good day, $name!\"\n")]);
    let other = verify(&loom, &["--base", "other", "--head", "fix", "--json"]).exits(12).json();
    let cause = other["cause"].as_str().unwrap();
    assert!(cause.starts_with("it does not merge with other at ") && cause.ends_with("conflicts in greet.sh"), "{cause}");
    assert_eq!(other["cells"], json!([]), "nothing was run");
    nothing_is_left(&loom);
}

#[test]
fn a_proof_that_is_stopped_leaves_nothing() {
    let loom = greeting();
    branch(&loom, "fix", &[("greet.sh", FIXED), ("test/greet.test", &format!("{TESTED}while :; do sleep 0.05; done\n"))]);
    let words = ["verify", "--repo", "repository", "--base", "main", "--head", "fix"];
    let child = loom.command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !in_sandbox(&loom) {
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("nothing was judged") && !said.contains("queue"), "{said}");
    nothing_runs(&loom);
    nothing_is_left(&loom);
}

#[test]
fn a_proposal_proved_again_matches_or_says_where_it_does_not() {
    let (loom, model) = (scene::greeting(), Provider::answering(|asked| scene::good(asked.turn)));
    let made = scene::run(&loom, &model, &["--dry-run", "--json"]).exits(0).json();
    let proposal = made["proposal"].as_str().unwrap();
    let same = loom.run(&["verify", proposal]).exits(0);
    assert!(same.stdout.contains("match: this proof says what the proposal says"), "{same:?}");
    let same = loom.run(&["verify", proposal, "--json"]).exits(0).json();
    assert_eq!((&same["match"], &same["recorded"], &same["ruling"]), (&json!(true), &json!("verified"), &json!("verified")));

    let fewer = "sh test/run.sh | sed s/mark/sign/";
    let other = loom.run(&["verify", proposal, "--test-command", fewer]).exits(12);
    assert!(other.stdout.contains("mismatch: "), "{other:?}");
    assert!(other.stdout.contains("    a greeting ends with a mark: passed, now absent"), "{other:?}");
    let other = loom.run(&["verify", proposal, "--test-command", fewer, "--json"]).exits(12).json();
    assert_eq!((&other["match"], &other["differences"][0]["what"]), (&json!(false), &json!("baseline")));
    loom.run(&["verify", proposal, "--label", "x"]).exits(2).says("a proposal says itself", "leave --base");
    loom.run(&["verify", proposal, "--check-run"]).exits(2).says("no pull request yet", "loom publish");
}

#[test]
fn a_run_looks_at_its_base_again_before_it_publishes() {
    let last = "is \"a greeting ends with a mark\" \"$(sh greet.sh Ann | tail -c 2)\" \"!\"\n\n\n\nis \"one more\" 1 1\n";
    for (path, text, code, said) in [
        ("NOTES", "news\n", 0, "no path in common with this change"),
        ("test/greet.test", last, 0, "so it was judged merged with main"),
        ("greet.sh", "echo \"Good day, $name!\"\n", 12, "it does not merge with main"),
    ] {
        let loom = scene::greeting();
        let folder = repository(&loom);
        let model = Provider::answering(move |asked| {
            if asked.turn == 2 {
                std::fs::write(folder.join(path), text).unwrap();
                let commit = "git add -A && git -c user.name=Ann -c user.email=ann@example.org commit -qm meanwhile";
                assert!(Command::new("sh").args(["-c", commit]).current_dir(&folder).status().unwrap().success());
            }
            scene::good(asked.turn)
        });
        let ended = scene::run(&loom, &model, &["-vv"]).exits(code);
        let outbox = Command::new("grep").args(["-rhe", "has moved on"]).arg(loom.home().join(".local/state/loom")).output().unwrap();
        let told = format!("{}{}", ended.stderr, String::from_utf8_lossy(&outbox.stdout));
        assert!(told.contains(said), "{path}: {told}");
        assert_eq!(scene::branches(&loom).len(), usize::from(code == 0), "{path}");
    }
}

#[test]
fn what_cannot_be_compared_is_said() {
    let loom = greeting();
    verify(&loom, &["--base", "main", "--head", "main"]).exits(10).says("are the same commit", "--head is the work");
    verify(&loom, &["--base", "main", "--head", "nowhere"]).exits(5).says("no branch, tag or commit", "main");
    verify(&loom, &["--base", "main..x"]).exits(2).says("not a revision", "branch");
    verify(&loom, &["--base", "main", "--check-run"]).exits(2).says("belongs to a pull request", "owner/repo#34");
    loom.run(&["verify", "--repo", "elsewhere", "--base", "main"]).exits(5).says("elsewhere", "path");
    loom.run(&["verify", "--base", "main"]).exits(5).says("is not a git repository", "git init");
    loom.run(&["verify", "https://x.example/acme/widget"]).exits(2).says("neither a pull request nor a proposal", "owner/repo#34");
    loom.run(&["verify", "acme/widget#3", "--base", "main"]).exits(2).says("says itself", "leave --base");

    branch(&loom, "fix", &[("greet.sh", FIXED)]);
    git(&loom, &["checkout", "--quiet", "main"]);
    git(&loom, &["commit", "--quiet", "--allow-empty", "--message=later"]);
    git(&loom, &["checkout", "--quiet", "--orphan", "alone"]);
    git(&loom, &["commit", "--quiet", "--message=alone"]);
    verify(&loom, &["--base", "main", "--head", "alone"]).exits(5).says("no commit in common", "one history");
    let url = format!("file://{}", repository(&loom).display());
    git(&loom, &["clone", "--quiet", "--depth=1", "--branch=fix", "--no-single-branch", &url, "../shallow"]);
    let shallow = loom.run(&["verify", "--repo", "shallow", "--base", "origin/main", "--head", "fix"]).exits(5);
    shallow.says("no commit in common", "git fetch --unshallow");
}
