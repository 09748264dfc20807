//! What the local forge "posts": one Markdown file per comment, label and pull request. Files are replaced as a whole.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::super::Draft;
use super::front_matter;
use crate::error::{Kind, OrFail as _, Result};

/// A folder; made when something is written.
pub(super) struct Outbox {
    folder: PathBuf,
}

impl Outbox {
    pub(super) fn at(folder: &Path) -> Outbox {
        Outbox { folder: folder.to_owned() }
    }

    /// Whether a pull request from this branch was written before.
    pub(super) fn has_pull_request(&self, issue: &Path, branch: &str) -> Result<bool> {
        let Some(text) = read(&self.path(issue, "pull-request"))? else { return Ok(false) };
        // A file that a person rewrote is no reason to stop: it is written again.
        let fields = front_matter::split(&text).map(|(fields, _)| fields).unwrap_or_default();
        Ok(fields.get("branch").is_some_and(|field| field.text() == branch))
    }

    pub(super) fn write_pull_request(&self, issue: &Path, draft: &Draft) -> Result<()> {
        let fields = toml::Table::from_iter(
            [("title", draft.title.as_str()), ("branch", &draft.branch), ("base", &draft.base), ("head", draft.head.as_str())]
                .map(|(key, value)| (key.to_owned(), toml::Value::from(value))),
        );
        self.write(&self.path(issue, "pull-request"), &format!("+++\n{fields}+++\n\n{}\n", draft.body.trim_end()))
    }

    /// One file per marker; it is found again by the marker inside.
    pub(super) fn write_comment(&self, issue: &Path, marker: &str, body: &str) -> Result<()> {
        let (path, _) = self.comment(issue, marker)?;
        let body = if body.contains(marker) { body.to_owned() } else { format!("{marker}\n{body}") };
        self.write(&path, &format!("{}\n", body.trim_end()))
    }

    pub(super) fn read_comment(&self, issue: &Path, marker: &str) -> Result<Option<String>> {
        Ok(self.comment(issue, marker)?.1)
    }

    /// The file with this marker, or the one that it will have, and its text.
    fn comment(&self, issue: &Path, marker: &str) -> Result<(PathBuf, Option<String>)> {
        let mut number = 1;
        loop {
            let kind = if number == 1 { "comment".to_owned() } else { format!("comment-{number}") };
            let path = self.path(issue, &kind);
            match read(&path)? {
                Some(text) if !text.contains(marker) => number += 1,
                found => return Ok((path, found)),
            }
        }
    }

    pub(super) fn write_status(&self, issue: &Path, label: &str) -> Result<()> {
        self.write(&self.path(issue, "label"), &format!("{label}\n"))
    }

    fn path(&self, issue: &Path, kind: &str) -> PathBuf {
        let stem = issue.file_stem().map_or_else(|| "issue".into(), |stem| stem.to_string_lossy());
        self.folder.join(format!("{stem}.{kind}.md"))
    }

    fn write(&self, path: &Path, text: &str) -> Result<()> {
        let doing = || format!("writing {}", path.display());
        fs::create_dir_all(&self.folder).or_fail(Kind::Workspace, doing)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).or_fail(Kind::Workspace, doing)?;
        file.write_all(text.as_bytes()).or_fail(Kind::Workspace, doing)?;
        file.persist(path).or_fail(Kind::Workspace, doing)?;
        Ok(())
    }
}

fn read(path: &Path) -> Result<Option<String>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).or_fail(Kind::Workspace, || format!("reading {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn each_marker_keeps_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::at(&folder.path().join("new"));
        let issue = Path::new("notes/bug.md");
        for (marker, body) in [("<!-- a -->", "one"), ("<!-- b -->", "other"), ("<!-- a -->", "two"), ("<!-- b -->", "<!-- b -->more")] {
            outbox.write_comment(issue, marker, body).unwrap();
        }
        assert_eq!(listed(&outbox.folder), ["bug.comment-2.md", "bug.comment.md"]);
        assert_eq!(outbox.read_comment(issue, "<!-- a -->").unwrap().as_deref(), Some("<!-- a -->\ntwo\n"));
        assert_eq!(outbox.read_comment(issue, "<!-- c -->").unwrap(), None);
        assert_eq!(fs::read_to_string(outbox.path(issue, "comment")).unwrap(), "<!-- a -->\ntwo\n");
        assert_eq!(fs::read_to_string(outbox.path(issue, "comment-2")).unwrap(), "<!-- b -->more\n");
    }

    #[test]
    fn a_pull_request_is_known_by_its_branch() {
        let folder = tempfile::tempdir().unwrap();
        let (outbox, issue) = (Outbox::at(folder.path()), Path::new("bug.md"));
        let draft = Draft {
            title: "Fix \"clamp\"".into(),
            body: "+++\nbranch = \"evil\"\n+++\ntext".into(),
            branch: "loom/issue-1".into(),
            base: "main".into(),
            head: "a".repeat(40).parse().unwrap(),
        };
        assert!(!outbox.has_pull_request(issue, "loom/issue-1").unwrap());
        outbox.write_pull_request(issue, &draft).unwrap();
        assert!(outbox.has_pull_request(issue, "loom/issue-1").unwrap());
        assert!(!outbox.has_pull_request(issue, "evil").unwrap());
    }
}
