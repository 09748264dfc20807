//! Python's environment, and installing package by package when all at once fails.

use super::{Setup, decisive, uses_python};
use crate::error::{Failure, Kind, Result};
use crate::runner::text::first_lines;
use crate::runner::words::{line, words};

/// Makes the virtual environment by whatever can.
pub(super) fn environment(setup: &Setup<'_>) -> Result<()> {
    let made = |program: &str| setup.made.join("venv/bin").join(program).symlink_metadata().is_ok();
    // Most of the time goes into pip itself: where nothing is installed it is not needed.
    let installs = setup.suites.iter().any(|suite| uses_python(suite) && !suite.setup.is_empty());
    if made("python") && (made("pip") || !installs) {
        return Ok(());
    }
    let venv = setup.inside.join("venv").to_string_lossy().into_owned();
    // The interpreter is looked up without the environment that does not exist yet.
    let path = line(&[setup.sandbox.path()]);
    let mut said = String::new();
    let makers = ["python3 -m venv", "python -m venv", "uv venv --seed", "virtualenv"];
    for maker in ["python3 -m venv --without-pip"].into_iter().filter(|_| !installs).chain(makers) {
        let finished = setup.start("", &format!("PATH={path} {maker} {}", line(&[&venv])))?;
        if finished.ok() {
            return Ok(());
        }
        if said.is_empty() {
            said = decisive(&finished);
        }
    }
    Err(Failure::new(Kind::Workspace, said)
        .context("setup: making a Python environment")
        .hint("install Python with its venv module (Debian, Ubuntu: apt install python3-venv) or uv"))
}

/// After `pip install A B C` failed: each by itself, those that fail are named. False when there is nothing to take apart.
pub(super) fn one_by_one(setup: &Setup<'_>, dir: &str, command: &str) -> Result<bool> {
    let Some(split) = words(command) else { return Ok(false) };
    let [pip, install, wanted @ ..] = split.words.as_slice() else { return Ok(false) };
    if pip != "pip" || install != "install" || wanted.len() < 2 || wanted.iter().any(|word| word.starts_with('-')) {
        return Ok(false);
    }
    let mut installed = 0;
    for one in wanted {
        let finished = setup.start(dir, &format!("pip install {}", line(&[one])))?;
        if finished.ok() {
            installed += 1;
        } else {
            setup.lacks(format!("setup: {one} could not be installed: {}", first_lines(&decisive(&finished), 1)));
        }
    }
    Ok(installed > 0)
}

#[cfg(test)]
mod tests {
    use crate::config::TestSettings;
    use crate::runner::Selection;
    use crate::runner::trial::{Trial, lines};

    #[test]
    fn what_cannot_be_had_is_named_and_the_rest_is_installed() {
        let project =
            "[tool.pytest.ini_options]\n[dependency-groups]\ntest = [\"absent-one @ file:///nowhere/absent_one-1.0-py3-none-any.whl\"]\n";
        let files = [("pyproject.toml", project), ("test_a.py", "def test_a(): pass\n")];
        let trial = Trial::new(&files, TestSettings::default());
        assert!(
            matches!(trial.bench.warnings.as_slice(), [one] if one.starts_with("absent-one @ ") && one.contains("could not be installed"))
        );
        assert_eq!(lines(&trial.run(&trial.tree("one", &files), &Selection::All)), ["test_a.py::test_a: passed"]);
    }
}
