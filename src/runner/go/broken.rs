//! What go says of packages that do not build or load: blocks on standard error, each under the name of a package.

use std::collections::BTreeMap;

use super::super::text::{first_lines, plain};

/// The blocks by package, the words in brackets left out (`# a/b [a/b.test]`).
pub(super) fn blocks(said: &str) -> BTreeMap<String, String> {
    let mut blocks: BTreeMap<String, String> = BTreeMap::new();
    let mut name: Option<String> = None;
    for line in said.lines() {
        if let Some(head) = line.strip_prefix("# ") {
            name = head.split_whitespace().next().map(package_of);
            continue;
        }
        // `package a: ...` and `go: ...` belong to no block.
        let Some(name) = name.as_ref().filter(|_| !line.starts_with("go: ") && !line.starts_with("FAIL")) else {
            continue;
        };
        let text = blocks.entry(name.clone()).or_default();
        text.push_str(line);
        text.push('\n');
    }
    blocks
}

/// The package that a build name belongs to: `a/b_test`, `a/b.test`.
pub(super) fn package_of(name: &str) -> String {
    let name = name.strip_suffix(".test").unwrap_or(name);
    name.strip_suffix("_test").unwrap_or(name).to_owned()
}

/// Why this package does not build: its own block, or what it stands on.
pub(super) fn reason(path: &str, blocks: &BTreeMap<String, String>, said: &str) -> String {
    let own = blocks.get(path).filter(|text| !text.trim().is_empty());
    let text = match own {
        Some(text) => text.clone(),
        None if !blocks.is_empty() => blocks.values().cloned().collect(),
        None => plain(said),
    };
    // The vet that runs beside the compiler says the same in other words.
    let compiled = text.lines().any(|line| !line.starts_with("vet: ") && !line.trim().is_empty());
    let kept: Vec<&str> = text.lines().filter(|line| !(compiled && line.starts_with("vet: "))).collect();
    first_lines(&kept.join("\n"), 40)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_told_its_own_errors() {
        let said = "# e/calc/pkg\nvet: pkg/b_test.go:5:28: undeclared name: Fresh\n# e/calc/pkg [e/calc/pkg.test]\npkg/b_test.go:5:28: undefined: Fresh\n# e/calc/other_test [e/calc/other.test]\nother/o_test.go:1:1: x\n";
        let blocks = blocks(said);
        assert_eq!(reason("e/calc/pkg", &blocks, said), "pkg/b_test.go:5:28: undefined: Fresh");
        assert_eq!(reason("e/calc/other", &blocks, said), "other/o_test.go:1:1: x");
        assert!(reason("e/calc/user", &blocks, said).contains("undefined: Fresh"), "it stands on what is broken");
        assert_eq!(reason("e/x", &BTreeMap::new(), "go: go.mod requires go >= 1.30"), "go: go.mod requires go >= 1.30");
    }
}
