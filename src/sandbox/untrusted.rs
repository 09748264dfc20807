//! The untrusted profile: every child that comes from a repository or a model. One face for both tiers; what is shown
//! to children and how they are held is decided in the neighbours.

use std::path::{Path, PathBuf};

use super::bare::Bare;
use super::confined::Confined;
use super::probe::is_program;
use super::{Cancel, Finished, Job};
use crate::config::{HostEnvironment, SandboxSettings};
use crate::error::{Failure, Kind, Result};

/// What holds a child back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Namespaces by bubblewrap: own processes, network, mounts, environment.
    Bubblewrap,
    /// Nothing (`--unsafe-no-sandbox`).
    None,
}

/// Where every child under bubblewrap sees its tree.
const POINT: &str = "/loom/repo";

/// Starts untrusted children on this machine.
pub struct Sandbox(Hold);

enum Hold {
    Bubblewrap(Box<Confined>),
    None(Bare),
}

impl Sandbox {
    /// Probes the machine; without bubblewrap a `Kind::NoSandbox` failure with the command that installs it.
    pub fn new(settings: &SandboxSettings) -> Result<Sandbox> {
        Sandbox::on(&HostEnvironment::current(), settings)
    }

    /// The same in a given environment.
    pub fn on(host: &HostEnvironment, settings: &SandboxSettings) -> Result<Sandbox> {
        if settings.unsafe_none {
            return Ok(Sandbox(Hold::None(Bare::new(host, settings)?)));
        }
        Ok(Sandbox(Hold::Bubblewrap(Box::new(Confined::new(host, settings)?))))
    }

    /// What holds the children back.
    pub fn tier(&self) -> Tier {
        match self.0 {
            Hold::Bubblewrap(_) => Tier::Bubblewrap,
            Hold::None(_) => Tier::None,
        }
    }

    /// Where a tree kept at `host` appears to its children: one short fixed path under bubblewrap (`/loom/repo`),
    /// `here/repo` beside `host` without a sandbox, where trees are moved for the length of a run.
    pub fn point(&self, host: &Path) -> PathBuf {
        match self.0 {
            Hold::Bubblewrap(_) => PathBuf::from(POINT),
            Hold::None(_) => {
                let beside = host.parent().unwrap_or(Path::new("/"));
                // Children resolve links; what they tell must be found below this very path.
                beside.canonicalize().unwrap_or_else(|_| beside.to_path_buf()).join("here/repo")
            }
        }
    }

    /// The PATH of children, for a job that puts a folder in front of it.
    pub fn path(&self) -> &str {
        match &self.0 {
            Hold::Bubblewrap(confined) => confined.path(),
            Hold::None(bare) => bare.path(),
        }
    }

    /// The program's path as children would find it; none when they would not.
    pub fn which(&self, program: &str) -> Option<PathBuf> {
        let shown = |file: &Path| match &self.0 {
            Hold::Bubblewrap(confined) => confined.shows(file),
            Hold::None(_) => true,
        };
        std::env::split_paths(self.path()).map(|folder| folder.join(program)).find(|file| is_program(file) && shown(file))
    }

    /// Runs one child to its end; a failure only when it could not be started or a stop was asked for.
    pub fn run(&self, job: &Job, cancel: &Cancel) -> Result<Finished> {
        cancel.check()?;
        match &self.0 {
            Hold::Bubblewrap(confined) => confined.run(job, cancel),
            Hold::None(bare) => bare.run(job, cancel),
        }
    }
}

/// A child that never began, told like this in both tiers.
pub(super) fn not_started(program: &str, reason: &str, path: &str, missing: bool) -> Failure {
    let failure = Failure::new(Kind::Workspace, reason).context(format_args!("starting {program}"));
    if !missing {
        return failure;
    }
    failure.hint(format!("children look for programs in {path}; a further folder is shown to them by sandbox.read in loom.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::trial::{bare, job, said, sandbox};
    use crate::sandbox::{Ending, Job};

    fn ending(sandbox: &Sandbox, script: &str) -> Ending {
        sandbox.run(&job(script), &Cancel::default()).unwrap().ending
    }

    #[test]
    fn a_child_speaks_and_ends_alike_in_both_tiers() {
        for sandbox in [sandbox(), bare()] {
            assert_eq!(said(&sandbox, &job("echo hello; echo aside >&2")), "hello");
            assert_eq!(ending(&sandbox, "exit 7"), Ending::Exited(7));
            assert_eq!(ending(&sandbox, "kill -SEGV $$"), Ending::Signalled(11));
        }
    }

    #[test]
    fn the_users_toolchains_work_inside() {
        for sandbox in [sandbox(), bare()] {
            let said = |script: &str| said(&sandbox, &job(script));
            assert!(said("cargo --version").starts_with("cargo "));
            assert!(said("rustc --version").starts_with("rustc "));
            assert_eq!(said("python3 -c 'import ssl, multiprocessing; multiprocessing.Lock(); print(6 * 7)'"), "42");
            assert_eq!(said("node -e 'console.log(6 * 7)'"), "42");
            assert!(!said("npm --version && git --version").is_empty());
        }
    }

    #[test]
    fn a_missing_program_is_a_failure_that_says_where_was_looked() {
        for sandbox in [sandbox(), bare()] {
            let job = Job { argv: vec!["no-such-program".into()], ..job("") };
            let failure = sandbox.run(&job, &Cancel::default()).unwrap_err();
            assert!(failure.line().contains("no-such-program"), "{}", failure.line());
            assert!(failure.hints[0].contains("/usr/bin"), "{:?}", failure.hints);
            assert!(sandbox.which("no-such-program").is_none());
            assert!(sandbox.which("bash").is_some() && sandbox.which("cargo").is_some());
        }
    }
}
