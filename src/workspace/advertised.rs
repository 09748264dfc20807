//! What a remote says it has: branches, their commits, the default one. Owns reading git's list and the choice of the branch.

use crate::error::{Failure, Kind, Result};

/// Where a branch stands at the remote.
pub(super) struct Tip {
    pub branch: String,
    pub commit: String,
}

/// What `ls-remote --symref` answered.
pub(super) struct Advertised {
    /// The full name of the default branch.
    default: Option<String>,
    /// The commit HEAD stands at.
    head: Option<String>,
    /// Full name and commit.
    heads: Vec<(String, String)>,
}

impl Advertised {
    pub fn read(text: &str) -> Advertised {
        let mut refs = Advertised { default: None, head: None, heads: Vec::new() };
        for (value, name) in text.lines().filter_map(|line| line.split_once('\t')) {
            match value.strip_prefix("ref: ") {
                Some(target) if name == "HEAD" => refs.default = Some(target.to_owned()),
                None if name == "HEAD" => refs.head = Some(value.to_owned()),
                None if name.starts_with("refs/heads/") => refs.heads.push((name.to_owned(), value.to_owned())),
                _ => {}
            }
        }
        refs
    }

    /// Where the wanted branch stands, by its full name; the default branch when none is wanted.
    pub fn tip(&self, wanted: Option<String>) -> Result<Tip> {
        if self.is_empty() {
            return Err(empty());
        }
        let name = wanted.map_or_else(|| self.default_branch(), Ok)?;
        let branch = name.trim_start_matches("refs/heads/").to_owned();
        match self.heads.iter().find(|(head, _)| *head == name) {
            Some((_, commit)) => Ok(Tip { branch, commit: commit.clone() }),
            None => Err(missing(&branch, &self.heads)),
        }
    }

    fn is_empty(&self) -> bool {
        self.heads.is_empty() && self.head.is_none()
    }

    /// The branch HEAD names; where it names none (a checkout of a commit), the only one that stands there too.
    fn default_branch(&self) -> Result<String> {
        if let Some(name) = self.default.clone().filter(|name| self.heads.iter().any(|(head, _)| head == name)) {
            return Ok(name);
        }
        let mut standing = self.heads.iter().filter(|(_, commit)| Some(commit) == self.head.as_ref());
        match (standing.next(), standing.next()) {
            (Some((name, _)), None) => Ok(name.clone()),
            _ => Err(Failure::new(Kind::Workspace, "the repository's HEAD stands on no branch")
                .hint("name the branch to work on: github.base")
                .hint("in a local checkout of a commit, make a branch: git switch -c NAME")),
        }
    }
}

fn empty() -> Failure {
    Failure::new(Kind::Workspace, "the repository is empty").hint("push a first commit with the code and its tests")
}

fn missing(branch: &str, heads: &[(String, String)]) -> Failure {
    let names: Vec<&str> = heads.iter().map(|(name, _)| name.trim_start_matches("refs/heads/")).take(10).collect();
    let more = if heads.len() > names.len() { ", ..." } else { "" };
    Failure::new(Kind::Workspace, format_args!("there is no branch {branch:?}")).hint(format!("it has {}{more}", names.join(", ")))
}
