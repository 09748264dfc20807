//! Which programs the model is told of: those of the languages the repository is written in, as far as its children find them.

use std::collections::BTreeMap;
use std::path::Path;

use super::Assignment;
use crate::runner::Program;

/// A language: the extensions of its files, and the programs that its people use.
struct Language {
    extensions: &'static [&'static str],
    programs: &'static [&'static str],
}

const RUST: Language = Language { extensions: &["rs"], programs: &["cargo", "cargo-clippy", "rustfmt"] };
const PYTHON: Language =
    Language { extensions: &["py", "pyi"], programs: &["python", "pytest", "ruff", "black", "flake8", "mypy", "pyright"] };
const SCRIPT: Language = Language {
    extensions: &["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "vue"],
    programs: &["node", "npm", "pnpm", "yarn", "eslint", "prettier", "tsc"],
};
const GO: Language = Language { extensions: &["go"], programs: &["go", "gofmt"] };
const JAVA: Language = Language { extensions: &["java", "kt", "kts"], programs: &["java", "mvn", "gradle"] };
const PHP: Language = Language { extensions: &["php"], programs: &["php", "phpunit", "composer", "phpstan"] };
const RUBY: Language = Language { extensions: &["rb"], programs: &["ruby", "rspec", "rake", "bundle", "rubocop"] };
const PERL: Language = Language { extensions: &["pl", "pm", "t"], programs: &["perl", "prove", "perltidy"] };
const LANGUAGES: [Language; 9] = [
    RUST,
    PYTHON,
    SCRIPT,
    PHP,
    RUBY,
    PERL,
    GO,
    Language { extensions: &["c", "h", "cc", "cpp", "hpp", "cxx"], programs: &["gcc", "g++", "clang", "cmake"] },
    JAVA,
];
/// Whatever the language.
const ALWAYS: [&str; 3] = ["git", "rg", "make"];
/// A language with less than this share of the code (one in so many files) is not the repository's own.
const SHARE: usize = 8;

/// The programs that are there, those of the suites' languages first; each as it is called.
pub(super) fn present(assignment: &Assignment<'_>, extensions: &BTreeMap<String, usize>) -> Vec<String> {
    let programs = assignment.bench.suites.iter().map(|suite| suite.program);
    wanted(&programs.collect::<Vec<_>>(), extensions).into_iter().filter_map(|program| called(assignment, program)).collect()
}

fn wanted(suites: &[Program], extensions: &BTreeMap<String, usize>) -> Vec<&'static str> {
    let count = |language: &Language| language.extensions.iter().filter_map(|one| extensions.get(*one)).sum::<usize>();
    let all: usize = LANGUAGES.iter().map(count).sum();
    let tested = |language: &Language| suites.iter().any(|program| own(*program).is_some_and(|own| own.extensions == language.extensions));
    let mut languages: Vec<&Language> =
        LANGUAGES.iter().filter(|language| tested(language) || count(language) * SHARE >= all.max(1)).collect();
    languages.sort_by_key(|language| (!tested(language), std::cmp::Reverse(count(language))));
    languages.iter().flat_map(|language| language.programs).copied().chain(ALWAYS).collect()
}

/// The language that a runner is for; reports of foreign runners may be about any.
fn own(program: Program) -> Option<Language> {
    match program {
        Program::Cargo | Program::Nextest => Some(RUST),
        Program::Pytest | Program::Unittest => Some(PYTHON),
        Program::Jest | Program::Vitest | Program::Mocha | Program::Ava | Program::NodeTest => Some(SCRIPT),
        Program::Go => Some(GO),
        Program::Maven | Program::Gradle => Some(JAVA),
        Program::Phpunit => Some(PHP),
        Program::Rspec | Program::Minitest => Some(RUBY),
        Program::Prove => Some(PERL),
        Program::Tap | Program::Junit => None,
    }
}

/// How a program is called, if children find it: in the sandbox's PATH, in the environment that setup made, by npx.
fn called(assignment: &Assignment<'_>, program: &str) -> Option<String> {
    let tree = assignment.tree;
    let host = |inside: &Path| {
        let shared = tree.shared.iter().find_map(|one| Some(one.host.join(inside.strip_prefix(&one.inside).ok()?)));
        shared.or_else(|| Some(tree.host.join(inside.strip_prefix(&tree.point).ok()?)))
    };
    let holds = |folder: &Path| host(&folder.join(program)).is_some_and(|file| file.symlink_metadata().is_ok());
    let path = tree.env.get("PATH").map(String::as_str).unwrap_or_default();
    if assignment.sandbox.which(program).is_some() || path.split(':').any(|folder| holds(Path::new(folder))) {
        return Some(program.to_owned());
    }
    holds(&tree.point.join("node_modules/.bin")).then(|| format!("npx {program}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_of_the_repositorys_languages_and_no_others() {
        let of = |counts: &[(&str, usize)]| counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect::<BTreeMap<_, _>>();
        let python = wanted(&[Program::Pytest], &of(&[("py", 40), ("js", 2), ("rst", 90)]));
        assert!(python.starts_with(&["python", "pytest"]) && python.ends_with(&ALWAYS), "{python:?}");
        assert!(!python.iter().any(|one| ["java", "node", "cargo"].contains(one)), "{python:?}");
        let mixed = wanted(&[Program::Vitest], &of(&[("rs", 60), ("ts", 40)]));
        assert_eq!((mixed[0], mixed.contains(&"cargo")), ("node", true), "{mixed:?}");
        assert_eq!(wanted(&[], &BTreeMap::new()), ALWAYS);
    }
}
