//! Places where loom cannot write: a full disk, a read-only folder. Nothing half-done is taken for done afterwards.

use std::path::Path;
use std::process::Command;

use crate::loom::{Ended, Loom};
use crate::provider::Provider;
use crate::scene::{self, TURNS, good, greeting};

/// Runs loom with a file system of its own, of this size or read-only, over a folder of its home; what is written there stays
/// in `keep`.
fn run_over(loom: &Loom, model: &Provider, mount: &str) -> Ended {
    let url = model.url("compatible");
    let typed = loom.command(&scene::words(&url, &[]));
    let mut command = Command::new("unshare");
    command
        .args(["--map-root-user", "--mount", "--", "sh", "-ec", &format!("{mount}; cd \"$0\"; exec \"$@\"")])
        .arg(loom.folder())
        .arg(typed.get_program())
        .args(typed.get_args());
    command.env_clear().envs(typed.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(std::process::Stdio::null());
    let output = command.output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn tmpfs(at: &Path, size: &str) -> String {
    format!("mkdir -p '{0}'; mount -t tmpfs -o size={size} none '{0}'", at.display())
}

#[test]
fn a_full_disk_is_told_wherever_it_is_met_and_the_same_command_goes_on() {
    for kilobytes in [0, 40, 120, 200, 320, 480] {
        let (loom, model) = (greeting(), Provider::answering(|asked| good(asked.turn)));
        let filled = loom.home().join(".local/state/filled");
        let fill = format!(
            "{}; head -c {}k /dev/zero > '{}' || true",
            tmpfs(&loom.home().join(".local/state"), "1m"),
            1024 - kilobytes,
            filled.display()
        );
        let first = "code=0; \"$@\" || code=$?; echo \"first: $code\"";
        let ended =
            run_over(&loom, &model, &format!("{fill}; cd \"$0\"; {first}; rm '{}'", filled.display())).exits(0).says("error: ", "the disk");
        assert!(ended.stdout.starts_with("first: 5\n") && ended.stdout.contains("verified: "), "{kilobytes}: {ended:#?}");
        assert!(model.asked().len() <= TURNS + 1, "{kilobytes}: {} requests", model.asked().len());
        assert_eq!(scene::branches(&loom).len(), 1, "{kilobytes}");
    }
}

#[test]
fn a_read_only_state_folder_is_told_before_anything_is_asked() {
    for name in [".local/state", ".cache"] {
        let (loom, model) = (greeting(), Provider::answering(|asked| good(asked.turn)));
        let folder = loom.home().join(name);
        let mount = format!("{}; mount -o remount,ro '{}'", tmpfs(&folder, "1m"), folder.display());
        let ended = run_over(&loom, &model, &mount);
        ended.exits(5).says("Read-only file system", "paths.");
        assert!(model.asked().is_empty());
    }
}
