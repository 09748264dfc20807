//! Who the token speaks for, and what role a person has. The rule about roles is `guard`'s.

use serde::Deserialize;

use super::GitHub;
use super::ask::{Ask, segment};
use super::client::held;
use super::line::Answer;
use crate::error::Result;
use crate::task::RepoName;

/// An account as GitHub shows it beside what it wrote; deleted accounts are shown as nobody.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Account {
    pub login: String,
    #[serde(rename = "type", default)]
    pub kind: String,
}

/// Who the token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Myself {
    /// An account by this login.
    Account(String),
    /// An app, or the token of a workflow: GitHub does not tell such a token its own name.
    SomeApp,
}

impl Myself {
    /// Whether this account can be the token's own.
    pub(super) fn may_be(&self, author: Option<&Account>) -> bool {
        let Some(author) = author else { return false };
        match self {
            Myself::Account(login) => author.login.eq_ignore_ascii_case(login),
            Myself::SomeApp => author.kind == "Bot",
        }
    }
}

#[derive(Deserialize)]
struct Permission {
    #[serde(default)]
    permission: String,
    #[serde(default)]
    role_name: String,
}

const ROLES: [&str; 6] = ["admin", "maintain", "write", "triage", "read", "none"];

fn role_ask(repo: &RepoName, actor: &str) -> Ask {
    Ask::get(repo, format!("/collaborators/{}/permission", segment(actor)))
}

impl GitHub {
    /// The role by name. An organisation's own roles have names of their own: what they amount to counts.
    pub(super) fn role_of(&self, repo: &RepoName, actor: &str) -> Result<String> {
        let answer = self.client.ask(&role_ask(repo, actor))?;
        if answer.status == 404 {
            // No such account, or no such repository: only the first means that there is no role.
            self.repository(repo)?;
            return Ok("none".into());
        }
        if answer.good() { self.named_role(&answer) } else { Err(self.client.refusal(&answer)) }
    }

    /// The same, or nothing where the token may not ask.
    pub(super) fn role_if_told(&self, repo: &RepoName, actor: &str) -> Result<Option<String>> {
        let answer = self.client.ask(&role_ask(repo, actor))?;
        match answer.status {
            403 => Ok(None),
            404 => Ok(Some("none".into())),
            _ if answer.good() => self.named_role(&answer).map(Some),
            _ => Err(self.client.refusal(&answer)),
        }
    }

    fn named_role(&self, answer: &Answer) -> Result<String> {
        let found: Permission = self.client.decode(answer)?;
        let known = |name: &String| ROLES.contains(&name.as_str());
        Ok([found.role_name, found.permission].into_iter().find(known).unwrap_or_else(|| "none".into()))
    }

    /// Asked once per forge.
    pub(super) fn myself(&self) -> Result<Myself> {
        if let Some(myself) = held(&self.myself).clone() {
            return Ok(myself);
        }
        let answer = self.client.ask(&Ask::top("/user"))?;
        let myself = match answer.status {
            403 | 404 => Myself::SomeApp,
            _ if answer.good() => Myself::Account(self.client.decode::<Account>(&answer)?.login),
            _ => return Err(self.client.refusal(&answer)),
        };
        *held(&self.myself) = Some(myself.clone());
        Ok(myself)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_knows_itself_by_kind_only() {
        let person = Account { login: "Maya".into(), kind: "User".into() };
        let bot = Account { login: "github-actions[bot]".into(), kind: "Bot".into() };
        assert!(Myself::Account("maya".into()).may_be(Some(&person)));
        assert!(!Myself::Account("maya".into()).may_be(Some(&bot)));
        assert!(Myself::SomeApp.may_be(Some(&bot)));
        assert!(!Myself::SomeApp.may_be(Some(&person)));
        assert!(!Myself::SomeApp.may_be(None));
    }
}
