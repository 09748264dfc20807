//! Brings a cache up to date with its remote: one branch, under a deadline, safe beside other processes.
//! Owns the order of steps and what counts as damage; the folder's own life is in `upkeep`, the remote's list in `advertised`.

use std::path::Path;
use std::time::{Duration, Instant};

use super::advertised::{Advertised, Tip};
use super::cache::{Cache, oid};
use super::refusal::{explained, may_pass};
use super::remote::Remote;
use super::upkeep::Lock;
use crate::error::{Explain, Failure, Kind, OrFail, Result};
use crate::sandbox::{Cancel, Credential, Finished, GitJob, git};
use crate::task::CommitId;

/// A call that met trouble is repeated after this long, then after twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The last pause before giving up.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// A pause looks for a cancellation this often.
const STEP: Duration = Duration::from_millis(100);

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

    /// Whether there is no time left, or a stop was asked for.
    fn is_over(&self) -> bool {
        Instant::now() >= self.deadline || self.cancel.requested().is_some()
    }

    /// One call of the git program in a folder of loom's own. Trouble on the way that may pass is met with patience: what
    /// is asked of a remote here may be asked twice.
    pub fn git(&self, cwd: &Path, args: &[&str]) -> Result<Finished> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.git_once(cwd, args) {
                Err(failure) if may_pass(&failure) && pause <= LONGEST_PAUSE && !self.is_over() => {
                    self.wait(pause);
                    pause *= 2;
                }
                end => return end,
            }
        }
    }

    fn wait(&self, pause: Duration) {
        let until = Instant::now() + pause;
        while !self.is_over() && Instant::now() < until {
            std::thread::sleep(STEP.min(until.saturating_duration_since(Instant::now())));
        }
    }

    fn git_once(&self, cwd: &Path, args: &[&str]) -> Result<Finished> {
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
        std::fs::create_dir_all(folder)
            .or_fail(Kind::Workspace, || format!("making the cache folder {}", folder.display()))
            .hint("another place for clones is set by paths.cache (LOOM_PATHS_CACHE)")?;
        let lock = cache.path.with_extension("lock");
        if cache.repository().is_err() {
            let _lock = Lock::take(&lock, &call)?;
            cache.prepare()?;
        }
        let tip = cache.tip(branch, &call).context(|| format!("reading {}", cache.remote.address))?;
        if !cache.holds(&tip) {
            let _lock = Lock::take(&lock, &call)?;
            cache.bring(&tip, &call).context(|| format!("fetching {} of {}", tip.branch, cache.remote.address))?;
        }
        let commit = cache.resolve(&tracking(&tip.branch))?;
        Ok((cache, commit, tip.branch))
    }

    fn tip(&self, branch: Option<&str>, call: &Call<'_>) -> Result<Tip> {
        let wanted = branch.map(|name| format!("refs/heads/{name}"));
        if let Some(name) = &wanted
            && !git2::Reference::is_valid_name(name)
        {
            return Err(Failure::new(Kind::Config, format_args!("not a branch name: {:?}", branch.unwrap_or_default())));
        }
        let answer = call.git(&self.path, &["--git-dir=.", "ls-remote", "--symref", "--", &self.remote.address, "HEAD", "refs/heads/*"])?;
        let text = String::from_utf8_lossy(&answer.stdout.head).into_owned() + &String::from_utf8_lossy(&answer.stdout.tail);
        Advertised::read(&text).tip(wanted)
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
        // A refusal, a broken line or a spent deadline is no sign of damage, and snapshots are worth keeping.
        if let Err(failure) = first
            && self.is_sound(call)
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
        let fetch =
            ["fetch", "--quiet", "--no-write-fetch-head", "--no-recurse-submodules", "--update-shallow", "--", &self.remote.address, &spec];
        call.git(&self.path, &[&quiet[..], &fetch[..]].concat()).map(drop)
    }

    fn stands(&self, tip: &Tip) -> bool {
        let Ok(repository) = self.repository() else { return false };
        let standing = repository.find_reference(&tracking(&tip.branch)).ok().and_then(|reference| reference.target());
        standing.is_some_and(|id| readable(&repository, &id.to_string()))
    }

    fn is_sound(&self, call: &Call<'_>) -> bool {
        let check = ["--git-dir=.", "fsck", "--connectivity-only", "--no-dangling", "--no-progress"];
        match call.git(&self.path, &check) {
            Ok(_) => true,
            // Stopped before it could tell: then it is not known to be damaged.
            Err(_) => call.is_over(),
        }
    }
}

pub(super) fn tracking(branch: &str) -> String {
    format!("refs/remotes/origin/{branch}")
}

fn readable(repository: &git2::Repository, commit: &str) -> bool {
    oid(commit).is_ok_and(|id| repository.find_commit(id).and_then(|commit| commit.tree()).is_ok())
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

    #[test]
    fn a_shallow_checkout_of_a_commit_is_a_remote_like_any_other() {
        let origin = Origin::new();
        origin.write("new.txt", b"new\n");
        let second = origin.commit("second");
        let url = format!("file://{}", origin.url());
        run_git(&origin.beside("."), &["clone", "-q", "--depth=1", &url, "shallow"]);
        let shallow = origin.beside("shallow");
        run_git(&shallow, &["checkout", "-q", "--detach"]);
        let fetched = || Cache::fetch(&origin.beside("cache"), shallow.to_str().unwrap(), None, None, WALL, &Cancel::default());
        let (cache, commit, branch) = fetched().unwrap();
        assert_eq!((commit.clone(), branch.as_str()), (second, "main"));
        let workspace = crate::workspace::Workspace::create(&cache, &commit, &origin.beside("work")).unwrap();
        assert_eq!(run_git(workspace.root(), &["log", "--format=%s"]).stdout.text(), "second\n");
        assert_eq!(run_git(workspace.root(), &["status", "--porcelain"]).stdout.text(), "");
        run_git(&shallow, &["branch", "other"]);
        assert!(fetched().unwrap_err().line().contains("HEAD stands on no branch"));
    }

    #[test]
    fn a_line_that_breaks_does_not_cost_the_snapshots() {
        let origin = Origin::new();
        let (cache, ..) = origin.fetch(None).unwrap();
        let gone = Tip { branch: "gone".into(), commit: "0".repeat(40) };
        let cancel = Cancel::default();
        assert!(cache.bring(&gone, &Call::new(None, WALL, &cancel)).is_err());
        assert!(!cache.path.with_extension("broken").exists());
    }
}
