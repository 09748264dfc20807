//! `verify`: hands a pull request, two commits or a proposal to the gate and shows what it says.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value, json};

use super::arguments::Verify;
use super::plain;
use super::run_issue::{Ends, Shown, means};
use super::session::Session;
use crate::error::{Failure, Kind, OrFail, Result};
use crate::pipeline::{self, Change, Mutate, Tell};
use crate::proposal::{self, Circumstances, Difference, Record};
use crate::task::{IssueRef, Reporter};
use crate::verify::{Ruling, Verdict};
use crate::workspace::Patch;

/// What is to be proved.
enum What {
    Commits,
    PullRequest(IssueRef),
    Proposal(PathBuf),
}

/// A proof to show.
struct Proof<'a> {
    verdict: &'a Verdict,
    patch: &'a Patch,
    about: &'a Circumstances,
    into: Option<&'a str>,
}

/// Proves what was asked for. Rejected and inconclusive are results with an exit code of their own.
pub fn verify(session: &Session, run: &Verify, reporter: &dyn Reporter) -> Result<Shown> {
    let what = what(run)?;
    if let Some(file) = &run.junit {
        writable(file)?;
    }
    let shown = match what {
        What::Commits => commits(session, run, reporter),
        What::PullRequest(reference) => pull_request(session, run, &reference, reporter),
        What::Proposal(folder) => again(session, run, &folder, reporter),
    };
    if let (Err(_), Some(file)) = (&shown, &run.junit) {
        // An empty report would be taken for a broken one.
        let _ = std::fs::remove_file(file);
    }
    shown.map_err(stopped)
}

/// A proof that is stopped was no task of the queue.
fn stopped(failure: Failure) -> Failure {
    match failure.kind {
        Kind::Interrupted | Kind::Terminated => Failure::new(failure.kind, "interrupted: nothing was judged, and nothing is kept"),
        _ => failure,
    }
}

/// Reads WHAT, and refuses what makes no sense beside it.
fn what(run: &Verify) -> Result<What> {
    let what = match run.what.as_deref() {
        None => What::Commits,
        Some(path) if Path::new(path).exists() => What::Proposal(path.into()),
        Some(text) => match text.parse::<IssueRef>().map_err(|_| misnamed(text))? {
            IssueRef::File(path) => What::Proposal(path),
            reference => What::PullRequest(reference),
        },
    };
    let commits = run.base.is_some() || run.head.is_some() || !run.label.is_empty();
    let conflict = match &what {
        What::Proposal(_) if run.mutants => Some(("mutants are tried on commits and pull requests", "leave --mutants out")),
        What::Commits if run.check_run => Some(("--check-run belongs to a pull request", "name it as owner/repo#34")),
        What::PullRequest(_) if commits => {
            Some(("a pull request says itself what its base, head and labels are", "leave --base, --head and --label out, or WHAT"))
        }
        What::PullRequest(_) if run.repo.is_some() => {
            Some(("a pull request says itself which repository it is for", "leave --repo out; github.api_url says which server"))
        }
        What::Proposal(_) if commits => {
            Some(("a proposal says itself what its base, head and labels are", "leave --base, --head and --label out, or WHAT"))
        }
        What::Proposal(_) if run.check_run => {
            Some(("a proposal is no pull request yet", "publish it with `loom publish`, then verify owner/repo#34 --check-run"))
        }
        What::Commits | What::PullRequest(_) | What::Proposal(_) => None,
    };
    match conflict {
        Some((why, hint)) => Err(Failure::new(Kind::Usage, why).hint(hint)),
        None => Ok(what),
    }
}

fn misnamed(text: &str) -> Failure {
    Failure::new(Kind::Usage, format_args!("{text:?} is neither a pull request nor a proposal"))
        .hint("name a pull request as owner/repo#34 or by its URL, or the folder of a proposal")
        .hint("two commits are named by --base and --head")
}

fn commits(session: &Session, run: &Verify, reporter: &dyn Reporter) -> Result<Shown> {
    let change = Change {
        repository: run.repo.clone().map_or_else(around, Ok)?,
        base: run.base.clone(),
        head: run.head.clone().unwrap_or_else(|| "HEAD".to_owned()),
        labels: run.label.clone(),
        mutate: mutate(run),
    };
    let proved = pipeline::prove_change(&change, &means(session, reporter))?;
    let proof = Proof { verdict: &proved.verdict, patch: &proved.patch, about: &proved.about, into: Some(&proved.into) };
    let (text, json) = proof.told(session, run)?;
    Ok(Shown { text, json, ends: ends(&proved.verdict) })
}

/// The repository around the working folder, or the folder itself, which then is refused with its reason.
fn around() -> Result<String> {
    let here = std::env::current_dir().or_fail(Kind::Workspace, || "finding the working folder")?;
    let root = here.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&here);
    Ok(root.to_string_lossy().into_owned())
}

fn pull_request(session: &Session, run: &Verify, reference: &IssueRef, reporter: &dyn Reporter) -> Result<Shown> {
    let tell = if run.check_run { Tell::CheckRun } else { Tell::Here };
    let done = pipeline::prove_pull_request(reference, tell, mutate(run), &means(session, reporter))?;
    let proved = &done.proved;
    let proof = Proof { verdict: &proved.verdict, patch: &proved.patch, about: &proved.about, into: Some(&proved.into) };
    let (mut text, mut json) = proof.told(session, run)?;
    let title = plain::line(&done.pull.title);
    text.push_str(&format!("\npull request: {} ({title})\n", done.pull.url));
    if let Some(url) = &done.check_run {
        text.push_str(&format!("check run: {}\n", plain::line(url)));
    }
    json["pull_request"] = json!({ "number": done.pull.number, "url": done.pull.url, "title": done.pull.title });
    json["check_run"] = json!(done.check_run);
    Ok(Shown { text, json, ends: ends(&proved.verdict) })
}

fn again(session: &Session, run: &Verify, folder: &Path, reporter: &dyn Reporter) -> Result<Shown> {
    let done = pipeline::reprove(folder, run.repo.as_deref(), &means(session, reporter))?;
    let target = done.proposal.target.base.as_str();
    let proof = Proof { verdict: &done.verdict, patch: done.proposal.patch(), about: &done.about, into: Some(target) };
    let (text, mut json) = proof.told(session, run)?;
    let text = format!("{text}\n{}", compared(&done.differences));
    json["recorded"] = json!(done.proposal.verdict().word());
    json["match"] = json!(done.differences.is_empty());
    json["differences"] = json!(done.differences);
    // A word that lets nothing through stands for itself; else two proofs that differ leave open which one is right.
    let ends = match ends(&done.verdict) {
        Ends::Well if !done.differences.is_empty() => Ends::As(Kind::Inconclusive),
        ends => ends,
    };
    Ok(Shown { text, json, ends })
}

/// Whether both proofs say the same, and where not.
fn compared(differences: &[Difference]) -> String {
    if differences.is_empty() {
        return "match: this proof says what the proposal says\n".to_owned();
    }
    let rows = differences.iter().map(|one| {
        let tests: String = one.tests.iter().map(|test| format!("    {}\n", plain::line(test))).collect();
        format!("  {}: {}\n{tests}", one.what, plain::line(&one.text))
    });
    format!("mismatch: this proof does not say what the proposal says\n{}", rows.collect::<String>())
}

impl Proof<'_> {
    /// For people and for programs; the report for CI is written on the way.
    fn told(&self, session: &Session, run: &Verify) -> Result<(String, Value)> {
        if let Some(file) = &run.junit {
            let xml = session.screen.redacted(&proposal::junit(self.verdict, self.about));
            std::fs::write(file, xml).or_fail(Kind::Workspace, || format!("writing {}", file.display()))?;
        }
        let shown = proposal::Shown { verdict: self.verdict, patch: self.patch, about: self.about, base_branch: self.into };
        let text = plain::lines(&proposal::terminal(&shown)?);
        Ok((text + "\n", object(&Record::of(self.verdict, self.about))?))
    }
}

fn object(record: &impl Serialize) -> Result<Value> {
    serde_json::to_value(record).or_fail(Kind::Internal, || "writing the result as JSON")
}

/// A report that cannot be written is found out before the proof, not after it.
fn writable(file: &Path) -> Result<()> {
    let opened = std::fs::File::options().create(true).append(true).open(file);
    opened.map(drop).or_fail(Kind::Workspace, || format!("writing {}", file.display())).map_err(|failure| failure.hint("check --junit"))
}

fn mutate(run: &Verify) -> Mutate {
    if run.mutants { Mutate::Always } else { Mutate::Never }
}

fn ends(verdict: &Verdict) -> Ends {
    match verdict.ruling {
        Ruling::Verified(_) | Ruling::Review(_) => Ends::Well,
        Ruling::Rejected(_) => Ends::As(Kind::Rejected),
        Ruling::Inconclusive(_) => Ends::As(Kind::Inconclusive),
    }
}
