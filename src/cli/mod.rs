//! Words in and out: one file per subcommand. The only room that prints.

mod arguments;
mod config;
mod failure;
mod overrides;
mod run_issue;
mod screen;
mod session;
mod stop;

use std::process::ExitCode;

use arguments::{Arguments, Command};
use screen::Screen;
use session::Session;

use crate::config::Environment;
use crate::error::Result;
use crate::task::{Reporter, Silent};

/// The whole program: what was typed in, an exit code out.
pub fn main() -> ExitCode {
    let environment = Environment::of_process();
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

fn run(arguments: &Arguments, environment: Environment, screen: &Screen) -> Result<()> {
    let session = Session::open(arguments, environment, screen)?;
    match &arguments.command {
        Command::RunIssue(run) => finish(&session, |reporter| run_issue::run_issue(&session, run, reporter)),
        Command::Verify(run) => finish(&session, |reporter| run_issue::verify(&session, run, reporter)),
        Command::Publish(run) => finish(&session, |reporter| run_issue::publish(&session, run, reporter)),
        Command::Status(_) => Ok(()),
        Command::Config => config::show(&session),
    }
}

/// Runs with progress on the screen, then shows the result.
fn finish(session: &Session, work: impl FnOnce(&dyn Reporter) -> Result<run_issue::Shown>) -> Result<()> {
    let shown = work(&Silent)?;
    session.screen.show(&shown.text);
    session.screen.show_json(&shown.json);
    Ok(())
}
