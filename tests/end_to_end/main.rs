//! Tests that drive the real `loom` binary as a user would. One binary, one module per subject.

// A test that cannot go on has failed: that is what `unwrap` says here.
#![allow(clippy::unwrap_used)]

mod attack;
mod bad_models;
#[path = "../shared/case.rs"]
#[allow(dead_code, reason = "the whole matrix reads more of it")]
mod case;
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
mod matrix;
mod mutants;
mod needs;
mod no_room;
mod odd_commands;
mod odd_repositories;
mod odd_suites;
#[path = "../shared/program.rs"]
mod program;
mod provider;
mod reasons;
mod resume;
#[path = "../shared/said.rs"]
#[allow(dead_code, reason = "what the library says is for the whole matrix")]
mod said;
mod scenarios;
mod scene;
mod slow;
mod status;
mod stop;
mod tokens;
mod verify;
mod verify_pull;
