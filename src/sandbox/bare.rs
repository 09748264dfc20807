//! Children without any sandbox (`--unsafe-no-sandbox`), for machines that are thrown away afterwards: a cleared
//! environment, a private home and the end of the whole process tree is all they get. They have the machine's network
//! and files. What a mount shows is moved there for the length of the run (`moves`), so they run one after another.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

use super::environment;
use super::moves::Moves;
use super::spawn::start;
use super::tree::{MARK, Tree};
use super::untrusted::not_started;
use super::watch::Watch;
use super::{Cancel, Finished, Job, Network};
use crate::config::{HostEnvironment, SandboxSettings};
use crate::error::{Failure, Kind, OrFail, Result};

/// All that is the same for every child.
pub(super) struct Bare {
    variables: BTreeMap<String, String>,
    path: String,
    /// Two trees cannot be in one place.
    one_at_a_time: Mutex<()>,
    _home: TempDir,
}

impl Bare {
    pub(super) fn new(host: &HostEnvironment, settings: &SandboxSettings) -> Result<Bare> {
        let home = tempfile::Builder::new().prefix("loom-home-").tempdir().or_fail(Kind::Workspace, || "making a home for children")?;
        let path = environment::path(host, |_| true);
        let mut variables = environment::variables(host, &settings.env, Network::Host);
        variables.insert("HOME".to_string(), home.path().display().to_string());
        variables.insert("PATH".to_string(), path.clone());
        Ok(Bare { variables, path, one_at_a_time: Mutex::default(), _home: home })
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn run(&self, job: &Job, cancel: &Cancel) -> Result<Finished> {
        let (program, arguments) = job.argv.split_first().ok_or_else(|| Failure::new(Kind::Internal, "a child without a program"))?;
        let _turn = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        let _moves = Moves::make(&job.mounts)?;
        let mark = format!("{:016x}", fastrand::u64(..));
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&job.cwd).env_clear().envs(&self.variables).envs(&job.env).env(MARK, &mark);
        let child = start(&mut command, &job.stdin).map_err(|error| {
            let missing = error.kind() == std::io::ErrorKind::NotFound && job.cwd.is_dir();
            let reason = if missing { error.to_string() } else { format!("{error} (in {})", job.cwd.display()) };
            not_started(program, &reason, &self.path, missing)
        })?;
        Ok(Watch::new(child, Tree::Marked(mark), &job.stdin, &job.limits, cancel)?.silence(job.silence).finish()?.0)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::sandbox::Mount;
    use crate::sandbox::trial::{bare, job, said};

    #[test]
    fn a_child_finds_its_tree_at_the_point() {
        let folder = tempfile::tempdir().unwrap();
        let (tree, deps) = (folder.path().join("tree"), folder.path().join("deps"));
        std::fs::create_dir(&tree).unwrap();
        std::fs::create_dir(&deps).unwrap();
        std::fs::write(deps.join("lib"), "1").unwrap();
        let sandbox = bare();
        let point = sandbox.point(&tree);
        assert_eq!(point, sandbox.point(&deps));
        let mounts = vec![
            Mount::ReadWrite { host: tree.clone(), inside: point.clone() },
            Mount::ReadOnly { host: deps, inside: point.join("node_modules") },
        ];
        let shown = Job { cwd: point.clone(), mounts, ..job("realpath . node_modules; cat node_modules/lib; touch made") };
        assert_eq!(said(&sandbox, &shown), format!("{0}\n{0}/node_modules\n1", point.display()));
        assert!(tree.join("made").exists() && !tree.join("node_modules").exists() && !point.exists());
    }

    #[test]
    fn the_environment_is_cleared() {
        let host = [("PATH", "/usr/bin:/bin"), ("HOME", "/root"), ("GITHUB_TOKEN", "planted")];
        let host = host.map(|(name, value)| (name.to_string(), value.to_string())).into_iter().collect();
        let bare = Bare::new(&host, &SandboxSettings::default()).unwrap();
        let seen = bare.run(&job("env"), &Cancel::default()).unwrap().stdout.text();
        let home = seen.lines().find_map(|line| line.strip_prefix("HOME=")).unwrap();
        assert!(home != "/root" && Path::new(home).is_dir() && !seen.contains("planted"), "{seen}");
    }
}
