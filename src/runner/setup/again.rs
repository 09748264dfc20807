//! Setup once more, for a tree that asks for other packages. It begins with a copy of what is there, so that only what is
//! new is fetched, from the registries, and nothing that it brings runs: no install script, no building from source.
//! The tree must hold no code of the patch, only what its manifests ask for.

use std::fs;
use std::path::Path;

use super::{MADE, Setup, harvest, uses_python};
use crate::config::TestSettings;
use crate::error::{Kind, OrFail, Result};
use crate::runner::bench::{Kept, add_missing};
use crate::runner::seed::copy_all;
use crate::runner::words::line;
use crate::runner::{Bench, Suite};
use crate::sandbox::{Cancel, Sandbox};
use crate::task::Reporter;

/// Package managers, by the first word of a command that fetches and does nothing else.
const FETCHERS: [&str; 9] = ["npm", "pnpm", "yarn", "pip", "pip3", "cargo", "go", "composer", "uv"];
/// What they are asked to do.
const FETCHES: [&str; 6] = ["ci", "install", "i", "fetch", "download", "sync"];

/// Where it happens.
pub struct Anew<'a> {
    /// The suites as they are detected in that tree; their setup is run.
    pub suites: Vec<Suite>,
    /// The base tree with the manifests of the head tree.
    pub host: &'a Path,
    /// For what is made.
    pub folder: &'a Path,
    /// Python packages that nothing asks for any more.
    pub removed: Vec<String>,
}

/// A bench for the head tree, from that of the base tree.
pub fn prepare_again(
    sandbox: &Sandbox,
    base: &Bench,
    anew: Anew<'_>,
    settings: &TestSettings,
    reporter: &dyn Reporter,
    cancel: &Cancel,
) -> Result<Bench> {
    let made = anew.folder.join(MADE);
    fs::create_dir_all(anew.folder).or_fail(Kind::Workspace, || format!("making {}", anew.folder.display()))?;
    let host = anew.host.canonicalize().or_fail(Kind::Workspace, || format!("finding {}", anew.host.display()))?;
    let before = harvest::paths(&host)?;
    take_over(base, &host, &made)?;
    let folder = anew.folder.canonicalize().or_fail(Kind::Workspace, || format!("finding {}", anew.folder.display()))?;
    let mut suites = anew.suites;
    for suite in &mut suites {
        suite.setup = suite.setup.iter().map(|command| fetching(command)).collect();
    }
    let mut setup = Setup::new(sandbox, suites, host, folder, settings, reporter, cancel)?;
    setup.tree.env.extend(nothing_runs());
    if setup.suites.iter().any(uses_python) {
        super::pip::environment(&setup)?;
        if !anew.removed.is_empty() {
            setup.start("", &format!("pip uninstall --yes {}", line(&anew.removed)))?;
        }
    }
    for suite in &mut setup.suites {
        suite.setup.retain(|command| only_fetches(command));
    }
    setup.commands()?;
    let moved = harvest::take(&setup.tree.host, &setup.folder, &before)?;
    let kept = Kept { input: String::new(), suites: Vec::new(), moved, env: base.env.clone(), warnings: setup.warned.take() };
    let bench = setup.bench(kept);
    Ok(Bench { suites: base.suites.clone(), ..bench })
}

/// Copies what the base tree's setup made to where it is written to again.
fn take_over(base: &Bench, host: &Path, made: &Path) -> Result<()> {
    for shared in &base.shared {
        let to = match shared.inside.strip_prefix(&base.point) {
            Ok(inner) => host.join(inner),
            Err(_) => made.to_path_buf(),
        };
        copy_all(&shared.host, &to).or_fail(Kind::Workspace, || format!("copying {}", shared.host.display()))?;
    }
    if let Some(left) = &base.left {
        add_missing(left, host, "", &mut Vec::new()).or_fail(Kind::Workspace, || format!("copying {}", left.display()))?;
    }
    fs::create_dir_all(made).or_fail(Kind::Workspace, || format!("making {}", made.display()))
}

/// `npm ci` would throw away what is there, and with it what install scripts of the base tree built.
fn fetching(command: &str) -> String {
    let command = command.replace("npm ci", "npm install");
    match command.strip_prefix("composer install") {
        Some(rest) => format!("composer install --no-scripts --no-plugins{rest}"),
        None => command,
    }
}

/// Whether a command line is nothing but calls of package managers.
fn only_fetches(command: &str) -> bool {
    let plain = !command.contains(['&', ';', '`', '$', '>', '<', '\n']);
    plain
        && command.split(" || ").all(|part| {
            let mut words = part.split_whitespace();
            let (program, task) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            part == "true"
                || FETCHERS.contains(&program) && (FETCHES.contains(&task) || program == "go" && task == "mod") && !part.contains('|')
        })
}

/// Variables by which no package manager runs what it fetches.
fn nothing_runs() -> [(String, String); 5] {
    [
        ("npm_config_ignore_scripts", "true"),
        ("YARN_ENABLE_SCRIPTS", "false"),
        ("YARN_IGNORE_SCRIPTS", "true"),
        ("PIP_ONLY_BINARY", ":all:"),
        ("COMPOSER_ALLOW_SUPERUSER", "1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_package_managers_are_called_again() {
        for yes in [
            "cargo fetch --locked || cargo fetch",
            "npm install --no-package-lock",
            "pip install -e '.[test]' || pip install -e .",
            "pip install -r x.txt || true",
            "go mod download",
        ] {
            assert!(only_fetches(yes), "{yes}");
        }
        for no in [
            "make deps",
            "npm run build",
            "npm install && ./build.sh",
            "bash setup.sh",
            "cargo build",
            "pip install x | sh",
            "python setup.py develop",
        ] {
            assert!(!only_fetches(no), "{no}");
        }
        assert_eq!(fetching("npm ci || npm install --no-package-lock"), "npm install || npm install --no-package-lock");
    }
}
