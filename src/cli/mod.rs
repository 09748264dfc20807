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
mod verify;

use std::process::ExitCode;

use arguments::{Arguments, Command};
use progress::Progress;
use run_issue::{Ends, Shown};
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
        Ok(Ends::Well) => ExitCode::SUCCESS,
        Ok(Ends::As(kind)) => ExitCode::from(kind.exit_code()),
        Err(failure) => failure::report(&screen, &failure),
    }
}

fn run(arguments: &Arguments, environment: HostEnvironment, screen: &Screen) -> Result<Ends> {
    let session = Session::open(arguments, environment, screen)?;
    match &arguments.command {
        Command::RunIssue(run) => finish(&session, |reporter| run_issue::run_issue(&session, run, reporter)),
        Command::Verify(run) => finish(&session, |reporter| verify::verify(&session, run, reporter)),
        Command::Publish(run) => finish(&session, |reporter| run_issue::publish(&session, run, reporter)),
        Command::Status(asked) => status::show(&session, asked).map(|()| Ends::Well),
        Command::Flakes(asked) => flakes::run(&session, asked).map(|()| Ends::Well),
        Command::Config => config::show(&session).map(|()| Ends::Well),
    }
}

/// Runs with progress on the screen, then shows the result.
fn finish(session: &Session, work: impl FnOnce(&dyn Reporter) -> Result<Shown>) -> Result<Ends> {
    stop::listen(&session.screen, &session.cancel)?;
    let progress = Progress::begin(&session.screen);
    let shown = work(&progress);
    // The moving line ends before anything is printed, a failure too.
    drop(progress);
    if let Ok(shown) = &shown {
        session.screen.show(&shown.text);
        session.screen.show_json(&shown.json);
    }
    pipeline::sweep(&session.locations);
    shown.map(|shown| shown.ends)
}
