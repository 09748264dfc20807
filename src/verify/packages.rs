//! The packages of a repository by their manifests (cargo, npm, Python, Maven, Composer, Go by folder), and how far each
//! is from what a patch changes: 0 for a changed one, 1 for what needs it, and so on. Pure over paths and texts.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::LazyLock;

use regex::Regex;

/// Distance of what depends on nothing that the patch changes.
pub const APART: usize = usize::MAX;

/// The packages of one tree, by folder; the root is the empty folder.
#[derive(Debug, Clone, Default)]
pub struct Packages(BTreeMap<String, Package>);

#[derive(Debug, Clone, Default)]
struct Package {
    /// What others call it.
    names: BTreeSet<String>,
    /// Words of its manifest and imports that may name others.
    needs: BTreeSet<String>,
}

static WORD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"[@A-Za-z0-9_][A-Za-z0-9_./@-]*").expect("a fixed pattern"));
static IMPORT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(?m)^\s*(?:import\s+)?(?:[\w.]+\s+)?"([^"\n]+)"\s*$"#).expect("a fixed pattern"));
static MODULE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?m)^module\s+(\S+)").expect("a fixed pattern"));
static ARTIFACT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"<artifactId>\s*([^<\s]+)\s*</artifactId>").expect("a fixed pattern"));
static PARENT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s)<(parent|dependencies|build|profiles)>.*?</(parent|dependencies|build|profiles)>").expect("a fixed pattern")
});

impl Packages {
    /// Reads the manifests among `paths`.
    pub fn read(paths: &[String], text: impl Fn(&str) -> Option<String>) -> Packages {
        let mut packages = Packages::default();
        let module = text("go.mod").and_then(|one| MODULE.captures(&one).map(|found| found[1].to_owned()));
        for path in paths {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            let own = |text: &str| -> Option<Vec<String>> { names(name, text) };
            if let Some(module) = module.as_deref().filter(|_| name.ends_with(".go")) {
                let package = packages.0.entry(folder.to_owned()).or_default();
                package.names.insert(if folder.is_empty() { module.to_owned() } else { format!("{module}/{folder}") });
                let Some(text) = text(path) else { continue };
                package.needs.extend(IMPORT.captures_iter(&text).map(|found| found[1].to_owned()));
            } else if is_manifest(name)
                && let Some(text) = text(path)
                && let Some(names) = own(&text)
            {
                let package = packages.0.entry(folder.to_owned()).or_default();
                package.names.extend(names);
                package.needs.extend(WORD.find_iter(&text).map(|word| word.as_str().to_owned()));
            }
        }
        packages
    }

    /// The folder of the package that a file belongs to.
    pub fn folder_of(&self, path: &str) -> &str {
        let mut folder = path;
        while let Some((above, _)) = folder.rsplit_once('/') {
            if let Some((known, _)) = self.0.get_key_value(above) {
                return known;
            }
            folder = above;
        }
        ""
    }

    /// How far every package is from the changed files.
    pub fn distances<'p>(&self, changed: impl IntoIterator<Item = &'p str>) -> BTreeMap<String, usize> {
        let mut distances: BTreeMap<String, usize> = BTreeMap::new();
        let mut queue: VecDeque<(String, usize)> = changed.into_iter().map(|path| (self.folder_of(path).to_owned(), 0)).collect();
        while let Some((folder, distance)) = queue.pop_front() {
            if distances.contains_key(&folder) {
                continue;
            }
            distances.insert(folder.clone(), distance);
            let Some(package) = self.0.get(&folder) else { continue };
            let dependents = self.0.iter().filter(|(_, other)| package.names.iter().any(|name| other.needs.contains(name)));
            queue.extend(dependents.map(|(other, _)| (other.clone(), distance + 1)));
        }
        distances
    }
}

fn is_manifest(name: &str) -> bool {
    matches!(name, "Cargo.toml" | "package.json" | "pyproject.toml" | "setup.cfg" | "setup.py" | "pom.xml" | "composer.json")
}

/// What others call the package of this manifest; none when it describes no package.
fn names(name: &str, text: &str) -> Option<Vec<String>> {
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok()?.get("name")?.as_str().map(str::to_owned);
    match name {
        "Cargo.toml" => {
            let table: toml::Table = text.parse().ok()?;
            Some(vec![table.get("package")?.get("name")?.as_str()?.to_owned()])
        }
        "package.json" | "composer.json" => json(text).map(|name| vec![name]),
        "pom.xml" => {
            let own = PARENT.replace_all(text, "");
            ARTIFACT.captures(&own).map(|found| vec![found[1].to_owned()])
        }
        "pyproject.toml" => {
            let table: toml::Table = text.parse().ok()?;
            let poetry = || table.get("tool")?.get("poetry")?.get("name");
            let name = table.get("project").and_then(|one| one.get("name")).or_else(poetry)?.as_str()?.to_owned();
            Some(vec![name.replace('_', "-"), name.replace('-', "_"), name])
        }
        _ => {
            let line = text.lines().find_map(|line| line.trim().strip_prefix("name")?.trim_start().strip_prefix('='))?;
            let name = line.trim().trim_matches([',', '"', '\'']).to_owned();
            (!name.is_empty()).then(|| vec![name.replace('_', "-"), name.replace('-', "_"), name])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distances(files: &[(&str, &str)], changed: &str) -> Vec<(String, usize)> {
        let paths: Vec<String> = files.iter().map(|(path, _)| (*path).to_owned()).collect();
        let text = |path: &str| files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned());
        let packages = Packages::read(&paths, text);
        packages.distances([changed]).into_iter().collect()
    }

    fn found(pairs: &[(&str, usize)]) -> Vec<(String, usize)> {
        pairs.iter().map(|(folder, distance)| ((*folder).to_owned(), *distance)).collect()
    }

    #[test]
    fn what_needs_a_changed_package_is_near_and_the_rest_is_not_named() {
        let cargo = |name: &str, needs: &str| format!("[package]\nname = \"{name}\"\n[dependencies]\n{needs}");
        let (a, b, c, d) = (cargo("a", ""), cargo("b", "a = { path = \"../a\" }"), cargo("c", "b = { path = \"../b\" }"), cargo("d", ""));
        let files = [
            ("Cargo.toml", "[workspace]\nmembers = ['*']"),
            ("a/Cargo.toml", &a),
            ("b/Cargo.toml", &b),
            ("c/Cargo.toml", &c),
            ("d/Cargo.toml", &d),
        ];
        assert_eq!(distances(&files, "a/src/lib.rs"), found(&[("a", 0), ("b", 1), ("c", 2)]));
        assert_eq!(distances(&files, "d/tests/x.rs"), found(&[("d", 0)]));
    }

    #[test]
    fn every_ecosystem_names_its_packages() {
        let npm = [
            ("package.json", "{\"workspaces\":[\"packages/*\"]}"),
            ("packages/a/package.json", "{\"name\":\"@x/a\"}"),
            ("packages/b/package.json", "{\"name\":\"@x/b\",\"dependencies\":{\"@x/a\":\"*\"}}"),
        ];
        assert_eq!(distances(&npm, "packages/a/index.js"), found(&[("packages/a", 0), ("packages/b", 1)]));
        let python = [
            ("one/pyproject.toml", "[project]\nname = \"my-one\"\n"),
            ("two/setup.cfg", "[metadata]\nname = two\n[options]\ninstall_requires =\n  my_one\n"),
        ];
        assert_eq!(distances(&python, "one/src/one.py"), found(&[("one", 0), ("two", 1)]));
        let maven = [
            ("core/pom.xml", "<project><parent><artifactId>all</artifactId></parent><artifactId>core</artifactId></project>"),
            (
                "web/pom.xml",
                "<project><artifactId>web</artifactId><dependencies><dependency><artifactId>core</artifactId></dependency></dependencies></project>",
            ),
        ];
        assert_eq!(distances(&maven, "core/src/main/java/A.java"), found(&[("core", 0), ("web", 1)]));
        let go = [
            ("go.mod", "module example.com/m\n"),
            ("a/a.go", "package a\n"),
            ("b/b.go", "package b\nimport (\n\t\"fmt\"\n\t\"example.com/m/a\"\n)\n"),
            ("c/c.go", "package c\n"),
        ];
        assert_eq!(distances(&go, "a/a.go"), found(&[("a", 0), ("b", 1)]));
    }
}
