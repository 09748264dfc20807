//! Where a setting's value came from, and one value on its way into the settings.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub enum Source {
    /// Nobody set it.
    Default,
    /// The user's settings file.
    File {
        /// Which file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// Found in the working folder rather than named or in the user's own configuration folder.
        found: bool,
    },
    /// `loom.toml` in the base tree of the repository under work.
    Repository {
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        variable: String,
    },
    /// The command line.
    Flag {
        /// As it is typed, like `--model`.
        flag: String,
    },
}

impl Source {
    /// Did the person at the keyboard or the operator set it? Their word stands above a repository's.
    pub fn by_user(&self) -> bool {
        match self {
            Source::Default | Source::Repository { .. } => false,
            Source::File { .. } | Source::Environment { .. } | Source::Flag { .. } => true,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::File { path, line, column, .. } => write!(f, "{}:{line}:{column}", path.display()),
            Source::Repository { line, column } => write!(f, "the repository's loom.toml:{line}:{column}"),
            Source::Environment { variable } => f.write_str(variable),
            Source::Flag { flag } => f.write_str(flag),
        }
    }
}

/// One value for one key.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The key's path.
    pub key: String,
    /// The value, already tried against the key's type.
    pub value: Value,
    /// Who says so.
    pub source: Source,
}
