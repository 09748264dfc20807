//! loom turns a labelled issue into a draft pull request that proves its tests work.
//!
//! ```text
//! Issue -> Task -> Claim -> Workspace -> Patch -> Verdict -> Proposal -> PullRequest
//! forge    queue   queue    workspace    workspace verify    proposal    forge
//! ```
//!
//! A room may use the rooms below it in this list, never one above; `tests/house.rs` checks it.

pub mod cli;
pub mod pipeline;
pub mod agent;
pub mod forge;
pub mod proposal;
pub mod verify;
pub mod runner;
pub mod workspace;
pub mod queue;
pub mod model;
pub mod guard;
pub mod sandbox;
pub mod config;
pub mod task;
pub mod error;
