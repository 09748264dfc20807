//! Which tools ran the tests, in their own words: for the record of a proof. Owns the list of tools and how each is asked.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::bench::own_variables;
use super::places;
use super::text::{first_lines, plain};
use super::words::words;
use super::{Bench, Suite};
use crate::error::{Kind, OrFail as _, Result};
use crate::sandbox::{Cancel, Limits, Sandbox};
use crate::workspace::Tree;

/// All of them together take moments; a tool that hangs is left out.
const WALL: Duration = Duration::from_secs(30);
/// Longest answer of one tool.
const LONGEST: usize = 120;

/// Words of a suite's commands; tools by name, and the command that tells the version of each.
type Asked = (&'static [&'static str], &'static [(&'static str, &'static str)]);
/// What is asked because of which word.
const TOOLS: [Asked; 13] = [
    (&["cargo"], &[("cargo", "cargo --version"), ("rustc", "rustc --version")]),
    (&["nextest"], &[("cargo-nextest", "cargo nextest --version")]),
    (&["python", "python3", "pip", "pytest", "tox", "nox"], &[("python", "python --version || python3 --version")]),
    (&["pytest"], &[("pytest", "python -m pytest --version")]),
    (
        &["node", "npm", "npx", "yarn", "pnpm", "jest", "vitest", "mocha", "ava", "tape"],
        &[("node", "node --version"), ("npm", "npm --version")],
    ),
    (&["go"], &[("go", "go version")]),
    (&["mvn", "mvnw", "gradle", "gradlew", "java"], &[("java", "java -version")]),
    (&["mvn"], &[("maven", "mvn -q --version")]),
    (&["php", "phpunit", "composer"], &[("php", "php --version")]),
    (&["phpunit"], &[("phpunit", "phpunit --version")]),
    (&["ruby", "rspec", "rake", "bundle", "minitest"], &[("ruby", "ruby --version")]),
    (&["rspec"], &[("rspec", "rspec --version")]),
    (&["perl", "prove"], &[("perl", "perl -e 'print \"perl $^V\"'")]),
];

/// Name and version of what the suites of this bench run with, asked in the tree at `host`, which stays as it is; `private`
/// is a folder of its own. A tool that does not answer is not among them.
pub fn versions(sandbox: &Sandbox, bench: &Bench, host: &Path, private: &Path, cancel: &Cancel) -> Result<BTreeMap<String, String>> {
    let asked = questions(&bench.suites);
    if asked.is_empty() {
        return Ok(BTreeMap::new());
    }
    let doing = || format!("making a home in {}", private.display());
    places::folder(private, "home").or_fail(Kind::Workspace, doing)?;
    let mut tree = Tree {
        host: host.to_path_buf(),
        point: bench.point.clone(),
        shared: bench.shared.clone(),
        private: private.to_path_buf(),
        env: bench.env.clone(),
    };
    tree.env.extend(own_variables(&tree.private_point()));
    // One line per tool, begun by its number: what a tool prints more is not read.
    let script: String = asked
        .iter()
        .enumerate()
        .map(|(at, (_, ask))| format!("printf '%s\\t%s\\n' {at} \"$( ({ask}) 2>&1 | grep -m1 '[0-9]')\"\n"))
        .collect();
    let job = tree.job(vec!["bash".into(), "-c".into(), script], Limits { wall: WALL, head: 1 << 16, tail: 1 << 10 });
    let finished = sandbox.run(&job, cancel)?;
    let said = plain(&finished.stdout.text());
    let rows = said.lines().filter_map(|line| line.split_once('\t'));
    let known = rows.filter_map(|(at, version)| {
        let (name, _) = asked.get(at.parse::<usize>().ok()?)?;
        let version: String = first_lines(version, 1).chars().filter(|c| !c.is_control()).take(LONGEST).collect();
        let missing = version.trim().is_empty() || version.contains("not found") || version.contains("No module");
        (!missing).then(|| ((*name).to_owned(), version.trim().to_owned()))
    });
    Ok(known.collect())
}

/// What to ask because of what the suites' commands mention.
fn questions(suites: &[Suite]) -> Vec<(&'static str, &'static str)> {
    let commands = suites.iter().flat_map(|suite| suite.setup.iter().chain(&suite.build).chain([&suite.command]));
    let mentioned: Vec<String> = commands
        .flat_map(|command| {
            words(command).map(|split| split.words).unwrap_or_else(|| command.split_whitespace().map(str::to_owned).collect())
        })
        .map(|word| word.rsplit('/').next().unwrap_or_default().to_owned())
        .collect();
    let fits = |tools: &[&str]| mentioned.iter().any(|word| tools.contains(&word.as_str()));
    TOOLS.iter().filter(|(tools, _)| fits(tools)).flat_map(|(_, asks)| asks.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TestSettings;
    use crate::runner::trial::Trial;

    #[test]
    fn tools_tell_their_versions_and_what_is_absent_tells_nothing() {
        let files = [("test.sh", "echo '1..0'\n")];
        let command = "node --version && python3 --version && go version && bash test.sh".to_owned();
        let settings =
            TestSettings { command: Some(command), runner: Some("tap".into()), setup: Some(Vec::new()), ..TestSettings::default() };
        let trial = Trial::new(&files, settings);
        let (host, private) = (trial.tree("one", &files).host, trial.folder.path().join("tools"));
        std::fs::create_dir(&private).unwrap();
        let asked = |bench: &Bench| versions(&trial.sandbox, bench, &host, &private, &Cancel::default()).unwrap();
        let found = asked(&trial.bench);
        assert!(found["python"].starts_with("Python 3") && found["node"].starts_with('v'), "{found:?}");
        let planted = "#!/bin/sh\nprintf 'v1\\033[2J\\nrest'\n";
        std::fs::write(host.join("node"), planted).unwrap();
        std::fs::set_permissions(host.join("node"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let mut bench = trial.bench.clone();
        bench.env.insert("PATH".into(), format!("{}:/usr/bin:/bin", bench.point.display()));
        let found = asked(&bench);
        assert_eq!(found["node"], "v1");
    }
}
