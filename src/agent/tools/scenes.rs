//! The tools on a real workspace, sandbox and suite.

use std::time::Duration;

use serde_json::{Value, json};

use super::Toolbox;
use crate::agent::scene::{Scene, with_assignment};

fn call(scene: &Scene, name: &str, input: Value) -> String {
    with_assignment(scene, 0, None, |assignment| {
        let reply = Toolbox::new(assignment).call(name, &input, Duration::from_secs(60)).unwrap();
        format!("{}{}", if reply.error { "ERROR " } else { "" }, reply.text)
    })
}

#[test]
fn files_are_read_in_parts_and_never_cut_silently() {
    let scene = Scene::new();
    let write = |path: &str, bytes: &[u8]| scene.workspace.write(path, bytes).unwrap();
    let long: String = (1..=2_000).map(|n| format!("function f{n}() {{\n  return {n};\n}}\n")).collect();
    write("long.js", long.as_bytes());
    write("bytes.bin", &[0, 159, 146, 150]);
    write("latin.txt", b"caf\xe9\n");
    write("wide.txt", "x".repeat(5_000).as_bytes());
    write("empty.txt", b"");
    let outline = call(&scene, "read", json!({"path": "long.js"}));
    assert!(outline.starts_with("long.js, 6000 lines; its definitions") && outline.contains("\n4-6\tfunction f2() {"), "{outline}");
    assert!(outline.ends_with("[1780 more definitions: search for their names]"), "{outline}");
    let part = call(&scene, "read", json!({"path": "./long.js", "from": 5, "to": 6}));
    assert_eq!(part, "long.js, lines 5-6 of 6000\n5\t  return 2;\n6\t}");
    let much = call(&scene, "read", json!({"path": "long.js", "from": 1}));
    assert!(much.len() < 33_000 && much.contains("-6000 did not fit: read from "), "{}", &much[much.len() - 100..]);
    assert_eq!(call(&scene, "read", json!({"path": "bytes.bin"})), "bytes.bin is a binary file of 4 bytes");
    assert_eq!(call(&scene, "read", json!({"path": "latin.txt"})), "latin.txt, 1 lines\n1\tcaf\u{fffd}");
    assert!(call(&scene, "read", json!({"path": "wide.txt"})).ends_with("[... 4400 bytes more]"));
    assert_eq!(call(&scene, "read", json!({"path": "empty.txt"})), "empty.txt is empty");
    assert!(call(&scene, "read", json!({"path": "long.js", "from": 7000})).starts_with("ERROR long.js has 6000 lines"));
    assert!(call(&scene, "read", json!({"path": "test"})).contains("is a folder"));
}

#[test]
fn files_outside_of_the_tree_are_out_of_reach() {
    let scene = Scene::new();
    std::os::unix::fs::symlink("/etc", scene.workspace.root().join("out")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", scene.workspace.root().join("passwd")).unwrap();
    for (tool, input) in [
        ("read", json!({"path": "out/passwd"})),
        ("read", json!({"path": "passwd"})),
        ("write", json!({"path": "out/loom", "text": "x"})),
        ("edit", json!({"path": "passwd", "old": "root", "new": "x"})),
        ("list", json!({"path": "out"})),
        ("list", json!({"path": ".."})),
        ("search", json!({"pattern": "root", "path": "out"})),
        ("write", json!({"path": "/etc/loom", "text": "x"})),
    ] {
        let answer = call(&scene, tool, input.clone());
        assert!(answer.starts_with("ERROR ") && !answer.contains("root:"), "{tool} {input}: {answer}");
    }
    assert!(!call(&scene, "search", json!({"pattern": "root:"})).contains("/bin/"));
}

#[test]
fn search_counts_what_it_leaves_out() {
    let scene = Scene::new();
    scene.workspace.write("many.txt", "needle here\n".repeat(500).as_bytes()).unwrap();
    scene.workspace.write("ignored/more.txt", b"needle\n").unwrap();
    let found = call(&scene, "search", json!({"pattern": "NEEDLE", "ignore_case": true}));
    assert!(found.starts_with("500 matches in 1 files\nmany.txt\n1:needle here\n") && !found.contains("ignored"), "{found}");
    assert!(found.ends_with("[460 more matches in this file]\n[460 matches in 1 files not shown: narrow it by path, glob or pattern. They are in many.txt (460)]"));
    let around = call(&scene, "search", json!({"pattern": "return", "glob": "*.js", "context": 1, "path": "/loom/repo"}));
    assert_eq!(around, "1 matches in 1 files\nsum.js\n1-exports.sum = function (a, b) {\n2:  return a - b;\n3-};");
    let plain = call(&scene, "search", json!({"pattern": "function (a", "path": "sum.js"}));
    assert!(plain.starts_with("not a valid regular expression, so searched as plain text: 1 matches"), "{plain}");
    assert_eq!(call(&scene, "search", json!({"pattern": "absent", "glob": "test/**"})), "no match of \"absent\" in 1 files");
    assert!(call(&scene, "search", json!({"pattern": "x", "path": "nowhere"})).starts_with("ERROR nowhere: no such"));
}

#[test]
fn lists_tell_how_much_is_deeper() {
    let scene = Scene::new();
    for path in ["a/b/c/one.txt", "a/b/c/two.txt", "a/b/three.txt"] {
        scene.workspace.write(path, b"x").unwrap();
    }
    let list = call(&scene, "list", json!({}));
    assert_eq!(list, "7 files below the root\n.gitignore\na/\na/b/ (3 files)\npackage.json\nsum.js\ntest/\ntest/sum.test.js");
    assert_eq!(call(&scene, "list", json!({"path": "a/b/", "depth": 1})), "3 files below a/b\na/b/c/ (2 files)\na/b/three.txt");
    assert!(call(&scene, "list", json!({"path": "sum.js"})).contains("read shows it"));
}

#[test]
fn a_subfolder_obeys_the_rules_of_the_whole_tree() {
    let scene = Scene::new();
    for path in [".gitignore", "a/.gitignore", "a/dist/x.js", "a/b/out.gen", "a/b/kept.js", "ignored/y.js"] {
        let text = match path {
            ".gitignore" => "ignored/\n*.gen\n",
            "a/.gitignore" => "dist/\n",
            _ => "needle\n",
        };
        scene.workspace.write(path, text.as_bytes()).unwrap();
    }
    for path in ["a", "a/b", "/loom/repo/a/b/"] {
        let found = call(&scene, "search", json!({"pattern": "needle", "path": path}));
        assert_eq!(found, "1 matches in 1 files\na/b/kept.js\n1:needle", "{path}");
    }
    assert_eq!(call(&scene, "list", json!({"path": "a"})), "2 files below a\na/.gitignore\na/b/\na/b/kept.js");
    for folder in ["ignored", "a/dist"] {
        let said = format!("ERROR {folder} is ignored by git");
        assert!(call(&scene, "search", json!({"pattern": "needle", "path": folder})).starts_with(&said));
        assert!(call(&scene, "list", json!({"path": folder})).starts_with(&said));
    }
    assert!(call(&scene, "search", json!({"pattern": "needle", "path": "ignored/y.js"})).contains("1:needle"));
    // what is tracked is the repository's, whatever its rules say
    scene.workspace.write(".gitignore", b"*.js\n").unwrap();
    assert!(call(&scene, "search", json!({"pattern": "return", "glob": "*.js"})).contains("sum.js\n2:"));
    assert!(call(&scene, "list", json!({})).ends_with("package.json\nsum.js\ntest/\ntest/sum.test.js"));
}

#[test]
fn commands_run_in_the_tree_without_network_and_end() {
    let scene = Scene::new();
    let shell = |command: &str, timeout: u64| call(&scene, "shell", json!({"command": command, "timeout": timeout}));
    assert!(shell("pwd; echo oops >&2; exit 3", 9).ends_with("s\n/loom/repo\noops"));
    assert!(shell("pwd; exit 3", 9).starts_with("exit 3, "));
    assert!(shell("sleep 100", 1).starts_with("killed after its 1 s"));
    let flood = shell("yes loom | head -c 1000000; echo; echo last", 30);
    assert!(flood.len() < 15_000 && flood.contains(" bytes cut; ") && flood.ends_with("last"), "{}", flood.len());
    assert!(shell("cat < /dev/tcp/1.1.1.1/80", 9).starts_with("exit 1"));
    assert!(shell("printf 'a\\377b'", 9).ends_with("a\u{fffd}b"));
    assert!(shell("  ", 9).starts_with("ERROR the command is empty"));
    assert!(shell("echo kept > /tmp/note", 9).starts_with("exit 0"));
    assert!(shell("cat /tmp/note /var/tmp/note; touch $HOME/x", 9).ends_with("s\nkept\nkept"));
}

#[test]
fn edits_say_when_the_file_no_longer_parses() {
    let scene = Scene::new();
    let edit = |old: &str, new: &str| call(&scene, "edit", json!({"path": "sum.js", "old": old, "new": new}));
    assert_eq!(
        edit("return a - b;", "return a - b; }"),
        "sum.js: replaced once at line 2\n1\texports.sum = function (a, b) {\n2\t  return a - b; }\n3\t};\nBut now it does not parse: see line 3"
    );
    assert_eq!(call(&scene, "write", json!({"path": "new/x.py", "text": "a = 1\n"})), "new/x.py: made, 1 lines");
    assert_eq!(call(&scene, "write", json!({"path": "new/x.py", "content": "b = 1\n"})), "new/x.py: replaced, 1 lines");
}

#[test]
fn protected_files_are_refused_at_once() {
    let mut scene = Scene::new();
    scene.config.gate.protected = vec!["sum.*".into()];
    for (tool, input) in [
        ("write", json!({"path": ".github/workflows/ci.yml", "text": "on: push\n"})),
        ("edit", json!({"path": "sum.js", "old": "a - b", "new": "a + b"})),
    ] {
        let answer = call(&scene, tool, input);
        assert!(answer.starts_with("ERROR ") && answer.contains("stays as it is: "), "{answer}");
    }
    assert!(scene.workspace.patch().unwrap().is_empty());
}

#[test]
fn a_stop_ends_a_command_at_once() {
    let scene = Scene::new();
    scene.cancel.request(crate::error::Kind::Interrupted);
    let failure = with_assignment(&scene, 0, None, |assignment| {
        Toolbox::new(assignment).call("shell", &json!({"command": "true"}), Duration::from_secs(60)).unwrap_err()
    });
    assert_eq!(failure.kind, crate::error::Kind::Interrupted);
}
