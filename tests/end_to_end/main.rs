//! Tests that drive the real `loom` binary as a user would. One binary, one module per subject.

// A test that cannot go on has failed: that is what `unwrap` says here.
#![allow(clippy::unwrap_used)]

mod attack;
mod bad_models;
mod cli;
mod fake_github;
mod forge;
mod gate;
mod github;
mod honest;
mod house;
mod loom;
mod no_room;
mod odd_commands;
mod odd_repositories;
mod provider;
mod resume;
mod scenarios;
mod scene;
mod status;
mod stop;
mod tokens;
mod verify;
mod verify_pull;
