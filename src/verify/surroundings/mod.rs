//! Source that newly asks its surroundings: the environment, the call stack, how it was built or started, the files of
//! its own repository. It can answer otherwise in the tests than anywhere else, so a person looks at it. Read by syntax,
//! added up over the whole patch, so that code may move. Words about test runners themselves are `aware`'s. Pure.

mod patterns;
mod repository;

use std::collections::{BTreeMap, BTreeSet};

use super::aware::is_program;
use super::facts::some_of;
use super::split::{Side, Sided, Split};
use super::syntax::{Language, tokens};
use super::{Question, inline};
use patterns::{Asked, Kind, asked};

/// Looks at every source file of the patch; `paths` are the files of the base tree.
pub fn look(split: &Split, paths: &BTreeSet<String>) -> Vec<Question> {
    let files: Vec<(&Sided, [Vec<String>; 2])> = split.source_side().map(|file| (file, [words(file, 0), words(file, 1)])).collect();
    let said = said_by_tests(split);
    let counts: Vec<[BTreeMap<Asked, usize>; 2]> =
        files.iter().map(|(file, sides)| sides.each_ref().map(|words| of(file, words))).collect();
    let in_all = |one: &Asked, side: usize| counts.iter().filter_map(|sides| sides[side].get(one)).sum::<usize>();
    let mut questions = Vec::new();
    for ((file, sides), [before, after]) in files.iter().zip(&counts) {
        let more = |(one, count): &(&Asked, &usize)| **count > before.get(*one).copied().unwrap_or(0) && in_all(one, 1) > in_all(one, 0);
        let new: Vec<&Asked> = after.iter().filter(more).map(|(one, _)| one).collect();
        let of_kind = |kind: Kind| new.iter().filter(move |one| one.kind == kind).copied();
        questions.extend(environment(file, of_kind(Kind::Environment).filter(|one| !one.is_named_in(&said))));
        questions.extend(situation(file, of_kind(Kind::Situation)));
        questions.extend(repository::look(file, &sides[0], &sides[1], paths));
    }
    questions
}

/// What one version of a file asks, and how often.
fn of(file: &Sided, words: &[String]) -> BTreeMap<Asked, usize> {
    let mut counts = BTreeMap::new();
    let Some(language) = Language::of(&file.path) else { return counts };
    // A program is started by people, with an environment and arguments.
    let told = asked(language, words).into_iter().filter(|one| one.kind != Kind::Environment || !is_program(&file.path));
    told.for_each(|one| *counts.entry(one).or_default() += 1);
    counts
}

/// The words of one version of a source file, without the tests inside.
fn words(file: &Sided, side: usize) -> Vec<String> {
    let text = [&file.base, &file.head][side].as_deref();
    let (Some(language), Some(text)) = (Language::of(&file.path), text) else { return Vec::new() };
    let inside = inline::holds_tests(language) && matches!(file.side, Side::Source | Side::Mixed);
    let source = inside.then(|| inline::source_text(language, text)).flatten();
    let text = source.as_deref().unwrap_or(text);
    tokens(language, text).unwrap_or_else(|| text.split_whitespace().map(str::to_owned).collect())
}

/// Names and strings that the tests of the patch say: a variable that they set is what they are about.
fn said_by_tests(split: &Split) -> BTreeSet<String> {
    let texts = split
        .test_side()
        .filter(|file| file.side != Side::Mixed)
        .filter_map(|file| Some((Language::of(&file.path)?, file.head.as_deref()?)));
    texts.flat_map(|(language, text)| tokens(language, text).unwrap_or_default()).map(|word| patterns::unquoted(&word).to_owned()).collect()
}

fn environment<'a>(file: &Sided, new: impl Iterator<Item = &'a Asked>) -> Option<Question> {
    let says = "now reads its environment (NAMES): it can do otherwise where it is tested than for its users.";
    question("reads-environment", file, says, new)
}

fn situation<'a>(file: &Sided, new: impl Iterator<Item = &'a Asked>) -> Option<Question> {
    let says = "now asks how it is built, started or called (NAMES): such code can behave otherwise where it is tested.";
    question("aware-of-tests", file, says, new)
}

/// The question about these, if there are any; `says` has them at `NAMES`.
fn question<'a>(name: &str, file: &Sided, says: &str, new: impl Iterator<Item = &'a Asked>) -> Option<Question> {
    let names: Vec<String> = new.map(Asked::told).collect();
    let says = says.replace("NAMES", &some_of(names.iter().map(String::as_str)));
    let text = format!("{} {says} Does the issue ask for that?", file.path);
    (!names.is_empty()).then(|| Question { name: name.into(), text, lines: String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str, base: &str, head: &str, test: &str) -> Vec<String> {
        let file = Sided::for_trial(path, Side::Source, Some(base), Some(head));
        let of_test = Sided::for_trial(&format!("tests/{}", path.replace('.', "_test.")), Side::Test, None, Some(test));
        let id = || "a".repeat(40).parse().unwrap();
        let split = Split { files: vec![file, of_test], must_fail: id(), regression: id(), notes: Vec::new() };
        let paths = ["tests/test_a.py", "test/a.js", "package.json", "go.mod", "src/a.py"].map(str::to_owned).into();
        look(&split, &paths).into_iter().map(|one| one.name).collect()
    }

    #[test]
    fn what_asks_its_surroundings_is_asked_about() {
        for (path, head) in [
            ("a.py", "import os\nx = any('TEST' in name for name in os.environ)\n"),
            ("a.py", "from os import getenv as g\nx = g('CI')\n"),
            ("a.py", "import os as system\nx = system.environ.get('HOME')\n"),
            ("a.js", "if (process.env.NODE_ENV !== 'production') x();"),
            ("a.ts", "if (globalThis.process?.env?.TEST) x();"),
            ("a.ts", "if ((import.meta as any).env) x();"),
            ("a.js", "const { env } = process;"),
            ("src/a.rs", "fn f() -> bool { std::env::var_os(\"CARGO_MANIFEST_DIR\").is_some() }"),
            ("src/a.rs", "fn f() -> bool { option_env!(\"CI\").is_some() }"),
            ("a.go", "package a\nfunc f() bool { return os.Getenv(\"PWD\") != \"\" }\n"),
            ("a.go", "package a\nfunc f() bool { return len(os.Args) > 2 }\n"),
        ] {
            assert_eq!(names(path, "", head, ""), ["reads-environment"], "{head}");
        }
        for (path, head) in [
            ("a.py", "from sys import modules\n"),
            ("a.py", "import traceback\nx = traceback.format_stack()\n"),
            ("a.py", "if __debug__:\n    x = 1\n"),
            ("a.js", "if (require.main.filename) x();"),
            ("a.js", "if (module.parent) x();"),
            ("a.js", "if (String(Error('x').stack).length) x();"),
            ("a.js", "if ('__worker__' in globalThis) x();"),
            ("a.js", "if (typeof describe === 'function') x();"),
            ("src/a.rs", "fn f() -> bool { cfg!(debug_assertions) }"),
            ("src/a.rs", "#[cfg(any(unix, test))]\nfn f() {}"),
            ("src/a.rs", "fn f() -> bool { core::panic::Location::caller().file().is_empty() }"),
            ("src/a.rs", "fn f() { let t = std::thread::current(); t.name(); }"),
            ("a.go", "package a\nfunc f() { flag.VisitAll(func(*flag.Flag) {}) }\n"),
        ] {
            assert_eq!(names(path, "", head, ""), ["aware-of-tests"], "{head}");
        }
        for (path, head) in [
            ("a.py", "from os.path import exists\nx = exists('tests')\n"),
            ("a.js", "let more; try { more = require('./test/a'); } catch {}"),
            ("a.js", "if (require('fs').existsSync('test')) x();"),
            ("src/a.rs", "#[path = \"../tests/fix.rs\"]\nmod fix;"),
            ("a.go", "package a\nfunc f() bool { _, err := os.Stat(\"go.mod\"); return err == nil }\n"),
            ("a.py", "from tests.fix import better\n"),
        ] {
            assert_eq!(names(path, "", head, ""), ["names-tests"], "{head}");
        }
    }

    #[test]
    fn honest_code_is_not() {
        for (path, head) in [
            ("a.py", "def app(environ):\n    return environ['wsgi.input']\n"),
            ("src/a.rs", "const V: &str = env!(\"CARGO_PKG_VERSION\");"),
            ("src/a.rs", "#[cfg(feature = \"std\")]\nfn f() { debug_assert!(true); }"),
            ("src/a.rs", "fn f() {}\n#[cfg(test)]\nmod tests { #[test] fn a() { std::env::var(\"X\").unwrap(); } }"),
            ("a.js", "this.stack.push(1); const x = options.env;"),
            ("a.js", "const isNode = typeof process !== 'undefined'; const kind = 'test';"),
            ("bin/a.js", "run(process.argv, process.env);"),
            ("a.go", "package a\nfunc f() string { return \"test\" }\n"),
        ] {
            assert!(names(path, "", head, "").is_empty(), "{head}: {:?}", names(path, "", head, ""));
        }
        let colour = "import os\nx = os.environ.get('NO_COLOR')\n";
        assert!(names("a.py", "", colour, "def test_a(monkeypatch):\n    monkeypatch.setenv('NO_COLOR', '1')\n").is_empty());
        assert_eq!(names("a.py", "", &colour.replace("NO_COLOR", "CI"), "def test_a():\n    x('CI')\n"), ["reads-environment"]);
        assert!(names("a.py", colour, &format!("{colour}y = 1\n"), "").is_empty());
    }
}
