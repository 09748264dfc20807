//! The repository's own formatter, linter and type check: which there are, what they say of a tree, how a file looks
//! after the formatter. What is new compared with the base is `verify`'s to say.

mod detect;
mod format;
mod lint;
mod read;

pub use detect::checks;
pub use format::Formatter;
pub use lint::{Linter, Said};

use serde::{Deserialize, Serialize};

/// What judges the form of a repository's code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checks {
    /// Rewrite files; applied one after another.
    pub formatters: Vec<Formatter>,
    /// Find fault: linters and type checks.
    pub linters: Vec<Linter>,
}

/// One fault that a linter or type check found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Finding {
    /// The file, relative to the root; empty where the tool names none.
    pub file: String,
    /// Its line, where the tool says so.
    pub line: Option<u64>,
    /// The rule's name, where the tool says so.
    pub rule: String,
    /// What is wrong, in the tool's words.
    pub message: String,
}

impl Finding {
    /// As compilers write it.
    pub fn sentence(&self) -> String {
        let place = match self.line {
            Some(line) => format!("{}:{line}: ", self.file),
            None if self.file.is_empty() => String::new(),
            None => format!("{}: ", self.file),
        };
        let rule = if self.rule.is_empty() { String::new() } else { format!(" [{}]", self.rule) };
        format!("{place}{}{rule}", self.message)
    }
}
