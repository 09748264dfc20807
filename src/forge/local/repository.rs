//! The repository that a local issue is about: a folder on this machine, or a URL. Owns what can be asked of it without
//! a clone; cloning and pushing are `workspace`'s.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::ErrorCode;
use secrecy::SecretString;

use super::super::Home;
use crate::config::GitHubSettings;
use crate::error::{Explain as _, Failure, Kind, OrFail as _, Result};
use crate::sandbox::{self, Cancel, Credential, GitJob};
use crate::task::{CommitId, Digest};

/// Asking a remote for its branches takes no longer.
const ASK: Duration = Duration::from_secs(60);

/// A folder or a URL, checked as far as that goes without the network.
pub(super) enum Repository {
    Folder(PathBuf),
    Remote(Remote),
}

/// A repository behind a URL.
pub(super) struct Remote {
    url: String,
    credential: Option<Credential>,
    /// A folder that no agent writes to, for git to stand in.
    stand: PathBuf,
    cancel: Cancel,
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Repository::Folder(path) => write!(f, "{}", path.display()),
            Repository::Remote(remote) => f.write_str(&remote.url),
        }
    }
}

impl Repository {
    pub(super) fn find(
        settings: &GitHubSettings,
        token: Option<SecretString>,
        name: &str,
        stand: &Path,
        cancel: &Cancel,
    ) -> Result<Repository> {
        if !name.contains("://") && !is_scp_like(name) {
            return Repository::folder(Path::new(name));
        }
        if let Ok(url) = url::Url::parse(name)
            && (url.password().is_some() || (!url.username().is_empty() && url.scheme() != "ssh"))
        {
            return Err(Failure::new(Kind::Usage, "the repository's URL holds a user name or a password")
                .hint("leave it out: the token comes from GITHUB_TOKEN"));
        }
        let credential = token.filter(|_| on_the_forge(settings, name)).map(|token| Credential { scope: name.to_owned(), token });
        Ok(Repository::Remote(Remote { url: name.to_owned(), credential, stand: stand.to_owned(), cancel: cancel.clone() }))
    }

    fn folder(path: &Path) -> Result<Repository> {
        let hint = "name a folder with a git repository, or a URL";
        let path = path.canonicalize().or_fail(Kind::Usage, || format!("looking for the repository {}", path.display())).hint(hint)?;
        let repository = git2::Repository::discover(&path).or_fail(Kind::Usage, || format!("opening {}", path.display())).hint(hint)?;
        let root = repository.workdir().unwrap_or_else(|| repository.path());
        Ok(Repository::Folder(root.components().collect()))
    }

    pub(super) fn home(&self, base: Option<&str>) -> Result<Home> {
        let found = match base {
            Some(base) => base.to_owned(),
            None => self.default_branch()?,
        };
        if self.branch_head(&found)?.is_none() {
            return Err(Failure::new(Kind::Workspace, format_args!("there is no commit on the branch {found}")).hint(if base.is_some() {
                "check github.base"
            } else {
                "the repository is empty: commit something first"
            }));
        }
        let url = self.to_string();
        Ok(Home {
            base: found,
            credential: match self {
                Repository::Folder(_) => None,
                Repository::Remote(remote) => remote.credential.clone(),
            },
            repository_id: Digest::of_bytes(url.as_bytes()).as_str().to_owned(),
            url,
        })
    }

    fn default_branch(&self) -> Result<String> {
        match self {
            Repository::Folder(path) => {
                let repository = opened(path)?;
                let head = repository.find_reference("HEAD").or_fail(Kind::Workspace, || "reading HEAD")?;
                let branch = head.symbolic_target().ok().flatten().and_then(|target| target.strip_prefix("refs/heads/"));
                branch.map(str::to_owned).ok_or_else(|| {
                    Failure::new(Kind::Workspace, "HEAD is on no branch").hint("check a branch out, or name one as github.base")
                })
            }
            Repository::Remote(remote) => remote.default_branch(),
        }
    }

    /// What a branch points to; none when it does not exist.
    pub(super) fn branch_head(&self, branch: &str) -> Result<Option<CommitId>> {
        match self {
            Repository::Folder(path) => match opened(path)?.find_reference(&format!("refs/heads/{branch}")) {
                Ok(reference) => {
                    let commit = reference.peel_to_commit().or_fail(Kind::Workspace, || format!("reading the branch {branch}"))?;
                    commit.id().to_string().parse().map(Some)
                }
                Err(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec) => Ok(None),
                Err(error) => Err(error).or_fail(Kind::Workspace, || format!("reading the branch {branch}")),
            },
            Repository::Remote(remote) => remote.branch_head(branch),
        }
    }
}

impl Remote {
    fn default_branch(&self) -> Result<String> {
        let told = self.ask(&["ls-remote", "--symref", "--", &self.url, "HEAD"])?;
        let branch = told.lines().find_map(|line| line.strip_prefix("ref: refs/heads/")?.strip_suffix("\tHEAD"));
        branch.map(str::to_owned).ok_or_else(|| {
            Failure::new(Kind::Workspace, "the remote names no default branch").hint("it may be empty; or name a branch as github.base")
        })
    }

    fn branch_head(&self, branch: &str) -> Result<Option<CommitId>> {
        let name = format!("refs/heads/{branch}");
        let told = self.ask(&["ls-remote", "--", &self.url, &name])?;
        let id = told.lines().filter_map(|line| line.split_once('\t')).find(|(_, found)| *found == name).map(|(id, _)| id);
        id.map(str::parse).transpose()
    }

    fn ask(&self, args: &[&str]) -> Result<String> {
        std::fs::create_dir_all(&self.stand).or_fail(Kind::Workspace, || format!("making {}", self.stand.display()))?;
        let job = GitJob { args, cwd: &self.stand, credential: self.credential.as_ref(), wall: ASK };
        let finished = sandbox::git(&job, &self.cancel)?;
        if !finished.ok() {
            return Err(Failure::new(Kind::Workspace, format_args!("git cannot read {}: {}", self.url, finished.stderr.text().trim()))
                .hint("check the URL; a private repository needs GITHUB_TOKEN"));
        }
        Ok(finished.stdout.text())
    }
}

fn opened(path: &Path) -> Result<git2::Repository> {
    git2::Repository::open(path).or_fail(Kind::Workspace, || format!("opening {}", path.display()))
}

/// `git@host:path`, but no path on this machine.
fn is_scp_like(name: &str) -> bool {
    name.split_once(':').is_some_and(|(host, _)| host.contains('@') && !host.contains('/')) && !Path::new(name).exists()
}

/// The token is for the configured forge and goes nowhere else.
fn on_the_forge(settings: &GitHubSettings, url: &str) -> bool {
    super::super::github::server(settings).is_some_and(|server| url.strip_prefix(&server).is_some_and(|rest| rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(branch: &str) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let repository = git2::Repository::init_opts(folder.path(), git2::RepositoryInitOptions::new().initial_head(branch)).unwrap();
        let who = git2::Signature::now("Rita", "rita@example.com").unwrap();
        let tree = repository.find_tree(repository.treebuilder(None).unwrap().write().unwrap()).unwrap();
        let commit = repository.commit(Some("HEAD"), &who, &who, "first", &tree, &[]).unwrap();
        (folder, commit.to_string())
    }

    fn find(name: &str, token: Option<&str>) -> Result<Repository> {
        Repository::find(&GitHubSettings::default(), token.map(SecretString::from), name, Path::new("/nowhere"), &Cancel::default())
    }

    #[test]
    fn a_folder_knows_its_branch_and_commit() {
        let (folder, commit) = made("trunk");
        let below = folder.path().join("src");
        std::fs::create_dir(&below).unwrap();
        let found = find(below.to_str().unwrap(), None).unwrap();
        let home = found.home(None).unwrap();
        assert_eq!(home.base, "trunk");
        assert_eq!(home.url, folder.path().canonicalize().unwrap().to_str().unwrap());
        assert!(home.credential.is_none());
        assert_eq!(found.branch_head("trunk").unwrap().unwrap().as_str(), commit);
        assert_eq!(found.branch_head("no such branch").unwrap(), None);
        assert_eq!(found.home(Some("other")).unwrap_err().hints, ["check github.base"]);
    }

    #[test]
    fn what_is_no_repository_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for name in [folder.path().to_str().unwrap(), "/no/such/folder", "https://me:pw@github.com/acme/widget"] {
            let failure = find(name, None).err().unwrap();
            assert_eq!(failure.kind, Kind::Usage, "{name}");
            assert!(!failure.hints.is_empty());
        }
        git2::Repository::init(folder.path()).unwrap();
        let failure = find(folder.path().to_str().unwrap(), None).unwrap().home(None).unwrap_err();
        assert!(failure.hints[0].contains("empty"), "{failure:?}");
    }

    #[test]
    fn a_token_goes_to_the_forge_only() {
        let has_credential = |url: &str| match find(url, Some("ghp_x")).unwrap() {
            Repository::Remote(remote) => remote.credential.is_some(),
            Repository::Folder(_) => panic!("{url} is no folder"),
        };
        assert!(has_credential("https://github.com/acme/widget.git"));
        for url in ["https://github.com.evil.example/acme/widget", "https://gitlab.com/acme/widget", "git@github.com:acme/widget.git"] {
            assert!(!has_credential(url), "{url}");
        }
    }
}
