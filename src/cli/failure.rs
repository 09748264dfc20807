//! The one printer of failures: `error: what`, `caused by:` lines, a blank line, `hint:` lines.
//! With `--json` the same fields as one object, the last line of stdout.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::arguments::General;
use super::plain;
use super::screen::{Form, Screen};
use crate::config::HostEnvironment;
use crate::error::{Failure, Kind, Result};

/// What the printed object holds.
#[derive(Serialize)]
struct Shown<'a> {
    error: String,
    kind: Kind,
    exit_code: u8,
    caused_by: Vec<String>,
    hints: &'a [String],
}

/// Prints the failure and gives its exit code.
pub fn report(screen: &Screen, failure: &Failure) -> ExitCode {
    match screen.form {
        Form::Text => screen.say(text(screen, failure)),
        Form::Json => screen.show_json(&Shown {
            error: failure.cause.to_string(),
            kind: failure.kind,
            exit_code: failure.kind.exit_code(),
            caused_by: causes(failure),
            hints: &failure.hints,
        }),
    }
    ExitCode::from(failure.kind.exit_code())
}

/// Shows what clap answers: help and version are data, a wrong command line is an error.
pub fn usage(answer: &clap::Error, environment: &HostEnvironment) -> ExitCode {
    // The line could not be read, so whether JSON was asked for is taken from the bare words.
    let json = std::env::args_os().skip(1).any(|word| word == "--json");
    if json && answer.use_stderr() {
        let screen = Screen::new(&General { json, ..General::default() }, environment);
        let text = answer.render().to_string();
        let text = text.trim_start_matches("error: ").trim_end();
        return report(&screen, &Failure::new(Kind::Usage, text));
    }
    // A closed pipe is no error.
    let _ = answer.print();
    if answer.use_stderr() { ExitCode::from(Kind::Usage.exit_code()) } else { ExitCode::SUCCESS }
}

/// Runs the work; a panic in it becomes a failure of loom itself.
pub fn catching_panics<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    static LAST: Mutex<Option<String>> = Mutex::new(None);
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("no message");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let trace = Backtrace::capture();
        let trace = if trace.status() == BacktraceStatus::Captured { format!("\n{trace}") } else { String::new() };
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{message} ({place}){trace}"));
    }));
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let last = LAST.lock().unwrap_or_else(PoisonError::into_inner).take();
        let what = last.unwrap_or_else(|| "no message".into());
        Err(Failure::new(Kind::Internal, what)
            .context("loom has a defect")
            .hint(concat!("please report this at ", env!("CARGO_PKG_REPOSITORY"), "/issues"))
            .hint("RUST_BACKTRACE=1 shows where it happened; the task can be started again"))
    })
}

fn text(screen: &Screen, failure: &Failure) -> String {
    let mut lines = vec![format!("{} {}", screen.painted(31, "error:"), plain::lines(&failure.cause.to_string()))];
    lines.extend(causes(failure).iter().map(|cause| format!("  caused by: {}", plain::lines(cause))));
    let hints = failure.hints.iter().map(|hint| format!("{} {}", screen.painted(36, "hint:"), plain::lines(hint)));
    if !failure.hints.is_empty() {
        lines.push(String::new());
    }
    lines.extend(hints);
    lines.join("\n")
}

/// From the second link on; a link that repeats the one before it says nothing.
fn causes(failure: &Failure) -> Vec<String> {
    let mut causes: Vec<String> = failure.cause.chain().map(ToString::to_string).collect();
    causes.dedup();
    causes.split_off(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_defect_to_report() {
        let hook = std::panic::take_hook();
        let failure = catching_panics::<()>(|| panic!("the floor gave way"));
        std::panic::set_hook(hook);
        let failure = failure.unwrap_err();
        assert_eq!((failure.kind, failure.kind.exit_code()), (Kind::Internal, 1));
        assert!(failure.line().starts_with("loom has a defect: the floor gave way (src/cli/failure.rs:"), "{failure:?}");
        assert!(failure.hints[0].starts_with("please report"));
    }

    #[test]
    fn what_then_why_then_what_to_do() {
        let failure = Failure::new(Kind::Forge, "answered 502").context("reading acme/widget#12").hint("try again").hint("or wait");
        let screen = Screen::new(&General::default(), &HostEnvironment::default());
        assert_eq!(text(&screen, &failure), "error: reading acme/widget#12\n  caused by: answered 502\n\nhint: try again\nhint: or wait");
    }
}
