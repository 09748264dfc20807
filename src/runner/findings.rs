//! What one run has shown so far: cases with namesakes numbered, troubles, and the words printed.
//! A result that was seen can only get worse: nothing read later turns a failure into a pass.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use super::text::{MESSAGE, TRACE, clip, plain};
use super::{Case, Fault, FaultKind, Outcome, TestId, Trouble, TroubleKind};

/// Collects the results of a run.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) cases: BTreeMap<TestId, Case>,
    pub(super) troubles: Vec<Trouble>,
    /// As `Report::loaded`.
    pub(super) loaded: BTreeMap<String, String>,
    bearers: HashMap<TestId, u32>,
}

impl Findings {
    /// One more test; a second bearer of a name gets a number.
    pub(super) fn add(&mut self, id: TestId, case: Case) {
        let count = self.bearers.entry(id.clone()).or_insert(0);
        *count += 1;
        self.cases.insert(id.numbered(*count), case);
    }

    /// All that another part of the run has shown.
    pub(super) fn join(&mut self, other: Findings) {
        for (id, case) in other.cases {
            let bare = TestId::new(&[id.unnumbered()]);
            match self.cases.entry(id) {
                Entry::Vacant(free) => drop(free.insert(case)),
                Entry::Occupied(_) => self.add(bare, case),
            }
        }
        for (id, count) in other.bearers {
            *self.bearers.entry(id).or_insert(0) += count;
        }
        other.troubles.into_iter().for_each(|one| self.trouble(one.kind, one.file.as_deref(), &one.message));
        self.loaded.extend(other.loaded);
    }

    /// A test that may have run before under this very name: a failure that was seen stays.
    pub(super) fn put(&mut self, id: TestId, case: Case) {
        if !self.cases.get(&id).is_some_and(|known| matches!(known.outcome, Outcome::Failed(_))) {
            self.cases.insert(id, case);
        }
    }

    /// Something went wrong outside of a test; the same thing is noted once.
    pub(super) fn trouble(&mut self, kind: TroubleKind, file: Option<&str>, message: &str) {
        let trouble = Trouble { kind, file: file.map(str::to_owned), message: clip(plain(message).trim(), MESSAGE * 2) };
        if !self.troubles.contains(&trouble) {
            self.troubles.push(trouble);
        }
    }
}

impl Case {
    /// A result with nothing else known.
    pub(super) fn new(outcome: Outcome) -> Case {
        Case { outcome, file: None, elapsed_ms: None }
    }

    /// The same, defined in this file.
    pub(super) fn in_file(mut self, file: impl Into<String>) -> Case {
        self.file = Some(file.into());
        self
    }

    /// The same, after so many seconds.
    pub(super) fn after(mut self, seconds: Option<f64>) -> Case {
        self.elapsed_ms = seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0).map(|seconds| (seconds * 1_000.0) as u64);
        self
    }
}

impl Outcome {
    /// A failure, its texts made fit to keep. What is foreign in the trace goes later (`frames`), so much of it is let in.
    pub(super) fn failed(kind: FaultKind, message: &str, trace: &str) -> Outcome {
        let message = clip(plain(message).trim(), MESSAGE);
        Outcome::Failed(Fault { kind, message, trace: clip(plain(trace).trim_end(), 4 * TRACE) })
    }
}
