//! One commit of a tree, made in the cache: the same input gives the same id.
//! Owns identity and trailers; what the message says is the proposal's.

use git2::{Signature, Time};

use super::cache::{Cache, find_tree, keep, oid};
use crate::config::GitSettings;
use crate::error::{Failure, Kind, OrFail, Result};
use crate::task::{CommitId, TreeId};

/// What a commit says and who says it.
pub struct Commit<'a> {
    /// Subject, blank line, body.
    pub message: &'a str,
    /// Author and committer; `sign_off` decides about the trailer.
    pub identity: &'a GitSettings,
    /// Author and commit time.
    pub at: jiff::Timestamp,
}

impl Cache {
    /// One commit of `tree` on top of `parent`, in the cache; the same input gives the same id.
    /// `Signed-off-by` is added when `sign_off` is `Some(true)`; whether a repository asks for it is the caller's to find out.
    pub fn commit(&self, parent: &CommitId, tree: &TreeId, commit: &Commit<'_>) -> Result<CommitId> {
        let repository = self.repository()?;
        let doing = || format!("committing tree {}", tree.short());
        let identity = commit.identity;
        let who = Signature::new(&identity.name, &identity.email, &Time::new(commit.at.as_second(), 0));
        let who = who.or_fail(Kind::Config, || "reading git.name and git.email")?;
        let message = worded(commit)?;
        let above = repository.find_commit(oid(parent.as_str())?).or_fail(Kind::Workspace, doing)?;
        let files = find_tree(&repository, tree)?;
        let id = repository.commit(None, &who, &who, &message, &files, &[&above]).or_fail(Kind::Workspace, doing)?;
        keep(&repository, "commits", id)?;
        id.to_string().parse()
    }
}

fn worded(commit: &Commit<'_>) -> Result<String> {
    let text = commit.message.trim().replace('\0', "");
    if text.is_empty() {
        return Err(Failure::new(Kind::Internal, "a commit needs a message"));
    }
    if commit.identity.sign_off != Some(true) {
        return Ok(format!("{text}\n"));
    }
    let trailer = format!("Signed-off-by: {} <{}>", commit.identity.name, commit.identity.email);
    if text.lines().any(|line| line == trailer) {
        return Ok(format!("{text}\n"));
    }
    let gap = if ends_in_trailers(&text) { "\n" } else { "\n\n" };
    Ok(format!("{text}{gap}{trailer}\n"))
}

/// Whether the last paragraph, which is not the subject, has only lines like `Closes: #12`.
fn ends_in_trailers(text: &str) -> bool {
    let trailer = |line: &str| {
        line.split_once(": ").is_some_and(|(key, _)| !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
    };
    text.rsplit_once("\n\n").is_some_and(|(_, last)| last.lines().all(trailer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str, sign_off: Option<bool>) -> String {
        let identity = GitSettings { name: "A B".into(), email: "a@b".into(), sign_off };
        worded(&Commit { message: text, identity: &identity, at: jiff::Timestamp::UNIX_EPOCH }).unwrap()
    }

    #[test]
    fn the_sign_off_is_a_trailer_of_its_own_paragraph() {
        assert_eq!(message("fix: x", None), "fix: x\n");
        assert_eq!(message("fix: x", Some(true)), "fix: x\n\nSigned-off-by: A B <a@b>\n");
        assert_eq!(message("fix: x\n\nbody\n\nRefs: 12", Some(true)), "fix: x\n\nbody\n\nRefs: 12\nSigned-off-by: A B <a@b>\n");
        let signed = "fix\n\nSigned-off-by: A B <a@b>";
        assert_eq!(message(signed, Some(true)), format!("{signed}\n"));
    }

    #[test]
    fn the_same_input_gives_the_same_commit() {
        let origin = crate::workspace::fixture::Origin::new();
        let (cache, base) = origin.cached();
        let tree = cache.tree_of(&base).unwrap();
        let identity = GitSettings::default();
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        let make = |message| cache.commit(&base, &tree, &Commit { message, identity: &identity, at }).unwrap();
        assert_eq!(make("one"), make("one"));
        assert_ne!(make("one"), make("two"));
        let repository = cache.repository().unwrap();
        let commit = repository.find_commit(oid(make("one").as_str()).unwrap()).unwrap();
        assert_eq!(commit.parent_id(0).unwrap().to_string(), base.as_str());
        assert_eq!(commit.author().name().unwrap(), "loom");
        assert_eq!(commit.time().seconds(), 1_767_323_045);
    }

    #[test]
    fn an_identity_git_cannot_write_is_a_configuration_failure() {
        let origin = crate::workspace::fixture::Origin::new();
        let (cache, base) = origin.cached();
        let identity = GitSettings { name: " ".into(), ..GitSettings::default() };
        let commit = Commit { message: "x", identity: &identity, at: jiff::Timestamp::UNIX_EPOCH };
        assert_eq!(cache.commit(&base, &cache.tree_of(&base).unwrap(), &commit).unwrap_err().kind, Kind::Config);
    }
}
