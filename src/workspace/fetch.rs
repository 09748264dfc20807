//! Brings a cache up to date with its remote: one branch, under a deadline, safe beside other processes.
//! Owns making, locking and repairing the bare repository; reading it is `cache`'s work.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::cache::{Cache, oid};
use super::refusal::explained;
use super::remote::Remote;
use crate::error::{Explain, Failure, Kind, OrFail, Result};
use crate::sandbox::{Cancel, Credential, Finished, GitJob, git};
use crate::task::CommitId;

/// Who asks the remote, until when.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub credential: Option<&'a Credential>,
    pub deadline: Instant,
    pub cancel: &'a Cancel,
}

impl<'a> Call<'a> {
    pub fn new(credential: Option<&'a Credential>, wall: Duration, cancel: &'a Cancel) -> Call<'a> {
        Call { credential, deadline: Instant::now() + wall, cancel }
    }

    /// One call of the git program in a folder of loom's own.
    pub fn git(&self, cwd: &Path, args: &[&str]) -> Result<Finished> {
        self.cancel.check()?;
        let wall = self.deadline.saturating_duration_since(Instant::now());
        if wall.is_zero() {
            return Err(Failure::new(Kind::Workspace, "no time left to talk to the remote"));
        }
        let finished = git(&GitJob { args, cwd, credential: self.credential, wall }, self.cancel).map_err(explained)?;
        if finished.ok() {
            return Ok(finished);
        }
        let words = finished.stderr.text();
        Err(explained(Failure::new(Kind::Workspace, format_args!("git {}: {}", args.first().unwrap_or(&""), words.trim()))))
    }
}

/// Where a branch stands at the remote.
struct Tip {
    branch: String,
    commit: String,
}

impl Cache {
    /// Brings the bare cache of `url` (a URL or a local path) below `folder` up to date for `branch`
    /// (the remote's default when none); answers with the commit it stands at and the branch's name.
    /// One question to the remote when nothing has moved; other processes may do the same at the same time.
    pub fn fetch(
        folder: &Path,
        url: &str,
        branch: Option<&str>,
        credential: Option<&Credential>,
        wall: Duration,
        cancel: &Cancel,
    ) -> Result<(Cache, CommitId, String)> {
        let cache = Cache::at(folder, Remote::parse(url)?);
        let call = Call::new(credential, wall, cancel);
        std::fs::create_dir_all(folder).or_fail(Kind::Workspace, || format!("making the cache folder {}", folder.display()))?;
        let tip = cache.tip(folder, branch, &call).context(|| format!("reading {}", cache.remote.address))?;
        if !cache.holds(&tip) {
            let _lock = Lock::take(&cache.path.with_extension("lock"), &call)?;
            cache.bring(&tip, &call).context(|| format!("fetching {} of {}", tip.branch, cache.remote.address))?;
        }
        let commit = cache.resolve(&tracking(&tip.branch))?;
        Ok((cache, commit, tip.branch))
    }

    fn tip(&self, folder: &Path, branch: Option<&str>, call: &Call<'_>) -> Result<Tip> {
        let wanted = branch.map(|name| format!("refs/heads/{name}"));
        if let Some(name) = &wanted
            && !git2::Reference::is_valid_name(name)
        {
            return Err(Failure::new(Kind::Config, format_args!("not a branch name: {:?}", branch.unwrap_or_default())));
        }
        let answer = call.git(folder, &["ls-remote", "--symref", "--", &self.remote.address, "HEAD", "refs/heads/*"])?;
        let text = String::from_utf8_lossy(&answer.stdout.head).into_owned() + &String::from_utf8_lossy(&answer.stdout.tail);
        let refs = Advertised::read(&text);
        if refs.heads.is_empty() {
            return Err(Failure::new(Kind::Workspace, "the repository is empty").hint("push a first commit with the code and its tests"));
        }
        let name = wanted.or(refs.default).ok_or_else(|| {
            Failure::new(Kind::Workspace, "the repository's default branch does not exist").hint("name the branch to work on: github.base")
        })?;
        let found = refs.heads.iter().find(|(head, _)| *head == name);
        let short = name.trim_start_matches("refs/heads/").to_owned();
        match found {
            Some((_, commit)) => Ok(Tip { branch: short, commit: commit.clone() }),
            None => Err(missing(&short, &refs.heads)),
        }
    }

    /// Whether nothing is left to fetch: the branch stands there, and its commit and tree can be read.
    fn holds(&self, tip: &Tip) -> bool {
        let Ok(repository) = self.repository() else { return false };
        let standing = repository.find_reference(&tracking(&tip.branch)).ok().and_then(|reference| reference.target());
        standing.is_some_and(|id| id.to_string() == tip.commit) && readable(&repository, &tip.commit)
    }

    fn bring(&self, tip: &Tip, call: &Call<'_>) -> Result<()> {
        self.prepare()?;
        let first = self.download(tip, call);
        if first.is_ok() && self.stands(tip) {
            return Ok(());
        }
        // A refusal by the remote or a spent deadline is no sign of damage; an unreadable repository is.
        if let Err(failure) = first
            && !is_damage(&failure)
        {
            return Err(failure);
        }
        self.set_aside()?;
        self.prepare()?;
        self.download(tip, call)
    }

    fn download(&self, tip: &Tip, call: &Call<'_>) -> Result<()> {
        let spec = format!("+refs/heads/{}:{}", tip.branch, tracking(&tip.branch));
        let quiet = ["--git-dir=.", "-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "fetch.unpackLimit=1"];
        let fetch = ["fetch", "--quiet", "--no-write-fetch-head", "--no-recurse-submodules", "--", &self.remote.address, &spec];
        call.git(&self.path, &[&quiet[..], &fetch[..]].concat()).map(drop)
    }

    fn stands(&self, tip: &Tip) -> bool {
        let Ok(repository) = self.repository() else { return false };
        let standing = repository.find_reference(&tracking(&tip.branch)).ok().and_then(|reference| reference.target());
        standing.is_some_and(|id| readable(&repository, &id.to_string()))
    }

    /// Makes the bare repository, or clears what a killed fetch left in it. Only under the lock.
    fn prepare(&self) -> Result<()> {
        if self.repository().is_ok() {
            return self.clear_leftovers();
        }
        if self.path.exists() {
            self.set_aside()?;
        }
        let fresh = self.path.with_extension("new");
        if fresh.exists() {
            std::fs::remove_dir_all(&fresh).or_fail(Kind::Workspace, || format!("removing {}", fresh.display()))?;
        }
        let mut options = git2::RepositoryInitOptions::new();
        options.bare(true).external_template(false).initial_head("loom-cache");
        git2::Repository::init_opts(&fresh, &options).or_fail(Kind::Workspace, || format!("making the cache {}", self.path.display()))?;
        std::fs::rename(&fresh, &self.path).or_fail(Kind::Workspace, || format!("making the cache {}", self.path.display()))
    }

    /// Keeps a damaged cache beside the new one: snapshots in it may still be of use to a person.
    fn set_aside(&self) -> Result<()> {
        let aside = self.path.with_extension("broken");
        if aside.exists() {
            std::fs::remove_dir_all(&aside).or_fail(Kind::Workspace, || format!("removing {}", aside.display()))?;
        }
        std::fs::rename(&self.path, &aside).or_fail(Kind::Workspace, || format!("setting the damaged cache {} aside", self.path.display()))
    }

    /// Lock files and half-written packs that only a killed fetch can have left, as fetches hold the lock.
    fn clear_leftovers(&self) -> Result<()> {
        let mut stale = vec![self.path.join("packed-refs.lock"), self.path.join("shallow.lock"), self.path.join("config.lock")];
        let mut folders = vec![self.path.join("refs/remotes"), self.path.join("refs/tags"), self.path.join("objects/pack")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(entry.path());
                } else if name.ends_with(".lock") || name.starts_with("tmp_") {
                    stale.push(entry.path());
                }
            }
        }
        for path in stale.into_iter().filter(|path| path.exists()) {
            std::fs::remove_file(&path).or_fail(Kind::Workspace, || format!("removing the stale {}", path.display()))?;
        }
        Ok(())
    }
}

fn tracking(branch: &str) -> String {
    format!("refs/remotes/origin/{branch}")
}

fn readable(repository: &git2::Repository, commit: &str) -> bool {
    oid(commit).is_ok_and(|id| repository.find_commit(id).and_then(|commit| commit.tree()).is_ok())
}

fn is_damage(failure: &Failure) -> bool {
    let words = failure.line().to_lowercase();
    let signs = [
        "corrupt",
        "bad object",
        "missing blob",
        "missing tree",
        "did not send all necessary",
        "unable to read",
        "loose object",
        "inflate",
        "invalid index-pack",
        "pack has",
        "packfile",
        "not a git repository",
        "is empty",
        "bad ref",
        "broken",
        "sha1 mismatch",
    ];
    signs.iter().any(|sign| words.contains(sign))
}

fn missing(branch: &str, heads: &[(String, String)]) -> Failure {
    let names: Vec<&str> = heads.iter().map(|(name, _)| name.trim_start_matches("refs/heads/")).take(10).collect();
    let more = if heads.len() > names.len() { ", ..." } else { "" };
    Failure::new(Kind::Workspace, format_args!("there is no branch {branch:?}")).hint(format!("it has {}{more}", names.join(", ")))
}

/// What `ls-remote --symref` answered.
struct Advertised {
    /// The full name of the default branch.
    default: Option<String>,
    /// Full name and commit.
    heads: Vec<(String, String)>,
}

impl Advertised {
    fn read(text: &str) -> Advertised {
        let mut refs = Advertised { default: None, heads: Vec::new() };
        for (value, name) in text.lines().filter_map(|line| line.split_once('\t')) {
            match value.strip_prefix("ref: ") {
                Some(target) if name == "HEAD" => refs.default = Some(target.to_owned()),
                None if name.starts_with("refs/heads/") => refs.heads.push((name.to_owned(), value.to_owned())),
                _ => {}
            }
        }
        refs
    }
}

/// The exclusive right to change one cache; ends with the value, and with the process.
struct Lock {
    _file: File,
}

impl Lock {
    fn take(path: &PathBuf, call: &Call<'_>) -> Result<Lock> {
        let doing = || format!("locking the cache by {}", path.display());
        let file = File::options().create(true).append(true).open(path).or_fail(Kind::Workspace, doing)?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock { _file: file }),
                Err(TryLockError::Error(error)) => return Err(error).or_fail(Kind::Workspace, doing),
                Err(TryLockError::WouldBlock) => {}
            }
            call.cancel.check()?;
            if Instant::now() >= call.deadline {
                return Err(Failure::new(Kind::Workspace, "another loom is still fetching this repository")
                    .hint("try again later")
                    .context(doing()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::fixture::{Origin, WALL, run_git};

    #[test]
    fn the_default_branch_is_fetched_and_followed() {
        let origin = Origin::new();
        let (cache, first, branch) = origin.fetch(None).unwrap();
        assert_eq!(branch, "main");
        origin.write("new.txt", b"new\n");
        let second = origin.commit("second");
        assert_eq!(origin.fetch(None).unwrap().1, second);
        assert_eq!(cache.resolve("main").unwrap(), second);
        assert!(cache.tree_of(&first).is_ok());
    }

    #[test]
    fn a_branch_that_was_rewritten_or_moved_back_is_followed_too() {
        let origin = Origin::new();
        let (_, first, _) = origin.fetch(None).unwrap();
        origin.write("new.txt", b"new\n");
        origin.commit("second");
        origin.fetch(None).unwrap();
        run_git(&origin.path(), &["reset", "-q", "--hard", first.as_str()]);
        assert_eq!(origin.fetch(None).unwrap().1, first);
    }

    #[test]
    fn an_empty_repository_and_a_missing_branch_are_named() {
        let empty = Origin::empty().fetch(None).unwrap_err();
        assert_eq!(empty.kind, Kind::Workspace);
        assert!(empty.line().contains("the repository is empty"), "{empty:?}");
        assert!(!empty.hints.is_empty());
        let missing = Origin::new().fetch(Some("develop")).unwrap_err();
        assert!(missing.line().contains("no branch \"develop\"") && missing.hints[0].contains("main"), "{missing:?}");
        assert_eq!(Origin::new().fetch(Some("a..b")).unwrap_err().kind, Kind::Config);
    }

    #[test]
    fn leftovers_of_a_killed_fetch_do_not_stop_the_next() {
        let origin = Origin::new();
        let (cache, ..) = origin.fetch(None).unwrap();
        for left in ["refs/remotes/origin/main.lock", "packed-refs.lock", "objects/pack/tmp_pack_x"] {
            std::fs::write(cache.path.join(left), "").unwrap();
        }
        origin.write("new.txt", b"new\n");
        let second = origin.commit("second");
        assert_eq!(origin.fetch(None).unwrap().1, second);
        assert!(!cache.path.join("objects/pack/tmp_pack_x").exists());
    }

    #[test]
    fn a_damaged_cache_is_made_again_and_kept_aside() {
        for damage in ["HEAD", "objects"] {
            let origin = Origin::new();
            let (cache, first, _) = origin.fetch(None).unwrap();
            let place = cache.path.join(damage);
            if place.is_dir() {
                std::fs::remove_dir_all(&place).unwrap()
            } else {
                std::fs::remove_file(&place).unwrap()
            }
            let (cache, again, _) = origin.fetch(None).unwrap();
            assert_eq!(again, first, "{damage}");
            assert!(cache.tree_of(&again).is_ok());
            assert!(cache.path.with_extension("broken").exists());
        }
    }

    #[test]
    fn packs_cut_short_are_fetched_again() {
        let origin = Origin::new();
        let (cache, first, _) = origin.fetch(None).unwrap();
        for entry in std::fs::read_dir(cache.path.join("objects/pack")).unwrap() {
            let path = entry.unwrap().path();
            std::fs::remove_file(&path).unwrap();
            std::fs::write(&path, "").unwrap();
        }
        let (cache, again, _) = origin.fetch(None).unwrap();
        assert_eq!(again, first);
        let tree = cache.tree_of(&again).unwrap();
        assert!(cache.blob(&tree, "README.md").unwrap().is_some());
    }

    #[test]
    fn many_at_once_end_with_one_good_cache() {
        let origin = Origin::new();
        std::thread::scope(|scope| {
            let hands: Vec<_> = (0..4).map(|_| scope.spawn(|| origin.fetch(None).map(|found| found.1))).collect();
            let mut found: Vec<_> = hands.into_iter().map(|hand| hand.join().unwrap().unwrap()).collect();
            found.dedup();
            assert_eq!(found.len(), 1);
        });
    }

    #[test]
    fn a_lock_that_is_held_ends_at_the_deadline_or_the_request_to_stop() {
        let origin = Origin::new();
        let cancel = Cancel::default();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.lock");
        let long = Call::new(None, WALL, &cancel);
        let held = Lock::take(&path, &long).unwrap();
        let short = Call::new(None, Duration::ZERO, &cancel);
        assert!(Lock::take(&path, &short).is_err_and(|failure| failure.line().contains("another loom")));
        cancel.request(Kind::Interrupted);
        assert!(Lock::take(&path, &long).is_err_and(|failure| failure.kind == Kind::Interrupted));
        drop(held);
        drop(origin);
    }

    #[test]
    fn bare_remotes_and_tags_come_along() {
        let origin = Origin::new();
        run_git(&origin.path(), &["-c", "user.name=a", "-c", "user.email=a@b", "tag", "-a", "v1.0", "-m", "one"]);
        run_git(&origin.beside("."), &["clone", "-q", "--bare", "widget", "bare.git"]);
        let bare = origin.beside("bare.git");
        let (cache, base, _) =
            Cache::fetch(&origin.beside("cache"), bare.to_str().unwrap(), Some("main"), None, WALL, &Cancel::default()).unwrap();
        assert_eq!(cache.resolve("v1.0").unwrap(), base);
    }
}
