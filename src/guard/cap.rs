//! How much of a long text is kept: its beginning and its end, with a note between them.
//! Owns the sizes of what the issue may say; what tools may print is the agent's own limit.

use crate::task::Issue;

/// Bytes of an issue's body: about 12,000 tokens.
const BODY: usize = 48 << 10;
/// Bytes of one comment.
const COMMENT: usize = 12 << 10;
/// Bytes of all comments together; the oldest go first.
const COMMENTS: usize = 48 << 10;
/// Characters of a title; GitHub takes 256.
const TITLE: usize = 300;

/// The text within `limit` bytes: three quarters from its beginning, the rest from its end (where logs and traces tell
/// the cause), and a line between them that says how much is missing. None when it fits.
pub fn cap_text(text: &str, limit: usize) -> Option<String> {
    if text.len() <= limit {
        return None;
    }
    let head = floor(text, limit / 4 * 3);
    let tail = ceiling(text, text.len() - limit / 4);
    let cut = tail - head;
    Some(format!("{}\n\n[... {cut} bytes cut by loom: the text has {} ...]\n\n{}", &text[..head], text.len(), &text[tail..]))
}

/// The issue with every text within its limit, and one sentence for each that was cut.
pub fn cap_issue(mut issue: Issue) -> (Issue, Vec<String>) {
    let mut notes = Vec::new();
    if issue.title.chars().count() > TITLE {
        issue.title = issue.title.chars().take(TITLE).chain("...".chars()).collect();
        notes.push(format!("the issue's title was cut to {TITLE} characters"));
    }
    if let Some(short) = cap_text(&issue.body, BODY) {
        notes.push(format!("the issue's body has {} bytes; {BODY} were kept", issue.body.len()));
        issue.body = short;
    }
    for comment in &mut issue.comments {
        if let Some(short) = cap_text(&comment.body, COMMENT) {
            notes.push(format!("a comment of {} has {} bytes; {COMMENT} were kept", comment.author, comment.body.len()));
            comment.body = short;
        }
    }
    let mut left = COMMENTS;
    let kept = issue.comments.iter().rev().take_while(|comment| take(&mut left, comment.body.len())).count();
    let dropped = issue.comments.len() - kept;
    if dropped > 0 {
        issue.comments.drain(..dropped);
        notes.push(format!("the {dropped} oldest comments were left out: together they are too long"));
    }
    (issue, notes)
}

fn take(left: &mut usize, size: usize) -> bool {
    let enough = *left >= size;
    *left = left.saturating_sub(size);
    enough
}

/// The last end of a line, or else of a character, at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let at = text.floor_char_boundary(at);
    text[..at].rfind('\n').filter(|line| *line > at / 2).unwrap_or(at)
}

/// The first start of a line, or else of a character, at or after `at`.
fn ceiling(text: &str, at: usize) -> usize {
    let at = text.ceil_char_boundary(at);
    let after = text.len() - at;
    text[at..].find('\n').filter(|line| *line < after / 2).map_or(at, |line| at + line + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Comment, IssueState};

    fn issue(body: &str, comments: usize) -> Issue {
        let comment = |at: usize| Comment { author: format!("u{at}"), body: "x".repeat(10 << 10), at: jiff::Timestamp::UNIX_EPOCH };
        Issue {
            reference: "acme/widget#1".parse().unwrap(),
            title: "t".into(),
            body: body.into(),
            author: "a".into(),
            state: IssueState::Open,
            labels: vec![],
            comments: (0..comments).map(comment).collect(),
            trigger: None,
            url: None,
        }
    }

    #[test]
    fn a_short_text_stays_as_it_is() {
        assert_eq!(cap_text("short", 5), None);
        assert_eq!(cap_issue(issue("short", 1)).1, Vec::<String>::new());
    }

    #[test]
    fn a_body_of_300_kb_keeps_its_beginning_and_its_end_and_says_so() {
        let body: String = (0..30_000).map(|line| format!("line {line}\n")).collect();
        let (capped, notes) = cap_issue(issue(&body, 0));
        assert!(capped.body.len() < BODY + 200);
        assert!(capped.body.starts_with("line 0\n") && capped.body.ends_with("line 29999\n"));
        assert!(capped.body.contains("bytes cut by loom"));
        assert_eq!(notes.len(), 1);
    }

    #[test]
    fn characters_are_never_cut_in_two() {
        let text = "\u{1f600}".repeat(1000);
        for limit in 0..50 {
            let short = cap_text(&text, limit).unwrap();
            assert!(short.contains("cut by loom"), "{limit}");
        }
    }

    #[test]
    fn the_newest_comments_are_kept() {
        let (capped, notes) = cap_issue(issue("b", 20));
        assert_eq!(capped.comments.len(), 4);
        assert_eq!(capped.comments[3].author, "u19");
        assert_eq!(notes.len(), 1);
    }
}
