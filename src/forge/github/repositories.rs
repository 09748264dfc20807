//! The repository: its present name, base branch, clone address and branches. Cloning is `workspace`'s.

use serde::Deserialize;

use super::super::Home;
use super::GitHub;
use super::ask::{Ask, segments};
use crate::error::{Failure, Kind, Result};
use crate::sandbox::Credential;
use crate::task::{CommitId, RepoName};

/// What GitHub says about a repository, as far as loom asks.
#[derive(Debug, Deserialize)]
pub(super) struct Repository {
    pub id: u64,
    pub full_name: RepoName,
    pub default_branch: String,
}

#[derive(Deserialize)]
struct Reference {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    sha: CommitId,
}

impl GitHub {
    pub(super) fn find_home(&self, repo: &RepoName) -> Result<Home> {
        let found = self.repository(repo)?;
        let url = self.address.clone_url(&found.full_name);
        Ok(Home {
            credential: self.token.clone().map(|token| Credential { scope: url.clone(), token }),
            url,
            base: self.settings.base.clone().unwrap_or(found.default_branch),
            repository_id: found.id.to_string(),
        })
    }

    /// The repository, or a failure that says what a 404 leaves open.
    pub(super) fn repository(&self, repo: &RepoName) -> Result<Repository> {
        if let Some(found) = self.client.fetch_if_there(&Ask::get(repo, ""))? {
            return Ok(found);
        }
        Err(if self.token.is_none() {
            Failure::new(Kind::Config, format_args!("there is no public repository {repo}"))
                .hint("a private one needs a token: set GITHUB_TOKEN")
                .hint("otherwise check the spelling")
        } else {
            Failure::new(Kind::Forge, format_args!("there is no repository {repo}, or the token cannot see it"))
                .hint("check the spelling")
                .hint("check that the token in GITHUB_TOKEN covers this repository")
        })
    }

    /// What a branch points to; none when it does not exist.
    pub(super) fn branch_head(&self, repo: &RepoName, branch: &str) -> Result<Option<CommitId>> {
        let path = format!("/git/ref/heads/{}", segments(branch));
        let found: Option<Reference> = self.client.fetch_if_there(&Ask::get(repo, path))?;
        Ok(found.map(|reference| reference.object.sha))
    }
}
