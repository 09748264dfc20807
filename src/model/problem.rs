//! What can go wrong with one try of a request, and whether another try can help.

use std::time::Duration;

use crate::error::{Failure, Kind};

/// One try failed.
#[derive(Debug)]
pub(super) enum Problem {
    /// Another try may help, after at least this long.
    Passing(Failure, Option<Duration>),
    /// No other try will help.
    Lasting(Failure),
}

/// The conversation does not fit into the model's context; a shorter one may.
#[derive(Debug, thiserror::Error)]
#[error("the conversation is longer than the model's context: {0}")]
pub struct ContextTooLong(pub String);

/// Who was asked, for the words of an error.
pub(super) struct Asked<'a> {
    /// The model's name without the provider.
    pub(super) model: &'a str,
    /// `api.anthropic.com` or the like.
    pub(super) host: &'a str,
    /// The variable the key is read from.
    pub(super) key_variable: &'a str,
}

impl Problem {
    /// A stream or connection that broke.
    pub(super) fn broken(what: impl std::fmt::Display) -> Problem {
        Problem::Passing(Failure::new(Kind::Model, what), None)
    }
}

/// Judges an answer that is an error: `status` as sent (or as the error's type stands for), `body` its text.
pub(super) fn judge(status: u16, body: &str, after: Option<Duration>, asked: &Asked<'_>) -> Problem {
    let said = message_of(body);
    let Asked { model, host, key_variable } = asked;
    let what = format!("{host} answered {status}: {said}");
    let model_failure = || Failure::new(Kind::Model, &what);
    if is_out_of_credit(status, body) {
        return Problem::Lasting(
            model_failure().hint("the provider's account is out of credit or over its quota: top it up, or use another key"),
        );
    }
    match status {
        408 | 409 | 425 | 429 | 500.. => Problem::Passing(model_failure(), after),
        401 => Problem::Lasting(
            Failure::new(Kind::Config, format_args!("the model provider refused the key: {what}"))
                .hint(format!("check the key in {key_variable}; model.api_key_env names another variable")),
        ),
        402 | 403 => Problem::Lasting(
            Failure::new(Kind::Config, format_args!("the key may not use {model}: {what}"))
                .hint(format!("check the rights of the key in {key_variable}, or choose another model by model.name")),
        ),
        413 => Problem::Lasting(too_long(&what)),
        400 | 422 if is_too_long(body) => Problem::Lasting(too_long(&what)),
        400 if is_filtered(body) => Problem::Lasting(
            Failure::new(Kind::Model, format_args!("the provider's content filter refused the request: {what}"))
                .hint("the issue or a file it quotes trips the filter: reword the issue, or use another provider by model.name"),
        ),
        404 => Problem::Lasting(
            Failure::new(Kind::Config, format_args!("no model {model:?}: {what}"))
                .hint("check the spelling of model.name; if it is right, check model.base_url"),
        ),
        300..400 => Problem::Lasting(
            Failure::new(Kind::Config, format_args!("{host} redirects ({status}), and requests with a key are not redirected"))
                .hint("set model.base_url to the address it redirects to"),
        ),
        _ => Problem::Lasting(model_failure().hint("check model.name, model.base_url and model.headers")),
    }
}

fn too_long(what: &str) -> Failure {
    Failure { kind: Kind::Model, cause: ContextTooLong(what.to_owned()).into(), hints: Vec::new() }
        .hint("use a model with a larger context, or lower model.max_output_tokens")
}

fn contains_any(text: &str, needles: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    needles.iter().any(|needle| text.contains(needle))
}

fn is_out_of_credit(status: u16, body: &str) -> bool {
    matches!(status, 400 | 402 | 429)
        && contains_any(body, &["insufficient_quota", "credit balance", "billing_error", "billing_not_active"])
}

fn is_too_long(body: &str) -> bool {
    let signs = [
        "context_length_exceeded",
        "prompt is too long",
        "context length",
        "context window",
        "context size",
        "maximum context",
        "too many tokens",
    ];
    contains_any(body, &signs)
}

fn is_filtered(body: &str) -> bool {
    contains_any(body, &["content_filter", "content_policy", "content management policy", "responsibleaipolicy"])
}

/// The words of an error body, whatever its shape, in one line.
pub(super) fn message_of(body: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let places = ["/error/message", "/0/error/message", "/message", "/detail", "/error"];
    let found = places.iter().find_map(|place| json.pointer(place).and_then(|value| value.as_str()));
    let words: Vec<&str> = found.unwrap_or(body).split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(400) {
        Some((end, _)) => format!("{} ...", &line[..end]),
        None if line.is_empty() => "(nothing)".to_owned(),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, body: &str) -> Problem {
        judge(status, body, None, &Asked { model: "m-1", host: "h.example", key_variable: "SOME_KEY" })
    }

    #[test]
    fn only_passing_troubles_are_tried_again() {
        for status in [408, 429, 500, 502, 503, 529] {
            assert!(matches!(judged(status, "{}"), Problem::Passing(..)), "{status}");
        }
        for status in [301, 400, 401, 402, 403, 404, 413, 422] {
            assert!(matches!(judged(status, "{}"), Problem::Lasting(_)), "{status}");
        }
        assert!(matches!(judged(429, r#"{"error":{"code":"insufficient_quota"}}"#), Problem::Lasting(_)));
    }

    #[test]
    fn hints_name_what_to_change() {
        let lasting = |status, body| match judged(status, body) {
            Problem::Lasting(failure) => failure,
            other => panic!("{other:?}"),
        };
        let wrong_key = lasting(401, r#"{"error":{"message":"invalid x-api-key"}}"#);
        assert_eq!(wrong_key.kind, Kind::Config);
        assert!(wrong_key.line().contains("invalid x-api-key") && wrong_key.hints[0].contains("SOME_KEY"));
        let unknown = lasting(404, r#"{"error":"model not found"}"#);
        assert!(unknown.line().contains("\"m-1\"") && unknown.hints[0].contains("model.name"));
        let long = lasting(400, r#"{"error":{"message":"prompt is too long: 250000 tokens > 200000 maximum"}}"#);
        assert!(long.cause.downcast_ref::<ContextTooLong>().is_some());
        let filtered = lasting(400, r#"{"error":{"code":"content_filter","message":"The response was filtered"}}"#);
        assert_eq!(filtered.kind, Kind::Model);
        assert!(filtered.line().contains("content filter"));
    }

    #[test]
    fn any_body_has_words() {
        assert_eq!(message_of(r#"[{"error":{"message":"a\n b"}}]"#), "a b");
        assert_eq!(message_of("<html>\n oops"), "<html> oops");
        assert_eq!(message_of(""), "(nothing)");
        assert!(message_of(&"ä".repeat(5000)).len() < 900);
    }
}
