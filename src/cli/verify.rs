//! `verify`: hands two commits or a proposal to the gate and shows what it says.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::arguments::Verify;
use super::run_issue::{Ends, Shown, means};
use super::session::Session;
use crate::error::{Kind, OrFail, Result};
use crate::pipeline::{self, Change, Proved};
use crate::proposal;
use crate::task::Reporter;
use crate::verify::{Ruling, Verdict};

/// Proves what was asked for. Rejected and inconclusive are results with an exit code of their own.
pub fn verify(session: &Session, run: &Verify, reporter: &dyn Reporter) -> Result<Shown> {
    match &run.proposal {
        Some(folder) => again(session, run, folder, reporter),
        None => commits(session, run, reporter),
    }
}

fn commits(session: &Session, run: &Verify, reporter: &dyn Reporter) -> Result<Shown> {
    let change = Change {
        repository: run.repo.clone().map_or_else(around, Ok)?,
        base: run.base.clone(),
        head: run.head.clone().unwrap_or_else(|| "HEAD".to_owned()),
        labels: run.label.clone(),
    };
    let proved = pipeline::prove_change(&change, &means(session, reporter))?;
    let Proved { base, head, verdict, .. } = &proved;
    let text = format!("{}: {}\n{}", verdict.word(), proposal::claim(verdict), because(verdict));
    let mut json = object(verdict);
    json["base"] = json!(base);
    json["head"] = json!(head);
    Ok(Shown { text, json, ends: ends(verdict) })
}

/// The repository around the working folder, or the folder itself, which then is refused with its reason.
fn around() -> Result<String> {
    let here = std::env::current_dir().or_fail(Kind::Workspace, || "finding the working folder")?;
    let root = here.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&here);
    Ok(root.to_string_lossy().into_owned())
}

fn again(session: &Session, run: &Verify, folder: &Path, reporter: &dyn Reporter) -> Result<Shown> {
    let reproved = pipeline::reprove(folder, run.repo.as_deref(), &means(session, reporter))?;
    let (now, before) = (&reproved.verdict, reproved.proposal.verdict());
    let claim = proposal::claim(now);
    let agrees = now.word() == before.word();
    let mut text = format!("{}: {claim}\n", now.word());
    if !agrees {
        let _ = writeln!(text, "the proposal itself says {}: {}", before.word(), proposal::claim(before));
    }
    let json = json!({ "verdict": now, "claim": claim, "recorded": before.word(), "agrees": agrees });
    match pipeline::refusal(now) {
        None => Ok(Shown { text, json, ends: Ends::Well }),
        Some(failure) => Err(failure),
    }
}

fn ends(verdict: &Verdict) -> Ends {
    match verdict.ruling {
        Ruling::Verified(_) | Ruling::Review(_) => Ends::Well,
        Ruling::Rejected(_) => Ends::As(Kind::Rejected),
        Ruling::Inconclusive(_) => Ends::As(Kind::Inconclusive),
    }
}

fn because(verdict: &Verdict) -> String {
    let mut text = String::new();
    match &verdict.ruling {
        Ruling::Verified(_) => {}
        Ruling::Review(questions) => {
            for one in questions {
                let _ = writeln!(text, "  {}: {}", one.name, one.text);
            }
        }
        Ruling::Rejected(reasons) => {
            for one in reasons {
                let _ = writeln!(text, "  {}: {}", one.name, one.text);
            }
        }
        Ruling::Inconclusive(cause) => {
            let _ = writeln!(text, "  {cause}");
        }
    }
    text
}

/// The result as one object.
fn object(verdict: &Verdict) -> Value {
    let evidence = &verdict.evidence;
    let (mut proof, mut questions, mut reasons, mut cause) = (Value::Null, json!([]), json!([]), Value::Null);
    match &verdict.ruling {
        Ruling::Verified(kind) => proof = json!(kind),
        Ruling::Review(list) => questions = json!(list),
        Ruling::Rejected(list) => reasons = json!(list),
        Ruling::Inconclusive(text) => cause = json!(text),
    }
    let cells: Vec<Value> = evidence
        .runs
        .iter()
        .map(|run| {
            let (passed, failed, skipped) = run.report.counts();
            json!({ "cell": run.cell, "tree": run.tree, "passed": passed, "failed": failed, "skipped": skipped,
                "troubles": run.report.troubles, "elapsed_ms": run.report.elapsed_ms })
        })
        .collect();
    json!({
        "ruling": verdict.word(),
        "claim": proposal::claim(verdict),
        "proof": proof,
        "questions": questions,
        "reasons": reasons,
        "cause": cause,
        "head_tree": verdict.head_tree,
        "fail_to_pass": evidence.fail_to_pass,
        "flips": evidence.flips,
        "pass_to_pass": evidence.pass_to_pass,
        "red_before": evidence.red_before,
        "flaky": evidence.flaky,
        "test_files": evidence.test_files,
        "source_files": evidence.source_files,
        "not_verified": evidence.not_verified,
        "checks": evidence.checks,
        "notes": evidence.notes,
        "tier": evidence.tier,
        "cells": cells,
    })
}
