//! What a maintainer may allow by name (`gate.allow`): findings in the texts of a patch. What a run has shown, and that a
//! proof is missing, nobody can allow. Pure.

/// The findings that `gate.allow` lifts. `docs/reasons.md` has them all; a test holds the two against each other.
pub(super) const LIFTED: [&str; 29] = [
    "altered-expectation",
    "altered-test",
    "always-equal",
    "aware-of-tests",
    "build-script",
    "deleted-test",
    "expected-failure",
    "fewer-assertions",
    "fewer-cases",
    "guarded-assertions",
    "looser-comparison",
    "mocked-unit",
    "reads-source",
    "renamed-tests",
    "replaces-source",
    "runner-config",
    "skipped-test",
    "tampering-assertions-removed",
    "tampering-deleted-test",
    "tampering-exit",
    "tampering-expected-failure",
    "tampering-only",
    "tampering-results",
    "tampering-runner-config",
    "tampering-runner-module",
    "tampering-skipped-test",
    "tampering-support-file",
    "weakened-test",
    "wider-tolerance",
];

/// Whether the maintainers allow this finding.
pub fn is_allowed(name: &str, allow: &[String]) -> bool {
    LIFTED.contains(&name) && allow.iter().any(|one| one == name)
}

/// What is said of a name in `gate.allow` that lifts nothing.
pub fn without_effect(allow: &[String]) -> Vec<String> {
    let idle = allow.iter().filter(|one| !LIFTED.contains(&one.as_str()));
    idle.map(|one| format!("`gate.allow` names `{one}`, which it does not lift (docs/reasons.md tells what it lifts).")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_has_shown_is_never_allowed() {
        let allow: Vec<String> = ["regression", "suite-crashes", "weakened-test", "weakend-test"].map(str::to_owned).into();
        let allowed: Vec<&String> = allow.iter().filter(|one| is_allowed(one, &allow)).collect();
        assert_eq!(allowed, ["weakened-test"]);
        assert_eq!(without_effect(&allow).len(), 3);
        assert!(without_effect(&allow)[2].contains("`weakend-test`, which it does not lift"));
    }
}
