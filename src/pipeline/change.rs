//! `loom verify --base A --head B`: the gate on any two commits of a repository, whoever wrote them. Needs no model, no
//! forge and no proposal, and leaves nothing behind but the caches.

use std::time::Instant;

use super::benches;
use super::checks;
use super::environment::environment;
use super::ground::{GIT_WALL, Ground};
use super::ledger;
use super::mutate::{Mutate, mutate};
use super::order::Means;
use super::reprove::credential;
use super::rounds::judge;
use super::scratch::Scratch;
use super::stale::{Standing, does_not_merge, standing};
use crate::error::{Failure, Kind, Result};
use crate::proposal::{Circumstances, Environment};
use crate::sandbox::Credential;
use crate::task::{CommitId, Event, Issue, IssueRef, IssueState};
use crate::verify::{self, Verdict};
use crate::workspace::{Cache, Patch};

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
    /// Whether small faults are put into a verified change.
    pub mutate: Mutate,
}

/// What the gate says about two commits.
pub struct Proved {
    /// What the work is to go into, as it was named.
    pub into: String,
    /// The gate's word.
    pub verdict: Verdict,
    /// What was judged.
    pub patch: Patch,
    /// How.
    pub about: Circumstances,
}

/// A change whose commits are here.
pub struct Found {
    cache: Cache,
    into: String,
    tip: CommitId,
    began: CommitId,
    /// The work.
    pub head: CommitId,
    labels: Vec<String>,
    mutate: Mutate,
}

/// Proves what lies between the merge base of two commits and the head.
pub fn prove_change(change: &Change, means: &Means<'_>) -> Result<Proved> {
    let credential = credential(&change.repository, means)?;
    find(change, credential.as_ref(), means)?.prove(means)
}

/// Brings both commits and the one they have in common.
pub fn find(change: &Change, credential: Option<&Credential>, means: &Means<'_>) -> Result<Found> {
    let Change { repository: url, base, head, labels, mutate } = change;
    let folder = &means.locations.cache;
    let (into, base) = match base {
        Some(name) => (shown(name), name.clone()),
        None => Cache::default_branch(folder, url, credential, GIT_WALL, means.cancel)?,
    };
    let (cache, [tip, head]) = Cache::commits(folder, url, [&base, head], credential, GIT_WALL, means.cancel)?;
    let began = began_at(&cache, (&into, &tip), (&shown(&change.head), &head))?;
    Ok(Found { cache, into, tip, began, head, labels: labels.clone(), mutate: *mutate })
}

fn shown(revision: &str) -> String {
    revision.trim_start_matches("refs/heads/").to_owned()
}

impl Found {
    /// Proves it: as it is, or merged in scratch with what it goes into where both touch the same paths.
    pub fn prove(self, means: &Means<'_>) -> Result<Proved> {
        let began = Instant::now();
        let Found { cache, into, tip, began: base, head, labels, mutate } = self;
        let text = format!("proving {} against {} of {into}", head.short(), base.short());
        means.reporter.event(&Event::Progress { what: text });
        let patch = cache.patch(&base, &cache.tree_of(&head)?)?;
        let issue = about_nothing(&head, labels);
        let scratch = Scratch::open(means.locations)?;
        let on = |base: &CommitId| Ground::new(scratch.folder().clone(), cache.clone(), base.clone(), means.settings, means.reporter);
        let (patch, moved) = match standing(&cache, &into, &tip, &patch)? {
            Standing::Current => (patch, None),
            Standing::Apart(moved) => (patch, Some(moved)),
            Standing::Met(moved, tree) => (cache.patch(&tip, &tree)?, Some(moved)),
            Standing::Conflicts(moved, paths) => {
                let verdict = verify::unknowable(&patch, does_not_merge(&moved, &paths), on(&base)?.sandbox.tier());
                let about = Circumstances { head: Some(head), moved: Some(moved), ..Circumstances::default() };
                return Ok(Proved { into, verdict, patch, about });
            }
        };
        if patch.is_empty() {
            return Err(Failure::new(Kind::NoPatch, format_args!("nothing to prove: {into} has all of {} already", head.short())));
        }
        if let Some(moved) = &moved {
            means.reporter.event(&Event::Progress { what: moved.sentence() });
        }
        let (verdict, environment) = prove_on(on(&patch.base)?, &patch, &issue, mutate, means)?;
        let about = Circumstances { head: Some(head), environment, elapsed_ms: began.elapsed().as_millis() as u64, moved };
        Ok(Proved { into, verdict, patch, about })
    }
}

/// The whole proof of a patch on its ground, from setup to the repository's own checks.
pub fn prove_on(ground: Ground, patch: &Patch, issue: &Issue, when: Mutate, means: &Means<'_>) -> Result<(Verdict, Environment)> {
    let address = ground.cache.address().to_owned();
    let ground = &ground.with_ledger(means.locations, &address)?;
    let held = benches::bench(ground, means.locations, means.reporter, means.cancel)?;
    let environment = environment(ground, &held.bench, means.cancel)?;
    let cells = ground.folder.fresh("cells")?;
    let judge = judge(ground, &held.bench, &cells, means.reporter, means.cancel);
    let baseline = verify::baseline(&judge, &ground.base)?;
    let mut verdict = verify::prove(&judge, patch, &baseline, issue)?;
    ledger::note(means.locations, &address, &verdict)?;
    mutate(when, &judge, patch, &mut verdict)?;
    verdict.evidence.checks = checks::look(&judge, patch)?;
    Ok((verdict, environment))
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
fn about_nothing(head: &CommitId, labels: Vec<String>) -> Issue {
    Issue {
        reference: IssueRef::File(head.as_str().into()),
        title: String::new(),
        body: String::new(),
        author: String::new(),
        state: IssueState::Open,
        labels,
        comments: Vec::new(),
        trigger: None,
        url: None,
    }
}
