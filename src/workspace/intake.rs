//! Opens what the agent left without being led or held: no link is followed, no pipe is waited for.
//! Owns the flags; which files are opened is `snapshot`'s choice.

use std::ffi::CStr;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags};

/// A folder to list, never through a link.
pub(super) fn open_folder(dir: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(dir, name, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

/// A regular file's bytes. Opened without waiting, so that a pipe put in its place cannot stop loom.
pub(super) fn read_file(dir: BorrowedFd<'_>, name: &CStr, limit: u64) -> std::io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(dir, name, flags, Mode::empty())?);
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(std::io::Error::other("it is no regular file any more"));
    }
    let mut bytes = Vec::with_capacity(about.len().min(limit) as usize);
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(std::io::Error::other(format!("it is larger than {limit} bytes")));
    }
    Ok(bytes)
}

pub(super) fn what(kind: FileType) -> &'static str {
    match kind {
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        FileType::BlockDevice | FileType::CharacterDevice => "a device",
        _ => "a special file",
    }
}
