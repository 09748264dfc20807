//! New files that are loaded in the place of others: a module beside its namesake, a package put where an installed one
//! is found, built code. What tests load and what users get are then two things. Pure but for the base tree's imports.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::paths::is_test_path;
use super::split::{Side, Sided, Split};
use super::syntax::Language;
use super::{Question, Reason};
use crate::error::Result;
use crate::task::TreeId;
use crate::workspace::Cache;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Certain: rejected unless allowed.
    pub reasons: Vec<Reason>,
    /// Possible: a person must look.
    pub questions: Vec<Question>,
}

/// Code that nobody can read and that Python or Node loads all the same.
const LOADED: [&str; 5] = [".pyc", ".pyo", ".so", ".pyd", ".node"];
/// Other built code.
const BUILT: [&str; 10] = [".dll", ".dylib", ".class", ".jar", ".o", ".a", ".lib", ".rlib", ".exe", ".wasm"];

/// Looks at every file that the patch adds.
pub fn look(split: &Split, cache: &Cache, base: &TreeId) -> Result<Found> {
    let paths: BTreeSet<String> = cache.paths(base)?.into_iter().collect();
    let gone = |path: &str| split.files.iter().any(|file| file.path == path && !file.is_there());
    let mut found = Found::default();
    for file in split.files.iter().filter(|file| file.is_there()) {
        built(&mut found, file);
        if file.existed {
            continue;
        }
        let twin = twin(&file.path, &paths).filter(|other| file.side == Side::Source && !gone(other));
        let module = match foreign(&file.path, &paths) {
            Some(name) if imported(&name, cache, base, &paths)? => Some(format!("the module {name} that is installed")),
            _ => None,
        };
        if let Some(other) = twin.or(module) {
            found.questions.push(Question {
                name: "stands-in".into(),
                text: format!("{} may be loaded in the place of {other} while the tests run. Do users get the same?", file.path),
                lines: String::new(),
            });
        }
        if let Some(package) = packaged(&file.path) {
            let manifest = cache.blob(base, "package.json")?;
            let declared = manifest.is_some_and(|bytes| declares(&bytes, package));
            let text = format!("{} takes the place of an installed package while the tests run. Remove it.", file.path);
            if declared {
                found.reasons.push(Reason { name: "tampering-runner-module".into(), text, lines: String::new() });
            } else if file.side == Side::Source {
                let text = format!("{} lies where packages are installed, and is found before them. Do users get the same?", file.path);
                found.questions.push(Question { name: "stands-in".into(), text, lines: String::new() });
            }
        }
    }
    found.reasons.dedup_by(|one, other| folder(&one.text) == folder(&other.text));
    Ok(found)
}

fn folder(text: &str) -> &str {
    text.split("node_modules/").next().unwrap_or_default()
}

fn built(found: &mut Found, file: &Sided) {
    let ends = |endings: &[&str]| endings.iter().any(|ending| file.path.ends_with(ending));
    if ends(&LOADED) || file.side == Side::Source && ends(&BUILT) {
        found.questions.push(Question {
            name: "built-code".into(),
            text: format!("{} is built code, of which nobody can see what it does. Is it made from the sources of the patch?", file.path),
            lines: String::new(),
        });
    }
}

/// A file of the same folder and name in another form, which one import can mean as well.
fn twin(path: &str, paths: &BTreeSet<String>) -> Option<String> {
    const SCRIPTS: [&str; 8] = [".js", ".mjs", ".cjs", ".ts", ".mts", ".jsx", ".tsx", ".json"];
    let language = Language::of(path)?;
    if language == Language::Python {
        let other = match path.strip_suffix("/__init__.py") {
            Some(folder) => format!("{folder}.py"),
            None => format!("{}/__init__.py", path.strip_suffix(".py")?),
        };
        return paths.contains(&other).then_some(other);
    }
    if !language.is_script() || path.ends_with(".d.ts") {
        return None;
    }
    let (folder, name) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (&path[..=folder.len()], name));
    let stem = name.split_once('.')?.0;
    let whole = SCRIPTS.iter().any(|ending| name == format!("{stem}{ending}"));
    let same = || SCRIPTS.iter().map(|ending| format!("{folder}{stem}{ending}")).filter(|other| other != path);
    // `index` of a folder and a file of the folder's name.
    let of_folder = (stem == "index").then(|| SCRIPTS.iter().map(|ending| format!("{}{ending}", folder.trim_end_matches('/'))));
    let inside = SCRIPTS.iter().map(|ending| format!("{folder}{stem}/index{ending}"));
    whole.then(|| same().chain(of_folder.into_iter().flatten()).chain(inside).find(|other| paths.contains(other))).flatten()
}

/// The module that a new file of Python becomes where a suite starts, when the repository has none of that name.
fn foreign(path: &str, paths: &BTreeSet<String>) -> Option<String> {
    let plain = path.strip_suffix("/__init__.py").or_else(|| path.strip_suffix(".py"))?;
    let (folder, name) = plain.rsplit_once('/').unwrap_or(("", plain));
    let starts = folder.is_empty() || is_test_path(&format!("{folder}/any"), &[]) && !paths.contains(&format!("{folder}/__init__.py"));
    let own = |path: &String| {
        let plain = path.strip_suffix(".py").unwrap_or_default();
        plain.rsplit('/').next() == Some(name) || path.split('/').rev().skip(1).any(|part| part == name)
    };
    (starts && !paths.iter().any(own)).then(|| name.to_owned())
}

static IMPORT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^\s*(?:from|import)\s+([A-Za-z_]\w*)").expect("a constant pattern that the tests compile"));

/// Whether any module of the base tree imports this one.
fn imported(name: &str, cache: &Cache, base: &TreeId, paths: &BTreeSet<String>) -> Result<bool> {
    for path in paths.iter().filter(|path| path.ends_with(".py")) {
        let Some(bytes) = cache.blob(base, path)? else { continue };
        if IMPORT.captures_iter(&String::from_utf8_lossy(&bytes)).any(|found| &found[1] == name) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The package that a path below `node_modules` belongs to.
fn packaged(path: &str) -> Option<&str> {
    let (_, inside) = path.rsplit_once("node_modules/")?;
    let end = inside.match_indices('/').nth(usize::from(inside.starts_with('@'))).map_or(inside.len(), |(at, _)| at);
    Some(&inside[..end])
}

fn declares(manifest: &[u8], package: &str) -> bool {
    let Ok(manifest) = serde_json::from_slice::<Value>(manifest) else { return false };
    let kinds = ["dependencies", "devDependencies", "peerDependencies", "optionalDependencies"];
    kinds.iter().any(|kind| manifest.get(kind).and_then(|all| all.get(package)).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namesakes_are_seen() {
        let paths: BTreeSet<String> = ["src/a.ts", "pkg/b.py", "lib/c.js", "pkg/__init__.py", "README.md"].map(str::to_owned).into();
        for (new, old) in [("src/a.mjs", "src/a.ts"), ("pkg/b/__init__.py", "pkg/b.py"), ("lib/c/index.js", "lib/c.js"), ("lib/c.json", "")]
        {
            assert_eq!(twin(new, &paths).unwrap_or_default(), old, "{new}");
        }
        for none in ["src/a.d.ts", "src/a.config.js", "src/b.ts", "pkg/c.py"] {
            assert_eq!(twin(none, &paths), None, "{none}");
        }
        assert_eq!(foreign("unidecode.py", &paths).as_deref(), Some("unidecode"));
        assert_eq!(foreign("tests/unidecode/__init__.py", &paths).as_deref(), Some("unidecode"));
        assert_eq!(foreign("pkg/unidecode.py", &paths), None);
        assert_eq!(foreign("pkg.py", &paths), None);
        assert_eq!(packaged("test/node_modules/@a/b/index.js"), Some("@a/b"));
        assert!(declares(br#"{"devDependencies":{"tape":"5"}}"#, "tape") && !declares(b"{}", "tape"));
    }
}
