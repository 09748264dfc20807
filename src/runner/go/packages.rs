//! The packages of a Go module as they lie on disk: their import paths, and which file defines which test function.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use ignore::WalkBuilder;
use regex::Regex;

use super::super::places;
use super::super::session::Session;

/// A test file is never longer than this.
const LONGEST: u64 = 8 << 20;
/// Most folders of one module.
const MOST: usize = 20_000;

static FUNCTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^func\s+((?:Test|Example|Fuzz)\w*)\s*\(\s*(?:\w+\s+\*\s*testing\.([A-Z])\b)?")
        .expect("a constant pattern that the tests compile")
});

/// The packages of one module.
pub(super) struct Packages(Vec<Package>);

/// One package, with its external tests.
pub(super) struct Package {
    /// As it is imported.
    path: String,
    /// Below the suite's folder; empty for that folder itself.
    pub(super) dir: String,
    /// Function and file (relative to the root), in the order in which go runs them.
    tests: Vec<(String, String)>,
}

impl Packages {
    /// Reads the test files of the suite's module; nested modules are others.
    pub(super) fn of(session: &Session<'_>) -> Packages {
        let root = session.host_dir();
        let module = module(&root).unwrap_or_default();
        let mut packages = Vec::new();
        for dir in folders(&root) {
            let path = match (module.as_str(), dir.as_str()) {
                (module, "") => module.to_owned(),
                (module, dir) => format!("{module}/{dir}"),
            };
            let tests = tests(&root.join(&dir), &[session.suite.dir.as_str(), &dir]);
            packages.push(Package { path, dir, tests });
        }
        Packages(packages)
    }

    /// No module at all.
    #[cfg(test)]
    pub(super) fn none() -> Packages {
        Packages(Vec::new())
    }

    /// By its import path.
    pub(super) fn named(&self, path: &str) -> Option<&Package> {
        self.0.iter().find(|one| one.path == path)
    }

    /// The one that a file belongs to.
    pub(super) fn holding(&self, file: &str) -> Option<&Package> {
        self.0.iter().find(|one| one.tests.iter().any(|(_, own)| own == file)).or_else(|| {
            let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
            self.0.iter().find(|one| folder == one.dir || !one.dir.is_empty() && folder.ends_with(&format!("/{}", one.dir)))
        })
    }
}

impl Package {
    /// The file that defines a function, relative to the root.
    pub(super) fn file_of(&self, function: &str) -> Option<&str> {
        self.tests.iter().find(|(name, _)| name == function).map(|(_, file)| file.as_str())
    }

    /// The functions of a file.
    pub(super) fn functions_in(&self, file: &str) -> BTreeSet<String> {
        self.tests.iter().filter(|(_, own)| own == file).map(|(name, _)| name.clone()).collect()
    }

    /// All functions.
    pub(super) fn functions(&self) -> impl Iterator<Item = &str> {
        self.tests.iter().map(|(name, _)| name.as_str())
    }
}

/// The module's path, by its go.mod.
fn module(root: &Path) -> Option<String> {
    let text = places::read(&root.join("go.mod"), LONGEST).ok()?;
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().find_map(|line| line.trim().strip_prefix("module")).filter(|rest| rest.starts_with([' ', '\t', '"']))?;
    Some(line.split("//").next()?.trim().trim_matches('"').to_owned())
}

/// The folders that can be packages, relative to the module's.
fn folders(root: &Path) -> Vec<String> {
    let walk = WalkBuilder::new(root)
        .standard_filters(false)
        .sort_by_file_path(|a, b| a.cmp(b))
        .filter_entry(|entry| {
            let name = entry.file_name().to_string_lossy();
            let other = entry.depth() > 0
                && (name.starts_with(['.', '_'])
                    || ["testdata", "vendor", "node_modules"].contains(&name.as_ref())
                    || entry.path().join("go.mod").exists());
            entry.file_type().is_some_and(|kind| kind.is_dir()) && !other
        })
        .build();
    walk.flatten().filter_map(|entry| Some(entry.path().strip_prefix(root).ok()?.to_string_lossy().into_owned())).take(MOST).collect()
}

/// The test functions of a folder: of files by name, of each file from top to bottom.
fn tests(folder: &Path, parts: &[&str]) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name.ends_with("_test.go") && !name.starts_with(['.', '_']));
    names.sort();
    let mut tests = Vec::new();
    for name in names {
        let Ok(text) = places::read(&folder.join(&name), LONGEST) else { continue };
        let path = parts.iter().copied().chain([name.as_str()]).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
        tests.extend(functions(&String::from_utf8_lossy(&text)).into_iter().map(|function| (function, path.clone())));
    }
    tests
}

fn functions(text: &str) -> Vec<String> {
    let each = FUNCTION.captures_iter(text).filter(|found| found.get(2).is_none_or(|of| of.as_str() != "M"));
    each.map(|found| found[1].to_owned()).filter(|name| is_test_name(name)).collect()
}

/// `Testing` is no test, `TestIt`, `Test_it` and `Test` are.
fn is_test_name(name: &str) -> bool {
    let rest = ["Test", "Example", "Fuzz"].iter().find_map(|start| name.strip_prefix(start));
    rest.is_some_and(|rest| !rest.starts_with(char::is_lowercase))
}

#[cfg(test)]
mod trials {
    use super::*;

    #[test]
    fn functions_are_found_by_their_names_and_packages_by_their_folders() {
        let text = "func TestMain(m *testing.M) {}\nfunc TestA(t *testing.T) {}\nfunc Testing() {}\nfunc (s *S) TestB() {}\nfunc ExampleA() {}\nfunc Fuzz_x(f *testing.F) {}\n// func TestC(\n";
        assert_eq!(functions(text), ["TestA", "ExampleA", "Fuzz_x"]);
        let folder = tempfile::tempdir().unwrap();
        crate::runner::trial::write(
            folder.path(),
            &[
                ("go.mod", "// x\nmodule example.com/a/v2 // y\n"),
                ("sub/x_test.go", "func TestX(t *testing.T) {}"),
                ("other/go.mod", "module b"),
                ("testdata/x_test.go", "func TestY(t *testing.T) {}"),
            ],
        );
        assert_eq!(module(folder.path()).unwrap(), "example.com/a/v2");
        assert_eq!(folders(folder.path()), ["", "sub"]);
        assert_eq!(tests(&folder.path().join("sub"), &["m", "sub"]), [("TestX".to_owned(), "m/sub/x_test.go".to_owned())]);
    }
}
