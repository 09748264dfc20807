//! The command that runs the tests: the repository's own words, with the options by which loom reads the results, and
//! an environment in which nothing is fetched and nothing is taken from another tree.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::session::{Child, Deadline, Session};
use super::super::words::{Words, line, words};
use super::Wanted;
use crate::error::Result;

/// Build cache of the tree, below its private folder: what the baseline built there is given to the other trees.
pub(super) const CACHE: &str = "target/go-build";
/// Where go links and runs the test programs, below the private folder.
const SCRATCH: &str = "gotmp";

/// Options whose value may be the next word.
const VALUED: [&str; 40] = [
    "run",
    "skip",
    "bench",
    "benchtime",
    "blockprofile",
    "blockprofilerate",
    "count",
    "coverprofile",
    "covermode",
    "coverpkg",
    "cpu",
    "cpuprofile",
    "fuzz",
    "fuzztime",
    "fuzzminimizetime",
    "list",
    "memprofile",
    "memprofilerate",
    "mutexprofile",
    "mutexprofilefraction",
    "outputdir",
    "parallel",
    "shuffle",
    "timeout",
    "trace",
    "vet",
    "exec",
    "o",
    "p",
    "asmflags",
    "buildmode",
    "compiler",
    "gccgoflags",
    "gcflags",
    "installsuffix",
    "ldflags",
    "mod",
    "modfile",
    "tags",
    "toolexec",
];
/// Options that change what is reported or written, and not what is tested.
const DROPPED: [&str; 20] = [
    "v",
    "json",
    "count",
    "timeout",
    "failfast",
    "coverprofile",
    "covermode",
    "coverpkg",
    "cover",
    "cpuprofile",
    "memprofile",
    "blockprofile",
    "mutexprofile",
    "trace",
    "outputdir",
    "bench",
    "benchmem",
    "benchtime",
    "c",
    "o",
];
/// Options that select tests: replaced where loom selects them.
const SELECTS: [&str; 3] = ["run", "skip", "list"];

/// A `go test` taken apart; a command that is more than that goes to the shell as it is.
pub(super) struct Call {
    vars: Vec<(String, String)>,
    flags: Vec<String>,
    selects: Vec<String>,
    packages: Vec<String>,
    arguments: Vec<String>,
    /// The limit that the command itself sets for a package.
    timeout: Option<Duration>,
    shell: Option<String>,
}

impl Call {
    pub(super) fn of(command: &str) -> Call {
        let mut call = Call {
            vars: Vec::new(),
            flags: Vec::new(),
            selects: Vec::new(),
            packages: Vec::new(),
            arguments: Vec::new(),
            timeout: None,
            shell: None,
        };
        let Some(Words { vars, words }) = words(command) else { return Call { shell: Some(command.to_owned()), ..call } };
        let plain = words.first().is_some_and(|word| word == "go") && words.get(1).is_some_and(|word| word == "test");
        if !plain {
            return Call { shell: Some(command.to_owned()), ..call };
        }
        call.vars = vars;
        let mut rest = words.into_iter().skip(2);
        while let Some(word) = rest.next() {
            let bare = word.trim_start_matches('-').to_owned();
            if !word.starts_with('-') {
                call.packages.push(word);
                continue;
            }
            if bare == "args" {
                call.arguments = rest.by_ref().collect();
                break;
            }
            let (name, mut value) = match bare.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (bare, None),
            };
            if value.is_none() && VALUED.contains(&name.as_str()) {
                value = rest.next();
            }
            call.option(&name, value);
        }
        if call.packages.is_empty() {
            call.packages.push(".".to_owned());
        }
        call
    }

    fn option(&mut self, name: &str, value: Option<String>) {
        let plain = name.strip_prefix("test.").unwrap_or(name);
        if plain == "timeout" {
            self.timeout = value.as_deref().and_then(duration);
        }
        let word = match value {
            Some(value) => format!("-{name}={value}"),
            None => format!("-{name}"),
        };
        match plain {
            _ if DROPPED.contains(&plain) => {}
            _ if SELECTS.contains(&plain) => self.selects.push(word),
            _ => self.flags.push(word),
        }
    }

    /// What a person would type.
    pub(super) fn shown(&self, wanted: Option<&Wanted>) -> String {
        match &self.shell {
            Some(command) => command.clone(),
            None => line(&self.words(&[], wanted)),
        }
    }

    /// The run of the tests; `go` itself ends a package a little before the whole is stopped, to say which test hangs.
    pub(super) fn testing(&self, session: &Session<'_>, wanted: Option<&Wanted>, deadline: Deadline) -> Result<Child> {
        let left = deadline.left().mul_f64(0.85).max(Duration::from_secs(1));
        let limit = self.timeout.map_or(left, |own| own.min(left)).as_millis();
        let own = ["-json".to_owned(), "-count=1".to_owned(), format!("-timeout={limit}ms")];
        self.child(session, &own, wanted)
    }

    /// Builds and links the test programs, which a program that does nothing then seems to run.
    pub(super) fn building(&self, session: &Session<'_>, wanted: Option<&Wanted>) -> Result<Child> {
        self.child(session, &["-exec=true".to_owned(), "-vet=off".to_owned(), "-count=1".to_owned()], wanted)
    }

    fn child(&self, session: &Session<'_>, own: &[String], wanted: Option<&Wanted>) -> Result<Child> {
        let mut child = match &self.shell {
            Some(command) => Child::shell(command).env("GOFLAGS", line(own)),
            None => Child::new(self.words(own, wanted)).env("GOFLAGS", ""),
        };
        session.private(SCRATCH)?;
        let below = |name: &str| session.tree.private_point().join(name).to_string_lossy().into_owned();
        child.env.insert("GOCACHE".to_owned(), below(CACHE));
        child.env.insert("GOTMPDIR".to_owned(), below(SCRATCH));
        child.env.insert("GOENV".to_owned(), "off".to_owned());
        for (name, value) in self.vars.iter().filter(|(name, _)| name != "GOFLAGS" || self.shell.is_none()) {
            // What may be fetched or rewritten is not for the command to say.
            let value = if name == "GOFLAGS" { without_mod(value) } else { value.clone() };
            child.env.insert(name.clone(), value);
        }
        child.env.insert("GOPROXY".to_owned(), "off".to_owned());
        Ok(child.parsed())
    }

    fn words(&self, own: &[String], wanted: Option<&Wanted>) -> Vec<String> {
        let mut argv = vec!["go".to_owned(), "test".to_owned()];
        argv.extend(own.iter().cloned());
        argv.extend(self.flags.iter().cloned());
        match wanted {
            None => {
                argv.extend(self.selects.iter().cloned());
                argv.extend(self.packages.iter().cloned());
            }
            Some(wanted) => {
                let whole = wanted.names.values().any(BTreeSet::is_empty);
                let names: BTreeSet<&str> = wanted.names.values().flatten().map(String::as_str).collect();
                if !whole {
                    argv.push(format!("-run=^({})$", names.into_iter().collect::<Vec<_>>().join("|")));
                }
                argv.extend(wanted.names.keys().map(|dir| if dir.is_empty() { ".".to_owned() } else { format!("./{dir}") }));
            }
        }
        if !self.arguments.is_empty() {
            argv.push("-args".to_owned());
            argv.extend(self.arguments.iter().cloned());
        }
        argv
    }
}

fn without_mod(flags: &str) -> String {
    flags.split_whitespace().filter(|flag| !flag.trim_start_matches('-').starts_with("mod=")).collect::<Vec<_>>().join(" ")
}

/// Go's `1m30s`.
fn duration(text: &str) -> Option<Duration> {
    let (mut sum, mut number) = (0.0, String::new());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter.is_ascii_digit() || letter == '.' {
            number.push(letter);
            continue;
        }
        let value: f64 = std::mem::take(&mut number).parse().ok()?;
        sum += value
            * match (letter, letters.peek()) {
                ('m', Some('s')) => {
                    letters.next();
                    0.001
                }
                ('h', _) => 3_600.0,
                ('m', _) => 60.0,
                ('s', _) => 1.0,
                _ => return None,
            };
    }
    // `0` means none.
    (number.is_empty() && sum > 0.0).then(|| Duration::from_secs_f64(sum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn the_repositorys_words_stay_and_what_is_only_reported_goes() {
        let call = Call::of("CGO_ENABLED=0 go test -v -race -tags 'a b' -timeout 90s -coverprofile c.out -run TestA ./... -args -x");
        assert_eq!(call.shown(None), "go test -race '-tags=a b' -run=TestA ./... -args -x");
        assert_eq!((call.timeout, call.vars.len()), (Some(Duration::from_secs(90)), 1));
        let names = BTreeMap::from([
            (String::new(), BTreeSet::from(["TestB".to_owned(), "TestC".to_owned()])),
            ("sub".to_owned(), BTreeSet::from(["TestB".to_owned()])),
        ]);
        assert_eq!(call.shown(Some(&Wanted { names })), "go test -race '-tags=a b' '-run=^(TestB|TestC)$' . ./sub -args -x");
        assert_eq!(Call::of("go test").shown(None), "go test .");
        assert_eq!(Call::of("make test").shown(None), "make test");
    }

    #[test]
    fn durations_and_flags_of_go() {
        assert_eq!(duration("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!((duration("0"), duration("x")), (None, None));
        assert_eq!(without_mod("-mod=mod -trimpath"), "-trimpath");
    }
}
