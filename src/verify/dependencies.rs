//! What a patch changes of the packages that its repository depends on, by its manifests and lock files, and whether all
//! of it comes from registries. Pure; installing is `runner::prepare_again`'s work.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::asked::{Asked, asked};
use super::split::{Sided, Split};

/// Hosts of the public registries.
const REGISTRIES: [&str; 14] = [
    "crates.io",
    "static.crates.io",
    "index.crates.io",
    "pypi.org",
    "files.pythonhosted.org",
    "registry.npmjs.org",
    "registry.yarnpkg.com",
    "proxy.golang.org",
    "sum.golang.org",
    "rubygems.org",
    "repo.packagist.org",
    "api.github.com/repos/composer",
    "repo.maven.apache.org",
    "repo1.maven.org",
];
/// Manifests that are programs: to read them is to run them.
const PROGRAMS: [&str; 6] = ["setup.py", "Gemfile", "build.gradle", "build.gradle.kts", "pom.xml", "noxfile.py"];
const LOCKS: [&str; 13] = [
    "Cargo.lock",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "Pipfile.lock",
    "go.sum",
    "composer.lock",
    "Gemfile.lock",
    "pylock.toml",
];

/// What the patch does to dependencies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// New ones, and known ones in another version, by name.
    pub added: BTreeSet<String>,
    /// Those that no manifest names any more.
    pub removed: BTreeSet<String>,
    /// Manifests and lock files that say otherwise than before, and can be read without running them.
    pub files: Vec<String>,
    /// Why something is not fetched, in sentences.
    pub refused: Vec<String>,
    /// Manifests that changed and are programs.
    pub programs: Vec<String>,
}

impl Changes {
    /// Whether something else must be installed.
    pub fn any(&self) -> bool {
        !self.files.is_empty()
    }

    /// Whether a message of a compiler or an import names something that the patch adds.
    pub fn names(&self, message: &str) -> bool {
        let plain = |name: &str| name.to_lowercase().replace('-', "_");
        let words: BTreeSet<String> =
            message.split(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '_' | '-' | '@' | '/')).map(plain).collect();
        self.added.iter().any(|name| words.contains(&plain(name)))
    }
}

/// Whether a file of this name says what is installed, as data.
pub fn is_asking(name: &str) -> bool {
    LOCKS.contains(&name) || asked(name, Some("")).is_some() || matches!(name, "package.json" | "composer.json")
}

/// A manifest of the head tree without what package managers could run of it: its scripts are those of the base tree.
pub fn without_programs(name: &str, base: Option<&str>, head: &str) -> String {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
    let (true, Some(mut manifest)) = (matches!(name, "package.json" | "composer.json"), parsed(head)) else { return head.to_owned() };
    let scripts = base.and_then(parsed).and_then(|base| base.get("scripts").cloned());
    if let Some(entries) = manifest.as_object_mut() {
        match scripts {
            Some(scripts) => drop(entries.insert("scripts".to_owned(), scripts)),
            None => drop(entries.shift_remove("scripts")),
        }
    }
    manifest.to_string()
}

/// Reads every manifest and lock file of the patch.
pub fn changes(split: &Split) -> Changes {
    let mut changes = Changes::default();
    for file in &split.files {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        if PROGRAMS.contains(&name) && file.base != file.head {
            changes.programs.push(file.path.clone());
        } else if LOCKS.contains(&name) {
            lock(&mut changes, file);
        } else if let (Some(base), Some(head)) = (asked(name, file.base.as_deref()), asked(name, file.head.as_deref())) {
            compare(&mut changes, file, &base, &head);
        }
    }
    changes
}

/// A lock file is text that a tool wrote: what is new in it must come from where the old came from, or from a registry.
fn lock(changes: &mut Changes, file: &Sided) {
    let (base, head) = (file.base.as_deref().unwrap_or_default(), file.head.as_deref().unwrap_or_default());
    let before: BTreeSet<&str> = base.lines().map(str::trim).collect();
    let new: Vec<&str> = head.lines().map(str::trim).filter(|line| !before.contains(line)).collect();
    if !new.is_empty() {
        changes.files.push(file.path.clone());
    }
    for line in new {
        if let Some(source) = elsewhere(line, base) {
            changes.refused.push(format!("{} takes a package from {source}", file.path));
            return;
        }
    }
}

static URL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(?:git\+)?(?:https?|ssh|git)://([^/"'\s?#]+)[^"'\s]*"#).expect("a fixed pattern"));

/// A source in a line that is no registry, and that `known` does not name either.
fn elsewhere(line: &str, known: &str) -> Option<String> {
    URL.captures_iter(line).find_map(|found| {
        let (whole, host) = (found[0].to_owned(), found[1].to_owned());
        let git = whole.starts_with("git") || whole.starts_with("ssh") || whole.contains(".git");
        let index = whole.contains("github.com/rust-lang/crates.io-index");
        let is_registry = index || !git && (REGISTRIES.contains(&host.as_str()) || known.contains(&format!("://{host}/")));
        // Links to funding pages and the like are no sources.
        let talk = ["\"url\": ", "funding", "homepage", "# "].iter().any(|word| line.starts_with(word));
        (!is_registry && !talk).then_some(whole)
    })
}

fn compare(changes: &mut Changes, file: &Sided, base: &BTreeMap<String, Asked>, head: &BTreeMap<String, Asked>) {
    if base == head {
        return;
    }
    changes.files.push(file.path.clone());
    for (key, asked) in head.iter().filter(|(key, asked)| base.get(*key) != Some(*asked)) {
        changes.added.insert(asked.name.clone());
        if let Some(source) = odd_source(&asked.spec, &file.path, key) {
            changes.refused.push(format!("{} takes `{}` from {source}", file.path, asked.name));
        } else if base.values().any(|before| before.name == asked.name && !is_replaced(&before.spec)) && is_replaced(&asked.spec) {
            changes.refused.push(format!("{} puts something else in the place of `{}` ({})", file.path, asked.name, asked.spec.trim()));
        }
    }
    let kept: BTreeSet<&str> = head.values().map(|asked| asked.name.as_str()).collect();
    changes.removed.extend(base.values().filter(|asked| !kept.contains(asked.name.as_str())).map(|asked| asked.name.clone()));
}

/// Whether a requirement names a folder, or a package of another name, instead of a version.
fn is_replaced(spec: &str) -> bool {
    let table = format!("it = {spec}").parse::<toml::Table>().ok();
    let of_cargo = table.and_then(|table| table.get("it")?.as_table().cloned());
    let keys = |table: toml::Table| ["path", "package"].iter().any(|key| table.contains_key(*key));
    let local = ["file:", "link:", "portal:", "npm:", "./", "../", "-e ", "--editable "].iter().any(|start| spec.trim().starts_with(start));
    local || of_cargo.is_some_and(keys) || spec.contains("file://") || spec.contains("@ .")
}

/// Where a requirement comes from, when that is neither a registry nor this repository.
fn odd_source(spec: &str, file: &str, key: &str) -> Option<String> {
    let depth = file.matches('/').count();
    let leaves = |path: &str| {
        path.starts_with('/') || path.starts_with('~') || path.matches("../").count() + usize::from(path.ends_with("..")) > depth
    };
    if file.ends_with("Cargo.toml") {
        let table: toml::Table = format!("it = {spec}").parse().ok()?;
        let table = table.get("it")?.as_table()?;
        let text = |name: &str| table.get(name).and_then(toml::Value::as_str);
        return text("git")
            .map(|url| format!("git ({url})"))
            .or_else(|| text("registry").or(text("registry-index")).map(|name| format!("another registry ({name})")))
            .or_else(|| text("path").filter(|path| leaves(path)).map(|path| format!("a folder outside ({path})")));
    }
    if key.starts_with("option:") {
        return Some(format!("elsewhere (`{spec}`)"));
    }
    let local = ["file:", "link:", "portal:", "-e ", "--editable ", "./", "../", "/"]
        .iter()
        .find_map(|start| spec.strip_prefix(start).map(|rest| (start, rest)));
    if let Some((start, rest)) = local {
        let path = if matches!(*start, "../" | "/") { spec } else { rest.trim_start_matches("//") };
        return leaves(path).then(|| format!("a folder outside ({spec})"));
    }
    let by_git = spec.starts_with("git") || spec.contains("git+") || spec.contains("://") || spec.contains(".git");
    let short = file.ends_with("package.json") && spec.contains('/') && !spec.starts_with("npm:") && !spec.starts_with("workspace:");
    (by_git || short).then(|| format!("`{spec}`"))
}

#[cfg(test)]
mod tests {
    use super::super::split::Side;
    use super::*;

    fn of(path: &str, base: &str, head: &str) -> Changes {
        let file = Sided::for_trial(path, Side::Source, Some(base), Some(head));
        let id = || "a".repeat(40).parse().unwrap();
        changes(&Split { files: vec![file], must_fail: id(), regression: id(), notes: Vec::new() })
    }

    #[test]
    fn what_is_asked_for_is_read_in_every_manifest() {
        for (path, base, head) in [
            ("Cargo.toml", "[package]\nname = \"a\"\n[dependencies]\n", "[package]\nname = \"a\"\n[dependencies]\nnew-one = \"1\"\n"),
            (
                "Cargo.toml",
                "[package]\nname = \"a\"\n",
                "[package]\nname = \"a\"\n[target.'cfg(unix)'.dev-dependencies]\nnew-one = { version = \"1\" }\n",
            ),
            ("package.json", "{\"devDependencies\":{}}", "{\"devDependencies\":{\"new-one\":\"^1\"}}"),
            ("requirements-dev.txt", "old==1\n", "old==1\nnew-one>=2  # why\n"),
            (
                "pyproject.toml",
                "[project]\nname = \"a\"\ndependencies = []\n",
                "[project]\nname = \"a\"\ndependencies = [\"new-one>=1\"]\n",
            ),
            ("pyproject.toml", "[tool.poetry.dependencies]\n", "[tool.poetry.dependencies]\nnew-one = \"^1\"\n"),
            ("pyproject.toml", "", "[dependency-groups]\ntest = [\"new-one\"]\n"),
            ("setup.cfg", "[options]\ninstall_requires =\n    old\n", "[options]\ninstall_requires =\n    old\n    new-one\n"),
            ("go.mod", "module m\n", "module m\nrequire new-one v1.2.3\n"),
        ] {
            let changes = of(path, base, head);
            assert_eq!(
                (changes.added.iter().map(String::as_str).collect::<Vec<_>>(), changes.refused.len()),
                (vec!["new-one"], 0),
                "{path}: {changes:?}"
            );
            assert!(changes.any() && changes.names("No module named 'new_one'"), "{path}");
            assert_eq!(of(path, head, base).removed, ["new-one".to_owned()].into(), "{path}");
        }
    }

    #[test]
    fn what_installs_nothing_is_no_change() {
        for (path, base, head) in [
            (
                "Cargo.toml",
                "[package]\nname = \"a\"\nversion = \"1\"\n",
                "[package]\nname = \"a\"\nversion = \"2\"\n[[bench]]\nname = \"b\"\n",
            ),
            ("package.json", "{\"version\":\"1\"}", "{\"version\":\"2\",\"scripts\":{\"x\":\"y\"}}"),
            ("pyproject.toml", "[project]\nversion = \"1\"\n", "[project]\nversion = \"2\"\n[tool.ruff]\nline-length = 9\n"),
            ("requirements.txt", "a==1\n", "# why\na==1\n"),
        ] {
            assert_eq!(of(path, base, head), Changes::default(), "{path}");
        }
        assert_eq!(of("setup.py", "1", "2").programs, ["setup.py"]);
    }

    #[test]
    fn scripts_stay_those_of_the_base_tree() {
        let head = "{\"scripts\":{\"postinstall\":\"evil\"},\"dependencies\":{\"x\":\"1\"}}";
        assert_eq!(
            without_programs("package.json", Some("{\"scripts\":{\"test\":\"t\"}}"), head),
            "{\"scripts\":{\"test\":\"t\"},\"dependencies\":{\"x\":\"1\"}}"
        );
        assert_eq!(without_programs("package.json", None, head), "{\"dependencies\":{\"x\":\"1\"}}");
        assert!(is_asking("Cargo.toml") && is_asking("yarn.lock") && is_asking("package.json") && !is_asking("setup.py"));
    }

    #[test]
    fn a_package_that_becomes_another_one_is_refused() {
        for (path, base, head) in [
            ("package.json", "{\"devDependencies\":{\"tape\":\"^5\"}}", "{\"devDependencies\":{\"tape\":\"file:./tools/tape\"}}"),
            ("package.json", "{\"devDependencies\":{\"chai\":\"^5\"}}", "{\"devDependencies\":{\"chai\":\"npm:other@1\"}}"),
            ("Cargo.toml", "[dependencies]\nx = \"1\"\n", "[dependencies]\nx = { version = \"1\", path = \"vendored\" }\n"),
            ("Cargo.toml", "[dependencies]\nx = \"1\"\n", "[dependencies]\nx = { version = \"1\", package = \"y\" }\n"),
        ] {
            assert_eq!(of(path, base, head).refused.len(), 1, "{head}");
        }
        let member = "[dependencies]\nx = { path = \"x\" }\n";
        assert_eq!(of("Cargo.toml", member, &member.replace("path", "version = \"2\", path")).refused, Vec::<String>::new());
    }

    #[test]
    fn only_registries_are_asked() {
        for (path, head) in [
            ("Cargo.toml", "[dependencies]\nx = { git = \"https://example.org/x\" }\n"),
            ("Cargo.toml", "[dependencies]\nx = { path = \"../../x\" }\n"),
            ("Cargo.toml", "[patch.crates-io]\nx = { git = \"https://example.org/x\" }\n"),
            ("Cargo.toml", "[dependencies]\nx = { version = \"1\", registry = \"mine\" }\n"),
            ("Cargo.lock", "[[package]]\nname = \"x\"\nsource = \"git+https://github.com/a/x#1\"\n"),
            ("package.json", "{\"dependencies\":{\"x\":\"a/x\"}}"),
            ("package.json", "{\"dependencies\":{\"x\":\"https://example.org/x.tgz\"}}"),
            ("package.json", "{\"dependencies\":{\"x\":\"file:../x\"}}"),
            ("package-lock.json", "{\n\"resolved\": \"https://example.org/x.tgz\"\n}"),
            ("requirements.txt", "x @ https://example.org/x.whl\n"),
            ("requirements.txt", "git+https://example.org/x\n"),
            ("requirements.txt", "--extra-index-url https://example.org\n"),
            ("pyproject.toml", "[tool.poetry.dependencies]\nx = { git = \"https://example.org/x\" }\n"),
            ("pyproject.toml", "[build-system]\nrequires = [\"evil\"]\n"),
        ] {
            assert_eq!(
                of(path, "", head).refused.len() + of(path, "{}", head).refused.len().min(usize::from(path == "package.json")),
                1,
                "{path}: {head}"
            );
        }
        for (path, head) in [
            ("crates/a/Cargo.toml", "[dependencies]\nx = { path = \"../x\" }\ny = { workspace = true }\n"),
            ("Cargo.lock", "[[package]]\nname = \"x\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n"),
            (
                "package-lock.json",
                "{\n\"resolved\": \"https://registry.npmjs.org/x/-/x-1.tgz\",\n\"url\": \"https://github.com/sponsors/x\"\n}",
            ),
            ("requirements.txt", "-e .\nx[extra]>=1; python_version > '3'\n"),
        ] {
            assert_eq!(of(path, "", head).refused, Vec::<String>::new(), "{path}: {head}");
        }
    }
}
