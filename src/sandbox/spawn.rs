//! The one place where a process begins. Nothing but what is meant to be inherited is.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::pipe::{PipeFlags, pipe_with};

/// Held while a descriptor is inheritable: a child that another thread starts in that moment would get it too.
static STARTING: Mutex<()> = Mutex::new(());

/// Starts `command` in its own process group, with pipes for output, and for input where there is some.
pub(super) fn start(command: &mut Command, stdin: &[u8]) -> std::io::Result<Child> {
    let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    spawn(command, stdin)
}

/// The same with a pipe on which the child can tell more than an exit code; `announce` puts its number in the command.
pub(super) fn start_with_status(
    command: &mut Command,
    stdin: &[u8],
    announce: impl FnOnce(&mut Command, RawFd),
) -> std::io::Result<(Child, OwnedFd)> {
    let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC)?;
    super::watch::never_block(std::os::fd::AsFd::as_fd(&ours))?;
    announce(command, theirs.as_raw_fd());
    let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    fcntl_setfd(&theirs, FdFlags::empty())?;
    let child = spawn(command, stdin);
    // Closed before another start can inherit it.
    drop(theirs);
    Ok((child?, ours))
}

fn spawn(command: &mut Command, stdin: &[u8]) -> std::io::Result<Child> {
    use std::os::unix::process::CommandExt;
    let input = if stdin.is_empty() { Stdio::null() } else { Stdio::piped() };
    command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn()
}
