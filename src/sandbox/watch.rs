//! Waits for one started child: feeds it, drains it, ends its whole tree at the end, at the deadline or on a stop.
//! One thread and one `poll` per child: a flood cannot block it, and a pipe that somebody still holds cannot hang it.

use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};
use wait_timeout::ChildExt as _;

use super::capture::Collector;
use super::tree::Tree;
use super::{Cancel, Ending, Finished, Limits};
use crate::error::{Failure, Kind, OrFail, Result};

/// How soon a stop is noticed.
const TICK: Duration = Duration::from_millis(50);
/// How long pipes are read after the tree was killed, should a process that cannot be killed hold one.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long a killed child may take to end; one that hangs in the kernel may never.
const REAPED: Duration = Duration::from_secs(10);

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
    memory: Option<u64>,
    silence: Option<Duration>,
    heard: Instant,
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

/// Why the wait is over.
enum End {
    Exit,
    Deadline,
    Stop,
    Memory(u64),
}

impl<'a> Watch<'a> {
    /// Begins to watch. Should that fail, the child is killed first.
    pub(super) fn new(mut child: Child, tree: Tree, stdin: &'a [u8], limits: &'a Limits, cancel: &'a Cancel) -> Result<Watch<'a>> {
        let started = Instant::now();
        let feed = child.stdin.take().filter(|_| !stdin.is_empty());
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let pipes = [feed.as_ref().map(AsFd::as_fd), stdout.as_ref().map(AsFd::as_fd), stderr.as_ref().map(AsFd::as_fd)];
        let exit = match held(&child, pipes) {
            Ok(exit) => Some(exit),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(error).or_fail(Kind::NoSandbox, || "watching a child (pidfd_open, Linux 5.3 or newer)");
            }
        };
        Ok(Watch {
            child,
            exit,
            tree,
            stdin: feed.map(|pipe| (pipe, stdin)),
            stdout: (stdout, Collector::new(limits)),
            stderr: (stderr, Collector::new(limits)),
            started,
            limits,
            cancel,
            memory: None,
            silence: None,
            heard: started,
        })
    }

    /// Ends the tree when it holds more than this many bytes together.
    pub(super) fn memory(mut self, most: Option<u64>) -> Watch<'a> {
        self.memory = most;
        self
    }

    /// Ends the tree when its standard output is silent for so long.
    pub(super) fn silence(mut self, longest: Option<Duration>) -> Watch<'a> {
        self.silence = longest;
        self
    }

    /// Waits for the end of the child and of everything it started.
    pub(super) fn finish(mut self) -> Result<(Finished, Tree)> {
        let end = self.wait();
        // Before the child is reaped, so that its process id and group cannot have become another's.
        self.tree.kill(Pid::from_child(&self.child));
        // Once exited it stays readable: to poll it on would make the last wait a busy one.
        self.exit = None;
        let status = self.child.wait_timeout(REAPED).or_fail(Kind::Internal, || "waiting for a child")?;
        let Some(status) = status else {
            return Err(Failure::new(Kind::Workspace, "a child was killed and did not end")
                .hint("it hangs in the kernel, often on a network file system; look at `dmesg`"));
        };
        self.tree.gone();
        let elapsed = self.started.elapsed();
        self.drain(Instant::now() + LAST_WORDS)?;
        let ending = match end? {
            End::Exit => ending(status),
            End::Deadline => Ending::TimedOut,
            End::Stop => return Err(self.cancel.check().err().unwrap_or_else(|| Failure::new(Kind::Cancelled, "stopped"))),
            End::Memory(most) => {
                self.stderr
                    .1
                    .push(format!("\nloom: killed: its processes held more than {} MiB (sandbox.memory_mib)\n", most >> 20).as_bytes());
                Ending::Signalled(Signal::KILL.as_raw())
            }
        };
        let (stdout, stderr) = (self.stdout.1.finish(), self.stderr.1.finish());
        Ok((Finished { ending, stdout, stderr, elapsed }, self.tree))
    }

    /// Moves bytes until there is a reason to end.
    fn wait(&mut self) -> Result<End> {
        let deadline = self.started.checked_add(self.limits.wall);
        let mut measured = self.started;
        loop {
            let left = deadline.map_or(TICK, |deadline| deadline.saturating_duration_since(Instant::now()));
            if self.cancel.requested().is_some() {
                return Ok(End::Stop);
            }
            if left.is_zero() || self.silence.is_some_and(|longest| self.heard.elapsed() > longest) {
                return Ok(End::Deadline);
            }
            let ready = self.turn(TICK.min(left))?;
            if ready.contains(&Role::Exit) {
                return Ok(End::Exit);
            }
            if ready.contains(&Role::Stdout) {
                self.heard = Instant::now();
            }
            if let Some(most) = self.memory
                && measured.elapsed() >= TICK
            {
                measured = Instant::now();
                if self.tree.memory().is_some_and(|held| held > most) {
                    return Ok(End::Memory(most));
                }
            }
        }
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

/// Makes the pipes fit for `poll`, and a descriptor that tells the child's end.
fn held(child: &Child, pipes: [Option<BorrowedFd<'_>>; 3]) -> rustix::io::Result<OwnedFd> {
    pipes.into_iter().flatten().try_for_each(never_block)?;
    pidfd_open(Pid::from_child(child), PidfdFlags::empty())
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

#[cfg(test)]
mod tests {
    use crate::error::Kind;
    use crate::sandbox::trial::{Survivors, bare, job, said, sandbox};
    use crate::sandbox::{Cancel, Ending, Job, Limits, Sandbox};
    use std::time::Duration;

    fn both() -> [Sandbox; 2] {
        [sandbox(), bare()]
    }

    #[test]
    fn a_daemon_does_not_survive_the_end() {
        for sandbox in both() {
            let survivors = Survivors::new();
            assert_eq!(said(&sandbox, &survivors.job("DAEMON; echo done")), "done");
            survivors.assert_gone();
        }
    }

    #[test]
    fn a_daemon_does_not_survive_the_deadline() {
        for sandbox in both() {
            let survivors = Survivors::new();
            let mut job = survivors.job("echo before; DAEMON; sleep 1000");
            job.limits.wall = Duration::from_secs(2);
            let finished = sandbox.run(&job, &Cancel::default()).unwrap();
            assert_eq!((finished.ending, finished.stdout.text().as_str()), (Ending::TimedOut, "before\n"));
            survivors.assert_gone();
        }
    }

    #[test]
    fn a_child_that_falls_silent_is_ended_and_one_that_talks_is_not() {
        for sandbox in both() {
            let mut job = job("for i in 1 2 3 4 5 6; do echo $i; sleep 0.3; done; echo quiet >&2; sleep 1000");
            job.silence = Some(Duration::from_millis(1500));
            let finished = sandbox.run(&job, &Cancel::default()).unwrap();
            assert_eq!((finished.ending, finished.stdout.text().lines().count()), (Ending::TimedOut, 6));
            assert!(finished.elapsed < Duration::from_secs(30), "{:?}", finished.elapsed);
        }
    }

    #[test]
    fn a_stop_ends_everything_and_keeps_its_reason() {
        for sandbox in both() {
            let (survivors, cancel) = (Survivors::new(), Cancel::default());
            let job = survivors.job("DAEMON; sleep 1000");
            let failure = std::thread::scope(|scope| {
                scope.spawn(|| {
                    while !survivors.began() {
                        std::thread::yield_now();
                    }
                    cancel.request(Kind::Interrupted);
                });
                sandbox.run(&job, &cancel).unwrap_err()
            });
            assert_eq!(failure.kind, Kind::Interrupted);
            survivors.assert_gone();
            assert_eq!(sandbox.run(&job, &cancel).unwrap_err().kind, Kind::Interrupted, "nothing starts after a stop");
        }
    }

    #[test]
    fn a_child_that_kills_all_it_can_still_ends() {
        let survivors = Survivors::new();
        let finished = sandbox().run(&survivors.job("DAEMON; kill -9 $PPID; kill -9 -1"), &Cancel::default()).unwrap();
        assert_ne!(finished.ending, Ending::TimedOut);
        survivors.assert_gone();
    }

    #[test]
    fn a_crowd_is_gone_with_its_parent() {
        let survivors = Survivors::new();
        let script = "DAEMON; for i in {1..40}; do (sleep 1000 & sleep 1000) & done; echo done";
        assert_eq!(said(&sandbox(), &survivors.job(script)), "done");
        survivors.assert_gone();
    }

    #[test]
    fn a_flood_is_cut_and_blocks_nobody() {
        let limits = Limits { wall: Duration::from_secs(60), head: 1000, tail: 2000 };
        let flood = Job { limits, ..job("echo first; head -c 100000000 /dev/zero | tr '\\0' x; echo last; head -c 1000000 /dev/zero >&2") };
        let finished = sandbox().run(&flood, &Cancel::default()).unwrap();
        assert!(finished.ok());
        assert_eq!((finished.stdout.head.len(), finished.stdout.tail.len()), (1000, 2000));
        assert_eq!(finished.stdout.cut, 6 + 100_000_000 + 5 - 3000);
        assert!(finished.stdout.head.starts_with(b"first\nx") && finished.stdout.tail.ends_with(b"xlast\n"));
        assert_eq!(finished.stderr.cut, 1_000_000 - 3000);
    }

    #[test]
    fn input_is_fed_whole_and_need_not_be_read() {
        let stdin = vec![b'x'; 3_000_000];
        assert_eq!(said(&sandbox(), &Job { stdin: stdin.clone(), ..job("wc -c") }), "3000000");
        assert_eq!(said(&sandbox(), &Job { stdin, ..job("echo no thanks") }), "no thanks");
        assert_eq!(said(&sandbox(), &job("wc -c")), "0");
    }
}
