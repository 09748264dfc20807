//! `trajectory.jsonl`: a run line by line, as the agent writes it and the replay reads it.
//! Owns the file's format and its safety: whole lines only, on disk before the run goes on.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Answer, Message, ToolSpec};
use crate::error::{Explain, Failure, Kind, OrFail, Result};
use crate::task::TreeId;

/// One line of a trajectory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "kebab-case")]
pub enum Line {
    /// The fixed part of every request; the first line.
    Header {
        /// Version of loom that wrote it.
        loom: String,
        /// Who answers.
        model: String,
        /// The fixed instructions.
        system: String,
        /// What the model may call.
        tools: Vec<ToolSpec>,
    },
    /// A round begins: 0, and one more for each repair.
    Round {
        /// Which one.
        number: u32,
    },
    /// A message of loom.
    Message {
        /// Exactly as sent.
        message: Message,
    },
    /// An answer of the model.
    Answer {
        /// Exactly as received.
        answer: Answer,
    },
    /// A turn is over.
    Turn {
        /// The files after it.
        tree: TreeId,
        /// Milliseconds it took, answer and tools.
        elapsed_ms: u64,
    },
    /// The round is over.
    Ended {
        /// What came of it, in the agent's words.
        outcome: Value,
    },
}

/// A trajectory open for appending.
#[derive(Debug)]
pub struct Recording {
    file: File,
    path: PathBuf,
}

impl Recording {
    /// Opens or makes the file; answers with what is in it. A torn last line (a crash in the middle of a write) is dropped.
    pub fn open(path: &Path) -> Result<(Recording, Vec<Line>)> {
        let doing = || format!("opening the trajectory {}", path.display());
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).or_fail(Kind::Workspace, doing)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).or_fail(Kind::Workspace, doing)?;
        let (lines, whole) = parse(&bytes).context(doing)?;
        if whole < bytes.len() {
            file.set_len(whole as u64).or_fail(Kind::Workspace, doing)?;
        }
        file.seek(SeekFrom::Start(whole as u64)).or_fail(Kind::Workspace, doing)?;
        Ok((Recording { file, path: path.to_owned() }, lines))
    }

    /// Appends lines; they are on disk when this returns.
    pub fn append(&mut self, lines: &[Line]) -> Result<()> {
        let doing = || format!("writing the trajectory {}", self.path.display());
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, line).or_fail(Kind::Internal, doing)?;
            text.push(b'\n');
        }
        self.file.write_all(&text).and_then(|()| self.file.sync_data()).or_fail(Kind::Workspace, doing)
    }

    /// What a file says, without opening it for writing; nothing when there is none.
    pub fn read(path: &Path) -> Result<Vec<Line>> {
        let doing = || format!("reading the trajectory {}", path.display());
        match std::fs::read(path) {
            Ok(bytes) => Ok(parse(&bytes).context(doing)?.0),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error).or_fail(Kind::Workspace, doing),
        }
    }
}

/// The lines, and how many bytes of the input are whole lines.
fn parse(bytes: &[u8]) -> Result<(Vec<Line>, usize)> {
    let (mut lines, mut whole) = (Vec::new(), 0);
    for (number, text) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let is_last = whole + text.len() == bytes.len();
        match serde_json::from_slice(text) {
            Ok(line) if text.ends_with(b"\n") => lines.push(line),
            Err(error) if !is_last => {
                return Err(Failure::new(Kind::Workspace, format_args!("line {} makes no sense: {error}", number + 1))
                    .hint("the file is damaged or was written by another version of loom"));
            }
            _ => break,
        }
        whole += text.len();
    }
    Ok((lines, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_last_line_is_dropped_and_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trajectory.jsonl");
        let (mut recording, lines) = Recording::open(&path).unwrap();
        assert!(lines.is_empty());
        recording.append(&[Line::Round { number: 0 }, Line::Round { number: 1 }]).unwrap();
        for torn in ["{\"line\":\"rou", "{\"line\":\"round\",\"number\":2}", "{\"line\":\"rou\n"] {
            let before = std::fs::read(&path).unwrap();
            std::fs::write(&path, [&before, torn.as_bytes()].concat()).unwrap();
            assert_eq!(Recording::read(&path).unwrap().len(), 2, "{torn}");
            let (_, lines) = Recording::open(&path).unwrap();
            assert_eq!(lines, [Line::Round { number: 0 }, Line::Round { number: 1 }]);
            assert_eq!(std::fs::read(&path).unwrap(), before);
        }
        let (mut recording, _) = Recording::open(&path).unwrap();
        recording.append(&[Line::Ended { outcome: serde_json::json!("x") }]).unwrap();
        assert_eq!(Recording::read(&path).unwrap().len(), 3);
    }

    #[test]
    fn damage_in_the_middle_is_told_by_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trajectory.jsonl");
        std::fs::write(&path, "{\"line\":\"round\",\"number\":0}\nnonsense\n{\"line\":\"round\",\"number\":1}\n").unwrap();
        assert!(Recording::open(&path).unwrap_err().line().contains("line 2"));
        assert!(Recording::read(&folder.path().join("absent")).unwrap().is_empty());
    }
}
