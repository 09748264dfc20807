//! Source that names the tests or the manifests of its own repository: what users install has none of them. Pure.

use std::collections::BTreeSet;

use super::super::Question;
use super::super::facts::some_of;
use super::super::paths::is_test_path;
use super::super::split::Sided;
use super::super::syntax::Language;
use super::patterns::unquoted;

/// Files that stand at the root of a repository.
const MANIFESTS: [&str; 11] = [
    "package.json",
    "Cargo.toml",
    "go.mod",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "tox.ini",
    "Makefile",
    "composer.json",
    "pom.xml",
    ".git",
];
/// Words that look for a file, or load it.
const LOOKS: [&str; 26] = [
    "exists",
    "existsSync",
    "isfile",
    "isdir",
    "is_file",
    "is_dir",
    "stat",
    "statSync",
    "Stat",
    "lstat",
    "Lstat",
    "access",
    "accessSync",
    "listdir",
    "scandir",
    "glob",
    "Path",
    "readdirSync",
    "ReadDir",
    "read_dir",
    "open",
    "Open",
    "readFileSync",
    "ReadFile",
    "require",
    "include_str",
];

/// At most one question for a file; `paths` are the files of the base tree.
pub fn look(file: &Sided, base: &[String], head: &[String], paths: &BTreeSet<String>) -> Option<Question> {
    let language = Language::of(&file.path)?;
    let first_folders = paths.iter().filter_map(|path| Some(path.split_once('/')?.0));
    let folders: BTreeSet<&str> = first_folders.filter(|folder| is_test_path(&format!("{folder}/any"), &[])).collect();
    let before: BTreeSet<&String> = base.iter().collect();
    let more = |names: &[&str]| {
        let count = |words: &[String]| words.iter().filter(|word| names.contains(&word.as_str())).count();
        count(head) > count(base)
    };
    let looks = more(&LOOKS);
    let names_tests = |text: &str| {
        let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect();
        let first = parts.first().copied().unwrap_or_default();
        let inside = parts.len() > 1
            && folders.contains(first)
            && (text.starts_with('.') || paths.iter().any(|path| path.starts_with(&format!("{first}/{}", parts[1]))));
        inside
            || looks
                && (parts.len() == 1 && (folders.contains(first) || MANIFESTS.contains(&first))
                    || paths.contains(text) && is_test_path(text, &[]))
    };
    let is_string = |word: &String| word.starts_with(['"', '\'', '`']);
    let mut found: Vec<&str> = head
        .iter()
        .filter(|word| is_string(word) && !before.contains(word))
        .map(|word| unquoted(word))
        .filter(|text| names_tests(text))
        .collect();
    if language == Language::Python {
        // `from tests.fix import better`
        let imports = |words: &[String]| -> BTreeSet<String> {
            let pairs = words.windows(2).filter(|two| matches!(two[0].as_str(), "from" | "import"));
            pairs.map(|two| two[1].clone()).filter(|name| folders.contains(name.as_str())).collect()
        };
        let new = imports(head);
        found.extend(folders.iter().filter(|name| new.contains(**name) && !imports(base).contains(**name)));
    }
    (!found.is_empty()).then(|| Question {
        name: "names-tests".into(),
        text: format!(
            "{} now looks for {}, which the repository has and its users may not. Does it do the same without?",
            file.path,
            some_of(found.iter().copied())
        ),
        lines: String::new(),
    })
}
