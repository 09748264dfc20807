//! The proposal's folder: `proposal.json`, `patch.diff`, `trajectory.jsonl`, `evidence/`, `pull-request.md`.
//! Owns its format and its digest. Read back, everything is checked again; nothing in a folder is taken on trust.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Proposal;
use crate::error::{Failure, Kind, OrFail, Result};
use crate::guard::Redactor;
use crate::task::Digest;
use crate::verify::CellRun;

/// The proposal without diff and runs.
pub const PROPOSAL: &str = "proposal.json";
/// The change as a git patch.
pub const DIFF: &str = "patch.diff";
/// The conversation with the model.
pub const TRAJECTORY: &str = "trajectory.jsonl";
/// One JSON file for each run of a cell.
pub const EVIDENCE: &str = "evidence";
/// The pull request's text.
pub const PAGE: &str = "pull-request.md";

const FORMAT: u32 = 1;

/// `proposal.json` as it stands on disk: the digest is over the raw text of `content`, which names the digests of the rest.
#[derive(Serialize, Deserialize)]
struct Envelope {
    format: u32,
    digest: Digest,
    content: Box<RawValue>,
}

#[derive(Serialize, Deserialize)]
struct Content {
    diff: Digest,
    evidence: Vec<EvidenceFile>,
    proposal: Proposal,
}

#[derive(Serialize, Deserialize)]
struct EvidenceFile {
    name: String,
    digest: Digest,
}

impl Proposal {
    /// Writes the folder (made when absent; an earlier proposal in it is replaced) and answers with its digest.
    /// Every text passes the redactor; the diff does not, because it must apply: a diff that holds a secret is refused.
    pub fn write(&self, folder: &Path, page: &str, redactor: &Redactor) -> Result<Digest> {
        if redactor.finds(&self.patch.diff) {
            return Err(Failure::new(Kind::Rejected, "the patch contains one of loom's own secrets")
                .hint("nothing was written; look into the repository and the issue for how the secret got there"));
        }
        let evidence = folder.join(EVIDENCE);
        if evidence.exists() {
            fs::remove_dir_all(&evidence).or_fail(Kind::Workspace, || format!("clearing {}", evidence.display()))?;
        }
        fs::create_dir_all(&evidence).or_fail(Kind::Workspace, || format!("making {}", evidence.display()))?;

        let mut slim = self.clone();
        let mut files = Vec::new();
        for (index, run) in slim.verdict.evidence.runs.drain(..).enumerate() {
            let name = format!("{:02}-{}.json", index + 1, run.cell.as_str());
            let text = redactor.text(&to_json(&run)?);
            save(&evidence.join(&name), text.as_bytes())?;
            files.push(EvidenceFile { name, digest: Digest::of_bytes(text.as_bytes()) });
        }
        save(&folder.join(DIFF), &self.patch.diff)?;
        hide(&folder.join(TRAJECTORY), redactor)?;
        save(&folder.join(PAGE), redactor.text(page).as_bytes())?;

        let content = Content { diff: Digest::of_bytes(&self.patch.diff), evidence: files, proposal: slim };
        let text = redactor.text(&to_json(&content)?);
        let digest = Digest::of_bytes(text.as_bytes());
        let content = RawValue::from_string(text).or_fail(Kind::Internal, || "redacting a proposal broke its JSON")?;
        save(&folder.join(PROPOSAL), to_json(&Envelope { format: FORMAT, digest: digest.clone(), content })?.as_bytes())?;
        Ok(digest)
    }

    /// Reads a folder back and checks all of it: format, digests, and that patch and verdict speak of the same tree.
    pub fn read(folder: &Path) -> Result<(Proposal, Digest)> {
        let path = folder.join(PROPOSAL);
        let bytes = load(&path)?;
        let envelope: Envelope = serde_json::from_slice(&bytes)
            .or_fail(Kind::Config, || format!("reading {}", path.display()))
            .map_err(|failure| failure.hint("this is no proposal, or one of another version of loom"))?;
        if envelope.format != FORMAT {
            return Err(Failure::new(
                Kind::Config,
                format_args!("{} has format {}, this loom reads {FORMAT}", path.display(), envelope.format),
            ));
        }
        check(&path, envelope.content.get().as_bytes(), &envelope.digest)?;
        let content: Content =
            serde_json::from_str(envelope.content.get()).or_fail(Kind::Config, || format!("reading {}", path.display()))?;
        let mut proposal = content.proposal;

        let path = folder.join(DIFF);
        proposal.patch.diff = load(&path)?;
        check(&path, &proposal.patch.diff, &content.diff)?;
        for file in content.evidence {
            proposal.verdict.evidence.runs.push(read_run(folder, &file)?);
        }
        proposal.agrees().map_err(|failure| failure.of_kind(Kind::Config).context(format_args!("reading {}", folder.display())))?;
        Ok((proposal, envelope.digest))
    }
}

fn read_run(folder: &Path, file: &EvidenceFile) -> Result<CellRun> {
    if file.name.contains(['/', '\\']) || file.name.starts_with('.') {
        return Err(Failure::new(Kind::Config, format_args!("{:?} is no name of an evidence file", file.name)));
    }
    let path = folder.join(EVIDENCE).join(&file.name);
    let bytes = load(&path)?;
    check(&path, &bytes, &file.digest)?;
    serde_json::from_slice(&bytes).or_fail(Kind::Config, || format!("reading {}", path.display()))
}

/// The trajectory is the agent's own file; as a part of the proposal it leaves, so that no secret may stand in it.
fn hide(trajectory: &Path, redactor: &Redactor) -> Result<()> {
    if !trajectory.exists() {
        return Ok(());
    }
    let bytes = load(trajectory)?;
    if redactor.finds(&bytes) { save(trajectory, &redactor.bytes(&bytes)) } else { Ok(()) }
}

fn check(path: &Path, bytes: &[u8], digest: &Digest) -> Result<()> {
    if Digest::of_bytes(bytes) == *digest {
        return Ok(());
    }
    Err(Failure::new(Kind::Config, format_args!("{} is not what the proposal's digest names", path.display()))
        .hint("the folder was changed after loom wrote it; make the proposal again"))
}

fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(value).or_fail(Kind::Internal, || "writing a proposal as JSON")
}

fn load(path: &Path) -> Result<Vec<u8>> {
    fs::read(path)
        .or_fail(Kind::Config, || format!("reading {}", path.display()))
        .map_err(|failure| failure.hint("name a proposal's folder: `run-issue` prints it, and `loom status TASK` shows it"))
}

/// Whole or not at all: a reader never meets half a file.
fn save(path: &Path, bytes: &[u8]) -> Result<()> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, bytes)
        .and_then(|()| fs::File::open(&fresh)?.sync_all())
        .and_then(|()| fs::rename(&fresh, path))
        .or_fail(Kind::Workspace, || format!("writing {}", path.display()))
        .map_err(|failure| failure.hint("is there room on the disk?"))
}
