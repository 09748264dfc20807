//! What a tree of processes may use beside time: a bound on processes that stops a runaway fork long before the
//! machine suffers, no core dumps, and memory as `sandbox.memory_mib` says.
//!
//! Memory is measured over the whole tree while it runs, not set as an address space limit: node, Java and Go reserve
//! far more than they use and would not even start. The kernel counts processes per user and exempts its root, so as
//! root the bound on processes is the deadline alone.

use rustix::process::{Pid, Resource, Rlimit, prlimit};

/// Threads count too: a build with many jobs or a JVM takes hundreds.
const PROCESSES: u64 = 16_384;

/// Sets the limits that `first` hands on to all its children.
pub(super) fn limit(first: Pid) {
    for (resource, most) in [(Resource::Nproc, PROCESSES), (Resource::Core, 0)] {
        let now = rustix::process::getrlimit(resource);
        let most = now.maximum.map_or(most, |hard| hard.min(most));
        // A first process that is gone already needs no limit.
        let _ = prlimit(Some(first), resource, Rlimit { current: Some(most), maximum: Some(most) });
    }
}

/// Bytes of private memory held by `first` and everything below it. In a PID namespace that is everybody.
pub(super) fn held(first: Pid) -> u64 {
    let mut waiting = vec![first.as_raw_nonzero().get()];
    let mut bytes = 0;
    while let Some(process) = waiting.pop() {
        bytes += private(process).unwrap_or(0);
        waiting.extend(children(process));
    }
    bytes
}

fn private(process: i32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok().map(|kib: u64| kib << 10)
}

/// Any thread of a process may have started children.
fn children(process: i32) -> Vec<i32> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    threads
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|text| text.split_whitespace().filter_map(|number| number.parse().ok()).collect::<Vec<i32>>())
        .collect()
}
