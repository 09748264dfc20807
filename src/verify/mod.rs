//! The proof: cells, red or not, flips, tampering, and the verdict that only this room can build.
//! Never sees the model. Takes trees and reports, gives evidence with the lines that decided.

mod contract;
mod evidence;
mod verdict;

pub use contract::{Judge, baseline, prove};
pub use evidence::{Cell, CellRun, Evidence, Flip, Proven, RedKind};
pub use verdict::{Proof, Question, Reason, Ruling, Verdict};
