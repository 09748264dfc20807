//! Opens the pull request, or adopts the one that is there, and reads it back. Pushing the branch is `workspace`'s.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Draft, PullRequest};
use super::GitHub;
use super::ask::{Ask, segment};
use super::client::Made;
use super::labels::{LabelName, same};
use super::people::Account;
use super::refusal::Words;
use crate::error::{Failure, Kind, Result};
use crate::task::{CommitId, RepoName};

/// GitHub's copies agree within moments: so often, one pause between writes apart, a fresh branch or pull request is
/// read again.
const LOOKS: u32 = 6;

/// A pull request as GitHub shows it, as far as loom asks.
#[derive(Debug, Deserialize)]
pub(super) struct Pull {
    number: u64,
    html_url: String,
    state: String,
    title: String,
    body: Option<String>,
    head: Side,
    base: Side,
    #[serde(default)]
    labels: Vec<LabelName>,
    #[serde(default)]
    requested_reviewers: Vec<Account>,
}

#[derive(Debug, Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    branch: String,
    sha: CommitId,
}

impl Pull {
    /// As the forge's callers see it.
    pub(super) fn shown(self, adopted: bool, warnings: Vec<String>) -> PullRequest {
        PullRequest { number: self.number, url: self.html_url, adopted, warnings }
    }
}

impl GitHub {
    /// The open pull request from this branch of the repository itself.
    pub(super) fn open_pull(&self, repo: &RepoName, branch: &str) -> Result<Option<Pull>> {
        Ok(self.pulls_from(repo, branch)?.into_iter().find(|pull| pull.state == "open"))
    }

    /// The same, or a refusal where the last one was closed.
    pub(super) fn standing_pull(&self, repo: &RepoName, branch: &str) -> Result<Option<Pull>> {
        match self.pulls_from(repo, branch)?.into_iter().max_by_key(|pull| (pull.state == "open", pull.number)) {
            Some(pull) if pull.state != "open" => Err(closed_before(&pull)),
            found => Ok(found),
        }
    }

    /// Newest first, closed ones too. GitHub ignores a `head` that it does not understand, so the answer is checked.
    fn pulls_from(&self, repo: &RepoName, branch: &str) -> Result<Vec<Pull>> {
        let owner = self.client.present_name(repo).owner().to_owned();
        let filter = format!("state=all&head={}:{}&", segment(&owner), segment(branch));
        let pulls: Vec<Pull> = self.client.list(repo, "/pulls", &filter)?;
        Ok(pulls.into_iter().filter(|pull| pull.head.branch == branch).collect())
    }

    pub(super) fn open_or_adopt(&self, repo: &RepoName, draft: &Draft) -> Result<PullRequest> {
        self.await_branch(repo, draft)?;
        let mut warnings = Vec::new();
        let (pull, adopted) = match self.standing_pull(repo, &draft.branch)? {
            Some(pull) => (pull, true),
            None => self.create(repo, draft, &mut warnings)?,
        };
        if adopted {
            self.bring_up_to_date(repo, &pull, draft, &mut warnings)?;
        }
        let pull = self.read_back(repo, pull.number, draft)?;
        self.ask_reviewers(repo, &pull, &mut warnings)?;
        self.label_pull(repo, &pull, &mut warnings)?;
        Ok(pull.shown(adopted, warnings))
    }

    /// The pushed branch must be there, at the commit that was proved.
    fn await_branch(&self, repo: &RepoName, draft: &Draft) -> Result<()> {
        let mut found = self.branch_head(repo, &draft.branch)?;
        for _ in 1..LOOKS {
            if found.as_ref() == Some(&draft.head) {
                return Ok(());
            }
            self.client.look_later()?;
            found = self.branch_head(repo, &draft.branch)?;
        }
        match found {
            Some(head) if head == draft.head => Ok(()),
            Some(head) => Err(other_head(&draft.branch, &head, &draft.head)),
            None => Err(Failure::new(Kind::Forge, format_args!("the branch {} is not on GitHub", draft.branch))
                .hint("it was not pushed, or somebody deleted it: publish again")),
        }
    }

    /// Creates it, or finds the one that another try created.
    fn create(&self, repo: &RepoName, draft: &Draft, warnings: &mut Vec<String>) -> Result<(Pull, bool)> {
        let mut body = json!({
            "title": draft.title,
            "head": draft.branch,
            "base": draft.base,
            "body": draft.body,
            "draft": self.pull_request.draft,
        });
        loop {
            let ask = Ask::post(repo, "/pulls", body.clone());
            let answer = match self.client.create(&ask, || self.open_pull(repo, &draft.branch))? {
                Made::Found(pull) => return Ok((pull, false)),
                Made::Now(answer) => answer,
            };
            if answer.good() {
                return Ok((self.client.decode(&answer)?, false));
            }
            let words = Words::of(&answer);
            if answer.status == 422 && words.mention("draft pull requests are not supported") && body["draft"] == Value::Bool(true) {
                warnings.push("opened as an ordinary pull request: this repository's plan has no drafts".into());
                body["draft"] = Value::Bool(false);
                continue;
            }
            if answer.status == 422
                && words.mention("already exists")
                && let Some(pull) = self.open_pull(repo, &draft.branch)?
            {
                return Ok((pull, true));
            }
            return Err(self.not_created(repo, draft, self.client.refusal(&answer), &words));
        }
    }

    fn not_created(&self, repo: &RepoName, draft: &Draft, failure: Failure, words: &Words) -> Failure {
        if words.mention("no commits between") {
            return failure.hint(format!("the branch adds nothing to {}: it may have been merged already", draft.base));
        }
        if words.mention("not permitted to create or approve pull requests") {
            return failure.hint(format!("the setting is at {}", self.address.settings_page(&self.client.present_name(repo))));
        }
        if words.mention("PullRequest base invalid") {
            return failure.hint(format!("there is no branch {}: check github.base", draft.base));
        }
        failure
    }

    fn bring_up_to_date(&self, repo: &RepoName, pull: &Pull, draft: &Draft, warnings: &mut Vec<String>) -> Result<()> {
        if pull.base.branch != draft.base {
            warnings.push(format!("#{} goes to {}, not to {}: left as it is", pull.number, pull.base.branch, draft.base));
        }
        if pull.title == draft.title && pull.body.as_deref().unwrap_or_default() == draft.body {
            return Ok(());
        }
        let body = json!({ "title": draft.title, "body": draft.body });
        self.client.fetch::<serde::de::IgnoredAny>(&Ask::patch(repo, format!("/pulls/{}", pull.number), body))?;
        Ok(())
    }

    /// What GitHub shows after all, never what was sent.
    fn read_back(&self, repo: &RepoName, number: u64, draft: &Draft) -> Result<Pull> {
        let ask = Ask::get(repo, format!("/pulls/{number}"));
        let mut seen = self.client.fetch_if_there::<Pull>(&ask)?;
        for _ in 1..LOOKS {
            if seen.as_ref().is_some_and(|pull| pull.head.sha == draft.head) {
                break;
            }
            self.client.look_later()?;
            seen = self.client.fetch_if_there(&ask)?;
        }
        let pull = seen.ok_or_else(|| {
            Failure::new(Kind::Forge, format_args!("pull request #{number} was opened and cannot be read"))
                .hint("publish again: loom adopts it")
        })?;
        if pull.head.sha != draft.head {
            return Err(other_head(&draft.branch, &pull.head.sha, &draft.head));
        }
        Ok(pull)
    }

    fn label_pull(&self, repo: &RepoName, pull: &Pull, warnings: &mut Vec<String>) -> Result<()> {
        let missing: Vec<&String> =
            self.pull_request.labels.iter().filter(|wanted| !pull.labels.iter().any(|label| same(&label.0, wanted))).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let ask = Ask::post(repo, format!("/issues/{}/labels", pull.number), json!({ "labels": missing }));
        self.optional(&ask, || "the labels of the pull request were not set".into(), warnings)
    }

    fn ask_reviewers(&self, repo: &RepoName, pull: &Pull, warnings: &mut Vec<String>) -> Result<()> {
        let asked = |name: &str| pull.requested_reviewers.iter().any(|account| account.login.eq_ignore_ascii_case(name));
        // One at a time: GitHub refuses all of them because of one.
        for name in self.pull_request.reviewers.iter().filter(|name| !asked(name)) {
            let body = match name.split_once('/') {
                Some((_, team)) => json!({ "team_reviewers": [team] }),
                None => json!({ "reviewers": [name] }),
            };
            let ask = Ask::post(repo, format!("/pulls/{}/requested_reviewers", pull.number), body);
            self.optional(&ask, || format!("{name} was not asked for a review"), warnings)?;
        }
        Ok(())
    }

    /// Something nice to have: GitHub's refusal becomes a warning.
    fn optional(&self, ask: &Ask, missed: impl Fn() -> String, warnings: &mut Vec<String>) -> Result<()> {
        let answer = self.client.ask(ask)?;
        if !answer.good() {
            warnings.push(format!("{}: {}", missed(), self.client.refusal(&answer).line()));
        }
        Ok(())
    }
}

fn closed_before(pull: &Pull) -> Failure {
    Failure::new(Kind::Skipped, format_args!("pull request #{} from {} is closed", pull.number, pull.head.branch))
        .hint(format!("reopen {} and publish again", pull.html_url))
        .hint("or start a new episode: set the label again, or run with --again")
}

fn other_head(branch: &str, found: &CommitId, wanted: &CommitId) -> Failure {
    Failure::new(Kind::Forge, format_args!("the branch {branch} points to {}, not to {}, which was proved", found.short(), wanted.short()))
        .hint("somebody else pushed to it: look at what came, delete the branch or rename it, and publish again")
}
