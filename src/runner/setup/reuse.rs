//! Whether what setup made for one tree serves another: by which input it is known, and how far it reaches.
//! Keeping and finding benches is the caller's work.

use std::fs;
use std::path::Path;

use super::{Suite, environment, harvest, input, inside};
use crate::runner::{Bench, places};
use crate::sandbox::{Sandbox, Tier};
use crate::task::Digest;

/// Installers that make what the manifests say, and nothing of the repository's own source.
const INSTALLERS: [&str; 14] = [
    "pip install ",
    "python -m pip install ",
    "python3 -m pip install ",
    "uv pip install ",
    "uv sync",
    "poetry install",
    "npm ci",
    "npm install",
    "yarn install",
    "pnpm install",
    "cargo fetch",
    "go mod download",
    "bundle install",
    "composer install",
];

/// For which trees a bench is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// All whose manifests are the same.
    Manifests,
    /// Only the tree it was made for: something of its source is in it.
    Tree,
}

/// What a setup of these suites in the tree at `host` depends on; none where paths of this machine go into it.
pub fn fingerprint(sandbox: &Sandbox, suites: &[Suite], host: &Path) -> Option<Digest> {
    if sandbox.tier() == Tier::None {
        return None;
    }
    let point = sandbox.point(host);
    let env = environment(sandbox, suites, &point, &inside(sandbox, &point, Path::new("")));
    Some(input(suites, &point, &env, host))
}

/// How far a bench reaches.
pub fn reach(bench: &Bench) -> Reach {
    let commands = bench.suites.iter().flat_map(|suite| &suite.setup).flat_map(|command| command.split(" || "));
    let plain = |command: &str| {
        let one_command = !command.contains([';', '&', '|', '`', '$', '\n']);
        one_command && INSTALLERS.iter().any(|installer| command.starts_with(installer))
    };
    let own = bench.by_products().map_or(true, |paths| paths.iter().any(|path| !harvest::is_manifest(path)));
    let copied = bench.shared.iter().any(|shared| holds_copy_of(&shared.host.join("venv/lib"), &bench.point));
    if own || copied || !commands.into_iter().all(plain) { Reach::Tree } else { Reach::Manifests }
}

/// Whether a Python environment has the tree at `point` installed as a copy: then its source is in there.
fn holds_copy_of(lib: &Path, point: &Path) -> bool {
    let folders = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).collect::<Vec<_>>();
    let installed = folders(lib).into_iter().flat_map(|python| folders(&python.join("site-packages")));
    let own = format!("file://{}", point.display());
    installed.filter(|path| path.extension().is_some_and(|extension| extension == "dist-info")).any(|info| {
        let text = places::read(&info.join("direct_url.json"), 1 << 16).unwrap_or_default();
        let Ok(origin) = serde_json::from_slice::<serde_json::Value>(&text) else { return false };
        let linked = origin["dir_info"]["editable"].as_bool().unwrap_or(false);
        origin["url"].as_str().is_some_and(|url| url.starts_with(&own)) && !linked
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TestSettings;
    use crate::runner::trial::{Trial, write};

    #[test]
    fn a_bench_of_installers_serves_all_trees_with_these_manifests() {
        let files = [("pyproject.toml", "[tool.pytest.ini_options]\n"), ("test_a.py", "def test_a(): pass\n")];
        let trial = Trial::new(&files, TestSettings::default());
        assert_eq!(reach(&trial.bench), Reach::Manifests, "{:?}", trial.bench.suites);
        let own = TestSettings { setup: Some(vec!["echo made > made.py".to_owned()]), ..TestSettings::default() };
        assert_eq!(reach(&Trial::new(&files, own).bench), Reach::Tree);
    }

    #[test]
    fn an_installed_copy_binds_the_environment_to_its_tree() {
        let folder = tempfile::tempdir().unwrap();
        let info = "python3/site-packages/a.dist-info/direct_url.json";
        for (text, expected) in [
            (r#"{"url": "file:///loom/repo", "dir_info": {}}"#, true),
            (r#"{"url": "file:///loom/repo", "dir_info": {"editable": true}}"#, false),
            (r#"{"url": "https://example.org/a.zip"}"#, false),
            ("not json", false),
        ] {
            write(folder.path(), &[(info, text)]);
            assert_eq!(holds_copy_of(folder.path(), Path::new("/loom/repo")), expected, "{text}");
        }
    }
}
