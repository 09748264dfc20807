//! The machine's own part of what children see: programs and libraries, and the few harmless files of `/etc`.

use std::path::{Path, PathBuf};

use super::Network;
use super::layout::Layout;
use crate::error::{Kind, OrFail, Result};

/// Programs, libraries and system toolchains. A link stays a link.
const PROGRAMS: [&str; 11] =
    ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/var/lib/gems", "/nix/store", "/gnu/store"];

/// Pieces of `/etc` that programs need and that hold no secret; private keys lie beside the certificates, hence the pieces.
const ETC: [&str; 34] = [
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld-musl-x86_64.path",
    "/etc/alternatives",
    "/etc/ssl/certs",
    "/etc/ssl/cert.pem",
    "/etc/ssl/openssl.cnf",
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/openssl.cnf",
    "/etc/pki/ca-trust/extracted",
    "/etc/crypto-policies",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/locale.alias",
    "/etc/mime.types",
    "/etc/magic",
    "/etc/os-release",
    "/etc/debian_version",
    "/etc/lsb-release",
    "/etc/protocols",
    "/etc/services",
    "/etc/fonts",
    "/etc/terminfo",
    "/etc/inputrc",
    "/etc/bash.bashrc",
    "/etc/python3",
    "/etc/maven",
    "/etc/mono",
    "/etc/perl",
    "/etc/php",
];

/// Where the host finds names; of use with its network only.
const NAMES: [&str; 3] = ["/etc/resolv.conf", "/etc/hosts", "/etc/gai.conf"];

/// Files loom writes for every child, by their names in `/etc`.
const WRITTEN: [(&str, &str); 4] = [
    ("passwd", "root:x:0:0:root:/root:/bin/sh\nloom:x:1000:1000:loom:/tmp/home:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"),
    ("group", "root:x:0:\nloom:x:1000:\nnogroup:x:65534:\n"),
    ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n"),
    ("hosts", "127.0.0.1 localhost loom\n::1 localhost ip6-localhost ip6-loopback\n"),
];

/// Shows the system in `layout`. `written` is a folder of loom's own for the files it makes.
pub(super) fn show(layout: &mut Layout, written: &Path) -> Result<()> {
    for path in PROGRAMS.map(Path::new) {
        match path.read_link() {
            Ok(target) => layout.link(&target, path),
            Err(_) if path.is_dir() => layout.read_only(path, path),
            Err(_) => {}
        }
    }
    for path in ETC.map(PathBuf::from).into_iter().chain(java_configuration()) {
        if path.exists() {
            layout.read_only(&path, &path);
        }
    }
    for (name, text) in WRITTEN {
        let file = written.join(name);
        std::fs::write(&file, text).or_fail(Kind::Workspace, || format!("writing {}", file.display()))?;
        layout.read_only(&file, &Path::new("/etc").join(name));
    }
    Ok(())
}

/// Shows what only a child on this network needs.
pub(super) fn show_network(layout: &mut Layout, network: Network) {
    match network {
        Network::Private => {}
        Network::Host => {
            for path in NAMES.map(Path::new).into_iter().filter(|path| path.exists()) {
                layout.read_only(path, path);
            }
        }
    }
}

/// Debian keeps each Java's settings in `/etc/java-NN-openjdk`, linked from its folder below `/usr`.
fn java_configuration() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/etc").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("java")).map(|entry| entry.path()).collect();
    found.sort();
    found
}
