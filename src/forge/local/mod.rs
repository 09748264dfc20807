//! The forge without a forge: the issue is a Markdown file, the repository a path or a URL, and what would be posted is
//! left as Markdown files in the outbox. Owns the order of steps; reading the file, the repository and writing the
//! outbox are next door.

mod front_matter;
mod issue_file;
mod outbox;
mod repository;

use std::path::Path;

use secrecy::SecretString;

use self::outbox::Outbox;
use self::repository::Repository;
use super::{Draft, Forge, Home, PullRequest, Status};
use crate::config::{Config, Labels};
use crate::error::{Explain as _, Failure, Kind, Result};
use crate::sandbox::Cancel;
use crate::task::{Issue, IssueRef};

/// A Markdown file and a repository.
pub(super) struct Local {
    repository: Repository,
    outbox: Outbox,
    base: Option<String>,
    labels: Labels,
}

impl Local {
    /// Checks the repository; nothing is written yet.
    pub(super) fn new(config: &Config, token: Option<SecretString>, repository: &str, outbox: &Path, cancel: &Cancel) -> Result<Local> {
        Ok(Local {
            repository: Repository::find(&config.github, token, repository, outbox, cancel)?,
            outbox: Outbox::at(outbox),
            base: config.github.base.clone(),
            labels: config.github.labels.clone(),
        })
    }
}

impl Forge for Local {
    fn issue(&self, reference: &IssueRef) -> Result<Issue> {
        issue_file::read(file(reference)?)
    }

    fn home(&self, reference: &IssueRef) -> Result<Home> {
        file(reference)?;
        self.repository.home(self.base.as_deref()).context(|| format!("looking up {}", self.repository))
    }

    fn role(&self, reference: &IssueRef, _actor: &str) -> Result<String> {
        // Whoever sits at this terminal owns the files.
        file(reference).map(|_| "admin".into())
    }

    fn find_pull_request(&self, reference: &IssueRef, branch: &str) -> Result<Option<PullRequest>> {
        let found = self.outbox.has_pull_request(file(reference)?, branch)?;
        Ok(found.then(|| self.shown(branch, true)))
    }

    fn publish(&self, reference: &IssueRef, draft: &Draft) -> Result<PullRequest> {
        let path = file(reference)?;
        let doing = || format!("publishing {} in {}", draft.branch, self.repository);
        let found = self.repository.branch_head(&draft.branch).context(doing)?;
        match found {
            Some(head) if head == draft.head => {}
            Some(head) => {
                return Err(Failure::new(
                    Kind::Forge,
                    format_args!("the branch {} points to {}, not to {}, which was proved", draft.branch, head.short(), draft.head.short()),
                )
                .context(doing())
                .hint("somebody moved it: rename or delete the branch and publish again"));
            }
            None => {
                let failure = Failure::new(Kind::Forge, format_args!("there is no branch {}", draft.branch)).context(doing());
                return Err(failure.hint("it was not pushed, or somebody deleted it: publish again"));
            }
        }
        let adopted = self.outbox.has_pull_request(path, &draft.branch)?;
        self.outbox.write_pull_request(path, draft)?;
        Ok(self.shown(&draft.branch, adopted))
    }

    fn comment(&self, reference: &IssueRef, marker: &str, body: &str) -> Result<()> {
        self.outbox.write_comment(file(reference)?, marker, body)
    }

    fn read_comment(&self, reference: &IssueRef, marker: &str) -> Result<Option<String>> {
        self.outbox.read_comment(file(reference)?, marker)
    }

    fn status(&self, reference: &IssueRef, status: Status) -> Result<()> {
        self.outbox.write_status(file(reference)?, status.label(&self.labels))
    }
}

impl Local {
    fn shown(&self, branch: &str, adopted: bool) -> PullRequest {
        PullRequest { number: 0, url: format!("branch {branch} in {}", self.repository), adopted, warnings: Vec::new() }
    }
}

fn file(reference: &IssueRef) -> Result<&Path> {
    match reference {
        IssueRef::File(path) => Ok(path),
        IssueRef::GitHub { .. } => Err(Failure::new(Kind::Internal, format_args!("{reference} is no file"))),
    }
}
