//! Suites that do what no suite should, through `loom verify`: each has an outcome with a name, as `docs/suites.md` lists them.

use serde_json::{Value, json};

use crate::loom::{Ended, Loom, commit_all};
use crate::scene::repository;
use crate::verify::{branch, git};

/// A suite in TAP, of one script that sources `test/*.test`.
const RUN: &str = r#"number=0
is() {
    number=$((number + 1))
    if [ "$2" = "$3" ]; then echo "ok $number - $1"
    else printf 'not ok %s - %s\n  ---\n  found: "%s"\n  wanted: "%s"\n  ...\n' "$number" "$1" "$2" "$3"; fi
}
for file in test/*.test; do . "./$file"; done
echo "1..$number"
"#;
const SETTINGS: &str = "[test]\ncommand = \"sh test/run.sh\"\nrunner = \"tap\"\nsetup = []\ntimeout = \"30s\"\n";
const GREET: &str = "echo \"Hello, $name!\"\n";
const FIXED: &str = "echo \"Hello, $1!\"\n";
const OLD: &str = "is 'ends with a mark' \"$(sh greet.sh Ann | tail -c 2)\" '!'\n";
const NEW: &str = "is 'has the name' \"$(sh greet.sh Ann)\" 'Hello, Ann!'\n";

/// The shell repository, with `odd` in front of its old tests.
fn shell(odd: &str) -> Loom {
    base(&[("loom.toml", SETTINGS), ("greet.sh", GREET), ("test/run.sh", RUN), ("test/greet.test", &format!("{odd}{OLD}"))])
}

fn base(files: &[(&str, &str)]) -> Loom {
    let loom = files.iter().fold(Loom::new(), |loom, (path, text)| loom.file(&format!("repository/{path}"), text));
    commit_all(&repository(&loom));
    loom
}

fn verify(loom: &Loom) -> Ended {
    loom.run(&["verify", "--repo", "repository", "--base", "main", "--head", "fix", "--json"])
}

/// The honest fix with its test, in front of which `odd` stands as before.
fn fixed(loom: &Loom, odd: &str) -> Ended {
    branch(loom, "fix", &[("greet.sh", FIXED), ("test/greet.test", &format!("{odd}{OLD}{NEW}"))]);
    verify(loom)
}

#[track_caller]
fn verified(ended: Ended) -> Value {
    let told = ended.exits(0).json();
    assert_eq!((&told["ruling"], &told["proof"]), (&json!("verified"), &json!("fail-to-pass")), "{told:#}");
    told
}

#[track_caller]
fn proves(told: &Value, test: &str) {
    let tests: Vec<&str> = told["fail_to_pass"].as_array().unwrap().iter().filter_map(|one| one["test"].as_str()).collect();
    assert_eq!(tests, [test], "{told:#}");
}

#[test]
fn a_suite_that_prints_without_end_is_read_all_the_same() {
    let odd = "yes 'all work and no play' | head -c 300000000 >&2\nprintf '\\377\\376 no text\\n'\n";
    proves(&verified(fixed(&shell(odd), odd)), "has the name");
}

#[test]
fn fifty_thousand_tests_are_fifty_thousand_results() {
    let odd = "seq 1 50000 | sed 's/.*/ok & - row &/'\nnumber=50000\n";
    let told = verified(fixed(&shell(odd), odd));
    proves(&told, "has the name");
    assert_eq!(told["pass_to_pass"], 50_001);
}

#[test]
fn namesakes_and_names_that_break_lines_stay_apart() {
    let odd = "is 'row' 1 1\nis 'row' 2 2\nprintf 'ok 3 - bell\\007 and \\033[31mred\\033[0m\\n'\nnumber=3\n";
    let told = verified(fixed(&shell(odd), odd));
    assert!(!serde_json::to_string(&told).unwrap().contains("\\u00"), "no control character is left");
    let loom = shell(odd);
    branch(&loom, "fix", &[("greet.sh", FIXED), ("test/greet.test", &format!("{}{OLD}{NEW}", odd.replace("2 2", "2 3")))]);
    let told = verify(&loom).exits(11).json();
    assert!(told.to_string().contains("row #2"), "{told:#}");
}

#[test]
fn daemons_of_a_suite_end_with_it() {
    let odd = "setsid sleep 98765 & (setsid nohup sleep 98765 >/dev/null 2>&1 &)\n";
    proves(&verified(fixed(&shell(odd), odd)), "has the name");
    let alive = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .any(|entry| std::fs::read(entry.path().join("cmdline")).is_ok_and(|words| words == b"sleep\x0098765\0"));
    assert!(!alive, "a daemon of the suite is still there");
}

#[test]
fn a_suite_that_writes_into_its_tree_changes_no_other() {
    let odd = "echo \"echo broken\" > other.sh; mkdir -p made; date > made/now; rm -f README.md\n";
    proves(&verified(fixed(&shell(odd), odd)), "has the name");
    // What rewrites the very files of the patch has judged others.
    let test = "import pathlib, unittest\n\npathlib.Path('greet.py').write_text(\"def greet(name):\\n    return f'Hello, {name}!'\\n\")\nimport greet\n\nclass TestGreet(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(greet.greet('Ann'), 'Hello, Ann!')\n";
    let settings = "[test]\ncommand = \"python -m unittest discover -s tests\"\nsetup = []\n";
    let old = "import unittest\nimport greet\n\nclass TestOld(unittest.TestCase):\n    def test_old(self):\n        self.assertTrue(greet.greet('Ann'))\n";
    let loom = base(&[("loom.toml", settings), ("greet.py", "def greet(name):\n    return 'Hello'\n"), ("tests/test_old.py", old)]);
    branch(&loom, "fix", &[("greet.py", "def greet(name):\n    return 'Hi'\n"), ("tests/test_greet.py", test)]);
    let told = verify(&loom).exits(12).json();
    assert!(told.to_string().contains("rewrote `greet.py`"), "{told:#}");
}

#[test]
fn tests_that_ask_git_or_the_network_are_told_apart_from_failures() {
    let odd = "is 'knows its commit' \"$(git rev-parse --is-inside-work-tree)\" true\n";
    let told = verified(fixed(&shell(odd), odd));
    assert!(told["not_verified"].to_string().contains("Already failing before the patch, and still: `knows its commit`"), "{told:#}");

    let odd = "reach() { bash -c 'exec 3<>/dev/tcp/127.0.0.1/5432' 2>/dev/null || echo 'dial tcp 127.0.0.1:5432: connect: connection refused'; }\nis 'reaches the database' \"$(reach)\" ''\n";
    let told = verified(fixed(&shell(odd), odd));
    assert!(told["not_verified"].to_string().contains("1 test was not run, with and without the patch: needs 127.0.0.1:5432"), "{told:#}");

    let loom = shell("");
    branch(&loom, "fix", &[("greet.sh", FIXED), ("test/greet.test", &format!("{OLD}{odd}"))]);
    let told = verify(&loom).exits(12).json();
    assert!(told.to_string().contains("needs 127.0.0.1:5432"), "{told:#}");
}

#[test]
fn a_suite_without_tests_and_one_that_never_ends_have_their_names() {
    let loom = base(&[("README.md", "nothing\n"), ("greet.sh", GREET)]);
    branch(&loom, "fix", &[("greet.sh", FIXED)]);
    let told = verify(&loom).exits(11).json();
    assert_eq!(told["reasons"][0]["name"], "no-tests");

    let short = SETTINGS.replace("30s", "3s");
    let files = |odd: &str| [("test/run.sh".to_owned(), RUN.to_owned()), ("test/greet.test".to_owned(), format!("{OLD}{odd}"))];
    let endless = |odd: &str| {
        let files = files(odd);
        base(&[("loom.toml", &short), ("greet.sh", GREET), (&files[0].0, &files[0].1), (&files[1].0, &files[1].1)])
    };
    let loom = endless("");
    branch(&loom, "fix", &[("greet.sh", FIXED), ("test/greet.test", &format!("{OLD}{NEW}sleep 600\n"))]);
    let told = verify(&loom).exits(11).json();
    assert_eq!(told["reasons"][0]["name"], "suite-timeout", "{told:#}");

    let loom = endless("sleep 600\n");
    branch(&loom, "fix", &[("greet.sh", FIXED), ("test/greet.test", &format!("{OLD}{NEW}sleep 600\n"))]);
    let told = verify(&loom).exits(12).json();
    assert!(told.to_string().contains("needs more than its limit of 3s"), "{told:#}");
}

#[test]
fn a_test_that_passes_only_behind_another_proves_nothing() {
    let test = "import unittest\nimport greet\n\nclass TestGreet(unittest.TestCase):\n    def test_a(self):\n        greet.seen = True\n        self.assertEqual(greet.greet('Ann'), 'Hello, Ann!')\n\n    def test_b(self):\n        self.assertTrue(getattr(greet, 'seen', False))\n";
    let source = |text: &str| format!("def greet(name):\n    return {text}\n");
    let old = test.replace("        self.assertEqual(greet.greet('Ann'), 'Hello, Ann!')\n", "");
    let settings = "[test]\ncommand = \"python -m unittest discover -s tests\"\nsetup = []\n";
    let loom = base(&[("loom.toml", settings), ("greet.py", &source("'Hello'")), ("tests/test_greet.py", &old)]);
    // The old tests hang together; the new one stands alone.
    branch(&loom, "fix", &[("greet.py", &source("f'Hello, {name}!'")), ("tests/test_greet.py", test)]);
    proves(&verified(verify(&loom)), "tests/test_greet.py::TestGreet::test_a");
    // A new test that needs its neighbour to run first.
    git(&loom, &["checkout", "--quiet", "main"]);
    git(&loom, &["branch", "--quiet", "-D", "fix"]);
    let behind = format!(
        "{old}\n    def test_c(self):\n        self.assertTrue(greet.seen)\n        self.assertEqual(greet.greet('Ann'), 'Hello, Ann!')\n"
    );
    branch(&loom, "fix", &[("greet.py", &source("f'Hello, {name}!'")), ("tests/test_greet.py", &behind)]);
    let told = verify(&loom).exits(11).json();
    assert_eq!(told["reasons"][0]["name"], "no-failing-test", "{told:#}");
    assert!(told.to_string().contains("gives another result when it runs alone"), "{told:#}");
}

#[test]
fn a_bomb_in_a_report_is_refused() {
    let settings = "[test]\ncommand = \"sh test/run.sh\"\njunit = \"out.xml\"\nsetup = []\n";
    let good = "cat > out.xml <<END\n<testsuite><testcase classname=\"c\" name=\"old\"/></testsuite>\nEND\n";
    let bomb = "cat > out.xml <<END\n<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>\n<testsuite><testcase classname=\"c\" name=\"old\"/><testcase classname=\"c\" name=\"new\">&b;</testcase></testsuite>\nEND\n";
    let loom = base(&[("loom.toml", settings), ("greet.sh", GREET), ("test/run.sh", good)]);
    branch(&loom, "fix", &[("greet.sh", FIXED), ("test/run.sh", bomb)]);
    let told = verify(&loom).exits(12).json();
    assert!(told.to_string().contains("document type"), "{told:#}");
}

#[test]
fn names_in_a_report_may_have_line_ends_and_control_characters() {
    let settings = "[test]\ncommand = \"sh test/run.sh\"\njunit = \"out.xml\"\nsetup = []\n";
    let run = "one() { printf '<testcase classname=\"rows\" name=\"%s\">' \"$1\"; [ \"$2\" = \"$3\" ] || printf '<failure type=\"AssertionError\">%s</failure>' \"$2\"; printf '</testcase>'; }\n{ echo '<testsuite>'; . ./test/cases.sh; printf '<system-out>\\377\\376</system-out></testsuite>'; } > out.xml\n";
    let old = "one 'old&#10;row[&#9;&#27;[31m]' 1 1\n";
    let loom = base(&[("loom.toml", settings), ("greet.sh", GREET), ("test/run.sh", run), ("test/cases.sh", old)]);
    let new = "one 'has&#10;the&#x2028;name' \"$(sh greet.sh Ann)\" 'Hello, Ann!'\n";
    branch(&loom, "fix", &[("greet.sh", FIXED), ("test/cases.sh", &format!("{old}{new}"))]);
    let told = verified(verify(&loom));
    proves(&told, "rows::has the name");
    assert!(!serde_json::to_string(&told).unwrap().contains("\\u00"), "no control character is left");
    assert_eq!(told["pass_to_pass"], 1);
}

#[test]
fn where_no_test_passes_nothing_shows_that_nothing_broke() {
    let loom = shell("");
    let red = "is 'never' 1 2\n";
    branch(&loom, "red", &[("test/greet.test", red)]);
    branch(&loom, "fix", &[("greet.sh", "# Greets.\necho \"Hello, $name, and good day!\"\n")]);
    let tidied =
        |base: &str| loom.run(&["verify", "--repo", "repository", "--base", base, "--head", "fix", "--label", "refactoring", "--json"]);
    let told = tidied("red").exits(12).json();
    assert!(told.to_string().contains("none can say that it breaks nothing"), "{told:#}");
}
