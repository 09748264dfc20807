//! Loom's own reading and writing where children write too: whatever they planted there (a link, a pipe, a folder of
//! that name) is never followed or waited for. No child runs meanwhile, so what was looked at is what is used.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Not through a link, and not waiting for the other end of a pipe.
const AS_IT_IS: i32 = (OFlags::NOFOLLOW.bits() | OFlags::NONBLOCK.bits() | OFlags::NOCTTY.bits()) as i32;

/// The real folder of this name; anything else of that name makes room for it.
pub(super) fn folder(parent: &Path, name: &str) -> io::Result<PathBuf> {
    let place = parent.join(name);
    match fs::symlink_metadata(&place) {
        Ok(meta) if meta.is_dir() => return Ok(place),
        Ok(_) => fs::remove_file(&place)?,
        Err(_) => {}
    }
    fs::create_dir_all(parent)?;
    fs::create_dir(&place)?;
    Ok(place)
}

/// Writes a file anew in a real folder.
pub(super) fn write(folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    let place = folder.join(name);
    match fs::symlink_metadata(&place) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(&place)?,
        Ok(_) => fs::remove_file(&place)?,
        Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&place)?;
    file.write_all(text.as_bytes())?;
    Ok(place)
}

/// Opens a regular file to read.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(AS_IT_IS).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
    }
}

/// At most `most` bytes of a regular file.
pub(super) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn nothing_planted_is_followed() {
        let home = tempfile::tempdir().unwrap();
        let (victim, private) = (home.path().join("victim"), home.path().join("private"));
        fs::create_dir(&victim).unwrap();
        fs::create_dir(&private).unwrap();
        fs::write(victim.join("file"), "kept").unwrap();
        symlink(&victim, private.join("loom")).unwrap();
        let own = folder(&private, "loom").unwrap();
        assert!(fs::symlink_metadata(&own).unwrap().is_dir());
        symlink(victim.join("file"), own.join("plugin")).unwrap();
        assert!(read(&own.join("plugin"), 9).is_err());
        write(&own, "plugin", "text").unwrap();
        assert_eq!(fs::read_to_string(victim.join("file")).unwrap(), "kept");
        assert_eq!(read(&own.join("plugin"), 2).unwrap(), b"te");
        fs::remove_file(own.join("plugin")).unwrap();
        fs::create_dir_all(own.join("plugin/deep")).unwrap();
        write(&own, "plugin", "again").unwrap();
        assert_eq!(fs::read_dir(&victim).unwrap().count(), 1);
    }

    #[test]
    fn a_pipe_is_not_waited_for() {
        let home = tempfile::tempdir().unwrap();
        let pipe = home.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        assert!(read(&pipe, 9).is_err());
    }
}
