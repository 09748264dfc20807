//! The wire format of Chat Completions, as OpenAI and many compatible servers speak it: what is asked. `answer` reads what
//! comes back.

mod answer;

use serde_json::{Value, json};

use answer::Reading;

use super::codec::{Codec, Reader, input_as_object};
use super::{Block, Conversation, Message, Role};
use crate::config::ModelSettings;

/// The name on blocks that only this codec understands.
const CODEC: &str = "openai-chat";

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
        Box::new(Reading::after(conversation.messages.len()))
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
    if words.is_empty() {
        return;
    }
    // templates of local models want the roles to take turns
    match sent.last_mut().filter(|last| last["role"] == "user") {
        Some(last) => last["content"] = Value::String(format!("{}\n\n{words}", last["content"].as_str().unwrap_or_default())),
        None => sent.push(json!({ "role": "user", "content": words })),
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
                Message { role: Role::User, blocks: vec![text("go on")] },
            ],
        }
    }

    #[test]
    fn the_request_is_what_the_api_takes() {
        let server = Server::play(vec![Script::plain(200, r#"{"choices":[{"message":{"content":"ok"}}]}"#)]);
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
                    {"role": "user", "content": "notice\n\ngo on"},
                ],
                "tools": [{"type": "function", "function": {"name": "read", "description": "reads", "parameters": {"type": "object"}}}],
            })
        );
    }

    #[test]
    fn what_a_server_does_not_know_is_left_out() {
        let complaint = r#"{"error":{"message":"Unsupported parameter: 'max_tokens', use 'max_completion_tokens'"}}"#;
        let scripts = vec![
            Script::plain(422, r#"{"detail":"stream_options: extra inputs"}"#),
            Script::plain(400, complaint),
            Script::plain(200, r#"{"choices":[{"message":{"content":"ok"}}]}"#),
        ];
        let server = Server::play(scripts);
        ask("compatible", &server.url, &conversation()).0.unwrap();
        let last = server.asked().pop().unwrap().body;
        assert!(last.get("stream_options").is_none() && last["max_completion_tokens"] == 16384 && last.get("max_tokens").is_none());
    }
}
