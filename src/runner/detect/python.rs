//! Python: pytest where it is configured or used, else unittest, and what to install for it.

use super::clue::{Clue, Followed, Source};
use super::{Found, at, practice};
use crate::runner::words::line;
use crate::runner::{Program, Suite};

const MANIFESTS: [&str; 7] =
    ["pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "pytest.ini", "requirements.txt", "requirements-dev.txt"];
/// Names of extras and groups that hold what tests need, best first.
const GROUPS: [&str; 8] = ["test", "tests", "testing", "dev", "develop", "development", "ci", "all"];
/// Files of requirements for tests.
const REQUIREMENTS: [&str; 10] = [
    "requirements-dev.txt",
    "requirements-test.txt",
    "requirements-tests.txt",
    "dev-requirements.txt",
    "test-requirements.txt",
    "requirements_dev.txt",
    "requirements_test.txt",
    "requirements/test.txt",
    "requirements/tests.txt",
    "requirements/dev.txt",
];

/// Projects that test tools stand on: installing the tools puts a published version in the place of the tree's own.
const OF_TOOLS: [&str; 12] = [
    "pluggy",
    "pytest",
    "iniconfig",
    "packaging",
    "attrs",
    "coverage",
    "hypothesis",
    "exceptiongroup",
    "tomli",
    "typing-extensions",
    "pygments",
    "setuptools",
];

/// At most one suite at the root; further ones in folders with a manifest of their own when the root has none.
pub(super) fn suites(found: &Found<'_>) -> Vec<Suite> {
    let mut folders: Vec<String> = MANIFESTS.iter().flat_map(|name| found.folders_with(name)).collect();
    folders.sort_by_key(|folder| (folder.matches('/').count() + usize::from(!folder.is_empty()), folder.clone()));
    folders.dedup();
    // A few scripts with tests beside them need no manifest.
    if folders.is_empty() && ["", "test", "tests"].iter().any(|folder| found.tests_in(folder)) {
        folders.push(String::new());
    }
    let mut suites: Vec<Suite> = Vec::new();
    for dir in folders {
        let inside = suites.iter().any(|suite| suite.dir.is_empty() || dir.starts_with(&format!("{}/", suite.dir)));
        if !inside && let Some(suite) = suite(found, &dir) {
            suites.push(suite);
        }
    }
    suites
}

/// Whether the folder says it is a Python project.
pub(super) fn has_manifest(found: &Found<'_>, dir: &str) -> bool {
    MANIFESTS.iter().any(|name| found.is_file(&at(dir, name)))
}

fn suite(found: &Found<'_>, dir: &str) -> Option<Suite> {
    let test = found.any_file(dir, is_test_file)?;
    let (program, command, reason) = chosen(found, dir, &test);
    Some(Suite {
        program,
        dir: dir.to_owned(),
        command,
        junit: None,
        setup: setup(found, dir, program),
        build: Vec::new(),
        why: format!("{reason}; {}", whereabouts(&found.files(dir, is_test_file))),
    })
}

/// The runner: by its own configuration, else by what the workflows and then the recipes run, else by the tests.
fn chosen(found: &Found<'_>, dir: &str, test: &str) -> (Program, String, String) {
    let practices = practice::of(found, dir);
    let configured = configured(found, dir);
    if let Some(file) = configured {
        let why = "it configures pytest".to_owned();
        found.clue(Clue {
            source: Source::Manifest,
            file: file.clone(),
            line: None,
            says: "pytest".into(),
            followed: Followed::Chosen,
            why,
        });
        practice::tell(found, &practices, None, Program::Pytest, &file);
        return (Program::Pytest, "python -m pytest".to_owned(), format!("pytest configured in {file}"));
    }
    // Where both are run, pytest reads the tests of either kind.
    let best = practices.iter().min_by_key(|one| (one.step.source, one.program != Program::Pytest));
    if let Some(one) = best {
        let place = format!("{}:{}", one.step.file, one.step.line);
        practice::tell(found, &practices, Some(one), one.program, &place);
        return (one.program, practice::command(&practices, one), format!("`{}` in {place}", one.step.command));
    }
    let used = found.any_file(dir, |path| {
        is_test_file(path) && found.text(path).is_some_and(|text| text.contains("import pytest") || plain_functions(&text))
            || path.ends_with("conftest.py")
    });
    if let Some(file) = used {
        let why = "only pytest runs such tests".to_owned();
        found.clue(Clue { source: Source::Files, file: file.clone(), line: None, says: "pytest".into(), followed: Followed::Chosen, why });
        return (Program::Pytest, "python -m pytest".to_owned(), format!("pytest used by {file}"));
    }
    let mut command = "python -m unittest discover".to_owned();
    if let Some((folder, _)) = test.strip_prefix(&at(dir, "")).unwrap_or(test).split_once('/') {
        let package = found.is_file(&at(dir, &format!("{folder}/__init__.py")));
        command.push_str(&format!(" -s {folder}{}", if package { " -t ." } else { "" }));
    }
    let why = "nothing names pytest, and the tests are classes of unittest".to_owned();
    found.clue(Clue { source: Source::Files, file: test.to_owned(), line: None, says: "unittest".into(), followed: Followed::Chosen, why });
    (Program::Unittest, command, "unittest test cases".to_owned())
}

impl Found<'_> {
    /// Whether tests in Python stand right in this folder.
    fn tests_in(&self, folder: &str) -> bool {
        let entries = std::fs::read_dir(self.root.join(folder));
        entries
            .into_iter()
            .flatten()
            .flatten()
            .any(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()) && is_test_file(&entry.file_name().to_string_lossy()))
    }
}

/// How many test files there are, and in which folders.
fn whereabouts(files: &[String]) -> String {
    let folder = |file: &str| file.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let mut folders: Vec<String> = files.iter().map(|file| folder(file)).collect();
    folders.sort_unstable();
    folders.dedup();
    // A folder says it for those below it; the root would say it for all.
    let is_below = |one: &str| folders.iter().any(|other| !other.is_empty() && one != other && one.starts_with(other.as_str()));
    let upper: Vec<&str> = folders.iter().filter(|one| !is_below(one)).map(|one| if one.is_empty() { "the root" } else { one }).collect();
    let noun = if files.len() == 1 { "test file" } else { "test files" };
    let more = upper.len().saturating_sub(3);
    let more = if more > 0 { format!(" and {more} more folders") } else { String::new() };
    format!("{} {noun} in {}{more}", files.len(), upper[..upper.len().min(3)].join(", "))
}

fn is_test_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.strip_suffix(".py");
    stem.is_some_and(|stem| stem.starts_with("test_") || stem.ends_with("_test") || stem == "tests" || stem == "test")
}

/// Test functions outside of a class, which unittest does not see.
fn plain_functions(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("def test_") || line.starts_with("async def test_"))
}

/// The file that configures pytest.
fn configured(found: &Found<'_>, dir: &str) -> Option<String> {
    let table = [
        ("pytest.ini", "[pytest]"),
        (".pytest.ini", "[pytest]"),
        ("pyproject.toml", "[tool.pytest"),
        ("setup.cfg", "[tool:pytest]"),
        ("tox.ini", "[pytest]"),
    ];
    table
        .into_iter()
        .map(|(name, mark)| (at(dir, name), mark))
        .find(|(path, mark)| found.text(path).is_some_and(|text| text.contains(mark)))
        .map(|(path, _)| path)
}

/// What to install: the project itself with the extras for tests, then groups and requirement files, then the runner.
pub(super) fn setup(found: &Found<'_>, dir: &str, program: Program) -> Vec<String> {
    let mut setup = Vec::new();
    let project = found.text(&at(dir, "pyproject.toml")).and_then(|text| text.parse::<toml::Table>().ok()).unwrap_or_default();
    let installable = project.contains_key("project")
        || project.contains_key("build-system")
        || found.is_file(&at(dir, "setup.py"))
        || found.text(&at(dir, "setup.cfg")).is_some_and(|text| text.contains("[metadata]"));
    if found.is_file(&at(dir, "requirements.txt")) {
        setup.push("pip install -r requirements.txt".to_owned());
    }
    let name = project.get("project").and_then(|table| table.get("name")).and_then(toml::Value::as_str).map(bare);
    let of_tools = installable && name.is_some_and(|name| OF_TOOLS.contains(&name.as_str()));
    let extras = extras(found, dir, &project);
    if installable && !of_tools {
        setup.push(match extras.is_empty() {
            true => "pip install -e .".to_owned(),
            false => format!("pip install -e '.[{}]' || pip install -e .", extras.join(",")),
        });
    }
    for name in REQUIREMENTS.iter().filter(|name| found.is_file(&at(dir, name))) {
        setup.push(format!("pip install -r {name} || true"));
    }
    let mut wanted = group_requirements(&project);
    let named = REQUIREMENTS.iter().any(|name| found.is_file(&at(dir, name))) || !extras.is_empty();
    if of_tools {
        wanted.extend(requirements(&project, &extras));
    }
    if wanted.is_empty() && !named {
        wanted = tox_requirements(&found.text(&at(dir, "tox.ini")).unwrap_or_default());
    }
    if program == Program::Pytest && !wanted.iter().any(|one| bare(one) == "pytest") {
        wanted.push("pytest".to_owned());
    }
    if !wanted.is_empty() {
        setup.push(format!("pip install {}", line(&wanted)));
    }
    if of_tools {
        setup.push("pip install --no-deps -e .".to_owned());
    }
    setup
}

/// The project's extras that are named like tests.
fn extras(found: &Found<'_>, dir: &str, project: &toml::Table) -> Vec<String> {
    let declared: Vec<String> = match project.get("project").and_then(|project| project.get("optional-dependencies")) {
        Some(toml::Value::Table(table)) => table.keys().cloned().collect(),
        _ => {
            // `extras_require` of setup.cfg or setup.py: only the names matter, and they stand quoted or at a line's start.
            let text = [found.text(&at(dir, "setup.cfg")), found.text(&at(dir, "setup.py"))].into_iter().flatten().collect::<String>();
            let from = text.find("extras_require").map(|at| text[at..].to_owned()).unwrap_or_default();
            let named = |name: &str| {
                from.contains(&format!("\"{name}\""))
                    || from.contains(&format!("'{name}'"))
                    || from.lines().any(|line| line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('=')))
            };
            GROUPS.iter().filter(|name| named(name)).map(|name| (*name).to_owned()).collect()
        }
    };
    GROUPS[..7].iter().filter(|name| declared.iter().any(|one| one == *name)).map(|name| (*name).to_owned()).collect()
}

/// What the project and these extras of it require. Installed beside it they would drag it along, at a version that they
/// do not accept.
fn requirements(project: &toml::Table, extras: &[String]) -> Vec<String> {
    let own = project.get("project");
    let optional = own.and_then(|own| own.get("optional-dependencies"));
    let lists = own.and_then(|own| own.get("dependencies")).into_iter().chain(extras.iter().filter_map(|name| optional?.get(name)));
    lists.filter_map(toml::Value::as_array).flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

/// What the dependency groups (PEP 735, poetry, uv) for tests name.
fn group_requirements(project: &toml::Table) -> Vec<String> {
    let mut wanted: Vec<String> = Vec::new();
    if let Some(toml::Value::Table(groups)) = project.get("dependency-groups") {
        for name in GROUPS {
            include(groups, name, &mut wanted, 0);
        }
    }
    let tool = |path: &[&str]| path.iter().try_fold(project.get("tool")?, |value, key| value.get(key));
    if let Some(toml::Value::Array(list)) = tool(&["uv", "dev-dependencies"]) {
        wanted.extend(list.iter().filter_map(|one| one.as_str().map(str::to_owned)));
    }
    let poetry =
        GROUPS.iter().filter_map(|name| tool(&["poetry", "group", name, "dependencies"])).chain(tool(&["poetry", "dev-dependencies"]));
    for table in poetry.filter_map(toml::Value::as_table) {
        wanted.extend(table.iter().filter(|(name, _)| *name != "python").map(|(name, value)| poetry_requirement(name, value)));
    }
    wanted.dedup();
    wanted
}

/// What tox installs for its tests; what is for some environments only is left out.
fn tox_requirements(text: &str) -> Vec<String> {
    let section = text.lines().skip_while(|line| line.trim() != "[testenv]").skip(1).take_while(|line| !line.starts_with('['));
    let mut lines = section.skip_while(|line| line.split('=').next().is_none_or(|key| key.trim() != "deps"));
    let first = lines.next().and_then(|line| line.split_once('=')).map_or("", |(_, first)| first);
    let listed = std::iter::once(first).chain(lines.take_while(|line| line.trim().is_empty() || line.starts_with([' ', '\t'])));
    let plain = listed.map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#') && !line.contains(['{', ':']));
    let mut wanted = Vec::new();
    for line in plain {
        match line.strip_prefix("-r") {
            Some(file) => wanted.extend(["-r".to_owned(), file.trim().to_owned()]),
            None => wanted.push(line.to_owned()),
        }
    }
    wanted
}

fn include(groups: &toml::Table, name: &str, wanted: &mut Vec<String>, depth: usize) {
    let Some(toml::Value::Array(list)) = groups.get(name).filter(|_| depth < 8) else { return };
    for one in list {
        match one {
            toml::Value::String(requirement) if !wanted.contains(requirement) => wanted.push(requirement.clone()),
            toml::Value::Table(table) => {
                if let Some(other) = table.get("include-group").and_then(toml::Value::as_str) {
                    include(groups, other, wanted, depth + 1);
                }
            }
            _ => {}
        }
    }
}

/// Poetry's `^1.2` as pip understands it: at least that.
fn poetry_requirement(name: &str, value: &toml::Value) -> String {
    let version = value.as_str().or_else(|| value.get("version").and_then(toml::Value::as_str)).unwrap_or("*");
    match version.trim_start_matches(['^', '~', '>', '=', ' ']) {
        "*" | "" => name.to_owned(),
        bare if bare.contains([',', '|', '*', '<', '!']) => name.to_owned(),
        bare => format!("{name}>={bare}"),
    }
}

/// The name of a requirement without version and extras.
fn bare(requirement: &str) -> String {
    let end = requirement.find(|letter: char| !(letter.is_ascii_alphanumeric() || "-_.".contains(letter))).unwrap_or(requirement.len());
    requirement[..end].to_lowercase().replace(['_', '.'], "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tox_installs_is_known() {
        let text = "[tox]\nenvlist = py\n[testenv]\ndeps =\n    pytest>=7\n    -rdev.txt\n    py27: mock\n    # later\n    {[base]deps}\n    hypothesis\ncommands = pytest\n[testenv:lint]\ndeps = flake8\n";
        assert_eq!(tox_requirements(text), ["pytest>=7", "-r", "dev.txt", "hypothesis"]);
        assert_eq!(tox_requirements("[testenv]\ndeps = nose\ncommands = x"), ["nose"]);
        assert!(tox_requirements("[testenv:lint]\ndeps = flake8\n").is_empty() && tox_requirements("").is_empty());
    }

    #[test]
    fn what_the_tools_stand_on_is_installed_last() {
        let folder = tempfile::tempdir().unwrap();
        let found = Found::new(folder.path(), &|_| true);
        let installs = |name: &str| {
            let extras = "[project.optional-dependencies]\ntesting = [\"pytest-benchmark\", \"pytest\"]\n";
            let text = format!("[project]\nname = \"{name}\"\nversion = \"1\"\ndependencies = [\"six\"]\n{extras}");
            std::fs::write(folder.path().join("pyproject.toml"), text).unwrap();
            setup(&found, "", Program::Pytest)
        };
        assert_eq!(installs("pluggy"), ["pip install six pytest-benchmark pytest", "pip install --no-deps -e ."]);
        assert_eq!(installs("widget"), ["pip install -e '.[testing]' || pip install -e .", "pip install pytest"]);
    }

    #[test]
    fn test_files_are_counted_by_their_upper_folders() {
        let files = ["test_root.py", "tests/test_a.py", "tests/deep/test_b.py", "src/pkg/test_c.py"].map(str::to_owned);
        assert_eq!(whereabouts(&files), "4 test files in the root, src/pkg/, tests/");
        assert_eq!(whereabouts(&files[1..3]), "2 test files in tests/");
        assert_eq!(whereabouts(&files[3..]), "1 test file in src/pkg/");
    }
}
