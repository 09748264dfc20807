//! The trusted profile: the `git` program with network and a credential, for clone, fetch and push.
//! Nothing of the user's or the system's git configuration, no hooks, no prompt, no helper. Which repository and where
//! to is `workspace`'s business; that no agent ever wrote to the folder is its promise.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use super::spawn::start;
use super::tree::Tree;
use super::watch::Watch;
use super::{Cancel, Capture, Ending, Finished, Limits};
use crate::config::HostEnvironment;
use crate::error::{Failure, Kind, OrFail, Result};

/// What opens a remote: sent as an HTTP header by git, only to URLs below `scope`.
#[derive(Debug, Clone)]
pub struct Credential {
    /// URL prefix, like `https://github.com/acme/widget`.
    pub scope: String,
    /// Basic authentication's password; the user name is `x-access-token`.
    pub token: SecretString,
}

/// One call of the `git` program, in the trusted profile.
pub struct GitJob<'a> {
    /// Arguments after `git`.
    pub args: &'a [&'a str],
    /// A folder that no agent wrote to.
    pub cwd: &'a Path,
    /// For the remote, if it asks.
    pub credential: Option<&'a Credential>,
    /// Wall clock.
    pub wall: Duration,
}

/// Kept of each stream: listings of large repositories are read whole, a flood is not.
const HEAD: usize = 32 << 20;
const TAIL: usize = 64 << 10;

/// Configuration of every call: nothing in a repository, and no transport but these, may start a program.
const SETTINGS: [(&str, &str); 16] = [
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.askPass", ""),
    ("core.pager", "cat"),
    ("credential.helper", ""),
    ("credential.interactive", "false"),
    ("protocol.allow", "never"),
    ("protocol.https.allow", "always"),
    ("protocol.http.allow", "always"),
    ("protocol.file.allow", "always"),
    ("protocol.ssh.allow", "always"),
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "60"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("advice.detachedHead", "false"),
];

/// The user's configuration as git sees it. A repository may belong to somebody else; the second git that serves a local
/// one does not get the variables of the first, so that this alone has to be a file.
const GLOBAL: &str = "[safe]\n\tdirectory = *\n";

/// Host variables git may see: how to reach the network and whom to trust there, and the user's ssh agent.
const PASSED: [&str; 16] = [
    "PATH",
    "TMPDIR",
    "http_proxy",
    "https_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "SSH_AUTH_SOCK",
];

/// Runs git with a clean environment, hooks off and no prompt; a failure carries git's own words, redacted.
pub fn git(job: &GitJob<'_>, cancel: &Cancel) -> Result<Finished> {
    cancel.check()?;
    let secrets = job.credential.map(Secrets::of);
    let doing = || format!("git {}", words(job, secrets.as_ref()));
    let mut global = tempfile::NamedTempFile::new().or_fail(Kind::Workspace, || "writing git's configuration")?;
    global.write_all(GLOBAL.as_bytes()).or_fail(Kind::Workspace, || "writing git's configuration")?;
    let mut command = prepared(job, secrets.as_ref(), &HostEnvironment::current());
    command.env("GIT_CONFIG_GLOBAL", global.path());
    let child = start(&mut command, &[]).map_err(|error| absent(error, job).context(doing()))?;
    let limits = Limits { wall: job.wall, head: HEAD, tail: TAIL };
    let (mut finished, _) = Watch::new(child, Tree::Group, &[], &limits, cancel)?.finish()?;
    if let Some(secrets) = &secrets {
        secrets.redact(&mut finished.stdout);
        secrets.redact(&mut finished.stderr);
    }
    match finished.ending {
        Ending::Exited(0) => Ok(finished),
        Ending::TimedOut => Err(Failure::new(Kind::Workspace, format_args!("no end after {} s", job.wall.as_secs())).context(doing())),
        Ending::Exited(code) => Err(failed(&finished, format_args!("exit code {code}")).context(doing())),
        Ending::Signalled(signal) => Err(failed(&finished, format_args!("killed by signal {signal}")).context(doing())),
    }
}

fn prepared(job: &GitJob<'_>, secrets: Option<&Secrets>, host: &HostEnvironment) -> Command {
    let mut command = Command::new("git");
    command.args(job.args).current_dir(job.cwd).env_clear();
    command.envs(host.variables(|name| PASSED.contains(&name)));
    command.envs([
        ("LC_ALL", "C"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_ATTR_NOSYSTEM", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_ASKPASS", ""),
        ("SSH_ASKPASS", ""),
        ("GIT_EDITOR", "true"),
        ("GIT_OPTIONAL_LOCKS", "0"),
        ("GIT_SSH_COMMAND", "ssh -oBatchMode=yes -oConnectTimeout=30"),
    ]);
    let mut settings: Vec<(String, String)> = SETTINGS.map(|(key, value)| (key.to_string(), value.to_string())).into();
    if let Some(secrets) = secrets {
        let header = format!("Authorization: Basic {}", secrets.basic);
        settings.extend(secrets.scopes().map(|scope| (format!("http.{scope}/.extraHeader"), header.clone())));
    }
    command.env("GIT_CONFIG_COUNT", settings.len().to_string());
    for (index, (key, value)) in settings.into_iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{index}"), key).env(format!("GIT_CONFIG_VALUE_{index}"), value);
    }
    command
}

/// Why the program did not even begin.
fn absent(error: std::io::Error, job: &GitJob<'_>) -> Failure {
    let missing = error.kind() == std::io::ErrorKind::NotFound;
    let failure = Err::<(), _>(error).or_fail(Kind::Workspace, || "starting the git program").expect_err("an error stays one");
    match (missing, job.cwd.is_dir()) {
        (true, false) => failure.context(format_args!("no folder {}", job.cwd.display())),
        (true, true) => failure.hint("install git, for example: apt-get install git"),
        (false, _) => failure,
    }
}

/// Git's own words, or `otherwise` when it said nothing.
fn failed(finished: &Finished, otherwise: std::fmt::Arguments<'_>) -> Failure {
    let said = finished.stderr.text();
    match said.trim() {
        "" => Failure::new(Kind::Workspace, otherwise),
        said => Failure::new(Kind::Workspace, said),
    }
}

/// The call as a person may read it.
fn words(job: &GitJob<'_>, secrets: Option<&Secrets>) -> String {
    let words = job.args.join(" ");
    secrets.map_or(words.clone(), |secrets| secrets.hide(&words))
}

/// A credential as git gets it, and every form of it that must not come back.
struct Secrets {
    scope: String,
    token: String,
    basic: String,
}

impl Secrets {
    fn of(credential: &Credential) -> Secrets {
        let token = credential.token.expose_secret();
        let basic = STANDARD.encode(format!("x-access-token:{token}"));
        Secrets { scope: credential.scope.trim_end_matches('/').to_string(), token: token.to_string(), basic }
    }

    /// The scope, and the repository it may name as most remotes do: git compares whole parts of a path.
    fn scopes(&self) -> impl Iterator<Item = String> {
        let names_a_path = self.scope.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
        let remote = (names_a_path && !self.scope.ends_with(".git")).then(|| format!("{}.git", self.scope));
        std::iter::once(self.scope.clone()).chain(remote)
    }

    fn hide(&self, text: &str) -> String {
        let alone = STANDARD.encode(&self.token);
        [&self.basic, &self.token, &alone]
            .into_iter()
            .filter(|secret| !secret.is_empty())
            .fold(text.to_string(), |text, secret| text.replace(secret.as_str(), "[redacted]"))
    }

    fn redact(&self, capture: &mut Capture) {
        for part in [&mut capture.head, &mut capture.tail] {
            let text = String::from_utf8_lossy(part);
            let hidden = self.hide(&text);
            if hidden != text {
                *part = hidden.into_bytes();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;

    use super::*;
    use crate::sandbox::trial::program;

    fn call(cwd: &Path, args: &[&str]) -> Result<Finished> {
        git(&GitJob { args, cwd, credential: None, wall: Duration::from_secs(60) }, &Cancel::default())
    }

    fn commit(repository: &Path) {
        call(repository, &["init", "-q", "-b", "main"]).unwrap();
        std::fs::write(repository.join("a.txt"), "one\n").unwrap();
        call(repository, &["add", "."]).unwrap();
        call(repository, &["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", "first"]).unwrap();
    }

    #[test]
    fn a_local_repository_is_cloned_fetched_and_pushed_to() {
        let folder = tempfile::tempdir().unwrap();
        let origin = folder.path().join("origin");
        std::fs::create_dir(&origin).unwrap();
        commit(&origin);
        call(folder.path(), &["clone", "-q", "--bare", "origin", "cache.git"]).unwrap();
        let cache = folder.path().join("cache.git");
        call(&cache, &["push", "-q", "origin", "main:refs/heads/loom/issue-1"]).unwrap();
        call(&cache, &["fetch", "-q", "origin", "+refs/heads/*:refs/remotes/origin/*"]).unwrap();
        let branches = call(&cache, &["for-each-ref", "--format=%(refname)"]).unwrap().stdout.text();
        assert!(branches.contains("refs/remotes/origin/loom/issue-1"), "{branches}");
    }

    #[test]
    fn nothing_in_a_repository_starts_a_program() {
        let folder = tempfile::tempdir().unwrap();
        commit(folder.path());
        let trace = folder.path().join("ran");
        program(&folder.path().join(".git/hooks"), "post-checkout", &format!("#!/bin/sh\ntouch {}\n", trace.display()));
        let monitor = program(folder.path(), "monitor", &format!("#!/bin/sh\ntouch {}\n", trace.display()));
        call(folder.path(), &["config", "core.fsmonitor", monitor.to_str().unwrap()]).unwrap();
        call(folder.path(), &["checkout", "-q", "-b", "other"]).unwrap();
        call(folder.path(), &["status"]).unwrap();
        let transport = format!("ext::sh -c touch% {}", trace.display());
        let failure = call(folder.path(), &["ls-remote", &transport]).unwrap_err();
        assert!(failure.line().contains("not allowed"), "{}", failure.line());
        assert!(!trace.exists());
    }

    #[test]
    fn a_failure_carries_gits_own_words() {
        let folder = tempfile::tempdir().unwrap();
        let failure = call(folder.path(), &["clone", "no-such-repository", "copy"]).unwrap_err();
        assert_eq!(failure.kind, Kind::Workspace);
        let line = failure.line();
        assert!(line.starts_with("git clone no-such-repository copy: ") && line.contains("does not exist"), "{line}");
        let failure = call(&folder.path().join("absent"), &["status"]).unwrap_err();
        assert!(failure.line().contains("absent"), "{}", failure.line());
    }

    /// A server that answers every request with `answer` and tells what it was asked.
    fn server(answer: String) -> (u16, std::sync::mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, (tell, asked)) = (listener.local_addr().unwrap().port(), std::sync::mpsc::channel());
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(std::io::Result::ok);
                let request: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
                let _ = tell.send(request.join("\n"));
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        (port, asked)
    }

    #[test]
    fn a_token_goes_to_its_scope_and_into_no_text() {
        let basic = STANDARD.encode("x-access-token:ghp_planted");
        let said = format!("HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nno: {basic} ghp_planted\n");
        let (port, asked) = server(said);
        let folder = tempfile::tempdir().unwrap();
        let scope = format!("http://127.0.0.1:{port}/acme/widget");
        let credential = Credential { scope: scope.clone(), token: "ghp_planted".into() };
        let request = |url: &str| {
            let args = ["ls-remote", url];
            let job = GitJob { args: &args, cwd: folder.path(), credential: Some(&credential), wall: Duration::from_secs(60) };
            let secrets = Secrets::of(&credential);
            let command = prepared(&job, Some(&secrets), &HostEnvironment::default());
            assert!(command.get_args().all(|word| !word.to_string_lossy().contains("planted")));
            let failure = git(&job, &Cancel::default()).unwrap_err();
            assert!(!failure.line().contains("planted") && !failure.line().contains(&basic), "{}", failure.line());
            assert!(failure.line().contains("403"), "{}", failure.line());
            asked.recv().unwrap()
        };
        assert!(request(&scope).contains(&format!("Authorization: Basic {basic}")));
        assert!(request(&format!("{scope}.git")).contains("Authorization"), "as most remotes are written");
        assert!(!request(&format!("http://127.0.0.1:{port}/other/widget")).contains("Authorization"));
        assert!(!request(&format!("http://127.0.0.1:{port}/acme/widget-2")).contains("Authorization"));
    }

    #[test]
    fn a_silent_server_costs_no_more_than_the_deadline_or_a_stop() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/x", listener.local_addr().unwrap());
        let args = ["ls-remote", url.as_str()];
        let folder = tempfile::tempdir().unwrap();
        let job = |wall| GitJob { args: &args, cwd: folder.path(), credential: None, wall };
        let failure = git(&job(Duration::from_millis(300)), &Cancel::default()).unwrap_err();
        assert!(failure.line().contains("no end"), "{}", failure.line());
        drop(listener.accept());
        let cancel = Cancel::default();
        let failure = std::thread::scope(|scope| {
            let stop = scope.spawn(|| {
                let connection = listener.accept();
                cancel.request(Kind::Terminated);
                connection
            });
            let failure = git(&job(Duration::from_secs(600)), &cancel).unwrap_err();
            drop(stop.join());
            failure
        });
        assert_eq!(failure.kind, Kind::Terminated);
    }
}
