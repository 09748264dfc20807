//! A run that one test ended, by a crash or by hanging where no signal reaches it, is begun again without the tests that
//! were told of: one of them must not cost the results of the others.

use std::collections::BTreeSet;
use std::path::Path;

use super::session::{Child, Deadline, Session};
use super::text::streams;
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

/// One of the runs, for whoever reads it.
pub(super) struct Heard<'a> {
    /// What the plugin wrote.
    pub(super) written: &'a str,
    /// How it ended.
    pub(super) ending: Ending,
    /// Tests that earlier runs told of.
    pub(super) done: &'a BTreeSet<String>,
    /// What was printed so far.
    pub(super) output: &'a str,
}

/// Starts a child of Python, with a plugin of loom's own where it is `planted`, as often as something is left to run;
/// answers with how the last one ended, and with what all of them printed.
pub(super) fn run(
    session: &Session<'_>,
    planted: &Path,
    child: impl Fn() -> Child,
    mut read: impl FnMut(&Heard<'_>) -> Told,
) -> Result<(Ending, String)> {
    let path = match session.tree.env.get("PYTHONPATH") {
        Some(before) => format!("{}:{before}", planted.display()),
        None => planted.display().to_string(),
    };
    let deadline = Deadline::after(session.settings.timeout.duration());
    let (mut done, mut output) = (BTreeSet::new(), String::new());
    loop {
        let results = session.drop("jsonl")?;
        let mut child = child()
            .env("PYTHONPATH", &path)
            .env("LOOM_CASE_LIMIT", session.settings.case_timeout.duration().as_secs_f64().to_string())
            .env("LOOM_RESULTS", results.inside.to_string_lossy());
        if !done.is_empty() {
            child = child.env("LOOM_DONE", plant_done(session, &done)?);
        }
        let finished = session.start(child, deadline)?;
        output.push_str(&streams(&finished));
        let written = results.take();
        let written = String::from_utf8_lossy(&written);
        let told = read(&Heard { written: &written, ending: hard_limit(finished.ending), done: &done, output: &output });
        if !wanted(session, &mut done, told, deadline) {
            return Ok((finished.ending, output));
        }
    }
}

/// The ending, the shell between taken away.
fn hard_limit(ending: Ending) -> Ending {
    if ending == Ending::Exited(128 + SIGNAL) { HARD } else { ending }
}

/// Whether a run that did not finish with this ending left tests that can still be run.
pub(super) fn cut_off(ending: Ending) -> bool {
    ending != Ending::TimedOut
}

/// Whether to begin again; notes what is done.
fn wanted(session: &Session<'_>, done: &mut BTreeSet<String>, told: Told, deadline: Deadline) -> bool {
    // Where nothing can be left out, the same end would come again.
    let news = told.begun.iter().any(|id| !done.contains(id));
    done.extend(told.begun);
    let restarts = session.restarts.get() + 1;
    session.restarts.set(restarts);
    !told.finished && news && restarts <= MOST && !deadline.spent()
}

/// Writes down what is done; answers with the file as children see it.
fn plant_done(session: &Session<'_>, done: &BTreeSet<String>) -> Result<String> {
    let text = done.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
    Ok(session.plant("done.txt", &text)?.join("done.txt").to_string_lossy().into_owned())
}

/// Whether a failure is a limit that somebody set: loom, a child process's, asyncio's. A time-out of the network is none.
/// `deepest` is the file of the last frame.
pub(super) fn over_a_limit(mro: &[String], deepest: &str) -> bool {
    let waited = ["asyncio/tasks.py", "asyncio/timeouts.py"].iter().any(|end| deepest.ends_with(end));
    mro.iter().any(|name| matches!(name.as_str(), "LoomCaseLimit" | "TimeoutExpired") || name == "TimeoutError" && waited)
}

#[cfg(test)]
mod tests {
    use crate::config::{Span, TestSettings};
    use crate::runner::Selection;
    use crate::runner::trial::{Trial, lines};

    #[test]
    fn pytest_goes_on_after_what_hangs_or_dies() {
        let tests = "import asyncio, os, signal, time\ndef test_a(): pass\ndef test_b_spins():\n    while True: pass\ndef test_c_catches():\n    while True:\n        try: time.sleep(1000)\n        except Exception: pass\ndef test_d_is_deaf():\n    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\n    while True: pass\ndef test_e(): pass\ndef test_f_dies(): os.abort()\ndef test_g_leaves(): os._exit(0)\ndef test_h_waits(): asyncio.run(asyncio.wait_for(asyncio.sleep(1000), 0.2))\ndef test_i(): pass\n";
        let files = [("pyproject.toml", "[tool.pytest.ini_options]\n"), ("tests/test_stuck.py", tests)];
        let settings = TestSettings { case_timeout: Span::seconds(1), ..TestSettings::default() };
        let trial = Trial::new(&files, settings);
        let report = trial.run(&trial.tree("one", &files), &Selection::All);
        let expected = [
            "a: passed",
            "b_spins: Hang",
            "c_catches: Hang",
            "d_is_deaf: Hang",
            "e: passed",
            "f_dies: Crash",
            "g_leaves: Crash",
            "h_waits: Hang",
            "i: passed",
        ];
        let expected = expected.map(|line| format!("tests/test_stuck.py::test_{line}"));
        assert_eq!(lines(&report), expected, "{:#?}\n{}", report.troubles, report.output);
    }

    #[test]
    fn unittest_goes_on_after_what_hangs_or_dies() {
        let tests = "import os, signal, time, unittest\nclass A(unittest.TestCase):\n    def test_a(self): pass\n    def test_b_sleeps(self): time.sleep(1000)\n    def test_c_is_deaf(self):\n        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\n        while True: pass\n    def test_d_dies(self): os.abort()\n    def test_e(self): pass\n";
        let files = [("setup.cfg", "[options]\n"), ("tests/__init__.py", ""), ("tests/test_stuck.py", tests)];
        let trial = Trial::new(&files, TestSettings { case_timeout: Span::seconds(1), ..TestSettings::default() });
        let report = trial.run(&trial.tree("one", &files), &Selection::All);
        let expected = ["a: passed", "b_sleeps: Hang", "c_is_deaf: Hang", "d_dies: Crash", "e: passed"];
        let expected = expected.map(|line| format!("tests/test_stuck.py::A::test_{line}"));
        assert_eq!(lines(&report), expected, "{:#?}\n{}", report.troubles, report.output);
    }
}
