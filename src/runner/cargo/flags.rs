//! Which part of a `cargo test` command belongs to the build, and which to the test binaries.

use crate::runner::words::{Words, words};

/// A `cargo test` or `cargo nextest run` command, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::runner) struct Flags {
    /// Set in front of the command.
    pub(in crate::runner) vars: Vec<(String, String)>,
    /// `+toolchain`, if any.
    pub(in crate::runner) toolchain: Option<String>,
    /// For `cargo build`: packages, features, targets, profile.
    pub(in crate::runner) build: Vec<String>,
    /// For the test binaries: what stood behind `--`, and the name filter.
    pub(in crate::runner) binary: Vec<String>,
    /// Doctests are part of it.
    pub(in crate::runner) doctests: bool,
    /// Nothing but doctests.
    pub(in crate::runner) only_doctests: bool,
    /// The command chooses targets itself (`--lib`, `--test x`, ...).
    pub(in crate::runner) targets: bool,
}

/// Options that take a value in the next word.
const VALUED: [&str; 12] = [
    "-p",
    "--package",
    "--exclude",
    "--features",
    "-F",
    "--bin",
    "--test",
    "--example",
    "--bench",
    "--target",
    "--profile",
    "--manifest-path",
];
/// Options without a value that the build must hear.
const PLAIN: [&str; 16] = [
    "--workspace",
    "--all",
    "--all-features",
    "--no-default-features",
    "--lib",
    "--bins",
    "--tests",
    "--examples",
    "--benches",
    "--all-targets",
    "--release",
    "-r",
    "--locked",
    "--frozen",
    "--offline",
    "--ignore-rust-version",
];
const TARGETS: [&str; 10] =
    ["--lib", "--bins", "--bin", "--tests", "--test", "--examples", "--example", "--benches", "--bench", "--all-targets"];
/// Options of test binaries that would change what loom reads.
const SILENCED: [&str; 8] = ["--nocapture", "--no-capture", "--show-output", "-q", "--quiet", "--list", "--format", "--color"];

impl Flags {
    /// Reads a command; what it cannot read is taken for a plain `cargo test`.
    pub(in crate::runner) fn of(command: &str) -> Flags {
        let mut flags = Flags { doctests: true, ..Flags::default() };
        let Some(Words { vars, words }) = words(command) else { return flags };
        flags.vars = vars;
        let (head, tail) = match words.iter().position(|word| word == "--") {
            Some(at) => (&words[..at], &words[at + 1..]),
            None => (&words[..], &[][..]),
        };
        flags.cargo_words(head);
        flags.binary.extend(tail.iter().filter(|word| !SILENCED.iter().any(|one| word.split('=').next() == Some(one))).cloned());
        flags
    }

    fn cargo_words(&mut self, words: &[String]) {
        let skipped = ["cargo", "test", "t", "nextest", "run", "r"];
        let mut started = false;
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let name = word.split('=').next().unwrap_or(word);
            if let Some(toolchain) = word.strip_prefix('+').filter(|_| !started) {
                self.toolchain = Some(toolchain.to_owned());
            } else if !word.starts_with('-') {
                if started || !skipped.contains(&word.as_str()) {
                    self.binary.push(word.clone());
                }
                started |= !skipped.contains(&word.as_str());
                continue;
            } else if word == "--doc" {
                self.only_doctests = true;
            } else if VALUED.contains(&name) {
                self.build.push(word.clone());
                if name == word {
                    self.build.extend(words.next().cloned());
                }
            } else if PLAIN.contains(&name) || word.starts_with("-p") || word.starts_with("-F") {
                self.build.push(word.clone());
            }
            self.targets |= TARGETS.contains(&name);
        }
        self.doctests = !self.targets;
    }

    /// `cargo`, with the toolchain the command asks for.
    pub(in crate::runner) fn cargo(&self) -> Vec<String> {
        let toolchain = self.toolchain.iter().map(|name| format!("+{name}"));
        std::iter::once("cargo".to_owned()).chain(toolchain).collect()
    }

    /// The options that hold for doctests too: packages and features, no targets.
    pub(in crate::runner) fn packages_and_features(&self) -> Vec<String> {
        let mut kept = Vec::new();
        let mut words = self.build.iter();
        while let Some(word) = words.next() {
            let name = word.split('=').next().unwrap_or(word);
            let value = if VALUED.contains(&name) && name == word { words.next() } else { None };
            if !TARGETS.contains(&name) {
                kept.push(word.clone());
                kept.extend(value.cloned());
            }
        }
        kept
    }

    /// The build profile is chosen by the command.
    pub(in crate::runner) fn profile_chosen(&self) -> bool {
        self.build.iter().any(|word| word == "--release" || word == "-r" || word.starts_with("--profile"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_people_write() {
        let plain = Flags::of("cargo test --workspace");
        assert_eq!((plain.build.as_slice(), plain.doctests), (&["--workspace".to_owned()][..], true));
        let rich = Flags::of("RUST_LOG=debug cargo +stable test -p a --features x,y --test string many -q -- --skip slow --nocapture");
        assert_eq!(rich.build, ["-p", "a", "--features", "x,y", "--test", "string"]);
        assert_eq!(rich.binary, ["many", "--skip", "slow"]);
        assert_eq!(rich.packages_and_features(), ["-p", "a", "--features", "x,y"]);
        assert_eq!(rich.cargo(), ["cargo", "+stable"]);
        assert_eq!(rich.vars, [("RUST_LOG".to_owned(), "debug".to_owned())]);
        assert!(!rich.doctests && rich.targets);
        let next = Flags::of("cargo nextest run --all-features --profile=ci");
        assert_eq!(next.build, ["--all-features", "--profile=ci"]);
        assert!(Flags::of("cargo test --doc").only_doctests);
        assert!(Flags::of("make test").binary.is_empty() || Flags::of("make test").build.is_empty());
    }
}
