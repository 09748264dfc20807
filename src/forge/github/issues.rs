//! Reads and freezes an issue with the comments of those whom `guard` admits. Who asked for the work is found next door.

use jiff::Timestamp;
use serde::Deserialize;

use super::GitHub;
use super::ask::Ask;
use super::labels::LabelName;
use super::people::Account;
use crate::error::{Failure, Kind, Result};
use crate::guard;
use crate::task::{Comment, Issue, IssueRef, IssueState, RepoName};

/// loom's own comments begin with a hidden mark like this and are no part of the issue.
const OWN_MARK: &str = "<!-- loom:";

#[derive(Deserialize)]
struct Shown {
    title: String,
    body: Option<String>,
    user: Option<Account>,
    state: String,
    html_url: Option<String>,
    #[serde(default)]
    labels: Vec<LabelName>,
    pull_request: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    comments: u64,
}

#[derive(Deserialize)]
struct ShownComment {
    body: Option<String>,
    user: Option<Account>,
    created_at: Timestamp,
    #[serde(default)]
    author_association: String,
}

impl GitHub {
    pub(super) fn read_issue(&self, repo: &RepoName, number: u64) -> Result<Issue> {
        let shown = self.shown_issue(repo, number)?;
        if shown.pull_request.is_some() {
            return Err(Failure::new(Kind::Skipped, format_args!("number {number} of {repo} is a pull request, not an issue"))
                .hint("name the issue that the pull request is about"));
        }
        let labels: Vec<String> = shown.labels.into_iter().map(|label| label.0).collect();
        let author = login(shown.user);
        let comments = match shown.comments {
            0 => Vec::new(),
            _ => self.admitted_comments(repo, number, &author)?,
        };
        Ok(Issue {
            trigger: self.trigger(repo, number, &labels)?,
            reference: IssueRef::GitHub { repo: self.client.present_name(repo), number },
            title: shown.title,
            body: shown.body.unwrap_or_default(),
            author,
            state: if shown.state == "closed" { IssueState::Closed } else { IssueState::Open },
            labels,
            comments,
            url: shown.html_url,
        })
    }

    fn shown_issue(&self, repo: &RepoName, number: u64) -> Result<Shown> {
        let answer = self.client.ask(&Ask::get(repo, format!("/issues/{number}")))?;
        match answer.status {
            _ if answer.good() => self.client.decode(&answer),
            404 => {
                let found = self.repository(repo)?;
                Err(Failure::new(Kind::Forge, format_args!("{} has no issue number {number}, or the token cannot see it", found.full_name))
                    .hint("check the number; for a fine-grained token or a workflow also the permission `issues: read`"))
            }
            _ => Err(self.client.refusal(&answer)),
        }
    }

    fn admitted_comments(&self, repo: &RepoName, number: u64, issue_author: &str) -> Result<Vec<Comment>> {
        let shown: Vec<ShownComment> = self.client.list(repo, &format!("/issues/{number}/comments"), "")?;
        Ok(shown.into_iter().filter_map(|comment| admitted(comment, issue_author)).collect())
    }
}

fn admitted(shown: ShownComment, issue_author: &str) -> Option<Comment> {
    let body = shown.body.filter(|body| !body.trim().is_empty() && !body.contains(OWN_MARK))?;
    let author = login(shown.user);
    guard::admits_comment(&author, &shown.author_association, issue_author).then_some(Comment { author, body, at: shown.created_at })
}

/// GitHub shows what a deleted account left behind under the name `ghost`.
pub(super) fn login(account: Option<Account>) -> String {
    account.map_or_else(|| "ghost".into(), |account| account.login)
}
