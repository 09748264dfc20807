//! A verdict without any run: what was asked for cannot be judged at all.

use super::{Evidence, Ruling, Verdict};
use crate::sandbox::Tier;
use crate::workspace::Patch;

/// Nothing can be known of this patch, for this cause; no test was run.
pub fn unknowable(patch: &Patch, cause: String, tier: Tier) -> Verdict {
    let evidence = Evidence {
        runs: Vec::new(),
        fail_to_pass: Vec::new(),
        pass_to_pass: 0,
        flips: Vec::new(),
        red_before: Vec::new(),
        flaky: Vec::new(),
        test_files: Vec::new(),
        source_files: Vec::new(),
        part: None,
        mutants: None,
        not_verified: Vec::new(),
        tier,
        checks: Vec::new(),
        notes: Vec::new(),
    };
    Verdict { base: patch.base.clone(), head_tree: patch.head_tree.clone(), ruling: Ruling::Inconclusive(cause), evidence }
}
