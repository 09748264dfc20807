//! One task from issue to pull request as one sentence (`run.rs`); nothing here knows how a step is done.
//! Owns the order of stages, what a resumed attempt may skip, and that no end is without a visible word.

mod admission;
mod benches;
mod board;
mod change;
mod checks;
mod ending;
mod environment;
mod ground;
mod ledger;
mod mutate;
mod order;
mod publish;
mod pull_request;
mod pulse;
mod reprove;
mod rounds;
mod run;
mod scratch;
mod stages;
mod stale;
mod teller;
mod text;

pub use change::{Change, Proved, prove_change};
pub use ground::sweep;
pub use ledger::ledger_of;
pub use mutate::Mutate;
pub use order::{Again, Done, Means, Order, Until};
pub use publish::publish;
pub use pull_request::{Tell, prove_pull_request};
pub use reprove::reprove;
pub use run::run;
pub use text::refusal;
