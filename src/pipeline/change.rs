//! `loom verify --base A --head B`: the gate on any two commits of a repository, whoever wrote them. Needs no model, no
//! forge and no proposal, and leaves nothing behind but the caches.

use super::benches;
use super::checks;
use super::ground::{GIT_WALL, Ground};
use super::order::Means;
use super::reprove::credential;
use super::rounds::judge;
use super::scratch::Scratch;
use crate::error::{Failure, Kind, Result};
use crate::task::{CommitId, Event, Issue, IssueRef, IssueState};
use crate::verify::{self, Verdict};
use crate::workspace::Cache;

/// Two commits to judge.
#[derive(Debug, Clone)]
pub struct Change {
    /// A path or a URL.
    pub repository: String,
    /// Where the work is to go; the repository's default branch when none.
    pub base: Option<String>,
    /// The work.
    pub head: String,
    /// Labels of the issue or the pull request; they decide what must be shown.
    pub labels: Vec<String>,
}

/// What the gate says about two commits.
pub struct Proved {
    /// What they have in common: where the work began.
    pub base: CommitId,
    /// The work.
    pub head: CommitId,
    /// The gate's word.
    pub verdict: Verdict,
}

/// Proves what lies between the merge base of two commits and the head.
pub fn prove_change(change: &Change, means: &Means<'_>) -> Result<Proved> {
    let Change { repository: url, base, head, .. } = change;
    let credential = credential(url, means)?;
    let folder = &means.locations.cache;
    let (base_name, base) = match base {
        Some(name) => (name.clone(), name.clone()),
        None => {
            let (_, commit, branch) = Cache::fetch(folder, url, None, credential.as_ref(), GIT_WALL, means.cancel)?;
            (branch, commit.to_string())
        }
    };
    let (cache, [tip, head]) = Cache::commits(folder, url, [&base, head], credential.as_ref(), GIT_WALL, means.cancel)?;
    let base = began_at(&cache, (&base_name, &tip), (&change.head, &head))?;
    let text = format!("proving {} against {}", head.short(), base.short());
    means.reporter.event(&Event::Progress { what: text });
    let scratch = Scratch::open(means.locations)?;
    let ground = Ground::new(scratch.folder().clone(), cache, base.clone(), means.settings, means.reporter)?;
    let patch = ground.cache.patch(&base, &ground.cache.tree_of(&head)?)?;
    let held = benches::bench(&ground, means.locations, means.reporter, means.cancel)?;
    let cells = ground.folder.fresh("cells")?;
    let judge = judge(&ground, &held.bench, &cells, means.reporter, means.cancel);
    let baseline = verify::baseline(&judge, &base)?;
    let mut verdict = verify::prove(&judge, &patch, &baseline, &as_issue(change))?;
    verdict.evidence.checks = checks::look(&judge, &patch)?;
    Ok(Proved { base, head, verdict })
}

/// The commit the work began at; where there is no work, or none in common, that is said.
fn began_at(cache: &Cache, (base_name, tip): (&str, &CommitId), (head_name, head): (&str, &CommitId)) -> Result<CommitId> {
    let Some(base) = cache.merge_base(tip, head)? else {
        let failure = Failure::new(Kind::Workspace, format_args!("{base_name} and {head_name} have no commit in common"));
        return Err(match cache.is_shallow()? {
            true => failure.hint("the repository is a shallow clone: git fetch --unshallow brings the rest of its history"),
            false => failure.hint("name two commits of one history"),
        });
    };
    if base == *head {
        let what = if tip == head { "are the same commit" } else { "differ, but the work is part of the base already" };
        return Err(Failure::new(Kind::NoPatch, format_args!("nothing to prove: {base_name} and {head_name} {what}"))
            .hint("--base is what the work is to go into, --head is the work"));
    }
    Ok(base)
}

/// The gate asks an issue for its labels only.
fn as_issue(change: &Change) -> Issue {
    Issue {
        reference: IssueRef::File(change.head.clone().into()),
        title: String::new(),
        body: String::new(),
        author: String::new(),
        state: IssueState::Open,
        labels: change.labels.clone(),
        comments: Vec::new(),
        trigger: None,
        url: None,
    }
}
