//! The half of `sandbox.allow` that runs inside: loom's own program, started in front of the child, listens where the
//! service would and passes every connection through a Unix socket to the half outside (`services`).

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Where children see loom's program; started under this name it is the relay and nothing else.
pub(super) const RELAY: &str = "/loom/relay";
/// Where children see the sockets.
pub(super) const SOCKETS: &str = "/loom/services";

/// To be called before anything else by every program that may open a sandbox: when this process was started as the
/// relay, it does its work and tells the exit code to end with. None in every other process.
pub fn relay() -> Option<ExitCode> {
    let mut words = std::env::args_os();
    if words.next()? != RELAY {
        return None;
    }
    Some(work(words).unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "loom: reaching services (sandbox.allow): {error}");
        ExitCode::from(126)
    }))
}

/// `ADDRESS... -- PROGRAM ARGUMENT...`
fn work(mut words: impl Iterator<Item = OsString>) -> io::Result<ExitCode> {
    for word in words.by_ref().take_while(|word| word != "--") {
        let address: SocketAddr = word.to_str().and_then(|text| text.parse().ok()).ok_or(io::ErrorKind::InvalidInput)?;
        let listener =
            TcpListener::bind(address).map_err(|error| io::Error::new(error.kind(), format!("listening on {address}: {error}")))?;
        std::thread::Builder::new().spawn(move || accept(&listener, &socket(Path::new(SOCKETS), address)))?;
    }
    let program = words.next().ok_or(io::ErrorKind::InvalidInput)?;
    match Command::new(&program).args(words).status() {
        Ok(status) => {
            let code = status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(1);
            Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "{}: {error}", program.display());
            Ok(ExitCode::from(127))
        }
    }
}

fn accept(listener: &TcpListener, socket: &Path) {
    for connection in listener.incoming().flatten() {
        if let Ok(outside) = UnixStream::connect(socket) {
            // Without a thread the connection is closed, as by a service that is full.
            let _ = std::thread::Builder::new().spawn(move || join(connection, outside));
        }
    }
}

/// The socket that stands for `address`.
pub(super) fn socket(folder: &Path, address: SocketAddr) -> PathBuf {
    let family = if address.is_ipv4() { 4 } else { 6 };
    folder.join(format!("{family}-{}", address.port()))
}

/// Passes bytes both ways until both sides have ended.
pub(super) fn join(tcp: TcpStream, unix: UnixStream) -> io::Result<()> {
    let (mut from_tcp, mut to_unix) = (tcp.try_clone()?, unix.try_clone()?);
    let (mut from_unix, mut to_tcp) = (unix, tcp);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let _ = io::copy(&mut from_tcp, &mut to_unix);
            let _ = to_unix.shutdown(Shutdown::Write);
        });
        let _ = io::copy(&mut from_unix, &mut to_tcp);
        let _ = to_tcp.shutdown(Shutdown::Write);
    });
    Ok(())
}
