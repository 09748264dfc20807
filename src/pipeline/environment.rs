//! With what a proof is made: loom, git, the tools of the suites. For the record only; what cannot be told is left out.

use std::path::Path;

use super::ground::{GIT_WALL, Ground};
use crate::error::Result;
use crate::proposal::Environment;
use crate::runner::{self, Bench};
use crate::sandbox::{Cancel, GitJob, git};

/// Asks the tools themselves, in the base tree: a repository may pin their versions.
pub fn environment(ground: &Ground, bench: &Bench, cancel: &Cancel) -> Result<Environment> {
    let host = ground.exported()?;
    let private = ground.folder.fresh("private.tools")?;
    let tools = match runner::versions(&ground.sandbox, bench, &host, &private, cancel) {
        Ok(tools) => tools,
        Err(failure) if cancel.requested().is_some() => return Err(failure),
        Err(_) => Default::default(),
    };
    Ok(Environment {
        loom: env!("CARGO_PKG_VERSION").to_owned(),
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        git: git_version(&host, cancel),
        tools,
    })
}

fn git_version(cwd: &Path, cancel: &Cancel) -> String {
    let asked = git(&GitJob { args: &["--version"], cwd: cwd.parent().unwrap_or(cwd), credential: None, wall: GIT_WALL }, cancel);
    asked.map(|finished| finished.stdout.text().trim().to_owned()).unwrap_or_default()
}
