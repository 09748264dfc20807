//! `loom verify PROPOSAL`: the same proof again, from the folder alone, on this machine.

use std::path::Path;

use super::ground::{Folder, GIT_WALL, Ground};
use super::order::Means;
use super::rounds::judge;
use crate::error::{Failure, Kind, Result};
use crate::proposal::Proposal;
use crate::sandbox::Credential;
use crate::verify::{self, Verdict};
use crate::workspace::Cache;

/// What came of proving a proposal again.
pub struct Reproved {
    /// As it was read.
    pub proposal: Proposal,
    /// The gate's word now.
    pub verdict: Verdict,
}

/// Proves a proposal again; nothing of the folder's own verdict is taken on trust.
/// `repository` stands in for the recorded URL where that is not reachable from here.
pub fn reprove(folder: &Path, repository: Option<&str>, means: &Means<'_>) -> Result<Reproved> {
    let (proposal, digest) = Proposal::read(folder)?;
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
    let folder = Folder::open(means.locations, &format!("verify-{}", digest.short()))?;
    let ground = Ground::new(folder, cache, proposal.base().clone(), means.settings, means.reporter)?;
    let ground = ground.with_ledger(means.locations, url)?;
    let bench = ground.bench(means.reporter, means.cancel)?;
    let cells = ground.folder.fresh("cells")?;
    let judge = judge(&ground, &bench, &cells, means.reporter, means.cancel);
    let baseline = verify::baseline(&judge, proposal.base())?;
    let patch = ground.cache.patch(proposal.base(), &tree)?;
    let verdict = verify::prove(&judge, &patch, &baseline, &proposal.issue)?;
    super::ledger::note(means.locations, url, &verdict)?;
    ground.folder.tidy();
    Ok(Reproved { proposal, verdict })
}

/// The forge's token for a clone by HTTP, where there is one; proving needs no right but to read.
pub(super) fn credential(url: &str, means: &Means<'_>) -> Result<Option<Credential>> {
    let by_http = url.starts_with("https://") || url.starts_with("http://");
    let token = if by_http { means.secrets.forge_token()? } else { None };
    Ok(token.map(|token| Credential { scope: url.to_owned(), token }))
}
