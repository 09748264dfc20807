//! Chooses the forge an issue lives on. Owns the choice only.

use std::path::Path;

use secrecy::SecretString;

use super::Forge;
use super::github::GitHub;
use super::local::Local;
use crate::config::Config;
use crate::error::{Failure, Kind, Result};
use crate::sandbox::Cancel;
use crate::task::IssueRef;

/// The forge an issue lives on. A file needs `repository` (path or URL) and `outbox`, the folder where the local
/// forge leaves what it "posts".
pub fn connect(
    config: &Config,
    token: Option<SecretString>,
    reference: &IssueRef,
    repository: Option<&str>,
    outbox: &Path,
    cancel: &Cancel,
) -> Result<Box<dyn Forge>> {
    match reference {
        IssueRef::GitHub { .. } => Ok(Box::new(GitHub::connect(config, token, cancel)?)),
        IssueRef::File(path) => {
            let repository = repository.ok_or_else(|| {
                Failure::new(Kind::Usage, format_args!("{} does not say which repository it is about", path.display()))
                    .hint("add --repo with the path or the URL of the repository")
            })?;
            Ok(Box::new(Local::new(config, token, repository, outbox, cancel)?))
        }
    }
}
