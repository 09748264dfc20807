//! The name of a test, the same in every tree: no addresses, no control characters, no absolute paths, bounded.
//! Which parts a name has is decided by the runner's own file.

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Longer names are cut and end in a digest of the whole.
const LONGEST: usize = 400;

static ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)( at )?0x[0-9a-f]{6,16}\b").expect("a constant pattern that the tests compile"));

/// A test, named the same in every tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct TestId(String);

impl TestId {
    /// From the parts the runner names, outermost first (file or target, class or module, test); control characters
    /// and object addresses are taken out.
    pub fn new(parts: &[&str]) -> TestId {
        let cleaned: Vec<String> = parts.iter().map(|part| clean(part)).filter(|part| !part.is_empty()).collect();
        TestId(bounded(cleaned.join("::")))
    }

    /// `parts` joined by `::`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first part: the file or target that defines the test.
    pub fn file(&self) -> &str {
        self.0.split("::").next().unwrap_or(&self.0)
    }

    /// What comes after the first part.
    pub(super) fn inner(&self) -> &str {
        self.0.split_once("::").map_or("", |(_, inner)| inner)
    }

    /// The same name for its `count`th bearer in one run.
    pub(super) fn numbered(&self, count: u32) -> TestId {
        if count < 2 { self.clone() } else { TestId(format!("{} #{count}", self.0)) }
    }

    /// The name without the number that told it from its namesakes.
    pub(super) fn unnumbered(&self) -> &str {
        match self.0.rsplit_once(" #") {
            Some((name, number)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => &self.0,
        }
    }
}

impl fmt::Display for TestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One part without what differs from run to run or breaks a line.
fn clean(part: &str) -> String {
    let mut plain = String::with_capacity(part.len());
    for letter in part.chars() {
        let letter = if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') { ' ' } else { letter };
        if letter != ' ' || !plain.ends_with(' ') {
            plain.push(letter);
        }
    }
    let plain = ADDRESS.replace_all(plain.trim(), |found: &regex::Captures<'_>| {
        // `0xdeadbeef` may be a value the test is about; an address is longer, or follows "at".
        let at = found.get(1).map_or("", |at| at.as_str());
        let digits = found[0].len() - at.len() - 2;
        if at.is_empty() && digits < 9 { found[0].to_owned() } else { format!("{at}0x") }
    });
    plain.into_owned()
}

fn bounded(name: String) -> String {
    if name.len() <= LONGEST {
        return name;
    }
    let digest = Sha256::digest(name.as_bytes());
    let tag: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let end = name.floor_char_boundary(LONGEST);
    format!("{}~{tag}", &name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run_is_taken_out() {
        let first = TestId::new(&["tests/a.py", "test_x[<obj at 0x7f3a10c0>-a\n\tb]"]);
        let second = TestId::new(&["tests/a.py", "test_x[<obj at 0x7fffb2d8>-a b]"]);
        assert_eq!(first, second);
        assert_eq!(first.as_str(), "tests/a.py::test_x[<obj at 0x>-a b]");
        assert_eq!(TestId::new(&["a", "value 0xdeadbeef"]).as_str(), "a::value 0xdeadbeef");
        assert_eq!(TestId::new(&["a", "0x00007f3a10c0aa10"]).as_str(), "a::0x");
    }

    #[test]
    fn long_names_stay_apart() {
        let long = "x".repeat(5_000);
        let (one, two) = (TestId::new(&["f", &format!("{long}1")]), TestId::new(&["f", &format!("{long}2")]));
        assert_ne!(one, two);
        assert!(one.as_str().len() < LONGEST + 20);
        assert_eq!(TestId::new(&["f", &"ä".repeat(900)]), TestId::new(&["f", &"ä".repeat(900)]));
    }

    #[test]
    fn namesakes_are_numbered() {
        let id = TestId::new(&["test/parse.js", "group", "equals"]);
        assert_eq!(id.numbered(1), id);
        assert_eq!(id.numbered(3).as_str(), "test/parse.js::group::equals #3");
        assert_eq!(id.numbered(3).unnumbered(), id.as_str());
        assert_eq!(TestId::new(&["a", "issue #x"]).unnumbered(), "a::issue #x");
        assert_eq!((id.file(), id.inner()), ("test/parse.js", "group::equals"));
    }
}
