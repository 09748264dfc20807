//! A model provider on 127.0.0.1 that speaks the real wire formats, streaming: OpenAI Chat and Anthropic Messages.
//! What it answers is a function of what it is asked, so that a run that is started again meets the same model.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

/// One request.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Request line and headers, in lower case.
    pub head: String,
    pub body: Value,
    /// How many answers the conversation holds already.
    pub turn: usize,
}

/// One answer.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Words and calls, as a stream.
    Calls(String, Vec<(String, Value)>),
    /// Words and calls whose input is spelt like this, be it JSON or not.
    Spelt(String, Vec<(String, String)>),
    /// Anything else: status, content type, body.
    Raw(u16, &'static str, String),
    /// The beginning of a stream, and then nothing until the caller goes away.
    Silence,
}

/// The server; it ends with the test.
pub struct Provider {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    silent: Mutex<Receiver<()>>,
}

/// One call.
pub fn call(name: &str, input: Value) -> Reply {
    Reply::Calls(String::new(), vec![(name.to_owned(), input)])
}

/// The usual end.
pub fn submit() -> Reply {
    call("submit", json!({"title": "Mend it", "summary": "It was wrong, now it is right."}))
}

impl Provider {
    /// Answers by a function.
    pub fn answering(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (sender, silent) = channel();
        let (answer, seen) = (Arc::new(answer), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, seen, sender) = (Arc::clone(&answer), Arc::clone(&seen), sender.clone());
                std::thread::spawn(move || while serve(&stream, answer.as_ref(), &seen, &sender).is_some() {});
            }
        });
        Provider { address, asked, silent: Mutex::new(silent) }
    }

    /// Plays answers in their order: which one, the conversation itself says.
    pub fn playing(answers: Vec<Reply>) -> Provider {
        Provider::answering(move |asked| {
            let over = || Reply::Raw(400, "application/json", r#"{"error":{"message":"the script has no further answer"}}"#.into());
            answers.get(asked.turn).cloned().unwrap_or_else(over)
        })
    }

    /// What `model.base_url` is to be.
    pub fn url(&self, provider: &str) -> String {
        format!("http://{}{}", self.address, if provider == "anthropic" { "" } else { "/v1" })
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All that was said to the model so far, in one text.
    pub fn heard(&self) -> String {
        let asked = self.asked();
        let messages = asked.iter().filter_map(|one| one.body["messages"].as_array()).flatten();
        let mut texts = Vec::new();
        messages.for_each(|message| words(&message["content"], &mut texts));
        texts.join("\n")
    }

    /// Waits until a caller hangs in a silent answer.
    #[track_caller]
    pub fn is_silent(&self) {
        self.silent.lock().unwrap().recv_timeout(Duration::from_secs(60)).expect("nobody asked within a minute");
    }
}

fn words(content: &Value, texts: &mut Vec<String>) {
    match content {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(blocks) => blocks.iter().for_each(|block| {
            words(&block["text"], texts);
            words(&block["content"], texts);
        }),
        _ => {}
    }
}

/// One request on an open connection; none when the caller is gone.
fn serve(mut stream: &TcpStream, answer: &dyn Fn(&Asked) -> Reply, seen: &Mutex<Vec<Asked>>, silent: &Sender<()>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"))?.trim().parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body: Value = serde_json::from_slice(&body).ok()?;
    let turn = body["messages"].as_array().map_or(0, |all| all.iter().filter(|one| one["role"] == "assistant").count());
    let asked = {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(Asked { head, body, turn });
        seen.last().cloned()?
    };
    let write = |mut stream: &TcpStream, status: u16, kind: &str, body: &str| {
        write!(stream, "HTTP/1.1 {status} x\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).ok()
    };
    let events = if asked.head.starts_with("post /v1/messages") { anthropic } else { openai };
    match answer(&asked) {
        Reply::Raw(status, kind, body) => write(stream, status, kind, &body),
        Reply::Calls(text, calls) => {
            let calls: Vec<(String, String)> = calls.into_iter().map(|(name, input)| (name, input.to_string())).collect();
            write(stream, 200, "text/event-stream", &events(&text, &calls, asked.turn))
        }
        Reply::Spelt(text, calls) => write(stream, 200, "text/event-stream", &events(&text, &calls, asked.turn)),
        Reply::Silence => {
            write!(stream, "HTTP/1.1 200 x\r\ncontent-type: text/event-stream\r\n\r\n: wait\n\n").ok()?;
            let _ = silent.send(());
            let _ = stream.read(&mut [0; 1]);
            None
        }
    }
}

/// Pieces of about this many characters, never through one.
fn pieces(text: &str) -> Vec<String> {
    text.chars().collect::<Vec<_>>().chunks(24).map(|piece| piece.iter().collect()).collect()
}

fn openai(text: &str, calls: &[(String, String)], turn: usize) -> String {
    let mut events = Vec::new();
    let mut delta = |delta: Value, finish: Option<&str>| {
        events.push(
            json!({"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}),
        );
    };
    delta(json!({"role": "assistant", "content": ""}), None);
    for piece in pieces(text) {
        delta(json!({"content": piece}), None);
    }
    for (index, (name, input)) in calls.iter().enumerate() {
        let function = json!({"name": name, "arguments": ""});
        delta(
            json!({"tool_calls": [{"index": index, "id": format!("call_{turn}_{index}"), "type": "function", "function": function}]}),
            None,
        );
        for piece in pieces(input) {
            delta(json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}), None);
        }
    }
    delta(json!({}), Some(if calls.is_empty() { "stop" } else { "tool_calls" }));
    events.push(json!({"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 10}}));
    let stream: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    stream + "data: [DONE]\n\n"
}

fn anthropic(text: &str, calls: &[(String, String)], turn: usize) -> String {
    let usage = json!({"input_tokens": 100, "output_tokens": 1});
    let mut events = vec![json!({"type": "message_start", "message": {"id": "m", "role": "assistant", "content": [], "usage": usage}})];
    let mut index = 0;
    let mut block = |start: Value, deltas: Vec<Value>| {
        events.push(json!({"type": "content_block_start", "index": index, "content_block": start}));
        events.extend(deltas.into_iter().map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})));
        events.push(json!({"type": "content_block_stop", "index": index}));
        index += 1;
    };
    if !text.is_empty() {
        let deltas = pieces(text).into_iter().map(|text| json!({"type": "text_delta", "text": text})).collect();
        block(json!({"type": "text", "text": ""}), deltas);
    }
    for (at, (name, input)) in calls.iter().enumerate() {
        let deltas = pieces(input).into_iter().map(|part| json!({"type": "input_json_delta", "partial_json": part})).collect();
        block(json!({"type": "tool_use", "id": format!("call_{turn}_{at}"), "name": name, "input": {}}), deltas);
    }
    let stop = if calls.is_empty() { "end_turn" } else { "tool_use" };
    events.push(json!({"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {"output_tokens": 10}}));
    events.push(json!({"type": "message_stop"}));
    events.iter().map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap())).collect()
}
