//! Reading, writing and removing files of a workspace by the paths a model names. Every access goes through one open
//! folder and cannot leave it: the kernel refuses links that lead out. Owns the errors a model reads.

use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;

use cap_std::fs::{File, Metadata, MetadataExt as _, OpenOptions, OpenOptionsExt as _};
use rustix::fs::OFlags;

use super::checkout::Workspace;
use super::names;
use crate::error::{Failure, Kind, OrFail, Result};

/// Opening a pipe must not wait for its other end, and a terminal must not become ours.
const NEVER_WAIT: i32 = (OFlags::NONBLOCK.bits() | OFlags::NOCTTY.bits()) as i32;

impl Workspace {
    /// A file's bytes, at most `limit`; refuses what is no regular file in the tree. Paths are relative, `/` between parts.
    pub fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>> {
        let checked = checked(path)?;
        let opened = self.dir.open_with(checked, OpenOptions::new().read(true).custom_flags(NEVER_WAIT));
        let file = opened.map_err(|error| refused(path, "read", &error))?;
        let about = regular(&file, path)?;
        let doing = || format!("reading {path}");
        let mut bytes = Vec::with_capacity(about.len().min(limit) as usize);
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).or_fail(Kind::Workspace, doing)?;
        if bytes.len() as u64 > limit {
            let what = format!("{path} is larger than {limit} bytes ({} bytes)", about.len());
            return Err(Failure::new(Kind::Workspace, what).hint("look at a part of it by a shell command"));
        }
        Ok(bytes)
    }

    /// Writes a file, its folders made, its mode kept. The new content takes the old one's place at once, so that a
    /// crash leaves either; a link inside the tree is written through.
    pub fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let checked = checked(path)?;
        if let Some(parent) = checked.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            self.dir.create_dir_all(parent).map_err(|error| refused(path, "write", &error))?;
        }
        match self.dir.symlink_metadata(checked) {
            Ok(about) if about.is_file() && about.nlink() == 1 => self.replace(path, checked, bytes, Some(&about)),
            Ok(_) => self.overwrite(path, checked, bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => self.replace(path, checked, bytes, None),
            Err(error) => Err(refused(path, "write", &error)),
        }
    }

    /// A new file beside the old one, then put in its place.
    fn replace(&self, path: &str, checked: &Path, bytes: &[u8], old: Option<&Metadata>) -> Result<()> {
        let beside = checked.with_file_name(format!(".loom-{:016x}", fastrand::u64(..)));
        let fail = |error: std::io::Error| refused(path, "write", &error);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o644);
        let mut file = self.dir.open_with(&beside, &options).map_err(fail)?;
        let written = file
            .write_all(bytes)
            .and_then(|()| old.map_or(Ok(()), |old| file.set_permissions(old.permissions())))
            .and_then(|()| self.dir.rename(&beside, &self.dir, checked));
        if written.is_err() {
            // The half-written file is not the user's; that it stays behind is not worth hiding the cause.
            let _ = self.dir.remove_file(&beside);
        }
        written.map_err(fail)
    }

    /// In place: a link inside the tree keeps leading there, and a file of several names stays one file.
    fn overwrite(&self, path: &str, checked: &Path, bytes: &[u8]) -> Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).mode(0o644).custom_flags(NEVER_WAIT);
        let mut file = self.dir.open_with(checked, &options).map_err(|error| refused(path, "write", &error))?;
        regular(&file, path)?;
        file.set_len(0).and_then(|()| file.write_all(bytes)).map_err(|error| refused(path, "write", &error))
    }

    /// Removes a file, or a link itself.
    pub fn remove(&self, path: &str) -> Result<()> {
        let checked = checked(path)?;
        let about = self.dir.symlink_metadata(checked).map_err(|error| refused(path, "remove", &error))?;
        if !about.is_file() && !about.is_symlink() {
            return Err(irregular(path, &about));
        }
        self.dir.remove_file(checked).map_err(|error| refused(path, "remove", &error))
    }

    /// Whether this is a regular file of the tree.
    pub fn is_file(&self, path: &str) -> bool {
        checked(path).is_ok_and(|path| self.dir.metadata(path).is_ok_and(|about| about.is_file()))
    }
}

/// The path, if its spelling stays in the tree.
fn checked(path: &str) -> Result<&Path> {
    let fail = |why: &str| Failure::new(Kind::Workspace, format_args!("{path:?} cannot be used: {why}"));
    if path.starts_with('/') {
        return Err(fail("it is absolute").hint("name files relative to the repository's root"));
    }
    let plain = path.trim_start_matches("./");
    if plain.is_empty() || plain == "." || plain.ends_with('/') {
        return Err(fail("it names a folder").hint("name a file"));
    }
    for part in plain.split('/') {
        match part {
            ".." => return Err(fail("`..` leads out of the folder").hint("name files relative to the repository's root")),
            "." => return Err(fail("`.` in the middle of a path")),
            _ => {}
        }
        if let Some(why) = names::objection(part.as_bytes()) {
            return Err(fail(&format!("it has {why}")));
        }
    }
    Ok(Path::new(plain))
}

fn regular(file: &File, path: &str) -> Result<Metadata> {
    let about = file.metadata().or_fail(Kind::Workspace, || format!("looking at {path}"))?;
    if about.is_file() { Ok(about) } else { Err(irregular(path, &about)) }
}

fn irregular(path: &str, about: &Metadata) -> Failure {
    let what = if about.is_dir() { "a folder" } else { "a special file (a pipe, a socket or a device)" };
    Failure::new(Kind::Workspace, format_args!("{path} is {what}, not a file"))
}

/// The system's answer in words that say which path and why.
fn refused(path: &str, verb: &str, error: &std::io::Error) -> Failure {
    let no_reader = error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error());
    let why = match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => "a part of the path is a file, not a folder".to_owned(),
        ErrorKind::IsADirectory => "it is a folder, not a file".to_owned(),
        ErrorKind::StorageFull => "the disk is full".to_owned(),
        ErrorKind::PermissionDenied if error.raw_os_error().is_none() => "a link in it leads out of the repository".to_owned(),
        _ if error.raw_os_error() == Some(rustix::io::Errno::XDEV.raw_os_error()) => "a link in it leads out of the repository".to_owned(),
        _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => "its links lead in a circle".to_owned(),
        _ if no_reader => "it is a pipe, not a file".to_owned(),
        _ => error.to_string(),
    };
    Failure::new(Kind::Workspace, format_args!("cannot {verb} {path}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::fixture::Origin;
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    const MUCH: u64 = 1 << 20;

    #[test]
    fn files_are_read_written_and_removed() {
        let origin = Origin::new();
        let (_, _, workspace) = origin.workspace();
        assert_eq!(workspace.read("./README.md", MUCH).unwrap(), b"# widget\n");
        assert!(workspace.read("link", MUCH).unwrap().starts_with(b"pub fn one"));
        workspace.write("a/b/c.txt", b"deep").unwrap();
        workspace.write("run.sh", b"#!/bin/sh\n").unwrap();
        assert_eq!(std::fs::metadata(workspace.root().join("run.sh")).unwrap().permissions().mode() & 0o777, 0o755);
        workspace.write("link", b"through").unwrap();
        assert_eq!(workspace.read("src/lib.rs", MUCH).unwrap(), b"through");
        workspace.remove("out").unwrap();
        workspace.remove("a/b/c.txt").unwrap();
        assert!(!workspace.is_file("a/b/c.txt") && workspace.is_file("src/lib.rs") && !workspace.is_file("src"));
        assert_eq!(std::fs::read_dir(workspace.root().join("a/b")).unwrap().count(), 0);
    }

    #[test]
    fn no_path_leads_out() {
        let origin = Origin::new();
        let (_, _, workspace) = origin.workspace();
        let secret = origin.beside("secret.txt");
        std::fs::write(&secret, "secret").unwrap();
        symlink("../secret.txt", workspace.root().join("leak")).unwrap();
        symlink(&secret, workspace.root().join("leak-absolute")).unwrap();
        symlink("..", workspace.root().join("up")).unwrap();
        let absolute = secret.to_str().unwrap();
        for path in [
            absolute,
            "../secret.txt",
            "src/../../secret.txt",
            "leak",
            "leak-absolute",
            "up/secret.txt",
            "out/hostname",
            ".git/config",
            "a\0b",
            "",
            ".",
        ] {
            for failure in [workspace.read(path, MUCH).unwrap_err(), workspace.write(path, b"x").unwrap_err()] {
                assert_eq!(failure.kind, Kind::Workspace);
                assert!(!failure.line().contains("outside of the filesystem"), "{failure:?}");
            }
            assert!(!workspace.is_file(path), "{path}");
        }
        assert!(workspace.remove("up/secret.txt").is_err() && workspace.remove("../secret.txt").is_err());
        assert!(workspace.read("leak", MUCH).unwrap_err().line().contains("leak: a link in it leads out"));
        assert_eq!(std::fs::read(&secret).unwrap(), b"secret");
        assert!(workspace.write("out/new.txt", b"x").is_err());
    }

    #[test]
    fn pipes_folders_and_circles_are_named_and_never_waited_for() {
        let origin = Origin::new();
        let (_, _, workspace) = origin.workspace();
        mknodat(CWD, workspace.root().join("pipe"), FileType::Fifo, Mode::from(0o644), 0).unwrap();
        symlink("round", workspace.root().join("round")).unwrap();
        for (path, why) in [("pipe", "pipe"), ("src", "folder"), ("round", "circle"), ("README.md/x", "not a folder")] {
            for failure in [workspace.read(path, MUCH).unwrap_err(), workspace.write(path, b"x").unwrap_err()] {
                assert!(failure.line().contains(why) && failure.line().contains(path), "{path}: {failure:?}");
            }
        }
        for path in ["pipe", "src", "none"] {
            assert!(workspace.remove(path).is_err(), "{path}");
        }
        let failure = workspace.read("none.rs", MUCH).unwrap_err();
        assert_eq!(failure.line(), "cannot read none.rs: there is no such file");
    }

    #[test]
    fn a_file_over_the_limit_is_refused_and_one_at_the_limit_is_not() {
        let origin = Origin::new();
        let (_, _, workspace) = origin.workspace();
        assert!(workspace.read("README.md", 9).is_ok());
        assert!(workspace.read("README.md", 8).unwrap_err().line().contains("larger than 8 bytes"));
    }
}
