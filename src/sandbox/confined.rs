//! Children under bubblewrap: own processes, network, users, files and environment.
//! What they may use: see `CONFINEMENT` in `probe` for the namespaces, `system`, `toolchains` and `registries` for the
//! files, `environment` for the variables, `rations` for the limits.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::layout::Layout;
use super::probe::{self, CONFINEMENT};
use super::registries::Registries;
use super::services::Services;
use super::spawn::start_confined;
use super::toolchains::Toolchains;
use super::tree::{Status, Tree};
use super::untrusted::not_started;
use super::watch::Watch;
use super::{Cancel, Ending, Finished, Job, Mount, Network, environment, system};
use crate::config::{HostEnvironment, SandboxSettings};
use crate::error::{Failure, Kind, OrFail, Result};

/// All that is the same for every child, found out once.
pub(super) struct Confined {
    bubblewrap: PathBuf,
    layout: Layout,
    registries: Registries,
    services: Option<Services>,
    private: BTreeMap<String, String>,
    networked: BTreeMap<String, String>,
    path: String,
    memory: Option<u64>,
    /// Files loom made for its children; they live as long as the sandbox.
    _written: TempDir,
}

impl Confined {
    /// Proves that bubblewrap works and finds what children need.
    pub(super) fn new(host: &HostEnvironment, settings: &SandboxSettings) -> Result<Confined> {
        let bubblewrap = probe::bubblewrap(host)?;
        let written = tempfile::Builder::new()
            .prefix("loom-sandbox-")
            .tempdir()
            .or_fail(Kind::Workspace, || "making a folder for the sandbox's files")?;
        let memory = settings.memory_mib.map(|mib| mib << 20);
        let registries = Registries::of(host, written.path())?;
        let services = Services::open(&settings.allow, written.path())?;
        let layout = layout(host, settings, memory, written.path())?;
        let path = environment::path(host, |folder| layout.shows(folder));
        let variables = |network| {
            let mut variables = environment::variables(host, &settings.env, network);
            variables.insert("PATH".to_string(), path.clone());
            variables.extend(registries.variables(network));
            variables
        };
        let (private, networked) = (variables(Network::Private), variables(Network::Host));
        Ok(Confined { bubblewrap, layout, registries, services, private, networked, path, memory, _written: written })
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Whether a program of the host is there inside, its links followed.
    pub(super) fn shows(&self, file: &Path) -> bool {
        file.canonicalize().is_ok_and(|real| self.layout.shows(&real))
    }

    pub(super) fn run(&self, job: &Job, cancel: &Cancel) -> Result<Finished> {
        let program = job.argv.first().ok_or_else(|| Failure::new(Kind::Internal, "a child without a program"))?;
        no_planted_links(&job.mounts)?;
        let mut command = self.command(job);
        let (child, status, gate) = start_confined(&mut command, &job.stdin, |command, status, gate| {
            command.args(["--json-status-fd", &status.to_string(), "--block-fd", &gate.to_string(), "--"]);
            command.args(self.relayed(job).map(Services::words).unwrap_or_default()).args(&job.argv);
        })
        .or_fail(Kind::NoSandbox, || format!("starting {} for {program}", self.bubblewrap.display()))?;
        let tree = Tree::Namespace(Status::new(status, gate));
        let (mut finished, tree) =
            Watch::new(child, tree, &job.stdin, &job.limits, cancel)?.silence(job.silence).memory(self.memory).finish()?;
        match (finished.ending, tree) {
            (Ending::Exited(_), Tree::Namespace(status)) => match status.exit_code() {
                Some(code) => finished.ending = exited_or_signalled(code),
                None => return Err(self.never_began(program, &finished)),
            },
            (Ending::Exited(_) | Ending::Signalled(_) | Ending::TimedOut, _) => {}
        }
        Ok(finished)
    }

    fn command(&self, job: &Job) -> Command {
        let mut layout = self.layout.clone();
        system::show_network(&mut layout, job.network);
        self.registries.show(&mut layout, job.network);
        if let Some(services) = self.relayed(job) {
            services.show(&mut layout);
        }
        job.mounts.iter().for_each(|mount| layout.mount(mount));
        layout.close();
        let mut command = Command::new(&self.bubblewrap);
        // Bubblewrap itself runs outside: no variable of a job may reach its loader.
        command.env_clear().args(CONFINEMENT).args(["--hostname", "loom", "--clearenv"]);
        let variables = match job.network {
            Network::Private => {
                command.arg("--unshare-net");
                &self.private
            }
            Network::Host => &self.networked,
        };
        command.args(layout.arguments());
        for (name, value) in variables.iter().filter(|(name, _)| !job.env.contains_key(*name)).chain(&job.env) {
            command.args(["--setenv", name, value]);
        }
        command.arg("--chdir").arg(&job.cwd);
        command
    }

    /// The services a job reaches by the relay: with the machine's own network it needs none.
    fn relayed(&self, job: &Job) -> Option<&Services> {
        self.services.as_ref().filter(|_| job.network == Network::Private)
    }

    /// Bubblewrap ended before the program began; its last line says why.
    fn never_began(&self, program: &str, finished: &Finished) -> Failure {
        let said = finished.stderr.text();
        let reason = said.lines().last().unwrap_or("bubblewrap said nothing").trim_start_matches("bwrap: ");
        not_started(program, reason, &self.path, reason.starts_with("execvp"))
    }
}

/// What every child sees, whatever its job.
fn layout(host: &HostEnvironment, settings: &SandboxSettings, memory: Option<u64>, written: &Path) -> Result<Layout> {
    let mut layout = Layout::default();
    system::show(&mut layout, written)?;
    layout.kernel(memory);
    layout.memory(Path::new("/tmp"), memory);
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

/// A mount inside another lies in files that a child may have written. A link planted where it goes would make
/// bubblewrap, still outside, create its end somewhere else on this machine.
fn no_planted_links(mounts: &[Mount]) -> Result<()> {
    for (count, mount) in mounts.iter().enumerate() {
        for outer in &mounts[..count] {
            let Ok(below) = mount.inside().strip_prefix(outer.inside()) else { continue };
            let mut place = outer.host().to_path_buf();
            for part in below.components() {
                place.push(part);
                if place.is_symlink() {
                    return Err(Failure::new(Kind::Workspace, format_args!("{} is a symbolic link", place.display()))
                        .context(format_args!("mounting {}", mount.inside().display())));
                }
            }
        }
    }
    Ok(())
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
    use std::net::TcpListener;

    use super::*;
    use crate::sandbox::trial::{job, program, said, sandbox};
    use crate::sandbox::{Limits, Sandbox};

    /// A user with a home of secrets and one tool.
    fn user(home: &Path) -> HostEnvironment {
        let secret = |file: &str| {
            std::fs::create_dir_all(home.join(file).parent().unwrap()).unwrap();
            std::fs::write(home.join(file), "planted").unwrap();
        };
        let files = [".ssh/id_ed25519", ".cargo/credentials.toml", ".netrc", "tool/lib/x", "tool/.env", ".config/gh/hosts.yml"];
        files.into_iter().for_each(secret);
        program(&home.join(".cargo/bin"), "cargo-greet", "#!/bin/sh\necho greetings\n");
        program(&home.join("tool/bin"), "tool", "#!/bin/sh\ncat \"$(dirname \"$(readlink -f \"$0\")\")/../lib/x\"; echo\n");
        std::fs::create_dir_all(home.join(".local/bin")).unwrap();
        std::os::unix::fs::symlink("../../tool/bin/tool", home.join(".local/bin/linked")).unwrap();
        let path = format!("{0}/.cargo/bin:{0}/.local/bin:{0}:/usr/local/bin:/usr/bin:/bin", home.display());
        let variables = [
            ("HOME", home.to_str().unwrap()),
            ("PATH", path.as_str()),
            ("GITHUB_TOKEN", "planted"),
            ("PIP_INDEX_URL", "https://user:planted@pypi.example/"),
            ("HTTPS_PROXY", "http://proxy.example:3128"),
            ("DATABASE_URL", "named"),
        ];
        variables.map(|(name, value)| (name.to_string(), value.to_string())).into_iter().collect()
    }

    #[test]
    fn a_users_secrets_stay_outside_and_the_tools_work() {
        let home = tempfile::tempdir().unwrap();
        let settings = SandboxSettings { env: vec!["DATABASE_URL".into()], ..SandboxSettings::default() };
        let sandbox = Sandbox::on(&user(home.path()), &settings).unwrap();
        let script = format!("cargo-greet; linked; env; cd {}; find . -type f | sort", home.path().display());
        for network in [Network::Private, Network::Host] {
            let seen = said(&sandbox, &Job { network, ..job(&script) });
            assert!(seen.starts_with("greetings\nplanted\n"), "{seen}");
            assert_eq!(seen.matches("planted").count(), 1, "only the tool's own file: {seen}");
            assert!(seen.contains("DATABASE_URL=named") && seen.contains("HOME=/tmp/home"), "{seen}");
            assert_eq!(seen.contains("proxy.example"), network == Network::Host, "{seen}");
            assert!(seen.ends_with("./.cargo/bin/cargo-greet\n./tool/.env\n./tool/bin/tool\n./tool/lib/x"), "{seen}");
        }
        assert_eq!(said(&sandbox, &job(&format!("cat {}/tool/.env | wc -c", home.path().display()))), "0");
    }

    #[test]
    fn a_child_has_no_rights_and_sees_only_its_own_processes() {
        let seen = said(&sandbox(), &job("id -u; whoami; hostname; grep CapEff /proc/self/status; echo /proc/[0-9]*"));
        assert_eq!(seen, "1000\nloom\nloom\nCapEff:\t0000000000000000\n/proc/1 /proc/2");
    }

    #[test]
    fn a_runaway_fork_and_a_core_dump_have_their_bounds() {
        let hard: Vec<u64> = said(&sandbox(), &job("ulimit -Hu; ulimit -Hc")).lines().map(|line| line.parse().unwrap()).collect();
        assert!((1..=16_384).contains(&hard[0]), "processes: {hard:?}");
        assert_eq!(hard[1], 0, "core dumps");
    }

    #[test]
    fn the_network_is_its_own_loopback() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let outside = format!("exec 3<>/dev/tcp/127.0.0.1/{port}");
        assert!(!sandbox().run(&job(&outside), &Cancel::default()).unwrap().ok(), "the machine's loopback is not the child's");
        assert!(said(&sandbox(), &Job { network: Network::Host, ..job(&outside) }).is_empty());
        let inside =
            "python3 -c 'import socket; s = socket.create_server((\"localhost\", 0)); socket.create_connection(s.getsockname()); print(1)'";
        assert_eq!(said(&sandbox(), &job(inside)), "1");
        let interfaces = said(&sandbox(), &job("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '"));
        assert_eq!(interfaces, "lo");
    }

    #[test]
    fn mounts_keep_their_kind_and_their_parents_are_open() {
        let (tree, deps) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(deps.path().join("lib"), "1\n").unwrap();
        std::fs::create_dir(tree.path().join("deps")).unwrap();
        let point = sandbox().point(tree.path());
        let mounts = vec![
            Mount::ReadWrite { host: tree.path().into(), inside: point.clone() },
            Mount::ReadOnly { host: deps.path().into(), inside: point.join("deps") },
        ];
        let script = "echo made > made; cat deps/lib; echo 2 > deps/lib; echo x > /usr/x; stat -c %a /loom /tmp /tmp/home";
        let finished = sandbox().run(&Job { cwd: point, mounts, ..job(script) }, &Cancel::default()).unwrap();
        assert_eq!(finished.stdout.text(), "1\n755\n1777\n755\n");
        assert_eq!(finished.stderr.text().matches("Read-only file system").count(), 2, "{}", finished.stderr.text());
        assert_eq!(std::fs::read_to_string(tree.path().join("made")).unwrap(), "made\n");
        assert_eq!(std::fs::read_to_string(deps.path().join("lib")).unwrap(), "1\n");
    }

    #[test]
    fn a_link_planted_where_a_mount_goes_is_refused() {
        let (tree, deps, victim) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let planted = PathBuf::from("/oldroot").join(victim.path().strip_prefix("/").unwrap()).join("made");
        std::os::unix::fs::symlink(planted, tree.path().join("deps")).unwrap();
        let mounts = vec![
            Mount::ReadWrite { host: tree.path().into(), inside: "/loom/repo".into() },
            Mount::ReadOnly { host: deps.path().into(), inside: "/loom/repo/deps/x".into() },
        ];
        let failure = sandbox().run(&Job { mounts, ..job("true") }, &Cancel::default()).unwrap_err();
        assert!(failure.line().contains("symbolic link"), "{}", failure.line());
        assert_eq!(victim.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn only_the_places_meant_for_it_can_be_written() {
        let script = "for place in /tmp /tmp/home /var/tmp /dev/shm; do touch $place/x || echo $place; done; \
                      for place in / /etc /dev /usr /loom /var /root; do touch $place/x 2>/dev/null && echo $place; done; true";
        assert_eq!(said(&sandbox(), &job(script)), "");
    }

    #[test]
    fn bubblewraps_own_failure_is_told_from_the_childs() {
        let mount = Mount::ReadOnly { host: "/no/such/folder".into(), inside: "/x".into() };
        let failure = sandbox().run(&Job { mounts: vec![mount], ..job("true") }, &Cancel::default()).unwrap_err();
        assert!(failure.line().contains("/no/such/folder"), "{}", failure.line());
        let failure = sandbox().run(&Job { cwd: "/nowhere".into(), ..job("true") }, &Cancel::default()).unwrap_err();
        assert!(failure.line().contains("/nowhere"), "{}", failure.line());
        let lie = sandbox().run(&job("echo bwrap: failed >&2; exit 1"), &Cancel::default()).unwrap();
        assert_eq!(lie.ending, Ending::Exited(1));
    }

    #[test]
    fn a_jobs_variables_win() {
        let env = [("HOME", "/tmp/mine"), ("LANG", "C"), ("PATH", "/usr/bin")].map(|(name, value)| (name.into(), value.into())).into();
        assert_eq!(said(&sandbox(), &Job { env, ..job("echo $HOME $LANG $PATH") }), "/tmp/mine C /usr/bin");
    }

    #[test]
    fn a_tree_that_takes_too_much_memory_is_killed_and_told_so() {
        let settings = SandboxSettings { memory_mib: Some(200), ..SandboxSettings::default() };
        let sandbox = Sandbox::new(&settings).unwrap();
        let hog = "for i in 1 2 3; do python3 -c 'x = bytearray(b\"x\") * (100 << 20); input()' < <(sleep 1000) & done; wait";
        let finished = sandbox.run(&job(hog), &Cancel::default()).unwrap();
        assert_eq!(finished.ending, Ending::Signalled(9));
        assert!(finished.stderr.text().contains("more than 200 MiB"), "{}", finished.stderr.text());
        assert_eq!(said(&sandbox, &job("node -e 'console.log(1)'")), "1");
    }

    #[test]
    fn a_folder_to_read_must_exist() {
        let settings = SandboxSettings { read: vec!["/no/such/folder".into()], ..SandboxSettings::default() };
        let failure = Sandbox::new(&settings).err().unwrap();
        assert_eq!(failure.kind, Kind::Config);
        assert!(failure.line().contains("/no/such/folder"));
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("data"), "shown").unwrap();
        let settings = SandboxSettings { read: vec![folder.path().into()], ..SandboxSettings::default() };
        assert_eq!(said(&Sandbox::new(&settings).unwrap(), &job(&format!("cat {}/data", folder.path().display()))), "shown");
    }

    #[test]
    fn nothing_of_the_process_leaks_in() {
        let limits = Limits { wall: std::time::Duration::from_secs(60), head: 100_000, tail: 0 };
        let seen = said(&sandbox(), &Job { limits, ..job("ls /proc/self/fd | tr '\\n' ' '; cat /proc/1/environ | wc -c") });
        assert_eq!(seen, "0 1 2 3 0");
    }
}
