//! The rules of the house, checked on its source: rooms use rooms below them, each thing has its one owner, every file
//! says what it is about, and README and `--help` tell the same exit codes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use loom_agent::error::Kind;

use crate::tokens;

/// From the top of the house to its foot; a room uses rooms below it.
const ROOMS: [&str; 16] = [
    "cli",
    "serve",
    "pipeline",
    "agent",
    "forge",
    "proposal",
    "verify",
    "runner",
    "workspace",
    "queue",
    "model",
    "guard",
    "sandbox",
    "config",
    "task",
    "error",
];

/// Rooms that stay apart although one is below the other.
const APART: [(&str, &str); 7] = [
    ("serve", "pipeline"),
    ("serve", "agent"),
    ("serve", "workspace"),
    ("agent", "forge"),
    ("agent", "queue"),
    ("agent", "verify"),
    ("verify", "model"),
];

/// What one room alone may touch: parts of a path, and the room.
const OWNED: [(&[&str], &str); 9] = [
    (&["process", "Command"], "sandbox"),
    (&["env", "var"], "config"),
    (&["env", "var_os"], "config"),
    (&["env", "vars"], "config"),
    (&["env", "vars_os"], "config"),
    (&["env", "set_var"], "nobody"),
    (&["io", "stdout"], "cli"),
    (&["io", "stderr"], "cli"),
    (&["rusqlite"], "queue"),
];

/// Files that may touch what their room does not own, and why.
const EXCEPT: [(&str, &[&str]); 2] = [
    // For tests alone: how many damaged texts they read is told by `.ci/nightly fuzz`.
    ("runner/fuzz.rs", &["env", "var"]),
    // A program of its own, the child of a sandbox: there is no `cli` inside, and its stderr is the child's.
    ("sandbox/relay.rs", &["io", "stderr"]),
];

/// A file longer than this has two subjects.
const LONGEST: usize = 400;

/// One file of `src`.
struct File {
    path: PathBuf,
    text: String,
}

impl File {
    fn tokens(&self) -> Vec<String> {
        tokens::of_product(&self.text)
    }

    /// Its place in the crate, like `["cli", "progress", "live"]`.
    fn module(&self) -> Vec<String> {
        let mut parts: Vec<String> = self.path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if parts.last().is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main")) {
            parts.pop();
        }
        parts
    }

    fn room(&self) -> String {
        self.module().into_iter().next().unwrap_or_default()
    }

    /// The paths it names, those of this crate beginning with a room.
    fn paths(&self) -> Vec<Vec<String>> {
        let module = self.module();
        tokens::paths(&self.tokens()).into_iter().map(|path| from_the_root(path, &module)).collect()
    }
}

/// `crate::x` and `super::x` as they count from the root; marked so that a room is not taken for a crate of that name.
fn from_the_root(path: Vec<String>, module: &[String]) -> Vec<String> {
    let own = |rest: &[String]| std::iter::once("crate".to_owned()).chain(rest.iter().cloned()).collect();
    let supers = path.iter().take_while(|part| *part == "super").count();
    match path.first().map(String::as_str) {
        Some("super") => own(&[&module[..module.len().saturating_sub(supers)], &path[supers..]].concat()),
        Some("self") => own(&[module, &path[1..]].concat()),
        _ => path,
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn rust_files(folder: &str) -> Vec<File> {
    let (mut paths, folder) = (Vec::new(), root().join(folder));
    collect(&folder, &mut paths);
    paths.sort();
    let file = |path: PathBuf| File { text: std::fs::read_to_string(&path).unwrap(), path: path.strip_prefix(&folder).unwrap().to_owned() };
    paths.into_iter().map(file).collect()
}

/// The files of the product: not those that exist for tests alone.
fn product() -> Vec<File> {
    let files = rust_files("src");
    let for_tests: Vec<Vec<String>> = files.iter().flat_map(test_modules).collect();
    files.into_iter().filter(|file| !for_tests.iter().any(|module| file.module().starts_with(module))).collect()
}

/// Modules that a file declares by `#[cfg(test)] mod name;`.
fn test_modules(file: &File) -> Vec<Vec<String>> {
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    let declared = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]").filter_map(|pair| {
        pair[1].split_whitespace().skip_while(|word| *word != "mod").nth(1).and_then(|name| name.strip_suffix(';')).map(str::to_owned)
    });
    declared.map(|name| [file.module(), vec![name]].concat()).collect()
}

#[track_caller]
fn none_of(broken: Vec<String>, rule: &str) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

fn floor(room: &str) -> Option<usize> {
    ROOMS.iter().position(|known| *known == room)
}

fn upward(files: &[File]) -> Vec<String> {
    let mut broken = Vec::new();
    for file in files {
        let Some(own) = floor(&file.room()) else { continue };
        for path in file.paths() {
            let ["crate", room, ..] = path.iter().map(String::as_str).collect::<Vec<_>>()[..] else { continue };
            let Some(used) = floor(room) else { continue };
            let apart = APART.contains(&(ROOMS[own], ROOMS[used]));
            if used < own || apart {
                broken.push(format!("src/{} uses {}", file.path.display(), path.join("::")));
            }
        }
    }
    broken
}

#[test]
fn rooms_use_rooms_below_them() {
    none_of(upward(&product()), "a room may use only rooms below it, in this order: cli ... error");
}

/// A rule that cannot be broken guards nothing.
#[test]
fn planted_faults_are_found() {
    let plant = |path: &str, text: &str| vec![File { path: path.into(), text: text.into() }];
    for (path, text) in [
        ("task/event.rs", "use crate::{error::Result, queue};"),
        ("agent/work.rs", "fn f() { crate::verify::judge() }"),
        ("config/load.rs", "use super::super::cli::main;"),
        ("model/mod.rs", "pub use super::agent::Outcome;"),
    ] {
        assert_eq!(upward(&plant(path, text)).len(), 1, "{text}");
    }
    for (path, text) in [
        ("verify/cells.rs", "use std::process::{self, Command};"),
        ("forge/local/git.rs", "use std::process; fn f() { process::Command::new(\"git\"); }"),
        ("sandbox/tree.rs", "fn f() { std::env::var_os(\"HOME\"); }"),
        ("sandbox/relay.rs", "fn f() { std::io::stdout(); }"),
        ("proposal/mod.rs", "use rusqlite::Connection;"),
        ("pipeline/run.rs", "fn f() { writeln!(std::io::stdout(), \"x\"); }"),
    ] {
        assert_eq!(trespasses(&plant(path, text)).len(), 1, "{text}");
    }
    let fine = "use crate::task::Stage; use super::queue_of; #[cfg(test)] mod tests { use crate::cli; use std::process::Command; }";
    assert_eq!((upward(&plant("agent/work.rs", fine)), trespasses(&plant("agent/work.rs", fine))), (vec![], vec![]));
}

#[test]
fn the_map_names_every_room_in_order() {
    let library = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let named: Vec<&str> = library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let known: Vec<&str> = ROOMS.into_iter().filter(|room| named.contains(room)).collect();
    assert_eq!(named, known);
}

fn trespasses(files: &[File]) -> Vec<String> {
    let mut broken = Vec::new();
    for file in files {
        let room = file.room();
        for path in file.paths() {
            for (owned, owner) in OWNED {
                // A crate's own name counts at the front only; the rest wherever it stands.
                let touches = match owned {
                    [name] => path.first().is_some_and(|first| first == name),
                    parts => path.windows(parts.len()).any(|window| window == parts),
                };
                let excepted = EXCEPT.iter().any(|(excepted, parts)| file.path == Path::new(excepted) && *parts == owned);
                if touches && room != owner && !excepted {
                    broken.push(format!("src/{} uses {}, which is for {owner}", file.path.display(), path.join("::")));
                }
            }
        }
    }
    broken
}

#[test]
fn each_thing_has_one_owner() {
    none_of(trespasses(&product()), "children start in sandbox, variables are read in config, printing happens in cli, SQL lives in queue");
}

#[test]
fn only_cli_prints() {
    let mut broken = Vec::new();
    for file in product().into_iter().filter(|file| file.room() != "cli") {
        let tokens = file.tokens();
        let prints = |pair: &&[String]| matches!(pair[0].as_str(), "println" | "eprintln" | "print" | "eprint" | "dbg") && pair[1] == "!";
        broken.extend(tokens.windows(2).filter(prints).map(|pair| format!("src/{}: {}!", file.path.display(), pair[0])));
    }
    none_of(broken, "printing happens in cli");
}

#[test]
fn nouns_and_policies_do_no_input_or_output() {
    let mut broken = Vec::new();
    for file in product().into_iter().filter(|file| matches!(file.room().as_str(), "task" | "guard")) {
        for path in file.paths() {
            if let ["std", "fs" | "net" | "process" | "env" | "io" | "thread", ..] = path.iter().map(String::as_str).collect::<Vec<_>>()[..]
            {
                broken.push(format!("src/{} uses {}", file.path.display(), path.join("::")));
            }
        }
    }
    none_of(broken, "task and guard do no I/O");
}

#[test]
fn every_file_says_what_it_is_about_and_is_about_one_thing() {
    let mut broken = Vec::new();
    for (folder, file) in ["src", "tests"].into_iter().flat_map(|folder| rust_files(folder).into_iter().map(move |file| (folder, file))) {
        // The repositories that tests work on are not of this house.
        if folder == "tests" && file.module().first().is_some_and(|first| first != "end_to_end") {
            continue;
        }
        let path = format!("{folder}/{}", file.path.display());
        if !file.text.starts_with("//! ") {
            broken.push(format!("{path} does not begin with `//! ` and what it owns"));
        }
        let lines = file.text.lines().count();
        if lines > LONGEST {
            broken.push(format!("{path} has {lines} lines"));
        }
    }
    none_of(broken, "a file begins with its caption, and has one subject (400 lines)");
}

#[test]
fn readme_tells_the_exit_codes() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("there is a README.md");
    let block = readme.split("<!-- exit-codes -->").nth(1).expect("README.md has its table behind <!-- exit-codes -->");
    let block = block.split("<!-- /exit-codes -->").next().unwrap_or_default();
    let told: BTreeMap<u8, String> = block.lines().flat_map(codes).collect();
    let mut expected: BTreeMap<u8, String> = Kind::ALL.iter().map(|kind| (kind.exit_code(), kind.meaning().to_owned())).collect();
    expected.insert(0, told.get(&0).cloned().unwrap_or_default());
    let table: String = expected.iter().map(|(code, meaning)| format!("| {code} | {meaning} |\n")).collect();
    assert_eq!(told, expected, "the table should be:\n| code | meaning |\n| --- | --- |\n{table}");
    assert!(told[&0].starts_with("done"), "README.md tells what 0 means");
}

/// `| 1 | meaning | 2 | meaning |`: one or more pairs of cells.
fn codes(row: &str) -> Vec<(u8, String)> {
    let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
    cells.windows(2).filter_map(|pair| Some((pair[0].parse().ok()?, pair[1].to_owned()))).collect()
}
