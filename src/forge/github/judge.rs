//! Tells apart what may go away by itself, what asks for a pause and what stays. Owns GitHub's rules about rate limits.

use std::time::Duration;

use jiff::Timestamp;

use super::super::retry::Trouble;
use super::line::{Answer, Exchange};
use super::refusal::Words;

/// GitHub's advice for a secondary limit without a named pause.
const UNNAMED_PAUSE: Duration = Duration::from_secs(60);

/// What an exchange means for the next try.
pub(super) enum Judgement {
    /// Good or bad, the answer stays the same.
    Final(Answer),
    /// The other side cannot be spoken to.
    Hopeless(anyhow::Error),
    /// Another try may help.
    Again {
        trouble: Trouble,
        /// False when the server certainly did nothing.
        maybe_done: bool,
    },
}

/// Judges one exchange; `now` is the wall clock.
pub(super) fn judge(exchange: Exchange, now: Timestamp) -> Judgement {
    match exchange {
        Exchange::Distrusted(cause) => Judgement::Hopeless(cause),
        Exchange::Unsent(cause) => Judgement::Again { trouble: Trouble::Transient(cause), maybe_done: false },
        Exchange::Lost(cause) => Judgement::Again { trouble: Trouble::Transient(cause), maybe_done: true },
        Exchange::Answered(answer) => judge_answer(answer, now),
    }
}

fn judge_answer(answer: Answer, now: Timestamp) -> Judgement {
    match answer.status {
        403 | 429 => match pause(&answer, now) {
            Some(pause) => {
                let says = format!("GitHub answered {}: {}", answer.status, Words::of(&answer));
                Judgement::Again { trouble: Trouble::Limited { pause, says }, maybe_done: false }
            }
            None => Judgement::Final(answer),
        },
        408 | 500 | 502 | 503 | 504 => {
            let says = format!("GitHub answered {}: {}", answer.status, Words::of(&answer));
            let trouble = match named_pause(&answer, now) {
                Some(pause) => Trouble::Limited { pause, says },
                None => Trouble::Transient(anyhow::anyhow!(says)),
            };
            Judgement::Again { trouble, maybe_done: true }
        }
        _ => Judgement::Final(answer),
    }
}

/// How long a limit asks to wait; none when the refusal is about rights.
fn pause(answer: &Answer, now: Timestamp) -> Option<Duration> {
    if let Some(pause) = named_pause(answer, now) {
        return Some(pause);
    }
    if answer.header("x-ratelimit-remaining") == Some("0") {
        let reset = answer.header("x-ratelimit-reset")?.trim().parse().ok()?;
        return Some(until(Timestamp::from_second(reset).ok()?, now));
    }
    let limited = answer.status == 429 || Words::of(answer).to_string().to_ascii_lowercase().contains("rate limit");
    limited.then_some(UNNAMED_PAUSE)
}

/// `Retry-After`: seconds, or a date.
fn named_pause(answer: &Answer, now: Timestamp) -> Option<Duration> {
    let text = answer.header("retry-after")?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(until(date.timestamp(), now))
}

fn until(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn judged(status: u16, headers: &[(&'static str, &str)], body: &str) -> Judgement {
        let headers = HeaderMap::from_iter(
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())),
        );
        judge(Exchange::Answered(Answer { status, headers, body: body.into() }), Timestamp::from_second(1000).unwrap())
    }

    fn asked_pause(judgement: Judgement) -> Option<u64> {
        match judgement {
            Judgement::Again { trouble: Trouble::Limited { pause, .. }, .. } => Some(pause.as_secs()),
            _ => None,
        }
    }

    #[test]
    fn limits_name_their_pause_in_several_ways() {
        let limited = r#"{"message": "You have exceeded a secondary rate limit."}"#;
        assert_eq!(asked_pause(judged(403, &[("retry-after", "7")], limited)), Some(7));
        assert_eq!(asked_pause(judged(429, &[("retry-after", "Thu, 01 Jan 1970 00:17:00 GMT")], limited)), Some(20));
        assert_eq!(asked_pause(judged(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1090")], limited)), Some(90));
        assert_eq!(asked_pause(judged(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "900")], limited)), Some(0));
        assert_eq!(asked_pause(judged(403, &[("x-ratelimit-remaining", "4000")], limited)), Some(60));
        assert_eq!(asked_pause(judged(429, &[], "")), Some(60));
        assert_eq!(asked_pause(judged(503, &[("retry-after", "3")], "")), Some(3));
    }

    #[test]
    fn a_missing_right_is_final() {
        let body = r#"{"message": "Resource not accessible by integration"}"#;
        assert!(matches!(judged(403, &[("x-ratelimit-remaining", "4999")], body), Judgement::Final(_)));
        for status in [200, 301, 401, 404, 410, 422] {
            assert!(matches!(judged(status, &[], "{}"), Judgement::Final(_)), "{status}");
        }
    }

    #[test]
    fn only_what_never_arrived_is_certainly_undone() {
        for (exchange, expected) in [
            (Exchange::Unsent(anyhow::anyhow!("refused")), false),
            (Exchange::Lost(anyhow::anyhow!("reset")), true),
            (Exchange::Answered(Answer { status: 502, headers: HeaderMap::new(), body: "<html>".into() }), true),
        ] {
            let Judgement::Again { maybe_done, .. } = judge(exchange, Timestamp::UNIX_EPOCH) else { panic!("final") };
            assert_eq!(maybe_done, expected);
        }
    }
}
