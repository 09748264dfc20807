//! What a Python repository's workflows, tox, nox, make and tasks come down to: pytest or unittest, with its words. The
//! tools around them are followed and never run themselves, because they would install what they test from the network.

use super::Found;
use super::clue::{Clue, Followed};
use super::steps::{Step, recipes, workflows};
use crate::runner::Program;
use crate::runner::words::{line, words};

/// How often one command may lead to another.
const CHAIN: usize = 4;

/// A command that runs the tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Practice {
    /// Where it was found, the tool around it included.
    pub(super) step: Step,
    pub(super) program: Program,
    /// What stands behind the runner's name, as far as it says what is run.
    words: Vec<String>,
}

/// Everything that runs tests in this folder, workflows first.
pub(super) fn of(found: &Found<'_>, dir: &str) -> Vec<Practice> {
    let recipes = recipes(found, dir);
    let from_workflows = workflows(found).into_iter().filter(|step| step.dir == dir);
    let named = recipes.iter().filter(|step| tests_by_name(&step.name)).cloned();
    let mut practices = Vec::new();
    for step in from_workflows.chain(named) {
        for (program, words) in behind(found, &step.command, &recipes, 0) {
            let one = Practice { step: step.clone(), program, words: kept(found, dir, program, words) };
            if !practices.contains(&one) {
                practices.push(one);
            }
        }
    }
    practices
}

/// Whether a target or environment of this name is about the tests.
fn tests_by_name(name: &str) -> bool {
    let plain = name.is_empty() || name.starts_with("py") && !name.contains("pyright") && !name.contains("pylint");
    plain || name == "check" || name.contains("test") || name == "unit"
}

/// The runners behind a command.
fn behind(found: &Found<'_>, command: &str, recipes: &[Step], depth: usize) -> Vec<(Program, Vec<String>)> {
    if depth > CHAIN {
        return Vec::new();
    }
    let mut runners = Vec::new();
    for part in command.split("&&").flat_map(|part| part.split(';')).map(str::trim) {
        let part = part.find('|').map_or(part, |at| &part[..at]);
        let Some(split) = words(part) else { continue };
        let base = |word: &String| word.rsplit('/').next().unwrap_or(word).to_owned();
        let installs =
            split.words.iter().any(|word| matches!(word.as_str(), "install" | "add" | "sync" | "download" | "lock" | "uninstall"));
        if installs {
            continue;
        }
        let at = |name: &str| split.words.iter().position(|word| base(word) == name);
        let led = |names: &dyn Fn(&Step) -> bool| -> Vec<(Program, Vec<String>)> {
            recipes.iter().filter(|step| names(step)).flat_map(|step| behind(found, &step.command, recipes, depth + 1)).collect()
        };
        if let Some(at) = at("pytest").or_else(|| at("py.test")) {
            runners.push((Program::Pytest, split.words[at + 1..].to_vec()));
        } else if let Some(at) = at("unittest").filter(|at| *at > 0 && split.words[at - 1] == "-m") {
            runners.push((Program::Unittest, split.words[at + 1..].to_vec()));
        } else if at("setup.py").is_some() && split.words.iter().any(|word| word == "test") {
            runners.push((Program::Unittest, vec!["discover".to_owned()]));
        } else if let Some(script) = script(found, &split.words) {
            runners.push((Program::Unittest, vec![script]));
        } else if at("tox").is_some() {
            runners.extend(led(&|step| (step.file.ends_with("tox.ini") || step.file.ends_with("setup.cfg")) && tests_by_name(&step.name)));
        } else if at("nox").is_some() {
            runners.extend(led(&|step| step.file.ends_with("noxfile.py") && tests_by_name(&step.name)));
        } else if let Some(at) = at("make").or_else(|| at("just")) {
            let target = split.words[at + 1..].iter().find(|word| !word.starts_with('-') && !word.contains('=')).cloned();
            runners.extend(led(&|step| Some(&step.name) == target.as_ref() && step.file.to_lowercase().contains("file")));
        } else if let Some(task) = split.words.windows(2).find(|pair| pair[0] == "run" || pair[0] == "poe" || pair[0] == "task") {
            let name = task[1].rsplit(':').next().unwrap_or(&task[1]).to_owned();
            runners.extend(led(&|step| step.name == name && step.file.ends_with("pyproject.toml")));
        }
    }
    runners
}

/// `python tests.py`, when that file runs itself by unittest: what unittest calls it.
fn script(found: &Found<'_>, words: &[String]) -> Option<String> {
    let at = words.iter().position(|word| word.rsplit('/').next().is_some_and(|name| name.starts_with("python")))?;
    let file = words[at + 1..].iter().find(|word| !word.starts_with('-'))?.trim_start_matches("./");
    let text = found.text(file).filter(|_| file.ends_with(".py"))?;
    text.contains("unittest.main(").then(|| file.to_owned())
}

/// Of the words behind the runner those that say what is run; what measures, shows and stops early is left out.
fn kept(found: &Found<'_>, dir: &str, program: Program, words: Vec<String>) -> Vec<String> {
    let there = |path: &str| found.root.join(dir).join(path.split("::").next().unwrap_or(path)).exists();
    match program {
        Program::Unittest => {
            let shown = ["-v", "--verbose", "-q", "--quiet", "-f", "--failfast", "-b", "--buffer", "-c", "--catch", "--locals"];
            words.into_iter().filter(|word| !shown.contains(&word.as_str())).collect()
        }
        _ => words.into_iter().filter(|word| !word.starts_with('-') && there(word)).collect(),
    }
}

/// The command of what was chosen; the folders of several pytest steps are taken together, as none may be left out.
pub(super) fn command(practices: &[Practice], chosen: &Practice) -> String {
    if chosen.program == Program::Unittest {
        let words = if chosen.words.is_empty() { "discover".to_owned() } else { line(&chosen.words) };
        return format!("python -m unittest {words}");
    }
    let same: Vec<&Practice> =
        practices.iter().filter(|one| one.program == Program::Pytest && one.step.source == chosen.step.source).collect();
    let mut paths: Vec<&String> = same.iter().flat_map(|one| &one.words).collect();
    paths.sort();
    paths.dedup();
    if same.iter().any(|one| one.words.is_empty()) || paths.is_empty() {
        return "python -m pytest".to_owned();
    }
    format!("python -m pytest {}", line(&paths))
}

/// Notes what was found, and what became of it.
pub(super) fn tell(found: &Found<'_>, practices: &[Practice], chosen: Option<&Practice>, program: Program, place: &str) {
    for one in practices {
        let (followed, why) = match one.program == program {
            true if chosen == Some(one) => (Followed::Chosen, format!("it comes down to `{}`", command(practices, one))),
            true => (Followed::Chosen, format!("it agrees with {place}")),
            false => (Followed::SetAside, format!("{place} is trusted more")),
        };
        let step = &one.step;
        found.clue(Clue { source: step.source, file: step.file.clone(), line: Some(step.line), says: step.command.clone(), followed, why });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TestSettings;
    use crate::runner::trial::write;

    const CASES: (&str, &str) = ("tests/test_a.py", "import unittest\nclass A(unittest.TestCase):\n    def test_a(self): pass\n");
    const SETUP: (&str, &str) = ("setup.py", "");

    fn found(files: &[(&str, &str)]) -> (String, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), files);
        let found = Found::new(folder.path(), &|_| true);
        let suites = found.suites(&TestSettings::default()).unwrap();
        (suites[0].command.clone(), found.clues().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_command_inside_of_tox_and_nox_is_found() {
        let tox = (
            "tox.ini",
            "[testenv]\ndeps = pytest\ncommands = python -W error -m unittest discover -v -s tests {posargs}\n[testenv:lint]\ncommands = pytest --flake8\n",
        );
        let workflow = (".github/workflows/ci.yml", "      - run: pip install tox pytest\n      - run: tox -e py\n");
        let (command, clues) = found(&[SETUP, CASES, tox, workflow]);
        assert_eq!(command, "python -m unittest discover -s tests");
        assert_eq!(clues[0], ".github/workflows/ci.yml:2: `tox -e py`: chosen, it comes down to `python -m unittest discover -s tests`");
        let nox = ("noxfile.py", "def tests(session):\n    session.run('pytest', '--cov', 'tests')\n");
        assert_eq!(found(&[SETUP, CASES, nox]).0, "python -m pytest tests");
        let make = ("Makefile", "test:\n\tpython tests/test_a.py\n");
        let run_itself = (CASES.0, "import unittest\nunittest.main()\n");
        assert_eq!(found(&[SETUP, run_itself, make]).0, "python -m unittest tests/test_a.py");
        let hatch = ("pyproject.toml", "[project]\nname='a'\n[tool.hatch.envs.default.scripts]\ntest = 'pytest {args}'\n");
        let workflow = (".github/workflows/ci.yml", "      - run: hatch run test\n");
        assert_eq!(found(&[hatch, CASES, workflow]).0, "python -m pytest");
    }

    #[test]
    fn the_manifest_stands_above_the_workflow_and_that_above_recipes_and_files() {
        let configured = ("pyproject.toml", "[tool.pytest.ini_options]\n");
        let workflow = (".github/workflows/ci.yml", "      - run: python -m unittest\n");
        let (command, clues) = found(&[configured, CASES, workflow]);
        assert_eq!(command, "python -m pytest");
        assert_eq!(clues[1], ".github/workflows/ci.yml:1: `python -m unittest`: set aside, pyproject.toml is trusted more");
        let make = ("Makefile", "test:\n\tpytest\n");
        let conftest = ("tests/conftest.py", "");
        assert_eq!(found(&[SETUP, CASES, workflow, make, conftest]).0, "python -m unittest discover");
        assert_eq!(found(&[SETUP, CASES, make]).0, "python -m pytest");
        assert_eq!(found(&[SETUP, CASES, conftest]).0, "python -m pytest");
        assert_eq!(found(&[SETUP, CASES]).0, "python -m unittest discover -s tests");
        let mentions = ("tox.ini", "[testenv]\ndeps = pytest\n");
        assert_eq!(found(&[SETUP, CASES, mentions]).0, "python -m unittest discover -s tests", "a word is no use");
    }

    #[test]
    fn folders_of_several_steps_are_taken_together() {
        let steps = "      - run: pytest tests\n      - run: coverage run -m pytest more -x\n      - run: uv run pytest absent\n";
        let files = [SETUP, CASES, ("more/test_b.py", ""), (".github/workflows/ci.yml", steps)];
        assert_eq!(found(&files).0, "python -m pytest", "one of them runs all");
        let fewer = [SETUP, CASES, ("more/test_b.py", ""), (".github/workflows/ci.yml", &steps[..steps.len() - 35])];
        assert_eq!(found(&fewer).0, "python -m pytest more tests");
    }
}
