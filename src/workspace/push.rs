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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::GitSettings;
    use crate::workspace::Commit;
    use crate::workspace::fixture::{Origin, WALL};

    fn push(cache: &Cache, commit: &CommitId, expected: Option<&CommitId>) -> Result<()> {
        cache.push(commit, "loom/issue-1", expected, None, WALL, &Cancel::default())
    }

    fn standing(cache: &Cache) -> Option<CommitId> {
        cache.remote_branch("loom/issue-1", None, WALL, &Cancel::default()).unwrap()
    }

    fn commit(cache: &Cache, parent: &CommitId, content: &str) -> CommitId {
        let tree = cache.overlay(&cache.tree_of(parent).unwrap(), &[("x.txt".into(), Some((content.into(), 0o100644)))]).unwrap();
        let identity = GitSettings::default();
        cache.commit(parent, &tree, &Commit { message: content, identity: &identity, at: jiff::Timestamp::UNIX_EPOCH }).unwrap()
    }

    #[test]
    fn a_branch_appears_once_and_moves_only_from_where_loom_left_it() {
        let origin = Origin::new();
        let (cache, base) = origin.cached();
        assert_eq!(standing(&cache), None);
        let (one, two) = (commit(&cache, &base, "one"), commit(&cache, &base, "two"));
        push(&cache, &one, None).unwrap();
        assert_eq!(standing(&cache), Some(one.clone()));
        push(&cache, &one, None).unwrap();
        let refused = push(&cache, &two, None).unwrap_err();
        assert_eq!(refused.kind, Kind::Forge);
        assert!(refused.line().contains("not where loom left it"), "{refused:?}");
        assert_eq!(standing(&cache), Some(one.clone()));
        push(&cache, &two, Some(&one)).unwrap();
        assert_eq!(standing(&cache), Some(two.clone()));
        assert!(push(&cache, &one, Some(&base)).is_err());
        assert_eq!(standing(&cache), Some(two));
    }

    #[test]
    fn a_hook_that_says_no_is_told_in_its_own_words() {
        let origin = Origin::new();
        let (cache, base) = origin.cached();
        let hook = origin.path().join(".git/hooks/pre-receive");
        std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
        std::fs::write(&hook, "#!/bin/sh\necho 'no pushes on a Sunday' >&2\nexit 1\n").unwrap();
        std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let refused = push(&cache, &commit(&cache, &base, "one"), None).unwrap_err();
        assert!(refused.line().contains("no pushes on a Sunday") && refused.line().contains("hook at the remote"), "{refused:?}");
    }

    #[test]
    fn names_that_are_no_branches_never_reach_git() {
        let origin = Origin::new();
        let (cache, base) = origin.cached();
        for name in ["", "-x", "a..b", "a b", "x.lock", "a\nb"] {
            assert_eq!(cache.push(&base, name, None, None, WALL, &Cancel::default()).unwrap_err().kind, Kind::Config, "{name:?}");
        }
    }
}
