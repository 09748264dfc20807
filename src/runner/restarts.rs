//! A run that one test ended, by a crash or by hanging where no signal reaches it, is begun again without the tests that
//! were told of: one of them must not cost the results of the others.

use std::collections::BTreeSet;

use super::session::{Deadline, Session};
use crate::error::Result;
use crate::sandbox::Ending;

/// At most so many tests may end their run.
const MOST: usize = 8;
/// What the plugins' timer of processor time ends a process by: SIGVTALRM.
const SIGNAL: i32 = 26;

/// Ended by the plugin's own timer.
pub(super) const HARD: Ending = Ending::Signalled(SIGNAL);

/// What one run told.
pub(super) struct Told {
    /// It came to its own end, or was stopped at the limit of the whole run.
    pub(super) finished: bool,
    /// Tests that began, by the runner's own names.
    pub(super) begun: Vec<String>,
}

/// The ending, the shell between taken away.
pub(super) fn hard_limit(ending: Ending) -> Ending {
    if ending == Ending::Exited(128 + SIGNAL) { HARD } else { ending }
}

/// Whether a run that did not finish with this ending left tests that can still be run.
pub(super) fn cut_off(ending: Ending) -> bool {
    ending != Ending::TimedOut
}

/// Whether to begin again; notes what is done.
pub(super) fn wanted(session: &Session<'_>, done: &mut BTreeSet<String>, told: Told, deadline: Deadline) -> bool {
    // Where nothing can be left out, the same end would come again.
    let news = told.begun.iter().any(|id| !done.contains(id));
    done.extend(told.begun);
    let restarts = session.restarts.get() + 1;
    session.restarts.set(restarts);
    !told.finished && news && restarts <= MOST && !deadline.spent()
}

/// Writes down what is done; answers with the file as children see it.
pub(super) fn plant_done(session: &Session<'_>, done: &BTreeSet<String>) -> Result<String> {
    let text = done.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
    Ok(session.plant("done.txt", &text)?.join("done.txt").to_string_lossy().into_owned())
}
