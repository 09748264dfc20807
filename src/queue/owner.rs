//! Who holds a claim: a machine, a process on it, and when that process started. Owns the question whether it lives.

use std::path::Path;

/// One process, told apart from a later one with the same number.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Owner {
    /// The machine, this boot of it, and its view of process ids (a container has its own).
    pub host: String,
    /// The process id.
    pub pid: u32,
    /// When the process started, in the kernel's ticks.
    pub start: String,
}

impl Owner {
    /// This process.
    pub fn this_process() -> Owner {
        Owner::process(std::process::id())
    }

    fn process(pid: u32) -> Owner {
        Owner { host: host(), pid, start: start(pid).unwrap_or_default() }
    }

    /// Does it live, as far as this machine can tell? None for a process of another machine.
    pub fn lives(&self) -> Option<bool> {
        if self.host != host() || self.start.is_empty() {
            return None;
        }
        Some(start(self.pid).is_some_and(|start| start == self.start))
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host.split('/').next().unwrap_or_default())
    }
}

fn host() -> String {
    let line = |path: &str| std::fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
    let namespace = std::fs::read_link("/proc/self/ns/pid").map(|link| link.display().to_string()).unwrap_or_default();
    format!("{}/{}/{namespace}", line("/proc/sys/kernel/hostname"), line("/proc/sys/kernel/random/boot_id"))
}

/// The 22nd field of `/proc/PID/stat`; the second is the program's name and may hold anything, so fields count from its
/// last closing bracket. A process that has ended and is not yet collected counts as gone.
fn start(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    let mut fields = stat[stat.rfind(')')? + 1..].split_whitespace();
    let state = fields.next()?;
    (!matches!(state, "Z" | "X")).then(|| fields.nth(18).map(str::to_owned)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::queue::file::tests::{Bed, issue};
    use std::process::{Command, Stdio};

    #[test]
    fn what_a_killed_process_held_is_free_at_once() {
        let bed = Bed::new();
        // Lives until its standard input ends, or until it is killed.
        let mut process = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let theirs = bed.queue_of(Owner::process(process.id()));
        let task = theirs.add("R1", &issue(1, 1), false).unwrap().id;
        // A killed process runs no destructors.
        std::mem::forget(theirs.claim(task).unwrap());
        assert_eq!(bed.queue().claim(task).err().map(|failure| failure.kind), Some(Kind::Skipped));
        process.kill().unwrap();
        process.wait().unwrap();
        let ours = bed.queue().claim(task).unwrap();
        assert_eq!(bed.queue().task(ours.task()).unwrap().unwrap().attempts, 2);
    }

    #[test]
    fn a_process_is_known_by_number_and_start() {
        let own = Owner::this_process();
        assert_eq!(own.lives(), Some(true));
        assert_eq!(Owner { start: "1".into(), ..own.clone() }.lives(), Some(false));
        assert_eq!(Owner { pid: 4_194_305, ..own.clone() }.lives(), Some(false));
        assert_eq!(Owner { host: "elsewhere".into(), ..own }.lives(), None);
    }
}
