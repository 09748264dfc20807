//! Which paths and kinds of files a patch may not touch, whatever the model says it is for.
//! Owns the rules and their reasons; the list of touched files comes from `workspace`, the decision from the pipeline.

use globset::{GlobBuilder, GlobMatcher};

use crate::config::GateSettings;
use crate::error::{Failure, Kind, OrFail, Result};

/// One file of a patch, as far as these rules look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// Path in the head tree, or in the base tree when it was deleted.
    pub path: String,
    /// Where it was before, if it was moved.
    pub from: Option<String>,
    /// Git's mode in the base tree; 0 when it was not there.
    pub old_mode: u32,
    /// Git's mode in the head tree; 0 when it is gone.
    pub mode: u32,
    /// Where it leads, if it is a link in the head tree.
    pub link: Option<Vec<u8>>,
    /// Bytes in the head tree.
    pub size: u64,
    /// Whether git takes it for binary.
    pub binary: bool,
}

/// What is wrong with one touched file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The file.
    pub path: String,
    /// The rule's name; maintainers lift it by naming it in `gate.allow`.
    pub rule: &'static str,
    /// Why, in a sentence for people and models.
    pub reason: String,
    /// What follows.
    pub weight: Weight,
}

/// What follows from a violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// The patch is not published.
    Refuse,
    /// A person must look at it; the pull request says so.
    Review,
}

struct Rule {
    name: &'static str,
    globs: &'static [&'static str],
    reason: &'static str,
}

/// Built-in rules: what runs with somebody's rights, decides about loom, or looks like a credential.
const RULES: &[Rule] = &[
    Rule {
        name: "workflows",
        globs: &[
            ".github/workflows/**",
            ".github/actions/**",
            ".gitlab-ci.yml",
            ".circleci/**",
            ".buildkite/**",
            "jenkinsfile",
            "azure-pipelines.yml",
            ".travis.yml",
            ".drone.yml",
            ".woodpecker/**",
            ".forgejo/workflows/**",
            ".gitea/workflows/**",
        ],
        reason: "it runs with the repository's rights and secrets",
    },
    Rule {
        name: "git-config",
        globs: &["**/.gitmodules", "**/.gitattributes", "**/.gitconfig", "**/.lfsconfig", "**/.mailmap"],
        reason: "it decides what git fetches, runs or shows for everybody",
    },
    Rule { name: "hooks", globs: &[".githooks/**", ".husky/**", "**/.git/**"], reason: "it runs on the machines of everybody who commits" },
    Rule {
        name: "editor",
        globs: &[".vscode/**", ".devcontainer/**", ".devcontainer.json", ".idea/**"],
        reason: "it runs on the machines of everybody who opens the folder",
    },
    Rule {
        name: "owners",
        globs: &["codeowners", ".github/codeowners", "docs/codeowners", ".gitlab/codeowners"],
        reason: "it decides who reviews",
    },
    Rule { name: "loom", globs: &["loom.toml", ".loom/**"], reason: "it decides what loom itself may do" },
    Rule {
        name: "credentials",
        globs: &[
            "**/.env",
            "**/.env.*",
            "**/*.pem",
            "**/*.key",
            "**/*.p12",
            "**/*.pfx",
            "**/*.jks",
            "**/*.keystore",
            "**/id_rsa*",
            "**/id_dsa*",
            "**/id_ecdsa*",
            "**/id_ed25519*",
            "**/.npmrc",
            "**/.pypirc",
            "**/.netrc",
            "**/.htpasswd",
            "**/.aws/**",
            "**/.ssh/**",
            "**/.docker/config.json",
            "**/credentials.json",
            "**/.git-credentials",
        ],
        reason: "it looks like a credential",
    },
];

/// Models of environment files carry no secret.
const EXAMPLES: [&str; 5] = [".example", ".sample", ".template", ".dist", ".test"];

const LINK: u32 = 0o120000;
const SUBMODULE: u32 = 0o160000;
/// No source file is larger.
const LARGEST: u64 = 5 << 20;
/// Larger ones are worth a look.
const LARGE: u64 = 512 << 10;

/// Everything about these files that a patch may not do, or that a person must look at. Rules named in `gate.allow` are
/// lifted, except the maintainers' own `gate.protected`; a glob there that makes no sense is a configuration failure.
pub fn violations(touched: &[Touched], settings: &GateSettings) -> Result<Vec<Violation>> {
    let rules = matchers(settings)?;
    let mut found = Vec::new();
    for file in touched {
        let paths = || [Some(&file.path), file.from.as_ref()].into_iter().flatten();
        for (name, reason, globs) in &rules {
            if let Some(path) = paths().find(|path| globs.iter().any(|glob| glob.is_match(path)) && !is_example(name, path)) {
                found.push(violation(path, name, format!("{path} is protected: {reason}"), Weight::Refuse));
            }
        }
        found.extend(special(file));
    }
    found.retain(|violation| violation.rule == "protected" || !settings.allow.iter().any(|allowed| allowed == violation.rule));
    Ok(found)
}

type Matcher = (&'static str, &'static str, Vec<GlobMatcher>);

fn matchers(settings: &GateSettings) -> Result<Vec<Matcher>> {
    let own = settings.protected.iter().map(|glob| matcher(glob)).collect::<Result<Vec<_>>>()?;
    let mut all = vec![("protected", "the maintainers' gate.protected names it", own)];
    for rule in RULES {
        all.push((rule.name, rule.reason, rule.globs.iter().map(|glob| matcher(glob)).collect::<Result<_>>()?));
    }
    Ok(all)
}

/// Letters of either case, as some of the machines that check the tree out do not tell them apart.
fn matcher(glob: &str) -> Result<GlobMatcher> {
    let below = if glob.ends_with('/') { format!("{glob}**") } else { glob.to_owned() };
    let built = GlobBuilder::new(&below).case_insensitive(true).literal_separator(true).build();
    let built = built.or_fail(Kind::Config, || format!("reading the glob {glob:?} of gate.protected"));
    built.map(|glob| glob.compile_matcher()).map_err(|failure: Failure| failure.hint("write it like src/generated/** or *.lock"))
}

fn is_example(rule: &str, path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default().to_lowercase();
    rule == "credentials" && name.starts_with(".env") && EXAMPLES.iter().any(|end| name.ends_with(end))
}

fn violation(path: &str, rule: &'static str, reason: String, weight: Weight) -> Violation {
    Violation { path: path.to_owned(), rule, reason, weight }
}

/// What the file is, whatever it is called.
fn special(file: &Touched) -> Vec<Violation> {
    let path = &file.path;
    let mut found = Vec::new();
    if file.mode == SUBMODULE || file.old_mode == SUBMODULE {
        found.push(violation(
            path,
            "submodule",
            format!("{path} is a submodule: which commit it stands at is not the agent's to say"),
            Weight::Refuse,
        ));
    }
    if let Some(target) = file.link.as_deref().filter(|_| file.mode == LINK)
        && let Some(why) = leads_out(path, target)
    {
        let target = String::from_utf8_lossy(target);
        found.push(violation(path, "link", format!("{path} is a link to {target:?}, which {why}"), Weight::Refuse));
    }
    let kilobytes = file.size >> 10;
    let new = file.old_mode == 0 && file.mode != 0;
    if file.size > LARGEST {
        found.push(violation(
            path,
            "size",
            format!("{path} has {kilobytes} kB, more than the {} kB a patch may carry in one file", LARGEST >> 10),
            Weight::Refuse,
        ));
    } else if file.binary && new {
        found.push(violation(
            path,
            "binary",
            format!("{path} is a new binary file of {kilobytes} kB: nobody can read what is in it"),
            Weight::Review,
        ));
    } else if file.size > LARGE && new {
        found.push(violation(path, "size", format!("{path} is a new file of {kilobytes} kB"), Weight::Review));
    }
    found
}

/// Why a link at `path` must not lead to `target`; none when it stays in the tree.
fn leads_out(path: &str, target: &[u8]) -> Option<&'static str> {
    if target.starts_with(b"/") || target.get(1) == Some(&b':') || target.starts_with(b"\\") {
        return Some("is an absolute path");
    }
    let mut depth = path.split('/').count() - 1;
    for part in target.split(|byte| matches!(byte, b'/' | b'\\')) {
        match part {
            b"" | b"." => {}
            b".." if depth == 0 => return Some("leads out of the repository"),
            b".." => depth -= 1,
            part if part.eq_ignore_ascii_case(b".git") => return Some("leads into git's own folder"),
            _ => depth += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Touched {
        Touched { path: path.into(), from: None, old_mode: 0o100644, mode: 0o100644, link: None, size: 100, binary: false }
    }

    fn link(path: &str, target: &str) -> Touched {
        Touched { mode: LINK, link: Some(target.into()), ..file(path) }
    }

    fn rules(files: &[Touched], settings: &GateSettings) -> Vec<&'static str> {
        violations(files, settings).unwrap().into_iter().map(|violation| violation.rule).collect()
    }

    #[test]
    fn what_runs_or_decides_is_protected() {
        for (path, rule) in [
            (".github/workflows/ci.yml", "workflows"),
            (".GitHub/Workflows/x/ci.yml", "workflows"),
            ("sub/.gitmodules", "git-config"),
            (".husky/pre-commit", "hooks"),
            (".vscode/tasks.json", "editor"),
            (".github/CODEOWNERS", "owners"),
            ("loom.toml", "loom"),
            (".loom/prompt.md", "loom"),
            ("deploy/.env.production", "credentials"),
            ("certs/server.pem", "credentials"),
            ("id_rsa", "credentials"),
        ] {
            assert_eq!(rules(&[file(path)], &GateSettings::default()), [rule], "{path}");
            let deleted = Touched { mode: 0, ..file(path) };
            assert_eq!(rules(&[deleted], &GateSettings::default()), [rule], "deleting {path}");
            let moved = Touched { from: Some(path.into()), ..file("elsewhere.txt") };
            assert_eq!(rules(&[moved], &GateSettings::default()), [rule], "moving {path}");
        }
        for path in
            ["src/lib.rs", ".gitignore", ".env.example", "docs/loom.toml.md", ".github/ISSUE_TEMPLATE/x.md", "environment.py", "keys.py"]
        {
            assert_eq!(rules(&[file(path)], &GateSettings::default()), Vec::<&str>::new(), "{path}");
        }
    }

    #[test]
    fn maintainers_add_and_lift_rules() {
        let settings = GateSettings {
            protected: vec!["src/generated/".into(), "*.lock".into()],
            allow: vec!["credentials".into(), "protected".into()],
            ..GateSettings::default()
        };
        assert_eq!(rules(&[file("src/generated/a/b.rs"), file("Cargo.lock"), file("server.pem")], &settings), ["protected", "protected"]);
        let wrong = GateSettings { protected: vec!["a[".into()], ..GateSettings::default() };
        assert_eq!(violations(&[], &wrong).unwrap_err().kind, Kind::Config);
    }

    #[test]
    fn links_that_lead_out_are_refused_and_others_are_not() {
        for (path, target) in
            [("a", "/etc/passwd"), ("a", "../x"), ("d/a", "../../x"), ("d/a", "b/../../../x"), ("a", ".git/config"), ("a", "C:\\x")]
        {
            assert_eq!(rules(&[link(path, target)], &GateSettings::default()), ["link"], "{path} -> {target}");
        }
        for (path, target) in [("a", "b"), ("d/a", "../x"), ("d/e/a", "../../x/y"), ("a", "./b/../c")] {
            assert!(rules(&[link(path, target)], &GateSettings::default()).is_empty(), "{path} -> {target}");
        }
    }

    #[test]
    fn submodules_giants_and_binaries_are_told_with_their_weight() {
        let moved = Touched { mode: SUBMODULE, old_mode: SUBMODULE, ..file("vendor/lib") };
        let gone = Touched { mode: 0, old_mode: SUBMODULE, ..file("vendor/lib") };
        assert_eq!(rules(&[moved, gone], &GateSettings::default()), ["submodule", "submodule"]);
        let weights = |touched: Touched| {
            violations(&[touched], &GateSettings::default()).unwrap().iter().map(|found| found.weight).collect::<Vec<_>>()
        };
        assert_eq!(weights(Touched { size: 6 << 20, ..file("a") }), [Weight::Refuse]);
        assert_eq!(weights(Touched { old_mode: 0, binary: true, ..file("a.png") }), [Weight::Review]);
        assert_eq!(weights(Touched { old_mode: 0, size: 1 << 20, ..file("a.json") }), [Weight::Review]);
        assert_eq!(weights(Touched { binary: true, ..file("a.png") }), []);
    }
}
