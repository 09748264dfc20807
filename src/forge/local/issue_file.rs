//! Reads an issue from a Markdown file, with or without fields in front. Owns what the fields mean.

use std::path::Path;

use super::front_matter::{self, Fields};
use crate::error::{Explain as _, Failure, Kind, OrFail as _, Result};
use crate::task::{Issue, IssueRef, IssueState};

/// No issue that a person wrote is longer.
const LARGEST: u64 = 4 * 1024 * 1024;
/// A title is one line and not a chapter; GitHub's own limit.
const LONGEST_TITLE: usize = 256;

/// The issue in the file at `path`.
pub(super) fn read(path: &Path) -> Result<Issue> {
    let doing = || format!("reading the issue {}", path.display());
    parse(path, &text_of(path).context(doing)?).context(doing)
}

fn text_of(path: &Path) -> Result<String> {
    let about = std::fs::metadata(path)
        .or_fail(Kind::Usage, || "looking at the file")
        .hint("name an issue as owner/repo#12, by its URL, or as the path of a Markdown file")?;
    if !about.is_file() {
        return Err(Failure::new(Kind::Usage, "it is no file").hint("name the Markdown file itself"));
    }
    if about.len() > LARGEST {
        return Err(Failure::new(Kind::Usage, format_args!("{} bytes are more than an issue can have ({LARGEST})", about.len()))
            .hint("leave logs and data out, and say where they are"));
    }
    let bytes = std::fs::read(path).or_fail(Kind::Usage, || "reading the file")?;
    String::from_utf8(bytes).map_err(|error| {
        Failure::new(Kind::Usage, format_args!("it is no UTF-8 text (byte {})", error.utf8_error().valid_up_to())).hint("save it as UTF-8")
    })
}

fn parse(path: &Path, text: &str) -> Result<Issue> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (fields, rest) = front_matter::split(text)?;
    let one = |name: &str| fields.get(name).map(|field| field.text()).filter(|text| !text.trim().is_empty());
    let (title, body) = match one("title") {
        Some(title) => (title, rest.trim()),
        None => title_and_body(rest.trim()),
    };
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    if title.is_empty() {
        return Err(
            Failure::new(Kind::Usage, "it is empty").hint("write what is wrong or what is wanted: a `# title` line, then the details")
        );
    }
    check_number(&fields)?;
    Ok(Issue {
        reference: IssueRef::File(path.to_owned()),
        title: title.chars().take(LONGEST_TITLE).collect(),
        body: body.to_owned(),
        author: one("author").unwrap_or_default(),
        state: state(one("state"))?,
        labels: fields.get("labels").map(front_matter::Field::items).unwrap_or_default(),
        comments: Vec::new(),
        trigger: None,
        url: one("url"),
    })
}

/// The first heading, or else the first line. A heading at the very top is the title and no part of the body.
fn title_and_body(text: &str) -> (String, &str) {
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        if let Some(heading) = line.strip_prefix("# ").filter(|_| !fenced) {
            let body = text.strip_prefix(line).unwrap_or(text);
            return (heading.trim().trim_end_matches('#').to_owned(), body.trim());
        }
    }
    (text.lines().next().unwrap_or_default().trim_start_matches('#').to_owned(), text)
}

fn check_number(fields: &Fields) -> Result<()> {
    match fields.get("number").map(|field| field.text()) {
        Some(text) if text.trim_start_matches('#').parse::<u64>().is_ok_and(|number| number > 0) => Ok(()),
        Some(text) => {
            Err(Failure::new(Kind::Usage, format_args!("the field number is no issue number: {text:?}")).hint("write it like number: 12"))
        }
        None => Ok(()),
    }
}

fn state(text: Option<String>) -> Result<IssueState> {
    match text.as_deref() {
        None | Some("open") => Ok(IssueState::Open),
        Some("closed") => Ok(IssueState::Closed),
        Some(other) => Err(Failure::new(Kind::Usage, format_args!("the field state is neither open nor closed: {other:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Issue {
        parse(Path::new("bug.md"), text).unwrap()
    }

    #[test]
    fn the_title_comes_from_the_fields_the_heading_or_the_first_line() {
        let issue =
            parsed("+++\ntitle = \"Clamp is wrong\"\nlabels = \"bug, loom:ready\"\nauthor = \"rita\"\nnumber = 12\n+++\n# Details\nmore\n");
        assert_eq!((issue.title.as_str(), issue.body.as_str(), issue.author.as_str()), ("Clamp is wrong", "# Details\nmore", "rita"));
        assert_eq!(issue.labels, ["bug", "loom:ready"]);
        let issue = parsed("\u{feff}\n# Clamp is  wrong\r\n\r\n```\n# not a title\n```\n");
        assert_eq!((issue.title.as_str(), issue.body.as_str()), ("Clamp is wrong", "```\n# not a title\n```"));
        let issue = parsed("```\n# no\n```\n# Yes\nbody");
        assert_eq!((issue.title.as_str(), issue.body.as_str()), ("Yes", "```\n# no\n```\n# Yes\nbody"));
        let issue = parsed("clamp(11, 0, 10) is 0\nshould be 10");
        assert_eq!((issue.title.as_str(), issue.body.as_str()), ("clamp(11, 0, 10) is 0", "clamp(11, 0, 10) is 0\nshould be 10"));
    }

    #[test]
    fn a_title_alone_is_an_issue() {
        assert_eq!(parsed("---\ntitle: Clamp\nstate: closed\n---\n").state, IssueState::Closed);
        assert_eq!(parsed("# Clamp").body, "");
    }

    #[test]
    fn nothing_is_refused() {
        for text in ["", " \n\t\n", "---\nauthor: rita\n---\n", "# \n", "#"] {
            let failure = parse(Path::new("bug.md"), text).unwrap_err();
            assert_eq!((failure.kind, failure.line().as_str()), (Kind::Usage, "it is empty"), "{text:?}");
            assert!(!failure.hints.is_empty());
        }
    }

    #[test]
    fn odd_fields_are_refused() {
        for text in ["---\ntitle: x\nnumber: twelve\n---\n", "---\ntitle: x\nnumber: 0\n---\n", "---\ntitle: x\nstate: maybe\n---\n"] {
            assert_eq!(parse(Path::new("bug.md"), text).unwrap_err().kind, Kind::Usage, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_text_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let latin = folder.path().join("latin.md");
        std::fs::write(&latin, b"# caf\xe9").unwrap();
        assert_eq!(read(&latin).unwrap_err().line(), format!("reading the issue {}: it is no UTF-8 text (byte 5)", latin.display()));
        for path in [folder.path(), &folder.path().join("missing.md")] {
            let failure = read(path).unwrap_err();
            assert_eq!(failure.kind, Kind::Usage);
            assert!(!failure.hints.is_empty());
        }
    }
}
