//! `list`: files and folders below a folder. Deep folders are told by how much is in them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::{Reply, input, paths};
use crate::agent::Assignment;
use crate::error::Result;

/// Lines of an answer.
const LINES: usize = 300;
/// Lines of the listing in the first message.
const OPENING_LINES: usize = 70;

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
    let depth = input.depth.unwrap_or(2).clamp(1, 50) as usize;
    let entries = entries(root, &folder);
    let name = if folder.is_empty() { "the root".to_owned() } else { folder };
    let head = format!("{} files below {name}", files(&entries));
    Ok(Reply::text(told(&head, &lines(&entries, |entry| entry.depth < depth), LINES)))
}

/// The listing of the first message: the root, and its smallest folders opened while there is room.
pub(in crate::agent) fn listing(root: &Path) -> String {
    let entries = entries(root, "");
    let mut inside: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.depth == 2) {
        *inside.entry(entry.path.split('/').next().unwrap_or_default()).or_default() += 1;
    }
    let mut folders: Vec<(usize, &str)> = inside.into_iter().map(|(folder, count)| (count, folder)).collect();
    folders.retain(|(_, folder)| !folder.starts_with('.'));
    folders.sort_unstable();
    let mut lines_used = entries.iter().filter(|entry| entry.depth == 1).count();
    let mut open = Vec::new();
    for (count, folder) in folders {
        lines_used += count;
        if lines_used > OPENING_LINES {
            break;
        }
        open.push(folder);
    }
    let shown = lines(&entries, |entry| open.contains(&entry.path.as_str()));
    told(&format!("Files (of {}, without ignored ones):", files(&entries)), &shown, OPENING_LINES)
}

/// A file or folder below where a walk began.
struct Entry {
    path: String,
    is_folder: bool,
    depth: usize,
}

fn entries(root: &Path, folder: &str) -> Vec<Entry> {
    let entry = |entry: ignore::DirEntry| Entry {
        path: paths::shown(root, &entry),
        is_folder: entry.file_type().is_some_and(|kind| kind.is_dir()),
        depth: entry.depth(),
    };
    paths::walk(root, folder, None).map(entry).collect()
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

    #[test]
    fn the_first_listing_opens_what_is_small() {
        let folder = tempfile::tempdir().unwrap();
        let touch = |path: String| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        };
        (0..100).for_each(|n| touch(format!("tests/t{n}.py")));
        (0..3).for_each(|n| touch(format!("src/s{n}.py")));
        touch(".github/workflows/ci.yml".into());
        touch("src/deep/er/x.py".into());
        let expected = "Files (of 105, without ignored ones):\n.github/ (1 files)\nsrc/\nsrc/deep/ (1 files)\nsrc/s0.py\nsrc/s1.py\nsrc/s2.py\ntests/ (100 files)";
        assert_eq!(listing(folder.path()), expected);
        (0..500).for_each(|n| touch(format!("f{n}")));
        assert!(listing(folder.path()).ends_with("[433 more: list a folder of it, or search by glob]"));
    }
}
