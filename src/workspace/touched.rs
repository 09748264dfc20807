//! A patch as the rules about protected paths look at it. Owns the looking-up; the rules are `guard`'s.

use std::path::Path;

use super::cache::{Cache, find_tree};
use super::export::LINK;
use super::{Change, Patch};
use crate::error::Result;
use crate::guard::Touched;

impl Cache {
    /// Every file of the patch with its modes, its size and, for a link, where it leads.
    pub fn touched(&self, patch: &Patch) -> Result<Vec<Touched>> {
        let repository = self.repository()?;
        let (base, head) = (find_tree(&repository, &patch.base_tree)?, find_tree(&repository, &patch.head_tree)?);
        Ok(patch
            .files
            .iter()
            .map(|file| {
                let from = match &file.change {
                    Change::Renamed(from) => Some(from.clone()),
                    Change::Added | Change::Modified | Change::Deleted => None,
                };
                let old = base.get_path(Path::new(from.as_ref().unwrap_or(&file.path)));
                let blob = head.get_path(Path::new(&file.path)).ok().and_then(|entry| repository.find_blob(entry.id()).ok());
                let size = blob.as_ref().map_or(0, |blob| blob.content().len() as u64);
                Touched {
                    path: file.path.clone(),
                    from,
                    old_mode: old.map_or(0, |entry| entry.filemode() as u32),
                    mode: file.mode,
                    link: blob.filter(|_| file.mode == LINK).map(|blob| blob.content().to_vec()),
                    size,
                    binary: file.binary,
                }
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::GateSettings;
    use crate::guard::violations;
    use crate::workspace::fixture::Origin;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_an_agent_did_is_judged_by_the_real_tree() {
        let origin = Origin::new();
        let (cache, _, workspace) = origin.workspace();
        workspace.write(".github/workflows/ci.yml", b"on: push\n").unwrap();
        workspace.write("new.bin", &[0; 100]).unwrap();
        workspace.write("src/lib.rs", b"// fine\n").unwrap();
        symlink("../../etc/passwd", workspace.root().join("src/leak")).unwrap();
        symlink("lib.rs", workspace.root().join("src/fine")).unwrap();
        let touched = cache.touched(&workspace.patch().unwrap()).unwrap();
        assert_eq!(touched.iter().find(|file| file.path == "new.bin").map(|file| (file.size, file.old_mode)), Some((100, 0)));
        let mut rules: Vec<_> = violations(&touched, &GateSettings::default()).unwrap().into_iter().map(|found| found.rule).collect();
        rules.sort_unstable();
        assert_eq!(rules, ["binary", "link", "workflows"]);
    }
}
