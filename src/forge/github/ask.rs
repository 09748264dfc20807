//! One request in words, and the spelling of its path. Owns percent-encoding; sending is the line's work.

use std::fmt;

use serde_json::Value;

use crate::task::RepoName;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Patch,
    Delete,
}

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub verb: Verb,
    /// The repository asked about, as it was named by the user; none for what belongs to no repository.
    pub repo: Option<RepoName>,
    /// The rest of the path, with the query.
    pub rest: String,
    pub body: Option<Value>,
}

impl Ask {
    fn of(verb: Verb, repo: &RepoName, rest: String, body: Option<Value>) -> Ask {
        Ask { verb, repo: Some(repo.clone()), rest, body }
    }

    pub(super) fn get(repo: &RepoName, rest: impl Into<String>) -> Ask {
        Ask::of(Verb::Get, repo, rest.into(), None)
    }

    /// A request outside of any repository.
    pub(super) fn top(path: impl Into<String>) -> Ask {
        Ask { verb: Verb::Get, repo: None, rest: path.into(), body: None }
    }

    pub(super) fn post(repo: &RepoName, rest: impl Into<String>, body: Value) -> Ask {
        Ask::of(Verb::Post, repo, rest.into(), Some(body))
    }

    pub(super) fn patch(repo: &RepoName, rest: impl Into<String>, body: Value) -> Ask {
        Ask::of(Verb::Patch, repo, rest.into(), Some(body))
    }

    pub(super) fn delete(repo: &RepoName, rest: impl Into<String>) -> Ask {
        Ask::of(Verb::Delete, repo, rest.into(), None)
    }

    /// Whether it changes something.
    pub(super) fn writes(&self) -> bool {
        self.verb != Verb::Get
    }

    /// The whole path, the repository under its present name.
    pub(super) fn path(&self, present: impl Fn(&RepoName) -> RepoName) -> String {
        match &self.repo {
            Some(repo) => format!("/repos/{}{}", present(repo), self.rest),
            None => self.rest.clone(),
        }
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.verb {
            Verb::Get => "GET",
            Verb::Post => "POST",
            Verb::Patch => "PATCH",
            Verb::Delete => "DELETE",
        };
        write!(f, "{verb} {}", self.path(RepoName::clone))
    }
}

/// One segment of a path, or one value of a query.
pub(super) fn segment(text: &str) -> String {
    spelled(text, b"-_.~")
}

/// Several segments of a path: a branch may have slashes.
pub(super) fn segments(text: &str) -> String {
    spelled(text, b"-_.~/")
}

fn spelled(text: &str, plain: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_for_a_path() {
        assert_eq!(segment("loom:ready"), "loom%3Aready");
        assert_eq!(segment("good first / ünï?#&"), "good%20first%20%2F%20%C3%BCn%C3%AF%3F%23%26");
        assert_eq!(segments("heads/loom/issue-1"), "heads/loom/issue-1");
    }
}
