//! Traces without what lies outside of the repository: frames of interpreters, libraries and runners are dropped and
//! counted, paths inside are told relative to the root, and no path of this machine is left. Choosing the lines that
//! matter is `decisive`.

use std::sync::LazyLock;

use regex::Regex;

use super::findings::Findings;
use super::session::Session;
use super::text::{TRACE, clip};
use super::{Fault, Outcome};

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern that the tests compile")
}

/// loom's own `src/a.py:3 in f`, pytest's `src/a.py:3: in f` and `src/a.py:3: KeyError`.
static COLONS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?P<path>[^\s:][^:]*):\d+(?P<rest>: in .+| in .+|:(?: .*)?)$"));
/// Python's own `  File "src/a.py", line 3, in f`.
static QUOTED: LazyLock<Regex> = LazyLock::new(|| pattern(r#"^\s*File "(?P<path>[^"]+)", line \d+"#));
/// JavaScript's `    at f (/src/a.js:3:1)`, and the second line of a frame in Rust's backtraces.
static AT: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s+at (?:.*[\s(])?(?P<path>[^\s()]+?):\d+(?::\d+)?\)?$"));
/// The same as TAP has it, without the word.
static BARE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s+(?:async )?[\w.<>$ ]+ \((?P<path>(?:file://|/|node:)[^\s()]+?):\d+:\d+\)$"));
/// Go's `\t/src/a.go:3 +0x1d`, below a line that names the function.
static GO: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\t(?P<path>[^\s:]+\.(?:go|s)):\d+(?: \+0x[0-9a-f]+)?$"));
/// JavaScript's frames without a place.
static NOWHERE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s+at .*(?:<anonymous>|\(native\)|\(index \d+\))\)?$"));
/// The first line of a frame in Rust's backtraces.
static NUMBERED: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s*\d+: "));
/// What stands between the long entries of pytest.
const BETWEEN: &str = "_ _ _ _";

/// Paths of this machine, and what is left of them; the marks by which a foreign file is known stay.
static ABROAD: LazyLock<[(Regex, &str); 6]> = LazyLock::new(|| {
    [
        (pattern(r#"(?:/[^\s/"'()]+)*/lib/python\d[\d.]*/((?:site|dist)-packages/)?"#), "/python/$1"),
        (pattern(r#"(?:/[^\s/"'()]+)*/registry/src/[^\s/"'()]+/"#), "~/.cargo/registry/"),
        (pattern(r#"(?:/[^\s/"'()]+)*/lib/rustlib/src/rust/"#), "/rustc/"),
        (pattern(r"/rustc/[0-9a-f]{20,}/"), "/rustc/"),
        (pattern(r#"(?:/[^\s/"'()]+)*/(?:lib|local|go|sdk)/go[-\d.a-z]*/src/"#), "/go/src/"),
        (pattern(r#"(?:/[^\s/"'()]+)*/(?:gomod|pkg/mod)/"#), "/go/mod/"),
    ]
});

/// Makes all that a run has said fit to be shown to anybody.
pub(super) fn at_home(findings: &mut Findings, session: &Session<'_>) {
    let home = Home {
        root: format!("{}/", session.tree.point.display()),
        private: format!("{}/", session.tree.private_point().display()),
        place: &|path| session.relative(path),
    };
    for case in findings.cases.values_mut() {
        if let Outcome::Failed(fault) = &mut case.outcome {
            home.tidy(fault);
        }
    }
    for file in findings.loaded.values_mut() {
        let own = session.relative(file).filter(|_| home.is_own(file));
        *file = own.unwrap_or_else(|| format!("/{}", home.told(file).trim_start_matches('/')));
    }
    for trouble in &mut findings.troubles {
        trouble.message = home.told(&home.own(&trouble.message));
    }
}

/// What was printed, without paths of this machine.
pub(super) fn printed(output: &str, session: &Session<'_>) -> String {
    let root = format!("{}/", session.tree.point.display());
    let private = format!("{}/", session.tree.private_point().display());
    Home { root, private, place: &|_| None }.told(output)
}

/// The repository as children saw it.
struct Home<'a> {
    root: String,
    private: String,
    place: &'a dyn Fn(&str) -> Option<String>,
}

impl Home<'_> {
    fn tidy(&self, fault: &mut Fault) {
        fault.message = self.told(&fault.message);
        fault.trace = clip(&self.told(&self.own(&fault.trace)), TRACE);
    }

    /// The text with paths relative to the root, and none of this machine.
    fn told(&self, text: &str) -> String {
        let mut text = text.replace(&format!("file://{}", self.root), "").replace(&self.root, "").replace(&self.private, "/loom/private/");
        for (abroad, left) in ABROAD.iter() {
            if abroad.is_match(&text) {
                text = abroad.replace_all(&text, *left).into_owned();
            }
        }
        text
    }

    /// Whether a frame is the repository's own. Names in brackets (`<string>`) are nobody's and stay.
    fn is_own(&self, path: &str) -> bool {
        if path.starts_with('<') {
            return !path.starts_with("<frozen ");
        }
        let installed = ["node_modules/", "site-packages/", "dist-packages/", "/.venv/", "/.tox/"].iter().any(|part| path.contains(part));
        !installed && !path.starts_with("node:") && (self.place)(path).is_some()
    }

    /// The trace without frames of others, their number at its end.
    fn own(&self, trace: &str) -> String {
        let lines: Vec<&str> = trace.lines().collect();
        let mut kept = vec![true; lines.len()];
        let mut dropped = 0;
        for at in 0..lines.len() {
            let Some(frame) = self.foreign(&lines, at) else { continue };
            dropped += 1;
            // What pytest marks as the error is never dropped.
            frame.filter(|line| !lines[*line].starts_with("E  ")).for_each(|line| kept[line] = false);
        }
        if dropped == 0 {
            return trace.to_owned();
        }
        let mut text = String::new();
        for (line, _) in lines.iter().zip(&kept).filter(|(_, kept)| **kept) {
            // Two separators in a row stood around an entry that is gone.
            if line.starts_with(BETWEEN) && text.trim_end().lines().next_back().is_none_or(|last| last.starts_with(BETWEEN)) {
                continue;
            }
            text.push_str(line);
            text.push('\n');
        }
        let noun = if dropped == 1 { "frame" } else { "frames" };
        format!("{}\n... {dropped} {noun} outside the repository", text.trim_end())
    }

    /// The lines of the foreign frame that is named at this line.
    fn foreign(&self, lines: &[&str], at: usize) -> Option<std::ops::Range<usize>> {
        let line = lines[at];
        let code = |from: usize, indent: &str| from + lines[from..].iter().take_while(|line| line.starts_with(indent)).count();
        if let Some(found) = COLONS.captures(line) {
            let path = &found["path"];
            // A relative path may be anything that was printed; only what leaves the tree is foreign.
            if !path.starts_with(['/', '.']) && !path.contains("node_modules/") || self.is_own(path) {
                return None;
            }
            return Some(match &found["rest"] {
                rest if rest.starts_with(" in ") => at..at + 1,
                rest if rest.starts_with(": in ") => at..code(at + 1, "    "),
                _ => entry(lines, at)..at + 1,
            });
        }
        if let Some(found) = QUOTED.captures(line) {
            let deeper = format!("{}  ", &line[..line.len() - line.trim_start().len()]);
            return (!self.is_own(&found["path"])).then(|| at..code(at + 1, &deeper));
        }
        if let Some(found) = GO.captures(line) {
            return (!self.is_own(&found["path"])).then(|| at.saturating_sub(1)..at + 1);
        }
        let own = match AT.captures(line).or_else(|| BARE.captures(line)) {
            Some(found) => self.is_own(&found["path"]),
            None if NOWHERE.is_match(line) => false,
            None => return None,
        };
        let numbered = at > 0 && NUMBERED.is_match(lines[at - 1]);
        (!own).then(|| at - usize::from(numbered)..at + 1)
    }
}

/// Where the long entry of pytest begins that ends with this line.
fn entry(lines: &[&str], end: usize) -> usize {
    let before = lines[..end].iter().rposition(|line| line.starts_with(BETWEEN) || COLONS.is_match(line));
    before.map_or(0, |before| before + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::FaultKind;

    fn tidied(trace: &str) -> String {
        let place = |path: &str| match path.strip_prefix("file://").unwrap_or(path) {
            path if path.starts_with('/') => path.strip_prefix("/loom/repo/").map(str::to_owned),
            path if path.starts_with("..") => None,
            path => Some(path.to_owned()),
        };
        let home = Home { root: "/loom/repo/".into(), private: "/loom/private/".into(), place: &place };
        let mut fault = Fault { kind: FaultKind::Error, message: String::new(), trace: trace.to_owned() };
        home.tidy(&mut fault);
        fault.trace
    }

    #[test]
    fn frames_of_pytest() {
        let trace = "/home/ann/.pyenv/versions/3.11.7/lib/python3.11/unittest/case.py:57 in testPartExecutor\ntests/test_a.py:3 in test_a\n\n    def test_a():\n>       f()\n\ntests/test_a.py:3: \n_ _ _ _ _ _\nsrc/a.py:9: in f\n    return json.loads(x)\n/usr/lib/python3.11/json/__init__.py:346: in loads\n    return decode(s)\n_ _ _ _ _ _\n\n    def decode(self, s):\n\n>       raise JSONDecodeError\nE       json.JSONDecodeError: x\n\n/usr/lib/python3.11/json/decoder.py:355: JSONDecodeError";
        let expected = "tests/test_a.py:3 in test_a\n\n    def test_a():\n>       f()\n\ntests/test_a.py:3: \n_ _ _ _ _ _\nsrc/a.py:9: in f\n    return json.loads(x)\n_ _ _ _ _ _\nE       json.JSONDecodeError: x\n... 3 frames outside the repository";
        assert_eq!(tidied(trace), expected);
    }

    #[test]
    fn frames_of_python_node_and_rust() {
        let python = "Traceback (most recent call last):\n  File \"/usr/lib/python3.11/unittest/case.py\", line 57, in run\n    yield\n    ^^^^^\n  File \"/loom/repo/tests/a.py\", line 3, in test\n    f()\nKeyError: 'x'";
        assert_eq!(
            tidied(python),
            "Traceback (most recent call last):\n  File \"tests/a.py\", line 3, in test\n    f()\nKeyError: 'x'\n... 1 frame outside the repository"
        );
        let node = "Error: no\n    at add (file:///loom/repo/lib/a.js:3:1)\n    at /loom/repo/test/a.js:1:2\n    at Test.run (/loom/repo/node_modules/tape/x.js:1:1)\n    at node:internal/x:1:1\n    at async Promise.all (index 0)\n    at new Promise (<anonymous>)";
        assert_eq!(tidied(node), "Error: no\n    at add (lib/a.js:3:1)\n    at test/a.js:1:2\n... 4 frames outside the repository");
        let tap = "      Test.<anonymous> (/loom/repo/test/a.js:1:2)\n      Test.run (/loom/repo/node_modules/tape/x.js:1:1)\n      new Test (node:internal/x:1:1)";
        assert_eq!(tidied(tap), "      Test.<anonymous> (test/a.js:1:2)\n... 2 frames outside the repository");
        let rust = "thread 'a' panicked at src/lib.rs:3:1:\nno\nstack backtrace:\n   0: std::panicking::begin\n             at /rustc/0123456789abcdef01234567/library/std/src/panicking.rs:665:5\n   1: a::f\n             at ./src/lib.rs:3:1";
        assert_eq!(
            tidied(rust),
            "thread 'a' panicked at src/lib.rs:3:1:\nno\nstack backtrace:\n   1: a::f\n             at ./src/lib.rs:3:1\n... 1 frame outside the repository"
        );
    }

    #[test]
    fn frames_of_go() {
        let go = "panic: no\n\ngoroutine 7 [running]:\npanic({0x1, 0x2})\n\t/usr/lib/go-1.19/src/runtime/panic.go:884 +0x212\nexample.com/a.F(...)\n\t/loom/repo/a.go:5\nexample.com/a.TestF(0x0?)\n\t/loom/repo/a_test.go:9 +0x1a\ncreated by testing.(*T).Run\n\t/usr/lib/go-1.19/src/testing/testing.go:1493 +0x35f";
        let expected = "panic: no\n\ngoroutine 7 [running]:\nexample.com/a.F(...)\n\ta.go:5\nexample.com/a.TestF(0x0?)\n\ta_test.go:9 +0x1a\n... 2 frames outside the repository";
        assert_eq!(tidied(go), expected);
        assert_eq!(
            tidied("see /usr/local/go/src/os/file.go and /home/ann/go/pkg/mod/x@v1/y.go"),
            "see /go/src/os/file.go and /go/mod/x@v1/y.go"
        );
    }

    #[test]
    fn no_path_of_the_machine_is_left_in_what_stays() {
        assert_eq!(
            tidied("panicked at /home/ann/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/dep-1.0.0/src/lib.rs:3:1:\nno"),
            "panicked at ~/.cargo/registry/dep-1.0.0/src/lib.rs:3:1:\nno"
        );
        assert_eq!(
            tidied("No such file: '/loom/repo/a/b' in /home/ann/.pyenv/versions/3.11.7/lib/python3.11/site-packages/x.py"),
            "No such file: 'a/b' in /python/site-packages/x.py"
        );
        let plain = "1 == 2\nsee http://x:80: here\nat the end";
        assert_eq!(tidied(plain), plain);
    }
}
