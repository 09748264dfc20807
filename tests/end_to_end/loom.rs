//! Starts the real binary as a user would: its own folder and home, and no variable of whoever runs the tests.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A home, a working folder, and what is to be typed there.
pub struct Loom {
    home: tempfile::TempDir,
    variables: Vec<(OsString, OsString)>,
}

/// What came of one run.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Loom {
    pub fn new() -> Loom {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("work")).unwrap();
        Loom { home, variables: Vec::new() }
    }

    /// Sets a variable for all runs from now on.
    pub fn with(mut self, name: &str, value: impl Into<OsString>) -> Loom {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Writes a file below the working folder.
    pub fn file(self, path: &str, text: impl AsRef<[u8]>) -> Loom {
        let path = self.folder().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// Where it is started.
    pub fn folder(&self) -> PathBuf {
        self.home.path().join("work")
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Where its queue file will be.
    pub fn queue(&self) -> PathBuf {
        self.home().join(".local/state/loom/queue.sqlite")
    }

    /// The command, ready to be started: for tests that need the process itself.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loom"));
        command.args(words).current_dir(self.folder()).env_clear().stdin(Stdio::null());
        // The toolchain of whoever runs the tests, and nothing else of theirs.
        for name in ["PATH", "RUSTUP_HOME", "CARGO_HOME", "LLVM_PROFILE_FILE"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.env("HOME", self.home()).env("LANG", "C.UTF-8").envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs it to its end.
    pub fn run(&self, words: &[&str]) -> Ended {
        let output = self.command(words).output().unwrap();
        Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// Fails the test with all that was said, unless the code is this one.
    #[track_caller]
    pub fn exits(self, code: i32) -> Ended {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// The last line of stdout as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        let last = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// A repository of all that lies in this folder, in one commit on `main`.
pub fn commit_all(folder: &Path) {
    for words in
        [&["-c", "init.defaultBranch=main", "init", "--quiet"][..], &["add", "--all", "--force"], &["commit", "--quiet", "--message=one"]]
    {
        let mut git = Command::new("git");
        git.args([
            "-c",
            "user.name=Ann",
            "-c",
            "user.email=ann@example.org",
            "-c",
            "commit.gpgsign=false",
            "-c",
            "gc.auto=0",
            "-c",
            "maintenance.auto=false",
        ])
        .args(words)
        .current_dir(folder);
        assert!(git.status().unwrap().success(), "git {words:?}");
    }
}
