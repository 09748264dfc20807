//! Splits a patch into source and tests and builds the two mixed trees of the proof: by path, and for files that hold
//! both, by syntax. Which tests changed inside is `identify`'s work.

use super::doctests::Examples;
use super::go;
use super::inline;
use super::paths::{is_code, is_support, is_test_path};
use super::syntax::Language;
use crate::error::Result;
use crate::task::TreeId;
use crate::workspace::{Cache, Change, Patch};

/// Larger files are never read as text.
const LARGEST: usize = 2 * 1024 * 1024;

/// On which side of the proof one file of the patch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What is tested.
    Source,
    /// Tests.
    Test,
    /// What only tests stand on: fixtures, set-up, snapshots, data.
    Support,
    /// Source with tests inside, and the tests are part of the change.
    Mixed,
}

/// One file of the patch with both its versions.
#[derive(Debug, Clone)]
pub struct Sided {
    /// Its path.
    pub path: String,
    /// Where it stands.
    pub side: Side,
    /// Its text before; none when it was not there, or is no text.
    pub base: Option<String>,
    /// Its text after.
    pub head: Option<String>,
    /// Whether the base tree has it.
    pub existed: bool,
    /// Its bytes and mode in the head tree; none when it is gone.
    content: Option<(Vec<u8>, u32)>,
}

/// A patch in two halves.
#[derive(Debug, Clone)]
pub struct Split {
    /// Every file of the patch; a moved one is two.
    pub files: Vec<Sided>,
    /// Base source, head tests.
    pub must_fail: TreeId,
    /// Head source, base tests.
    pub regression: TreeId,
    /// What could not be split, in sentences.
    pub notes: Vec<String>,
}

/// How files that hold source and tests are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inline {
    /// By the syntax tree.
    BySyntax,
    /// Whole, as source: what is done when the split does not build.
    AsSource,
}

impl Split {
    /// Splits `patch`; `own_folders` are the maintainers' `test.paths`.
    pub fn of(cache: &Cache, patch: &Patch, own_folders: &[String], inline: Inline, examples: Examples) -> Result<Split> {
        let mut files = Vec::new();
        for change in &patch.files {
            if let Change::Renamed(from) = &change.change {
                files.push(sided(cache, patch, from, 0, own_folders, examples)?);
            }
            files.push(sided(cache, patch, &change.path, change.mode, own_folders, examples)?);
        }
        let mut notes = Vec::new();
        if inline == Inline::AsSource {
            for file in files.iter_mut().filter(|file| file.side == Side::Mixed) {
                file.side = Side::Source;
                notes.push(format!(
                    "The tests inside {} could not be built or loaded beside the old source; the file counts as source.",
                    file.path
                ));
            }
        }
        let (tests, source) = halves(&mut files, &mut notes);
        let must_fail = cache.overlay(&patch.base_tree, &tests)?;
        let regression = cache.overlay(&patch.base_tree, &source)?;
        Ok(Split { files, must_fail, regression, notes })
    }

    /// Files on the test side, with those that hold both.
    pub fn test_side(&self) -> impl Iterator<Item = &Sided> {
        self.files.iter().filter(|file| file.side != Side::Source)
    }

    /// Files on the source side, with those that hold both.
    pub fn source_side(&self) -> impl Iterator<Item = &Sided> {
        self.files.iter().filter(|file| file.changes_source())
    }

    /// Whether a support file is among them.
    pub fn touches_support(&self) -> bool {
        self.files.iter().any(|file| file.side == Side::Support)
    }

    /// Whether a test or support file of the base tree is no longer the same: then the old tests must be run apart.
    pub fn touches_old_tests(&self) -> bool {
        self.test_side().any(|file| match file.side {
            Side::Mixed => file.inline_tests(file.base.as_deref()).is_some_and(|text| !text.is_empty()),
            // A new file may decide what the old tests beside it do.
            _ => file.existed || file.head.as_deref().is_some_and(|text| go::reaches_others(&file.path, text)),
        })
    }
}

#[cfg(test)]
impl Split {
    /// Of these files, for tests of what reads them.
    pub(super) fn for_trial(files: Vec<Sided>) -> Split {
        let tree: TreeId = "a".repeat(40).parse().expect("a tree");
        Split { files, must_fail: tree.clone(), regression: tree, notes: Vec::new() }
    }
}

impl Sided {
    /// A file of these texts, for tests of what reads them.
    #[cfg(test)]
    pub(super) fn for_trial(path: &str, side: Side, base: Option<&str>, head: Option<&str>) -> Sided {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let content = head.map(|text| (text.as_bytes().to_vec(), 0o100_644));
        Sided { path: path.into(), side, base: owned(base), head: owned(head), existed: base.is_some(), content }
    }

    /// Its mode in the head tree; that of a plain file when it is gone.
    pub fn mode(&self) -> u32 {
        self.content.as_ref().map_or(0o100_644, |(_, mode)| *mode)
    }

    /// The tests inside one version of it; none when they cannot be told.
    pub fn inline_tests(&self, text: Option<&str>) -> Option<String> {
        inline::tests_text(Language::of(&self.path)?, text?)
    }

    /// Whether what is tested differs.
    pub fn changes_source(&self) -> bool {
        match self.side {
            Side::Source => true,
            Side::Test | Side::Support => false,
            Side::Mixed => {
                let source = |text: &Option<String>| {
                    let language = Language::of(&self.path)?;
                    inline::source_text(language, text.as_deref()?)
                };
                let (base, head) = (source(&self.base).unwrap_or_default(), source(&self.head).unwrap_or_default());
                base.split_whitespace().ne(head.split_whitespace())
            }
        }
    }
}

type Overlay = Vec<(String, Option<(Vec<u8>, u32)>)>;

fn sided(cache: &Cache, patch: &Patch, path: &str, mode: u32, own_folders: &[String], examples: Examples) -> Result<Sided> {
    let before = cache.blob(&patch.base_tree, path)?;
    let after = cache.blob(&patch.head_tree, path)?;
    let existed = before.is_some();
    let text = |bytes: Option<&Vec<u8>>| bytes.filter(|b| b.len() <= LARGEST).and_then(|b| String::from_utf8(b.clone()).ok());
    let (base, head) = (text(before.as_ref()), text(after.as_ref()));
    let side = side(path, base.as_deref(), head.as_deref(), own_folders, examples);
    let mode = if mode == 0 { 0o100_644 } else { mode };
    Ok(Sided { path: path.to_owned(), side, base, head, existed, content: after.map(|bytes| (bytes, mode)) })
}

fn side(path: &str, base: Option<&str>, head: Option<&str>, own_folders: &[String], examples: Examples) -> Side {
    if is_test_path(path, own_folders) {
        return if is_support(path) || !is_code(path) { Side::Support } else { Side::Test };
    }
    let holds = |language: Language| match language {
        Language::Python => examples == Examples::AreTests,
        other => inline::holds_tests(other),
    };
    if let Some(language) = Language::of(path).filter(|language| holds(*language)) {
        let tests = |text: Option<&str>| text.and_then(|text| inline::tests_text(language, text)).unwrap_or_default();
        let (before, after) = (tests(base), tests(head));
        if before != after {
            return Side::Mixed;
        }
    }
    Side::Source
}

/// What to lay over the base tree for its tests, and what for its source.
fn halves(files: &mut [Sided], notes: &mut Vec<String>) -> (Overlay, Overlay) {
    let (mut tests, mut source) = (Overlay::new(), Overlay::new());
    for file in files {
        let own = (file.path.clone(), file.content.clone());
        match file.side {
            Side::Source => source.push(own),
            Side::Test | Side::Support => tests.push(own),
            Side::Mixed => {
                let mode = file.content.as_ref().map_or(0o100_644, |(_, mode)| *mode);
                let (base, head) = (file.base.as_deref().unwrap_or_default(), file.head.as_deref().unwrap_or_default());
                // A new file has no old source to put its tests beside: alone they would not build, and there is no
                // module that names them. They stand with the source and prove through the hollow run of their names.
                let put = |source: &str, tests: &str| inline::splice(Language::of(&file.path)?, source, tests);
                match (put(base, head), put(head, base)) {
                    (Some(old_source), Some(old_tests)) if file.existed && file.content.is_some() => {
                        tests.push((file.path.clone(), Some((old_source.into_bytes(), mode))));
                        source.push((file.path.clone(), Some((old_tests.into_bytes(), mode))));
                    }
                    (Some(old_source), _) if file.content.is_some() => {
                        tests.push((file.path.clone(), Some((old_source.into_bytes(), mode))));
                        source.push(own);
                    }
                    _ => {
                        file.side = Side::Source;
                        if file.existed && file.content.is_some() {
                            notes.push(format!(
                                "The tests inside {} could not be told from its source; the file counts as source.",
                                file.path
                            ));
                        }
                        source.push(own);
                    }
                }
            }
        }
    }
    (tests, source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, base: Option<&str>, head: Option<&str>) -> Sided {
        Sided {
            path: path.into(),
            side: side(path, base, head, &[], Examples::AreTests),
            base: base.map(str::to_owned),
            head: head.map(str::to_owned),
            existed: base.is_some(),
            content: head.map(|text| (text.as_bytes().to_vec(), 0o100_644)),
        }
    }

    #[test]
    fn a_rust_file_is_mixed_only_when_its_tests_changed() {
        let tests = "#[cfg(test)]\nmod tests { #[test] fn a() { assert!(f()); } }\n";
        let base = format!("fn f() -> bool {{ false }}\n{tests}");
        let head = format!("fn f() -> bool {{ true }}\n{tests}");
        assert_eq!(file("src/a.rs", Some(&base), Some(&head)).side, Side::Source);
        let more = head.replace("assert!(f());", "assert!(f()); assert!(!f());");
        let mixed = file("src/a.rs", Some(&head), Some(&more));
        assert_eq!(mixed.side, Side::Mixed);
        assert!(!mixed.changes_source(), "only the tests differ");
        assert!(file("src/a.rs", Some(&base), Some(&more)).changes_source());
    }

    #[test]
    fn each_half_carries_its_own_side() {
        let base = "fn f() -> u8 { 0 }\n#[cfg(test)]\nmod tests { #[test] fn a() {} }\n";
        let head = "fn f() -> u8 { 1 }\n#[cfg(test)]\nmod tests { #[test] fn b() {} }\n";
        let mut files = vec![
            file("src/a.rs", Some(base), Some(head)),
            file("tests/t.rs", None, Some("#[test] fn t() {}")),
            file("README.md", Some("a"), Some("b")),
            file("tests/old.rs", Some("#[test] fn o() {}"), None),
        ];
        let (tests, source) = halves(&mut files, &mut Vec::new());
        let names = |overlay: &Overlay| overlay.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
        assert_eq!(names(&tests), ["src/a.rs", "tests/t.rs", "tests/old.rs"]);
        assert_eq!(names(&source), ["src/a.rs", "README.md"]);
        let text = |overlay: &Overlay| String::from_utf8(overlay[0].1.clone().unwrap().0).unwrap();
        assert!(text(&tests).contains("u8 { 0 }") && text(&tests).contains("fn b()"));
        assert!(text(&source).contains("u8 { 1 }") && text(&source).contains("fn a()"));
        assert_eq!(tests[2].1, None, "a deleted test is deleted on the test side");
    }

    #[test]
    fn a_python_file_is_mixed_when_its_examples_changed_and_are_run() {
        let base = "def f():\n    \"\"\"\n    >>> f()\n    0\n    \"\"\"\n    return 0\n";
        let head = base.replace('0', "1");
        assert_eq!(file("pkg/a.py", Some(base), Some(&head)).side, Side::Mixed);
        assert_eq!(file("pkg/a.py", Some(base), Some(&base.replace("return 0", "return 1"))).side, Side::Source);
        assert_eq!(side("pkg/a.py", Some(base), Some(&head), &[], Examples::AreText), Side::Source);
        assert!(file("pkg/a.py", Some(base), Some(&head)).changes_source());
        assert!(!file("pkg/a.py", Some(base), Some(&base.replace("    0\n", "    1\n"))).changes_source());
    }

    #[test]
    fn data_of_tests_is_support() {
        assert_eq!(file("tests/fixtures/a.txt", None, Some("x")).side, Side::Support);
        assert_eq!(file("tests/data.json", None, Some("x")).side, Side::Support);
        assert_eq!(file("tests/conftest.py", None, Some("x")).side, Side::Support);
        assert_eq!(file("tests/test_a.py", None, Some("x")).side, Side::Test);
    }
}
