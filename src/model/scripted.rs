//! A model server for tests: plays scripted HTTP answers on 127.0.0.1, in whatever pieces, and keeps what it was asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use serde_json::Value;

use super::remote::Backoff;
use super::{Answer, Conversation, Heard, Model};
use crate::config::ModelSettings;
use crate::error::Result;
use crate::sandbox::Cancel;

/// One scripted answer.
pub(super) struct Script {
    pub(super) status: u16,
    pub(super) headers: &'static str,
    pub(super) body: Vec<u8>,
    /// Bytes per write.
    pub(super) piece: usize,
    /// Whether the connection stays open, silent, after the body.
    pub(super) hang: bool,
}

impl Script {
    pub(super) fn plain(status: u16, body: &str) -> Script {
        Script { status, headers: "content-type: application/json\r\n", body: body.into(), piece: 1000, hang: false }
    }

    pub(super) fn stream(body: &str, piece: usize) -> Script {
        Script { status: 200, headers: "content-type: text/event-stream; charset=utf-8\r\n", body: body.into(), piece, hang: false }
    }
}

/// What was asked.
pub(super) struct Asked {
    pub(super) head: String,
    pub(super) body: Value,
}

/// The server; it ends when its scripts are played.
pub(super) struct Server {
    pub(super) url: String,
    asked: Receiver<Asked>,
}

impl Server {
    pub(super) fn play(scripts: Vec<Script>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, asked) = channel();
        std::thread::spawn(move || {
            for script in scripts {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = sender.send(read_request(&stream));
                write_answer(&mut stream, &script);
            }
        });
        Server { url, asked }
    }

    /// Blocks until a request is there, and forgets it.
    pub(super) fn wait_until_asked(&self) {
        self.asked.recv().unwrap();
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.try_iter().collect()
    }
}

fn read_request(stream: &TcpStream) -> Asked {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).unwrap();
    }
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().trim().parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Asked { head, body: serde_json::from_slice(&body).unwrap() }
}

fn write_answer(stream: &mut TcpStream, script: &Script) {
    stream.set_nodelay(true).unwrap();
    let _ = write!(stream, "HTTP/1.1 {} x\r\nconnection: close\r\n{}\r\n", script.status, script.headers);
    for piece in script.body.chunks(script.piece) {
        let _ = stream.write_all(piece);
    }
    if script.hang {
        let _ = stream.read(&mut [0; 1]);
    }
}

/// Asks one thing of a model at `url`, with waits of milliseconds.
pub(super) fn ask(provider: &str, url: &str, conversation: &Conversation) -> (Result<Answer>, String) {
    ask_with(&ModelSettings::default(), provider, url, conversation, &Cancel::default(), Duration::from_secs(30))
}

pub(super) fn ask_with(
    settings: &ModelSettings,
    provider: &str,
    url: &str,
    conversation: &Conversation,
    cancel: &Cancel,
    within: Duration,
) -> (Result<Answer>, String) {
    let settings = ModelSettings { name: format!("{provider}/m-1"), base_url: Some(url.to_owned()), ..settings.clone() };
    let mut model = super::connect::remote(&settings, Some(SecretString::from("k-secret"))).unwrap();
    model.backoff = Backoff { first: Duration::from_millis(1), most: Duration::from_millis(4) };
    let mut heard = String::new();
    let answer = model.answer(
        conversation,
        Instant::now() + within,
        &mut |what| {
            if let Heard::Words(words) = what {
                heard.push_str(words)
            }
        },
        cancel,
    );
    (answer, heard)
}
