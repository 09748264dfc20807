//! The numbers loom promises, each against its goal: `.ci/nightly bench` (builds with `--release`).
//!
//! loom's own process is measured by its CPU clock (children not counted); waiting and the machine's load do not count.

// Its table is its output.
#![allow(clippy::print_stdout)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use loom_agent::config::SandboxSettings;
use loom_agent::sandbox::{Cancel, Job, Limits, Network, Sandbox};
use loom_agent::workspace::{Cache, Workspace};

const RUNS: usize = 10;

struct Row {
    what: &'static str,
    measured: f64,
    unit: &'static str,
    goal: f64,
}

fn main() {
    // `cargo test --benches` and `cargo bench` both come here; only the latter measures.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let mut rows = five_calls(&scratch.path().join("five"));
    rows.push(sandbox_cost());
    rows.push(second_clone(&scratch.path().join("clone")));
    let size = fs::metadata(env!("CARGO_BIN_EXE_loom")).expect("the binary is built").len();
    rows.push(Row { what: "release binary, stripped", measured: size as f64 / 1e6, unit: "MB", goal: 20.0 });
    print(&rows);
}

fn print(rows: &[Row]) {
    println!("{:<46} {:>10} {:>10}", "", "measured", "goal");
    for row in rows {
        let mark = if row.measured <= row.goal { "" } else { "  missed" };
        println!("{:<46} {:>7.1} {:<2} {:>7.1} {:<2}{mark}", row.what, row.measured, row.unit, row.goal, row.unit);
    }
    let failed = rows.iter().filter(|row| row.measured > row.goal).count();
    println!("{} passed, {failed} failed", rows.len() - failed);
    std::process::exit(i32::from(failed > 0));
}

/// A scripted model and what it saw of loom at the first request.
#[derive(Default)]
struct Seen {
    requests: usize,
    bytes: usize,
    first_cpu_ms: f64,
    first_peak_mib: f64,
}

/// read, read, edit one line, run tests, submit: on a repository of ten files.
fn five_calls(folder: &Path) -> Vec<Row> {
    let repository = folder.join("repository");
    ten_files(&repository);
    let issue = folder.join("issue.md");
    fs::write(&issue, "# The answer is wrong\n\n`src/part3.txt` says 41, it must say 42.\n").expect("the issue");
    let (mut cpu, mut first_cpu, mut first_peak, mut sent) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let pid = Arc::new(Mutex::new(0));
        serve(listener, Arc::clone(&seen), Arc::clone(&pid));
        let state = folder.join(format!("state-{run}"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_loom"))
            .args(["run-issue", "--dry-run", "--json", "--model", "compatible/scripted", "--repo"])
            .arg(&repository)
            .arg(&issue)
            .env("LOOM_MODEL_BASE_URL", format!("http://{address}/v1"))
            .env("LOOM_PATHS_STATE", &state)
            .env("LOOM_PATHS_CACHE", folder.join("cache"))
            .env("LOOM_TEST_COMMAND", "sh test/run.sh")
            .env("LOOM_TEST_RUNNER", "tap")
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("loom starts");
        *pid.lock().expect("not poisoned") = child.id();
        let mut output = String::new();
        child.stdout.take().expect("piped").read_to_string(&mut output).expect("its events");
        let mut talk = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut talk).expect("its talk");
        let status = child.wait().expect("loom ends");
        let last: serde_json::Value = serde_json::from_str(output.lines().last().unwrap_or_default()).unwrap_or_default();
        let own = own_cpu(&last).unwrap_or_else(|| panic!("no result ({status}):\n{output}\n{talk}"));
        let seen = seen.lock().expect("not poisoned");
        assert_eq!(seen.requests, 5, "the script has five answers:\n{output}\n{talk}");
        cpu.push(own);
        first_cpu.push(seen.first_cpu_ms);
        first_peak.push(seen.first_peak_mib);
        sent.push(seen.bytes as f64 / 1000.0);
    }
    let row = |what, values: &[f64], unit, goal| Row { what, measured: values.iter().sum::<f64>() / values.len() as f64, unit, goal };
    vec![
        row("five calls: own CPU to the first request", &first_cpu, "ms", 50.0),
        row("five calls: peak memory at the first request", &first_peak, "Mi", 30.0),
        row("five calls: own CPU in all", &cpu, "ms", 120.0),
        row("five calls: sent to the model", &sent, "kB", 40.0),
    ]
}

fn own_cpu(value: &serde_json::Value) -> Option<f64> {
    match value {
        serde_json::Value::Object(map) => {
            map.get("own_cpu_ms").and_then(serde_json::Value::as_f64).or_else(|| map.values().find_map(own_cpu))
        }
        _ => None,
    }
}

fn ten_files(folder: &Path) {
    fs::create_dir_all(folder.join("src")).expect("folders");
    fs::create_dir_all(folder.join("test")).expect("folders");
    for part in 0..8 {
        let lines: String =
            (0..60).map(|line| format!("value {line} of part {part} is {}\n", if line == 30 { 41 } else { line })).collect();
        fs::write(folder.join(format!("src/part{part}.txt")), lines).expect("a file");
    }
    fs::write(folder.join("README.md"), "# Ten files\n").expect("a file");
    let test = format!("echo TAP version 13\n{PLAN}{}", check(1, 2, 41));
    fs::write(folder.join("test/run.sh"), test).expect("a file");
    let git = |arguments: &[&str]| {
        let done =
            Command::new("git").args(["-c", "user.name=t", "-c", "user.email=t@example.com"]).args(arguments).current_dir(folder).output();
        assert!(done.expect("git starts").status.success(), "git {arguments:?}");
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "ten files"]);
}

const PLAN: &str = "echo 1..1\n";

/// One test, as a line of the shell script that is the suite.
fn check(number: u32, part: u32, answer: u32) -> String {
    let name = format!("{number} - part {part} says {answer}");
    format!("if grep -q 'value 30 of part {part} is {answer}' src/part{part}.txt; then echo ok {name}; else echo not ok {name}; fi\n")
}

/// What the model calls in a turn. The line that is mended goes with its test, or there would be nothing to prove.
fn script(turn: usize) -> Vec<(&'static str, serde_json::Value)> {
    use serde_json::json;
    match turn {
        0 => vec![("read", json!({"path": "src/part3.txt"}))],
        1 => vec![("read", json!({"path": "test/run.sh"}))],
        2 => vec![
            ("edit", json!({"path": "src/part3.txt", "old": "value 30 of part 3 is 41", "new": "value 30 of part 3 is 42"})),
            ("edit", json!({"path": "test/run.sh", "old": PLAN, "new": format!("echo 1..2\n{}", check(2, 3, 42))})),
        ],
        3 => vec![("test", json!({}))],
        _ => vec![("submit", json!({"title": "Say 42", "summary": "The answer is 42."}))],
    }
}

fn serve(listener: TcpListener, seen: Arc<Mutex<Seen>>, pid: Arc<Mutex<u32>>) {
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (seen, pid) = (Arc::clone(&seen), Arc::clone(&pid));
            std::thread::spawn(move || while answer(&stream, &seen, &pid).is_some() {});
        }
    });
}

fn answer(stream: &TcpStream, seen: &Mutex<Seen>, pid: &Mutex<u32>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    while reader.read_line(&mut head).ok()? > 2 {
        if let Some(value) = head.to_ascii_lowercase().lines().last()?.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    if head.is_empty() {
        return None;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let turn = {
        let mut seen = seen.lock().expect("not poisoned");
        if seen.requests == 0 {
            let pid = *pid.lock().expect("not poisoned");
            (seen.first_cpu_ms, seen.first_peak_mib) = measured(pid);
        }
        seen.requests += 1;
        seen.bytes += length;
        seen.requests - 1
    };
    let call = |(at, (name, input)): (usize, &(&str, serde_json::Value))| serde_json::json!({"id": format!("call_{turn}_{at}"), "type": "function", "function": {"name": name, "arguments": input.to_string()}});
    let calls: Vec<_> = script(turn).iter().enumerate().map(call).collect();
    let answer = serde_json::json!({
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": null, "tool_calls": calls}}],
        "usage": {"prompt_tokens": length / 4, "completion_tokens": 30},
    })
    .to_string();
    let mut stream = stream;
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{answer}", answer.len()).ok()
}

/// CPU in milliseconds (children not counted) and peak memory in MiB of a running process.
fn measured(pid: u32) -> (f64, f64) {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    // Ticks of 10 ms count threads that have ended too; those alive tell nanoseconds.
    (((ticks(11) + ticks(12)) * 10.0).max(threads_cpu(pid)), peak.unwrap_or(0.0) / 1024.0)
}

/// CPU in milliseconds of the threads that a process has now.
fn threads_cpu(pid: u32) -> f64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let nanoseconds = threads
        .filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok()?.split_whitespace().next()?.parse::<f64>().ok());
    nanoseconds.sum::<f64>() / 1e6
}

/// The shortest time of several: what the machine's other work takes is not loom's.
fn fastest(times: u32, mut work: impl FnMut()) -> Duration {
    let once = |()| {
        let began = Instant::now();
        work();
        began.elapsed()
    };
    std::iter::repeat_n((), times as usize).map(once).min().unwrap_or_default()
}

/// What the sandbox adds to one call, over starting the same program directly.
fn sandbox_cost() -> Row {
    const CALLS: u32 = 40;
    let sandbox = Sandbox::new(&SandboxSettings::default()).expect("bubblewrap works here");
    let job = Job {
        argv: vec!["true".into()],
        cwd: "/".into(),
        env: Default::default(),
        mounts: Vec::new(),
        network: Network::Private,
        limits: Limits { wall: Duration::from_secs(10), head: 1000, tail: 1000 },
        stdin: Vec::new(),
        silence: None,
    };
    let cancel = Cancel::default();
    let inside = fastest(CALLS, || assert!(sandbox.run(&job, &cancel).expect("it starts").ok()));
    let outside = fastest(CALLS, || assert!(Command::new("true").status().expect("it starts").success()));
    let cost = inside.saturating_sub(outside);
    Row { what: "sandbox: added to one call", measured: cost.as_secs_f64() * 1000.0, unit: "ms", goal: 50.0 }
}

/// Cloning a repository of 50 MB when the cache has it.
fn second_clone(folder: &Path) -> Row {
    let repository = folder.join("repository");
    fs::create_dir_all(&repository).expect("a folder");
    let mut random = fastrand::Rng::with_seed(7);
    for file in 0..50 {
        let bytes: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(1_000_000).collect();
        fs::write(repository.join(format!("{file}.bin")), bytes).expect("a file");
    }
    let git = |arguments: &[&str]| {
        let done = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
            .args(arguments)
            .current_dir(&repository)
            .output();
        assert!(done.expect("git starts").status.success(), "git {arguments:?}");
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "50 MB"]);
    let (cache_folder, url) = (folder.join("cache"), repository.display().to_string());
    let clone = |name: &str| {
        let (cache, base, _) = Cache::fetch(&cache_folder, &url, None, None, Duration::from_secs(60), &Cancel::default()).expect("a clone");
        let into = folder.join(name);
        fs::create_dir_all(&into).expect("a folder");
        Workspace::create(&cache, &base, &into).expect("a workspace");
    };
    clone("first");
    let mut names = ["second", "third", "fourth", "fifth", "sixth"].into_iter();
    let again = fastest(5, || clone(names.next().expect("five names")));
    Row { what: "second clone of a repository of 50 MB", measured: again.as_secs_f64() * 1000.0, unit: "ms", goal: 300.0 }
}
