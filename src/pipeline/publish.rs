//! From a proposal to a branch and a pull request: re-applied as data in a pristine repository, checked there, pushed,
//! opened, read back. The same way out for a run and for `loom publish`.

use std::path::Path;
use std::sync::Arc;

use super::board::Board;
use super::ending::tell_failure;
use super::ground::GIT_WALL;
use super::order::Means;
use super::stages::report;
use super::stale::{Standing, does_not_merge, standing};
use super::teller::Place;
use super::text;
use crate::error::{Failure, Kind, Result};
use crate::forge::{self, Draft, Forge, Home, PullRequest, Status};
use crate::guard::Redactor;
use crate::proposal::{Layout, Moved, Proposal, marker};
use crate::queue::Queue;
use crate::sandbox::Cancel;
use crate::task::{CommitId, Event, IssueRef, Stage};
use crate::workspace::{Cache, Commit};

/// What goes out and how it shall look.
pub struct Outgoing<'a> {
    /// The only thing a forge will publish.
    pub proposal: &'a Proposal,
    /// Settings, the base tree's own ones included.
    pub config: &'a crate::config::Config,
    /// The page's template.
    pub layout: Layout,
    /// Takes every secret out.
    pub redactor: &'a Redactor,
    /// Where bare clones are.
    pub cache_folder: &'a Path,
}

/// Publishes a proposal read from a folder, and tells the issue as a run does.
pub fn publish(folder: &Path, repository: Option<&str>, means: &Means<'_>) -> Result<PullRequest> {
    let (proposal, _) = Proposal::read(folder)?;
    let redactor = Arc::new(Redactor::new(means.secrets.all()));
    if let Some(failure) = text::refusal(proposal.verdict()) {
        return Err(failure.context("the proposal may not be published"));
    }
    let reference: &IssueRef = &proposal.issue.reference;
    let token = means.secrets.forge_token()?;
    let outbox = means.locations.state.join("outbox");
    let repository = repository.or(Some(proposal.target.url.as_str()));
    let forge: Arc<dyn Forge> = forge::connect(&means.settings.config, token, reference, repository, &outbox, means.cancel)?.into();
    let home = forge.home(reference)?;
    if home.repository_id != proposal.target.repository_id {
        return Err(Failure::new(Kind::Config, format_args!("the proposal is for {}, not for {}", proposal.target.url, home.url)));
    }
    let episode = &proposal.target.episode;
    let place = Place { forge: Arc::clone(&forge), issue: reference.clone(), marker: marker(&home.repository_id, episode) };
    let mut board = Board::new(place, Arc::clone(&redactor), means.reporter);
    let published = from_the_cache(&proposal, forge.as_ref(), &home, &redactor, means);
    let pull_request = match published {
        Ok(pull_request) => pull_request,
        // Where a label asked for the work, somebody waits for an answer.
        Err(failure) if proposal.issue.trigger.is_some() => {
            return Err(tell_failure(&mut board, failure, Status::Failed, Stage::Publish, &means.locations.state));
        }
        Err(failure) => return Err(failure),
    };
    for warning in &pull_request.warnings {
        means.reporter.event(&Event::Warning { text: warning.clone() });
    }
    report(&mut board, &proposal, &pull_request)?;
    if let Some(queue) = Queue::open_existing(&means.locations.queue)? {
        queue.published(&home.repository_id, reference, episode, (pull_request.number, &pull_request.url))?;
    }
    Ok(pull_request)
}

fn from_the_cache(proposal: &Proposal, forge: &dyn Forge, home: &Home, redactor: &Redactor, means: &Means<'_>) -> Result<PullRequest> {
    let (cache, tip, branch) =
        Cache::fetch(&means.locations.cache, &home.url, Some(&proposal.target.base), home.credential.as_ref(), GIT_WALL, means.cancel)?;
    let base_tree = cache.tree_of(proposal.base())?;
    let config = text::with_repository_settings(means.settings, &cache, &base_tree, means.reporter)?;
    let mut layout = text::layout(&config, &cache, &base_tree)?;
    // Nothing of the repository runs here: where the proof would have to be made again, that is said.
    layout.moved = match standing(&cache, &branch, &tip, proposal.patch())? {
        Standing::Current => None,
        Standing::Apart(moved) => Some(moved),
        Standing::Met(moved, _) => Some(Moved { merged: false, ..moved }),
        Standing::Conflicts(moved, paths) => return Err(conflicting(&moved, &paths)),
    };
    if let Some(moved) = &layout.moved {
        means.reporter.event(&Event::Warning { text: moved.sentence() });
    }
    let outgoing = Outgoing { proposal, config: &config, layout, redactor, cache_folder: &means.locations.cache };
    put_out(forge, &cache, home, &outgoing, means.cancel)
}

/// The end of a proposal that does not merge any more.
pub fn conflicting(moved: &Moved, paths: &[String]) -> Failure {
    Failure::new(Kind::Inconclusive, does_not_merge(moved, paths))
        .hint("start a new episode with --again: it begins at the branch as it is now")
}

/// Branch and pull request for a proposal; what exists of them already is adopted.
pub fn put_out(forge: &dyn Forge, cache: &Cache, home: &Home, outgoing: &Outgoing<'_>, cancel: &Cancel) -> Result<PullRequest> {
    let proposal = outgoing.proposal;
    let commit = pristine_commit(cache, outgoing)?;
    let branch = &proposal.target.branch;
    let credential = home.credential.as_ref();
    let there = cache.remote_branch(branch, credential, GIT_WALL, cancel)?;
    if there.as_ref() != Some(&commit) {
        if let Some(foreign) = &there
            && !own_branch(outgoing, home, cancel)?
        {
            return Err(Failure::new(Kind::Forge, format_args!("the branch {branch} is there already, at {}, and not by loom", foreign.short()))
                .hint(format!("look at it, delete it if nobody needs it, then run the same command again; or set pull_request.branch_prefix to something other than {:?}", outgoing.config.pull_request.branch_prefix)));
        }
        cache.push(&commit, branch, there.as_ref(), credential, GIT_WALL, cancel)?;
    }
    let (title, body) = crate::proposal::pull_request(proposal, &outgoing.layout)?;
    let draft = Draft {
        title: outgoing.redactor.text(&title),
        body: outgoing.redactor.text(&body),
        branch: branch.clone(),
        base: home.base.clone(),
        head: commit,
    };
    forge.publish(&proposal.issue.reference, &draft)
}

/// The diff applied as data, the tree compared with the one that was judged, the policies asked once more.
fn pristine_commit(cache: &Cache, outgoing: &Outgoing<'_>) -> Result<CommitId> {
    let (proposal, config) = (outgoing.proposal, outgoing.config);
    let patch = proposal.patch();
    // A proposal may come from another machine, where this machine's secrets were not known.
    if outgoing.redactor.finds(&patch.diff) {
        return Err(Failure::new(Kind::Rejected, "the patch contains one of loom's own secrets")
            .hint("nothing was published; look into the repository and the issue for how the secret got there"));
    }
    let tree = cache.apply(proposal.base(), &patch.diff)?;
    if tree != proposal.verdict().head_tree {
        return Err(Failure::new(
            Kind::Internal,
            format_args!("the diff makes tree {}, the verdict is about {}", tree.short(), proposal.verdict().head_tree.short()),
        ));
    }
    let violations = text::refused_paths(cache, &cache.patch(proposal.base(), &tree)?, &config.gate)?;
    if !violations.is_empty() {
        return Err(text::protected_failure(&violations));
    }
    let mut identity = config.git.clone();
    if identity.sign_off.is_none() {
        identity.sign_off = Some(text::asks_for_sign_off(cache, &cache.tree_of(proposal.base())?)?);
    }
    let message = outgoing.redactor.text(&text::commit_message(proposal));
    cache.commit(proposal.base(), &tree, &Commit { message: &message, identity: &identity, at: proposal.work.made_at })
}

/// Whether an earlier attempt of loom left this branch: then it may be replaced, else never.
fn own_branch(outgoing: &Outgoing<'_>, home: &Home, cancel: &Cancel) -> Result<bool> {
    let branch = &outgoing.proposal.target.branch;
    let credential = home.credential.as_ref();
    let (cache, commit, _) = Cache::fetch(outgoing.cache_folder, &home.url, Some(branch), credential, GIT_WALL, cancel)?;
    let trailer = text::trailer(outgoing.proposal);
    Ok(cache.message(&commit)?.lines().any(|line| line == trailer))
}
