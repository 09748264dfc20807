//! `sandbox.allow` end to end: a real service outside, a real child inside, and this very program as the relay between
//! them. It has a `main` of its own because the relay must come before the test harness.

// In place of the harness, which does the same.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::ExitCode;
use std::time::Duration;

use loom_agent::config::SandboxSettings;
use loom_agent::sandbox::{Cancel, Ending, Finished, Job, Limits, Network, Sandbox, relay};

fn main() -> ExitCode {
    if let Some(code) = relay() {
        return code;
    }
    // What cargo-nextest asks first.
    if std::env::args().any(|word| word == "--list") {
        if !std::env::args().any(|word| word == "--ignored") {
            println!("a_child_reaches_the_service_it_may: test");
        }
        return ExitCode::SUCCESS;
    }
    a_child_reaches_the_service_it_may();
    println!("a_child_reaches_the_service_it_may ... ok");
    ExitCode::SUCCESS
}

fn a_child_reaches_the_service_it_may() {
    let (allowed, other) = (service(), service());
    let settings = SandboxSettings { allow: vec![format!("127.0.0.1:{allowed}")], ..SandboxSettings::default() };
    let sandbox = Sandbox::new(&settings).expect("a sandbox");
    let ask = |port| format!("exec 3<>/dev/tcp/127.0.0.1/{port} && echo ping >&3 && cat <&3");
    for _ in 0..3 {
        let finished = run(&sandbox, &ask(allowed));
        assert_eq!((finished.ending, finished.stdout.text().as_str()), (Ending::Exited(0), "pong\n"), "{}", finished.stderr.text());
    }
    assert_ne!(run(&sandbox, &ask(other)).ending, Ending::Exited(0), "a service that is not named");
    assert_eq!(run(&sandbox, "exit 7").ending, Ending::Exited(7));
    assert_eq!(run(&sandbox, "kill -SEGV $$").ending, Ending::Signalled(11));
}

/// Answers each connection's first line with `pong`.
fn service() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut heard = [0; 5];
            stream.read_exact(&mut heard).expect("a line");
            assert_eq!(&heard, b"ping\n");
            stream.write_all(b"pong\n").expect("an answer");
        }
    });
    port
}

fn run(sandbox: &Sandbox, script: &str) -> Finished {
    let job = Job {
        argv: ["bash", "-c", script].map(String::from).into(),
        cwd: "/tmp".into(),
        env: BTreeMap::new(),
        mounts: Vec::new(),
        network: Network::Private,
        limits: Limits { wall: Duration::from_secs(60), head: 10_000, tail: 0 },
        stdin: Vec::new(),
        silence: None,
    };
    sandbox.run(&job, &Cancel::default()).expect("a child")
}
