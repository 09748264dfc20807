//! One HTTP client: a streaming POST that ends at a deadline, after a silence, or when a stop is asked for.
//! Owns the only asynchronous code of the room, on a runtime of its own that runs while a request does.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use tokio::runtime::Runtime;
use url::Url;

use crate::error::{Failure, Kind, OrFail, Result};
use crate::sandbox::Cancel;

/// How often a wait looks whether it shall go on.
const GLANCE: Duration = Duration::from_millis(50);
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// A kept connection older than this is likelier dead than alive.
const KEPT: Duration = Duration::from_secs(45);

/// The client; connections are kept between requests.
pub(super) struct Http {
    runtime: Runtime,
    client: reqwest::Client,
}

/// When a request is given up.
pub(super) struct Patience<'a> {
    /// At this moment.
    pub(super) deadline: Instant,
    /// After this silence.
    pub(super) idle: Duration,
    /// When a stop is asked for.
    pub(super) cancel: &'a Cancel,
}

/// The head of an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    /// The HTTP status.
    pub(super) status: u16,
    /// How long the server asks to wait.
    pub(super) retry_after: Option<Duration>,
    /// Whether it is a stream of events.
    pub(super) events: bool,
}

/// Why a request gave no whole answer.
#[derive(Debug)]
pub(super) enum Cut {
    /// No connection, or it broke.
    Broken(reqwest::Error),
    /// Nothing came for the whole idle time.
    Silent,
    /// The deadline passed.
    Late,
    /// A stop was asked for.
    Stopped(Failure),
}

impl Http {
    /// A client for `base`. Loading the system's root certificates costs more than all the rest, so a server on this machine
    /// without TLS goes without them, and without the proxies that lead elsewhere.
    pub(super) fn new(base: &Url) -> Result<Http> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.or_fail(Kind::Internal, || "starting the HTTP client")?;
        let mut client = reqwest::Client::builder()
            .user_agent(concat!("loom/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .pool_idle_timeout(KEPT)
            .redirect(Policy::none())
            .retry(reqwest::retry::never());
        if base.scheme() == "http" && is_this_machine(base) {
            client = client.no_proxy().tls_certs_only([]);
        }
        let client = client.build().or_fail(Kind::Config, || "starting the HTTP client")?;
        Ok(Http { runtime, client })
    }

    /// Posts `body`; `piece` hears the answer's bytes as they come and may end it early.
    pub(super) fn post(
        &self,
        url: &Url,
        headers: &HeaderMap,
        body: Vec<u8>,
        patience: &Patience<'_>,
        piece: &mut dyn FnMut(&Head, &[u8]) -> bool,
    ) -> Result<Head, Cut> {
        self.runtime.block_on(async {
            let request = self.client.post(url.clone()).headers(headers.clone()).body(body).send();
            let mut response = patience.hold(request).await?.map_err(Cut::Broken)?;
            let head = Head::of(&response);
            while let Some(bytes) = patience.hold(response.chunk()).await?.map_err(Cut::Broken)? {
                if !piece(&head, &bytes) {
                    break;
                }
            }
            Ok(head)
        })
    }

    /// Waits between two tries.
    pub(super) fn pause(&self, length: Duration, patience: &Patience<'_>) -> Result<(), Cut> {
        let patience = Patience { idle: Duration::MAX, ..*patience };
        self.runtime.block_on(async { patience.hold(tokio::time::sleep(length)).await })
    }
}

impl Patience<'_> {
    /// The future's value, unless patience ends first.
    async fn hold<T>(&self, future: impl Future<Output = T>) -> Result<T, Cut> {
        let began = Instant::now();
        let mut future = pin!(future);
        loop {
            if let Ok(value) = tokio::time::timeout(GLANCE, future.as_mut()).await {
                return Ok(value);
            }
            self.cancel.check().map_err(Cut::Stopped)?;
            if Instant::now() >= self.deadline {
                return Err(Cut::Late);
            }
            if began.elapsed() >= self.idle {
                return Err(Cut::Silent);
            }
        }
    }
}

impl Head {
    fn of(response: &reqwest::Response) -> Head {
        let kind = response.headers().get(reqwest::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        Head {
            status: response.status().as_u16(),
            retry_after: retry_after(response.headers()),
            events: kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/event-stream")),
        }
    }
}

/// `Retry-After` as seconds or as a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Duration::try_from(at.duration_since(jiff::Timestamp::now())).ok()
}

fn is_this_machine(base: &Url) -> bool {
    match base.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let asked = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(asked("7"), Some(Duration::from_secs(7)));
        assert_eq!(asked("0.5"), Some(Duration::from_millis(500)));
        let far = asked("Tue, 31 Dec 2199 23:59:59 GMT").unwrap();
        assert!(far > Duration::from_secs(1_000_000));
        assert_eq!(asked("soon"), None);
        assert_eq!(asked("Mon, 01 Jan 2001 00:00:00 GMT"), None);
    }
}
