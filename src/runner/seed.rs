//! Build output that one tree takes over from another, and how old its files must look for that: cargo compares times,
//! and would otherwise take what was built from other sources for fresh. Nothing is linked: what runs in a tree may write
//! anywhere in its output, and must not reach that of another.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::Bench;
use crate::error::{Kind, OrFail, Result};
use crate::workspace::Tree;

/// How the files of a tree differ from those that its build output was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Age {
    /// Any may: all get a new time, and everything is built anew but dependencies.
    AllNew,
    /// All are those of a tree whose files have this time, but for these paths, which get a new one.
    Since(SystemTime, BTreeSet<String>),
}

impl Bench {
    /// Gives `to` the build output of `from`, so that it need not build everything anew, and its files their times.
    /// Whatever of the output cargo makes anew for that reason stays behind.
    pub fn seed(&self, from: &Tree, to: &Tree, age: &Age) -> Result<()> {
        let (source, target) = (from.private.join("target"), to.private.join("target"));
        let empty = fs::read_dir(&target).map(|mut entries| entries.next().is_none()).unwrap_or(true);
        // A link in its place would lead to files of this machine.
        let real = fs::symlink_metadata(&source).is_ok_and(|meta| meta.is_dir());
        if !real || !empty {
            return age_files(&to.host, &Age::AllNew, SystemTime::UNIX_EPOCH);
        }
        let mut newest = SystemTime::UNIX_EPOCH;
        let linked = if *age == Age::AllNew { Linked::Stays } else { Linked::Copied };
        copy_folder(&source, &target, linked, &mut newest).or_fail(Kind::Workspace, || format!("seeding {}", target.display()))?;
        age_files(&to.host, age, newest)
    }
}

/// Gives the files of a tree their times; what is new is newer than `built`, whatever the clock did since.
pub fn age_files(host: &Path, age: &Age, built: SystemTime) -> Result<()> {
    let now = SystemTime::now();
    let new = if now > built { now } else { built + Duration::from_secs(1) };
    let done = match age {
        Age::AllNew => touch(host, "", &|_| new),
        Age::Since(then, changed) => {
            let holds = |folder: &str| changed.iter().any(|path| path.rsplit_once('/').map_or("", |(above, _)| above) == folder);
            touch(host, "", &|path| if changed.contains(path) || holds(path) { new } else { *then })
        }
    };
    done.or_fail(Kind::Workspace, || format!("touching the files of {}", host.display()))
}

/// What becomes of linked programs, often far more than half of all output.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Linked {
    /// They are still those of their sources.
    Copied,
    /// Cargo makes them anew in any case.
    Stays,
}

fn touch(folder: &Path, below: &str, time: &dyn Fn(&str) -> SystemTime) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let path = if below.is_empty() {
            entry.file_name().to_string_lossy().into_owned()
        } else {
            format!("{below}/{}", entry.file_name().to_string_lossy())
        };
        if kind.is_dir() {
            touch(&entry.path(), &path, time)?;
        }
        if kind.is_dir() || kind.is_file() {
            // Opening to read is enough to set times on one's own file, read-only ones too.
            fs::File::open(entry.path())?.set_modified(time(&path))?;
        }
    }
    Ok(())
}

/// Copies a folder with its times and all that is in it.
pub(super) fn copy_all(from: &Path, to: &Path) -> std::io::Result<()> {
    copy_folder(from, to, Linked::Copied, &mut SystemTime::now())
}

/// Copies a folder with its times, sharing blocks where the file system can.
fn copy_folder(from: &Path, to: &Path, linked: Linked, newest: &mut SystemTime) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if is_built_anew(&entry, kind, linked)? {
            continue;
        }
        if kind.is_dir() {
            copy_folder(&source, &target, linked, newest)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&source)?, &target)?;
        } else if kind.is_file() {
            let (old, new) = (fs::File::open(&source)?, fs::File::create(&target)?);
            if rustix::fs::ioctl_ficlone(&new, &old).is_err() {
                drop(new);
                fs::copy(&source, &target)?;
            }
            let meta = old.metadata()?;
            let written = fs::File::options().write(true).open(&target)?;
            written.set_permissions(meta.permissions())?;
            let time = meta.modified()?;
            *newest = time.max(*newest);
            written.set_modified(time)?;
        }
    }
    Ok(())
}

/// The state of incremental builds, which cells do without, and the linked programs; libraries and build scripts of
/// dependencies are not among it.
fn is_built_anew(entry: &fs::DirEntry, kind: fs::FileType, linked: Linked) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = entry.path();
    let Some(folder) = path.parent() else { return Ok(false) };
    let is_profile = |folder: &Path| folder.join(".fingerprint").is_dir();
    if kind.is_dir() {
        return Ok(entry.file_name() == "incremental" && is_profile(folder));
    }
    if linked == Linked::Copied {
        return Ok(false);
    }
    let of_profile =
        is_profile(folder) || ["deps", "examples"].iter().any(|name| folder.ends_with(name)) && folder.parent().is_some_and(is_profile);
    Ok(of_profile && kind.is_file() && path.extension().is_none() && entry.metadata()?.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_newer_than_what_was_built() {
        let folder = tempfile::tempdir().unwrap();
        crate::runner::trial::write(folder.path(), &[("src/a.rs", ""), ("src/b.rs", ""), ("tests/c.rs", "")]);
        let then = SystemTime::now() - Duration::from_secs(60);
        let built = SystemTime::now() + Duration::from_secs(60);
        age_files(folder.path(), &Age::Since(then, ["src/b.rs".to_owned()].into()), built).unwrap();
        let newer = |path: &str| fs::metadata(folder.path().join(path)).unwrap().modified().unwrap() > built;
        assert_eq!(["src/a.rs", "src/b.rs", "src", "tests/c.rs", "tests"].map(newer), [false, true, true, false, false]);
        age_files(folder.path(), &Age::AllNew, built).unwrap();
        assert!(newer("tests/c.rs"));
    }
}
