//! Whether other tests stand on the test files that a patch changes: then a change there can reach tests whose own text
//! is the same, and more must be run than those files alone. Told by name: whoever uses a file has to name it.

use std::collections::BTreeSet;

use super::paths::is_test_path;
use super::split::Split;
use crate::error::Result;
use crate::workspace::{Cache, Patch};

/// Whether any other test file names one of the patch's old test files.
pub fn by_others(cache: &Cache, patch: &Patch, split: &Split, own_folders: &[String]) -> Result<bool> {
    let own: BTreeSet<&str> = split.test_side().map(|file| file.path.as_str()).collect();
    let stems: BTreeSet<&str> = split.test_side().filter(|file| file.existed).map(|file| stem(&file.path)).collect();
    // Test files that the patch leaves alone are the same in both trees. (Those of one Go package share everything without
    // naming it, but they also run together.)
    for path in cache.paths(&patch.base_tree)? {
        if own.contains(path.as_str()) || !is_test_path(&path, own_folders) {
            continue;
        }
        let Some(bytes) = cache.blob(&patch.base_tree, &path)? else { continue };
        if names_any(&String::from_utf8_lossy(&bytes), &stems) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What a file is called by those that import it.
fn stem(path: &str) -> &str {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.split('.').next().unwrap_or(name);
    match stem {
        "mod" | "index" | "__init__" | "main" => folder.rsplit('/').next().unwrap_or(stem),
        _ => stem,
    }
}

fn names_any(text: &str, stems: &BTreeSet<&str>) -> bool {
    text.split(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '_' | '-')).any(|word| stems.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_uses_a_file_names_it() {
        let stems: BTreeSet<&str> = ["tests/test_a.py", "test/parse-all.test.js", "tests/common/mod.rs"].into_iter().map(stem).collect();
        for text in ["from .test_a import check", "require('./parse-all.test.js')", "mod common;\nuse common::x;"] {
            assert!(names_any(text, &stems), "{text}");
        }
        assert!(!names_any("def test_ab(): pass  # test-a", &stems));
    }
}
