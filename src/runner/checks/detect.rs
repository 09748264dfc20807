//! Which formatters, linters and type checks a repository has: its own configuration says so, or its CI runs them.
//! The maintainers' settings win. Nothing is run here, and nothing is proposed that the repository does not use.

use std::path::Path;

use serde_json::Value;

use super::read::Reads;
use super::{Checks, Formatter, Linter};
use crate::config::CheckSettings;
use crate::runner::detect::{Found, at};
use crate::runner::words::{line, words};

const SCRIPTS: [&str; 8] = ["*.js", "*.mjs", "*.cjs", "*.jsx", "*.ts", "*.mts", "*.cts", "*.tsx"];
/// Where a repository says what is run on it, beside its workflows.
const RECIPES: [&str; 9] = [
    "Makefile",
    "makefile",
    "justfile",
    ".pre-commit-config.yaml",
    "tox.ini",
    "noxfile.py",
    "CONTRIBUTING.md",
    ".gitlab-ci.yml",
    "package.json",
];

/// The checks of a tree on disk; `dirs` are the folders of its suites.
pub fn checks(root: &Path, settings: &CheckSettings, dirs: &[&str]) -> Checks {
    let mut seen = Seen { found: Found::new(root, &|_| false), recipes: Vec::new(), checks: Checks::default() };
    seen.read_recipes();
    let mut dirs: Vec<&str> = dirs.iter().copied().chain([""]).collect();
    dirs.sort_unstable();
    dirs.dedup();
    for dir in dirs {
        seen.rust(dir);
        seen.python(dir);
        seen.node(dir);
        seen.go(dir);
    }
    let mut checks = seen.checks;
    let own = "the settings";
    if let Some(format) = &settings.format {
        checks.formatters = format.iter().map(|(glob, command)| formatter(command, command, "", &[glob], own)).collect();
    }
    if let Some(lint) = &settings.lint {
        checks.linters = lint.iter().map(|command| linter(command, command.to_string(), "", Reads::Lines, own)).collect();
    }
    checks
}

/// What was seen so far.
struct Seen<'a> {
    found: Found<'a>,
    /// Files that say what is run, by name.
    recipes: Vec<(String, String)>,
    checks: Checks,
}

impl Seen<'_> {
    fn read_recipes(&mut self) {
        let named = RECIPES.iter().filter_map(|name| Some(((*name).to_owned(), self.found.text(name)?)));
        self.recipes = named.chain(self.found.workflows()).collect();
    }

    /// The file in which these words are run.
    fn told(&self, command: &str) -> Option<String> {
        let (file, _) = self.recipes.iter().find(|(_, text)| text.contains(command))?;
        Some(format!("`{command}` in {file}"))
    }

    /// The first of these files that is there.
    fn there(&self, dir: &str, names: &[&str]) -> Option<String> {
        names.iter().map(|name| at(dir, name)).find(|path| self.found.is_file(path))
    }

    /// A table of a TOML manifest.
    fn table(&self, dir: &str, file: &str, path: &[&str]) -> Option<String> {
        let manifest: toml::Table = self.found.text(&at(dir, file))?.parse().ok()?;
        let mut value = &toml::Value::Table(manifest);
        for name in path {
            value = value.get(name)?;
        }
        Some(format!("[{}] in {}", path.join("."), at(dir, file)))
    }

    /// A section of an INI file.
    fn section(&self, dir: &str, files: &[&str], name: &str) -> Option<String> {
        let head = format!("[{name}]");
        let holds = |file: &&&str| self.found.text(&at(dir, file)).is_some_and(|text| text.lines().any(|line| line.trim() == head));
        files.iter().find(holds).map(|file| format!("{head} in {}", at(dir, file)))
    }

    fn rust(&mut self, dir: &str) {
        let Some(manifest) = self.found.text(&at(dir, "Cargo.toml")).and_then(|text| text.parse::<toml::Table>().ok()) else { return };
        let package = |table: &toml::Table| table.get("package").and_then(|one| one.get("edition")?.as_str()).map(str::to_owned);
        let workspace = manifest.get("workspace").and_then(|one| one.as_table());
        let edition = package(&manifest).or_else(|| workspace.and_then(package)).unwrap_or_else(|| "2015".to_owned());
        let why = self.there(dir, &["rustfmt.toml", ".rustfmt.toml"]).unwrap_or_else(|| at(dir, "Cargo.toml"));
        self.checks.formatters.push(formatter("rustfmt", &format!("rustfmt --edition {edition}"), dir, &["*.rs"], &why));
        let lints = self.table(dir, "Cargo.toml", &["lints", "clippy"]);
        let lints = lints.or_else(|| self.table(dir, "Cargo.toml", &["workspace", "lints", "clippy"]));
        let why = self.there(dir, &["clippy.toml", ".clippy.toml"]).or(lints).or_else(|| self.told("clippy"));
        if let Some(why) = why {
            let all = if workspace.is_some() { " --workspace" } else { "" };
            let command = format!("cargo clippy --offline{all} --all-targets --message-format=json");
            self.checks.linters.push(linter("clippy", command, dir, Reads::Cargo, &why));
        }
    }

    fn python(&mut self, dir: &str) {
        let project = "pyproject.toml";
        let ruff = self.there(dir, &["ruff.toml", ".ruff.toml"]).or_else(|| self.table(dir, project, &["tool", "ruff"]));
        if let Some(why) = &ruff {
            self.checks.linters.push(linter("ruff", "ruff check --no-cache --output-format=json .".to_owned(), dir, Reads::Ruff, why));
        }
        let formats = self.table(dir, project, &["tool", "ruff", "format"]);
        let formats = formats.or_else(|| self.told("ruff format")).or_else(|| self.told("ruff-format"));
        let python = ["*.py", "*.pyi"];
        if let Some(why) = formats {
            self.checks.formatters.push(formatter("ruff", "ruff format --no-cache --stdin-filename {path} -", dir, &python, &why));
        }
        if let Some(why) = self.table(dir, project, &["tool", "isort"]).or_else(|| self.there(dir, &[".isort.cfg"])) {
            self.checks.formatters.push(formatter("isort", "isort -q --filename {path} -", dir, &python, &why));
        }
        if let Some(why) = self.table(dir, project, &["tool", "black"]).or_else(|| self.told("psf/black")) {
            self.checks.formatters.push(formatter("black", "black -q --stdin-filename {path} -", dir, &python, &why));
        }
        let flake8 = self.there(dir, &[".flake8"]).or_else(|| self.section(dir, &["setup.cfg", "tox.ini"], "flake8"));
        if let Some(why) = flake8 {
            self.checks.linters.push(linter("flake8", "flake8".to_owned(), dir, Reads::Lines, &why));
        }
        let mypy = self.there(dir, &["mypy.ini", ".mypy.ini"]).or_else(|| self.section(dir, &["setup.cfg"], "mypy"));
        if let Some(why) = mypy.or_else(|| self.table(dir, project, &["tool", "mypy"])) {
            let listed =
                self.table(dir, project, &["tool", "mypy", "files"]).or_else(|| self.table(dir, project, &["tool", "mypy", "packages"]));
            let files = if listed.is_some() || self.ini_lists_files(dir) { "" } else { " ." };
            let command = format!("mypy --no-error-summary --no-color-output --show-error-codes --cache-dir=/dev/null{files}");
            self.checks.linters.push(linter("mypy", command, dir, Reads::Lines, &why));
        }
    }

    fn ini_lists_files(&self, dir: &str) -> bool {
        let lists = |line: &str| ["files", "packages"].contains(&line.split('=').next().unwrap_or_default().trim());
        let files = ["mypy.ini", ".mypy.ini"].iter().filter_map(|file| self.found.text(&at(dir, file)));
        files.into_iter().any(|text| text.lines().any(lists))
    }

    fn node(&mut self, dir: &str) {
        let Some(manifest) = self.found.text(&at(dir, "package.json")).and_then(|text| serde_json::from_str::<Value>(&text).ok()) else {
            return;
        };
        let uses = |name: &str| {
            ["dependencies", "devDependencies"].iter().any(|kind| manifest.get(kind).is_some_and(|all| all.get(name).is_some()))
        };
        let prettier = [
            ".prettierrc",
            ".prettierrc.json",
            ".prettierrc.js",
            ".prettierrc.yaml",
            ".prettierrc.yml",
            ".prettierrc.toml",
            "prettier.config.js",
            "prettier.config.mjs",
            "prettier.config.cjs",
        ];
        let key = |name: &str| manifest.get(name).map(|_| format!("\"{name}\" in {}", at(dir, "package.json")));
        if uses("prettier")
            && let Some(why) = self.there(dir, &prettier).or_else(|| key("prettier"))
        {
            let files: Vec<&str> = SCRIPTS.iter().copied().chain(["*.json", "*.css", "*.vue", "*.md", "*.yml", "*.yaml"]).collect();
            self.checks.formatters.push(formatter("prettier", "prettier --stdin-filepath {path}", dir, &files, &why));
        }
        if uses("@biomejs/biome")
            && let Some(why) = self.there(dir, &["biome.json", "biome.jsonc"])
        {
            self.checks.formatters.push(formatter("biome", "biome format --stdin-file-path={path}", dir, &SCRIPTS, &why));
        }
        let eslint = [
            "eslint.config.js",
            "eslint.config.mjs",
            "eslint.config.cjs",
            ".eslintrc",
            ".eslintrc.json",
            ".eslintrc.js",
            ".eslintrc.cjs",
            ".eslintrc.yml",
            ".eslintrc.yaml",
        ];
        if uses("eslint")
            && let Some(why) = self.there(dir, &eslint).or_else(|| key("eslintConfig"))
        {
            let command = eslint_command(&manifest);
            self.checks.linters.push(linter("eslint", command, dir, Reads::Eslint, &why));
        }
        if uses("xo") {
            self.checks.linters.push(linter("xo", "xo --reporter=json".to_owned(), dir, Reads::Eslint, &at(dir, "package.json")));
        }
        if uses("standard") {
            self.checks.linters.push(linter("standard", "standard".to_owned(), dir, Reads::Lines, &at(dir, "package.json")));
        }
        if uses("typescript")
            && let Some(why) = self.there(dir, &["tsconfig.json"])
        {
            self.checks.linters.push(linter("tsc", "tsc --noEmit --pretty false".to_owned(), dir, Reads::Lines, &why));
        }
    }

    fn go(&mut self, dir: &str) {
        if let Some(why) = self.there(dir, &["go.mod"]) {
            self.checks.formatters.push(formatter("gofmt", "gofmt", dir, &["*.go"], &why));
            self.checks.linters.push(linter("go vet", "go vet ./...".to_owned(), dir, Reads::Lines, &why));
        }
    }
}

/// eslint with the arguments of the repository's own script.
fn eslint_command(manifest: &Value) -> String {
    let scripts = manifest.get("scripts").and_then(Value::as_object);
    let own =
        scripts.into_iter().flatten().filter_map(|(_, script)| script.as_str()).flat_map(|script| script.split("&&")).find_map(|part| {
            let split = words(part)?;
            let eslint = split.words.first().is_some_and(|word| word == "eslint");
            // Loom reads, and changes nothing.
            let kept =
                split.words.into_iter().filter(|word| !word.starts_with("--fix") && word != "--quiet" && !word.starts_with("--cache"));
            eslint.then(|| line(&kept.collect::<Vec<_>>()))
        });
    format!("{} --format json", own.unwrap_or_else(|| "eslint .".to_owned()))
}

fn formatter(name: &str, command: &str, dir: &str, files: &[&str], why: &str) -> Formatter {
    let files = files.iter().map(|glob| (*glob).to_owned()).collect();
    Formatter { name: name.to_owned(), command: command.to_owned(), dir: dir.to_owned(), files, why: why.to_owned() }
}

fn linter(name: &str, command: String, dir: &str, reads: Reads, why: &str) -> Linter {
    Linter { name: name.to_owned(), command, dir: dir.to_owned(), endings: endings(name), reads, why: why.to_owned() }
}

/// What a known tool looks at; a manifest may change what it finds, too.
fn endings(name: &str) -> &'static [&'static str] {
    match name {
        "clippy" => &[".rs", "Cargo.toml", "clippy.toml"],
        "ruff" | "flake8" | "mypy" => &[".py", ".pyi", ".toml", ".cfg", ".ini", ".flake8"],
        "eslint" | "xo" | "standard" | "tsc" => {
            &[".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".vue", ".json", ".eslintrc"]
        }
        "go vet" => &[".go", "go.mod"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::trial::write;

    fn names(files: &[(&str, &str)], dirs: &[&str]) -> (Vec<String>, Vec<String>) {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), files);
        let found = checks(root.path(), &CheckSettings::default(), dirs);
        let formatters = found.formatters.iter().map(|one| at(&one.dir, &one.command)).collect();
        (formatters, found.linters.iter().map(|one| at(&one.dir, &one.command)).collect())
    }

    #[test]
    fn only_what_the_repository_uses() {
        let (formatters, linters) = names(&[("Cargo.toml", "[package]\nname = \"a\"\nedition = \"2024\"\n")], &[""]);
        assert_eq!((formatters, linters), (vec!["rustfmt --edition 2024".to_owned()], vec![]));
        let ci = (".github/workflows/ci.yml", "run: cargo clippy -- -D warnings\n");
        let (_, linters) = names(&[("Cargo.toml", "[workspace]\nmembers = []\n"), ci], &[]);
        assert_eq!(linters, ["cargo clippy --offline --workspace --all-targets --message-format=json"]);
        assert_eq!(names(&[("setup.py", ""), ("test_a.py", "")], &[""]), (vec![], vec![]));
    }

    #[test]
    fn python_and_node_by_their_configuration() {
        let project = "[tool.ruff]\n[tool.black]\n[tool.mypy]\nfiles = [\"src\"]\n";
        let (formatters, linters) = names(&[("pyproject.toml", project), ("setup.cfg", "[flake8]\n")], &[""]);
        assert_eq!(formatters, ["black -q --stdin-filename {path} -"]);
        assert_eq!(linters.len(), 3);
        assert!(linters[2].ends_with("--cache-dir=/dev/null"), "{linters:?}");
        let package = r#"{"scripts": {"lint": "prettier -c . && eslint --fix --ext .ts src 'my dir'"}, "prettier": {},
            "devDependencies": {"eslint": "9", "prettier": "3", "typescript": "5"}}"#;
        let files = [("web/package.json", package), ("web/eslint.config.js", ""), ("web/tsconfig.json", "{}")];
        let (formatters, linters) = names(&files, &["web"]);
        assert_eq!(formatters, ["web/prettier --stdin-filepath {path}"]);
        assert_eq!(linters, ["web/eslint --ext .ts src 'my dir' --format json", "web/tsc --noEmit --pretty false"]);
    }

    #[test]
    fn the_settings_stand_above_what_is_found() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &[("Cargo.toml", "[package]\n"), ("clippy.toml", "")]);
        let format = [("*.rs".to_owned(), "fmt -".to_owned())].into_iter().collect();
        let settings = CheckSettings { lint: Some(vec!["make lint".into()]), format: Some(format), ..CheckSettings::default() };
        let found = checks(root.path(), &settings, &[""]);
        assert_eq!((found.linters[0].command.as_str(), found.formatters[0].command.as_str()), ("make lint", "fmt -"));
        let off = CheckSettings { lint: Some(vec![]), format: Some(Default::default()), ..CheckSettings::default() };
        assert_eq!(checks(root.path(), &off, &[""]), Checks::default());
    }
}
