//! The processes below a child, and how none of them is left.
//! Under bubblewrap the kernel keeps the list (a PID namespace dies with its first process); without it the process
//! group and a mark in the environment have to do, which a determined child can shed.

use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, pidfd_open, pidfd_send_signal, waitid,
};
use serde::Deserialize;

use super::rations;

/// The variable that marks the children of one job where there is no namespace.
pub(super) const MARK: &str = "LOOM_JOB";

/// How long the kernel may take to end a namespace whose first process was killed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Everything a child started.
pub(super) enum Tree {
    /// A PID namespace made by bubblewrap.
    Namespace(Status),
    /// The child's process group.
    Group,
    /// The child's process group and whoever carries this value of [`MARK`].
    Marked(String),
}

/// What bubblewrap tells about the child on its status pipe.
pub(super) struct Status {
    pipe: Option<std::fs::File>,
    text: Vec<u8>,
    gate: Option<OwnedFd>,
    init: Option<(Pid, OwnedFd)>,
}

/// One line of the status pipe; each brings some of the fields.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Line {
    child_pid: Option<i32>,
    pid_namespace: Option<u64>,
    exit_code: Option<i32>,
}

impl Tree {
    /// What to poll beside the child's own pipes.
    pub(super) fn voice(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Tree::Namespace(status) => status.pipe.as_ref().map(AsFd::as_fd),
            Tree::Group | Tree::Marked(_) => None,
        }
    }

    /// Takes in what `voice` has to say.
    pub(super) fn listen(&mut self) {
        if let Tree::Namespace(status) = self {
            status.listen();
        }
    }

    /// Bytes of memory held by all processes together, where they can be told.
    pub(super) fn memory(&self) -> Option<u64> {
        match self {
            Tree::Namespace(status) => status.init.as_ref().map(|(first, _)| rations::held(*first)),
            Tree::Group | Tree::Marked(_) => None,
        }
    }

    /// Kills everything. `child` must not be reaped yet.
    pub(super) fn kill(&mut self, child: Pid) {
        if let Tree::Namespace(status) = self {
            status.listen();
            status.kill();
        }
        // Before the group: who is dying already carries no mark and could not be waited for.
        if let Tree::Marked(mark) = self {
            sweep(mark);
        }
        // Both may be gone already, which is the aim.
        let _ = kill_process_group(child, Signal::KILL);
        let _ = kill_process(child, Signal::KILL);
    }

    /// Returns when nothing is left that could still write to the job's files. The child itself was reaped.
    pub(super) fn gone(&mut self) {
        match self {
            Tree::Namespace(status) => {
                status.listen();
                status.kill();
                status.wait();
            }
            Tree::Group => {}
            Tree::Marked(mark) => sweep(mark),
        }
    }
}

impl Status {
    /// Reads from the (non-blocking) end of the status pipe; the child waits at `gate` until it is held and limited.
    pub(super) fn new(pipe: OwnedFd, gate: OwnedFd) -> Status {
        Status { pipe: Some(pipe.into()), text: Vec::new(), gate: Some(gate), init: None }
    }

    /// The program's exit code. None when it never began: then the words on standard error are bubblewrap's.
    pub(super) fn exit_code(&self) -> Option<i32> {
        self.lines().find_map(|line| line.exit_code)
    }

    fn lines(&self) -> impl Iterator<Item = Line> {
        self.text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok())
    }

    fn listen(&mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        let mut bytes = [0; 1024];
        loop {
            match pipe.read(&mut bytes) {
                Ok(0) => break self.pipe = None,
                Ok(count) => self.text.extend_from_slice(&bytes[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        if self.gate.is_none() {
            return;
        }
        let first = self.lines().find_map(|line| Some((line.child_pid?, line.pid_namespace?)));
        if let Some((pid, namespace)) = first {
            self.init = first_process(pid, namespace);
            self.init.iter().for_each(|(pid, _)| rations::limit(*pid));
            self.gate = None;
        }
    }

    fn kill(&self) {
        if let Some((_, init)) = &self.init {
            let _ = pidfd_send_signal(init, Signal::KILL);
        }
    }

    /// The first process of a namespace ends after all others. Where loom is the machine's first process, as in many
    /// containers, it has become our child and nobody else would reap it.
    fn wait(&self) {
        let Some((_, init)) = &self.init else { return };
        ended(init);
        let _ = waitid(WaitId::PidFd(init.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
    }
}

/// Holds the namespace's first process, unless it has ended and its number belongs to somebody else by now.
fn first_process(pid: i32, namespace: u64) -> Option<(Pid, OwnedFd)> {
    let pid = Pid::from_raw(pid)?;
    let held = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    let link = std::fs::read_link(format!("/proc/{}/ns/pid", pid.as_raw_nonzero())).ok()?;
    (link.to_str()? == format!("pid:[{namespace}]")).then_some((pid, held))
}

/// Returns once the process has ended and let go of its files, or after [`PATIENCE`].
fn ended(process: &OwnedFd) {
    let patience = Timespec { tv_sec: PATIENCE.as_secs() as i64, tv_nsec: 0 };
    while let Err(rustix::io::Errno::INTR) = poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&patience)) {}
}

/// Kills whoever carries the mark until nobody does: between the look and the kill more can be born. A dying process
/// loses its mark before its files, hence the wait.
fn sweep(mark: &str) {
    let wanted = format!("{MARK}={mark}");
    for _ in 0..100 {
        let held = processes().filter_map(|pid| pidfd_open(pid, PidfdFlags::empty()).ok().filter(|_| carries(pid, &wanted)));
        let marked: Vec<OwnedFd> = held.collect();
        if marked.is_empty() {
            return;
        }
        for process in &marked {
            let _ = pidfd_send_signal(process, Signal::KILL);
        }
        marked.iter().for_each(ended);
    }
}

fn processes() -> impl Iterator<Item = Pid> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
}

fn carries(pid: Pid, wanted: &str) -> bool {
    std::fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero()))
        .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes()))
}
