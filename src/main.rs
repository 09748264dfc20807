//! The binary: the exit code of `loom_agent::cli::main`, nothing else. Started as a child's relay, that of the relay.

fn main() -> std::process::ExitCode {
    loom_agent::sandbox::relay().unwrap_or_else(loom_agent::cli::main)
}
