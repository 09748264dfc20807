//! Reads answers of the Messages API, streamed or whole. Thinking blocks are kept exactly as received.

use serde_json::{Map, Value};

use super::CODEC;
use crate::model::codec::{Reader, Unread, input_from_text, tokens};
use crate::model::{Answer, Block, Message, Role, Stop};
use crate::task::Usage;

/// An answer as it grows.
#[derive(Default)]
pub(super) struct Reading {
    blocks: Vec<Growing>,
    stop: Option<Stop>,
    usage: Map<String, Value>,
    finished: bool,
}

/// A content block as it grows.
struct Growing {
    index: u64,
    block: Value,
    input: String,
}

impl Reader for Reading {
    fn event(&mut self, data: &Value, delta: &mut dyn FnMut(&str)) -> Result<(), Unread> {
        match data["type"].as_str().unwrap_or_default() {
            "message_start" => self.note_usage(&data["message"]["usage"]),
            "content_block_start" => {
                let index = data["index"].as_u64().unwrap_or(self.blocks.len() as u64);
                self.blocks.push(Growing { index, block: data["content_block"].clone(), input: String::new() });
            }
            "content_block_delta" => self.grow(data, delta)?,
            "message_delta" => {
                self.note_usage(&data["usage"]);
                self.note_stop(&data["delta"]);
            }
            "message_stop" => self.finished = true,
            "error" => return Err(stream_error(data)),
            _ => {}
        }
        Ok(())
    }

    fn whole(&mut self, body: &Value) -> Result<(), Unread> {
        if body["type"] == "error" || body.get("error").is_some() {
            return Err(stream_error(body));
        }
        let Some(content) = body["content"].as_array() else {
            return Err(Unread::Broken("the answer has no content"));
        };
        let blocks = content.iter().zip(0..).map(|(block, index)| Growing { index, block: block.clone(), input: String::new() });
        self.blocks = blocks.collect();
        self.note_usage(&body["usage"]);
        self.note_stop(body);
        self.finished = true;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Answer, Unread> {
        if !self.finished && self.stop.is_none() {
            return Err(Unread::Broken("the stream broke off before the answer's end"));
        }
        let usage = self.counted();
        let blocks: Vec<Block> = self.blocks.into_iter().map(Growing::into_block).collect();
        let called = blocks.iter().any(|block| matches!(block, Block::Call { .. }));
        let stop = self.stop.unwrap_or(if called { Stop::Calls } else { Stop::End });
        Ok(Answer { message: Message { role: Role::Assistant, blocks }, stop, usage })
    }
}

impl Reading {
    fn grow(&mut self, data: &Value, delta: &mut dyn FnMut(&str)) -> Result<(), Unread> {
        let index = data["index"].as_u64();
        let found = self.blocks.iter_mut().rev().find(|one| index.is_none_or(|index| one.index == index));
        let growing = found.ok_or(Unread::Broken("the stream goes on with a block it never began"))?;
        let piece = &data["delta"];
        let mut append = |field: &str| {
            let more = piece[field].as_str().unwrap_or_default();
            match &mut growing.block[field] {
                Value::String(before) => before.push_str(more),
                other => *other = Value::String(more.to_owned()),
            }
        };
        match piece["type"].as_str().unwrap_or_default() {
            "text_delta" => {
                append("text");
                delta(piece["text"].as_str().unwrap_or_default());
            }
            "thinking_delta" => append("thinking"),
            "signature_delta" => append("signature"),
            "input_json_delta" => growing.input.push_str(piece["partial_json"].as_str().unwrap_or_default()),
            _ => {}
        }
        Ok(())
    }

    fn note_usage(&mut self, usage: &Value) {
        let counts = usage.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        self.usage.extend(counts.map(|(field, value)| (field.clone(), value.clone())));
    }

    fn note_stop(&mut self, from: &Value) {
        let Some(reason) = from["stop_reason"].as_str() else { return };
        self.stop = Some(match reason {
            "end_turn" | "stop_sequence" => Stop::End,
            "tool_use" => Stop::Calls,
            "max_tokens" | "model_context_window_exceeded" => Stop::Length,
            "refusal" => Stop::Refusal(self.words()),
            other => Stop::Other(other.to_owned()),
        });
    }

    fn words(&self) -> String {
        let texts: Vec<&str> = self.blocks.iter().filter_map(|one| one.block["text"].as_str()).collect();
        texts.join("\n")
    }

    fn counted(&self) -> Usage {
        let usage = Value::Object(self.usage.clone());
        let cached = tokens(&usage, "cache_read_input_tokens");
        Usage {
            requests: 1,
            input_tokens: tokens(&usage, "input_tokens") + cached + tokens(&usage, "cache_creation_input_tokens"),
            cached_tokens: cached,
            output_tokens: tokens(&usage, "output_tokens"),
        }
    }
}

/// An error inside a stream that began well: its type stands for the status.
fn stream_error(data: &Value) -> Unread {
    let status = match data["error"]["type"].as_str().unwrap_or_default() {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "overloaded_error" => 529,
        _ => 500,
    };
    Unread::Refused(status, data.to_string())
}

impl Growing {
    fn into_block(self) -> Block {
        let text = |field: &str| self.block[field].as_str().unwrap_or_default().to_owned();
        match self.block["type"].as_str().unwrap_or_default() {
            "text" => Block::Text { text: text("text") },
            "tool_use" => {
                let given = self.block.get("input").filter(|input| self.input.is_empty() && !input.is_null());
                let input = given.cloned().unwrap_or_else(|| input_from_text(&self.input));
                Block::Call { id: text("id"), name: text("name"), input }
            }
            _ => Block::Provider { codec: CODEC.to_owned(), raw: self.block },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Conversation;
    use crate::model::scripted::{Script, Server, ask};

    const STREAM: &str = r#"event: message_start
data: {"type":"message_start","message":{"usage":{"input_tokens":10,"cache_read_input_tokens":300,"cache_creation_input_tokens":20,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm "}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"ä"}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}

data: {"type":"content_block_stop","index":0}

event: ping
data: {"type": "ping"}

data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}

data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Look"}}

data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"ing."}}

data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t1","name":"read","input":{}}}

data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}

data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"path\": \"a"}}

data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":".rs\"}"}}

data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"t2","name":"list","input":{}}}

data: {"type":"content_block_stop","index":3}

data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":42}}

data: {"type":"message_stop"}

"#;

    #[test]
    fn a_streamed_answer_is_the_same_in_any_pieces() {
        for piece in [1, 7, 64, 100_000] {
            let server = Server::play(vec![Script::stream(STREAM, piece)]);
            let (answer, heard) = ask("anthropic", &server.url, &Conversation::default());
            let answer = answer.unwrap();
            assert_eq!(heard, "Looking.");
            assert_eq!(answer.stop, Stop::Calls);
            assert_eq!(answer.usage, Usage { requests: 1, input_tokens: 330, cached_tokens: 300, output_tokens: 42 });
            let raw = json!({"type": "thinking", "thinking": "hm ä", "signature": "c2ln"});
            assert_eq!(
                answer.message.blocks,
                [
                    Block::Provider { codec: "anthropic".into(), raw },
                    Block::Text { text: "Looking.".into() },
                    Block::Call { id: "t1".into(), name: "read".into(), input: json!({"path": "a.rs"}) },
                    Block::Call { id: "t2".into(), name: "list".into(), input: json!({}) },
                ]
            );
        }
    }

    #[test]
    fn cut_off_calls_refusals_and_unstreamed_answers_are_read() {
        let cut = STREAM
            .replace(r#"{"partial_json":".rs"#, "")
            .replace(r#".rs\"}""#, r#"""#)
            .replace(r#""tool_use"},"usage""#, r#""max_tokens"},"usage""#);
        let refusal =
            r#"{"content":[{"type":"text","text":"I will not."}],"stop_reason":"refusal","usage":{"input_tokens":5,"output_tokens":null}}"#;
        let server = Server::play(vec![Script::stream(&cut, 90), Script::plain(200, refusal)]);
        let answer = ask("anthropic", &server.url, &Conversation::default()).0.unwrap();
        assert_eq!(answer.stop, Stop::Length);
        assert!(matches!(&answer.message.blocks[2], Block::Call { input: Value::String(text), .. } if text == r#"{"path": "a"#));
        let answer = ask("anthropic", &server.url, &Conversation::default()).0.unwrap();
        assert_eq!(answer.stop, Stop::Refusal("I will not.".into()));
        assert_eq!((answer.usage.input_tokens, answer.usage.output_tokens), (5, 0));
    }

    #[test]
    fn overload_inside_a_stream_is_tried_again_and_a_wrong_request_is_not() {
        let error = |kind| format!("data: {{\"type\":\"error\",\"error\":{{\"type\":\"{kind}\",\"message\":\"oh\"}}}}\n\n");
        let half = STREAM.split("event: ping").next().unwrap();
        let overloaded = format!("{half}{}", error("overloaded_error"));
        let server = Server::play(vec![Script::stream(&overloaded, 33), Script::stream(half, 33), Script::stream(STREAM, 33)]);
        assert_eq!(ask("anthropic", &server.url, &Conversation::default()).0.unwrap().stop, Stop::Calls);
        assert_eq!(server.asked().len(), 3);
        let server = Server::play(vec![Script::stream(&error("invalid_request_error"), 33), Script::stream(STREAM, 33)]);
        assert!(ask("anthropic", &server.url, &Conversation::default()).0.unwrap_err().line().contains("oh"));
        assert_eq!(server.asked().len(), 1);
    }
}
