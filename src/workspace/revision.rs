//! Commits by any name a person gives them: branch, tag, `HEAD`, a full or abbreviated id, each with `~2` or `^` behind it.
//! Owns how a name becomes a commit that the cache holds; bringing one branch up to date is `fetch`'s work.

use std::path::Path;
use std::time::Duration;

use git2::{Oid, Repository};

use super::cache::{Cache, oid};
use super::fetch::Call;
use super::remote::Remote;
use super::upkeep::Lock;
use crate::error::{Explain, Failure, Kind, OrFail, Result};
use crate::sandbox::{Cancel, Credential};
use crate::task::CommitId;

/// Where commits that were asked for by their id are kept.
const BY_ID: &str = "refs/remotes/by-id";
/// Fewer digits are no id.
const LEAST_DIGITS: usize = 7;

/// A name and the steps back from it.
struct Revision<'a> {
    name: &'a str,
    steps: &'a str,
}

impl Cache {
    /// The cache of `url` below `folder` with these commits in it, in their order. What it holds already by its full id is
    /// not asked for again.
    pub fn commits<const N: usize>(
        folder: &Path,
        url: &str,
        revisions: [&str; N],
        credential: Option<&Credential>,
        wall: Duration,
        cancel: &Cancel,
    ) -> Result<(Cache, [CommitId; N])> {
        let cache = Cache::at(folder, Remote::parse(url)?);
        let call = Call::new(credential, wall, cancel);
        let wanted = revisions.map(Revision::read);
        for one in &wanted {
            one.check()?;
        }
        cache.be_there(&call)?;
        let found = match cache.all_held(&wanted)? {
            Some(found) => found,
            None => cache.brought(&wanted, &call).context(|| format!("reading {}", cache.remote.address))?,
        };
        let ids: Vec<CommitId> = found.iter().map(|id| id.to_string().parse()).collect::<Result<_>>()?;
        let ids = <[CommitId; N]>::try_from(ids).map_err(|_| Failure::new(Kind::Internal, "a revision was lost"))?;
        Ok((cache, ids))
    }

    /// What work of this repository goes into: the name and the commit. A clone on this machine stands on any branch; what
    /// it was cloned from says which one is the default.
    pub fn default_branch(
        folder: &Path,
        url: &str,
        credential: Option<&Credential>,
        wall: Duration,
        cancel: &Cancel,
    ) -> Result<(String, String)> {
        let cache = Cache::at(folder, Remote::parse(url)?);
        let call = Call::new(credential, wall, cancel);
        cache.be_there(&call)?;
        let address = &cache.remote.address;
        let words = ["--git-dir=.", "ls-remote", "--symref", "--", address, "HEAD", "refs/heads/*", "refs/remotes/origin/*"];
        let answer = call.git(&cache.path, &words).context(|| format!("reading {address}"))?;
        let text = String::from_utf8_lossy(&answer.stdout.head).into_owned() + &String::from_utf8_lossy(&answer.stdout.tail);
        default_among(&text, cache.remote.local)
            .ok_or_else(|| {
                Failure::new(Kind::Workspace, "it does not say which branch is the default one")
                    .hint("name what the work is to go into: --base")
            })
            .context(|| format!("reading {address}"))
    }

    fn be_there(&self, call: &Call<'_>) -> Result<()> {
        if self.repository().is_ok() {
            return Ok(());
        }
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)
                .or_fail(Kind::Workspace, || format!("making the cache folder {}", folder.display()))
                .hint("another place for clones is set by paths.cache (LOOM_PATHS_CACHE)")?;
        }
        let _lock = Lock::take(&self.path.with_extension("lock"), call)?;
        self.prepare()
    }

    /// All of them, when each is a full id that is here.
    fn all_held(&self, wanted: &[Revision<'_>]) -> Result<Option<Vec<Oid>>> {
        let repository = self.repository()?;
        let held = |one: &Revision<'_>| one.full_id().filter(|id| is_whole(&repository, *id));
        let Some(starts) = wanted.iter().map(held).collect::<Option<Vec<Oid>>>() else { return Ok(None) };
        Ok(wanted.iter().zip(starts).map(|(one, start)| one.walk(&repository, start)).collect::<Result<_>>().ok())
    }

    fn brought(&self, wanted: &[Revision<'_>], call: &Call<'_>) -> Result<Vec<Oid>> {
        let listed = self.listed(wanted, call)?;
        let mut starts: Vec<Option<Oid>> = Vec::new();
        let mut specs: Vec<String> = Vec::new();
        for one in wanted {
            let start = one.listed(&listed).or_else(|| one.full_id());
            specs.extend(start.map(|id| format!("+{id}:{BY_ID}/{id}")));
            starts.push(start);
        }
        if wanted.iter().zip(&starts).any(|(one, start)| start.is_none() && one.is_part_of_id()) {
            // Part of an id can only be looked up among all there is.
            specs.extend(listed.iter().filter(|(name, _)| !name.ends_with("^{}")).map(|(_, id)| format!("+{id}:{BY_ID}/{id}")));
        }
        self.download_these(&specs, call)?;
        let repository = self.repository()?;
        wanted
            .iter()
            .zip(starts)
            .map(|(one, start)| one.walk(&repository, start.map_or_else(|| one.by_part(&repository, &listed), Ok)?))
            .collect()
    }

    /// Everything the remote shows by name, with its object.
    fn listed(&self, wanted: &[Revision<'_>], call: &Call<'_>) -> Result<Vec<(String, Oid)>> {
        let mut words = vec!["--git-dir=.", "ls-remote", "--", &self.remote.address, "HEAD", "refs/heads/*", "refs/tags/*"];
        // Pull requests and a clone's own remotes may be thousands: only what is asked for.
        let further: Vec<String> = wanted.iter().filter_map(Revision::further).collect();
        words.extend(further.iter().map(String::as_str));
        let answer = call.git(&self.path, &words)?;
        let text = String::from_utf8_lossy(&answer.stdout.head).into_owned() + &String::from_utf8_lossy(&answer.stdout.tail);
        let rows = text.lines().filter_map(|line| line.split_once('\t'));
        Ok(rows.filter_map(|(id, name)| Some((name.to_owned(), oid(id).ok()?))).collect())
    }

    fn download_these(&self, specs: &[String], call: &Call<'_>) -> Result<()> {
        let repository = self.repository()?;
        let mut missing: Vec<&str> = Vec::new();
        for spec in specs {
            let id = spec.trim_start_matches('+').split(':').next().unwrap_or_default();
            if !oid(id).is_ok_and(|id| is_whole(&repository, id)) && !missing.contains(&spec.as_str()) {
                missing.push(spec);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let _lock = Lock::take(&self.path.with_extension("lock"), call)?;
        self.prepare()?;
        let quiet = ["--git-dir=.", "-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "fetch.unpackLimit=1"];
        let fetch = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--update-shallow",
            "--",
            &self.remote.address,
        ];
        // A command line has an end; a repository may have ten thousand tags.
        for some in missing.chunks(500) {
            call.git(&self.path, &[&quiet[..], &fetch[..], some].concat()).map_err(not_given)?;
        }
        Ok(())
    }

    /// The newest commit both have in common; none when they have no common history here.
    pub fn merge_base(&self, one: &CommitId, other: &CommitId) -> Result<Option<CommitId>> {
        let repository = self.repository()?;
        match repository.merge_base(oid(one.as_str())?, oid(other.as_str())?) {
            Ok(id) => id.to_string().parse().map(Some),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            // Where history was cut, git2 looks for parents that are not there.
            Err(error) if error.class() == git2::ErrorClass::Odb && repository.is_shallow() => Ok(None),
            Err(error) => {
                Err(error).or_fail(Kind::Workspace, || format!("finding what {} and {} have in common", one.short(), other.short()))
            }
        }
    }

    /// Whether the history in the cache was cut, because the remote is a shallow clone.
    pub fn is_shallow(&self) -> Result<bool> {
        Ok(self.repository()?.is_shallow())
    }
}

impl<'a> Revision<'a> {
    fn read(text: &'a str) -> Revision<'a> {
        let end = text.find(['~', '^']).unwrap_or(text.len());
        Revision { name: &text[..end], steps: &text[end..] }
    }

    fn check(&self) -> Result<()> {
        let plain = git2::Reference::is_valid_name(&format!("refs/heads/{}", self.name));
        let steps = self.steps.bytes().all(|byte| byte == b'~' || byte == b'^' || byte.is_ascii_digit());
        if plain && steps && !self.name.starts_with('-') {
            return Ok(());
        }
        Err(Failure::new(Kind::Usage, format_args!("not a revision: {:?}", format!("{}{}", self.name, self.steps)))
            .hint("name a branch, a tag, HEAD or a commit's id, with ~2 or ^ behind it if need be"))
    }

    fn is_part_of_id(&self) -> bool {
        self.name.len() >= LEAST_DIGITS && self.is_hexadecimal()
    }

    /// A name that is neither branch nor tag.
    fn further(&self) -> Option<String> {
        let remote = self.name.strip_prefix("origin/").map(|name| format!("refs/remotes/origin/{name}"));
        remote.or_else(|| self.name.starts_with("refs/").then(|| self.name.to_owned()))
    }

    fn full_id(&self) -> Option<Oid> {
        (matches!(self.name.len(), 40 | 64) && self.is_hexadecimal()).then(|| oid(self.name).ok()).flatten()
    }

    fn is_hexadecimal(&self) -> bool {
        self.name.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    /// What the remote calls so: a branch before a tag, as a branch is what people mean.
    fn listed(&self, listed: &[(String, Oid)]) -> Option<Oid> {
        let name = self.name.strip_prefix("origin/").filter(|name| !name.is_empty());
        let mut spellings = vec![format!("refs/heads/{}", self.name), format!("refs/tags/{}", self.name), self.name.to_owned()];
        spellings.extend(self.further());
        spellings.extend(name.map(|name| format!("refs/heads/{name}")));
        spellings.iter().find_map(|spelling| listed.iter().find(|(name, _)| name == spelling).map(|(_, id)| *id))
    }

    fn by_part(&self, repository: &Repository, listed: &[(String, Oid)]) -> Result<Oid> {
        let digits = self.is_part_of_id();
        match repository.find_commit_by_prefix(self.name) {
            Ok(found) if digits => Ok(found.id()),
            Err(error) if digits && error.code() == git2::ErrorCode::Ambiguous => {
                Err(Failure::new(Kind::Workspace, format_args!("several commits begin with {}", self.name))
                    .hint("write more of its digits"))
            }
            _ => {
                let branches: Vec<&str> = listed.iter().filter_map(|(name, _)| name.strip_prefix("refs/heads/")).take(10).collect();
                Err(Failure::new(Kind::Workspace, format_args!("there is no branch, tag or commit {:?}", self.name)).hint(format!(
                    "its branches: {}; a commit that no branch or tag leads to is named by its full id",
                    branches.join(", ")
                )))
            }
        }
    }

    fn walk(&self, repository: &Repository, start: Oid) -> Result<Oid> {
        let text = format!("{start}{}", self.steps);
        let found = repository.revparse_single(&text).and_then(|object| object.peel_to_commit());
        found.map(|commit| commit.id()).or_fail(Kind::Workspace, || format!("there is no commit {}{}", self.name, self.steps)).map_err(
            |failure| match repository.is_shallow() {
                true => failure.hint("the repository is a shallow clone: git fetch --unshallow brings the rest of its history"),
                false => failure,
            },
        )
    }
}

/// The default branch among what git listed, with its commit.
fn default_among(text: &str, local: bool) -> Option<(String, String)> {
    let rows: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once('\t')).collect();
    let target = |of: &str| rows.iter().find(|(value, name)| *name == of && value.starts_with("ref: ")).map(|(value, _)| &value[5..]);
    let commit =
        |of: &str| rows.iter().find(|(value, name)| *name == of && !value.starts_with("ref: ")).map(|(value, _)| (*value).to_owned());
    let upstream = target("refs/remotes/origin/HEAD").and_then(|name| name.strip_prefix("refs/remotes/origin/"));
    let usual = ["main", "master"].into_iter().filter(|_| local);
    let head = target("HEAD").and_then(|name| name.strip_prefix("refs/heads/"));
    upstream.filter(|_| local).into_iter().chain(usual).chain(head).find_map(|name| {
        let places = [format!("refs/heads/{name}"), format!("refs/remotes/origin/{name}")];
        places.iter().find_map(|place| commit(place)).map(|id| (name.to_owned(), id))
    })
}

/// Whether the object is here with what it leads to. A fetch writes a pack when all of it has come.
fn is_whole(repository: &Repository, id: Oid) -> bool {
    let commit = repository.find_object(id, None).and_then(|object| object.peel_to_commit());
    commit.and_then(|commit| commit.tree()).is_ok()
}

/// A remote that does not have an object, or does not give what no branch leads to.
fn not_given(failure: Failure) -> Failure {
    let line = failure.line();
    let absent = ["not our ref", "unadvertised object", "couldn't find remote ref"].iter().any(|words| line.contains(words));
    if absent { failure.hint("the repository has no such commit, or no branch or tag leads to it") } else { failure }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::fixture::{Origin, WALL, run_git};

    fn commits<const N: usize>(origin: &Origin, revisions: [&str; N]) -> Result<[CommitId; N]> {
        Cache::commits(&origin.beside("cache"), &origin.url(), revisions, None, WALL, &Cancel::default()).map(|found| found.1)
    }

    #[test]
    fn every_spelling_of_a_commit_is_found() {
        let origin = Origin::new();
        let [first] = commits(&origin, ["main"]).unwrap();
        run_git(&origin.path(), &["-c", "user.name=a", "-c", "user.email=a@b", "tag", "-a", "v1.0", "-m", "one"]);
        run_git(&origin.path(), &["checkout", "-q", "-b", "topic/x"]);
        origin.write("new.txt", b"new\n");
        let second = origin.commit("second");
        for (revision, expected) in [
            ("HEAD", &second),
            ("HEAD~1", &first),
            ("topic/x^", &first),
            ("origin/topic/x", &second),
            ("v1.0", &first),
            (first.as_str(), &first),
            (second.short(), &second),
        ] {
            assert_eq!(&commits(&origin, [revision]).unwrap()[0], expected, "{revision}");
        }
        assert_eq!(commits(&origin, ["main", "topic/x"]).unwrap(), [first, second]);
    }

    #[test]
    fn the_default_branch_is_not_the_one_a_clone_happens_to_stand_on() {
        let (a, b) = ("a".repeat(40), "b".repeat(40));
        let clone = format!(
            "ref: refs/heads/fix\tHEAD\n{b}\tHEAD\n{b}\trefs/heads/fix\nref: refs/remotes/origin/dev\trefs/remotes/origin/HEAD\n\
             {a}\trefs/remotes/origin/HEAD\n{a}\trefs/remotes/origin/dev\n"
        );
        assert_eq!(default_among(&clone, true), Some(("dev".into(), a.clone())));
        let own = format!("ref: refs/heads/fix\tHEAD\n{b}\tHEAD\n{b}\trefs/heads/fix\n{a}\trefs/heads/main\n");
        assert_eq!(default_among(&own, true), Some(("main".into(), a)));
        assert_eq!(default_among(&own, false), Some(("fix".into(), b)));
        assert_eq!(default_among("", true), None);
    }

    #[test]
    fn the_head_of_a_pull_request_is_named_by_its_reference() {
        let origin = Origin::new();
        run_git(&origin.path(), &["checkout", "-q", "--detach"]);
        origin.write("new.txt", b"new\n");
        let theirs = origin.commit("theirs");
        run_git(&origin.path(), &["update-ref", "refs/pull/7/head", theirs.as_str()]);
        run_git(&origin.path(), &["checkout", "-q", "main"]);
        assert_eq!(commits(&origin, ["refs/pull/7/head"]).unwrap(), [theirs]);
        assert!(commits(&origin, ["refs/pull/8/head"]).is_err());
    }

    #[test]
    fn a_commit_that_no_branch_leads_to_is_had_by_its_id_and_then_without_the_remote() {
        let origin = Origin::new();
        let [first] = commits(&origin, ["HEAD"]).unwrap();
        run_git(&origin.path(), &["checkout", "-q", "--detach"]);
        origin.write("new.txt", b"new\n");
        let lost = origin.commit("lost");
        run_git(&origin.path(), &["checkout", "-q", "main"]);
        assert_eq!(commits(&origin, [lost.as_str()]).unwrap()[0], lost);
        std::fs::rename(origin.path().join(".git/objects"), origin.beside("gone")).unwrap();
        assert_eq!(commits(&origin, [first.as_str(), lost.as_str()]).unwrap(), [first, lost]);
    }

    #[test]
    fn what_does_not_exist_is_said_with_what_does() {
        let origin = Origin::new();
        for wrong in ["nowhere", "abcdef1", "HEAD~9"] {
            let failure = commits(&origin, [wrong]).unwrap_err();
            assert_eq!(failure.kind, Kind::Workspace, "{wrong}");
            assert!(failure.line().contains("there is no"), "{failure:?}");
        }
        assert!(commits(&origin, ["nowhere"]).unwrap_err().hints[0].contains("main"));
        let gone = commits(&origin, [&"1".repeat(40)[..]]).unwrap_err();
        assert!(gone.hints[0].contains("no such commit"), "{gone:?} {:?}", gone.hints);
        for odd in ["", "a..b", "main@{1}", "-x", "main^{tree}", "a b"] {
            assert_eq!(commits(&origin, [odd]).unwrap_err().kind, Kind::Usage, "{odd}");
        }
    }

    #[test]
    fn what_two_branches_have_in_common_is_found_or_not() {
        let origin = Origin::new();
        run_git(&origin.path(), &["checkout", "-q", "-b", "topic"]);
        origin.write("a.txt", b"a\n");
        let topic = origin.commit("topic");
        run_git(&origin.path(), &["checkout", "-q", "main"]);
        origin.write("b.txt", b"b\n");
        let main = origin.commit("main");
        run_git(&origin.path(), &["checkout", "-q", "--orphan", "other"]);
        let other = origin.commit("other");
        let (cache, found) =
            Cache::commits(&origin.beside("cache"), &origin.url(), ["main~1", "topic", "main", "other"], None, WALL, &Cancel::default())
                .unwrap();
        assert_eq!(found[1..], [topic.clone(), main.clone(), other.clone()]);
        assert_eq!(cache.merge_base(&main, &topic).unwrap().as_ref(), Some(&found[0]));
        assert_eq!(cache.merge_base(&main, &other).unwrap(), None);
        assert!(!cache.is_shallow().unwrap());
    }
}
