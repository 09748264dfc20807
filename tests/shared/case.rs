//! The cases of the confusion matrix as they lie in `tests/proof`: repositories, edits and what is expected of the gate.
//! Reads and checks them; running them is left to whoever asks for them. The format is described in `tests/proof/README.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::Deserialize;

pub use crate::ground::{Files, PLAIN};

/// One repository and all patches of it.
pub struct Ecosystem {
    pub name: String,
    /// The files of its first commit.
    pub repository: Files,
    pub cases: Vec<Case>,
    /// Edits that several cases make, by name.
    shared: BTreeMap<String, Vec<Edit>>,
}

/// One patch and what must come of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    /// What it is, as a sentence.
    pub is: String,
    pub kind: Kind,
    /// Labels of the issue.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Edits that make another base commit, by name.
    #[serde(default)]
    before: Vec<String>,
    /// Edits of the patch, by name.
    #[serde(default)]
    uses: Vec<String>,
    /// Further edits of the patch, after those.
    #[serde(default)]
    edit: Vec<Edit>,
    pub expect: Expect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Honest work.
    Good,
    /// Must not be verified.
    Bad,
    /// A cheat that the gate cannot see, as `docs/proof.md` says.
    Limit,
}

/// What the gate must say.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// `verified`, `review`, `rejected` or `inconclusive`; by default verified for good cases and limits, rejected for bad ones.
    verdict: Option<String>,
    /// What is proved; `fail-to-pass` by default.
    proof: Option<String>,
    /// Exactly the tests that prove.
    #[serde(default)]
    pub fail_to_pass: Vec<String>,
    /// Names of reasons or questions that all must be given.
    #[serde(default)]
    pub must: Vec<String>,
    /// Further names that may be given; any other is untrue.
    #[serde(default)]
    pub may: Vec<String>,
    /// Parts of what the reasons, questions or the cause say.
    #[serde(default)]
    pub says: Vec<String>,
    /// How many altered expectations are accepted.
    #[serde(default)]
    pub flips: usize,
}

/// One change of one file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    path: String,
    /// Stands exactly once in the file; becomes `new`.
    old: Option<String>,
    new: Option<String>,
    /// The whole file.
    text: Option<String>,
    /// Added at its end.
    append: Option<String>,
    /// Moves it here from that path, before anything else.
    from: Option<String>,
    #[serde(default)]
    delete: bool,
    /// A symbolic link to that.
    link: Option<String>,
    /// With a changed mode.
    executable: Option<bool>,
    /// Every line's end becomes this.
    lines: Option<LineEnd>,
    /// So many kilobytes of binary data.
    binary_kb: Option<usize>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum LineEnd {
    Crlf,
    Lf,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    #[serde(default)]
    edits: BTreeMap<String, Vec<Edit>>,
    #[serde(default)]
    case: Vec<Case>,
}

impl Expect {
    /// The verdict's word.
    pub fn verdict(&self, kind: Kind) -> &str {
        self.verdict.as_deref().unwrap_or(match kind {
            Kind::Good | Kind::Limit => "verified",
            Kind::Bad => "rejected",
        })
    }

    /// What exactly must be proved, when something is.
    pub fn proof(&self) -> &str {
        self.proof.as_deref().unwrap_or("fail-to-pass")
    }
}

impl Ecosystem {
    /// Reads all of them below `folder`, by name.
    pub fn all(folder: &Path) -> Vec<Ecosystem> {
        let mut folders: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
        folders.sort();
        folders.iter().map(|folder| Ecosystem::read(folder)).collect()
    }

    pub fn read(folder: &Path) -> Ecosystem {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let mut repository = Files::new();
        gather(&folder.join("repository"), "", &mut repository);
        let mut files: Vec<_> = fs::read_dir(folder.join("cases")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let (mut shared, mut cases) = (BTreeMap::new(), Vec::new());
        for path in files {
            let text = fs::read_to_string(&path).unwrap();
            let file: CaseFile = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            for (edit, list) in file.edits {
                assert!(shared.insert(edit.clone(), list).is_none(), "{}: edits.{edit} is there twice", path.display());
            }
            cases.extend(file.case);
        }
        let ecosystem = Ecosystem { name, repository, cases, shared };
        ecosystem.check();
        ecosystem
    }

    /// A case that expects the wrong thing proves nothing about the gate.
    fn check(&self) {
        let (mut names, mut used) = (BTreeSet::new(), BTreeSet::new());
        for case in &self.cases {
            let place = format!("{}/{}", self.name, case.name);
            assert!(names.insert(&case.name), "{place} is there twice");
            used.extend(case.before.iter().chain(&case.uses));
            assert!(case.is.ends_with('.'), "{place}: `is` is a sentence");
            assert!(
                case.kind == Kind::Good || !case.before.is_empty() || !case.uses.is_empty() || !case.edit.is_empty(),
                "{place}: no edits"
            );
            let (expect, verdict) = (&case.expect, case.expect.verdict(case.kind));
            assert!(["verified", "review", "rejected", "inconclusive"].contains(&verdict), "{place}: no such verdict: {verdict}");
            match case.kind {
                Kind::Good => assert!(verdict != "rejected", "{place}: a good case is never rejected"),
                Kind::Bad => assert!(verdict != "verified", "{place}: a bad case is never verified"),
                Kind::Limit => assert!(verdict == "verified", "{place}: a limit is what is wrongly verified"),
            }
            match verdict {
                "verified" => assert!(
                    (expect.proof() == "fail-to-pass") != expect.fail_to_pass.is_empty() && expect.must.is_empty(),
                    "{place}: says which tests prove it, or another proof, and no reasons"
                ),
                "inconclusive" => assert!(!expect.says.is_empty(), "{place}: `says` names the cause"),
                _ => assert!(!expect.must.is_empty(), "{place}: `must` names the reasons or questions"),
            }
            let base = self.base(case);
            assert_ne!(apply(&base, &self.patch(case, &base), &place), base, "{place}: the patch changes nothing");
        }
        for name in self.shared.keys() {
            assert!(used.contains(name), "{}: nothing uses edits.{name}", self.name);
        }
    }

    /// The base tree of a case.
    pub fn base(&self, case: &Case) -> Files {
        case.before.iter().fold(self.repository.clone(), |files, name| {
            let place = format!("{}/{} before {name}", self.name, case.name);
            let changes = changes(&files, self.named(name, &place), &place);
            apply(&files, &changes, &place)
        })
    }

    /// The patch of a case, as whole files.
    pub fn patch(&self, case: &Case, base: &Files) -> Files {
        let place = format!("{}/{}", self.name, case.name);
        let (mut files, mut patch) = (base.clone(), Files::new());
        let lists = case.uses.iter().map(|name| self.named(name, &place)).chain([case.edit.as_slice()]);
        for list in lists {
            let made = changes(&files, list, &place);
            files = apply(&files, &made, &place);
            patch.extend(made);
        }
        patch
    }

    fn named(&self, name: &str, place: &str) -> &[Edit] {
        self.shared.get(name).unwrap_or_else(|| panic!("{place}: there is no edits.{name}"))
    }
}

/// A tree with a patch laid over it.
pub fn apply(files: &Files, patch: &Files, place: &str) -> Files {
    let mut files = files.clone();
    for (path, content) in patch {
        match content {
            Some(content) => drop(files.insert(path.clone(), Some(content.clone()))),
            None => assert!(files.remove(path).is_some(), "{place}: {path} is not there"),
        }
    }
    files
}

const PROGRAM: u32 = 0o100_755;
const LINK: u32 = 0o120_000;

fn changes(files: &Files, edits: &[Edit], place: &str) -> Files {
    let mut made = Files::new();
    for edit in edits {
        let at = |path: &str| made.get(path).or_else(|| files.get(path)).cloned().flatten();
        let place = format!("{place}: {}", edit.path);
        let from = edit.from.as_deref().unwrap_or(&edit.path);
        let before = at(from);
        let mode = before.as_ref().map_or(PLAIN, |(_, mode)| *mode);
        let content = match edit {
            Edit { delete: true, .. } => None,
            Edit { link: Some(target), .. } => Some((target.clone().into_bytes(), LINK)),
            Edit { binary_kb: Some(kb), .. } => Some(((0..kb * 1024).map(|n| (n * 7 % 251) as u8).collect(), PLAIN)),
            Edit { text: Some(text), .. } => Some((text.clone().into_bytes(), mode)),
            _ => {
                let (bytes, _) = before.unwrap_or_else(|| panic!("{place}: there is no {from}"));
                Some((rewritten(edit, String::from_utf8(bytes).unwrap(), &place).into_bytes(), mode))
            }
        };
        let mode = |mode| match edit.executable {
            Some(true) => PROGRAM,
            Some(false) => PLAIN,
            None => mode,
        };
        if edit.from.is_some() {
            made.insert(from.to_owned(), None);
        }
        made.insert(edit.path.clone(), content.map(|(bytes, old)| (bytes, mode(old))));
    }
    // What was made and is gone again was never there.
    made.retain(|path, content| content.is_some() || files.contains_key(path));
    made
}

fn rewritten(edit: &Edit, mut text: String, place: &str) -> String {
    if let Some(old) = &edit.old {
        assert_eq!(text.matches(old.as_str()).count(), 1, "{place}: {old:?} must stand there once");
        text = text.replace(old.as_str(), edit.new.as_deref().unwrap_or_default());
    }
    text.push_str(edit.append.as_deref().unwrap_or_default());
    match edit.lines {
        Some(LineEnd::Crlf) => text.replace("\r\n", "\n").replace('\n', "\r\n"),
        Some(LineEnd::Lf) => text.replace("\r\n", "\n"),
        None => text,
    }
}

fn gather(folder: &Path, below: &str, files: &mut Files) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        let name = format!("{below}{}", path.file_name().unwrap().to_str().unwrap());
        match path.is_dir() {
            true => gather(&path, &format!("{name}/"), files),
            false => {
                let bytes = fs::read(&path).unwrap();
                let mode = if bytes.starts_with(b"#!") { PROGRAM } else { PLAIN };
                files.insert(name, Some((bytes, mode)));
            }
        }
    }
}
