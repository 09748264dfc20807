//! What the gate says of a patch, in words that a case of the confusion matrix is compared with: from the library's own
//! verdict, or from what the program prints.

use loom_agent::verify::{Proof, Ruling, Verdict};
use serde_json::Value;

use crate::case::Case;

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

impl Said {
    /// By the library.
    pub fn of_verdict(verdict: Verdict) -> Said {
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

    /// By the program: the object that `loom verify --json` prints.
    pub fn of_record(record: &Value) -> Said {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = |name: &str| record[name].as_array().cloned().unwrap_or_default();
        let told: Vec<Value> = list("questions").into_iter().chain(list("reasons")).collect();
        let mut names: Vec<String> = told.iter().map(|one| text(&one["name"])).collect();
        names.dedup();
        let texts = told.iter().map(|one| format!("{}\n{}", text(&one["text"]), text(&one["lines"])));
        Said {
            verdict: text(&record["ruling"]),
            proof: text(&record["proof"]),
            names,
            texts: texts.chain([text(&record["cause"])]).collect::<Vec<_>>().join("\n"),
            fail_to_pass: list("fail_to_pass").iter().map(|one| text(&one["test"])).collect(),
            flips: list("flips").len(),
        }
    }
}

/// What is not as the case expects.
pub fn wrong(case: &Case, said: &Said) -> Option<String> {
    let expect = &case.expect;
    let verdict = expect.verdict(case.kind);
    let mut wrong = Vec::new();
    if said.verdict != verdict {
        wrong.push(format!("{} instead of {verdict}", said.verdict));
    }
    if verdict == "verified" && said.verdict == verdict {
        if said.proof != expect.proof() {
            wrong.push(format!("proves {} instead of {}", said.proof, expect.proof()));
        }
        let sorted = |list: &[String]| {
            let mut list = list.to_vec();
            list.sort();
            list
        };
        if sorted(&said.fail_to_pass) != sorted(&expect.fail_to_pass) {
            wrong.push(format!("proved by {:?} instead of {:?}", said.fail_to_pass, expect.fail_to_pass));
        }
        if said.flips != expect.flips {
            wrong.push(format!("{} altered expectations instead of {}", said.flips, expect.flips));
        }
    }
    wrong.extend(expect.must.iter().filter(|name| !said.names.contains(name)).map(|name| format!("`{name}` is not given")));
    let untrue = said.names.iter().filter(|name| !expect.must.contains(name) && !expect.may.contains(name));
    wrong.extend(untrue.map(|name| format!("`{name}` is given, which is not true")));
    wrong.extend(expect.says.iter().filter(|part| !said.texts.contains(part.as_str())).map(|part| format!("nothing says {part:?}")));
    (!wrong.is_empty()).then(|| wrong.join("; "))
}
