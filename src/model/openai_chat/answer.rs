//! Reads answers of Chat Completions, however sloppy: every field may be missing, streams may come as one piece of JSON, calls
//! without ids or indices.

use serde_json::{Map, Value, json};

use super::CODEC;
use crate::model::codec::{Reader, Unread, input_from_text, tokens};
use crate::model::{Answer, Block, Message, Role, Stop};
use crate::task::Usage;

/// Fields with a model's reasoning; servers differ, and some want it back.
const REASONING: [&str; 3] = ["reasoning_content", "reasoning", "reasoning_details"];

/// An answer as it grows.
#[derive(Default)]
pub(super) struct Reading {
    /// Messages before this one: makes invented ids unique.
    turn: usize,
    text: String,
    refusal: String,
    reasoning: Map<String, Value>,
    calls: Vec<Growing>,
    finish: Option<String>,
    usage: Value,
    done: bool,
    anything: bool,
}

/// A call as it grows.
#[derive(Default)]
struct Growing {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

impl Reader for Reading {
    fn event(&mut self, data: &Value, delta: &mut dyn FnMut(&str)) -> Result<(), Unread> {
        if data.get("error").is_some_and(|error| !error.is_null()) {
            return Err(stream_error(data));
        }
        if data["usage"].is_object() {
            self.usage = data["usage"].clone();
        }
        let choice = &data["choices"][0];
        // a server may answer a stream's request with whole messages inside events
        let piece = if choice["delta"].is_object() { &choice["delta"] } else { &choice["message"] };
        self.take(piece, delta);
        if let Some(reason) = choice["finish_reason"].as_str() {
            self.finish = Some(reason.to_owned());
        }
        Ok(())
    }

    fn whole(&mut self, body: &Value) -> Result<(), Unread> {
        let has_choice = body["choices"][0].is_object();
        if !has_choice && body.get("error").is_none() {
            return Err(Unread::Broken("the answer has no choices"));
        }
        self.done = true;
        self.event(body, &mut |_| {})
    }

    fn done(&mut self) {
        self.done = true;
    }

    fn finish(self: Box<Self>) -> Result<Answer, Unread> {
        if !self.done && self.finish.is_none() {
            return Err(Unread::Broken("the stream broke off before the answer's end"));
        }
        if !self.anything && self.finish.is_none() {
            return Err(Unread::Broken("the answer is empty"));
        }
        let (stop, usage) = (self.stop(), self.counted());
        let mut blocks = Vec::new();
        if !self.reasoning.is_empty() {
            blocks.push(Block::Provider { codec: CODEC.to_owned(), raw: Value::Object(self.reasoning) });
        }
        if !self.text.is_empty() {
            blocks.push(Block::Text { text: self.text });
        }
        for (number, call) in self.calls.into_iter().enumerate() {
            let id = if call.id.is_empty() { format!("call_{}_{number}", self.turn) } else { call.id };
            blocks.push(Block::Call { id, name: call.name, input: input_from_text(&call.arguments) });
        }
        Ok(Answer { message: Message { role: Role::Assistant, blocks }, stop, usage })
    }
}

impl Reading {
    /// An answer to a conversation of so many messages.
    pub(super) fn after(messages: usize) -> Reading {
        Reading { turn: messages, ..Reading::default() }
    }

    fn take(&mut self, piece: &Value, delta: &mut dyn FnMut(&str)) {
        self.anything |= piece.as_object().is_some_and(|fields| !fields.is_empty());
        let words = words_of(&piece["content"]);
        if !words.is_empty() {
            delta(&words);
            self.text.push_str(&words);
        }
        self.refusal.push_str(piece["refusal"].as_str().unwrap_or_default());
        for field in REASONING {
            self.reason(field, &piece[field]);
        }
        for call in piece["tool_calls"].as_array().into_iter().flatten() {
            self.call(call);
        }
        if piece["function_call"].is_object() {
            self.call(&json!({ "index": 0, "function": piece["function_call"] }));
        }
    }

    fn reason(&mut self, field: &str, piece: &Value) {
        match (piece, self.reasoning.get_mut(field)) {
            (Value::String(more), _) if more.is_empty() => {}
            (Value::String(more), Some(Value::String(before))) => before.push_str(more),
            (Value::Array(more), Some(Value::Array(before))) => before.extend(more.iter().cloned()),
            (Value::String(_) | Value::Array(_), None) => drop(self.reasoning.insert(field.to_owned(), piece.clone())),
            _ => {}
        }
    }

    /// A piece of a call belongs to the call with its index; servers that leave the index out, or always say 0, send a new id
    /// with each new call.
    fn call(&mut self, piece: &Value) {
        let index = piece["index"].as_u64();
        let id = piece["id"].as_str().unwrap_or_default();
        let function = &piece["function"];
        let name = function["name"].as_str().unwrap_or_default();
        let same = |one: &Growing| match index {
            Some(_) => one.index == index,
            None => id.is_empty() || one.id == id,
        };
        let known = self.calls.iter().rposition(same).filter(|at| {
            let one = &self.calls[*at];
            id.is_empty() || one.id.is_empty() || one.id == id || name.is_empty()
        });
        let at = known.unwrap_or_else(|| {
            self.calls.push(Growing { index, ..Growing::default() });
            self.calls.len() - 1
        });
        let call = &mut self.calls[at];
        if call.id.is_empty() {
            call.id = id.to_owned();
        }
        if call.name.is_empty() {
            call.name = name.to_owned();
        }
        match &function["arguments"] {
            Value::String(more) => call.arguments.push_str(more),
            Value::Null => {}
            whole => call.arguments = whole.to_string(),
        }
    }

    fn stop(&self) -> Stop {
        match self.finish.as_deref() {
            _ if !self.refusal.is_empty() => Stop::Refusal(self.refusal.clone()),
            Some("length") => Stop::Length,
            Some("content_filter") => {
                Stop::Refusal(if self.text.is_empty() { "the provider's content filter".into() } else { self.text.clone() })
            }
            // some servers say "stop" after calls as well
            _ if !self.calls.is_empty() => Stop::Calls,
            Some("stop" | "eos" | "end_turn") | None => Stop::End,
            Some(other) => Stop::Other(other.to_owned()),
        }
    }

    fn counted(&self) -> Usage {
        let cached = tokens(&self.usage["prompt_tokens_details"], "cached_tokens").max(tokens(&self.usage, "prompt_cache_hit_tokens"));
        Usage {
            requests: 1,
            input_tokens: tokens(&self.usage, "prompt_tokens"),
            cached_tokens: cached,
            output_tokens: tokens(&self.usage, "completion_tokens"),
        }
    }
}

/// An error inside a stream that began well: its code is a status, or its type must do.
fn stream_error(data: &Value) -> Unread {
    let error = &data["error"];
    let code = error["code"].as_u64().or_else(|| error["code"].as_str().and_then(|text| text.parse().ok()));
    let status = code.and_then(|code| u16::try_from(code).ok()).filter(|code| (400..600).contains(code));
    let invalid = error["type"].as_str().is_some_and(|kind| kind.contains("invalid_request"));
    Unread::Refused(status.unwrap_or(if invalid { 400 } else { 500 }), data.to_string())
}

/// The words of a content, be it a text or a list of parts.
fn words_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Conversation;
    use crate::model::scripted::{Script, Server, ask};

    fn events(events: &[Value]) -> String {
        let lines = events.iter().map(|event| format!("data: {event}\n\n"));
        lines.chain(["data: [DONE]\n\n".to_owned()]).collect()
    }

    fn piece(delta: Value) -> Value {
        json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
    }

    fn answered(script: Script) -> Answer {
        let server = Server::play(vec![script]);
        ask("compatible", &format!("{}/v1", server.url), &Conversation::default()).0.unwrap()
    }

    fn call(id: &str, input: Value) -> Block {
        Block::Call { id: id.into(), name: "read".into(), input }
    }

    #[test]
    fn a_streamed_answer_is_the_same_in_any_pieces() {
        let stream = events(&[
            piece(json!({"role": "assistant", "content": ""})),
            piece(json!({"reasoning_content": "h"})),
            piece(json!({"reasoning_content": "m"})),
            piece(json!({"content": "Loök"})),
            piece(json!({"content": "ing."})),
            piece(
                json!({"tool_calls": [{"index": 0, "id": "x", "type": "function", "function": {"name": "read", "arguments": "{\"path\""}}]}),
            ),
            piece(json!({"tool_calls": [{"index": 0, "function": {"arguments": ":\"a\"}"}}]})),
            piece(json!({"tool_calls": [{"index": 1, "id": "y", "function": {"name": "read", "arguments": "{oops"}}]})),
            json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
            json!({"choices": [], "usage": {"prompt_tokens": 70, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 64}}}),
        ]);
        for size in [1, 13, 100_000] {
            let answer = answered(Script::stream(&stream, size));
            assert_eq!(answer.stop, Stop::Calls);
            assert_eq!(answer.usage, Usage { requests: 1, input_tokens: 70, cached_tokens: 64, output_tokens: 9 });
            let reasoning = Block::Provider { codec: "openai-chat".into(), raw: json!({"reasoning_content": "hm"}) };
            let words = Block::Text { text: "Loöking.".into() };
            assert_eq!(answer.message.blocks, [reasoning, words, call("x", json!({"path": "a"})), call("y", json!("{oops"))]);
        }
    }

    #[test]
    fn sloppy_servers_are_understood() {
        // plain JSON though a stream was asked for; arguments as an object; no id; "stop" after calls
        let plain = json!({"choices": [{"message": {"content": null, "tool_calls": [{"function": {"name": "read", "arguments": {"path": "a"}}}]},
            "finish_reason": "stop"}]});
        let answer = answered(Script::plain(200, &plain.to_string()));
        assert_eq!((answer.stop, answer.usage.total()), (Stop::Calls, 0));
        assert_eq!(answer.message.blocks, [call("call_0_0", json!({"path": "a"}))]);
        // always index 0, or none, each call whole with its own id
        for index in [json!(0), json!(null)] {
            let whole = |id: &str| json!({"tool_calls": [{"index": index, "id": id, "function": {"name": "read", "arguments": "{}"}}]});
            let answer = answered(Script::stream(&events(&[piece(whole("x")), piece(whole("y"))]), 40));
            assert_eq!(answer.message.blocks, [call("x", json!({})), call("y", json!({}))]);
        }
        // no finish reason, no [DONE], parts as content, wrong content type
        let mut script = Script::stream(
            "data: {\"choices\":[{\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]},\"finish_reason\":\"stop\"}]}",
            9,
        );
        script.headers = "content-type: text/plain\r\n";
        assert_eq!(answered(script).message.blocks, [Block::Text { text: "hi".into() }]);
    }

    #[test]
    fn refusals_are_told_apart() {
        let refusal = |field: &str, finish: &str| {
            let mut message = json!({});
            message[field] = json!("I cannot.");
            let body = json!({"choices": [{"message": message, "finish_reason": finish}]});
            answered(Script::plain(200, &body.to_string())).stop
        };
        assert_eq!(refusal("refusal", "stop"), Stop::Refusal("I cannot.".into()));
        assert_eq!(refusal("content", "content_filter"), Stop::Refusal("I cannot.".into()));
        assert_eq!(refusal("content", "length"), Stop::Length);
        assert_eq!(refusal("content", "odd"), Stop::Other("odd".into()));
    }
}
