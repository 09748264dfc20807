//! Tests that drive the real `loom` binary as a user would. One binary, one module per subject.

// A test that cannot go on has failed: that is what `unwrap` says here.
#![allow(clippy::unwrap_used)]

mod attack;
mod bad_models;
mod cli;
mod compiled;
mod dependencies;
mod examples;
mod fake_github;
mod flaky;
mod forge;
mod gate;
mod github;
#[path = "../shared/ground.rs"]
mod ground;
mod honest;
mod house;
mod leaks;
mod loom;
mod mutants;
mod needs;
mod no_room;
mod odd_commands;
mod odd_repositories;
mod odd_suites;
mod provider;
mod reasons;
mod resume;
mod scenarios;
mod scene;
mod slow;
mod status;
mod stop;
mod tokens;
mod verify;
mod verify_pull;
