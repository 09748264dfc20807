//! How a remote is named: a URL or a local path, checked before git ever sees it.
//! Owns what is accepted and the cache's folder name; talking to the remote is the neighbours' work.

use std::path::Path;

use crate::error::{Failure, Kind, OrFail, Result};
use crate::task::Digest;

/// A checked remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remote {
    /// What git is given: a URL without credentials or an absolute path.
    pub address: String,
    /// Whether it lies on this machine.
    pub local: bool,
}

impl Remote {
    /// Reads what a person or a forge wrote.
    pub fn parse(text: &str) -> Result<Remote> {
        if text.trim().is_empty() || text.starts_with('-') || text.chars().any(char::is_control) {
            return Err(
                Failure::new(Kind::Usage, format_args!("not a repository: {text:?}")).hint("give a URL or the path of a git repository")
            );
        }
        if let Some(path) = text.strip_prefix("file://") {
            return local(path);
        }
        if text.contains("://") {
            return by_url(text);
        }
        if is_scp_like(text) {
            return Ok(Remote { address: text.to_owned(), local: false });
        }
        local(text)
    }

    /// A folder name for its cache: readable, and distinct for each remote.
    pub fn folder_name(&self) -> String {
        let digest = Digest::of_bytes(self.address.as_bytes());
        let parts: Vec<&str> = self.address.trim_end_matches('/').rsplit(['/', ':']).filter(|part| !part.is_empty()).take(2).collect();
        let words: Vec<&str> = parts.into_iter().rev().collect();
        let slug: String = words.join("-").trim_end_matches(".git").chars().map(plain).take(60).collect();
        format!("{}-{}.git", slug.trim_matches(['-', '.']), digest.short())
    }
}

fn plain(c: char) -> char {
    if c.is_ascii_alphanumeric() || "-_.".contains(c) { c.to_ascii_lowercase() } else { '-' }
}

/// `git@host:path`: a colon before the first slash, and no file of that name here.
fn is_scp_like(text: &str) -> bool {
    let host = text.split('/').next().unwrap_or_default();
    host.contains(':') && !host.contains("::") && !host.starts_with(':') && !Path::new(text).exists()
}

fn by_url(text: &str) -> Result<Remote> {
    let url = url::Url::parse(text).or_fail(Kind::Usage, || format!("reading the repository's URL {text:?}"))?;
    if !matches!(url.scheme(), "https" | "http" | "ssh") {
        return Err(Failure::new(Kind::Usage, format_args!("loom does not clone by {}://", url.scheme()))
            .hint("use https://, ssh:// or a local path"));
    }
    let names_user = !url.username().is_empty() && url.scheme() != "ssh";
    if url.password().is_some() || names_user {
        let mut bare = url.clone();
        // Both can fail only for URLs without a host, which have no credentials to show.
        let _ = bare.set_password(None);
        let _ = bare.set_username("");
        return Err(Failure::new(Kind::Config, "the repository's URL carries credentials")
            .hint(format!("write {bare} and give the token by GITHUB_TOKEN"))
            .hint("a token in a URL ends up in process lists and log files: replace it"));
    }
    Ok(Remote { address: text.trim_end_matches('/').to_owned(), local: false })
}

fn local(path: &str) -> Result<Remote> {
    let absolute = std::fs::canonicalize(path).or_fail(Kind::Workspace, || format!("opening the repository {path:?}"));
    let absolute = match absolute {
        Ok(absolute) => absolute,
        Err(failure) if path.starts_with('~') => return Err(failure.hint("`~` is left as it is: write the whole path")),
        Err(failure) => return Err(failure.hint("give the path of a git repository, or a URL")),
    };
    let bare = absolute.join("HEAD").is_file() && absolute.join("objects").is_dir();
    if !bare && !absolute.join(".git").exists() {
        let failure = Failure::new(Kind::Workspace, format_args!("{} is not a git repository", absolute.display()));
        return Err(match absolute.ancestors().skip(1).find(|folder| folder.join(".git").exists()) {
            Some(root) => failure.hint(format!("the repository around it is {}", root.display())),
            None => failure.hint("make one of it: git init, git add, git commit"),
        });
    }
    let address = absolute.to_str().map(str::to_owned);
    let address = address.ok_or_else(|| Failure::new(Kind::Workspace, format_args!("the path {} is not UTF-8", absolute.display())))?;
    Ok(Remote { address, local: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes_are_told_apart() {
        for text in ["https://github.com/acme/widget.git", "ssh://git@host/acme/widget", "git@github.com:acme/widget.git"] {
            assert!(!Remote::parse(text).unwrap().local, "{text}");
        }
        let folder = tempfile::tempdir().unwrap();
        git2::Repository::init_bare(folder.path()).unwrap();
        assert!(Remote::parse(folder.path().to_str().unwrap()).unwrap().local);
        assert!(Remote::parse(&format!("file://{}", folder.path().display())).unwrap().local);
    }

    #[test]
    fn what_git_would_take_for_something_else_is_refused() {
        for text in ["", " ", "--upload-pack=x", "ext::sh -c x", "ftp://host/x", "git://host/x", "a\nb"] {
            assert!(Remote::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn credentials_in_a_url_are_refused_and_not_repeated() {
        let failure = Remote::parse("https://me:hunter22@github.com/acme/widget").unwrap_err();
        assert_eq!(failure.kind, Kind::Config);
        assert!(!format!("{} {:?}", failure.line(), failure.hints).contains("hunter22"));
        assert!(failure.hints[0].contains("https://github.com/acme/widget"));
    }

    #[test]
    fn a_folder_without_git_names_the_repository_around_it() {
        let folder = tempfile::tempdir().unwrap();
        git2::Repository::init(folder.path()).unwrap();
        let inner = folder.path().join("src");
        std::fs::create_dir(&inner).unwrap();
        let failure = Remote::parse(inner.to_str().unwrap()).unwrap_err();
        assert!(failure.line().contains("not a git repository"));
        assert!(failure.hints[0].contains("around it"));
        assert!(Remote::parse("~/widget").unwrap_err().hints[0].contains('~'));
    }

    #[test]
    fn cache_names_are_readable_and_distinct() {
        let name = |text: &str| Remote { address: text.into(), local: false }.folder_name();
        assert!(name("https://github.com/acme/Widget.git").starts_with("acme-widget-"));
        assert_ne!(name("https://github.com/acme/widget"), name("https://example.com/acme/widget"));
    }
}
