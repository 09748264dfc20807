//! Repositories that are empty, or hold what lures, confuses or floods a program that reads them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::loom::{Loom, commit_all};
use crate::provider::{Provider, Reply, call};
use crate::scene::{self, TURNS, good, greeting, repository};

/// The good model, after these calls.
fn after(calls: Vec<Reply>) -> Provider {
    Provider::answering(move |asked| calls.get(asked.turn).cloned().unwrap_or_else(|| good(asked.turn - calls.len())))
}

fn git(folder: &Path, words: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org"])
        .args(words)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn nothing_to_work_on() {
    let model = after(Vec::new());
    let empty = Loom::new().file("issue.md", "# It breaks\n").with("LOOM_API_KEY", "test-key");
    std::fs::create_dir(repository(&empty)).unwrap();
    scene::run(&empty, &model, &[]).exits(2).says("could not find repository", "a folder with a git repository");
    git(&repository(&empty), &["init", "--quiet", "--initial-branch=main"]);
    scene::run(&empty, &model, &[]).exits(5).says("no commit", "commit");
    let words = ["run-issue", "issue.md", "--repo", "nowhere", "--model", "compatible/scripted", "--base-url", "http://127.0.0.1:1"];
    empty.run(&words).exits(2).says("nowhere", "a folder with a git repository");
    assert!(model.asked().is_empty());
}

#[test]
fn an_unchanged_submodule_is_no_hindrance() {
    let loom = greeting();
    let entry = "160000,1111111111111111111111111111111111111111,vendor/other";
    git(&repository(&loom), &["update-index", "--add", "--cacheinfo", entry]);
    std::fs::write(
        repository(&loom).join(".gitmodules"),
        "[submodule \"other\"]\n\tpath = vendor/other\n\turl = http://127.0.0.1:1/other.git\n",
    )
    .unwrap();
    git(&repository(&loom), &["add", ".gitmodules"]);
    git(&repository(&loom), &["commit", "--quiet", "--message=a submodule"]);
    scene::run(&loom, &after(Vec::new()), &[]).exits(0);
    let branch = scene::branches(&loom).remove(0);
    assert!(git(&repository(&loom), &["ls-tree", &branch, "vendor/other"]).starts_with("160000 commit 1111"));
}

#[test]
fn links_that_lead_out_are_not_followed() {
    let loom = greeting().file("outside/secret.txt", "the crown jewels\n");
    let outside = loom.folder().join("outside");
    symlink(outside.join("secret.txt"), repository(&loom).join("file-link")).unwrap();
    symlink(&outside, repository(&loom).join("folder-link")).unwrap();
    symlink("../../../../../../../../etc/passwd", repository(&loom).join("relative-link")).unwrap();
    symlink("loop-link", repository(&loom).join("loop-link")).unwrap();
    commit_all(&repository(&loom));
    let model = after(vec![
        call("read", json!({"path": "file-link"})),
        call("read", json!({"path": "folder-link/secret.txt"})),
        call("search", json!({"pattern": "crown jew"})),
        call("write", json!({"path": "folder-link/new.txt", "text": "x"})),
        call("edit", json!({"path": "file-link", "old": "crown", "new": "x"})),
        call("shell", json!({"command": "cat file-link relative-link folder-link/secret.txt; echo x > folder-link/new.txt"})),
    ]);
    scene::run(&loom, &model, &[]).exits(0);
    let heard = model.heard();
    assert!(!heard.contains("the crown jewels"), "{heard}");
    let left: Vec<_> = std::fs::read_dir(&outside).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!((left.len(), std::fs::read_to_string(outside.join("secret.txt")).unwrap().as_str()), (1, "the crown jewels\n"));
}

#[test]
fn names_and_contents_that_are_no_utf8() {
    let loom = greeting();
    let odd = repository(&loom).join(OsStr::from_bytes(b"caf\xe9"));
    std::fs::create_dir(&odd).unwrap();
    std::fs::write(odd.join(OsStr::from_bytes(b"\xff\xfe.txt")), b"\xff\xfe na\xefve\n").unwrap();
    std::fs::write(repository(&loom).join("latin1.txt"), b"na\xefve \x00 greet\n").unwrap();
    std::fs::write(repository(&loom).join("with\nnewline \"quote\""), "x\n").unwrap();
    commit_all(&repository(&loom));
    let model = after(vec![
        call("list", json!({})),
        call("read", json!({"path": "latin1.txt"})),
        call("search", json!({"pattern": "greet"})),
        call("read", json!({"path": "caf\u{fffd}/\u{fffd}\u{fffd}.txt"})),
    ]);
    scene::run(&loom, &model, &[]).exits(0);
    assert_eq!(model.asked().len(), TURNS + 4);
    let branch = scene::branches(&loom).remove(0);
    assert_eq!(git(&repository(&loom), &["diff", "--name-only", "main", &branch]), "greet.sh\ntest/greet.test\n");
}

/// Adds this many small files in one commit, without writing them to the disk one by one.
fn grow(repository: &Path, files: usize) {
    let mut stream = String::from(
        "blob\nmark :1\ndata 6\nsmall\n\ncommit refs/heads/main\ncommitter Ann <ann@example.org> 1700000000 +0000\ndata 5\nmany\n\nfrom refs/heads/main^0\n",
    );
    (0..files).for_each(|file| stream.push_str(&format!("M 100644 :1 many/{}/{file}.txt\n", file / 200)));
    let mut import =
        Command::new("git").args(["fast-import", "--quiet"]).current_dir(repository).stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(import.stdin.as_mut().unwrap(), stream.as_bytes()).unwrap();
    drop(import.stdin.take());
    assert!(import.wait().unwrap().success());
}

#[test]
fn many_files_make_no_long_prompt_and_no_large_patch() {
    let loom = greeting();
    grow(&repository(&loom), 5_000);
    let model = after(vec![call("list", json!({"path": "many"})), call("search", json!({"pattern": "greet", "path": "test"}))]);
    scene::run(&loom, &model, &[]).exits(0);
    assert!(model.asked()[0].body.to_string().len() < 40_000);
    let branch = scene::branches(&loom).remove(0);
    assert_eq!(git(&repository(&loom), &["diff", "--name-only", "main", &branch]), "greet.sh\ntest/greet.test\n");
}
