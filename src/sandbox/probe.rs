//! Finds bubblewrap and tries it once; says what to do where it is missing or forbidden.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::spawn::start;
use super::tree::Tree;
use super::watch::Watch;
use super::{Cancel, Ending, Limits};
use crate::config::HostEnvironment;
use crate::error::{Failure, Kind, OrFail, Result};

/// The option that every child of the untrusted profile gets: its own everything, no rights, dead with loom.
pub(super) const CONFINEMENT: [&str; 13] = [
    "--unshare-user",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--uid",
    "1000",
    "--gid",
    "1000",
    "--cap-drop",
    "ALL",
    "--die-with-parent",
    "--new-session",
];

/// The program, proven to work here.
pub(super) fn bubblewrap(host: &HostEnvironment) -> Result<PathBuf> {
    let program = host.path().into_iter().map(|folder| folder.join("bwrap")).find(|file| is_program(file)).ok_or_else(|| {
        Failure::new(Kind::NoSandbox, "bubblewrap (the program bwrap) is not installed; children must not run without it")
            .hint(format!("install it: {}", install_command()))
            .hint("on a throw-away machine only: --unsafe-no-sandbox runs children without any protection")
    })?;
    attempt(&program)?;
    Ok(program)
}

/// Whether `file` is something to execute.
pub(super) fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Makes the namespaces of a real job and runs nothing in them.
fn attempt(program: &Path) -> Result<()> {
    let mut command = Command::new(program);
    command.env_clear().args(CONFINEMENT).args(["--unshare-net", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"]);
    command.args(["--", "/bin/sh", "-c", ":"]);
    let limits = Limits { wall: Duration::from_secs(10), head: 4096, tail: 0 };
    let child = start(&mut command, &[]).or_fail(Kind::NoSandbox, || format!("starting {}", program.display()))?;
    let (finished, _) = Watch::new(child, Tree::Group, &[], &limits, &Cancel::default())?.finish()?;
    match finished.ending {
        Ending::Exited(0) => Ok(()),
        Ending::TimedOut => Err(Failure::new(Kind::NoSandbox, "bubblewrap does not answer")),
        Ending::Exited(_) | Ending::Signalled(_) => Err(forbidden(finished.stderr.text().trim())),
    }
}

/// Installed, and this kernel or container does not let it work.
fn forbidden(said: &str) -> Failure {
    let failure = Failure::new(Kind::NoSandbox, format_args!("bubblewrap cannot make namespaces here: {said}"));
    switches(|file| std::fs::read_to_string(file).ok().map(|text| text.trim().to_string()))
        .into_iter()
        .fold(failure, |failure, hint| failure.hint(hint))
        .hint("on a throw-away machine only: --unsafe-no-sandbox runs children without any protection")
}

/// What to change, from the kernel switches that forbid user namespaces.
fn switches(read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut hints = Vec::new();
    if read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").as_deref() == Some("1") {
        hints.push(
            "AppArmor keeps user namespaces from programs without a profile (Ubuntu 23.10 and newer): \
             sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or install a profile for bwrap that allows `userns`"
                .to_string(),
        );
    }
    if read("/proc/sys/kernel/unprivileged_userns_clone").as_deref() == Some("0") {
        hints.push("user namespaces are switched off: sudo sysctl -w kernel.unprivileged_userns_clone=1".to_string());
    }
    if read("/proc/sys/user/max_user_namespaces").as_deref() == Some("0") {
        hints.push("user namespaces are switched off: sudo sysctl -w user.max_user_namespaces=15000".to_string());
    }
    if hints.is_empty() {
        hints.push(
            "inside a container its runtime has to allow it, for docker: --security-opt seccomp=unconfined \
             --security-opt apparmor=unconfined --security-opt systempaths=unconfined"
                .to_string(),
        );
    }
    hints
}

/// For the distribution of this machine.
fn install_command() -> &'static str {
    install_command_for(&std::fs::read_to_string("/etc/os-release").unwrap_or_default())
}

fn install_command_for(os_release: &str) -> &'static str {
    let names: Vec<&str> = os_release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .flat_map(|value| value.trim_matches('"').split_whitespace())
        .collect();
    let known = [
        (&["debian", "ubuntu"][..], "sudo apt-get install -y bubblewrap"),
        (&["fedora", "rhel", "centos"], "sudo dnf install -y bubblewrap"),
        (&["arch"], "sudo pacman -S bubblewrap"),
        (&["alpine"], "sudo apk add bubblewrap"),
        (&["suse", "opensuse"], "sudo zypper install bubblewrap"),
        (&["nixos"], "nix-env -iA nixos.bubblewrap"),
    ];
    known
        .into_iter()
        .find(|(ids, _)| ids.iter().any(|id| names.contains(id)))
        .map_or("the package is called bubblewrap in every distribution", |(_, command)| command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_fits_the_distribution() {
        assert!(install_command_for("ID=ubuntu\nID_LIKE=debian\n").contains("apt-get install -y bubblewrap"));
        assert!(install_command_for("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n").contains("dnf"));
        assert!(install_command_for("").contains("bubblewrap"));
    }

    #[test]
    fn the_switch_that_forbids_namespaces_is_named() {
        let ubuntu = |file: &str| file.contains("apparmor").then(|| "1".to_string());
        assert!(switches(ubuntu)[0].contains("kernel.apparmor_restrict_unprivileged_userns=0"));
        assert!(switches(|_| None)[0].contains("container"));
    }

    #[test]
    fn without_bubblewrap_the_failure_says_how_to_get_it() {
        let empty = tempfile::tempdir().unwrap();
        let host = [("PATH".to_string(), empty.path().display().to_string())].into_iter().collect();
        let failure = bubblewrap(&host).unwrap_err();
        assert_eq!(failure.kind, Kind::NoSandbox);
        assert!(failure.hints[0].contains("bubblewrap"), "{:?}", failure.hints);
        assert!(failure.hints[1].contains("--unsafe-no-sandbox"));
    }
}
