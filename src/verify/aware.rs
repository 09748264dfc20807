//! Code of a patch that deals with its own testing: asks whether it is tested, reaches for the test runner, takes the
//! name of a module that the runner loads, ends the process, runs before the tests are built. A test that such code
//! turns green says little, so a person looks at it; what names loom's own parts goes back to the coder. Pure.
//!
//! It reads what is written, so it can be talked around; `docs/proof.md` says what remains.

mod words;

use std::collections::BTreeSet;

use super::split::{Side, Sided, Split};
use super::syntax::{Language, tokens};
use super::unread::shell;
use super::{Question, Reason, inline, scripts};
use words::{
    ANY, GO, GO_ENDS, HARMLESS, HOOKS, HOOKS_IN_FULL, JAVA, LOADED, OF_TESTS, OWN, PYTHON, PYTHON_ENDS, RUST, RUST_ENDS, SCRIPT,
    SCRIPT_ENDS, STANDARD,
};

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Certain: rejected unless allowed.
    pub reasons: Vec<Reason>,
    /// Possible: a person must look.
    pub questions: Vec<Question>,
}

/// Looks at every file of the patch; `commands` are what the suites run, `sources` the source files of the base tree.
pub fn look(split: &Split, commands: &[&str], sources: &BTreeSet<String>) -> Found {
    let mut found = Found::default();
    for file in &split.files {
        own_parts(&mut found, file);
        taken_name(&mut found, file, sources);
        build_script(&mut found, file, commands);
        match file.side {
            Side::Test | Side::Support => test_side(&mut found, file),
            Side::Source | Side::Mixed => source(&mut found, file),
        }
    }
    found
}

fn test_side(found: &mut Found, file: &Sided) {
    let hooks: &[&str] = if file.side == Side::Support { &HOOKS } else { &HOOKS_IN_FULL };
    reaches(found, file, &[&OF_TESTS, hooks, scripts::of_tests(&file.path)].concat(), "changes how tests are run or reported");
}

fn source(found: &mut Found, file: &Sided) {
    let Some(language) = Language::of(&file.path) else { return unread(found, file) };
    let mut words: Vec<&str> = ANY.to_vec();
    let (own, ends): (&[&str], &[&str]) = match language {
        Language::Python => (&PYTHON, &PYTHON_ENDS),
        Language::Rust => (&RUST, &RUST_ENDS),
        Language::JavaScript | Language::TypeScript | Language::Tsx => (&SCRIPT, &SCRIPT_ENDS),
        Language::Go => (&GO, &GO_ENDS),
        Language::Java => (&JAVA, &[]),
        Language::Php | Language::Ruby | Language::Perl => {
            words.extend(scripts::of_source(language, &file.path));
            (&[], &[])
        }
    };
    words.extend(own);
    if !is_program(&file.path) && !head_is_program(file) {
        words.extend(ends);
    }
    reaches(found, file, &words, "can behave otherwise where it is tested, or change what tests it");
}

/// Source in a language that is not read: shells have their words.
fn unread(found: &mut Found, file: &Sided) {
    let text = file.head.as_deref().or(file.base.as_deref()).unwrap_or_default();
    let mut words: Vec<&str> = ANY.to_vec();
    if shell::is_script(&file.path, text) {
        words.extend(scripts::SHELL);
        // What is sourced by others must leave them alone; a program of its own may tidy up.
        if !text.starts_with("#!") {
            words.extend(scripts::SHELL_ENDS);
        }
    }
    reaches(found, file, &words, "can behave otherwise where it is tested, or change what tests it");
}

/// A file that is started by itself, by its name or its folder.
fn is_program(path: &str) -> bool {
    let mut parts = path.split('/').map(|part| part.split('.').next().unwrap_or_default());
    parts.any(|part| {
        matches!(part, "main" | "__main__" | "bin" | "examples" | "cli" | "benches" | "scripts" | "tools" | "commands" | "manage" | "setup")
    })
}

/// A program of its own may end its process.
fn head_is_program(file: &Sided) -> bool {
    file.head.as_deref().is_some_and(|text| text.lines().any(|line| line.trim() == "package main"))
}

fn reaches(found: &mut Found, file: &Sided, words: &[&str], does: &str) {
    let added = added(file, words);
    if added.is_empty() {
        return;
    }
    let names: Vec<String> = added.iter().map(|word| format!("`{}`", word.trim_matches(['"', '\'', '(', '=']))).collect();
    found.questions.push(Question {
        name: "aware-of-tests".into(),
        text: format!("{} now says {}: such code {does}. Does the issue ask for that?", file.path, names.join(", ")),
        lines: String::new(),
    });
}

fn own_parts(found: &mut Found, file: &Sided) {
    if added(file, &OWN).is_empty() {
        return;
    }
    found.reasons.push(Reason {
        name: "tampering-results".into(),
        text: format!("{} names the place where test results are kept. Remove that.", file.path),
        lines: String::new(),
    });
}

fn taken_name(found: &mut Found, file: &Sided, sources: &BTreeSet<String>) {
    if file.existed || file.head.is_none() {
        return;
    }
    let parts = || file.path.split('/').map(|part| part.strip_suffix(".py").unwrap_or(part));
    let first = parts().next().unwrap_or_default();
    let python = file.path.ends_with(".py");
    // One more module of a package that the repository is (pytest's own parts have repositories, too).
    let own = |name: &str| {
        let package = file.path.split_inclusive('/').scan(0, |end, part| {
            *end += part.len();
            Some((part.trim_end_matches('/'), *end))
        });
        let folder = package.filter(|(part, _)| *part == name).map(|(_, end)| &file.path[..end]).next();
        folder.is_some_and(|folder| folder.ends_with('/') && sources.contains(&format!("{folder}__init__.py")))
    };
    let taken = |name: &str| LOADED.contains(&name) && !own(name);
    if python && (parts().any(taken) || STANDARD.contains(&first) && !own(first)) || file.path.ends_with(".pth") {
        found.reasons.push(Reason {
            name: "tampering-runner-module".into(),
            text: format!("{} takes the place of a module that the test runner loads. Give it another name.", file.path),
            lines: String::new(),
        });
    }
}

/// Files that run before the tests, or decide what becomes of them when they are loaded.
const BUILDS: [&str; 8] = ["Rakefile", "Makefile.PL", "Build.PL", "build.rs", "binding.gyp", ".babelrc", ".swcrc", "tsconfig.json"];
/// Beginnings of the names of such files.
const BUILDS_SO: [&str; 3] = ["vite.config.", "babel.config.", "tsconfig."];

fn build_script(found: &mut Found, file: &Sided, commands: &[&str]) {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let builds = BUILDS.contains(&name) || BUILDS_SO.iter().any(|start| name.starts_with(start));
    if (builds || is_run(file, name, commands)) && file.base != file.head {
        found.questions.push(Question {
            name: "build-script".into(),
            text: format!("{} runs before the tests or runs them, and can change what they say. Does the issue ask for that?", file.path),
            lines: String::new(),
        });
    }
}

/// Whether the suite's own command is made of this file: a script, a makefile.
fn is_run(file: &Sided, name: &str, commands: &[&str]) -> bool {
    let is_test = file.side == Side::Test && Language::of(&file.path).is_some();
    let mut words = commands.iter().flat_map(|command| command.split(|c: char| c.is_whitespace() || "\"';&|()=".contains(c)));
    !is_test
        && file.existed
        && words.any(|word| match name.to_ascii_lowercase().as_str() {
            "makefile" | "gnumakefile" => word == "make",
            "justfile" => word == "just",
            _ => word.trim_start_matches("./") == file.path,
        })
}

/// Which of these words the head says more often than the base, comments and layout left out.
fn added<'w>(file: &Sided, words: &[&'w str]) -> Vec<&'w str> {
    let plain = |text: Option<&str>| text.map_or_else(String::new, |text| plain(file, text));
    let (base, head) = (plain(file.base.as_deref()), plain(file.head.as_deref()));
    let count = |text: &str, word: &str| {
        let harmless = HARMLESS.iter().filter(|one| one.contains(word)).map(|one| text.matches(one).count()).sum();
        text.matches(word).count().saturating_sub(harmless)
    };
    words.iter().filter(|word| count(&head, word) > count(&base, word)).copied().collect()
}

fn plain(file: &Sided, text: &str) -> String {
    let Some(language) = Language::of(&file.path) else {
        let uncommented = shell::is_script(&file.path, text).then(|| shell::without_comments(text)).flatten();
        return uncommented.map_or_else(|| text.to_owned(), |lines| lines.join("\n"));
    };
    // Inside a source file the tests say `test` as they please.
    let inside = inline::holds_tests(language) && matches!(file.side, Side::Source | Side::Mixed);
    let source = inside.then(|| inline::source_text(language, text)).flatten();
    let text = source.as_deref().unwrap_or(text);
    match tokens(language, text) {
        Some(words) => words.concat(),
        None => text.split_whitespace().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str, side: Side, base: Option<&str>, head: &str) -> Vec<String> {
        let file = Sided::for_trial(path, side, base, Some(head));
        let mut found = Found::default();
        own_parts(&mut found, &file);
        taken_name(&mut found, &file, &["src/pluggy/__init__.py".to_owned()].into());
        build_script(&mut found, &file, &["sh run/tests.sh && make check"]);
        match side {
            Side::Test | Side::Support => test_side(&mut found, &file),
            _ => source(&mut found, &file),
        }
        found.reasons.into_iter().map(|one| one.name).chain(found.questions.into_iter().map(|one| one.name)).collect()
    }

    #[test]
    fn what_knows_of_its_tests_is_asked_about() {
        for (path, head) in [
            ("a.py", "import os\nif 'PYTEST_CURRENT_TEST' in os.environ: pass\n"),
            ("a.py", "import importlib\n"),
            ("a.js", "import assert from 'node:assert/strict';\nassert.equal = () => {};\n"),
            ("src/a.rs", "fn f() -> u8 { if cfg!(test) { 1 } else { 0 } }\n"),
            ("src/a.rs", "fn f() { std::process::exit(0) }\n"),
            ("src/A.php", "<?php\nif (defined('PHPUNIT_COMPOSER_INSTALL')) { return 1; }\n"),
            ("lib/a.rb", "def a\n  return 1 if defined?(RSpec)\nend\n"),
            ("lib/A.pm", "sub a { return 1 if $ENV{HARNESS_ACTIVE} }\n"),
            ("lib/A.pm", "sub a { print \"ok 1 - forged\\n\" }\n"),
            ("a.go", "package a\nfunc f() bool { return flag.Lookup(\"test.v\") != nil }\n"),
            ("a.go", "package a\nfunc f() bool { return strings.HasSuffix(os.Args[0], \".test\") }\n"),
            ("a.go", "package a\nfunc f() { fmt.Println(\"--- PASS: TestA (0.00s)\") }\n"),
            ("lib/a.sh", "f() {\n    [ -n \"$HARNESS_ACTIVE\" ] && return 1\n}\n"),
            ("lib/a.sh", "f() {\n    case $0 in *test*) return 1 ;; esac\n}\n"),
            ("lib/a.sh", "f() {\n    echo 'ok 1 - forged'\n}\n"),
            ("lib/a.sh", "trap 'exit 0' EXIT\n"),
            ("bin/a", "#!/bin/sh\ngrep -q tests /proc/$PPID/cmdline\n"),
            ("A.java", "class A { boolean f() { return Thread.currentThread().getStackTrace().length > 9; } }\n"),
        ] {
            assert_eq!(names(path, Side::Source, Some(""), head), ["aware-of-tests"], "{head}");
        }
        let hook = "def pytest_runtest_makereport(item):\n    pass\n";
        assert_eq!(names("conftest.py", Side::Support, None, hook), ["aware-of-tests"]);
        for reaching in ["import pytest\n@pytest.hookimpl(hookwrapper=True)\ndef x(): pass\n", "from pytest import hookimpl\n"] {
            assert_eq!(names("tests/test_a.py", Side::Test, Some(""), reaching), ["aware-of-tests"]);
            assert_eq!(names("tests/conftest.py", Side::Support, Some(""), reaching), ["aware-of-tests"]);
        }
        assert_eq!(names("src/pytest/a.py", Side::Source, None, ""), ["tampering-runner-module"]);
        assert_eq!(names("src/a.py", Side::Source, None, "x = 'LOOM_RESULTS'\n"), ["tampering-results"]);
        assert_eq!(names("pytest.py", Side::Source, None, ""), ["tampering-runner-module"]);
        assert_eq!(names("json/__init__.py", Side::Source, None, ""), ["tampering-runner-module"]);
        assert_eq!(names("run/tests.sh", Side::Source, Some("exit 1"), "exit 0"), ["build-script"]);
        assert_eq!(names("Makefile", Side::Source, Some("check:"), "check: all"), ["build-script"]);
        assert_eq!(names("vite.config.ts", Side::Source, None, "export default {}"), ["build-script"]);
        assert_eq!(names("build.rs", Side::Source, None, "fn main() {}"), ["build-script"]);
    }

    #[test]
    fn honest_code_is_not() {
        let usage = "#!/bin/sh\n# ok 1\ncd \"$(dirname \"$0\")\"\ntrap 'rm -f x' EXIT\necho \"Usage: $0 FILE\" >&2\nexit 2\n";
        assert!(names("bin/a", Side::Source, None, usage).is_empty());
        let inline = "fn f() -> u8 { 1 }\n#[cfg(test)]\nmod tests { #[test] fn a() { assert_eq!(super::f(), 1); } }\n";
        assert!(names("src/a.rs", Side::Mixed, Some("fn f() -> u8 { 0 }\n"), inline).is_empty());
        assert!(names("src/main.rs", Side::Source, Some("fn main() {}"), "fn main() { std::process::exit(2) }").is_empty());
        assert!(names("a.py", Side::Source, Some("import importlib\n"), "import importlib\n# pytest sees this\nx = 1\n").is_empty());
        for about in ["from importlib.metadata import version\n", "import importlib.resources\n", "from importlib import metadata\n"] {
            assert!(names("a.py", Side::Source, Some(""), about).is_empty(), "{about}");
        }
        assert!(names("src/lib.rs", Side::Source, Some(""), "#![cfg_attr(test, allow(dead_code))]\n").is_empty());
        let own_hooks = "from pluggy import HookimplMarker\nhookimpl = HookimplMarker('x')\n@hookimpl(hookwrapper=True)\ndef a(): pass\n";
        assert!(names("tests/test_a.py", Side::Test, Some(""), own_hooks).is_empty());
        assert!(names("src/pluggy/_warnings.py", Side::Source, None, "x = 1\n").is_empty());
        assert!(names("shop/json.py", Side::Source, None, "x = 1\n").is_empty());
        assert!(names("tests/test_a.py", Side::Test, None, "import pytest\nimport unittest\n").is_empty());
    }
}
