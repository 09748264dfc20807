//! Ids as types, checked when built. Owns their spelling; leaves their meaning to the rooms.

use std::fmt;
use std::str::FromStr;

use crate::error::{Failure, Kind};

macro_rules! object_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[cfg_attr(test, derive(schemars::JsonSchema), schemars(with = "String"))]
        pub struct $name(String);

        impl $name {
            /// The id in lower-case hexadecimal.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The first ten digits, for people.
            pub fn short(&self) -> &str {
                &self.0[..10]
            }
        }

        impl FromStr for $name {
            type Err = Failure;

            fn from_str(text: &str) -> Result<Self, Failure> {
                let known_length = matches!(text.len(), 40 | 64);
                if known_length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
                    Ok($name(text.to_owned()))
                } else {
                    Err(Failure::new(Kind::Internal, format_args!(concat!("not a ", $what, ": {:?}"), text)))
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = Failure;

            fn try_from(text: String) -> Result<Self, Failure> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

object_id!(
    /// A git commit, full length.
    CommitId,
    "commit id"
);
object_id!(
    /// A git tree, full length.
    TreeId,
    "tree id"
);
object_id!(
    /// A SHA-256 over canonical bytes.
    Digest,
    "SHA-256 digest"
);

impl Digest {
    /// The digest of everything fed to `hash`.
    pub fn of(hash: sha2::Sha256) -> Digest {
        use fmt::Write as _;
        use sha2::Digest as _;
        let mut text = String::with_capacity(64);
        for byte in hash.finalize() {
            let _ = write!(text, "{byte:02x}");
        }
        Digest(text)
    }

    /// The digest of one piece of bytes.
    pub fn of_bytes(bytes: &[u8]) -> Digest {
        use sha2::Digest as _;
        Digest::of(sha2::Sha256::new().chain_update(bytes))
    }
}

/// The row id of a task in the queue file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct TaskId(pub i64);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A repository on a forge, `owner/name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoName {
    owner: String,
    name: String,
}

impl RepoName {
    /// The user or organisation.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The repository within its owner.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for RepoName {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let allowed = |part: &str| {
            (1..=100).contains(&part.len())
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
                && part != "."
                && part != ".."
        };
        match text.split_once('/') {
            Some((owner, name)) if allowed(owner) && allowed(name) => Ok(RepoName { owner: owner.to_owned(), name: name.to_owned() }),
            _ => Err(Failure::new(Kind::Usage, format_args!("not a repository: {text:?}")).hint("write it as owner/name")),
        }
    }
}

impl TryFrom<String> for RepoName {
    type Error = Failure;

    fn try_from(text: String) -> Result<Self, Failure> {
        text.parse()
    }
}

impl From<RepoName> for String {
    fn from(repo: RepoName) -> String {
        repo.to_string()
    }
}

impl fmt::Display for RepoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_ids_are_full_lower_case_hex() {
        assert!("a".repeat(40).parse::<CommitId>().is_ok());
        for wrong in ["", "HEAD", "abc", &"A".repeat(40), &"g".repeat(40), &"a".repeat(41)] {
            assert!(wrong.parse::<TreeId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn repository_names_are_two_plain_words() {
        assert_eq!("acme/widget.rs".parse::<RepoName>().unwrap().to_string(), "acme/widget.rs");
        for wrong in ["", "acme", "acme/", "/x", "a/b/c", "a b/c", "../x", "a/..", "a/b\n"] {
            assert!(wrong.parse::<RepoName>().is_err(), "{wrong:?}");
        }
    }
}
