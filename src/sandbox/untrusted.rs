//! The untrusted profile: every child that comes from a repository or a model. Puts the pieces together; what is shown
//! to children is decided in the neighbours.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::environment;
use super::layout::Layout;
use super::probe::{self, CONFINEMENT, is_program};
use super::spawn::start_with_status;
use super::toolchains::Toolchains;
use super::tree::{Status, Tree};
use super::watch::Watch;
use super::{Cancel, Ending, Finished, Job, Network, system};
use crate::config::{HostEnvironment, SandboxSettings};
use crate::error::{Failure, Kind, OrFail, Result};

/// What holds a child back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Namespaces by bubblewrap: own processes, network, mounts, environment.
    Bubblewrap,
    /// Nothing (`--unsafe-no-sandbox`).
    None,
}

/// Where every child sees its tree.
const POINT: &str = "/loom/repo";

/// Starts untrusted children on this machine.
pub struct Sandbox {
    bubblewrap: PathBuf,
    layout: Layout,
    private: BTreeMap<String, String>,
    networked: BTreeMap<String, String>,
    path: String,
    /// Files loom made for its children; they live as long as the sandbox.
    _written: TempDir,
}

impl Sandbox {
    /// Probes the machine; without bubblewrap a `Kind::NoSandbox` failure with the command that installs it.
    pub fn new(settings: &SandboxSettings) -> Result<Sandbox> {
        Sandbox::on(&HostEnvironment::current(), settings)
    }

    /// The same for a given environment.
    pub(super) fn on(host: &HostEnvironment, settings: &SandboxSettings) -> Result<Sandbox> {
        let bubblewrap = probe::bubblewrap(host)?;
        let written =
            tempfile::Builder::new().prefix("loom-sandbox-").tempdir().or_fail(Kind::Workspace, || "making a folder for children")?;
        let layout = layout(host, settings, written.path())?;
        let path = environment::path(host, |folder| layout.shows(folder));
        let variables = |network| {
            let mut variables = environment::variables(host, &settings.env, network);
            variables.insert("PATH".to_string(), path.clone());
            variables
        };
        let (private, networked) = (variables(Network::Private), variables(Network::Host));
        Ok(Sandbox { bubblewrap, layout, private, networked, path, _written: written })
    }

    /// What holds the children back.
    pub fn tier(&self) -> Tier {
        Tier::Bubblewrap
    }

    /// Where a tree kept at `host` appears to its children: one short fixed path under bubblewrap (`/loom/repo`),
    /// `host` itself without a sandbox.
    pub fn point(&self, _host: &Path) -> PathBuf {
        PathBuf::from(POINT)
    }

    /// The PATH of children, for who puts a folder in front of it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The program's path as children would find it; none when they would not.
    pub fn which(&self, program: &str) -> Option<PathBuf> {
        std::env::split_paths(&self.path).map(|folder| folder.join(program)).find(|file| is_program(file))
    }

    /// Runs one child to its end; a failure only when it could not be started or a stop was asked for.
    pub fn run(&self, job: &Job, cancel: &Cancel) -> Result<Finished> {
        cancel.check()?;
        let Some(program) = job.argv.first() else {
            return Err(Failure::new(Kind::Internal, "a child without a program"));
        };
        let mut command = self.command(job);
        let (child, status) = start_with_status(&mut command, &job.stdin, |command, pipe| {
            command.args(["--json-status-fd", &pipe.to_string(), "--"]).args(&job.argv);
        })
        .or_fail(Kind::NoSandbox, || format!("starting {}", self.bubblewrap.display()))?;
        let watch = Watch::new(child, Tree::Namespace(Status::new(status)), &job.stdin, &job.limits, cancel)?;
        let (mut finished, tree) = watch.finish()?;
        match (finished.ending, tree) {
            (Ending::Exited(_), Tree::Namespace(status)) => match status.exit_code() {
                Some(code) => finished.ending = exited_or_signalled(code),
                None => return Err(self.not_started(program, &finished)),
            },
            (Ending::Exited(_) | Ending::Signalled(_) | Ending::TimedOut, _) => {}
        }
        Ok(finished)
    }

    fn command(&self, job: &Job) -> Command {
        let mut layout = self.layout.clone();
        system::show_network(&mut layout, job.network);
        job.mounts.iter().for_each(|mount| layout.mount(mount));
        let variables = match job.network {
            Network::Private => &self.private,
            Network::Host => &self.networked,
        };
        let mut command = Command::new(&self.bubblewrap);
        // Bubblewrap itself runs outside: no variable of a job may reach its loader.
        command.env_clear().args(CONFINEMENT).args(["--hostname", "loom", "--clearenv"]);
        match job.network {
            Network::Private => command.arg("--unshare-net"),
            Network::Host => &mut command,
        };
        command.args(layout.arguments());
        for (name, value) in variables.iter().filter(|(name, _)| !job.env.contains_key(*name)).chain(&job.env) {
            command.args(["--setenv", name, value]);
        }
        command.arg("--chdir").arg(&job.cwd);
        command
    }

    /// Bubblewrap ended before the program began; its last line says why.
    fn not_started(&self, program: &str, finished: &Finished) -> Failure {
        let said = finished.stderr.text();
        let reason = said.lines().last().unwrap_or("bubblewrap said nothing").trim_start_matches("bwrap: ");
        let failure = Failure::new(Kind::Workspace, reason).context(format_args!("starting {program} in the sandbox"));
        match reason.starts_with("execvp") {
            true => {
                failure.hint(format!("children look for programs in {}; another folder can be shown to them by sandbox.read", self.path))
            }
            false => failure,
        }
    }
}

/// What every child sees, whatever its job.
fn layout(host: &HostEnvironment, settings: &SandboxSettings, written: &Path) -> Result<Layout> {
    let mut layout = Layout::default();
    system::show(&mut layout, written)?;
    layout.kernel();
    layout.memory(Path::new("/tmp"), settings.memory_mib.map(|mib| mib << 20));
    layout.folder(Path::new(environment::HOME));
    layout.link(Path::new("/tmp"), Path::new("/var/tmp"));
    let empty = written.join("empty");
    std::fs::write(&empty, "").or_fail(Kind::Workspace, || format!("writing {}", empty.display()))?;
    Toolchains::find(host, &layout).show(&mut layout, &empty);
    for folder in &settings.read {
        if !folder.is_absolute() || !folder.exists() {
            return Err(Failure::new(Kind::Config, format_args!("sandbox.read: no such folder: {}", folder.display()))
                .hint("name an existing folder by its absolute path, or remove the entry"));
        }
        layout.read_only(folder, folder);
    }
    Ok(layout)
}

/// Bubblewrap, like a shell, tells a signal as 128 + its number.
fn exited_or_signalled(code: i32) -> Ending {
    match code {
        129..=159 => Ending::Signalled(code - 128),
        code => Ending::Exited(code),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sandbox::{Limits, Mount};

    fn job(script: &str) -> Job {
        Job {
            argv: ["bash", "-c", script].map(String::from).into(),
            cwd: "/tmp".into(),
            env: BTreeMap::new(),
            mounts: Vec::new(),
            network: Network::Private,
            limits: Limits { wall: Duration::from_secs(60), head: 10_000, tail: 10_000 },
            stdin: Vec::new(),
        }
    }

    fn sandbox() -> Sandbox {
        Sandbox::new(&SandboxSettings::default()).unwrap()
    }

    fn run(script: &str) -> Finished {
        sandbox().run(&job(script), &Cancel::default()).unwrap()
    }

    /// The words of a child that must succeed.
    fn said(script: &str) -> String {
        let finished = run(script);
        assert!(finished.ok(), "{:?}: {} {}", finished.ending, finished.stdout.text(), finished.stderr.text());
        finished.stdout.text().trim().to_string()
    }

    #[test]
    fn a_child_speaks_and_ends() {
        assert_eq!(said("echo hello; echo aside >&2"), "hello");
        assert_eq!(run("exit 7").ending, Ending::Exited(7));
        assert_eq!(run("kill -SEGV $$").ending, Ending::Signalled(11));
    }

    #[test]
    fn the_users_toolchains_work_inside() {
        assert!(said("cargo --version").starts_with("cargo "));
        assert!(said("rustc --version").starts_with("rustc "));
        assert_eq!(said("python3 -c 'import ssl, multiprocessing; multiprocessing.Lock(); print(6 * 7)'"), "42");
        assert_eq!(said("node -e 'console.log(6 * 7)'"), "42");
        assert!(!said("npm --version && git --version").is_empty());
    }
}
