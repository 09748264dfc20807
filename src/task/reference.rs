//! How a person names an issue: `owner/repo#12`, its URL, or a Markdown file.
//! Owns the spelling only; reading the issue is the forge's work.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::RepoName;
use crate::error::{Failure, Kind};

/// An issue by name, not yet read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IssueRef {
    /// An issue on GitHub or a GitHub Enterprise Server.
    GitHub {
        /// The repository the issue belongs to.
        repo: RepoName,
        /// The number within the repository.
        number: u64,
    },
    /// A Markdown file with optional front matter.
    File(PathBuf),
}

impl FromStr for IssueRef {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        if let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) {
            return from_url(text, rest);
        }
        if let Some((repo, number)) = text.rsplit_once('#')
            && let Ok(repo) = repo.parse()
        {
            return Ok(IssueRef::GitHub { repo, number: positive(text, number)? });
        }
        if text.is_empty() {
            return Err(misnamed(text));
        }
        Ok(IssueRef::File(PathBuf::from(text)))
    }
}

fn from_url(text: &str, rest: &str) -> Result<IssueRef, Failure> {
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').skip(1).filter(|part| !part.is_empty()).collect();
    match parts[..] {
        [owner, name, "issues" | "pull", number] => {
            Ok(IssueRef::GitHub { repo: format!("{owner}/{name}").parse()?, number: positive(text, number)? })
        }
        _ => Err(misnamed(text)),
    }
}

fn positive(text: &str, number: &str) -> Result<u64, Failure> {
    number.parse().ok().filter(|n| *n > 0).ok_or_else(|| misnamed(text))
}

fn misnamed(text: &str) -> Failure {
    Failure::new(Kind::Usage, format_args!("not an issue: {text:?}"))
        .hint("name it as owner/repo#12, by its URL, or as the path of a Markdown file")
}

impl fmt::Display for IssueRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IssueRef::GitHub { repo, number } => write!(f, "{repo}#{number}"),
            IssueRef::File(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_understood() {
        let twelve = IssueRef::GitHub { repo: "acme/widget".parse().unwrap(), number: 12 };
        for text in
            ["acme/widget#12", "https://github.com/acme/widget/issues/12", "https://ghe.example/acme/widget/issues/12#issuecomment-5"]
        {
            assert_eq!(text.parse::<IssueRef>().unwrap(), twelve, "{text}");
        }
        assert_eq!("notes/bug.md".parse::<IssueRef>().unwrap(), IssueRef::File("notes/bug.md".into()));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "acme/widget#0", "acme/widget#x", "https://github.com/acme/widget", "https://x"] {
            assert!(text.parse::<IssueRef>().is_err(), "{text}");
        }
    }
}
