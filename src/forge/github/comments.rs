//! Keeps the one status comment current. Its text is decided above; the hidden marker finds it again.

use serde::Deserialize;
use serde_json::json;

use super::GitHub;
use super::ask::Ask;
use super::client::{Made, held};
use super::people::Account;
use crate::error::Result;
use crate::task::RepoName;

#[derive(Debug, Deserialize)]
struct Posted {
    id: u64,
    body: Option<String>,
    user: Option<Account>,
}

impl Posted {
    fn author(&self) -> Option<String> {
        self.user.as_ref().map(|user| user.login.clone())
    }
}

impl GitHub {
    pub(super) fn write_comment(&self, repo: &RepoName, number: u64, marker: &str, body: &str) -> Result<()> {
        let body = if body.contains(marker) { body.to_owned() } else { format!("{marker}\n{body}") };
        let known = held(&self.comments).get(marker).copied();
        if let Some(id) = known {
            if self.edit(repo, id, &body)? {
                return Ok(());
            }
            held(&self.comments).remove(marker);
        }
        let mut own = self.own_comments(repo, number, marker)?.into_iter();
        while let Some(found) = own.next() {
            if found.body.as_deref() == Some(&body) || self.edit(repo, found.id, &body)? {
                held(&self.comments).insert(marker.to_owned(), found.id);
                let author = found.author();
                return self.remove_doubles(repo, own.filter(|double| double.author() == author));
            }
        }
        let id = self.post(repo, number, marker, &body)?;
        held(&self.comments).insert(marker.to_owned(), id);
        Ok(())
    }

    /// The text of the comment with this marker.
    pub(super) fn standing_comment(&self, repo: &RepoName, number: u64, marker: &str) -> Result<Option<String>> {
        Ok(self.own_comments(repo, number, marker)?.into_iter().find_map(|posted| posted.body))
    }

    /// Comments with this marker that the token's own account wrote, oldest first. A marker that somebody else copied
    /// is not loom's.
    fn own_comments(&self, repo: &RepoName, number: u64, marker: &str) -> Result<Vec<Posted>> {
        let myself = self.myself()?;
        let all: Vec<Posted> = self.client.list(repo, &format!("/issues/{number}/comments"), "")?;
        let own = |posted: &Posted| posted.body.as_ref().is_some_and(|body| body.contains(marker)) && myself.may_be(posted.user.as_ref());
        Ok(all.into_iter().filter(own).collect())
    }

    fn post(&self, repo: &RepoName, number: u64, marker: &str, body: &str) -> Result<u64> {
        let ask = Ask::post(repo, format!("/issues/{number}/comments"), json!({ "body": body }));
        let made = self.client.create(&ask, || Ok(self.own_comments(repo, number, marker)?.into_iter().next()))?;
        let posted = match made {
            Made::Found(posted) => posted,
            Made::Now(answer) if answer.good() => self.client.decode::<Posted>(&answer)?,
            Made::Now(answer) => return Err(self.client.refusal(&answer)),
        };
        if posted.body.as_deref() != Some(body) {
            self.edit(repo, posted.id, body)?;
        }
        Ok(posted.id)
    }

    /// False when the comment is gone or belongs to somebody else.
    fn edit(&self, repo: &RepoName, id: u64, body: &str) -> Result<bool> {
        let answer = self.client.ask(&Ask::patch(repo, format!("/issues/comments/{id}"), json!({ "body": body })))?;
        match answer.status {
            _ if answer.good() => Ok(true),
            403 | 404 | 410 => Ok(false),
            _ => Err(self.client.refusal(&answer)),
        }
    }

    /// An answer lost twice can leave a second comment behind; it goes when the next update sees it.
    fn remove_doubles(&self, repo: &RepoName, doubles: impl Iterator<Item = Posted>) -> Result<()> {
        for double in doubles {
            let answer = self.client.ask(&Ask::delete(repo, format!("/issues/comments/{}", double.id)))?;
            if !answer.good() && !matches!(answer.status, 403 | 404 | 410) {
                return Err(self.client.refusal(&answer));
            }
        }
        Ok(())
    }
}
