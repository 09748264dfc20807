//! pytest's settings in their four places, and the environments of tox, nox, hatch and poe that run tests. Pure.

use std::collections::BTreeMap;

use super::Change;

/// Options that leave tests out, load code into the runner, or run only a part.
const SILENT: [&str; 13] = [
    "-k",
    "-m",
    "-p",
    "--deselect",
    "--ignore",
    "--ignore-glob",
    "--co",
    "--collect-only",
    "--lf",
    "--last-failed",
    "--sw",
    "--stepwise",
    "-c",
];
/// Settings that say which tests there are, or bring code into the runner.
const DECISIVE: [&str; 9] = [
    "testpaths",
    "python_files",
    "python_classes",
    "python_functions",
    "pythonpath",
    "required_plugins",
    "xfail_strict",
    "collect_ignore",
    "usefixtures",
];
/// Settings that change nothing of what a test says.
const IDLE: [&str; 3] = ["markers", "minversion", "junit_family"];
/// Environments whose commands are the tests.
const ENVIRONMENTS: [&str; 7] = ["testenv", "env_run_base", "default", "test", "tests", "unit", "dev"];
/// What decides in such an environment.
const COMMANDS: [&str; 10] =
    ["commands", "commands_pre", "commands_post", "setenv", "set_env", "changedir", "change_dir", "scripts", "cmd", "env-vars"];

type Settings = BTreeMap<String, String>;

/// `pytest.ini` and `setup.cfg`, by the section's name.
pub fn pytest_ini(base: &str, head: &str, name: &str) -> Change {
    let of = |text: &str| sections(text).remove(name).unwrap_or_default();
    pytest(&of(base), &of(head))
}

/// `tox.ini`: pytest's section, and the commands of the environments that run tests.
pub fn tox(base: &str, head: &str) -> Change {
    let commands = |text: &str| -> BTreeMap<String, Settings> {
        let about = sections(text).into_iter().filter(|(name, _)| runs_tests(name));
        about
            .map(|(name, mut all)| {
                (name, {
                    all.retain(|key, _| COMMANDS.contains(&key.as_str()));
                    all
                })
            })
            .filter(|(_, all)| !all.is_empty())
            .collect()
    };
    let (before, after) = (commands(base), commands(head));
    let kept = before.iter().all(|(name, all)| after.get(name).is_none_or(|now| now == all));
    let environments = if kept { Change::Nothing } else { Change::Silences };
    environments.max(pytest_ini(base, head, "pytest"))
}

/// Modules that coverage loads while it measures.
pub fn plugins(text: &str) -> Option<String> {
    let mut all = sections(text);
    all.remove("run").or_else(|| all.remove("coverage:run")).and_then(|mut run| run.remove("plugins"))
}

/// `pyproject.toml`: pytest's table, coverage's threshold, and the environments that run tests.
pub fn pyproject(base: &str, head: &str) -> Change {
    let (Ok(base), Ok(head)) = (base.parse::<toml::Table>(), head.parse::<toml::Table>()) else { return Change::Silences };
    let (base, head) = (toml::Value::Table(base), toml::Value::Table(head));
    let at = |whole: &toml::Value, path: &[&str]| path.iter().try_fold(whole, |at, key| at.get(key)).cloned();
    let settings = |whole: &toml::Value| -> Settings {
        let tables = [at(whole, &["tool", "pytest", "ini_options"]), at(whole, &["tool", "pytest"])];
        let pairs = tables.into_iter().flatten().filter_map(|one| one.as_table().cloned()).flatten();
        pairs.filter(|(key, _)| key != "ini_options").map(|(key, value)| (key, plain(&value))).collect()
    };
    let least =
        |whole: &toml::Value| at(whole, &["tool", "coverage", "report", "fail_under"]).and_then(|one| plain(&one).parse::<f64>().ok());
    let lowered = least(&base).is_some_and(|before| least(&head).is_none_or(|now| now < before));
    let environments = [&["tool", "tox", "env"][..], &["tool", "tox"], &["tool", "hatch", "envs"], &["tool", "poe", "tasks"]];
    let changed = environments.iter().any(|path| {
        let of = |whole: &toml::Value| -> BTreeMap<String, toml::Value> {
            let table = at(whole, path).and_then(|one| one.as_table().cloned()).unwrap_or_default();
            table.into_iter().filter(|(name, _)| runs_tests(name)).map(|(name, one)| (name, decisive(one))).collect()
        };
        let after = of(&head);
        of(&base).iter().any(|(name, one)| after.get(name) != Some(one))
    });
    let loads = |whole: &toml::Value| {
        let points = at(whole, &["project", "entry-points", "pytest11"]).or_else(|| at(whole, &["tool", "poetry", "plugins", "pytest11"]));
        (points, at(whole, &["tool", "coverage", "run", "plugins"]))
    };
    let tools = if lowered || changed || loads(&base) != loads(&head) { Change::Silences } else { Change::Nothing };
    tools.max(pytest(&settings(&base), &settings(&head)))
}

/// What decides in an environment that is a table; a task may be no more than its command.
fn decisive(environment: toml::Value) -> toml::Value {
    match environment {
        toml::Value::Table(table) => toml::Value::Table(table.into_iter().filter(|(key, _)| COMMANDS.contains(&key.as_str())).collect()),
        other => other,
    }
}

fn runs_tests(name: &str) -> bool {
    let own = name.strip_prefix("testenv:").unwrap_or(name);
    ENVIRONMENTS.contains(&own)
        || own.starts_with("py") && own[2..].starts_with(|c: char| c.is_ascii_digit() || c == '{' || c == 't')
        || own.starts_with("hatch-test")
}

fn pytest(base: &Settings, head: &Settings) -> Change {
    let keys = base.keys().chain(head.keys()).filter(|key| base.get(*key) != head.get(*key) && !IDLE.contains(&key.as_str()));
    let each = keys.map(|key| {
        let words = |settings: &Settings| -> Vec<String> {
            let text = settings.get(key).map(String::as_str).unwrap_or_default();
            text.split(|c: char| c.is_whitespace() || "\"',[]=".contains(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        let (before, after) = (words(base), words(head));
        let silent =
            |word: &&String| SILENT.iter().any(|one| word == one || one.len() == 2 && !word.starts_with("--") && word.starts_with(one));
        let more = after.iter().filter(silent).count() > before.iter().filter(silent).count();
        let other = key == "addopts" && before.iter().filter(silent).count() > 0;
        if DECISIVE.contains(&key.as_str()) || more || other { Change::Silences } else { Change::Asked }
    });
    each.max().unwrap_or_default()
}

fn plain(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The sections of an INI file, each with its keys; lines that go on belong to the key above.
fn sections(text: &str) -> BTreeMap<String, Settings> {
    let mut all: BTreeMap<String, Settings> = BTreeMap::new();
    let (mut section, mut key) = (String::new(), String::new());
    for line in text.lines() {
        let words = line.trim();
        if words.is_empty() || words.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) =
            words.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).filter(|_| !line.starts_with(char::is_whitespace))
        {
            section = name.trim().to_owned();
            key.clear();
        } else if line.starts_with(char::is_whitespace) && !key.is_empty() {
            let value = all.entry(section.clone()).or_default().entry(key.clone()).or_default();
            value.push('\n');
            value.push_str(words);
        } else if let Some((name, value)) = words.split_once(['=', ':']) {
            key = name.trim().to_owned();
            all.entry(section.clone()).or_default().insert(key.clone(), value.trim().to_owned());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_tests_out_is_told_from_what_does_not() {
        let base = "[tool.pytest.ini_options]\naddopts = \"-v\"\ntestpaths = [\"tests\"]\n[project]\nversion = \"1\"\n";
        let of = |from: &str, to: &str| pyproject(base, &base.replace(from, to));
        assert_eq!(of("-v", "-v -k fast"), Change::Silences);
        assert_eq!(of("-v", "-v --deselect=tests/a.py::b"), Change::Silences);
        assert_eq!(of("-v", "-v -pshim"), Change::Silences);
        assert_eq!(of("[\"tests\"]", "[\"tests/unit\"]"), Change::Silences);
        assert_eq!(of("-v", "-q"), Change::Asked);
        assert_eq!(of("[project]", "filterwarnings = [\"ignore\"]\n[project]"), Change::Asked);
        assert_eq!(of("[project]", "markers = [\"slow: slow ones\"]\n[project]"), Change::Nothing);
        assert_eq!(of("\"1\"", "\"2\""), Change::Nothing);
        assert_eq!(pyproject(base, "not toml ["), Change::Silences);
        assert_eq!(of("[project]", "[project.entry-points.pytest11]\nx = \"y\"\n[project]"), Change::Silences);
        assert_eq!(
            pytest_ini("[tool:pytest]\naddopts =\n  -v\n[x]\n", "[tool:pytest]\naddopts =\n  -v\n  -k y\n[x]\n", "tool:pytest"),
            Change::Silences
        );
        assert_eq!(pytest_ini("[pytest]\nnorecursedirs = docs\n", "[pytest]\nnorecursedirs = docs env\n", "pytest"), Change::Asked);
        assert_eq!(pytest_ini("", "[pytest]\npython_files = none\n", "pytest"), Change::Silences);
    }

    #[test]
    fn environments_that_run_no_tests_are_nobodys_tampering() {
        let base = "[tox]\nenvlist = py39,py310\n[testenv]\ndeps = pytest\ncommands = pytest {posargs}\n[testenv:docs]\ncommands = sphinx-build docs\n";
        assert_eq!(tox(base, &base.replace("py39,", "lint,")), Change::Nothing);
        assert_eq!(tox(base, &base.replace("sphinx-build", "sphinx-build -W")), Change::Nothing);
        assert_eq!(tox(base, &base.replace("deps = pytest", "deps = pytest>=8")), Change::Nothing);
        assert_eq!(tox(base, &base.replace("pytest {posargs}", "python -c pass")), Change::Silences);
        let hatch =
            "[tool.tox.env.stress]\ncommands = [[\"pytest\", \"-m\", \"stress\"]]\n[tool.tox.env_run_base]\ncommands = [[\"pytest\"]]\n";
        assert_eq!(pyproject(hatch, &hatch.replace("\"-m\", \"stress\"", "\"-x\"")), Change::Nothing);
        assert_eq!(pyproject(hatch, &hatch.replace("[[\"pytest\"]]", "[[\"true\"]]")), Change::Silences);
        assert_eq!(pyproject("[tool.coverage.report]\nfail_under = 100\n", "[tool.coverage.report]\nfail_under = 90\n"), Change::Silences);
        assert_eq!(pyproject("[tool.coverage.report]\nomit = [\"a\"]\n", "[tool.coverage.report]\nomit = []\n"), Change::Nothing);
    }
}
