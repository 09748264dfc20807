//! What rspec and minitest share: bundler where it can serve, frames of Ruby, the kind of an error.

use super::FaultKind;
use super::session::{Child, Deadline, Session};
use crate::error::Result;

/// The suite's command; without `bundle exec` where not all that the Gemfile names is installed: then the tests run with
/// what this machine has, and what is missing says so when it is loaded.
pub(super) fn command(session: &Session<'_>, deadline: Deadline) -> Result<String> {
    let command = session.suite.command.clone();
    let Some(bare) = without_bundler(&command) else { return Ok(command) };
    let checked = session.start(Child::shell("bundle check"), deadline)?;
    Ok(if checked.ok() { command } else { bare })
}

fn without_bundler(command: &str) -> Option<String> {
    let at = command.find("bundle exec ")?;
    let alone = command[..at].chars().next_back().is_none_or(char::is_whitespace);
    alone.then(|| format!("{}{}", &command[..at], &command[at + "bundle exec ".len()..]))
}

/// `/repo/lib/a.rb:3:in `add'` as `lib/a.rb:3 in add`, deepest first.
pub(super) fn trace(frames: &[String], place: &dyn Fn(&str) -> Option<String>) -> String {
    let lines = frames.iter().filter_map(|frame| {
        let (path, at, method) = parts(frame)?;
        let path = place(path).unwrap_or_else(|| path.to_owned());
        Some(if method.is_empty() { format!("{path}:{at}:\n") } else { format!("{path}:{at} in {method}\n") })
    });
    lines.collect()
}

fn parts(frame: &str) -> Option<(&str, &str, &str)> {
    let (place, method) = frame.split_once(":in ").unwrap_or((frame, ""));
    let (path, at) = place.rsplit_once(':')?;
    at.bytes().all(|byte| byte.is_ascii_digit()).then(|| (path, at, method.trim_matches(['`', '\''])))
}

/// A message about the number of arguments, with the method that it is about: Ruby tells it by the first frame only.
pub(super) fn arity(message: &str, frames: &[String]) -> String {
    let method = frames.first().and_then(|frame| parts(frame)).map(|(_, _, method)| method.rsplit(['#', '.']).next().unwrap_or(method));
    match method.filter(|_| message.contains("wrong number of arguments (") && !message.contains(" for `")) {
        Some(method) => message.replacen(')', &format!(") for `{method}'"), 1),
        None => message.to_owned(),
    }
}

/// What sort of failure an error is, by its classes.
pub(super) fn kind(mro: &[String]) -> FaultKind {
    let is = |name: &str| mro.iter().any(|one| one == name);
    if is("Minitest::Assertion") || mro.iter().any(|one| one.starts_with("RSpec::Expectations::") || one.starts_with("RSpec::Mocks::")) {
        FaultKind::Assertion
    } else if is("Timeout::Error") || is("Timeout::ExitException") {
        FaultKind::Hang
    } else {
        FaultKind::Error
    }
}

/// Whether an error was raised by a hook named like one of these, and not by the test's own code.
pub(super) fn raised_in(frames: &[String], hooks: &[&str], place: &dyn Fn(&str) -> Option<String>) -> bool {
    let own = frames.iter().filter_map(|frame| parts(frame)).filter(|(path, _, _)| place(path).is_some());
    own.map(|(_, _, method)| method.rsplit(['#', '.', ' ']).next().unwrap_or(method)).any(|method| hooks.contains(&method))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_old_and_new_rubies() {
        let frames = ["/loom/repo/lib/a.rb:3:in `add'", "/loom/repo/t.rb:9:in 'T#setup'", "/usr/lib/x.rb:1", "odd"].map(str::to_owned);
        let place = |path: &str| path.strip_prefix("/loom/repo/").map(str::to_owned);
        assert_eq!(trace(&frames, &place), "lib/a.rb:3 in add\nt.rb:9 in T#setup\n/usr/lib/x.rb:1:\n");
        assert!(raised_in(&frames, &["setup"], &place) && !raised_in(&frames, &["teardown"], &place));
    }

    #[test]
    fn bundler_is_left_out_only_as_a_word() {
        assert_eq!(without_bundler("CI=1 bundle exec rake test").as_deref(), Some("CI=1 rake test"));
        assert_eq!(without_bundler("rake test"), None);
        assert_eq!(without_bundler("unbundle exec x"), None);
    }
}
