//! What the gate says of a patch, in words that a case can be compared with.

use loom_agent::verify::{Proof, Ruling, Verdict};

use crate::case::{Case, Files};
use crate::ground::Ground;

/// What the gate said, in words.
#[derive(Debug)]
pub struct Said {
    pub verdict: String,
    pub proof: String,
    /// Names of reasons or questions.
    pub names: Vec<String>,
    /// What they say, or the cause.
    pub texts: String,
    pub fail_to_pass: Vec<String>,
    pub flips: usize,
}

/// The base tree, with the settings that lie in it.
pub fn ground(base: &Files) -> Ground {
    let text = base.get("loom.toml").and_then(Option::as_ref).map(|(bytes, _)| String::from_utf8(bytes.clone()).unwrap());
    Ground::of(base, toml::from_str(text.as_deref().unwrap_or_default()).unwrap())
}

/// What the gate says about this patch.
pub fn says(ground: &Ground, case: &Case, patch: &Files) -> Said {
    said(ground.prove(&ground.patch(patch), &case.labels))
}

/// How many tests the base has: passing, failing, skipped.
pub fn counts(ground: &Ground) -> String {
    let each = ground.baseline.iter().map(|run| {
        let (passed, failed, skipped) = run.report.counts();
        let troubles: Vec<_> = run.report.troubles.iter().map(|one| one.message.lines().next().unwrap_or_default()).collect();
        format!("`{}`: {passed} passed, {failed} failed, {skipped} skipped {}", run.report.command, troubles.join("; "))
    });
    each.collect::<Vec<_>>().join(", ")
}

fn said(verdict: Verdict) -> Said {
    let (mut proof, mut names, mut texts) = (String::new(), Vec::new(), Vec::new());
    let word = verdict.word().to_owned();
    match verdict.ruling {
        Ruling::Verified(kind) => {
            proof = match kind {
                Proof::FailToPass => "fail-to-pass",
                Proof::NoRegression => "no-regression",
                Proof::NoBehaviourChange => "no-behaviour-change",
            }
            .to_owned();
        }
        Ruling::Review(questions) => {
            questions.into_iter().for_each(|one| {
                names.push(one.name);
                texts.push(format!("{}\n{}", one.text, one.lines));
            });
        }
        Ruling::Rejected(reasons) => {
            reasons.into_iter().for_each(|one| {
                names.push(one.name);
                texts.push(format!("{}\n{}", one.text, one.lines));
            });
        }
        Ruling::Inconclusive(cause) => texts.push(cause),
    }
    names.dedup();
    let fail_to_pass = verdict.evidence.fail_to_pass.iter().map(|one| one.test.to_string()).collect();
    Said { verdict: word, proof, names, texts: texts.join("\n"), fail_to_pass, flips: verdict.evidence.flips.len() }
}
