//! The one place where a process begins. Nothing but what is meant to be inherited is.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, Once, PoisonError};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::pipe::{PipeFlags, pipe_with};

/// Held while a descriptor is inheritable: a child that another thread starts in that moment would get it too.
static STARTING: Mutex<()> = Mutex::new(());

/// Starts `command` in its own process group, with pipes for output, and for input where there is some.
pub(super) fn start(command: &mut Command, stdin: &[u8]) -> std::io::Result<Child> {
    let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    seal();
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
    seal();
    fcntl_setfd(&tells, FdFlags::empty())?;
    fcntl_setfd(&waits, FdFlags::empty())?;
    let child = spawn(command, stdin);
    // Closed before another start can inherit them.
    drop((tells, waits));
    Ok((child?, status, gate))
}

/// Keeps from children what loom itself was started with: a file, pipe or socket that a careless parent left open would
/// be a way out of the sandbox. What loom opens later is never inheritable.
fn seal() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let open = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
        let numbers: Vec<RawFd> = open.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        for number in numbers.into_iter().filter(|number| *number > 2) {
            // SAFETY: borrowed for one call that touches no memory. Should another thread close the number meanwhile
            // the call fails, and should it open something else under it, that is not inheritable already.
            #[allow(unsafe_code)]
            let open = unsafe { BorrowedFd::borrow_raw(number) };
            let _ = fcntl_setfd(open, FdFlags::CLOEXEC);
        }
    });
}

fn spawn(command: &mut Command, stdin: &[u8]) -> std::io::Result<Child> {
    use std::os::unix::process::CommandExt;
    let input = if stdin.is_empty() { Stdio::null() } else { Stdio::piped() };
    command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn()
}
