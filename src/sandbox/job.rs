//! One child to start and what came of it, as plain data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One child to start, with everything it may see.
#[derive(Debug, Clone)]
pub struct Job {
    /// Program and arguments; the program is looked up in the child's PATH.
    pub argv: Vec<String>,
    /// Working directory, as the child sees it.
    pub cwd: PathBuf,
    /// Variables on top of the sandbox's own (PATH, HOME, LANG, TMPDIR and the toolchain's).
    pub env: BTreeMap<String, String>,
    /// What is mounted on top of the sandbox's own allow-list, in this order.
    pub mounts: Vec<Mount>,
    /// What the child can reach.
    pub network: Network,
    /// When it is stopped and how much of its output is kept.
    pub limits: Limits,
    /// What it reads on standard input; nothing when empty.
    pub stdin: Vec<u8>,
    /// Ends it like its deadline when nothing comes on standard output for so long.
    pub silence: Option<Duration>,
}

/// Host files that the child sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mount {
    /// To read.
    ReadOnly {
        /// On this machine.
        host: PathBuf,
        /// As the child sees it.
        inside: PathBuf,
    },
    /// To read and write.
    ReadWrite {
        /// On this machine.
        host: PathBuf,
        /// As the child sees it.
        inside: PathBuf,
    },
}

/// What a child can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Its own loopback only.
    Private,
    /// The machine's network. For setup alone, before any model-written code exists.
    Host,
}

/// When a child is stopped and how much of its output is kept.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Wall clock; then the whole tree is killed.
    pub wall: Duration,
    /// Bytes kept from the beginning of each stream.
    pub head: usize,
    /// Bytes kept from the end of each stream.
    pub tail: usize,
}

/// What came of a child.
#[derive(Debug, Clone)]
pub struct Finished {
    /// How it ended.
    pub ending: Ending,
    /// What it wrote to standard output.
    pub stdout: Capture,
    /// What it wrote to standard error.
    pub stderr: Capture,
    /// Wall clock.
    pub elapsed: Duration,
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// By itself, with this code.
    Exited(i32),
    /// By a signal that loom did not send.
    Signalled(i32),
    /// Killed at its deadline.
    TimedOut,
}

/// The beginning and the end of a stream.
#[derive(Debug, Clone, Default)]
pub struct Capture {
    /// From the beginning.
    pub head: Vec<u8>,
    /// From the end; empty when nothing was cut.
    pub tail: Vec<u8>,
    /// Bytes between the two that were dropped.
    pub cut: u64,
}

impl Mount {
    /// On this machine.
    pub fn host(&self) -> &Path {
        let (Mount::ReadOnly { host, .. } | Mount::ReadWrite { host, .. }) = self;
        host
    }

    /// As the child sees it.
    pub fn inside(&self) -> &Path {
        let (Mount::ReadOnly { inside, .. } | Mount::ReadWrite { inside, .. }) = self;
        inside
    }
}

impl Finished {
    /// Exit code 0.
    pub fn ok(&self) -> bool {
        self.ending == Ending::Exited(0)
    }
}

impl Capture {
    /// All that was kept, as text, the cut marked by its size.
    pub fn text(&self) -> String {
        let head = String::from_utf8_lossy(&self.head);
        if self.cut == 0 {
            return format!("{head}{}", String::from_utf8_lossy(&self.tail));
        }
        format!("{head}\n[... {} bytes cut ...]\n{}", self.cut, String::from_utf8_lossy(&self.tail))
    }
}
