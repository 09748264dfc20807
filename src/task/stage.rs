//! The stages of a task and the states of its row. Owns their names; order is the pipeline's.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident => $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// All of them, in their natural order.
            pub const ALL: &[$name] = &[$($name::$variant,)+];

            /// The name in the database, in JSON and on the screen.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }

            /// The one with this name.
            pub fn named(text: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|one| one.as_str() == text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

names!(
    /// One step of a task; each is recorded before it begins and when it ends.
    Stage {
        /// Read and freeze the issue, decide whether to work on it.
        Admit => "admit",
        /// Bring the repository at the base commit.
        Clone => "clone",
        /// Install what the tests need.
        Setup => "setup",
        /// The agent edits.
        Generate => "generate",
        /// Formatter, linter and type check of the repository.
        Checks => "checks",
        /// The proof.
        Verify => "verify",
        /// A second look at the patch.
        Review => "review",
        /// Branch and pull request.
        Publish => "publish",
        /// Labels and the status comment.
        Report => "report",
    }
);

names!(
    /// Where a task stands in the queue.
    TaskState {
        /// Waits for a worker.
        Pending => "pending",
        /// A worker holds its claim.
        Running => "running",
        /// Ended as it should.
        Completed => "completed",
        /// Ended with a failure that was reported.
        Failed => "failed",
        /// Ended by a person.
        Cancelled => "cancelled",
    }
);
