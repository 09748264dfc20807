//! Paths as models write them, and a walk over the files that git does not ignore. Follows no links; opens nothing.

use std::collections::BTreeSet;
use std::path::Path;

use ignore::{DirEntry, WalkBuilder};

use super::Reply;
use crate::agent::Assignment;
use crate::error::Result;
use crate::guard::{self, Touched, Weight};
use crate::workspace::Workspace;

/// Git's mode of a plain file.
const FILE: u32 = 0o100_644;

/// The path relative to the root: without the mount point in front, `./` or a slash at the end.
pub(super) fn relative(desk: &Assignment<'_>, path: &str) -> String {
    let point = desk.tree.point.to_string_lossy();
    let host = desk.workspace.root().to_string_lossy();
    let path = path.trim();
    let inside = path.strip_prefix(point.as_ref()).or_else(|| path.strip_prefix(host.as_ref()));
    let path = inside.filter(|rest| rest.is_empty() || rest.starts_with('/')).map_or(path, |rest| rest.trim_start_matches('/'));
    let parts = path.split('/').enumerate().filter(|(at, part)| !matches!(*part, ".") && (*at == 0 || !part.is_empty()));
    let path: Vec<&str> = parts.map(|(_, part)| part).collect();
    path.join("/")
}

/// Files and folders below `folder` of the root, in order, at most `depth` deep. Walks from the root, so that the rules of
/// every folder on the way hold, and none from above the tree.
pub(super) fn walk(root: &Path, folder: &str, depth: Option<usize>) -> impl Iterator<Item = DirEntry> {
    let (start, above) = (root.join(folder), Path::new(folder).components().count());
    let mut walk = WalkBuilder::new(root);
    walk.hidden(false)
        .parents(false)
        .git_global(false)
        .git_exclude(true)
        .require_git(false)
        .follow_links(false)
        .max_depth(depth.map(|depth| depth + above))
        .sort_by_file_name(Ord::cmp)
        .filter_entry(move |entry| entry.file_name() != ".git" && (entry.path().starts_with(&start) || start.starts_with(entry.path())));
    walk.build().filter_map(Result::ok).filter(move |entry| entry.depth() > above)
}

/// The files and links below a folder that are the repository's or may become so: none that git ignores, unless it is tracked.
pub(super) fn files(workspace: &Workspace, folder: &str) -> Vec<String> {
    let root = workspace.root();
    let files = walk(root, folder, None).filter(|entry| entry.file_type().is_some_and(|kind| !kind.is_dir()));
    let mut files: BTreeSet<String> = files.map(|entry| shown(root, &entry)).collect();
    let inside = |path: &String| folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    files.extend(workspace.tracked().into_iter().filter(inside).filter(|path| workspace.is_file(path)));
    let mut files: Vec<String> = files.into_iter().collect();
    files.sort_by(|one, two| one.split('/').cmp(two.split('/')));
    files
}

/// Whether git ignores a folder, and so all that is in it.
pub(super) fn is_ignored(workspace: &Workspace, folder: &str) -> bool {
    let (root, above) = (workspace.root(), folder.rsplit_once('/').map_or("", |(above, _)| above));
    let walked = folder.is_empty() || walk(root, above, Some(1)).any(|entry| shown(root, &entry) == folder);
    !walked && files(workspace, folder).is_empty()
}

/// The answer where a search or listing is asked for in a folder that git ignores.
pub(super) fn ignored(folder: &str) -> Reply {
    Reply::error(format!("{folder} is ignored by git (build output, dependencies): look into it by shell"))
}

/// Whether the walk may begin here: a real folder of the tree, reached without links.
pub(super) fn is_folder(root: &Path, folder: &str) -> bool {
    let mut path = root.to_path_buf();
    let plain = |path: &Path| path.symlink_metadata().is_ok_and(|meta| meta.is_dir());
    folder.is_empty()
        || folder.split('/').all(|part| {
            path.push(part);
            !matches!(part, "" | "." | "..") && plain(&path)
        })
}

/// The path of a walked entry, relative to the root, with `/` between parts.
pub(super) fn shown(root: &Path, entry: &DirEntry) -> String {
    entry.path().strip_prefix(root).unwrap_or(entry.path()).to_string_lossy().into_owned()
}

/// There is no such file: names those that may be meant.
pub(super) fn no_such_file(desk: &Assignment<'_>, path: &str, why: &str) -> Reply {
    let root = desk.workspace.root();
    if is_folder(root, path) {
        return Reply::error(format!("{path} is a folder; list shows what is in it"));
    }
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    let same_name = |entry: &DirEntry| entry.file_name().to_string_lossy().to_lowercase() == name;
    let meant: Vec<String> = walk(root, "", None).filter(same_name).take(5).map(|entry| shown(root, &entry)).collect();
    match meant.is_empty() || meant == [path] {
        true => Reply::error(format!("{path}: {why}")),
        false => Reply::error(format!("{path}: {why}. Of that name there is: {}", meant.join(", "))),
    }
}

/// Refuses a change of a file that no patch may touch: told at once, it costs a turn and not a round.
pub(super) fn protected(desk: &Assignment<'_>, path: &str, size: usize) -> Result<Option<Reply>> {
    let old_mode = if desk.workspace.is_file(path) { FILE } else { 0 };
    let touched = Touched { path: path.to_owned(), from: None, old_mode, mode: FILE, link: None, size: size as u64, binary: false };
    let violations = guard::violations(&[touched], &desk.config.gate)?;
    let refused = violations.into_iter().find(|violation| violation.weight == Weight::Refuse);
    Ok(refused.map(|violation| Reply::error(format!("{path} stays as it is: {}", violation.reason))))
}

/// Whether bytes are no text.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    bytes[..bytes.len().min(8_000)].contains(&0)
}

/// A line no longer than `most`, the rest counted.
pub(super) fn short_line(line: &str, most: usize) -> String {
    if line.len() <= most {
        return line.to_owned();
    }
    let end = line.floor_char_boundary(most);
    format!("{} [... {} bytes more]", &line[..end], line.len() - end)
}
