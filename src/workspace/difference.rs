//! The real difference between two trees, and a difference applied as data.
//! Owns git's patch format in both directions; what the difference may hold is `guard`'s policy.

use git2::{ApplyOptions, Delta, Diff, DiffFindOptions, DiffFormat, DiffOptions};

use super::cache::{Cache, find_tree, keep, tree_id};
use super::names::shown;
use super::{Change, FileChange, Patch};
use crate::error::{Failure, Kind, OrFail, Result};
use crate::task::{CommitId, TreeId};

impl Cache {
    /// The difference between a commit's tree and another tree: renames found, binary content included, the same bytes
    /// for the same trees on every machine.
    pub fn patch(&self, base: &CommitId, head: &TreeId) -> Result<Patch> {
        let base_tree = self.tree_of(base)?;
        let repository = self.repository()?;
        let doing = || format!("comparing {} with {}", base.short(), head.short());
        let (old, new) = (find_tree(&repository, &base_tree)?, find_tree(&repository, head)?);
        let mut diff = repository.diff_tree_to_tree(Some(&old), Some(&new), Some(&mut format())).or_fail(Kind::Workspace, doing)?;
        let mut renames = DiffFindOptions::new();
        renames.renames(true).rename_threshold(50).rename_limit(1000).remove_unmodified(true);
        diff.find_similar(Some(&mut renames)).or_fail(Kind::Workspace, doing)?;
        let files = (0..diff.deltas().len()).map(|at| file_change(&diff, at)).collect::<Result<Vec<_>>>()?;
        let text = printed(&diff).or_fail(Kind::Workspace, doing)?;
        Ok(Patch { base: base.clone(), base_tree, head_tree: head.clone(), files, diff: text })
    }

    /// Applies a git patch as data to the tree of `base`; fails when it does not apply cleanly.
    pub fn apply(&self, base: &CommitId, diff: &[u8]) -> Result<TreeId> {
        let base_tree = self.tree_of(base)?;
        if diff.is_empty() {
            return Ok(base_tree);
        }
        let repository = self.repository()?;
        let doing = || format!("applying the patch to {}", base.short());
        let before = find_tree(&repository, &base_tree)?;
        let parsed = Diff::from_buffer(diff).or_fail(Kind::Workspace, doing)?;
        appliable(&parsed, &before)?;
        let applied = repository.apply_to_tree(&before, &parsed, Some(&mut ApplyOptions::new()));
        let id = applied.and_then(|mut index| index.write_tree_to(&repository)).or_fail(Kind::Workspace, doing)?;
        keep(&repository, "trees", id)?;
        tree_id(id)
    }
}

/// Every option that configuration could change is set.
fn format() -> DiffOptions {
    let mut options = DiffOptions::new();
    options.old_prefix("a/").new_prefix("b/").context_lines(3).interhunk_lines(0).id_abbrev(40);
    options.show_binary(true).indent_heuristic(true).ignore_submodules(false).max_size(-1);
    options
}

fn printed(diff: &Diff<'_>) -> Result<Vec<u8>, git2::Error> {
    let mut text = Vec::new();
    diff.print(DiffFormat::Patch, |_, _, line| {
        if matches!(line.origin(), '+' | '-' | ' ') {
            text.push(line.origin() as u8);
        }
        text.extend_from_slice(line.content());
        true
    })?;
    Ok(text)
}

fn file_change(diff: &Diff<'_>, at: usize) -> Result<FileChange> {
    let doing = || format!("reading change {at} of the difference");
    let delta = diff.get_delta(at).ok_or_else(|| Failure::new(Kind::Internal, doing()))?;
    let (old, new) = (delta.old_file(), delta.new_file());
    let path = |file: &git2::DiffFile<'_>| shown(file.path_bytes().unwrap_or_default());
    let change = match delta.status() {
        Delta::Added | Delta::Copied => Change::Added,
        Delta::Deleted => Change::Deleted,
        Delta::Renamed => Change::Renamed(path(&old)),
        _ => Change::Modified,
    };
    let text = git2::Patch::from_diff(diff, at).or_fail(Kind::Workspace, doing)?;
    let binary =
        delta.old_file().is_binary() || delta.new_file().is_binary() || diff.get_delta(at).is_some_and(|delta| delta.flags().is_binary());
    let (added, removed) = match text {
        Some(text) if !binary => text.line_stats().map(|(_, added, removed)| (added, removed)).or_fail(Kind::Workspace, doing)?,
        _ => (0, 0),
    };
    let gone = change == Change::Deleted;
    Ok(FileChange {
        path: path(if gone { &old } else { &new }),
        mode: if gone { 0 } else { new.mode().into() },
        change,
        added: added as u64,
        removed: removed as u64,
        binary,
    })
}

/// What the library would let pass or fail on with unclear words.
fn appliable(diff: &Diff<'_>, base: &git2::Tree<'_>) -> Result<()> {
    let gone: Vec<&[u8]> = diff
        .deltas()
        .filter(|delta| matches!(delta.status(), Delta::Deleted | Delta::Renamed))
        .filter_map(|delta| delta.old_file().path_bytes())
        .collect();
    for delta in diff.deltas() {
        let path = delta.new_file().path_bytes().or(delta.old_file().path_bytes()).unwrap_or_default();
        if [delta.old_file().mode(), delta.new_file().mode()].contains(&git2::FileMode::Commit) {
            return Err(Failure::new(Kind::Workspace, format_args!("the patch changes the submodule {}", shown(path))));
        }
        let appears = matches!(delta.status(), Delta::Added | Delta::Renamed);
        if appears && !gone.contains(&path) && base.get_path(as_path(path)).is_ok() {
            return Err(Failure::new(Kind::Workspace, format_args!("the patch adds {}, which is there already", shown(path))));
        }
    }
    Ok(())
}

fn as_path(path: &[u8]) -> &std::path::Path {
    use std::os::unix::ffi::OsStrExt as _;
    std::path::Path::new(std::ffi::OsStr::from_bytes(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;
    use crate::workspace::fixture::Origin;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn find<'a>(patch: &'a Patch, path: &str) -> &'a FileChange {
        patch.files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no {path} in {:?}", patch.files))
    }

    #[test]
    fn every_kind_of_change_survives_the_way_through_a_patch() {
        let origin = Origin::new();
        let long: String = (0..40).map(|line| format!("line {line}\n")).collect();
        origin.write("long.txt", long.as_bytes());
        origin.write("no newline.txt", b"one");
        origin.write("empty.txt", b"");
        origin.write("sp ace/\u{e4}.txt", b"x\n");
        origin.commit("more");
        let (cache, base, workspace) = origin.workspace();
        let root = workspace.root().to_path_buf();
        workspace.write("src/lib.rs", b"pub fn one() -> u32 {\n    2\n}\n").unwrap();
        workspace.write("picture.bin", &[9, 0, 9, 0]).unwrap();
        workspace.write("new.bin", &[0; 4000]).unwrap();
        workspace.write("empty-too", b"").unwrap();
        workspace.write("no newline.txt", b"two").unwrap();
        workspace.write("empty.txt", b"filled\n").unwrap();
        workspace.remove("src/deep/er.rs").unwrap();
        std::fs::rename(root.join("long.txt"), root.join("moved.txt")).unwrap();
        workspace.write("moved.txt", long.replace("line 7\n", "line seven\n").as_bytes()).unwrap();
        std::fs::set_permissions(root.join("README.md"), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::remove_file(root.join("run.sh")).unwrap();
        symlink("README.md", root.join("run.sh")).unwrap();
        std::fs::write(root.join(as_path(b"caf\xe9")), "odd\n").unwrap();
        let patch = workspace.patch().unwrap();
        assert_eq!(cache.apply(&base, &patch.diff).unwrap(), patch.head_tree, "{}", String::from_utf8_lossy(&patch.diff));
        assert_eq!(find(&patch, "moved.txt").change, Change::Renamed("long.txt".into()));
        assert_eq!(find(&patch, "src/deep/er.rs").mode, 0);
        assert_eq!((find(&patch, "src/lib.rs").added, find(&patch, "src/lib.rs").removed), (1, 1));
        assert!(find(&patch, "picture.bin").binary && find(&patch, "new.bin").binary);
        assert_eq!(find(&patch, "README.md").mode, 0o100755);
        assert_eq!(find(&patch, "caf\u{fffd}").change, Change::Added);
        assert!(patch.files.iter().any(|file| file.path == "run.sh" && file.mode == 0o120000));
        assert_eq!(cache.patch(&base, &patch.head_tree).unwrap(), patch);
    }

    #[test]
    fn settings_of_the_machine_do_not_change_a_patch() {
        let origin = Origin::new();
        let (cache, base, workspace) = origin.workspace();
        workspace.write("README.md", b"# gadget\n").unwrap();
        let patch = workspace.patch().unwrap();
        let mut config = git2::Config::open(&cache.path.join("config")).unwrap();
        config.set_bool("diff.noprefix", true).unwrap();
        config.set_str("diff.context", "0").unwrap();
        assert_eq!(cache.patch(&base, &patch.head_tree).unwrap().diff, patch.diff);
        assert!(patch.diff.starts_with(b"diff --git a/README.md b/README.md\n"));
    }

    #[test]
    fn a_patch_that_does_not_fit_is_refused() {
        let origin = Origin::new();
        let (cache, base, workspace) = origin.workspace();
        assert_eq!(cache.apply(&base, b"").unwrap(), cache.tree_of(&base).unwrap());
        workspace.write("README.md", b"# gadget\n").unwrap();
        workspace.write("new.txt", b"new\n").unwrap();
        let diff = workspace.patch().unwrap().diff;
        origin.write("README.md", b"# something else\n");
        let moved = origin.commit("moved on");
        origin.fetch(None).unwrap();
        assert_eq!(cache.apply(&moved, &diff).unwrap_err().kind, Kind::Workspace);
        let added = String::from_utf8(diff).unwrap();
        let added = &added[added.find("diff --git a/new.txt").unwrap()..];
        for wrong in [added.replace("new.txt", "README.md"), added.replace("new.txt", "../x"), added.replace("new.txt", ".git/x")] {
            assert!(cache.apply(&base, wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(cache.apply(&base, b"nonsense").is_err());
    }

    #[test]
    fn nothing_changed_is_an_empty_patch() {
        let origin = Origin::new();
        let (_, _, workspace) = origin.workspace();
        let patch = Workspace::patch(&workspace).unwrap();
        assert!(patch.is_empty() && patch.diff.is_empty() && patch.files.is_empty());
    }
}
