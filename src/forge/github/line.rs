//! The line to GitHub: one HTTP exchange, from blocking code. Owns octocrab, its runtime on a thread of its own and the
//! limits of one exchange. Repeating, pacing and meaning are the client's.
//!
//! octocrab is built without its `retry` feature: its own retry would repeat what creates something.

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use octocrab::service::middleware::auth_header::AuthHeaderLayer;
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::service::middleware::reqwest_connector::ReqwestConnector;
use octocrab::{AuthState, Octocrab, OctocrabBuilder};
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::address::Address;
use super::ask::{Ask, Verb};
use crate::error::{Failure, Kind, OrFail as _, Result};
use crate::sandbox::Cancel;

const USER_AGENT: &str = concat!("loom/", env!("CARGO_PKG_VERSION"));
/// To a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// From the first byte sent to the last one read.
const EXCHANGE: Duration = Duration::from_secs(30);
/// A waiting caller looks for a cancellation this often.
const STEP: Duration = Duration::from_millis(50);

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// A header as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// 2xx.
    pub(super) fn good(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// How an exchange ended.
#[derive(Debug)]
pub(super) enum Exchange {
    /// With a whole answer.
    Answered(Answer),
    /// The server's certificate is not trusted; nothing was sent.
    Distrusted(anyhow::Error),
    /// Nothing reached the server.
    Unsent(anyhow::Error),
    /// The answer was lost: what was asked for may have been done.
    Lost(anyhow::Error),
}

/// An open line.
pub(super) struct Line {
    crab: Octocrab,
    runtime: Handle,
    /// Dropped with the line; the thread of the runtime waits for it.
    _open: oneshot::Sender<()>,
}

impl Line {
    /// Starts the runtime and builds the client; nothing is sent yet.
    pub(super) fn open(address: &Address, token: Option<&SecretString>) -> Result<Line> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .or_fail(Kind::Internal, || "starting the forge's runtime")?;
        let handle = runtime.handle().clone();
        let crab = {
            let _inside = handle.enter();
            crab(address, token)?
        };
        let (open, closed) = oneshot::channel::<()>();
        std::thread::Builder::new()
            .name("forge".into())
            .spawn(move || runtime.block_on(closed))
            .or_fail(Kind::Internal, || "starting the forge's thread")?;
        Ok(Line { crab, runtime: handle, _open: open })
    }

    /// Sends one request and waits for its end; fails only when somebody cancels.
    pub(super) fn exchange(&self, ask: &Ask, path: String, cancel: &Cancel) -> Result<Exchange> {
        cancel.check()?;
        let (tell, told) = sync_channel(1);
        let (crab, ask) = (self.crab.clone(), ask.clone());
        let work = self.runtime.spawn(async move {
            let _ = tell.send(carry(&crab, &ask, path).await);
        });
        let outcome = wait(&told, cancel);
        if outcome.is_err() {
            work.abort();
        }
        outcome
    }
}

fn wait(told: &Receiver<Exchange>, cancel: &Cancel) -> Result<Exchange> {
    loop {
        match told.recv_timeout(STEP) {
            Ok(exchange) => return Ok(exchange),
            Err(RecvTimeoutError::Timeout) => cancel.check()?,
            Err(RecvTimeoutError::Disconnected) => return Err(Failure::new(Kind::Internal, "the forge's thread is gone")),
        }
    }
}

fn crab(address: &Address, token: Option<&SecretString>) -> Result<Octocrab> {
    let accept = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/vnd.github+json"))]);
    let client = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .default_headers(accept)
        .connect_timeout(CONNECT)
        .timeout(EXCHANGE)
        // A redirect means a new name: the client learns it, instead of paying for it at each request.
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .or_fail(Kind::Internal, || "building the HTTP client")?;
    let base = address.api().parse().or_fail(Kind::Config, || format!("github.api_url {:?}", address.api()))?;
    let authority = address.api().parse().or_fail(Kind::Config, || format!("github.api_url {:?}", address.api()))?;
    let authorization = match token {
        Some(token) => {
            let text = format!("Bearer {}", token.expose_secret());
            let mut value =
                HeaderValue::from_str(&text).map_err(|_| Failure::new(Kind::Config, "the token in GITHUB_TOKEN cannot be sent"))?;
            value.set_sensitive(true);
            Some(value)
        }
        None => None,
    };
    let upload = "/".parse().or_fail(Kind::Internal, || "an empty upload address")?;
    match OctocrabBuilder::new_empty()
        .with_service(ReqwestConnector::new(client))
        .with_layer(&BaseUriLayer::new(base))
        .with_layer(&AuthHeaderLayer::new(authorization, authority, upload))
        .with_auth(AuthState::None)
        .build()
    {
        Ok(crab) => Ok(crab),
        Err(never) => match never {},
    }
}

async fn carry(crab: &Octocrab, ask: &Ask, path: String) -> Exchange {
    let sent = match ask.verb {
        Verb::Get => crab._get(path).await,
        Verb::Post => crab._post(path, ask.body.as_ref()).await,
        Verb::Patch => crab._patch(path, ask.body.as_ref()).await,
        Verb::Delete => crab._delete(path, ask.body.as_ref()).await,
    };
    let response = match sent {
        Ok(response) => response,
        Err(error) => return broken(error),
    };
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    match crab.body_to_string(response).await {
        Ok(body) => whole(Answer { status, headers, body }),
        Err(error) => Exchange::Lost(cause(&error).context("the answer broke off")),
    }
}

/// A good answer is JSON, or there is nothing to answer; anything else was cut or came from somebody in between.
fn whole(answer: Answer) -> Exchange {
    let empty_on_purpose = matches!(answer.status, 204 | 205);
    if answer.good() && !empty_on_purpose && serde_json::from_str::<serde::de::IgnoredAny>(&answer.body).is_err() {
        let bytes = answer.body.len();
        return Exchange::Lost(anyhow::anyhow!("the answer ({}, {bytes} bytes) is cut off or no JSON", answer.status));
    }
    Exchange::Answered(answer)
}

fn broken(error: octocrab::Error) -> Exchange {
    let unsent = anyhow::Chain::new(&error).filter_map(|error| error.downcast_ref::<reqwest::Error>()).any(reqwest::Error::is_connect);
    let cause = cause(&error);
    match unsent {
        true if format!("{cause:#}").contains("certificate") => Exchange::Distrusted(cause.context("no trusted connection")),
        true => Exchange::Unsent(cause.context("no connection")),
        false => Exchange::Lost(cause.context("no answer")),
    }
}

/// The chain below octocrab's own words, which carry a backtrace and little else.
fn cause(error: &octocrab::Error) -> anyhow::Error {
    let mut lines: Vec<String> = Vec::new();
    for line in anyhow::Chain::new(error).filter(|error| !error.is::<octocrab::Error>()).map(ToString::to_string) {
        if !lines.iter().any(|known| known.contains(&line)) {
            lines.push(line);
        }
    }
    let mut lines = lines.into_iter().rev();
    let innermost = anyhow::anyhow!("{}", lines.next().unwrap_or_else(|| "the connection failed".into()));
    lines.fold(innermost, |error, line| error.context(line))
}
