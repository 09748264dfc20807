//! The wire format of Chat Completions, as OpenAI and many compatible servers speak it. Reads sloppy answers: every field may
//! be missing, streams may come as one piece of JSON, calls without ids or indices.

use serde_json::{Map, Value, json};

use super::codec::{Codec, Reader, Unread, input_as_object, input_from_text, tokens};
use super::{Answer, Block, Conversation, Message, Role, Stop};
use crate::config::ModelSettings;
use crate::task::Usage;

/// The name on blocks that only this codec understands.
const CODEC: &str = "openai-chat";

/// Fields with a model's reasoning; servers differ, and some want it back.
const REASONING: [&str; 3] = ["reasoning_content", "reasoning", "reasoning_details"];

/// Chat Completions with one model.
pub(super) struct OpenAiChat {
    model: String,
    max_tokens: u32,
    temperature: Option<f64>,
    limit_field: &'static str,
    asks_usage: bool,
}

impl OpenAiChat {
    /// OpenAI itself.
    pub(super) fn openai(model: &str, settings: &ModelSettings) -> OpenAiChat {
        OpenAiChat { limit_field: "max_completion_tokens", ..OpenAiChat::compatible(model, settings) }
    }

    /// A server that speaks like it; those know the older name of the limit.
    pub(super) fn compatible(model: &str, settings: &ModelSettings) -> OpenAiChat {
        OpenAiChat {
            model: model.to_owned(),
            max_tokens: settings.max_output_tokens,
            temperature: settings.temperature,
            limit_field: "max_tokens",
            asks_usage: true,
        }
    }
}

impl Codec for OpenAiChat {
    fn endpoint(&self, base: &url::Url) -> url::Url {
        let mut url = base.clone();
        let path = base.path().trim_end_matches('/');
        let path = path.strip_suffix("/chat/completions").unwrap_or(path);
        url.set_path(&format!("{path}/chat/completions"));
        url
    }

    fn key_header(&self, key: &str) -> (&'static str, String) {
        ("authorization", format!("Bearer {key}"))
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn request(&self, conversation: &Conversation) -> Value {
        let mut body = json!({ "model": self.model, "stream": true, "messages": messages(conversation) });
        body[self.limit_field] = json!(self.max_tokens);
        if self.asks_usage {
            body["stream_options"] = json!({ "include_usage": true });
        }
        if !conversation.tools.is_empty() {
            let tools = conversation.tools.iter().map(|tool| {
                json!({ "type": "function", "function": { "name": tool.name, "description": tool.description, "parameters": tool.schema } })
            });
            body["tools"] = tools.collect();
        }
        if let Some(temperature) = self.temperature {
            body["temperature"] = json!(temperature);
        }
        body
    }

    fn reader(&self, conversation: &Conversation) -> Box<dyn Reader> {
        Box::new(Reading { turn: conversation.messages.len(), ..Reading::default() })
    }

    fn leave_out(&mut self, refusal: &str) -> bool {
        if self.asks_usage && (refusal.contains("stream_options") || refusal.contains("include_usage")) {
            self.asks_usage = false;
            return true;
        }
        let other = if self.limit_field == "max_tokens" { "max_completion_tokens" } else { "max_tokens" };
        let complains =
            refusal.contains(self.limit_field) && ["nsupported", "nrecognized", "nknown", "xtra"].iter().any(|word| refusal.contains(word));
        if complains {
            self.limit_field = other;
        }
        complains
    }
}

fn messages(conversation: &Conversation) -> Vec<Value> {
    let mut sent = Vec::with_capacity(conversation.messages.len() + 1);
    if !conversation.system.is_empty() {
        sent.push(json!({ "role": "system", "content": conversation.system }));
    }
    for message in &conversation.messages {
        match message.role {
            Role::Assistant => sent.push(assistant(message)),
            Role::User => user(message, &mut sent),
        }
    }
    sent
}

/// Results are messages of their own and come first: each must follow its call.
fn user(message: &Message, sent: &mut Vec<Value>) {
    for block in &message.blocks {
        if let Block::Result { id, text, .. } = block {
            sent.push(json!({ "role": "tool", "tool_call_id": id, "content": text }));
        }
    }
    let words = texts(message);
    if !words.is_empty() {
        sent.push(json!({ "role": "user", "content": words }));
    }
}

fn assistant(message: &Message) -> Value {
    let mut sent = json!({ "role": "assistant" });
    let (words, mut calls) = (texts(message), Vec::new());
    for block in &message.blocks {
        match block {
            Block::Call { id, name, input } => calls.push(json!({
                "id": id, "type": "function", "function": { "name": name, "arguments": input_as_object(input).to_string() },
            })),
            Block::Provider { codec, raw: Value::Object(fields) } if codec == CODEC => {
                for (field, value) in fields {
                    sent[field] = value.clone();
                }
            }
            _ => {}
        }
    }
    sent["content"] = if words.is_empty() && !calls.is_empty() { Value::Null } else { Value::String(words) };
    if !calls.is_empty() {
        sent["tool_calls"] = Value::Array(calls);
    }
    sent
}

fn texts(message: &Message) -> String {
    let texts = message.blocks.iter().filter_map(|block| match block {
        Block::Text { text } => Some(text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n\n")
}

/// An answer as it grows.
#[derive(Default)]
struct Reading {
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
    use super::super::ToolSpec;
    use super::super::scripted::{Script, Server, ask};
    use super::*;

    fn conversation() -> Conversation {
        let text = |text: &str| Block::Text { text: text.into() };
        Conversation {
            system: "be good".into(),
            tools: vec![ToolSpec { name: "read".into(), description: "reads".into(), schema: json!({"type": "object"}) }],
            messages: vec![
                Message { role: Role::User, blocks: vec![text("one")] },
                Message {
                    role: Role::Assistant,
                    blocks: vec![
                        Block::Provider { codec: "openai-chat".into(), raw: json!({"reasoning_content": "x"}) },
                        Block::Provider { codec: "anthropic".into(), raw: json!({"type": "thinking"}) },
                        Block::Call { id: "a".into(), name: "read".into(), input: json!({"path": "b"}) },
                        Block::Call { id: "b".into(), name: "read".into(), input: json!("{broken") },
                    ],
                },
                Message {
                    role: Role::User,
                    blocks: vec![
                        text("notice"),
                        Block::Result { id: "a".into(), text: "1".into(), error: false },
                        Block::Result { id: "b".into(), text: "2".into(), error: true },
                    ],
                },
            ],
        }
    }

    fn events(events: &[Value]) -> String {
        let lines = events.iter().map(|event| format!("data: {event}\n\n"));
        lines.chain(["data: [DONE]\n\n".to_owned()]).collect()
    }

    fn piece(delta: Value) -> Value {
        json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
    }

    fn answered(script: Script) -> Answer {
        let server = Server::play(vec![script]);
        ask("compatible", &format!("{}/v1", server.url), &conversation()).0.unwrap()
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
    fn the_request_is_what_the_api_takes() {
        let server = Server::play(vec![Script::stream(&events(&[piece(json!({"content": "ok"}))]), 50)]);
        ask("openai", &format!("{}/v1", server.url), &conversation()).0.unwrap();
        let asked = server.asked().remove(0);
        assert!(asked.head.starts_with("post /v1/chat/completions ") && asked.head.contains("authorization: bearer k-secret"));
        let called = |id: &str, input: &str| json!({"id": id, "type": "function", "function": {"name": "read", "arguments": input}});
        assert_eq!(
            asked.body,
            json!({
                "model": "m-1", "stream": true, "max_completion_tokens": 16384, "stream_options": {"include_usage": true},
                "messages": [
                    {"role": "system", "content": "be good"},
                    {"role": "user", "content": "one"},
                    {"role": "assistant", "reasoning_content": "x", "content": null,
                     "tool_calls": [called("a", r#"{"path":"b"}"#), called("b", r#"{"invalid_input":"{broken"}"#)]},
                    {"role": "tool", "tool_call_id": "a", "content": "1"},
                    {"role": "tool", "tool_call_id": "b", "content": "2"},
                    {"role": "user", "content": "notice"},
                ],
                "tools": [{"type": "function", "function": {"name": "read", "description": "reads", "parameters": {"type": "object"}}}],
            })
        );
    }

    #[test]
    fn sloppy_servers_are_understood() {
        // plain JSON though a stream was asked for; arguments as an object; no id; "stop" after calls
        let plain = json!({"choices": [{"message": {"content": null, "tool_calls": [{"function": {"name": "read", "arguments": {"path": "a"}}}]},
            "finish_reason": "stop"}]});
        let answer = answered(Script::plain(200, &plain.to_string()));
        assert_eq!((answer.stop, answer.usage.total()), (Stop::Calls, 0));
        assert_eq!(answer.message.blocks, [call("call_3_0", json!({"path": "a"}))]);
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

    #[test]
    fn what_a_server_does_not_know_is_left_out() {
        let ok = events(&[piece(json!({"content": "ok"}))]);
        let complaint = r#"{"error":{"message":"Unsupported parameter: 'max_tokens', use 'max_completion_tokens'"}}"#;
        let scripts = vec![
            Script::plain(422, r#"{"detail":"stream_options: extra inputs"}"#),
            Script::plain(400, complaint),
            Script::stream(&ok, 20),
        ];
        let server = Server::play(scripts);
        ask("compatible", &server.url, &conversation()).0.unwrap();
        let last = server.asked().pop().unwrap().body;
        assert!(last.get("stream_options").is_none() && last["max_completion_tokens"] == 16384 && last.get("max_tokens").is_none());
    }
}
