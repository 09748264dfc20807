//! The file system a child sees, as bubblewrap's arguments: empty at first, then only what is put in, in order.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::Mount;

/// A root file system under construction.
#[derive(Clone, Default)]
pub(super) struct Layout {
    arguments: Vec<OsString>,
    /// Where something was mounted or linked: what is below belongs to it.
    covered: BTreeSet<PathBuf>,
    folders: BTreeSet<PathBuf>,
}

impl Layout {
    /// Shows `host` at `inside`, to read.
    pub(super) fn read_only(&mut self, host: &Path, inside: &Path) {
        self.place(inside, &["--ro-bind".as_ref(), host.as_os_str(), inside.as_os_str()]);
    }

    /// Shows `host` at `inside`, to read and write.
    pub(super) fn read_write(&mut self, host: &Path, inside: &Path) {
        self.place(inside, &["--bind".as_ref(), host.as_os_str(), inside.as_os_str()]);
    }

    /// What a job brings.
    pub(super) fn mount(&mut self, mount: &Mount) {
        match mount {
            Mount::ReadOnly { host, inside } => self.read_only(host, inside),
            Mount::ReadWrite { host, inside } => self.read_write(host, inside),
        }
    }

    /// A symbolic link.
    pub(super) fn link(&mut self, target: &Path, inside: &Path) {
        self.place(inside, &["--symlink".as_ref(), target.as_os_str(), inside.as_os_str()]);
    }

    /// A private file system in memory, open to every user; `size` in bytes.
    pub(super) fn memory(&mut self, inside: &Path, size: Option<u64>) {
        self.parents(inside);
        if let Some(size) = size {
            self.say(&["--size".as_ref(), size.to_string().as_ref()]);
        }
        self.say(&["--perms".as_ref(), "1777".as_ref(), "--tmpfs".as_ref(), inside.as_os_str()]);
        self.folders.insert(inside.to_path_buf());
    }

    /// An empty private folder.
    pub(super) fn folder(&mut self, inside: &Path) {
        self.parents(inside);
        self.make_folder(inside);
    }

    /// The kernel's own: processes of this namespace, harmless devices; `size` bytes of shared memory.
    pub(super) fn kernel(&mut self, size: Option<u64>) {
        self.place(Path::new("/proc"), &["--proc".as_ref(), "/proc".as_ref()]);
        self.shut_kernel_settings();
        self.place(Path::new("/dev"), &["--dev".as_ref(), "/dev".as_ref()]);
        self.memory(Path::new("/dev/shm"), size);
    }

    /// Root stays root for the kernel's own files, whatever number it has inside: it could set what the kernel runs when
    /// a program crashes, and read the kernel's memory maps. For everybody else their modes are enough.
    fn shut_kernel_settings(&mut self) {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        for path in ["/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi", "/proc/scsi", "/proc/mtrr"].map(Path::new) {
            if path.exists() {
                self.say(&["--ro-bind".as_ref(), path.as_os_str(), path.as_os_str()]);
            }
        }
        for path in ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/vmallocinfo", "/proc/slabinfo"].map(Path::new) {
            if path.exists() {
                self.say(&["--ro-bind".as_ref(), "/dev/null".as_ref(), path.as_os_str()]);
            }
        }
    }

    /// Nothing more is put in: what lies between the mounts is memory and could be filled without bound.
    pub(super) fn close(&mut self) {
        self.say(&["--remount-ro".as_ref(), "/dev".as_ref(), "--remount-ro".as_ref(), "/".as_ref()]);
    }

    /// Whether `path` lies in something that was mounted.
    pub(super) fn shows(&self, path: &Path) -> bool {
        path.ancestors().any(|folder| self.covered.contains(folder))
    }

    /// For bubblewrap, in order.
    pub(super) fn arguments(&self) -> &[OsString] {
        &self.arguments
    }

    fn place(&mut self, inside: &Path, arguments: &[&std::ffi::OsStr]) {
        self.parents(inside);
        self.say(arguments);
        self.covered.insert(inside.to_path_buf());
    }

    /// Bubblewrap makes missing parents for their owner alone; tests that run as another user then find nothing.
    fn parents(&mut self, inside: &Path) {
        let mut missing: Vec<&Path> = inside.ancestors().skip(1).filter(|folder| folder.parent().is_some()).collect();
        missing.reverse();
        for folder in missing {
            if !self.folders.contains(folder) && !self.shows(folder) {
                self.make_folder(folder);
            }
        }
    }

    fn make_folder(&mut self, inside: &Path) {
        self.say(&["--perms".as_ref(), "0755".as_ref(), "--dir".as_ref(), inside.as_os_str()]);
        self.folders.insert(inside.to_path_buf());
    }

    fn say(&mut self, arguments: &[&std::ffi::OsStr]) {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_os_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_parents_are_made_once_and_never_inside_a_mount() {
        let mut layout = Layout::default();
        layout.read_only(Path::new("/host/tools"), Path::new("/a/b/tools"));
        layout.read_write(Path::new("/host/tree"), Path::new("/a/tree"));
        layout.read_only(Path::new("/host/deps"), Path::new("/a/tree/x/deps"));
        let words: Vec<&str> = layout.arguments().iter().map(|word| word.to_str().unwrap()).collect();
        let expected = "--perms 0755 --dir /a --perms 0755 --dir /a/b --ro-bind /host/tools /a/b/tools \
                        --bind /host/tree /a/tree --ro-bind /host/deps /a/tree/x/deps";
        assert_eq!(words.join(" "), expected);
        assert!(layout.shows(Path::new("/a/tree/src")) && !layout.shows(Path::new("/a/b")));
    }
}
