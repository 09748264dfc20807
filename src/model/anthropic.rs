//! The wire format of Anthropic's Messages API: what is asked. Owns where cache breakpoints stand; `answer` reads what comes back.

mod answer;

use serde_json::{Value, json};

use answer::Reading;

use super::codec::{Codec, Reader, input_as_object};
use super::{Block, Conversation, Message, Role};
use crate::config::ModelSettings;

/// The name on blocks that only this codec understands.
const CODEC: &str = "anthropic";

/// The Messages API with one model.
pub(super) struct Anthropic {
    model: String,
    max_tokens: u32,
    temperature: Option<f64>,
}

impl Anthropic {
    pub(super) fn new(model: &str, settings: &ModelSettings) -> Anthropic {
        Anthropic { model: model.to_owned(), max_tokens: settings.max_output_tokens, temperature: settings.temperature }
    }
}

impl Codec for Anthropic {
    fn endpoint(&self, base: &url::Url) -> url::Url {
        let mut url = base.clone();
        let path = base.path().trim_end_matches('/');
        let path = path.strip_suffix("/messages").unwrap_or(path);
        let path = path.strip_suffix("/v1").unwrap_or(path);
        url.set_path(&format!("{path}/v1/messages"));
        url
    }

    fn key_header(&self, key: &str) -> (&'static str, String) {
        ("x-api-key", key.to_owned())
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("anthropic-version", "2023-06-01")]
    }

    fn request(&self, conversation: &Conversation) -> Value {
        let mut body = json!({
            "model": self.model,
            "max_tokens": self.max_tokens,
            "stream": true,
            "messages": messages(&conversation.messages),
        });
        if !conversation.system.is_empty() {
            body["system"] = json!([{ "type": "text", "text": conversation.system, "cache_control": breakpoint() }]);
        }
        if !conversation.tools.is_empty() {
            body["tools"] = tools(conversation);
        }
        if let Some(temperature) = self.temperature {
            body["temperature"] = json!(temperature);
        }
        body
    }

    fn reader(&self, _conversation: &Conversation) -> Box<dyn Reader> {
        Box::new(Reading::default())
    }
}

fn breakpoint() -> Value {
    json!({ "type": "ephemeral" })
}

fn tools(conversation: &Conversation) -> Value {
    let mut tools: Vec<Value> = conversation
        .tools
        .iter()
        .map(|tool| json!({ "name": tool.name, "description": tool.description, "input_schema": tool.schema }))
        .collect();
    if let Some(last) = tools.last_mut() {
        last["cache_control"] = breakpoint();
    }
    Value::Array(tools)
}

/// The messages; the last two of the user end in a breakpoint, so that each request reads what the one before it wrote.
fn messages(messages: &[Message]) -> Vec<Value> {
    let mut breakpoints = 2;
    let mut sent: Vec<Value> = messages
        .iter()
        .rev()
        .map(|message| {
            let mut content: Vec<Value> = message.blocks.iter().filter_map(block).collect();
            if content.is_empty() {
                content.push(json!({ "type": "text", "text": "(nothing)" }));
            }
            if message.role == Role::User
                && breakpoints > 0
                && let Some(last) = content.last_mut()
            {
                last["cache_control"] = breakpoint();
                breakpoints -= 1;
            }
            json!({ "role": if message.role == Role::User { "user" } else { "assistant" }, "content": content })
        })
        .collect();
    sent.reverse();
    sent
}

/// A block as sent; the API refuses blank texts, and blocks of other codecs mean nothing to it.
fn block(block: &Block) -> Option<Value> {
    match block {
        Block::Text { text } if text.trim().is_empty() => None,
        Block::Text { text } => Some(json!({ "type": "text", "text": text })),
        Block::Call { id, name, input } => Some(json!({ "type": "tool_use", "id": id, "name": name, "input": input_as_object(input) })),
        Block::Result { id, text, error } => {
            let mut result = json!({ "type": "tool_result", "tool_use_id": id, "content": text });
            if *error {
                result["is_error"] = json!(true);
            }
            Some(result)
        }
        Block::Provider { codec, raw } => (codec == CODEC).then(|| raw.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::ToolSpec;
    use super::super::scripted::{Script, Server, ask};
    use super::*;

    fn conversation() -> Conversation {
        let text = |text: &str| Block::Text { text: text.into() };
        let user = |blocks| Message { role: Role::User, blocks };
        Conversation {
            system: "be good".into(),
            tools: vec![
                ToolSpec { name: "read".into(), description: "reads".into(), schema: json!({"type": "object"}) },
                ToolSpec { name: "list".into(), description: "lists".into(), schema: json!({"type": "object"}) },
            ],
            messages: vec![
                user(vec![text("one")]),
                Message {
                    role: Role::Assistant,
                    blocks: vec![
                        Block::Provider { codec: "anthropic".into(), raw: json!({"type": "thinking", "thinking": "x", "signature": "s"}) },
                        Block::Provider { codec: "openai-chat".into(), raw: json!({"reasoning": "x"}) },
                        text(" "),
                        Block::Call { id: "a".into(), name: "read".into(), input: json!("{broken") },
                    ],
                },
                user(vec![Block::Result { id: "a".into(), text: "no JSON".into(), error: true }, text("notice")]),
                Message { role: Role::Assistant, blocks: vec![] },
                user(vec![text("go on")]),
            ],
        }
    }

    #[test]
    fn the_request_is_what_the_api_takes() {
        let server = Server::play(vec![Script::plain(200, r#"{"content": []}"#)]);
        ask("anthropic", &server.url, &conversation()).0.unwrap();
        let asked = server.asked().remove(0);
        assert!(asked.head.starts_with("post /v1/messages "), "{}", asked.head);
        assert!(asked.head.contains("x-api-key: k-secret") && asked.head.contains("anthropic-version: 2023-06-01"));
        let mark = json!({"type": "ephemeral"});
        assert_eq!(
            asked.body,
            json!({
                "model": "m-1", "max_tokens": 16384, "stream": true,
                "system": [{"type": "text", "text": "be good", "cache_control": mark}],
                "tools": [
                    {"name": "read", "description": "reads", "input_schema": {"type": "object"}},
                    {"name": "list", "description": "lists", "input_schema": {"type": "object"}, "cache_control": mark},
                ],
                "messages": [
                    {"role": "user", "content": [{"type": "text", "text": "one"}]},
                    {"role": "assistant", "content": [
                        {"type": "thinking", "thinking": "x", "signature": "s"},
                        {"type": "tool_use", "id": "a", "name": "read", "input": {"invalid_input": "{broken"}},
                    ]},
                    {"role": "user", "content": [
                        {"type": "tool_result", "tool_use_id": "a", "content": "no JSON", "is_error": true},
                        {"type": "text", "text": "notice", "cache_control": mark},
                    ]},
                    {"role": "assistant", "content": [{"type": "text", "text": "(nothing)"}]},
                    {"role": "user", "content": [{"type": "text", "text": "go on", "cache_control": mark}]},
                ],
            })
        );
    }
}
