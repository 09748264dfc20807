//! What the tests of this room share: a job in a few words, and a lock that tells whether anybody is left.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use super::{Cancel, Job, Limits, Mount, Network, Sandbox};
use crate::config::SandboxSettings;

/// A shell script with a minute of time.
pub(super) fn job(script: &str) -> Job {
    Job {
        argv: ["bash", "-c", script].map(String::from).into(),
        cwd: "/tmp".into(),
        env: BTreeMap::new(),
        mounts: Vec::new(),
        network: Network::Private,
        limits: Limits { wall: Duration::from_secs(60), head: 10_000, tail: 10_000 },
        stdin: Vec::new(),
        silence: None,
    }
}

pub(super) fn sandbox() -> Sandbox {
    Sandbox::new(&SandboxSettings::default()).unwrap()
}

pub(super) fn bare() -> Sandbox {
    Sandbox::new(&SandboxSettings { unsafe_none: true, ..SandboxSettings::default() }).unwrap()
}

/// The words of a child that must succeed.
pub(super) fn said(sandbox: &Sandbox, job: &Job) -> String {
    let finished = sandbox.run(job, &Cancel::default()).unwrap();
    assert!(finished.ok(), "{:?}: {} {}", finished.ending, finished.stdout.text(), finished.stderr.text());
    finished.stdout.text().trim().to_string()
}

/// Processes that want to outlive their job, and whether they did.
pub(super) struct Survivors {
    folder: TempDir,
}

impl Survivors {
    pub(super) fn new() -> Survivors {
        Survivors { folder: tempfile::tempdir().unwrap() }
    }

    /// A job in whose script `DAEMON` is a detached process that holds the lock, hears no signal and has begun when the
    /// next word runs.
    pub(super) fn job(&self, script: &str) -> Job {
        let daemon = "exec 9>lock; flock 9; setsid bash -c 'trap \"\" TERM HUP INT; (trap \"\" TERM HUP; exec sleep 1000) & \
                      touch ready; while :; do sleep 1000; done' >/dev/null 2>&1 & until [ -e ready ]; do sleep 0.01; done; exec 9>&-";
        let folder = self.folder.path().to_path_buf();
        let mount = Mount::ReadWrite { host: folder.clone(), inside: folder.clone() };
        Job { cwd: folder, mounts: vec![mount], ..job(&script.replace("DAEMON", daemon)) }
    }

    pub(super) fn began(&self) -> bool {
        self.folder.path().join("ready").exists()
    }

    /// Fails when a process that inherited the lock is still there.
    pub(super) fn assert_gone(&self) {
        assert!(self.began(), "the daemon never began, so nothing was tried");
        let lock = File::open(self.folder.path().join("lock")).unwrap();
        flock(&lock, FlockOperation::NonBlockingLockExclusive).expect("a process of the job still holds the lock");
    }
}

/// An executable script.
pub(super) fn program(folder: &Path, name: &str, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(folder).unwrap();
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    file
}
