//! `list`: files and folders below a folder. Deep folders are told by how much is in them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::{Reply, input, paths};
use crate::agent::Assignment;
use crate::error::Result;
use crate::workspace::Workspace;

/// Lines of an answer.
const LINES: usize = 300;
/// Lines of the listing in the first message.
const OPENING_LINES: usize = 70;
/// A folder that holds neither source nor tests is opened up to this many entries.
const SMALL: usize = 6;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    #[serde(default)]
    path: Option<String>,
    #[serde(default, deserialize_with = "input::number")]
    depth: Option<u64>,
}

pub(super) fn run(desk: &Assignment<'_>, input: Input) -> Result<Reply> {
    let folder = input.path.as_deref().map(|path| paths::relative(desk, path)).unwrap_or_default();
    let root = desk.workspace.root();
    if !paths::is_folder(root, &folder) {
        let why = if desk.workspace.is_file(&folder) { "a file; read shows it" } else { "no such folder" };
        return Ok(Reply::error(format!("{folder}: {why}")));
    }
    if paths::is_ignored(desk.workspace, &folder) {
        return Ok(paths::ignored(&folder));
    }
    let depth = input.depth.unwrap_or(2).clamp(1, 50) as usize;
    let entries = entries(desk.workspace, &folder);
    let name = if folder.is_empty() { "the root".to_owned() } else { folder };
    let head = format!("{} files below {name}", files(&entries));
    Ok(Reply::text(told(&head, &lines(&entries, |entry| entry.depth < depth), LINES)))
}

/// What the first message tells of the tree.
pub(in crate::agent) struct Look {
    /// The root, with the folders opened that matter most while there is room.
    pub(in crate::agent) listing: String,
    /// How many files there are of each extension.
    pub(in crate::agent) extensions: BTreeMap<String, usize>,
}

/// Looks over the tree once.
pub(in crate::agent) fn look(workspace: &Workspace) -> Look {
    told_of(&entries(workspace, ""))
}

fn told_of(entries: &[Entry]) -> Look {
    let mut extensions: BTreeMap<String, usize> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| !entry.is_folder) {
        if let Some(extension) = Path::new(&entry.path).extension() {
            *extensions.entry(extension.to_string_lossy().into_owned()).or_default() += 1;
        }
    }
    let open = opened(entries);
    let shown = lines(entries, |entry| open.contains(entry.path.as_str()));
    Look { listing: told(&format!("Files (of {}, without ignored ones):", files(entries)), &shown, OPENING_LINES), extensions }
}

/// What a folder is for, as far as its name and content say.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Use {
    Source,
    Tests,
    Other,
}

/// The folders to open while there is room: source first, then tests, then what is small; the upper and smaller ones first.
fn opened(entries: &[Entry]) -> BTreeSet<&str> {
    let folder = |path: &str| path.rfind('/').map_or(0, |at| at);
    let mut children: BTreeMap<&str, usize> = BTreeMap::new();
    let mut code: BTreeSet<&str> = BTreeSet::new();
    for entry in entries {
        *children.entry(&entry.path[..folder(&entry.path)]).or_default() += 1;
        if !entry.is_folder && is_code(&entry.path) {
            let above = entry.path.match_indices('/').map(|(at, _)| &entry.path[..at]);
            code.extend(above);
        }
    }
    let mut closed: Vec<(Use, usize, usize, &str)> = entries
        .iter()
        .filter(|entry| entry.is_folder && !entry.path.split('/').any(|part| part.starts_with('.')))
        .map(|entry| {
            let count = children.get(entry.path.as_str()).copied().unwrap_or(0);
            (used_for(&entry.path, code.contains(entry.path.as_str())), entry.depth, count, entry.path.as_str())
        })
        .filter(|(used, _, count, _)| *used != Use::Other || *count <= SMALL)
        .collect();
    closed.sort_unstable();
    let mut room = OPENING_LINES.saturating_sub(children.get("").copied().unwrap_or(0));
    let mut open: BTreeSet<&str> = BTreeSet::new();
    for (_, _, count, path) in closed {
        let above = &path[..folder(path)];
        if count <= room && (above.is_empty() || open.contains(above)) {
            room -= count;
            open.insert(path);
        }
    }
    open
}

fn is_code(path: &str) -> bool {
    let extension = path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map_or("", |(_, extension)| extension);
    let known =
        ["rs", "py", "js", "mjs", "cjs", "jsx", "ts", "mts", "tsx", "go", "java", "kt", "c", "h", "cc", "cpp", "hpp", "rb", "php", "cs"];
    known.contains(&extension)
}

/// Anything below a folder for tests is tests; below docs, examples and the like it is not what is worked on.
fn used_for(path: &str, holds_code: bool) -> Use {
    let parts: Vec<String> = path.split('/').map(str::to_lowercase).collect();
    let named = |names: &[&str]| parts.iter().any(|part| names.contains(&part.as_str()));
    let aside =
        ["docs", "doc", "examples", "example", "bench", "benches", "benchmark", "benchmarks", "fixtures", "testdata", "vendor", "fuzz"];
    match () {
        () if !holds_code || named(&aside) => Use::Other,
        () if named(&["test", "tests", "spec", "specs", "__tests__", "testing"]) => Use::Tests,
        () => Use::Source,
    }
}

/// A file or folder below where a walk began.
struct Entry {
    path: String,
    is_folder: bool,
    depth: usize,
}

fn entries(workspace: &Workspace, folder: &str) -> Vec<Entry> {
    with_folders(&paths::files(workspace, folder), folder)
}

/// Files in order, each folder before what is in it. Like in git there are no empty folders.
fn with_folders(files: &[String], below: &str) -> Vec<Entry> {
    let above = if below.is_empty() { 0 } else { below.split('/').count() };
    let mut entries: Vec<Entry> = Vec::new();
    let mut before: Vec<&str> = Vec::new();
    for path in files {
        let parts: Vec<&str> = path.split('/').collect();
        let same = parts.iter().zip(&before).take_while(|(one, two)| one == two).count().max(above);
        for depth in same + 1..=parts.len() {
            entries.push(Entry { path: parts[..depth].join("/"), is_folder: depth < parts.len(), depth: depth - above });
        }
        before = parts[..parts.len() - 1].to_vec();
    }
    entries
}

fn files(entries: &[Entry]) -> usize {
    entries.iter().filter(|entry| !entry.is_folder).count()
}

/// One line for each entry outside of closed folders; of those, how many files are in them. Relies on a folder standing right
/// before what is in it.
fn lines(entries: &[Entry], is_open: impl Fn(&Entry) -> bool) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut rest = entries;
    while let Some((entry, after)) = rest.split_first() {
        rest = after;
        if !entry.is_folder {
            lines.push(entry.path.clone());
            continue;
        }
        if is_open(entry) {
            lines.push(format!("{}/", entry.path));
            continue;
        }
        let inside = after.iter().take_while(|inner| inner.depth > entry.depth).count();
        let (closed, after) = after.split_at(inside);
        lines.push(format!("{}/ ({} files)", entry.path, files(closed)));
        rest = after;
    }
    lines
}

fn told(head: &str, lines: &[String], most: usize) -> String {
    let mut text = format!("{head}\n{}", lines[..lines.len().min(most)].join("\n"));
    if lines.len() > most {
        text.push_str(&format!("\n[{} more: list a folder of it, or search by glob]", lines.len() - most));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(paths: &[&str]) -> Look {
        let mut files: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        files.sort_by(|one, two| one.split('/').cmp(two.split('/')));
        told_of(&with_folders(&files, ""))
    }

    #[test]
    fn the_first_listing_opens_source_and_tests_before_all_else() {
        let docs: Vec<String> = (0..40).map(|n| format!("docs/d{n}.rst")).collect();
        let source: Vec<String> = (0..30).map(|n| format!("src/pkg/s{n}.py")).collect();
        let more = ["src/pkg/plugins/a.py", "tests/test_a.py", "tests/fixtures/a.txt", ".github/workflows/ci.yml", "setup.py"];
        let paths: Vec<&str> = docs.iter().chain(&source).map(String::as_str).chain(more).collect();
        let look = look(&paths);
        let opened =
            ["\nsrc/pkg/s29.py\n", "\nsrc/pkg/plugins/a.py\n", "\ntests/test_a.py", "\ndocs/ (40 files)\n", "\n.github/ (1 files)\n"];
        for part in opened {
            assert!(look.listing.contains(part), "{part:?} is not in:\n{}", look.listing);
        }
        assert_eq!((look.extensions["py"], look.extensions["rst"]), (33, 40));
    }

    #[test]
    fn a_large_folder_stays_closed_and_a_large_root_is_counted() {
        let many: Vec<String> = (0..100).map(|n| format!("tests/t{n}.py")).collect();
        let mut paths: Vec<&str> = many.iter().map(String::as_str).chain(["src/a.py", "src/deep/er/x.py"]).collect();
        let expected =
            "Files (of 102, without ignored ones):\nsrc/\nsrc/a.py\nsrc/deep/\nsrc/deep/er/\nsrc/deep/er/x.py\ntests/ (100 files)";
        assert_eq!(look(&paths).listing, expected);
        let root: Vec<String> = (0..500).map(|n| format!("f{n}")).collect();
        paths.extend(root.iter().map(String::as_str));
        assert!(look(&paths).listing.ends_with("[432 more: list a folder of it, or search by glob]"));
    }
}
