//! The confusion matrix: patches good and bad of small repositories written for it, each put before the gate.
//! `.ci/nightly proof [ECOSYSTEM[/CASE]]...`; a line for each case that came out wrong, then a table per ecosystem.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program for people, which stops where something is missing")]

mod bench;
mod case;
#[path = "../../shared/ground.rs"]
mod ground;
mod table;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use case::{Case, Ecosystem, Files};
use table::{Outcome, wrong};

/// The cases of one base tree.
struct Group<'a> {
    ecosystem: &'a Ecosystem,
    base: Files,
    cases: Vec<&'a Case>,
}

fn main() -> ExitCode {
    let (flags, filters): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|word| word.starts_with('-'));
    let verbose = flags.iter().any(|flag| flag == "--verbose");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/proof");
    let ecosystems = Ecosystem::all(&folder);
    let groups = groups(&ecosystems, &filters);
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(2, |count| count.get().min(4));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                    run(group, verbose, &outcomes);
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap();
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

fn run(group: &Group<'_>, verbose: bool, outcomes: &Mutex<Vec<Outcome>>) {
    let ground = bench::ground(&group.base);
    if verbose {
        println!("{}: {}", group.ecosystem.name, bench::counts(&ground));
    }
    for case in &group.cases {
        let started = std::time::Instant::now();
        let said = bench::says(&ground, case, &group.ecosystem.patch(case, &group.base));
        let outcome =
            Outcome { ecosystem: group.ecosystem.name.clone(), kind: case.kind, wrong: wrong(case, &said), verdict: said.verdict.clone() };
        let place = format!("{}/{}", group.ecosystem.name, case.name);
        match &outcome.wrong {
            Some(what) => println!(
                "WRONG {place}: {what}\n    {}\n    said {} {} {:?} {:?}\n{}",
                case.is,
                said.verdict,
                said.proof,
                said.names,
                said.fail_to_pass,
                table::indented(&said.texts)
            ),
            None if verbose => println!(
                "ok {place}: {} {:?} {:.1} s\n{}",
                said.verdict,
                said.names,
                started.elapsed().as_secs_f32(),
                table::indented(&said.texts)
            ),
            None => {}
        }
        outcomes.lock().unwrap().push(outcome);
    }
}
