//! The proof: cells, red or not, flips, tampering, and the verdict that only this room can build.
//! Never sees the model. Takes trees and reports, gives evidence with the lines that decided.

mod compare;
mod docs;
mod evidence;
mod facts;
mod asserts;
mod flips;
mod functions;
mod identify;
mod inline;
mod items;
mod paths;
mod red;
mod ruling;
mod runner_config;
mod split;
mod syntax;
mod tamper;
mod verdict;

pub use evidence::{Cell, CellRun, Evidence, Flip, Proven, RedKind};
pub use verdict::{Proof, Question, Reason, Ruling, Verdict};
