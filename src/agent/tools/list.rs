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
    let lines = lines(root, &folder, depth);
    let name = if folder.is_empty() { "the root".to_owned() } else { folder };
    Ok(Reply::text(told(&format!("{} files below {name}", lines.files), &lines.shown, LINES)))
}

/// The listing of the first message: two levels where that is short enough, one otherwise.
pub(in crate::agent) fn listing(root: &Path) -> String {
    let two = lines(root, "", 2);
    let head = format!("Files (of {}, without ignored ones):", two.files);
    let shown = if two.shown.len() <= OPENING_LINES { two.shown } else { lines(root, "", 1).shown };
    told(&head, &shown, OPENING_LINES)
}

struct Listed {
    shown: Vec<String>,
    files: usize,
}

fn lines(root: &Path, folder: &str, depth: usize) -> Listed {
    let mut shown = Vec::new();
    let mut inside: BTreeMap<String, usize> = BTreeMap::new();
    let mut files = 0;
    for entry in paths::walk(root, folder, None) {
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        let path = paths::shown(root, &entry);
        files += usize::from(!is_folder);
        if entry.depth() <= depth {
            shown.push(match is_folder {
                true => format!("{path}/"),
                false => path,
            });
        } else if !is_folder {
            let below = if folder.is_empty() { 0 } else { folder.split('/').count() };
            let cut: Vec<&str> = path.split('/').take(below + depth).collect();
            *inside.entry(format!("{}/", cut.join("/"))).or_default() += 1;
        }
    }
    for line in &mut shown {
        if let Some(count) = inside.get(line.as_str()) {
            line.push_str(&format!(" ({count} files)"));
        }
    }
    Listed { shown, files }
}

fn told(head: &str, lines: &[String], most: usize) -> String {
    let mut text = format!("{head}\n{}", lines[..lines.len().min(most)].join("\n"));
    if lines.len() > most {
        text.push_str(&format!("\n[{} more: list a folder of it, or search by glob]", lines.len() - most));
    }
    text
}
