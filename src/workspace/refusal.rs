//! What git's and the forge's words about a failed fetch or push mean, and what to do next.
//! Owns the explanations; the calls are in `fetch` and `push`.

use crate::error::{Failure, Kind};

struct Explanation {
    /// All of these words, in lower case, stand in git's answer.
    words: &'static [&'static str],
    kind: Kind,
    meaning: &'static str,
    hint: &'static str,
}

/// The first row that fits explains; the particular stands before the general.
const EXPLANATIONS: &[Explanation] = &[
    Explanation {
        words: &["refusing to allow", "workflow"],
        kind: Kind::Forge,
        meaning: "the token may not push changes to workflow files",
        hint: "give the token the `workflow` scope (fine-grained: Workflows, write); an Actions token can never do it, use an app's",
    },
    Explanation {
        words: &["gh013"],
        kind: Kind::Forge,
        meaning: "a rule of the repository forbids this push",
        hint: "let loom's branches (`pull_request.branch_prefix`) through in the repository's rules",
    },
    Explanation {
        words: &["protected branch"],
        kind: Kind::Forge,
        meaning: "the branch is protected",
        hint: "choose another `pull_request.branch_prefix`, or let loom's branches through in the branch protection",
    },
    Explanation {
        words: &["gh001"],
        kind: Kind::Forge,
        meaning: "a file is larger than the forge takes",
        hint: "the patch must not add such a file; keep it out by .gitignore",
    },
    Explanation {
        words: &["stale info"],
        kind: Kind::Forge,
        meaning: "the branch at the remote is not where loom left it: someone else pushed to it",
        hint: "look at that branch; loom never overwrites work that is not its own. Delete it or rename it, then try again",
    },
    Explanation {
        words: &["non-fast-forward"],
        kind: Kind::Forge,
        meaning: "the branch at the remote holds other commits",
        hint: "look at that branch; delete it or rename it, then try again",
    },
    Explanation {
        words: &["fetch first"],
        kind: Kind::Forge,
        meaning: "the branch at the remote holds other commits",
        hint: "look at that branch; delete it or rename it, then try again",
    },
    Explanation {
        words: &["write access to repository not granted"],
        kind: Kind::Forge,
        meaning: "the token may not push here",
        hint: "give the token write access to the repository's contents (`permissions: contents: write` in Actions)",
    },
    Explanation {
        words: &["permission to", "denied"],
        kind: Kind::Forge,
        meaning: "the token may not push here",
        hint: "give the token write access to the repository's contents (`permissions: contents: write` in Actions)",
    },
    Explanation {
        words: &["error: 403"],
        kind: Kind::Forge,
        meaning: "the forge refuses: no permission",
        hint: "give the token access to this repository's contents, and write access for pushing",
    },
    Explanation {
        words: &["hook declined"],
        kind: Kind::Forge,
        meaning: "a hook at the remote refuses the push",
        hint: "its words are above; the remote's administrators can say more",
    },
    Explanation {
        words: &["dubious ownership"],
        kind: Kind::Workspace,
        meaning: "the repository belongs to another user",
        hint: "run loom as the user who owns the repository, or name it by its URL",
    },
    Explanation {
        words: &["authentication failed"],
        kind: Kind::Config,
        meaning: "the remote does not accept the token",
        hint: "set GITHUB_TOKEN to a token that is valid and may read this repository",
    },
    Explanation {
        words: &["could not read username"],
        kind: Kind::Config,
        meaning: "the remote asks for a token",
        hint: "set GITHUB_TOKEN; a private repository also answers like this when the token may not see it",
    },
    Explanation {
        words: &["permission denied (publickey"],
        kind: Kind::Config,
        meaning: "the remote does not accept the SSH key",
        hint: "name the repository by https:// and set GITHUB_TOKEN",
    },
    Explanation {
        words: &["repository", "not found"],
        kind: Kind::Workspace,
        meaning: "there is no such repository, or the token may not see it",
        hint: "check the name, and that GITHUB_TOKEN may read it",
    },
    Explanation {
        words: &["could not resolve host"],
        kind: Kind::Forge,
        meaning: "the host's name cannot be resolved",
        hint: "check the network and the URL",
    },
    Explanation {
        words: &["returned error: 5"],
        kind: Kind::Forge,
        meaning: "the remote is out of order",
        hint: "run the same command again later: loom goes on where it stopped",
    },
    Explanation {
        words: &["no space left on device"],
        kind: Kind::Workspace,
        meaning: "the disk is full",
        hint: "free some space, or set `paths.cache` and `paths.state` to a larger disk",
    },
];

/// Words, in lower case, about trouble on the way to a remote that may pass by itself.
const PASSING: [&str; 8] = [
    "returned error: 5",
    "returned error: 429",
    "connection reset",
    "empty reply from server",
    "unexpected disconnect",
    "early eof",
    "failed to connect",
    "gnutls recv error",
];

/// Whether another try may help.
pub(super) fn may_pass(failure: &Failure) -> bool {
    let words = failure.line().to_lowercase();
    PASSING.iter().any(|passing| words.contains(passing))
}

/// The same failure with its meaning and the next step, where git's words are known.
pub(super) fn explained(failure: Failure) -> Failure {
    let words = failure.line().to_lowercase();
    let fits = |row: &&Explanation| row.words.iter().all(|word| words.contains(word));
    match EXPLANATIONS.iter().find(fits) {
        Some(row) => failure.of_kind(row.kind).context(row.meaning).hint(row.hint),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_and_line(words: &str) -> (Kind, String) {
        let failure = explained(Failure::new(Kind::Workspace, words));
        (failure.kind, failure.line())
    }

    #[test]
    fn a_refused_workflow_file_is_not_taken_for_a_plain_refusal() {
        let words = "! [remote rejected] x -> x (refusing to allow a GitHub App to create or update workflow `.github/workflows/ci.yml` without `workflows` permission)";
        let (kind, line) = kind_and_line(words);
        assert_eq!(kind, Kind::Forge);
        assert!(line.starts_with("the token may not push changes to workflow files: "), "{line}");
    }

    #[test]
    fn known_words_get_a_meaning_and_a_hint() {
        for (words, meaning) in [
            ("remote: error: GH006: Protected branch update failed", "the branch is protected"),
            ("remote: error: GH013: Repository rule violations found", "a rule of the repository"),
            ("! [rejected] a -> b (stale info)", "not where loom left it"),
            ("! [rejected] a -> b (non-fast-forward)", "holds other commits"),
            ("remote: Permission to acme/widget.git denied to bot.", "may not push"),
            ("remote: Write access to repository not granted.", "may not push"),
            ("remote: Repository not found.", "no such repository"),
        ] {
            let failure = explained(Failure::new(Kind::Workspace, words));
            assert!(failure.line().contains(meaning), "{words}: {}", failure.line());
            assert_eq!(failure.hints.len(), 1, "{words}");
        }
    }

    #[test]
    fn only_trouble_on_the_way_may_pass() {
        let fails = |words: &str| may_pass(&explained(Failure::new(Kind::Workspace, words)));
        assert!(fails("fatal: unable to access 'http://x/': The requested URL returned error: 503"));
        assert!(fails("error: RPC failed; curl 56 Recv failure: Connection reset by peer"));
        for lasting in ["The requested URL returned error: 403", "Repository not found.", "! [rejected] a -> b (stale info)"] {
            assert!(!fails(lasting), "{lasting}");
        }
    }

    #[test]
    fn unknown_words_stay_as_they_are() {
        assert_eq!(kind_and_line("fatal: the sky fell"), (Kind::Workspace, "fatal: the sky fell".into()));
    }
}
