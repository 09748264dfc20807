//! Waits for one started child: feeds it, drains it, ends its whole tree at the end, at the deadline or on a stop.
//! One thread and one `poll` per child: a flood cannot block it, and a pipe that somebody still holds cannot hang it.

use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::capture::Collector;
use super::tree::Tree;
use super::{Cancel, Ending, Finished, Limits};
use crate::error::{Kind, OrFail, Result};

/// How soon a stop is noticed.
const TICK: Duration = Duration::from_millis(50);
/// How long pipes are read after the tree was killed, should a process that cannot be killed hold one.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A child that was just started, with pipes for its three streams.
pub(super) struct Watch<'a> {
    child: Child,
    exit: Option<OwnedFd>,
    tree: Tree,
    stdin: Option<(ChildStdin, &'a [u8])>,
    stdout: (Option<ChildStdout>, Collector),
    stderr: (Option<ChildStderr>, Collector),
    started: Instant,
    limits: &'a Limits,
    cancel: &'a Cancel,
}

/// What a file descriptor of the poll set is for.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    Exit,
    Tree,
    Stdin,
    Stdout,
    Stderr,
}

impl<'a> Watch<'a> {
    /// Begins to watch. Should that fail, the child is killed first.
    pub(super) fn new(mut child: Child, tree: Tree, stdin: &'a [u8], limits: &'a Limits, cancel: &'a Cancel) -> Result<Watch<'a>> {
        let started = Instant::now();
        let exit = match pidfd_open(Pid::from_child(&child), PidfdFlags::empty()) {
            Ok(exit) => exit,
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(error).or_fail(Kind::NoSandbox, || "watching a child (pidfd_open, Linux 5.3 or newer)");
            }
        };
        let feed = child.stdin.take().filter(|_| !stdin.is_empty());
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let pipes = [feed.as_ref().map(AsFd::as_fd), stdout.as_ref().map(AsFd::as_fd), stderr.as_ref().map(AsFd::as_fd)];
        for pipe in pipes.into_iter().flatten() {
            never_block(pipe).or_fail(Kind::Internal, || "preparing a child's pipes")?;
        }
        Ok(Watch {
            child,
            exit: Some(exit),
            tree,
            stdin: feed.map(|pipe| (pipe, stdin)),
            stdout: (stdout, Collector::new(limits)),
            stderr: (stderr, Collector::new(limits)),
            started,
            limits,
            cancel,
        })
    }

    /// Waits for the end of the child and of everything it started.
    pub(super) fn finish(mut self) -> Result<(Finished, Tree)> {
        let deadline = self.started + self.limits.wall;
        let mut overdue = false;
        let mut exited = false;
        while !exited && !overdue && self.cancel.requested().is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            overdue = left.is_zero();
            exited = self.turn(TICK.min(left))?.contains(&Role::Exit);
        }
        // Before the child is reaped, so that its process id and group cannot have become another's.
        self.tree.kill(Pid::from_child(&self.child));
        // Once exited it stays readable: to poll it on would make the last wait a busy one.
        self.exit = None;
        let status = self.child.wait().or_fail(Kind::Internal, || "waiting for a child")?;
        self.tree.gone();
        let elapsed = self.started.elapsed();
        self.drain(Instant::now() + LAST_WORDS)?;
        if !exited {
            self.cancel.check()?;
        }
        let finished = Finished {
            ending: if exited { ending(status) } else { Ending::TimedOut },
            stdout: self.stdout.1.finish(),
            stderr: self.stderr.1.finish(),
            elapsed,
        };
        Ok((finished, self.tree))
    }

    /// Reads what is still in the pipes, until their end or `until`.
    fn drain(&mut self, until: Instant) -> Result<()> {
        self.stdin = None;
        while self.stdout.0.is_some() || self.stderr.0.is_some() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.turn(TICK.min(left))?;
        }
        Ok(())
    }

    /// Waits for something to happen, at most `patience`, moves the bytes and tells what was ready.
    fn turn(&mut self, patience: Duration) -> Result<Vec<Role>> {
        let ready = self.ready(patience)?;
        for role in &ready {
            match role {
                Role::Stdin => self.feed(),
                Role::Stdout => read_some(&mut self.stdout.0, &mut self.stdout.1),
                Role::Stderr => read_some(&mut self.stderr.0, &mut self.stderr.1),
                Role::Tree => self.tree.listen(),
                Role::Exit => {}
            }
        }
        Ok(ready)
    }

    fn ready(&self, patience: Duration) -> Result<Vec<Role>> {
        let reading = PollFlags::IN;
        let wanted = [
            (Role::Exit, self.exit.as_ref().map(AsFd::as_fd), reading),
            (Role::Tree, self.tree.voice(), reading),
            (Role::Stdin, self.stdin.as_ref().map(|(pipe, _)| pipe.as_fd()), PollFlags::OUT),
            (Role::Stdout, self.stdout.0.as_ref().map(AsFd::as_fd), reading),
            (Role::Stderr, self.stderr.0.as_ref().map(AsFd::as_fd), reading),
        ];
        let (roles, mut polled): (Vec<Role>, Vec<PollFd<'_>>) =
            wanted.into_iter().filter_map(|(role, fd, flags)| Some((role, PollFd::from_borrowed_fd(fd?, flags)))).unzip();
        let patience = Timespec { tv_sec: patience.as_secs() as i64, tv_nsec: i64::from(patience.subsec_nanos()) };
        match poll(&mut polled, Some(&patience)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).or_fail(Kind::Internal, || "waiting for a child's output"),
        }
        Ok(roles.into_iter().zip(&polled).filter(|(_, fd)| !fd.revents().is_empty()).map(|(role, _)| role).collect())
    }
}

impl Watch<'_> {
    /// Gives the child more of its input; a child that does not want it any more just gets less.
    fn feed(&mut self) {
        let Some((pipe, rest)) = &mut self.stdin else { return };
        match pipe.write(rest) {
            Ok(written) if written < rest.len() => *rest = &rest[written..],
            Err(error) if waits(&error) => {}
            Ok(_) | Err(_) => self.stdin = None,
        }
    }
}

/// Takes what is there now; closes the pipe at its end.
fn read_some(pipe: &mut Option<impl Read>, into: &mut Collector) {
    let Some(open) = pipe else { return };
    let mut bytes = [0; 64 * 1024];
    match open.read(&mut bytes) {
        Ok(count) if count > 0 => into.push(&bytes[..count]),
        Err(error) if waits(&error) => {}
        Ok(_) | Err(_) => *pipe = None,
    }
}

fn waits(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted)
}

/// Reads and writes return at once. Our end only: the child's end is another open file.
pub(super) fn never_block(pipe: BorrowedFd<'_>) -> rustix::io::Result<()> {
    fcntl_setfl(pipe, fcntl_getfl(pipe)? | OFlags::NONBLOCK)
}

fn ending(status: ExitStatus) -> Ending {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Exited(code),
        (None, signal) => Ending::Signalled(signal.unwrap_or_default()),
    }
}
