//! The forge at GitHub or a GitHub Enterprise Server. Owns the order of calls; one subject per neighbour:
//! the line to the server, tries, refusals, and then issues, people, pull requests, comments and labels.

mod address;
mod ask;
mod checks;
mod client;
mod comments;
mod issues;
mod judge;
mod labels;
mod line;
mod people;
mod pulls;
mod refusal;
mod repositories;
mod trigger;

use std::collections::HashMap;
use std::sync::Mutex;

use secrecy::SecretString;

use self::address::Address;
use self::client::Client;
use super::retry::{Clock, MachineClock, Patience};
use super::{Draft, Forge, Home, PullRequest, Status};
use crate::config::{Config, GitHubSettings, PullRequestSettings};
use crate::error::{Explain as _, Failure, Kind, Result};
use crate::sandbox::Cancel;
use crate::task::{Issue, IssueRef, RepoName};

/// GitHub, seen with one token (or none, for reading what is public).
pub(super) struct GitHub {
    client: Client,
    address: Address,
    token: Option<SecretString>,
    settings: GitHubSettings,
    pull_request: PullRequestSettings,
    /// Who the token speaks for, once it was asked.
    myself: Mutex<Option<people::Myself>>,
    /// Comments by marker, once found or written.
    comments: Mutex<HashMap<String, u64>>,
}

impl GitHub {
    /// Checks address and token; nothing is sent yet.
    pub(super) fn connect(config: &Config, token: Option<SecretString>, cancel: &Cancel) -> Result<GitHub> {
        GitHub::with_clock(config, token, cancel, Box::new(MachineClock))
    }

    fn with_clock(config: &Config, token: Option<SecretString>, cancel: &Cancel, clock: Box<dyn Clock>) -> Result<GitHub> {
        let settings = config.github.clone();
        let address = Address::new(&settings, token.as_ref())?;
        let patience = Patience::new(settings.retry_budget.duration(), clock, cancel);
        let client = Client::open(&address, token.as_ref(), patience, settings.write_interval.duration(), cancel)?;
        Ok(GitHub {
            client,
            address,
            token,
            settings,
            pull_request: config.pull_request.clone(),
            myself: Mutex::default(),
            comments: Mutex::default(),
        })
    }
}

impl Forge for GitHub {
    fn issue(&self, reference: &IssueRef) -> Result<Issue> {
        let (repo, number) = here(reference)?;
        self.read_issue(repo, number).context(|| format!("reading {reference}"))
    }

    fn home(&self, reference: &IssueRef) -> Result<Home> {
        let (repo, _) = here(reference)?;
        self.find_home(repo).context(|| format!("looking up {repo}"))
    }

    fn role(&self, reference: &IssueRef, actor: &str) -> Result<String> {
        let (repo, _) = here(reference)?;
        self.role_of(repo, actor).context(|| format!("asking for the role of {actor} in {repo}"))
    }

    fn find_pull_request(&self, reference: &IssueRef, branch: &str) -> Result<Option<PullRequest>> {
        let (repo, _) = here(reference)?;
        let found = self.standing_pull(repo, branch).context(|| format!("looking for a pull request from {branch} in {repo}"))?;
        Ok(found.map(|pull| pull.shown(true, Vec::new())))
    }

    fn publish(&self, reference: &IssueRef, draft: &Draft) -> Result<PullRequest> {
        let (repo, _) = here(reference)?;
        self.open_or_adopt(repo, draft).context(|| format!("opening the pull request from {} in {repo}", draft.branch))
    }

    fn comment(&self, reference: &IssueRef, marker: &str, body: &str) -> Result<()> {
        let (repo, number) = here(reference)?;
        self.write_comment(repo, number, marker, body).context(|| format!("writing the status comment of {reference}"))
    }

    fn read_comment(&self, reference: &IssueRef, marker: &str) -> Result<Option<String>> {
        let (repo, number) = here(reference)?;
        self.standing_comment(repo, number, marker).context(|| format!("reading the status comment of {reference}"))
    }

    fn status(&self, reference: &IssueRef, status: Status) -> Result<()> {
        let (repo, number) = here(reference)?;
        self.set_status(repo, number, status)
            .context(|| format!("setting the label {:?} on {reference}", status.label(&self.settings.labels)))
    }
}

fn here(reference: &IssueRef) -> Result<(&RepoName, u64)> {
    match reference {
        IssueRef::GitHub { repo, number } => Ok((repo, *number)),
        IssueRef::File(path) => Err(Failure::new(Kind::Internal, format_args!("{} is no issue on GitHub", path.display()))),
    }
}

/// Base of the pages and clones of the configured forge.
pub(super) fn server(settings: &GitHubSettings) -> Option<String> {
    Address::new(settings, None).ok().map(|address| address.server().to_owned())
}
