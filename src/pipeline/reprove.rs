//! `loom verify PROPOSAL`: the same proof again, from the folder alone, on this machine.

use std::path::Path;
use std::time::Instant;

use super::change::prove_on;
use super::ground::{GIT_WALL, Ground};
use super::mutate::Mutate;
use super::order::Means;
use super::scratch::Scratch;
use crate::error::{Failure, Kind, Result};
use crate::proposal::{Circumstances, Difference, Proposal, differences};
use crate::sandbox::Credential;
use crate::verify::Verdict;
use crate::workspace::Cache;

/// What came of proving a proposal again.
pub struct Reproved {
    /// As it was read.
    pub proposal: Proposal,
    /// The gate's word now.
    pub verdict: Verdict,
    /// How it was made this time.
    pub about: Circumstances,
    /// Where it is not what the proposal says; empty when both agree.
    pub differences: Vec<Difference>,
}

/// Proves a proposal again; nothing of the folder's own verdict is taken on trust.
/// `repository` stands in for the recorded URL where that is not reachable from here.
pub fn reprove(folder: &Path, repository: Option<&str>, means: &Means<'_>) -> Result<Reproved> {
    let began = Instant::now();
    let (proposal, _) = Proposal::read(folder)?;
    let target = &proposal.target;
    let url = repository.unwrap_or(&target.url);
    let credential = credential(url, means)?;
    let cache_folder = &means.locations.cache;
    let (cache, _, _) = Cache::fetch(cache_folder, url, Some(&target.base), credential.as_ref(), GIT_WALL, means.cancel)?;
    let tree = cache.apply(proposal.base(), &proposal.patch().diff)?;
    if tree != proposal.patch().head_tree {
        return Err(Failure::new(
            Kind::Config,
            format_args!("the diff makes tree {}, the proposal speaks of {}", tree.short(), proposal.patch().head_tree.short()),
        ));
    }
    let scratch = Scratch::open(means.locations)?;
    let ground = Ground::new(scratch.folder().clone(), cache, proposal.base().clone(), means.settings, means.reporter)?;
    let patch = ground.cache.patch(proposal.base(), &tree)?;
    let (verdict, environment) = prove_on(ground, &patch, &proposal.issue, Mutate::Never, means)?;
    let about = Circumstances { environment, elapsed_ms: began.elapsed().as_millis() as u64, ..Circumstances::default() };
    let differences = differences(proposal.verdict(), &verdict);
    Ok(Reproved { proposal, verdict, about, differences })
}

/// The forge's token, for a clone from that very forge; proving needs no right but to read.
pub(super) fn credential(url: &str, means: &Means<'_>) -> Result<Option<Credential>> {
    let server = means.settings.config.github.server();
    let there = url.strip_prefix(&server).is_some_and(|rest| rest.starts_with('/'));
    let token = if there { means.secrets.forge_token()? } else { None };
    Ok(token.map(|token| Credential { scope: url.to_owned(), token }))
}
