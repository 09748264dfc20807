//! What went wrong on head outside of tests: a reason for the coder, or a cause why nothing can be known. Pure.

use super::Reason;
use super::dependencies::Changes;
use super::facts::{Facts, decisive};
use crate::config::TestSettings;
use crate::runner::{Report, Trouble, TroubleKind, is_manifest};
use crate::workspace::Patch;

/// Adds what one trouble means to the facts.
/// `installed` is what was set up again for the head tree.
pub fn judge(facts: &mut Facts, trouble: &Trouble, base: &Report, patch: &Patch, installed: Option<&Changes>, settings: &TestSettings) {
    let limit = settings.timeout;
    let place = trouble.file.as_deref().unwrap_or("the suite");
    let manifest = patch.files.iter().find(|file| is_manifest(&file.path));
    let (name, text) = match trouble.kind {
        TroubleKind::Build | TroubleKind::Load
            if installed.is_some_and(|one| one.names(&trouble.message)) && misses_dependency(&trouble.message) =>
        {
            facts.unknowable = Some(format!(
                "with the patch {place} does not build or load, for something that it adds to the dependencies and that could not be installed here: {}",
                trouble.message.lines().next().unwrap_or_default()
            ));
            return;
        }
        TroubleKind::Build | TroubleKind::Load if installed.is_none() && manifest.is_some() && misses_dependency(&trouble.message) => {
            let file = manifest.map_or("", |file| file.path.as_str());
            facts.unknowable = Some(format!(
                "{file} changes what is installed, and with what was installed for the base tree {place} does not build or load"
            ));
            return;
        }
        TroubleKind::Build => ("does-not-build", format!("With the patch, {place} does not compile.")),
        TroubleKind::Load => ("does-not-load", format!("With the patch, {place} cannot be imported or collected.")),
        TroubleKind::Crash => ("suite-crashes", format!("With the patch, the test process of {place} dies.")),
        TroubleKind::Timeout if base.elapsed_ms > limit.duration().as_millis() as u64 / 2 => {
            facts.unknowable = Some(format!("the suite needs more than its limit of {limit} (`test.timeout`)"));
            return;
        }
        TroubleKind::Timeout => ("suite-timeout", format!("With the patch, the suite does not end within {limit}.")),
        TroubleKind::Missing | TroubleKind::Unreadable => {
            facts.unknowable =
                Some(format!("the result of the suite with the patch cannot be read: {}", decisive(&trouble.message).trim_end()));
            return;
        }
        TroubleKind::NoTests => return,
    };
    // A compiler tells many errors of one target; the first ones are enough for one reason.
    let lines = decisive(&trouble.message);
    match facts.reasons.iter_mut().find(|one| one.name == name && one.text == text) {
        Some(known) if known.lines.lines().count() < 30 => known.lines.push_str(&lines),
        Some(_) => {}
        None => facts.reasons.push(Reason { name: name.into(), text, lines }),
    }
}

/// Whether something that is not part of the repository is missing.
fn misses_dependency(message: &str) -> bool {
    let told = [
        "no matching package",
        "failed to select a version",
        "failed to get `",
        "--offline",
        "can't find crate",
        "unresolved import",
        "unresolved module",
        "No module named",
        "Cannot find module",
        "Cannot find package",
        "lock file",
        "cannot load such file",
        "in @INC",
        "Could not find",
        "not found in vendor",
        "go: updates to go",
        "no required module provides package",
        "cannot find module providing package",
        "missing go.sum entry",
        "inconsistent vendoring",
        "module lookup disabled",
        "download go1",
        "download go ",
        "toolchain not available",
        "Could not resolve",
        "offline mode",
        "could not be resolved",
        "No cached version",
    ];
    told.iter().any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Ending;
    use crate::task::{CommitId, TreeId};
    use crate::workspace::{Change, FileChange};

    fn patch(path: &str) -> Patch {
        let (base, tree): (CommitId, TreeId) = ("a".repeat(40).parse().unwrap(), "b".repeat(40).parse().unwrap());
        let file = FileChange { path: path.into(), change: Change::Modified, mode: 0o100_644, added: 1, removed: 1, binary: false };
        Patch { base, base_tree: tree.clone(), head_tree: tree, files: vec![file], diff: Vec::new() }
    }

    fn facts(kind: TroubleKind, path: &str, elapsed_ms: u64) -> Facts {
        told(kind, path, elapsed_ms, "error[E0425]: x")
    }

    fn told(kind: TroubleKind, path: &str, elapsed_ms: u64, message: &str) -> Facts {
        let base = Report {
            command: "x".into(),
            cases: Default::default(),
            troubles: Vec::new(),
            ending: Ending::Exited(0),
            elapsed_ms,
            output: String::new(),
            loaded: Default::default(),
        };
        let mut facts = Facts::default();
        let trouble = Trouble { kind, file: Some("tests/a.rs".into()), message: message.into() };
        for _ in 0..2 {
            judge(&mut facts, &trouble, &base, &patch(path), None, &TestSettings::default());
        }
        facts
    }

    #[test]
    fn what_does_not_build_goes_back_once_with_all_its_lines() {
        let facts = facts(TroubleKind::Build, "src/lib.rs", 10);
        assert_eq!(facts.reasons.len(), 1);
        assert_eq!((facts.reasons[0].name.as_str(), facts.reasons[0].lines.lines().count()), ("does-not-build", 2));
        assert_eq!(facts.unknowable, None);
    }

    #[test]
    fn what_the_environment_may_explain_is_not_blamed() {
        assert!(told(TroubleKind::Load, "package.json", 10, "Cannot find module 'left-pad'").unknowable.is_some(), "dependencies changed");
        assert_eq!(facts(TroubleKind::Build, "Cargo.toml", 10).reasons.len(), 1, "a changed version explains no syntax error");
        assert!(facts(TroubleKind::Timeout, "src/lib.rs", 290_000).unknowable.is_some(), "slow before");
        assert_eq!(facts(TroubleKind::Timeout, "src/lib.rs", 10).reasons[0].name, "suite-timeout");
        assert!(facts(TroubleKind::Unreadable, "src/lib.rs", 10).unknowable.is_some());
    }
}
