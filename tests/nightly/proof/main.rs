//! The confusion matrix: patches good and bad of small repositories written for it, each put before the gate.
//! `.ci/nightly proof [--verbose] [--binary] [ECOSYSTEM[/CASE]]...`; a line for each case that came out wrong, the table of
//! each ecosystem when it is done, and all of them at the end.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program for people, which stops where something is missing")]

mod bench;
#[path = "../../shared/case.rs"]
mod case;
#[path = "../../shared/ground.rs"]
mod ground;
#[path = "../../end_to_end/loom.rs"]
#[allow(dead_code, reason = "the tests that drive the program need more of it")]
mod loom;
#[path = "../../shared/program.rs"]
mod program;
#[path = "../../shared/said.rs"]
mod said;
mod table;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bench::{Bench, Means};
use case::{Case, Ecosystem, Files};
use said::wrong;
use table::Outcome;

/// The cases of one base tree.
struct Group<'a> {
    ecosystem: &'a Ecosystem,
    base: Files,
    cases: Vec<&'a Case>,
}

/// How a run is done, and what has come of it so far.
struct Run {
    verbose: bool,
    means: Means,
    began: Instant,
    /// Cases of each ecosystem that are to come.
    left: Mutex<BTreeMap<String, usize>>,
    outcomes: Mutex<Vec<Outcome>>,
}

fn main() -> ExitCode {
    let (flags, filters): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|word| word.starts_with('-'));
    if let Some(flag) = flags.iter().find(|flag| !["--verbose", "--binary"].contains(&flag.as_str())) {
        println!("there is no {flag}; usage: .ci/nightly proof [--verbose] [--binary] [ECOSYSTEM[/CASE]]...");
        return ExitCode::FAILURE;
    }
    let has = |flag: &str| flags.iter().any(|one| one == flag);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/proof");
    let ecosystems = Ecosystem::all(&folder);
    let groups = groups(&ecosystems, &filters);
    let mut left = BTreeMap::new();
    groups.iter().for_each(|group| *left.entry(group.ecosystem.name.clone()).or_default() += group.cases.len());
    let run = Run {
        verbose: has("--verbose"),
        means: if has("--binary") { Means::Program } else { Means::Library },
        began: Instant::now(),
        left: Mutex::new(left),
        outcomes: Mutex::default(),
    };
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, |count| count.get().min(4));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                    judged(group, &run);
                }
            });
        }
    });
    let outcomes = run.outcomes.into_inner().unwrap();
    let asked: usize = groups.iter().map(|group| group.cases.len()).sum();
    let failed = asked - outcomes.iter().filter(|one| one.wrong.is_none()).count();
    println!("\n{}", table::tables(&outcomes));
    println!("{} passed, {failed} failed", asked - failed);
    if failed == 0 && asked > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The cases that were asked for, by base tree; many of one tree are several groups, so that all threads have work.
fn groups<'a>(ecosystems: &'a [Ecosystem], filters: &[String]) -> Vec<Group<'a>> {
    const MOST: usize = 16;
    let mut groups = Vec::new();
    for ecosystem in ecosystems {
        let wanted = |case: &&Case| {
            let place = format!("{}/{}", ecosystem.name, case.name);
            filters.is_empty()
                || filters.iter().any(|filter| {
                    place == *filter
                        || place.split('/').next() == Some(filter)
                        || filter.contains('/') && place.starts_with(filter.as_str())
                })
        };
        let mut by_base: BTreeMap<Files, Vec<&Case>> = BTreeMap::new();
        for case in ecosystem.cases.iter().filter(wanted) {
            by_base.entry(ecosystem.base(case)).or_default().push(case);
        }
        for (base, cases) in by_base {
            groups.extend(cases.chunks(MOST).map(|some| Group { ecosystem, base: base.clone(), cases: some.to_vec() }));
        }
    }
    groups
}

fn judged(group: &Group<'_>, run: &Run) {
    let bench = Bench::of(run.means, &group.base);
    if run.verbose {
        println!("{}: {}", group.ecosystem.name, bench.counts());
    }
    for case in &group.cases {
        let started = Instant::now();
        let said = bench.says(case, &group.ecosystem.patch(case, &group.base));
        let seconds = started.elapsed().as_secs_f32();
        let wrong = wrong(case, &said);
        let place = format!("{}/{}", group.ecosystem.name, case.name);
        match &wrong {
            Some(what) => println!(
                "WRONG {place}: {what}\n    {}\n    said {} {} {:?} {:?}\n{}",
                case.is,
                said.verdict,
                said.proof,
                said.names,
                said.fail_to_pass,
                table::indented(&said.texts)
            ),
            None if run.verbose => {
                println!("ok {place}: {} {:?} {seconds:.1} s\n{}", said.verdict, said.names, table::indented(&said.texts));
            }
            None => {}
        }
        let outcome = Outcome { ecosystem: group.ecosystem.name.clone(), kind: case.kind, wrong, verdict: said.verdict, seconds };
        run.outcomes.lock().unwrap().push(outcome);
    }
    done(&group.ecosystem.name, group.cases.len(), run);
}

/// So many cases of an ecosystem are done: what came of all until now is told, so that a run which is cut off has shown
/// what it came to.
fn done(ecosystem: &str, cases: usize, run: &Run) {
    let mut left = run.left.lock().unwrap();
    let count = left.get_mut(ecosystem).unwrap();
    *count -= cases;
    let to_come = if *count == 0 { String::new() } else { format!(", {count} cases to come") };
    let line = table::line(ecosystem, &run.outcomes.lock().unwrap());
    println!("{line} (after {:.0} s{to_come})", run.began.elapsed().as_secs_f32());
}
