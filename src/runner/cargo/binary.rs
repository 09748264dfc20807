//! One test binary: run with JSON events where its harness knows them, read by its words where not, and as one
//! opaque case where it has no harness at all. Tests that a crash cut off are run again one by one.

use std::path::Path;

use super::{Built, Flags, Target, append, environment};
use crate::error::Result;
use crate::runner::findings::Findings;
use crate::runner::libtest::{Told, read_json, read_words};
use crate::runner::run::Reading;
use crate::runner::session::{Child, Deadline, Session, ended_by_itself};
use crate::runner::text::{clip, first_lines, plain, streams};
use crate::runner::{Case, FaultKind, Outcome, TestId, TroubleKind};
use crate::sandbox::{Ending, Finished};

/// What the one case of a target without a harness is called behind its name.
const BARE: &str = " (no harness)";
/// At most so many tests are run one by one after a crash.
const APART: usize = 200;
/// So many names fit on one command line.
const TOGETHER: usize = 1_000;

/// Runs the named tests of a target, all of them when none is named.
pub(super) fn run(
    session: &Session<'_>,
    flags: &Flags,
    built: &Built,
    target: &Target,
    names: &[String],
    deadline: Deadline,
    reading: &mut Reading,
) -> Result<()> {
    let binary = Binary { session, flags, built, target };
    let mut args: Vec<String> = flags.binary.clone();
    if !names.is_empty() {
        args.push("--exact".to_owned());
        args.extend(names.iter().cloned());
    }
    if names.iter().any(|name| name.ends_with(BARE)) {
        return binary.without_json(&[], deadline, reading);
    }
    if built.compiles {
        // JSON needs a variable that would open unstable features to the compilers these tests start.
        return binary.without_json(&args, deadline, reading);
    }
    let finished = binary.start(&args, JSON, deadline)?;
    let told = read_json(&finished.stdout.text());
    append(&mut reading.output, &format!("--- {}\n{}", target.source, human(&told, &finished)));
    if told.announced.is_none() && (ended_by_itself(finished.ending) || !deadline.spent()) {
        return binary.without_json(&args, deadline, reading);
    }
    binary.keep(&told, &mut reading.findings);
    match finished.ending {
        Ending::TimedOut => {
            for name in &told.running {
                binary.add(name, binary.hang(deadline), None, &mut reading.findings);
            }
            match deadline.spent() {
                true => reading.stopped(),
                // Only what was running hung: each of them, as none has ended or begun for the limit of one.
                false => binary.after_hang(&told, names, deadline, reading)?,
            }
        }
        _ if told.closed => {}
        ending => binary.after_crash(&told, &finished, ending, names, deadline, reading)?,
    }
    if finished.stdout.cut > 0 {
        reading.findings.trouble(TroubleKind::Unreadable, Some(&target.source), "printed more than loom reads; tests may be missing");
    }
    Ok(())
}

const JSON: &[&str] = &["-Zunstable-options", "--format", "json", "--report-time"];

struct Binary<'a> {
    session: &'a Session<'a>,
    flags: &'a Flags,
    built: &'a Built,
    target: &'a Target,
}

impl Binary<'_> {
    fn start(&self, args: &[String], format: &[&str], deadline: Deadline) -> Result<Finished> {
        let program = self.target.executable.as_deref().unwrap_or(Path::new("false"));
        let mut argv = vec![program.to_string_lossy().into_owned()];
        argv.extend(format.iter().map(|&word| word.to_owned()));
        argv.extend(args.iter().cloned());
        let mut child = Child::new(argv).at(self.target.folder.clone()).parsed();
        child.env.extend(environment(self.session));
        child.env.extend(self.environment());
        if !format.is_empty() {
            child.telling = true;
            child.env.insert("RUSTC_BOOTSTRAP".to_owned(), "1".to_owned());
        }
        child.env.extend(self.flags.vars.iter().cloned());
        self.session.start(child, deadline)
    }

    /// What `cargo test` would set.
    fn environment(&self) -> Vec<(String, String)> {
        let mut env: Vec<(String, String)> = vec![("CARGO".to_owned(), "cargo".to_owned())];
        if let Some(package) = self.built.packages.get(&self.target.package) {
            env.extend(package.environment());
        }
        let mut libraries = Vec::new();
        if let Some(script) = self.built.scripts.get(&self.target.package) {
            env.push(("OUT_DIR".to_owned(), script.out_dir.clone()));
            env.extend(script.env.iter().cloned());
        }
        for script in self.built.scripts.values() {
            libraries
                .extend(script.linked_paths.iter().map(|path| path.split_once('=').map_or(path.as_str(), |(_, path)| path).to_owned()));
        }
        for program in self.built.targets.iter().filter(|other| other.package == self.target.package) {
            if let Some(path) = &program.program {
                env.push((format!("CARGO_BIN_EXE_{}", program.name), path.to_string_lossy().into_owned()));
            }
        }
        if let Some(deps) = self.target.executable.as_deref().and_then(Path::parent) {
            libraries.push(deps.to_string_lossy().into_owned());
            libraries.extend(deps.parent().map(|folder| folder.to_string_lossy().into_owned()));
        }
        libraries.extend(self.built.sysroot_libraries.clone());
        env.push(("LD_LIBRARY_PATH".to_owned(), libraries.join(":")));
        env
    }

    fn add(&self, name: &str, outcome: Outcome, seconds: Option<f64>, findings: &mut Findings) {
        let id = TestId::new(&[&self.target.source, name]);
        findings.add(id, Case::new(outcome).in_file(self.file_of(name)).after(seconds));
    }

    /// The module's file as far as its path tells it, else the target's root file.
    fn file_of(&self, name: &str) -> String {
        let (folder, _) = self.target.source.rsplit_once('/').unwrap_or(("", ""));
        let modules: Vec<&str> = name.split("::").collect();
        for count in (1..modules.len()).rev() {
            let path = format!("{folder}/{}", modules[..count].join("/"));
            for file in [format!("{path}.rs"), format!("{path}/mod.rs")] {
                if self.session.tree.host.join(&file).is_file() {
                    return file;
                }
            }
        }
        self.target.source.clone()
    }

    fn keep(&self, told: &Told, findings: &mut Findings) {
        for (name, (outcome, seconds)) in &told.ended {
            self.add(name, outcome.clone(), *seconds, findings);
        }
    }

    fn hang(&self, deadline: Deadline) -> Outcome {
        let limit = self.session.settings.case_timeout;
        let text = match deadline.spent() {
            true => "still running when the run was stopped at its limit".to_owned(),
            false => format!("still running after {limit}"),
        };
        Outcome::failed(FaultKind::Hang, &text, "")
    }

    /// Some tests hung and kept others from their turn: those are run without them.
    fn after_hang(&self, told: &Told, names: &[String], deadline: Deadline, reading: &mut Reading) -> Result<()> {
        let listed = if names.is_empty() { self.list(deadline)? } else { names.to_vec() };
        let rest: Vec<String> = listed.into_iter().filter(|name| !told.ended.contains_key(name) && !told.running.contains(name)).collect();
        // Nothing ran, so nothing would now.
        if told.running.is_empty() {
            let text = format!("nothing was heard of its tests for {}", self.session.settings.case_timeout);
            reading.findings.trouble(TroubleKind::Timeout, Some(&self.target.source), &text);
            return Ok(());
        }
        for some in rest.chunks(TOGETHER) {
            if deadline.spent() {
                reading.stopped();
                return Ok(());
            }
            run(self.session, self.flags, self.built, self.target, some, deadline, reading)?;
        }
        Ok(())
    }

    /// The process died: what was running is looked at by itself, and so is what had not begun.
    fn after_crash(
        &self,
        told: &Told,
        finished: &Finished,
        ending: Ending,
        names: &[String],
        deadline: Deadline,
        reading: &mut Reading,
    ) -> Result<()> {
        let said = first_lines(&plain(&finished.stderr.text()), 6);
        let how = format!("the test process died ({}) with {} tests running: {said}", ended(ending), told.running.len());
        reading.findings.trouble(TroubleKind::Crash, Some(&self.target.source), &how);
        let mut rest: Vec<String> = told.running.iter().cloned().collect();
        let listed = if names.is_empty() { self.list(deadline)? } else { names.to_vec() };
        rest.extend(listed.into_iter().filter(|name| !told.ended.contains_key(name) && !told.running.contains(name)));
        for name in rest.iter().take(APART) {
            if deadline.spent() {
                reading.stopped();
                return Ok(());
            }
            let args = ["--exact".to_owned(), name.clone(), "--test-threads=1".to_owned()];
            let finished = self.start(&args, JSON, deadline)?;
            let alone = read_json(&finished.stdout.text());
            match alone.ended.get(name) {
                Some((outcome, seconds)) => self.add(name, outcome.clone(), *seconds, &mut reading.findings),
                None if alone.running.contains(name) => {
                    let (kind, why) = match finished.ending {
                        Ending::TimedOut => (FaultKind::Hang, "still running at its limit".to_owned()),
                        ending => (FaultKind::Crash, format!("the test process died: {}", ended(ending))),
                    };
                    self.add(name, Outcome::failed(kind, &why, &streams(&finished)), None, &mut reading.findings);
                }
                None => {}
            }
        }
        Ok(())
    }

    fn list(&self, deadline: Deadline) -> Result<Vec<String>> {
        let mut args = self.flags.binary.clone();
        args.push("--list".to_owned());
        let finished = self.start(&args, &[], deadline)?;
        Ok(finished.stdout.text().lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
    }

    /// A harness of its own: read by its words, or else by its end.
    fn without_json(&self, args: &[String], deadline: Deadline, reading: &mut Reading) -> Result<()> {
        let finished = self.start(args, &[], deadline)?;
        let output = streams(&finished);
        append(&mut reading.output, &output);
        let worded = read_words(&plain(&finished.stdout.text()));
        for (name, outcome) in &worded {
            self.add(name, outcome.clone(), None, &mut reading.findings);
        }
        let summed = finished.stdout.text().contains("test result: ") || finished.stdout.text().contains("running ");
        if !worded.is_empty() || summed {
            if finished.ending == Ending::TimedOut {
                reading.stopped();
            } else if !finished.stdout.text().contains("test result: ") {
                let said = first_lines(&plain(&finished.stderr.text()), 6);
                reading.findings.trouble(TroubleKind::Crash, Some(&self.target.source), &format!("the test process died: {said}"));
            }
            return Ok(());
        }
        let outcome = match finished.ending {
            Ending::Exited(0) => Outcome::Passed,
            Ending::TimedOut => Outcome::failed(FaultKind::Hang, "still running when the run was stopped at its limit", &output),
            ending => {
                let tail: Vec<&str> = output.lines().rev().filter(|line| !line.trim().is_empty()).take(8).collect();
                let tail: Vec<&str> = tail.into_iter().rev().collect();
                Outcome::failed(FaultKind::Error, &format!("ended with {}\n{}", ended(ending), tail.join("\n")), &output)
            }
        };
        if finished.ending == Ending::TimedOut {
            reading.stopped();
        }
        self.add(&format!("{}{BARE}", self.target.name), outcome, Some(finished.elapsed.as_secs_f64()), &mut reading.findings);
        Ok(())
    }
}

fn ended(ending: Ending) -> String {
    match ending {
        Ending::Exited(code) => format!("exit code {code}"),
        Ending::Signalled(signal) => format!("signal {signal}"),
        Ending::TimedOut => "the time limit".to_owned(),
    }
}

/// The run in short lines for people, as libtest would print it.
fn human(told: &Told, finished: &Finished) -> String {
    let mut text = String::new();
    let mut passed = 0_u64;
    for (name, (outcome, _)) in &told.ended {
        match outcome {
            Outcome::Passed => passed += 1,
            Outcome::Skipped(why) => text.push_str(&format!("test {name} ... ignored ({why})\n")),
            Outcome::Failed(fault) => text.push_str(&format!("test {name} ... FAILED\n{}\n", clip(&fault.message, 1_000))),
        }
    }
    text.push_str(&format!("{passed} of {} passed\n", told.ended.len()));
    let said = plain(&finished.stderr.text());
    if !said.trim().is_empty() {
        text.push_str(&clip(&said, 4_000));
    }
    text
}
