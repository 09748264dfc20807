//! Words in and out: one file per subcommand. The only room that prints.

mod amounts;
mod arguments;
mod config;
mod failure;
mod flakes;
mod overrides;
mod plain;
mod progress;
mod run_issue;
mod screen;
mod session;
mod status;
mod stop;

use std::process::ExitCode;

use arguments::{Arguments, Command};
use progress::Progress;
use screen::Screen;
use session::Session;

use crate::config::HostEnvironment;
use crate::error::Result;
use crate::pipeline;
use crate::task::Reporter;

/// The whole program: what was typed in, an exit code out.
pub fn main() -> ExitCode {
    let environment = HostEnvironment::current();
    let arguments = match arguments::read(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(answer) => return failure::usage(&answer, &environment),
    };
    let screen = Screen::new(&arguments.general, &environment);
    let result = failure::catching_panics(|| run(&arguments, environment, &screen));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure::report(&screen, &failure),
    }
}

fn run(arguments: &Arguments, environment: HostEnvironment, screen: &Screen) -> Result<()> {
    let session = Session::open(arguments, environment, screen)?;
    match &arguments.command {
        Command::RunIssue(run) => finish(&session, |reporter| run_issue::run_issue(&session, run, reporter)),
        Command::Verify(run) => finish(&session, |reporter| run_issue::verify(&session, run, reporter)),
        Command::Publish(run) => finish(&session, |reporter| run_issue::publish(&session, run, reporter)),
        Command::Status(asked) => status::show(&session, asked),
        Command::Flakes(asked) => flakes::run(&session, asked),
        Command::Config => config::show(&session),
    }
}

/// Runs with progress on the screen, then shows the result.
fn finish(session: &Session, work: impl FnOnce(&dyn Reporter) -> Result<run_issue::Shown>) -> Result<()> {
    stop::listen(&session.screen, &session.cancel)?;
    let progress = Progress::begin(&session.screen);
    let shown = work(&progress);
    // The moving line ends before anything is printed, a failure too.
    drop(progress);
    let shown = shown?;
    session.screen.show(&shown.text);
    session.screen.show_json(&shown.json);
    pipeline::sweep(&session.locations);
    Ok(())
}
