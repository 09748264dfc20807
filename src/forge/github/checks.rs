//! A pull request by anyone is read, and check runs are written on commits. Looks before it writes, so that a check run is
//! never doubled.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{CheckRun, Home, Incoming};
use super::ask::{Ask, segment};
use super::client::Made;
use super::labels::LabelName;
use super::{GitHub, here};
use crate::error::{Explain as _, Failure, Kind, Result};
use crate::guard;
use crate::task::{CommitId, IssueRef, RepoName};

/// What the check is called; a branch protection rule names it.
const NAME: &str = "loom verify";
/// GitHub takes 65,535 characters; Markdown beyond the page's own limit comes only from redaction.
const LONGEST: usize = 65_000;
/// Longest title.
const TITLE: usize = 200;

#[derive(Deserialize)]
struct Shown {
    title: String,
    html_url: String,
    head: Head,
    base: Base,
    #[serde(default)]
    labels: Vec<LabelName>,
}

#[derive(Deserialize)]
struct Head {
    sha: CommitId,
}

#[derive(Deserialize)]
struct Base {
    #[serde(rename = "ref")]
    branch: String,
}

#[derive(Deserialize)]
struct Runs {
    #[serde(default)]
    check_runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    id: u64,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    html_url: Option<String>,
}

impl GitHub {
    pub(in super::super) fn read_incoming(&self, reference: &IssueRef) -> Result<Incoming> {
        let (repo, number) = here(reference)?;
        self.shown_pull(repo, number).context(|| format!("reading the pull request {reference}"))
    }

    fn shown_pull(&self, repo: &RepoName, number: u64) -> Result<Incoming> {
        let home = self.find_home(repo)?;
        let shown: Option<Shown> = self.client.fetch_if_there(&Ask::get(repo, format!("/pulls/{number}")))?;
        let shown = shown.ok_or_else(|| {
            Failure::new(Kind::Forge, format_args!("{repo} has no pull request number {number}"))
                .hint("an issue is worked on by `loom run-issue`")
        })?;
        Ok(Incoming {
            repo: self.client.present_name(repo),
            number,
            title: shown.title,
            url: shown.html_url,
            head: shown.head.sha,
            labels: shown.labels.into_iter().map(|label| label.0).collect(),
            home: Home { base: shown.base.branch, ..home },
        })
    }

    pub(in super::super) fn tell_check(&self, run: &CheckRun) -> Result<String> {
        self.written(run).context(|| format!("writing the check run on {} of {}", run.head.short(), run.repo))
    }

    fn written(&self, run: &CheckRun) -> Result<String> {
        let standing = self.standing_run(run)?;
        let done = match standing {
            Some(there) => self.client.fetch::<Run>(&Ask::patch(&run.repo, format!("/check-runs/{}", there.id), body(run)))?,
            None => match self.client.create(&Ask::post(&run.repo, "/check-runs", body(run)), || self.standing_run(run))? {
                Made::Found(found) => found,
                Made::Now(answer) if answer.good() => self.client.decode(&answer)?,
                Made::Now(answer) => return Err(may_not(self.client.refusal(&answer), answer.status)),
            },
        };
        Ok(done.html_url.unwrap_or_default())
    }

    /// The check run of this commit that an earlier call made.
    fn standing_run(&self, run: &CheckRun) -> Result<Option<Run>> {
        let path = format!("/commits/{}/check-runs?check_name={}&per_page=100", run.head, segment(NAME));
        let runs: Runs = self.client.fetch(&Ask::get(&run.repo, path))?;
        Ok(runs.check_runs.into_iter().find(|one| one.external_id.as_deref() == Some(&run.external_id)))
    }
}

fn body(run: &CheckRun) -> Value {
    let mut body = json!({
        "name": NAME,
        "head_sha": run.head,
        "external_id": run.external_id,
        "status": if run.conclusion.is_some() { "completed" } else { "in_progress" },
        "output": { "title": guard::title_text(&run.title, TITLE), "summary": capped(&run.summary) },
    });
    if let Some(conclusion) = run.conclusion {
        body["conclusion"] = json!(conclusion.as_str());
    }
    body
}

fn capped(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}\n[... {} more bytes]", &text[..at], text.len() - at),
        None => text.to_owned(),
    }
}

fn may_not(failure: Failure, status: u16) -> Failure {
    if !matches!(status, 403 | 404) {
        return failure;
    }
    failure
        .hint("GitHub lets only apps write check runs: a workflow's GITHUB_TOKEN with `permissions: checks: write`, or an app's token")
        .hint("in a workflow for pull requests from forks that token may only read: leave --check-run out, the exit code says the same")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Conclusion;

    #[test]
    fn a_run_that_goes_on_has_no_conclusion_and_a_page_has_an_end() {
        let mut run = CheckRun {
            repo: "acme/widget".parse().unwrap(),
            head: "a".repeat(40).parse().unwrap(),
            external_id: "loom-verify-7".into(),
            conclusion: None,
            title: "x\n".repeat(500),
            summary: "ä".repeat(70_000),
        };
        let shown = body(&run);
        assert_eq!((&shown["status"], shown.get("conclusion")), (&json!("in_progress"), None));
        assert!(shown["output"]["summary"].as_str().unwrap().chars().count() <= 65_535);
        assert!(shown["output"]["title"].as_str().unwrap().len() <= TITLE + 3);
        run.conclusion = Some(Conclusion::ActionRequired);
        assert_eq!((&body(&run)["status"], &body(&run)["conclusion"]), (&json!("completed"), &json!("action_required")));
    }
}
