//! STUB: signatures other rooms build on; the bodies move to files of their own.
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

use super::{Cancel, Finished, Job};
use crate::config::SandboxSettings;
use crate::error::Result;

/// What holds a child back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Namespaces by bubblewrap: own processes, network, mounts, environment.
    Bubblewrap,
    /// Nothing (`--unsafe-no-sandbox`).
    None,
}

/// Starts untrusted children on this machine.
pub struct Sandbox {}

impl Sandbox {
    /// Probes the machine; without bubblewrap a `Kind::NoSandbox` failure with the command that installs it.
    pub fn new(_settings: &SandboxSettings) -> Result<Sandbox> {
        todo!()
    }

    /// What holds the children back.
    pub fn tier(&self) -> Tier {
        todo!()
    }

    /// Where a tree kept at `host` appears to its children: one short fixed path under bubblewrap (`/loom/repo`),
    /// `host` itself without a sandbox.
    pub fn point(&self, _host: &Path) -> PathBuf {
        todo!()
    }

    /// Runs one child to its end; a failure only when it could not be started or a stop was asked for.
    pub fn run(&self, _job: &Job, _cancel: &Cancel) -> Result<Finished> {
        todo!()
    }

    /// The program's path as children would find it; none when they would not.
    pub fn which(&self, _program: &str) -> Option<PathBuf> {
        todo!()
    }
}

/// What opens a remote: sent as an HTTP header by git, only to URLs below `scope`.
#[derive(Debug, Clone)]
pub struct Credential {
    /// URL prefix, like `https://github.com/acme/widget`.
    pub scope: String,
    /// Basic authentication's password; the user name is `x-access-token`.
    pub token: SecretString,
}

/// One call of the `git` program, in the trusted profile.
pub struct GitJob<'a> {
    /// Arguments after `git`.
    pub args: &'a [&'a str],
    /// A folder that no agent wrote to.
    pub cwd: &'a Path,
    /// For the remote, if it asks.
    pub credential: Option<&'a Credential>,
    /// Wall clock.
    pub wall: Duration,
}

/// Runs git with a clean environment, hooks off and no prompt; a failure carries git's own words, redacted.
pub fn git(_job: &GitJob<'_>, _cancel: &Cancel) -> Result<Finished> {
    todo!()
}
