//! The proof: cells, red or not, flips, tampering, and the verdict that only this room can build.
//! Never sees the model. Takes trees and reports, gives evidence with the lines that decided.

mod asserts;
mod aware;
mod cells;
mod checks;
mod compare;
mod docs;
mod evidence;
mod facts;
mod flips;
mod functions;
mod hollow;
mod identify;
mod inline;
mod items;
mod judge;
mod knowledge;
mod lost;
mod paths;
mod red;
mod remarks;
mod rerun;
mod ruling;
mod runner_config;
mod split;
mod syntax;
mod tamper;
mod trial;
mod troubles;
mod unknowable;
mod verdict;

pub use checks::{CheckOutcome, Checked, Checkup, Form};
pub use docs::is_documentation;
pub use evidence::{Cell, CellRun, Evidence, Flip, Proven, RedKind};
pub use judge::{Judge, baseline, prove};
pub use unknowable::unknowable;
pub use verdict::{Proof, Question, Reason, Ruling, Verdict};
