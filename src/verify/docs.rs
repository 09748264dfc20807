//! Patches that change no behaviour: documentation files, and code whose syntax is the same without comments, layout
//! and docstrings. Pure; that the suite still passes is shown by running it.

use super::split::{Side, Split};
use super::syntax::{Language, tokens};
use super::unread::shell;

/// Whether nothing but documentation, comments or formatting changed.
pub fn only_docs(split: &Split) -> bool {
    !split.files.is_empty()
        && split.files.iter().all(|file| match (file.side, &file.base, &file.head) {
            (Side::Support, _, _) => false,
            _ if is_documentation(&file.path) => true,
            (_, Some(base), Some(head)) => same_code(&file.path, base, head),
            _ => false,
        })
}

/// Whether people read this file and no program does, by its name.
pub fn is_documentation(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let lower = name.to_ascii_lowercase();
    let stem = lower.split('.').next().unwrap_or_default();
    let named = [
        "readme",
        "changelog",
        "changes",
        "history",
        "news",
        "license",
        "licence",
        "authors",
        "contributors",
        "contributing",
        "security",
        "code_of_conduct",
        "copying",
        "notice",
    ];
    let ends = [".md", ".markdown", ".rst", ".adoc"].iter().any(|ending| lower.ends_with(ending));
    let plain = lower.ends_with(".txt") || !lower.contains('.');
    let in_docs = folder.split('/').any(|part| matches!(part, "docs" | "doc"));
    let image = [".png", ".svg", ".jpg", ".jpeg", ".gif"].iter().any(|ending| lower.ends_with(ending));
    ends || plain && named.contains(&stem) || in_docs && (lower.ends_with(".txt") || image)
}

fn same_code(path: &str, base: &str, head: &str) -> bool {
    let Some(language) = Language::of(path) else {
        let code = |text| shell::is_script(path, text).then(|| shell::without_comments(text)).flatten();
        return code(base).is_some_and(|before| code(head) == Some(before));
    };
    // A comment can switch a tool or a runner (`// @ts-expect-error`, `# type:`): those are no tokens and no behaviour,
    // but a shebang or an encoding line is.
    let first = |text: &str| text.lines().next().filter(|line| line.starts_with("#!") || line.contains("coding")).map(str::to_owned);
    // In Go the comment above this import is a program in C.
    let embeds = |text: &str| language == Language::Go && text.contains("import \"C\"");
    let words = |text: &str| tokens(language, text).map(|words| without_last_commas(language, words));
    first(base) == first(head) && !embeds(head) && words(base).is_some_and(|before| words(head) == Some(before))
}

/// Without the comma that formatters put before a closing bracket, where it means nothing: not after the only member of
/// a pair of brackets, which makes a tuple of it, and not in Rust, whose macros may tell.
fn without_last_commas(language: Language, words: Vec<String>) -> Vec<String> {
    if language == Language::Rust {
        return words;
    }
    let mut kept: Vec<String> = Vec::with_capacity(words.len());
    // How many commas each open bracket has seen.
    let mut open: Vec<usize> = Vec::new();
    for word in words {
        match word.as_str() {
            "(" | "[" | "{" => open.push(0),
            "," => open.last_mut().into_iter().for_each(|count| *count += 1),
            ")" | "]" | "}" => {
                let commas = open.pop().unwrap_or_default();
                let member = kept.len().checked_sub(2).is_some_and(|at| !matches!(kept[at].as_str(), "," | "(" | "[" | "{"));
                if commas > 1 && member && kept.last().is_some_and(|last| last == ",") {
                    kept.pop();
                }
            }
            _ => {}
        }
        kept.push(word);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_comma_of_a_list_is_formatting_and_that_of_a_tuple_is_not() {
        assert!(same_code("a.py", "x = [(1, 2), (3, 4)]\n", "x = [\n    (1, 2),\n    (3, 4),\n]\n"));
        assert!(same_code("a.js", "f(1, 2);\n", "f(\n  1,\n  2,\n);\n"));
        assert!(!same_code("a.py", "x = (1)\n", "x = (1,)\n"));
        assert!(!same_code("a.js", "x = [1, , 2];\n", "x = [1, , 2, ,];\n"));
    }

    #[test]
    fn documentation_is_told_by_its_name() {
        for yes in ["README.md", "docs/a.rst", "CHANGELOG", "docs/x.txt", "LICENSE.txt", "docs/img/a.png", "CHANGES.rst"] {
            assert!(is_documentation(yes), "{yes}");
        }
        for no in ["requirements.txt", "data/words.txt", "src/lib.rs", "docs/conf.py", "Makefile", "src/logo.png"] {
            assert!(!is_documentation(no), "{no}");
        }
    }

    #[test]
    fn code_is_the_same_when_only_comments_and_layout_differ() {
        assert!(same_code("a.rs", "// a\nfn f() { 1 }", "/// b\nfn f() {\n    1\n}"));
        assert!(same_code("a.py", "def f():\n    return 1\n", "def f():\n    \"\"\"New.\"\"\"\n    return 1  # one\n"));
        assert!(!same_code("a.py", "def f():\n    return 1\n", "def f():\n    return 2\n"));
        assert!(!same_code("a.rs", "fn f() { \"a\" }", "fn f() { \"a \" }"));
        assert!(!same_code("a.rs", "fn f() {", "fn f() { "), "what does not parse is not judged");
        assert!(same_code("a.go", "package a // x\n", "package a\n"));
        assert!(!same_code("a.go", "package a\n", "//go:build x\n\npackage a\n"));
        assert!(!same_code("a.go", "// 1\nimport \"C\"\n", "// 2\nimport \"C\"\n"));
        assert!(!same_code("a.toml", "a = 1", "a = 1 # x"));
    }
}
