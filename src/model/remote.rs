//! A model behind HTTP: one request, tried again within one budget while another try can help.

use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::codec::{Codec, Reader, Unread};
use super::connect::{Heard, Model};
use super::events::Events;
use super::http::{Cut, Head, Http, Patience};
use super::problem::{Asked, Problem, judge};
use super::{Answer, Conversation};
use crate::error::{Failure, Kind, Result};
use crate::sandbox::Cancel;

/// More than any real answer: what is longer is no answer.
const LARGEST_ANSWER: usize = 64 << 20;
/// How often a request is sent again without something the server does not know.
const LEFT_OUT_AT_MOST: u32 = 3;

/// A model behind HTTP.
pub(super) struct Remote {
    /// `provider/name`.
    pub(super) name: String,
    /// The name alone.
    pub(super) model: String,
    /// The wire format.
    pub(super) codec: Box<dyn Codec>,
    /// Where requests go.
    pub(super) url: Url,
    /// All headers, the key among them.
    pub(super) headers: HeaderMap,
    /// Taken out of what errors say.
    pub(super) key: Option<SecretString>,
    /// Named in hints.
    pub(super) key_variable: String,
    /// Longest silence.
    pub(super) idle: Duration,
    /// All tries together.
    pub(super) budget: Duration,
    /// The waits between tries.
    pub(super) backoff: Backoff,
    /// Made when first needed.
    pub(super) http: Option<Http>,
}

/// Full jitter: a random share of a limit that doubles with each try.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    /// The first limit.
    pub(super) first: Duration,
    /// The largest limit.
    pub(super) most: Duration,
}

impl Backoff {
    /// The wait after try `number` (from 0); never shorter than the server asks for.
    fn wait(&self, number: u32, asked: Option<Duration>) -> Duration {
        let limit = self.first.saturating_mul(1 << number.min(16)).min(self.most);
        let jitter = limit.mul_f64(fastrand::f64());
        // many clients are told the same moment: spread them behind it
        asked.map_or(jitter, |asked| asked.saturating_add(jitter.min(self.first)))
    }
}

impl Model for Remote {
    fn name(&self) -> &str {
        &self.name
    }

    fn answer(
        &mut self,
        conversation: &Conversation,
        deadline: Instant,
        hear: &mut dyn FnMut(Heard<'_>),
        cancel: &Cancel,
    ) -> Result<Answer> {
        cancel.check()?;
        let patience = Patience { deadline, idle: self.idle, cancel };
        let (began, mut tries) = (Instant::now(), 0);
        loop {
            let (failure, asked) = match self.attempt(conversation, &patience, &mut |words| hear(Heard::Words(words)))? {
                Ok(answer) => return Ok(answer),
                Err(Problem::Lasting(failure)) => return Err(failure),
                Err(Problem::Passing(failure, asked)) => (failure, asked),
            };
            let wait = self.backoff.wait(tries, asked);
            tries += 1;
            if began.elapsed().saturating_add(wait) >= self.budget {
                return Err(self.given_up(failure, tries, asked));
            }
            if Instant::now() + wait >= deadline {
                return Err(late(Some(failure)));
            }
            hear(Heard::Again(failure.line(), wait));
            self.http()?.pause(wait, &patience).or_else(|cut| self.cut(cut).map(drop))?;
        }
    }
}

impl Remote {
    /// The client, made now if it was not yet.
    fn http(&mut self) -> Result<&Http> {
        let http = match self.http.take() {
            Some(http) => http,
            None => Http::new(&self.url)?,
        };
        Ok(self.http.insert(http))
    }

    /// One try; sent again at once without what this server does not know. The outer failure ends all tries.
    fn attempt(
        &mut self,
        conversation: &Conversation,
        patience: &Patience<'_>,
        delta: &mut dyn FnMut(&str),
    ) -> Result<Result<Answer, Problem>> {
        let mut left_out = 0;
        loop {
            let body = self.codec.request(conversation).to_string().into_bytes();
            let mut intake = Intake::new(self.codec.reader(conversation), delta);
            let (url, headers) = (self.url.clone(), self.headers.clone());
            let end = self.http()?.post(&url, &headers, body, patience, &mut |head, bytes| intake.piece(head, bytes));
            let head = match end {
                Ok(head) => head,
                Err(cut) => return self.cut(cut).map(Err),
            };
            let refused = matches!(head.status, 400 | 422) && left_out < LEFT_OUT_AT_MOST;
            if refused && self.codec.leave_out(&String::from_utf8_lossy(&intake.plain)) {
                left_out += 1;
                continue;
            }
            return Ok(intake.end(&head).map_err(|unread| self.problem(unread, &head)));
        }
    }

    fn problem(&self, unread: Unread, head: &Head) -> Problem {
        match unread {
            Unread::Broken(what) => Problem::broken(format_args!("{}: {what}", self.host())),
            Unread::Refused(status, body) => {
                let body = match &self.key {
                    Some(key) => body.replace(key.expose_secret().trim(), "[key]"),
                    None => body,
                };
                let asked = Asked { model: &self.model, host: self.host(), key_variable: &self.key_variable };
                judge(status, &body, head.retry_after, &asked)
            }
        }
    }

    /// What a cut means: another try, or the end of all.
    fn cut(&self, cut: Cut) -> Result<Problem> {
        let host = self.host();
        match cut {
            Cut::Broken(error) => {
                let doing = if error.is_connect() { "connecting to" } else { "talking to" };
                let cause = anyhow::Error::new(error.without_url()).context(format!("{doing} {host}"));
                Ok(Problem::Passing(Failure { kind: Kind::Model, cause, hints: Vec::new() }, None))
            }
            Cut::Silent => {
                let failure = Failure::new(Kind::Model, format_args!("{host} said nothing for {} s", self.idle.as_secs()));
                Ok(Problem::Passing(failure.hint("a slow model may need a larger model.idle_timeout"), None))
            }
            Cut::Late => Err(late(None)),
            Cut::Stopped(failure) => Err(failure),
        }
    }

    fn given_up(&self, failure: Failure, tries: u32, asked: Option<Duration>) -> Failure {
        let budget = self.budget.as_secs();
        let failure = match asked.filter(|asked| *asked > self.budget) {
            Some(asked) => failure.hint(format!("the provider asks to wait {} s: run loom again then", asked.as_secs())),
            None => failure.hint("run loom again later: finished turns are kept; model.retry_budget sets how long it tries"),
        };
        failure.context(format_args!("no answer from {} after {tries} tries within {budget} s", self.name))
    }

    fn host(&self) -> &str {
        self.url.host_str().unwrap_or("the server")
    }
}

fn late(last: Option<Failure>) -> Failure {
    let failure = last.unwrap_or_else(|| Failure::new(Kind::Budget, "the model was still answering"));
    failure.of_kind(Kind::Budget).context("the deadline passed before the model had answered")
}

/// Takes the bytes of one answer, be it a stream of events or one piece of JSON.
struct Intake<'a> {
    reader: Box<dyn Reader>,
    delta: &'a mut dyn FnMut(&str),
    events: Events,
    plain: Vec<u8>,
    size: usize,
    wrong: Option<Unread>,
}

impl<'a> Intake<'a> {
    fn new(reader: Box<dyn Reader>, delta: &'a mut dyn FnMut(&str)) -> Intake<'a> {
        Intake { reader, delta, events: Events::default(), plain: Vec::new(), size: 0, wrong: None }
    }

    /// The next bytes; false when there is no sense in more.
    fn piece(&mut self, head: &Head, bytes: &[u8]) -> bool {
        self.size += bytes.len();
        if self.size > LARGEST_ANSWER {
            self.wrong = Some(Unread::Broken("the answer never ends"));
            return false;
        }
        if !head.events || head.status >= 300 {
            self.plain.extend_from_slice(bytes);
            return true;
        }
        let (reader, delta) = (&mut self.reader, &mut *self.delta);
        self.wrong = self.events.feed(bytes, |data| read_event(data, reader.as_mut(), delta)).err();
        self.wrong.is_none()
    }

    /// The answer, or what is wrong with it.
    fn end(mut self, head: &Head) -> Result<Answer, Unread> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        if head.status >= 300 {
            return Err(Unread::Refused(head.status, String::from_utf8_lossy(&self.plain).into_owned()));
        }
        let (reader, delta) = (&mut self.reader, &mut *self.delta);
        if head.events {
            self.events.end(|data| read_event(data, reader.as_mut(), delta))?;
        } else if let Ok(body) = serde_json::from_slice::<Value>(&self.plain) {
            reader.whole(&body)?;
        } else if self.plain.windows(5).any(|five| five == b"data:") {
            // a stream under a wrong name
            self.events.feed(&self.plain, |data| read_event(data, reader.as_mut(), delta))?;
            self.events.end(|data| read_event(data, reader.as_mut(), delta))?;
        } else {
            return Err(Unread::Broken("the answer is no JSON"));
        }
        self.reader.finish()
    }
}

fn read_event(data: &[u8], reader: &mut dyn Reader, delta: &mut dyn FnMut(&str)) -> Result<(), Unread> {
    if data.trim_ascii() == b"[DONE]" {
        reader.done();
        return Ok(());
    }
    match serde_json::from_slice::<Value>(data) {
        Ok(value) => reader.event(&value, delta),
        Err(_) if data.trim_ascii().is_empty() => Ok(()),
        Err(_) => Err(Unread::Broken("an event of the stream is no JSON")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{Script, Server, ask, ask_with};
    use super::super::{Message, Role, Stop};
    use super::*;
    use crate::config::{ModelSettings, Span};

    const GOOD: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"fine\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

    fn hello() -> Conversation {
        let blocks = vec![super::super::Block::Text { text: "hello".into() }];
        Conversation { messages: vec![Message { role: Role::User, blocks }], ..Conversation::default() }
    }

    fn good() -> Script {
        Script::stream(GOOD, 11)
    }

    #[test]
    fn passing_troubles_are_tried_again() {
        let waits = Script { headers: "retry-after: 0\r\ncontent-type: application/json\r\n", ..Script::plain(429, "{}") };
        let nonsense = Script::plain(200, "<html>maintenance</html>");
        let broken_event = Script::stream("data: {\"choi\n\n", 4);
        let cut_off = Script::stream(&GOOD[..40], 7);
        let promised =
            Script { headers: "content-type: application/json\r\ncontent-length: 900\r\n", ..Script::plain(200, "{\"choices\"") };
        let scripts =
            vec![waits, Script::plain(502, "bad gateway"), Script::plain(529, "{}"), nonsense, broken_event, cut_off, promised, good()];
        let count = scripts.len();
        let server = Server::play(scripts);
        let (answer, _) = ask("compatible", &server.url, &hello());
        assert_eq!(answer.unwrap().stop, Stop::End);
        assert_eq!(server.asked().len(), count);
    }

    #[test]
    fn lasting_troubles_are_not_and_never_show_the_key() {
        for status in [400, 401, 403, 404, 413] {
            let server = Server::play(vec![Script::plain(status, r#"{"error":{"message":"bad key k-secret"}}"#), good()]);
            let failure = ask("openai", &server.url, &hello()).0.unwrap_err();
            assert_eq!(server.asked().len(), 1, "{status}");
            assert!(!failure.hints.is_empty() && !format!("{failure:?}").contains("k-secret"), "{failure:?}");
        }
    }

    #[test]
    fn one_budget_holds_all_tries() {
        let settings = ModelSettings { retry_budget: Span::seconds(1), ..ModelSettings::default() };
        let patient = Script { headers: "retry-after: 7200\r\n", ..Script::plain(503, "later") };
        let server = Server::play(vec![patient, good()]);
        let failure = ask_with(&settings, "openai", &server.url, &hello(), &Cancel::default(), Duration::from_secs(60)).0.unwrap_err();
        assert_eq!(failure.kind, Kind::Model);
        assert!(failure.hints[0].contains("7200") && failure.line().contains("503"), "{failure:?}");
        assert_eq!(server.asked().len(), 1);
        let nobody = "http://127.0.0.1:1";
        let settings = ModelSettings { retry_budget: "50ms".parse().unwrap(), ..ModelSettings::default() };
        let failure = ask_with(&settings, "openai", nobody, &hello(), &Cancel::default(), Duration::from_secs(60)).0.unwrap_err();
        assert!(failure.line().contains("connecting to 127.0.0.1"), "{failure:?}");
    }

    #[test]
    fn silence_ends_by_idle_time_deadline_or_stop() {
        let silent = || Server::play(vec![Script { hang: true, ..Script::stream(&GOOD[..20], 20) }, good()]);
        let (server, never) = (silent(), Cancel::default());
        let settings = ModelSettings { idle_timeout: "100ms".parse().unwrap(), ..ModelSettings::default() };
        let minute = Duration::from_secs(60);
        assert!(ask_with(&settings, "openai", &server.url, &hello(), &never, minute).0.is_ok());
        assert_eq!(server.asked().len(), 2);

        let server = silent();
        let failure =
            ask_with(&ModelSettings::default(), "openai", &server.url, &hello(), &never, Duration::from_millis(80)).0.unwrap_err();
        assert_eq!(failure.kind, Kind::Budget);

        let (server, cancel) = (silent(), Cancel::default());
        let (url, soon) = (server.url.clone(), cancel.clone());
        let watcher = std::thread::spawn(move || {
            server.wait_until_asked();
            soon.request(Kind::Interrupted);
            (Instant::now(), server)
        });
        let failure = ask_with(&ModelSettings::default(), "openai", &url, &hello(), &cancel, minute).0.unwrap_err();
        let (stopped, _server) = watcher.join().unwrap();
        assert_eq!(failure.kind, Kind::Interrupted);
        assert!(stopped.elapsed() < Duration::from_secs(5), "noticed late: {:?}", stopped.elapsed());
    }
}
