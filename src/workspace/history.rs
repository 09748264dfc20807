//! What a commit says: read to tell loom's own branches from those of others.

use super::cache::{Cache, oid};
use crate::error::{Kind, OrFail, Result};
use crate::task::CommitId;

impl Cache {
    /// Subject and body of a commit in the cache; what is not UTF-8 is replaced.
    pub fn message(&self, commit: &CommitId) -> Result<String> {
        let repository = self.repository()?;
        let found =
            repository.find_commit(oid(commit.as_str())?).or_fail(Kind::Workspace, || format!("reading commit {}", commit.short()))?;
        Ok(String::from_utf8_lossy(found.message_bytes()).into_owned())
    }
}
