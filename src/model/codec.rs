//! What a wire format must be able to do; one implementation per provider's format.

use serde_json::{Value, json};

use super::{Answer, Conversation};

/// Why a stream gave no answer.
#[derive(Debug)]
pub(super) enum Unread {
    /// It broke off, or makes no sense, in these words.
    Broken(&'static str),
    /// The server reports an error in it; the status is the one it came too late for.
    Refused(u16, String),
}

/// A provider's wire format: how to ask, and how to read what comes back.
pub(super) trait Codec: Send {
    /// Where requests go, from the configured base.
    fn endpoint(&self, base: &url::Url) -> url::Url;

    /// The header that carries the key, its value complete.
    fn key_header(&self, key: &str) -> (&'static str, String);

    /// Headers of each request, beside the key.
    fn headers(&self) -> &'static [(&'static str, &'static str)];

    /// The body of a streaming request.
    fn request(&self, conversation: &Conversation) -> Value;

    /// Reads one streamed answer to `conversation`.
    fn reader(&self, conversation: &Conversation) -> Box<dyn Reader>;

    /// After a request was refused with these words: leaves out what this server does not know. False when there is nothing to leave out.
    fn leave_out(&mut self, _refusal: &str) -> bool {
        false
    }
}

/// Puts an answer together from its parts.
pub(super) trait Reader {
    /// One event of the stream; `delta` hears new words.
    fn event(&mut self, data: &Value, delta: &mut dyn FnMut(&str)) -> Result<(), Unread>;

    /// The answer of a server that does not stream, in one piece.
    fn whole(&mut self, body: &Value) -> Result<(), Unread>;

    /// The server said `[DONE]`.
    fn done(&mut self) {}

    /// The stream is over: the answer, or what it lacks.
    fn finish(self: Box<Self>) -> Result<Answer, Unread>;
}

/// The input of a call from its text: nothing is an empty object, and what is no JSON stays a string as it came.
pub(super) fn input_from_text(text: &str) -> Value {
    if text.trim().is_empty() {
        return json!({});
    }
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// The input as it is sent back: providers accept nothing but an object.
pub(super) fn input_as_object(input: &Value) -> Value {
    match input {
        Value::Object(_) => input.clone(),
        other => json!({ "invalid_input": other }),
    }
}

/// A number of tokens, wherever it is missing zero.
pub(super) fn tokens(usage: &Value, field: &str) -> u64 {
    usage.get(field).and_then(|value| value.as_u64().or_else(|| value.as_f64().map(|float| float as u64))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_input_is_kept_and_sent_back_as_an_object() {
        assert_eq!(input_from_text(" "), json!({}));
        assert_eq!(input_from_text("{\"a\":1}"), json!({"a":1}));
        let broken = input_from_text("{\"a\":");
        assert_eq!(broken, json!("{\"a\":"));
        assert_eq!(input_as_object(&broken), json!({"invalid_input": "{\"a\":"}));
    }
}
