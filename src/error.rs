//! A failure is a kind, a cause and hints; the kind alone decides the exit code.
//! Owns the one table of exit codes. Printing a failure is `cli`'s work.

use std::fmt;

/// What went wrong, as far as a caller or a script must tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A defect of loom itself, a panic too.
    Internal,
    /// The command line makes no sense.
    Usage,
    /// Configuration or credentials.
    Config,
    /// The forge refused or cannot be reached.
    Forge,
    /// Clone, git, setup or disk.
    Workspace,
    /// The model provider failed or refused.
    Model,
    /// The agent stopped or changed nothing.
    NoPatch,
    /// There is a patch and the verdict is `Rejected`.
    Rejected,
    /// There is a patch and the verdict is `Inconclusive`.
    Inconclusive,
    /// Refused, claimed by someone else, or nothing to do.
    Skipped,
    /// A budget or a deadline is spent.
    Budget,
    /// A drain in which some tasks failed.
    SomeFailed,
    /// Cancelled by a person.
    Cancelled,
    /// No sandbox on this machine.
    NoSandbox,
    /// SIGINT: the task went back to the queue.
    Interrupted,
    /// SIGTERM: the task went back to the queue.
    Terminated,
}

impl Kind {
    /// Every kind, in the order of the exit codes.
    pub const ALL: [Kind; 16] = [
        Kind::Internal,
        Kind::Usage,
        Kind::Config,
        Kind::Forge,
        Kind::Workspace,
        Kind::Model,
        Kind::NoPatch,
        Kind::Rejected,
        Kind::Inconclusive,
        Kind::Skipped,
        Kind::Budget,
        Kind::SomeFailed,
        Kind::Cancelled,
        Kind::NoSandbox,
        Kind::Interrupted,
        Kind::Terminated,
    ];

    /// The process exit code (0 is success and has no kind).
    pub const fn exit_code(self) -> u8 {
        self.row().0
    }

    /// The meaning of the code, as README and `--help` show it.
    pub const fn meaning(self) -> &'static str {
        self.row().1
    }

    const fn row(self) -> (u8, &'static str) {
        match self {
            Kind::Internal => (1, "internal error: please report"),
            Kind::Usage => (2, "wrong command line"),
            Kind::Config => (3, "configuration or credentials"),
            Kind::Forge => (4, "forge refused or unreachable"),
            Kind::Workspace => (5, "workspace: clone, git, setup, disk"),
            Kind::Model => (6, "model provider failed or refused"),
            Kind::NoPatch => (10, "no patch: the agent stopped or changed nothing"),
            Kind::Rejected => (11, "patch made, verdict rejected"),
            Kind::Inconclusive => (12, "patch made, verdict inconclusive"),
            Kind::Skipped => (13, "skipped: refused, claimed by someone else, nothing to do"),
            Kind::Budget => (14, "budget or deadline spent"),
            Kind::SomeFailed => (15, "drain: some tasks failed"),
            Kind::Cancelled => (16, "cancelled by a person"),
            Kind::NoSandbox => (20, "no sandbox available"),
            Kind::Interrupted => (130, "interrupted: task returned to the queue"),
            Kind::Terminated => (143, "terminated: task returned to the queue"),
        }
    }
}

/// The error type of every room.
pub struct Failure {
    /// Decides the exit code.
    pub kind: Kind,
    /// What was being done and to what, outermost first.
    pub cause: anyhow::Error,
    /// What to do next, most useful first.
    pub hints: Vec<String>,
}

/// What every fallible function of loom returns.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// A failure that starts here.
    pub fn new(kind: Kind, what: impl fmt::Display) -> Self {
        Failure { kind, cause: anyhow::anyhow!("{what}"), hints: Vec::new() }
    }

    /// The same failure with one more thing the reader can do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same failure seen from one step further out.
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        self.cause = self.cause.context(doing.to_string());
        self
    }

    /// The same failure under another kind.
    pub fn of_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// The cause chain in one line: `what: because: because`.
    pub fn line(&self) -> String {
        format!("{:#}", self.cause)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:#}", self.kind, self.cause)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cause)
    }
}

/// An error nobody gave a kind is a defect of loom.
impl From<anyhow::Error> for Failure {
    fn from(cause: anyhow::Error) -> Self {
        Failure { kind: Kind::Internal, cause, hints: Vec::new() }
    }
}

/// Gives foreign errors a kind and says what was being done.
pub trait OrFail<T> {
    /// `doing` is a phrase like "cloning acme/widget".
    fn or_fail<D: fmt::Display>(self, kind: Kind, doing: impl FnOnce() -> D) -> Result<T>;
}

impl<T, E: Into<anyhow::Error>> OrFail<T> for std::result::Result<T, E> {
    fn or_fail<D: fmt::Display>(self, kind: Kind, doing: impl FnOnce() -> D) -> Result<T> {
        self.map_err(|error| Failure { kind, cause: error.into().context(doing().to_string()), hints: Vec::new() })
    }
}

/// The same two words on a result that already carries a `Failure`.
pub trait Explain<T> {
    /// Says what was being done one step further out.
    fn context<D: fmt::Display>(self, doing: impl FnOnce() -> D) -> Result<T>;
    /// Says what the reader can do next.
    fn hint(self, hint: impl Into<String>) -> Result<T>;
}

impl<T> Explain<T> for Result<T> {
    fn context<D: fmt::Display>(self, doing: impl FnOnce() -> D) -> Result<T> {
        self.map_err(|failure| failure.context(doing()))
    }

    fn hint(self, hint: impl Into<String>) -> Result<T> {
        self.map_err(|failure| failure.hint(hint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_distinct_and_never_zero() {
        let mut codes: Vec<u8> = Kind::ALL.iter().map(|kind| kind.exit_code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Kind::ALL.len());
        assert!(!codes.contains(&0));
    }

    #[test]
    fn the_cause_chain_reads_outermost_first() {
        let failure = Failure::new(Kind::Forge, "answered 502").context("reading acme/widget#12");
        assert_eq!(failure.line(), "reading acme/widget#12: answered 502");
    }
}
