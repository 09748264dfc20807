//! Children without any sandbox (`--unsafe-no-sandbox`), for machines that are thrown away afterwards: a cleared
//! environment, a private home and the end of the whole process tree is all they get. They have the machine's network
//! and files. A mount becomes a symbolic link for the length of the run, where its path and the host's differ.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::environment;
use super::spawn::start;
use super::tree::{MARK, Tree};
use super::untrusted::not_started;
use super::watch::Watch;
use super::{Cancel, Finished, Job, Mount, Network};
use crate::config::{HostEnvironment, SandboxSettings};
use crate::error::{Explain, Failure, Kind, OrFail, Result};

/// All that is the same for every child.
pub(super) struct Bare {
    variables: BTreeMap<String, String>,
    path: String,
    _home: TempDir,
}

impl Bare {
    pub(super) fn new(host: &HostEnvironment, settings: &SandboxSettings) -> Result<Bare> {
        let home = tempfile::Builder::new().prefix("loom-home-").tempdir().or_fail(Kind::Workspace, || "making a home for children")?;
        let path = environment::path(host, |_| true);
        let mut variables = environment::variables(host, &settings.env, Network::Host);
        variables.insert("HOME".to_string(), home.path().display().to_string());
        variables.insert("PATH".to_string(), path.clone());
        Ok(Bare { variables, path, _home: home })
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn run(&self, job: &Job, cancel: &Cancel) -> Result<Finished> {
        let (program, arguments) = job.argv.split_first().ok_or_else(|| Failure::new(Kind::Internal, "a child without a program"))?;
        let _links = Links::make(&job.mounts)?;
        let mark = format!("{:016x}", fastrand::u64(..));
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&job.cwd).env_clear().envs(&self.variables).envs(&job.env).env(MARK, &mark);
        let child = start(&mut command, &job.stdin).map_err(|error| {
            let missing = error.kind() == std::io::ErrorKind::NotFound && job.cwd.is_dir();
            let reason = if missing { error.to_string() } else { format!("{error} (in {})", job.cwd.display()) };
            not_started(program, &reason, &self.path, missing)
        })?;
        Ok(Watch::new(child, Tree::Marked(mark), &job.stdin, &job.limits, cancel)?.finish()?.0)
    }
}

/// Links that stand in for mounts; removed at the end of the run.
struct Links(Vec<PathBuf>);

impl Links {
    fn make(mounts: &[Mount]) -> Result<Links> {
        let mut links = Links(Vec::new());
        for mount in mounts {
            let (host, inside) = (mount.host(), mount.inside());
            links.add(host, inside).context(|| format!("showing {} at {} without a sandbox", host.display(), inside.display()))?;
        }
        Ok(links)
    }

    fn add(&mut self, host: &Path, inside: &Path) -> Result<()> {
        let real = host.canonicalize().or_fail(Kind::Workspace, || "looking for it")?;
        if inside.canonicalize().is_ok_and(|there| there == real) {
            return Ok(());
        }
        if let Some(parent) = inside.parent() {
            std::fs::create_dir_all(parent).or_fail(Kind::Workspace, || "making its parent folder")?;
        }
        std::os::unix::fs::symlink(&real, inside).or_fail(Kind::Workspace, || "linking it")?;
        self.0.push(inside.to_path_buf());
        Ok(())
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        for link in self.0.iter().rev() {
            // The child may have replaced it by something of its own: only what is still a link is ours.
            if link.is_symlink() {
                let _ = std::fs::remove_file(link);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::trial::{bare, job, said};

    #[test]
    fn mounts_become_links_for_the_length_of_a_run() {
        let (tree, deps) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(deps.path().join("lib"), "1").unwrap();
        let sandbox = bare();
        assert_eq!(sandbox.point(tree.path()), tree.path());
        let mounts = vec![
            Mount::ReadWrite { host: tree.path().into(), inside: tree.path().into() },
            Mount::ReadOnly { host: deps.path().into(), inside: tree.path().join("node_modules") },
        ];
        let linked = Job { cwd: tree.path().into(), mounts, ..job("cat node_modules/lib") };
        assert_eq!(said(&sandbox, &linked), "1");
        assert!(!tree.path().join("node_modules").is_symlink());
        std::fs::create_dir(tree.path().join("node_modules")).unwrap();
        let failure = sandbox.run(&linked, &Cancel::default()).unwrap_err();
        assert!(failure.line().contains("node_modules"), "{}", failure.line());
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
