//! The repository's own formatter, linter and type check, between the agent's work and its proof: touched files are put
//! in form, new findings go back to the agent once. They never decide about a patch.

use serde::{Deserialize, Serialize};

use super::ground::Ground;
use super::rounds::judge;
use super::stages::Run;
use crate::error::{Kind, OrFail, Result};
use crate::runner::Bench;
use crate::task::{Stage, TreeId};
use crate::verify::{CheckOutcome, Checked, Checkup, Judge};
use crate::workspace::Patch;

/// What the checks leave.
#[derive(Serialize, Deserialize)]
struct Tidied {
    tree: TreeId,
    checked: Vec<Checked>,
}

impl Run<'_> {
    /// The patch in the repository's form, and what its tools say of it.
    pub(super) fn check(&mut self, ground: &Ground, bench: &Bench, patch: Patch, round: u32) -> Result<(Patch, Vec<Checked>)> {
        let Tidied { tree, checked } = self.stage(Stage::Checks, round, |run| {
            let folder = run.folder.at("checks");
            std::fs::create_dir_all(&folder).or_fail(Kind::Workspace, || format!("making {}", folder.display()))?;
            let judge = judge(ground, bench, &folder, run.means.reporter, run.means.cancel);
            let checkup = Checkup::open(&judge, &patch)?;
            let form = checkup.form()?;
            let tree = match form.changes.is_empty() {
                true => patch.head_tree.clone(),
                false => ground.cache.overlay(&patch.head_tree, &form.changes)?,
            };
            let formed = ground.cache.patch(&ground.base, &tree)?;
            let mut checked: Vec<Checked> = form.checked.into_iter().map(applied).collect();
            checked.extend(checkup.about(&formed).lint()?);
            checkup.discard();
            let said: Vec<String> = checked.iter().map(Checked::sentence).collect();
            let note = if said.is_empty() { "nothing to check by".to_owned() } else { said.join("; ") };
            Ok((Tidied { tree, checked }, note))
        })?;
        let patch = if tree == patch.head_tree { patch } else { ground.cache.patch(&ground.base, &tree)? };
        Ok((patch, checked))
    }
}

/// What the checks say of a patch that stays as it is.
pub(super) fn look(judge: &Judge<'_>, patch: &Patch) -> Result<Vec<Checked>> {
    let checkup = Checkup::open(judge, patch)?;
    let mut checked = checkup.form()?.checked;
    checked.extend(checkup.lint()?);
    checkup.discard();
    Ok(checked)
}

/// What the formatter would change, it has changed.
fn applied(checked: Checked) -> Checked {
    match checked.outcome {
        CheckOutcome::Unformatted(files) => Checked { outcome: CheckOutcome::Formatted(files), ..checked },
        _ => checked,
    }
}
