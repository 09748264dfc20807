//! Reads and freezes an issue with the comments of those whom `guard` admits. Who asked for the work is found next door.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::GitHub;
use super::ask::Ask;
use super::labels::LabelName;
use super::people::Account;
use crate::error::{Failure, Kind, Result};
use crate::guard;
use crate::task::{Comment, Issue, IssueRef, IssueState, RepoName};

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

    /// Everything said, less what `guard` leaves out for want of a role.
    fn admitted_comments(&self, repo: &RepoName, number: u64, issue_author: &str) -> Result<Vec<Comment>> {
        let shown: Vec<ShownComment> = self.client.list(repo, &format!("/issues/{number}/comments"), "")?;
        let (mut comments, mut ties) = (Vec::new(), BTreeMap::new());
        for shown in shown {
            let author = login(shown.user);
            ties.insert(author.to_lowercase(), shown.author_association);
            comments.push(Comment { author, body: shown.body.unwrap_or_default(), at: shown.created_at });
        }
        let mut roles = BTreeMap::new();
        for person in guard::needed_roles(&comments, issue_author) {
            let tie = ties.get(&person).map_or("", String::as_str);
            let role = self.commenters_role(repo, &person, tie)?;
            roles.insert(person, role);
        }
        Ok(guard::admitted_comments(&comments, issue_author, &roles).0)
    }

    /// Only people tied to the repository are asked about: nobody else can write to it. Where the token may not ask,
    /// GitHub's own word about the tie stands in.
    fn commenters_role(&self, repo: &RepoName, person: &str, tie: &str) -> Result<String> {
        if !matches!(tie, "OWNER" | "MEMBER" | "COLLABORATOR") {
            return Ok("none".into());
        }
        if self.token.is_none() {
            return Ok("write".into());
        }
        Ok(self.role_if_told(repo, person)?.unwrap_or_else(|| "write".into()))
    }
}

/// GitHub shows what a deleted account left behind under the name `ghost`.
pub(super) fn login(account: Option<Account>) -> String {
    account.map_or_else(|| "ghost".into(), |account| account.login)
}
