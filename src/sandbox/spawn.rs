//! The one place where a process begins. Nothing but what is meant to be inherited is.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
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

/// The same with two more pipes: a status on which the child tells more than an exit code, and a gate at which it waits
/// until our end is closed. `announce` puts their numbers in the command; our ends are returned in that order.
pub(super) fn start_confined(
    command: &mut Command,
    stdin: &[u8],
    announce: impl FnOnce(&mut Command, RawFd, RawFd),
) -> std::io::Result<(Child, OwnedFd, OwnedFd)> {
    let (status, tells) = pipe_with(PipeFlags::CLOEXEC)?;
    let (waits, gate) = pipe_with(PipeFlags::CLOEXEC)?;
    super::watch::never_block(status.as_fd())?;
    announce(command, tells.as_raw_fd(), waits.as_raw_fd());
    let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    fcntl_setfd(&tells, FdFlags::empty())?;
    fcntl_setfd(&waits, FdFlags::empty())?;
    let child = spawn(command, stdin);
    // Closed before another start can inherit them.
    drop((tells, waits));
    Ok((child?, status, gate))
}

fn spawn(command: &mut Command, stdin: &[u8]) -> std::io::Result<Child> {
    use std::os::unix::process::CommandExt;
    let input = if stdin.is_empty() { Stdio::null() } else { Stdio::piped() };
    command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn()
}
