//! The command that builds only what a selection needs. For trying things out: in a large workspace it answers in seconds
//! where the whole one takes minutes. The proof builds everything, as features of packages depend on who builds along.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::Flags;
use crate::runner::words::{Words, assigned, line, words};
use crate::runner::{Program, Selection, Suite};
use crate::workspace::Tree;

/// Of a suite the part that a selection is about; none where there is nothing to leave out or the part cannot be told.
pub fn narrowed(suite: &Suite, selection: &Selection, tree: &Tree) -> Option<Suite> {
    if !matches!(suite.program, Program::Cargo | Program::Nextest) || Flags::of(&suite.command).targets {
        return None;
    }
    let files: Vec<&str> = match selection {
        Selection::All => return None,
        Selection::Files(files) => files.iter().map(String::as_str).collect(),
        Selection::Tests(tests) => tests.iter().map(|test| test.file()).collect(),
    };
    let packages: Vec<(String, String)> = files.iter().map(|file| package(&tree.host, file)).collect::<Option<_>>()?;
    let names: BTreeSet<&str> = packages.iter().map(|(_, name)| name.as_str()).collect();
    let targets: Option<BTreeSet<&str>> = files.iter().zip(&packages).map(|(file, (folder, _))| target(file, folder)).collect();
    let Words { vars, words } = words(&suite.command)?;
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let mut command: Vec<&str> = Vec::new();
    let mut head = words[..end].iter();
    while let Some(word) = head.next() {
        match word.as_str() {
            "--workspace" | "--all" => {}
            "--exclude" | "-p" | "--package" => drop(head.next()),
            word if word.starts_with("--exclude=") || word.starts_with("--package=") => {}
            word => command.push(word),
        }
    }
    command.extend(names.iter().flat_map(|name| ["-p", name]));
    command.extend(targets.iter().flatten().flat_map(|target| ["--test", target]));
    command.extend(words[end..].iter().map(String::as_str));
    let vars = assigned(&vars);
    let narrow = format!("{vars}{}", line(&command));
    (narrow != suite.command).then(|| Suite { command: narrow, ..suite.clone() })
}

/// The folder and name of the package that a file belongs to.
fn package(root: &Path, file: &str) -> Option<(String, String)> {
    let folders = Path::new(file).ancestors().skip(1);
    folders.into_iter().find_map(|folder| {
        let manifest = root.join(folder).join("Cargo.toml");
        fs::symlink_metadata(&manifest).ok().filter(|meta| meta.is_file())?;
        let manifest: toml::Table = fs::read_to_string(manifest).ok()?.parse().ok()?;
        let name = manifest.get("package")?.get("name")?.as_str()?.to_owned();
        Some((folder.to_string_lossy().into_owned(), name))
    })
}

/// The integration test that a file is the root of, by cargo's usual places.
fn target<'f>(file: &'f str, folder: &str) -> Option<&'f str> {
    let inner = if folder.is_empty() { file } else { file.strip_prefix(folder)?.strip_prefix('/')? };
    let name = inner.strip_prefix("tests/")?.strip_suffix(".rs")?;
    match name.split_once('/') {
        None => Some(name),
        Some((name, "main")) => Some(name),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::runner::TestId;

    fn of(command: &str, selection: &Selection) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let manifest = |name: &str| format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n");
        let (a, b) = (manifest("a"), manifest("b-b"));
        crate::runner::trial::write(
            folder.path(),
            &[("Cargo.toml", "[workspace]\nmembers = ['crates/*']\n"), ("crates/a/Cargo.toml", &a), ("crates/b/Cargo.toml", &b)],
        );
        let tree = Tree {
            host: folder.path().to_path_buf(),
            point: "/loom/repo".into(),
            shared: Vec::new(),
            private: folder.path().join("private"),
            env: BTreeMap::new(),
        };
        let suite = Suite {
            program: Program::Cargo,
            dir: String::new(),
            command: command.into(),
            junit: None,
            setup: Vec::new(),
            build: Vec::new(),
            why: String::new(),
        };
        narrowed(&suite, selection, &tree).map(|suite| suite.command)
    }

    #[test]
    fn only_the_packages_and_targets_of_the_selection_are_built() {
        let files = |files: &[&str]| Selection::Files(files.iter().map(|file| (*file).to_owned()).collect());
        let whole = "RUSTFLAGS=-Dwarnings cargo test --workspace --exclude x --all-features -- --test-threads=1";
        let start = "RUSTFLAGS=-Dwarnings cargo test --all-features";
        assert_eq!(
            of(whole, &files(&["crates/a/tests/one.rs", "crates/a/tests/two/main.rs"])).unwrap(),
            format!("{start} -p a --test one --test two -- --test-threads=1")
        );
        assert_eq!(
            of(whole, &files(&["crates/a/src/lib.rs", "crates/b/tests/one.rs"])).unwrap(),
            format!("{start} -p a -p b-b -- --test-threads=1"),
            "unit tests need the library's own target"
        );
        let test = TestId::new(&["crates/b/src/lib.rs", "tests", "one"]);
        assert_eq!(of("cargo test --workspace", &Selection::Tests(vec![test])).unwrap(), "cargo test -p b-b");
        assert_eq!(of(whole, &Selection::All), None);
        assert_eq!(of(whole, &files(&["elsewhere/x.rs"])), None);
        assert_eq!(of("cargo test --lib", &files(&["crates/a/tests/one.rs"])), None, "the command says itself what to build");
    }
}
