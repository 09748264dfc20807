//! Requests that get through or fail with a reason. Owns repetition, the pause between writes, pages and renamed
//! repositories; what is asked and what the answers mean is decided next door.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::retry::{Patience, Tries};
use super::address::Address;
use super::ask::Ask;
use super::judge::{Judgement, judge};
use super::line::{Answer, Line};
use super::refusal::refusal;
use crate::error::{Failure, Kind, OrFail as _, Result};
use crate::sandbox::Cancel;
use crate::task::RepoName;

/// Renames followed within one call.
const RENAMES: u32 = 3;

/// What came of a create.
pub(super) enum Made<T> {
    /// GitHub answered it.
    Now(Answer),
    /// The answer was lost, and looking found the thing.
    Found(T),
}

/// The client of one forge.
pub(super) struct Client {
    line: Line,
    patience: Patience,
    address: Address,
    anonymous: bool,
    cancel: Cancel,
    interval: Duration,
    last_write: Mutex<Option<Instant>>,
    renamed: Mutex<HashMap<RepoName, RepoName>>,
}

enum Round {
    Done(Answer),
    MaybeDone,
    Undone,
}

impl Client {
    /// Nothing is sent yet.
    pub(super) fn open(
        address: &Address,
        token: Option<&SecretString>,
        patience: Patience,
        interval: Duration,
        cancel: &Cancel,
    ) -> Result<Client> {
        Ok(Client {
            line: Line::open(address, token)?,
            patience,
            address: address.clone(),
            anonymous: token.is_none(),
            cancel: cancel.clone(),
            interval,
            last_write: Mutex::default(),
            renamed: Mutex::default(),
        })
    }

    /// Asks for something that may be asked twice; the answer is final, good or bad.
    pub(super) fn ask(&self, ask: &Ask) -> Result<Answer> {
        let mut tries = self.patience.begin();
        loop {
            if let Round::Done(answer) = self.round(ask, &mut tries)? {
                return Ok(answer);
            }
        }
    }

    /// Asks for something new. Before it is repeated after a lost answer, `look` tells whether it is there.
    pub(super) fn create<T>(&self, ask: &Ask, look: impl Fn() -> Result<Option<T>>) -> Result<Made<T>> {
        let mut tries = self.patience.begin();
        loop {
            match self.round(ask, &mut tries)? {
                Round::Done(answer) => return Ok(Made::Now(answer)),
                Round::Undone => {}
                Round::MaybeDone => {
                    if let Some(found) = look()? {
                        return Ok(Made::Found(found));
                    }
                }
            }
        }
    }

    /// A good answer to something that may be asked twice; anything else is a failure.
    pub(super) fn fetch<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T> {
        let answer = self.ask(ask)?;
        if answer.good() { self.decode(&answer) } else { Err(self.refusal(&answer)) }
    }

    /// Like `fetch`; 404 is nothing.
    pub(super) fn fetch_if_there<T: DeserializeOwned>(&self, ask: &Ask) -> Result<Option<T>> {
        let answer = self.ask(ask)?;
        match answer.status {
            404 => Ok(None),
            _ if answer.good() => self.decode(&answer).map(Some),
            _ => Err(self.refusal(&answer)),
        }
    }

    /// All items of a list, page by page.
    pub(super) fn list<T: DeserializeOwned>(&self, repo: &RepoName, path: &str, filter: &str) -> Result<Vec<T>> {
        let mut items = Vec::new();
        let mut query = Some(format!("{filter}per_page=100"));
        while let Some(this) = query {
            let (page, links) = self.page::<T>(repo, path, &this)?;
            items.extend(page);
            query = links.next.filter(|next| *next != this);
        }
        Ok(items)
    }

    /// One page of a list, and where the others are.
    pub(super) fn page<T: DeserializeOwned>(&self, repo: &RepoName, path: &str, query: &str) -> Result<(Vec<T>, Links)> {
        let answer = self.ask(&Ask::get(repo, format!("{path}?{query}")))?;
        if !answer.good() {
            return Err(self.refusal(&answer));
        }
        let links = answer.header("link").map(Links::read).unwrap_or_default();
        Ok((self.decode(&answer)?, links))
    }

    /// A good answer's body.
    pub(super) fn decode<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T> {
        serde_json::from_str(&answer.body)
            .or_fail(Kind::Forge, || "GitHub's answer is not what its documentation says")
            .map_err(|failure| failure.hint("check github.api_url: it must be the REST API of GitHub or of a GitHub Enterprise Server"))
    }

    /// What a final, bad answer means.
    pub(super) fn refusal(&self, answer: &Answer) -> Failure {
        refusal(answer, self.anonymous)
    }

    /// The repository's present name, as far as it is known.
    pub(super) fn present_name(&self, repo: &RepoName) -> RepoName {
        held(&self.renamed).get(repo).unwrap_or(repo).clone()
    }

    /// Time passes before a second look.
    pub(super) fn look_later(&self) -> Result<()> {
        self.patience.pause(self.interval)
    }

    fn round(&self, ask: &Ask, tries: &mut Tries) -> Result<Round> {
        let mut renames = 0;
        loop {
            let path = ask.path(|repo| self.present_name(repo));
            let judgement = judge(self.paced(ask, path)?, self.patience.clock().wall());
            match judgement {
                Judgement::Final(answer) if moved(answer.status) && renames < RENAMES => {
                    renames += 1;
                    if let Some(elsewhere) = self.learn_new_name(ask, &answer)? {
                        return Err(elsewhere);
                    }
                }
                Judgement::Final(answer) => return Ok(Round::Done(answer)),
                Judgement::Hopeless(cause) => {
                    return Err(Failure { kind: Kind::Config, cause, hints: Vec::new() }
                        .hint("check github.api_url, and that this machine trusts the server's certificate authority"));
                }
                Judgement::Again { trouble, maybe_done } => {
                    // The server may still be at work on what it did not answer: look a little later.
                    let least = if maybe_done && ask.writes() { self.interval * 2 } else { Duration::ZERO };
                    self.patience.wait(tries, trouble, least)?;
                    return Ok(if maybe_done { Round::MaybeDone } else { Round::Undone });
                }
            }
        }
    }

    /// One exchange; writes come one at a time, with a pause between them.
    fn paced(&self, ask: &Ask, path: String) -> Result<super::line::Exchange> {
        if !ask.writes() {
            return self.line.exchange(ask, path, &self.cancel);
        }
        if self.anonymous {
            return Err(Failure::new(Kind::Config, "GitHub lets nobody write without a token").hint("set GITHUB_TOKEN"));
        }
        let mut last = held(&self.last_write);
        if let Some(last) = *last {
            let passed = self.patience.clock().now().saturating_duration_since(last);
            self.patience.pause(self.interval.saturating_sub(passed))?;
        }
        let exchange = self.line.exchange(ask, path, &self.cancel);
        *last = Some(self.patience.clock().now());
        exchange
    }

    /// A redirect means that the repository has a new name, which is learnt here, or that the issue alone went
    /// elsewhere, which is the failure in the answer.
    fn learn_new_name(&self, ask: &Ask, answer: &Answer) -> Result<Option<Failure>> {
        let Some(named) = &ask.repo else {
            return Err(Failure::new(Kind::Forge, format_args!("GitHub redirected {ask}")).hint("check github.api_url"));
        };
        let present = self.present_name(named);
        if ask.rest.is_empty() {
            let (home, _) = self.target(ask, answer)?;
            if home == present {
                return Err(Failure::new(Kind::Forge, format_args!("GitHub redirects {ask} to itself")));
            }
            held(&self.renamed).insert(named.clone(), home);
            return Ok(None);
        }
        // Only the repository's own address tells the two apart; a rename is learnt on the way.
        self.fetch::<Named>(&Ask::get(named, ""))?;
        if self.present_name(named) != present {
            return Ok(None);
        }
        let (home, place) = self.target(ask, answer)?;
        let failure = Failure::new(Kind::Skipped, format_args!("{ask} has moved to {home}"));
        Ok(Some(failure.hint(format!("name it by its new place, {home}#{place}"))))
    }

    /// Where a redirect leads: the repository, and the last word of the path.
    fn target(&self, ask: &Ask, answer: &Answer) -> Result<(RepoName, String)> {
        let target = answer.header("location").and_then(|url| self.address.below(url)).ok_or_else(|| {
            let failure = Failure::new(Kind::Forge, format_args!("GitHub redirected {ask} to a place that is not its API"));
            failure.hint("check github.api_url")
        })?;
        let path = target.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let home = match parts[..] {
            ["repositories", id, ..] => format!("/repositories/{id}"),
            ["repos", owner, name, ..] => format!("/repos/{owner}/{name}"),
            _ => return Err(Failure::new(Kind::Forge, format_args!("GitHub redirected {ask} to {path}, where loom knows no way"))),
        };
        let home: Named = self.fetch(&Ask::top(home))?;
        Ok((home.full_name, parts.last().map_or_else(String::new, |last| (*last).to_owned())))
    }
}

#[derive(Deserialize)]
struct Named {
    full_name: RepoName,
}

fn moved(status: u16) -> bool {
    matches!(status, 301 | 302 | 307 | 308)
}

/// A lock that nobody can poison for good: what it guards is whole after every step.
pub(super) fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The queries of neighbouring pages, from the `Link` header. Paths are left out: GitHub names repositories by id there.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Links {
    pub next: Option<String>,
    pub prev: Option<String>,
    pub last: Option<String>,
}

impl Links {
    fn read(header: &str) -> Links {
        let mut links = Links::default();
        for link in header.split(',') {
            let Some((url, rel)) = link.split_once(';') else { continue };
            let url = url.trim().trim_start_matches('<').trim_end_matches('>');
            let Some((_, query)) = url.split_once('?') else { continue };
            let slot = match rel.trim() {
                "rel=\"next\"" => &mut links.next,
                "rel=\"prev\"" => &mut links.prev,
                "rel=\"last\"" => &mut links.last,
                _ => continue,
            };
            *slot = Some(query.to_owned());
        }
        links
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_header_names_pages() {
        let links = Links::read(
            "<https://api.github.com/repositories/7/issues/1/comments?per_page=100&page=2>; rel=\"next\", \
             <https://api.github.com/repositories/7/issues/1/comments?per_page=100&page=5>; rel=\"last\"",
        );
        assert_eq!(links.next.as_deref(), Some("per_page=100&page=2"));
        assert_eq!(links.last.as_deref(), Some("per_page=100&page=5"));
        assert_eq!(links.prev, None);
        assert_eq!(Links::read("nonsense"), Links::default());
    }
}
