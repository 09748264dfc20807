//! Which side of the proof a path belongs to, by the conventions of each language and the maintainers' own folders.
//! Content is not looked at here; `split` does that for files that hold both.

use super::syntax::Language;

const TEST_FOLDERS: [&str; 21] = [
    "test",
    "tests",
    "__tests__",
    "__test__",
    "spec",
    "specs",
    "e2e",
    "testdata",
    "test_data",
    "test-data",
    "test-d",
    "test_fixtures",
    "fixtures",
    "__fixtures__",
    "__snapshots__",
    "snapshots",
    "__mocks__",
    "testing",
    "unittests",
    "testsuite",
    "cypress",
];

/// Whether a path holds tests or what only tests use.
pub fn is_test_path(path: &str, own_folders: &[String]) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let own = own_folders
        .iter()
        .map(|one| one.trim_matches('/'))
        .any(|one| !one.is_empty() && (path == one || path.strip_prefix(one).is_some_and(|rest| rest.starts_with('/'))));
    // Perl keeps its tests, and what only they use, in `t`.
    let of_perl = folder.split('/').any(|part| matches!(part, "t" | "xt")) && (folder.starts_with('t') || name.ends_with(".t"));
    own || of_perl || folder.split('/').any(|part| TEST_FOLDERS.contains(&part)) || is_test_name(name) || is_support(path)
}

/// Whether a file's name alone says that it holds tests.
pub fn is_test_name(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    match Language::of(name) {
        Some(Language::Rust) => {
            stem.ends_with("_test") || stem.ends_with("_tests") || stem.starts_with("test_") || matches!(stem, "tests" | "test")
        }
        Some(Language::Python) => stem.starts_with("test_") || stem.ends_with("_test") || matches!(stem, "tests" | "test"),
        Some(Language::Php) => ["Test", "Tests", "TestCase"].iter().any(|end| stem.ends_with(end)),
        Some(Language::Ruby) => stem.starts_with("test_") || stem.ends_with("_test") || stem.ends_with("_spec"),
        Some(Language::Perl) => name.ends_with(".t"),
        Some(Language::Go) => name.ends_with("_test.go"),
        Some(Language::Java) => {
            ["Test", "Tests", "TestCase", "IT"].iter().any(|end| stem.ends_with(end))
                || stem.strip_prefix("Test").is_some_and(|rest| rest.starts_with(char::is_uppercase))
        }
        Some(_) => {
            let middle: Vec<&str> = name.split('.').skip(1).collect();
            let by_ending = middle.iter().any(|part| matches!(*part, "test" | "tests" | "spec" | "test-d"));
            by_ending || matches!(stem, "test" | "tests") || stem.ends_with("-test") || stem.ends_with("_test") || stem.starts_with("test-")
        }
        None => {
            let ends = [".snap", "_spec.rb", "_test.rb", "Test.kt", "Test.php", ".t"];
            ends.iter().any(|end| name.ends_with(end))
        }
    }
}

/// Whether a file is code, in a language that is read as a tree or in another one.
pub fn is_code(path: &str) -> bool {
    const OTHERS: [&str; 18] = [
        ".go", ".rb", ".java", ".kt", ".php", ".t", ".sh", ".c", ".cc", ".cpp", ".cs", ".pl", ".vue", ".svelte", ".swift", ".scala", ".ex",
        ".exs",
    ];
    Language::of(path).is_some() || OTHERS.iter().any(|ending| path.ends_with(ending))
}

/// Files that tests stand on without being tests: fixtures, set-up, snapshots, data.
pub fn is_support(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let data =
        ["testdata", "test_data", "test-data", "fixtures", "__fixtures__", "test_fixtures", "__snapshots__", "snapshots", "__mocks__"];
    let stem = name.split('.').next().unwrap_or_default();
    let set_up = name == "conftest.py"
        || Language::of(name).is_some_and(Language::is_script)
            && matches!(stem, "setupTests" | "setup-tests" | "jest-setup" | "vitest-setup" | "testSetup" | "test-setup")
        || (name.starts_with("jest.setup.") || name.starts_with("vitest.setup."));
    let part = |name: &str| folder.split('/').any(|part| part == name);
    let of_scripts = matches!(name, "spec_helper.rb" | "rails_helper.rb" | "test_helper.rb" | "minitest_helper.rb" | "bootstrap.php")
        || name.ends_with(".rb") && part("support") && (part("spec") || part("test"))
        || name.ends_with(".pm") && (part("t") || part("xt"));
    set_up || of_scripts || name.ends_with(".snap") || folder.split('/').any(|part| data.contains(&part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_test_paths_are_known() {
        for yes in [
            "tests/a.rs",
            "src/parser/tests.rs",
            "src/parser/tests/deep.rs",
            "crates/x/tests/string.rs",
            "tests/test_a.py",
            "pkg/test_a.py",
            "conftest.py",
            "a.test.ts",
            "src/a.spec.jsx",
            "test/parse.js",
            "test.js",
            "src/__tests__/a.js",
            "tests/fixtures/toc.txt",
            "src/__snapshots__/a.snap",
            "a/b_test.go",
            "index.test-d.ts",
            "test-d/return/result.ts",
            "src/test/java/shop/Helper.java",
            "shop/PriceTest.java",
            "shop/TestPrice.java",
            "jest.setup.js",
            "tests/CalcTest.php",
            "src/CalcTest.php",
            "spec/calc_spec.rb",
            "lib/calc_test.rb",
            "t/basic.t",
            "t/lib/Mock.pm",
            "own/dir/a.py",
        ] {
            assert!(is_test_path(yes, &["own/dir/".into()]), "{yes}");
        }
        for no in [
            "src/lib.rs",
            "src/contest.py",
            "src/latest.js",
            "lib/parse.js",
            "README.md",
            "Cargo.toml",
            "owner/dir.py",
            "src/attest.rs",
            "src/testify.py",
            "src/Latest.php",
            "lib/attest.rb",
            "lib/T/Calc.pm",
            "a/test.go",
            "src/main/java/shop/Tester.java",
        ] {
            assert!(!is_test_path(no, &["own/dir/".into()]), "{no}");
        }
    }

    #[test]
    fn support_is_told_from_tests() {
        assert!(is_support("tests/conftest.py") && is_support("tests/fixtures/a.json") && is_support("src/setupTests.ts"));
        assert!(!is_support("tests/test_a.py") && !is_support("tests/helpers.js"));
    }
}
