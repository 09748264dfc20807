//! The binary: the exit code of `loom_agent::cli::main`, nothing else.

fn main() {}
