//! Ends what a loom that was killed left running. A sandbox dies with the loom that started it, but for the few
//! milliseconds in which it is being made: killed just then, loom leaves its command behind, with nobody to end it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// Ends every sandbox that has something of `folder` mounted; answers with how many there were. Only for who has the
/// sole right to the folder: what runs there then is nobody's any more.
pub fn end_strays(folder: &Path) -> usize {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let strays = processes.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw)?;
        let words = std::fs::read(entry.path().join("cmdline")).ok()?;
        is_sandbox_of(&words, folder).then_some(pid)
    });
    strays.filter(|pid| kill_process(*pid, Signal::KILL).is_ok()).count()
}

fn is_sandbox_of(words: &[u8], folder: &Path) -> bool {
    let mut words = words.split(|byte| *byte == 0);
    let program = words.next().map(|word| Path::new(OsStr::from_bytes(word)));
    program.and_then(Path::file_name) == Some(OsStr::new("bwrap"))
        && words.take_while(|word| *word != b"--").any(|word| Path::new(OsStr::from_bytes(word)).starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sandboxes_with_a_mount_of_the_folder_are_meant() {
        let folder = Path::new("/state/tasks/1");
        assert!(is_sandbox_of(b"/usr/bin/bwrap\0--bind\0/state/tasks/1/work\0/loom/repo\0--\0sh\0", folder));
        for other in [
            &b"bwrap\0--bind\0/state/tasks/12/work\0/loom/repo\0--\0sh\0"[..],
            b"bwrap\0--bind\0/elsewhere\0/loom/repo\0--\0cat\0/state/tasks/1/work\0",
            b"/usr/bin/loom\0verify\0/state/tasks/1/proposal\0",
            b"",
        ] {
            assert!(!is_sandbox_of(other, folder), "{}", String::from_utf8_lossy(other));
        }
    }

    #[test]
    fn a_stray_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let words = ["--ro-bind", "/", "/", "--proc", "/proc", "--unshare-pid", "--bind"];
        let mut stray = std::process::Command::new("bwrap")
            .args(words)
            .args([folder.path(), folder.path()])
            .args(["--", "sleep", "1000"])
            .spawn()
            .unwrap();
        // Its words are there once it is `bwrap` itself.
        while end_strays(folder.path()) == 0 {
            std::thread::yield_now();
        }
        assert!(!stray.wait().unwrap().success());
        assert_eq!(end_strays(Path::new("/no/such/folder")), 0);
    }
}
