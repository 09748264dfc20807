//! The binary: the exit code of `loom_agent::cli::main`, nothing else.

fn main() -> std::process::ExitCode {
    loom_agent::cli::main()
}
