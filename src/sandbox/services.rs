//! Services beside the job (`sandbox.allow`), for children whose network is empty but for their own loopback: the half
//! outside. One Unix socket per service is shown to children; what arrives there goes to that one address, no other.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::layout::Layout;
use super::relay::{RELAY, SOCKETS, join, socket};
use crate::error::{Explain, Failure, Kind, OrFail, Result};

/// Connections to one service at a time: each costs two threads of loom.
const CONNECTIONS: usize = 200;
/// For a service to accept.
const PATIENCE: Duration = Duration::from_secs(10);

/// The services children reach, open as long as this lives.
pub(super) struct Services {
    addresses: Vec<SocketAddr>,
    folder: PathBuf,
    program: PathBuf,
    closed: Arc<AtomicBool>,
}

impl Services {
    /// Opens a socket below `folder` for each entry of `sandbox.allow`; none when there are none.
    pub(super) fn open(allow: &[String], folder: &Path) -> Result<Option<Services>> {
        if allow.is_empty() {
            return Ok(None);
        }
        let folder = folder.join("services");
        std::fs::create_dir(&folder).or_fail(Kind::Workspace, || format!("making {}", folder.display()))?;
        let program = std::env::current_exe().or_fail(Kind::Internal, || "finding loom's own program")?;
        let mut services = Services { addresses: Vec::new(), folder, program, closed: Arc::default() };
        for service in allow {
            let address = address(service)?;
            if !services.addresses.contains(&address) {
                services.serve(address).context(|| format!("opening a way to {service} (sandbox.allow)"))?;
                services.addresses.push(address);
            }
        }
        Ok(Some(services))
    }

    /// Shows children the sockets and the program that listens for them.
    pub(super) fn show(&self, layout: &mut Layout) {
        layout.read_only(&self.folder, Path::new(SOCKETS));
        layout.read_only(&self.program, Path::new(RELAY));
    }

    /// What stands in front of a child's program.
    pub(super) fn words(&self) -> Vec<String> {
        let addresses = self.addresses.iter().map(SocketAddr::to_string);
        std::iter::once(RELAY.to_string()).chain(addresses).chain(["--".to_string()]).collect()
    }

    fn serve(&self, address: SocketAddr) -> Result<()> {
        let listener = UnixListener::bind(socket(&self.folder, address)).or_fail(Kind::Workspace, || "making its socket")?;
        let closed = Arc::clone(&self.closed);
        std::thread::Builder::new()
            .name(format!("service {address}"))
            .spawn(move || accept(&listener, address, &closed))
            .or_fail(Kind::Internal, || "starting its thread")?;
        Ok(())
    }
}

impl Drop for Services {
    /// The threads wait for a connection; a last one lets each see that it is over.
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        for address in &self.addresses {
            let _ = UnixStream::connect(socket(&self.folder, *address));
        }
    }
}

fn accept(listener: &UnixListener, address: SocketAddr, closed: &AtomicBool) {
    let open = Arc::new(());
    for child in listener.incoming() {
        if closed.load(Ordering::SeqCst) {
            return;
        }
        let Ok(child) = child else { continue };
        if Arc::strong_count(&open) > CONNECTIONS {
            continue;
        }
        let counted = Arc::clone(&open);
        // Without a thread, or without the service, the child's connection is closed.
        let _ = std::thread::Builder::new().spawn(move || {
            let _counted = counted;
            TcpStream::connect_timeout(&address, PATIENCE).and_then(|service| join(service, child))
        });
    }
}

/// An address children can listen on in place of the service: on the loopback, and no port kept for root.
fn address(service: &str) -> Result<SocketAddr> {
    let wrong = |why: &str| {
        Failure::new(Kind::Config, format_args!("sandbox.allow: {service:?} {why}"))
            .hint("write a service of this machine like 127.0.0.1:5432; another machine's can be forwarded to such an address")
    };
    let local = service.strip_prefix("localhost:").and_then(|port| Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().ok()?))));
    let address = local.or_else(|| service.parse().ok()).ok_or_else(|| wrong("is no address with a port"))?;
    match (address.ip().is_loopback(), address.port()) {
        (false, _) => Err(wrong("is not on this machine's loopback")),
        (true, ..1024) => Err(wrong("has a port below 1024, on which children cannot listen")),
        (true, 1024..) => Ok(address),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn only_a_service_of_this_machine_is_reached() {
        assert_eq!(address("localhost:5432").unwrap(), address("127.0.0.1:5432").unwrap());
        assert!(address("[::1]:6379").is_ok());
        for (wrong, why) in
            [("db:5432", "no address"), ("10.0.0.5:5432", "loopback"), ("127.0.0.1:80", "below 1024"), ("5432", "no address")]
        {
            let failure = address(wrong).unwrap_err();
            assert!(failure.kind == Kind::Config && failure.line().contains(why), "{}", failure.line());
        }
    }

    #[test]
    fn a_connection_reaches_its_service_and_the_sockets_close_with_the_sandbox() {
        let service = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = service.local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let services = Services::open(&[address.to_string()], folder.path()).unwrap().unwrap();
        let mut child = UnixStream::connect(socket(&services.folder, address)).unwrap();
        child.write_all(b"ping").unwrap();
        child.shutdown(std::net::Shutdown::Write).unwrap();
        let (mut served, _) = service.accept().unwrap();
        let mut heard = String::new();
        served.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "ping");
        served.write_all(b"pong").unwrap();
        drop(served);
        heard.clear();
        child.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "pong");
        assert!(services.words().ends_with(&[address.to_string(), "--".to_string()]));
    }
}
