//! `shell`: one command in the sandbox, in the tree, without network.

use std::time::Duration;

use serde::Deserialize;

use super::{Reply, input};
use crate::agent::Assignment;
use crate::error::{Kind, OrFail, Result};
use crate::guard;
use crate::sandbox::{Capture, Ending, Finished, Limits, Mount, Tier};

/// Bytes shown of the beginning and of the end.
const HEAD: usize = 5_000;
const TAIL: usize = 9_000;
/// No command may take longer, whatever the model asks for.
const LONGEST: Duration = Duration::from_secs(30 * 60);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    command: String,
    #[serde(default, deserialize_with = "input::number")]
    timeout: Option<u64>,
}

pub(super) fn run(desk: &Assignment<'_>, input: Input, left: Duration) -> Result<Reply> {
    if input.command.trim().is_empty() {
        return Ok(Reply::error("the command is empty"));
    }
    let usual = desk.config.agent.command_timeout.duration();
    let wall = input.timeout.map_or(usual, Duration::from_secs).min(LONGEST).min(left).max(Duration::from_secs(1));
    // one stream, so that errors stand where they happened
    let argv = ["bash", "-c", "exec bash -c \"$0\" 2>&1", &input.command].map(str::to_owned).to_vec();
    let mut job = desk.tree.job(argv, Limits { wall, head: HEAD, tail: TAIL });
    job.mounts.extend(scratch(desk)?);
    let finished = desk.sandbox.run(&job, desk.cancel)?;
    Ok(Reply::text(told(&finished, wall)))
}

/// `/tmp` that lasts as long as the task: what one command leaves there the next one finds. The proof's cells have their own.
/// Without a sandbox it is the machine's own and stays anyway.
fn scratch(desk: &Assignment<'_>) -> Result<Option<Mount>> {
    if desk.sandbox.tier() != Tier::Bubblewrap {
        return Ok(None);
    }
    let host = desk.tree.private.join("tmp");
    std::fs::create_dir_all(&host).or_fail(Kind::Workspace, || format!("making {}", host.display()))?;
    Ok(Some(Mount::ReadWrite { host, inside: "/tmp".into() }))
}

fn told(finished: &Finished, wall: Duration) -> String {
    let seconds = finished.elapsed.as_secs_f64();
    let head = match finished.ending {
        Ending::Exited(code) => format!("exit {code}, {seconds:.1} s"),
        Ending::Signalled(signal) => format!("ended by signal {signal}, {seconds:.1} s"),
        Ending::TimedOut => format!("killed after its {} s, with all that it had started; timeout allows more", wall.as_secs()),
    };
    let output = guard::plain_text(&output(&finished.stdout));
    match output.trim().is_empty() {
        true => format!("{head}, no output"),
        false => format!("{head}\n{}", output.trim_end()),
    }
}

/// What was kept, as text; the cut says how to see the rest.
fn output(capture: &Capture) -> String {
    if capture.cut == 0 {
        return [&capture.head[..], &capture.tail[..]].concat().utf8_chunks().map(replaced).collect();
    }
    let (head, tail) = (String::from_utf8_lossy(&capture.head), String::from_utf8_lossy(&capture.tail));
    format!("{head}\n[... {} bytes cut; to see them run it again through grep, sed -n or head ...]\n{tail}", capture.cut)
}

/// Invalid bytes are shown as such.
fn replaced(chunk: std::str::Utf8Chunk<'_>) -> String {
    let mark = if chunk.invalid().is_empty() { "" } else { "\u{fffd}" };
    format!("{}{mark}", chunk.valid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_and_cuts_are_told() {
        let finished = |ending, head: &[u8], cut| Finished {
            ending,
            stdout: Capture { head: head.to_vec(), tail: if cut > 0 { b"end".to_vec() } else { Vec::new() }, cut },
            stderr: Capture::default(),
            elapsed: Duration::from_millis(1234),
        };
        let minute = Duration::from_secs(60);
        assert_eq!(told(&finished(Ending::Exited(0), b"", 0), minute), "exit 0, 1.2 s, no output");
        assert_eq!(told(&finished(Ending::Exited(3), b"\x1b[31ma\x1b[0m\xffb\n", 0), minute), "exit 3, 1.2 s\na\u{fffd}b");
        assert!(told(&finished(Ending::TimedOut, b"x", 0), minute).starts_with("killed after its 60 s"));
        let cut = told(&finished(Ending::Exited(0), b"begin", 777), minute);
        assert!(cut.contains("begin\n[... 777 bytes cut; ") && cut.ends_with("\nend"), "{cut}");
    }
}
