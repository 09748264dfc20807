//! The trusted profile: the `git` program with network and a credential, for clone, fetch and push.
//! Nothing of the user's or the system's git configuration, no hooks, no prompt, no helper. Which repository and where
//! to is `workspace`'s business; that no agent ever wrote to the folder is its promise.

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
const SETTINGS: [(&str, &str); 17] = [
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
    ("safe.directory", "*"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("advice.detachedHead", "false"),
];

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
    let mut command = prepared(job, secrets.as_ref(), &HostEnvironment::current());
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
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
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
        settings.push((format!("http.{}/.extraHeader", secrets.scope), format!("Authorization: Basic {}", secrets.basic)));
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
    use super::*;

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
}
