//! Sends a commit to the remote as a branch and asks where a branch stands.
//! Owns the rule that nothing of others is overwritten; what to push is decided above.

use std::time::Duration;

use super::cache::Cache;
use super::fetch::Call;
use crate::error::{Explain, Failure, Kind, Result};
use crate::sandbox::{Cancel, Credential};
use crate::task::CommitId;

impl Cache {
    /// Pushes a commit as `branch` to the cache's remote; never by force over work that is not loom's:
    /// `expected` is what the branch must point to now (none: must not exist). A branch that stands at `commit`
    /// already is fine: an earlier push arrived and its answer was lost.
    pub fn push(
        &self,
        commit: &CommitId,
        branch: &str,
        expected: Option<&CommitId>,
        credential: Option<&Credential>,
        wall: Duration,
        cancel: &Cancel,
    ) -> Result<()> {
        let name = head(branch)?;
        let call = Call::new(credential, wall, cancel);
        let lease = format!("--force-with-lease={name}:{}", expected.map_or("", CommitId::as_str));
        let spec = format!("{commit}:{name}");
        let args = ["--git-dir=.", "push", "--no-verify", "--recurse-submodules=no", &lease, "--", &self.remote.address, &spec];
        let Err(refused) = call.git(&self.path, &args) else { return Ok(()) };
        match self.standing(&name, &call) {
            Ok(Some(there)) if there == *commit => Ok(()),
            _ => Err(refused.context(format_args!("pushing {branch} to {}", self.remote.address))),
        }
    }

    /// What `branch` points to at the remote.
    pub fn remote_branch(
        &self,
        branch: &str,
        credential: Option<&Credential>,
        wall: Duration,
        cancel: &Cancel,
    ) -> Result<Option<CommitId>> {
        let call = Call::new(credential, wall, cancel);
        self.standing(&head(branch)?, &call).context(|| format!("asking {} for {branch}", self.remote.address))
    }

    fn standing(&self, name: &str, call: &Call<'_>) -> Result<Option<CommitId>> {
        let answer = call.git(&self.path, &["--git-dir=.", "ls-remote", "--", &self.remote.address, name])?;
        let text = answer.stdout.text();
        let mut lines = text.lines().filter_map(|line| line.split_once('\t'));
        lines.find(|(_, found)| *found == name).map(|(id, _)| id.parse()).transpose()
    }
}

fn head(branch: &str) -> Result<String> {
    let name = format!("refs/heads/{branch}");
    if branch.starts_with('-') || !git2::Reference::is_valid_name(&name) {
        return Err(Failure::new(Kind::Config, format_args!("not a branch name: {branch:?}")).hint("check pull_request.branch_prefix"));
    }
    Ok(name)
}
