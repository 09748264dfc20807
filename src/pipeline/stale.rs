//! The branch that a change goes into may have moved on since the change began: what that means for its proof.
//! Merging is `workspace`'s.

use super::change::prove_on;
use super::ground::{GIT_WALL, Ground};
use super::mutate::Mutate;
use super::publish::conflicting;
use super::scratch::Scratch;
use super::stages::Run;
use super::text;
use crate::error::{Failure, Kind, Result};
use crate::proposal::{self, Moved, Proposal};
use crate::task::{CommitId, Event, TreeId};
use crate::workspace::{Cache, Change, Merged, Patch};

/// How a change stands to the branch it goes into.
#[derive(Debug)]
pub enum Standing {
    /// The branch stands where the change began.
    Current,
    /// It has moved on, and no path was touched on both sides: the proof of the change as it is still holds.
    Apart(Moved),
    /// Both sides touch the same paths and come together as this tree, which has to be proved.
    Met(Moved, TreeId),
    /// They do not come together, because of these paths.
    Conflicts(Moved, Vec<String>),
}

/// Where `patch` stands, when `branch` stands at `tip` now.
pub fn standing(cache: &Cache, branch: &str, tip: &CommitId, patch: &Patch) -> Result<Standing> {
    if *tip == patch.base {
        return Ok(Standing::Current);
    }
    let tip_tree = cache.tree_of(tip)?;
    let since = cache.paths_between(&patch.base_tree, &tip_tree)?;
    let mut in_common: Vec<String> =
        patch.files.iter().flat_map(|file| [Some(file.path.clone()), former(&file.change)]).flatten().collect();
    in_common.retain(|path| since.contains(path));
    let mut moved =
        Moved { branch: branch.to_owned(), tip: tip.clone(), commits: cache.commits_between(&patch.base, tip)?, in_common, merged: false };
    match cache.merge(&patch.base_tree, &tip_tree, &patch.head_tree)? {
        Merged::Conflicts(paths) => Ok(Standing::Conflicts(moved, paths)),
        Merged::Clean(_) if moved.in_common.is_empty() => Ok(Standing::Apart(moved)),
        Merged::Clean(tree) => {
            moved.merged = true;
            Ok(Standing::Met(moved, tree))
        }
    }
}

fn former(change: &Change) -> Option<String> {
    match change {
        Change::Renamed(from) => Some(from.clone()),
        Change::Added | Change::Modified | Change::Deleted => None,
    }
}

/// Why nothing can be known of a change that does not merge.
pub fn does_not_merge(moved: &Moved, paths: &[String]) -> String {
    let shown = paths.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    let more = if paths.len() > 5 { format!(" and {} more", paths.len() - 5) } else { String::new() };
    format!("it does not merge with {} at {}: conflicts in {shown}{more}", moved.branch, moved.tip.short())
}

impl Run<'_> {
    /// How the base branch has moved on since this task began. Where both sides touch the same paths, the merge is proved
    /// too; what does not merge, or does not hold when merged, is not published.
    pub(super) fn moved_on(&self, ground: &Ground, proposal: &Proposal) -> Result<Option<Moved>> {
        let (home, means) = (&self.home, self.means);
        let credential = home.credential.as_ref();
        let (cache, tip, branch) = Cache::fetch(&means.locations.cache, &home.url, Some(&home.base), credential, GIT_WALL, means.cancel)?;
        let (moved, tree) = match standing(&cache, &branch, &tip, proposal.patch())? {
            Standing::Current => return Ok(None),
            Standing::Apart(moved) => return Ok(Some(moved)),
            Standing::Conflicts(moved, paths) => return Err(conflicting(&moved, &paths)),
            Standing::Met(moved, tree) => (moved, tree),
        };
        means.reporter.event(&Event::Progress { what: moved.sentence() });
        let patch = cache.patch(&tip, &tree)?;
        if patch.is_empty() {
            return Err(Failure::new(Kind::NoPatch, format_args!("{branch} has all of this change already")));
        }
        let scratch = Scratch::open(means.locations)?;
        let merged = Ground::new(scratch.folder().clone(), ground.cache.clone(), tip, means.settings, means.reporter)?;
        let (verdict, _) = prove_on(merged, &patch, &self.issue, Mutate::Never, means)?;
        let as_good = verdict.word() == proposal.verdict().word() || verdict.word() == "verified";
        match text::refusal(&verdict) {
            None if as_good => Ok(Some(moved)),
            None => Err(Failure::new(Kind::Inconclusive, format_args!("merged with {branch}: {}", proposal::claim(&verdict)))
                .hint("start a new episode with --again: it begins at the branch as it is now")),
            Some(failure) => Err(failure.context(format_args!("merged with {branch} at {}", moved.tip.short()))),
        }
    }
}
