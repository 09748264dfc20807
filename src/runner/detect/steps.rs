//! Commands that a repository writes down for machines: `run` steps of its workflows, recipes of a Makefile or justfile,
//! `commands` of tox, `session.run` of nox, tasks in pyproject.toml. Read as text, each with its file and line; nothing
//! of it is run here.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::clue::Source;
use super::{Found, ci};

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern that the tests compile")
}

static RUN: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(\s*(?:-\s+)?)run:\s*(.*)$"));
static FOLDER: LazyLock<Regex> = LazyLock::new(|| pattern(r#"^\s*(?:-\s+)?working-directory:\s*["']?([^"'#]+)"#));
static EXPRESSION: LazyLock<Regex> = LazyLock::new(|| pattern(r"\$\{\{[^}]*\}\}"));
static TARGET: LazyLock<Regex> = LazyLock::new(|| pattern(r"^([A-Za-z0-9_.-]+)[^:=]*::?(?:\s+([^=]*))?$"));
static VARIABLE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^([A-Za-z0-9_]+)\s*[:?]?=\s*(.*)$"));
static REFERENCE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\$[({]([A-Za-z0-9_]+)[)}]"));
static BRACES: LazyLock<Regex> = LazyLock::new(|| pattern(r"\{posargs:?([^{}]*)\}|\{envpython\}|\{toxinidir\}/?|\{[^{}]*\}"));
static SESSION: LazyLock<Regex> = LazyLock::new(|| pattern(r"session\.run\(([^()]*)"));
static QUOTED: LazyLock<Regex> = LazyLock::new(|| pattern(r#"^\s*f?["']([^"']*)["']\s*,?"#));

/// One command and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) source: Source,
    pub(super) file: String,
    pub(super) line: usize,
    /// The folder it is run in; empty for the root.
    pub(super) dir: String,
    /// What leads to it: a target of make, an environment of tox, a task; empty for a workflow.
    pub(super) name: String,
    pub(super) command: String,
}

/// Every `run` step of every workflow, a command per line.
pub(super) fn workflows(found: &Found<'_>) -> Vec<Step> {
    ci::workflows(found).iter().flat_map(|(file, text)| workflow(file, text)).collect()
}

/// Every recipe in the folder, by the names that lead to them.
pub(super) fn recipes(found: &Found<'_>, dir: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for name in ["Makefile", "makefile", "GNUmakefile", "justfile", "Justfile", ".justfile"] {
        let path = super::at(dir, name);
        steps.extend(found.text(&path).map(|text| make(&path, &text)).unwrap_or_default());
    }
    for name in ["tox.ini", "setup.cfg"] {
        let path = super::at(dir, name);
        steps.extend(found.text(&path).map(|text| tox(&path, &text)).unwrap_or_default());
    }
    let path = super::at(dir, "noxfile.py");
    steps.extend(found.text(&path).map(|text| nox(&path, &text)).unwrap_or_default());
    let path = super::at(dir, "pyproject.toml");
    steps.extend(found.text(&path).map(|text| tasks(&path, &text)).unwrap_or_default());
    steps
}

fn workflow(file: &str, text: &str) -> Vec<Step> {
    let lines: Vec<&str> = text.lines().collect();
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut steps = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(run) = RUN.captures(line) else { continue };
        let key = run[1].len();
        let dir = folder(&lines, at, key);
        let step = |line: usize, command: &str| Step {
            source: Source::Workflow,
            file: file.to_owned(),
            line,
            dir: dir.clone(),
            name: String::new(),
            command: EXPRESSION.replace_all(command, "").trim().to_owned(),
        };
        let value = run[2].trim();
        if !value.starts_with(['|', '>']) {
            steps.push(step(at + 1, value.trim_matches(['"', '\''])));
            continue;
        }
        let block = lines[at + 1..].iter().take_while(|line| line.trim().is_empty() || depth(line) > depth(lines[at])).count();
        let inner = &lines[at + 1..at + 1 + block];
        if value.starts_with('>') {
            steps.push(step(at + 2, &inner.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")));
        } else {
            steps.extend(continued(inner).into_iter().map(|(offset, command)| step(at + 2 + offset, &command)));
        }
    }
    steps.retain(|step| !step.command.is_empty() && !step.command.starts_with('#'));
    steps
}

/// The `working-directory` beside a `run`.
fn folder(lines: &[&str], at: usize, key: usize) -> String {
    let of = |line: &&str| FOLDER.captures(line).map(|found| found[1].trim().trim_start_matches("./").trim_end_matches('/').to_owned());
    let begins = |line: &&&str| line.trim_start().starts_with("- ") && line.len() - line.trim_start().len() < key;
    let before = lines[..=at].iter().rev().position(|line| begins(&line)).map_or(at, |back| at - back);
    let after = lines[at + 1..].iter().position(|line| begins(&line)).map_or(lines.len(), |on| at + 1 + on);
    lines[before..after].iter().find_map(of).filter(|dir| dir != ".").unwrap_or_default()
}

/// Lines with those that end in `\` joined, and the offset of each.
fn continued(lines: &[&str]) -> Vec<(usize, String)> {
    let mut joined: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (offset, line) in lines.iter().enumerate() {
        let (line, more) = match line.trim().strip_suffix('\\') {
            Some(begin) => (begin.trim(), true),
            None => (line.trim(), false),
        };
        match joined.last_mut().filter(|_| open) {
            Some((_, command)) => command.push_str(&format!(" {line}")),
            None => joined.push((offset, line.to_owned())),
        }
        open = more;
    }
    joined
}

fn make(file: &str, text: &str) -> Vec<Step> {
    let lines: Vec<&str> = text.lines().collect();
    let values: BTreeMap<&str, &str> = lines
        .iter()
        .filter(|line| !line.starts_with([' ', '\t']))
        .filter_map(|line| VARIABLE.captures(line))
        .filter_map(|found| Some((found.get(1)?.as_str(), found.get(2)?.as_str())))
        .collect();
    let filled = |command: &str| {
        let once = |text: &str| {
            REFERENCE.replace_all(text, |found: &regex::Captures<'_>| values.get(&found[1]).copied().unwrap_or("")).into_owned()
        };
        once(&once(command)).trim().trim_start_matches(['@', '-', '+', ' ']).trim().to_owned()
    };
    let (mut steps, mut target) = (Vec::new(), String::new());
    for (offset, line) in continued_raw(&lines) {
        let step = |name: &str, command: String| Step {
            source: Source::Recipe,
            file: file.to_owned(),
            line: offset + 1,
            dir: String::new(),
            name: name.to_owned(),
            command,
        };
        if line.starts_with([' ', '\t']) && !target.is_empty() {
            steps.push(step(&target, filled(&line)));
        } else if let Some(found) = TARGET.captures(&line).filter(|_| !line.starts_with(['#', '.', ' ', '\t'])) {
            target = found[1].to_owned();
            // What a target needs is made before it.
            let needs = found.get(2).map_or("", |needs| needs.as_str()).split_whitespace();
            steps.extend(needs.map(|need| step(&target, format!("make {need}"))));
        } else if !line.trim().is_empty() {
            target.clear();
        }
    }
    steps.retain(|step| !step.command.is_empty() && !step.command.starts_with('#'));
    steps
}

/// As `continued`, with the indentation that says what belongs to a target.
fn continued_raw(lines: &[&str]) -> Vec<(usize, String)> {
    let indented = |offset: usize| lines[offset].starts_with([' ', '\t']);
    continued(lines).into_iter().map(|(offset, line)| (offset, if indented(offset) { format!("\t{line}") } else { line })).collect()
}

fn tox(file: &str, text: &str) -> Vec<Step> {
    let (mut section, mut inside, mut steps) = (String::new(), false, Vec::new());
    for (at, line) in text.lines().enumerate() {
        if let Some(name) = line.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.to_owned();
            inside = false;
            continue;
        }
        let own = section.strip_prefix("testenv").map(|rest| rest.trim_start_matches(':').to_owned());
        let Some(name) = own else { continue };
        let command = match line.split_once('=').filter(|(key, _)| key.trim() == "commands") {
            Some((_, first)) => {
                inside = true;
                first
            }
            None if inside && line.starts_with([' ', '\t']) => line,
            None => {
                inside &= line.trim().is_empty();
                continue;
            }
        };
        let command =
            BRACES.replace_all(command.trim().trim_start_matches(['-', '!', ' ']), |found: &regex::Captures<'_>| match &found[0] {
                "{envpython}" => "python".to_owned(),
                _ => found.get(1).map_or("", |default| default.as_str()).to_owned(),
            });
        // `py38-django: command` is for some environments only.
        let command =
            command.split_once(": ").map_or(&*command, |(_, command)| command).trim_start_matches(['-', '!', ' ']).trim().to_owned();
        if !command.is_empty() {
            steps.push(Step { source: Source::Recipe, file: file.to_owned(), line: at + 1, dir: String::new(), name, command });
        }
    }
    steps
}

fn nox(file: &str, text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut name = String::new();
    let mut offset = 0;
    for (at, line) in text.lines().enumerate() {
        if let Some(rest) = line.strip_prefix("def ") {
            name = rest.split('(').next().unwrap_or_default().to_owned();
        }
        if let Some(found) = SESSION.captures(&text[offset..]).filter(|found| found.get(0).is_some_and(|whole| whole.start() < line.len()))
        {
            let (mut rest, mut words) = (&found[1], Vec::new());
            while let Some(word) = QUOTED.captures(rest) {
                words.push(word[1].to_owned());
                rest = &rest[word[0].len()..];
            }
            let command = crate::runner::words::line(&words);
            steps.push(Step {
                source: Source::Recipe,
                file: file.to_owned(),
                line: at + 1,
                dir: String::new(),
                name: name.clone(),
                command,
            });
        }
        offset = (offset + line.len() + 1).min(text.len());
    }
    steps.retain(|step| !step.command.is_empty());
    steps
}

/// Tasks of hatch, pdm, poe and taskipy.
fn tasks(file: &str, text: &str) -> Vec<Step> {
    let Ok(whole) = text.parse::<toml::Table>() else { return Vec::new() };
    let tool = |path: &[&str]| path.iter().try_fold(whole.get("tool")?, |value, key| value.get(key)).and_then(toml::Value::as_table);
    let mut tables: Vec<&toml::Table> =
        [&["pdm", "scripts"][..], &["poe", "tasks"], &["taskipy", "tasks"]].into_iter().filter_map(tool).collect();
    tables.extend(tool(&["hatch", "envs"]).into_iter().flat_map(toml::Table::values).filter_map(|one| one.get("scripts")?.as_table()));
    let told = |value: &toml::Value| -> Vec<String> {
        let shell = || value.get("cmd").or_else(|| value.get("shell")).and_then(toml::Value::as_str).map(str::to_owned);
        match value {
            toml::Value::String(command) => vec![command.clone()],
            toml::Value::Array(list) => list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
            _ => shell().into_iter().collect(),
        }
    };
    let line_of = |command: &str| text.lines().position(|line| line.contains(command)).map_or(1, |at| at + 1);
    let each = tables.into_iter().flatten().flat_map(|(name, value)| told(value).into_iter().map(move |command| (name.clone(), command)));
    each.map(|(name, command)| Step {
        source: Source::Recipe,
        file: file.to_owned(),
        line: line_of(&command),
        dir: String::new(),
        name,
        command: BRACES.replace_all(&command, "").trim().to_owned(),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(steps: &[Step]) -> Vec<String> {
        steps.iter().map(|step| format!("{} {}[{}] {}", step.line, step.dir, step.name, step.command)).collect()
    }

    #[test]
    fn run_steps_have_their_lines_and_folders() {
        let text = "jobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4\n      - run: npm ci\n      - name: Test\n        working-directory: ./web\n        run: |\n          # first\n          npm run build\n          npm test -- \\\n            --ci\n      - run: >-\n          pytest\n          ${{ matrix.args }} tests\n      - run: 'tox -e py'\n";
        let expected = ["5 [] npm ci", "10 web[] npm run build", "11 web[] npm test -- --ci", "14 [] pytest  tests", "16 [] tox -e py"];
        assert_eq!(shown(&workflow("ci.yml", text)), expected);
    }

    #[test]
    fn recipes_of_make_are_filled_in() {
        let text = "PY ?= python3\n.PHONY: test\ntest: build lint\n\t@$(PY) -m pytest \\\n\t  tests\n\t$(ODD) x\nbuild:\n\tmake -C c\n";
        let expected =
            ["3 [test] make build", "3 [test] make lint", "4 [test] python3 -m pytest tests", "6 [test] x", "8 [build] make -C c"];
        assert_eq!(shown(&make("Makefile", text)), expected);
    }

    #[test]
    fn commands_of_tox_and_nox_and_tasks() {
        let text = "[tox]\nenvlist = py\n[testenv]\ndeps = pytest\ncommands =\n    {envpython} -m pytest {posargs:tests}\n    py38: - coverage report\n[testenv:lint]\ncommands = flake8\n";
        assert_eq!(shown(&tox("tox.ini", text)), ["6 [] python -m pytest tests", "7 [] coverage report", "9 [lint] flake8"]);
        let text = "import nox\n@nox.session\ndef tests(session):\n    session.install('.[test]')\n    session.run('python', \"-m\", 'unittest', *session.posargs)\n\ndef lint(session):\n    session.run(\n        \"ruff\", \"check\")\n";
        assert_eq!(shown(&nox("noxfile.py", text)), ["5 [tests] python -m unittest", "8 [lint] ruff check"]);
        let text = "[tool.hatch.envs.default.scripts]\ntest = \"pytest {args:tests}\"\n[tool.poe.tasks]\ncheck = { cmd = \"pytest -q\" }\n";
        assert_eq!(shown(&tasks("pyproject.toml", text)), ["4 [check] pytest -q", "2 [test] pytest"]);
    }

    #[test]
    fn broken_files_say_nothing() {
        assert!(workflow("x", "run: |").is_empty() && make("x", "\tx\n: :\n=").is_empty() && tox("x", "[testenv\ncommands").is_empty());
        assert!(nox("x", "session.run(").is_empty() && tasks("x", "= ").is_empty());
    }
}
