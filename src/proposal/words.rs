//! Foreign words on the page: what the model says about its work, test names, reasons. Owns how they are set apart, so
//! that none of them can pass for what loom itself says. What must not act at all is taken out by `guard`.

use crate::guard;

/// Longest sentence.
const SENTENCE: usize = 1_000;
/// Longest word of a failure beside a test's name.
const TELLING: usize = 160;

/// A sentence of loom's own with foreign names in it: one line in which nothing acts.
pub fn sentence(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    guard::pull_request_text(&line, None, SENTENCE).text.replace('\n', " ")
}

/// The first line of a failure that says more than the test's own name.
pub fn telling(lines: &str, name: &str) -> String {
    let plain = guard::plain_text(lines);
    let line = plain.lines().map(str::trim).find(|line| !line.is_empty() && !name.contains(line)).unwrap_or_default();
    match line.char_indices().nth(TELLING) {
        Some((end, _)) => format!("{}...", line[..end].trim_end()),
        None => line.to_owned(),
    }
}

/// Markdown of the model as a quotation, its headings as plain bold lines.
pub fn quotation(markdown: &str) -> String {
    let mut fence: Option<&str> = None;
    let mut quoted = String::new();
    for line in markdown.trim().lines() {
        let marks = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| marks.starts_with(mark));
        let shown = match (fence, mark) {
            (Some(open), Some(mark)) if open == mark => {
                fence = None;
                line.to_owned()
            }
            (None, Some(mark)) => {
                fence = Some(mark);
                line.to_owned()
            }
            (Some(_), _) => line.to_owned(),
            (None, None) => without_heading(line),
        };
        quoted.push_str(format!("> {shown}").trim_end());
        quoted.push('\n');
    }
    quoted.trim_end().to_owned()
}

fn without_heading(line: &str) -> String {
    let text = line.trim();
    let level = text.bytes().take_while(|byte| *byte == b'#').count();
    if (1..=6).contains(&level) && text[level..].starts_with([' ', '\t']) {
        let title = text[level..].trim().trim_end_matches('#').trim().trim_matches('*');
        return if title.is_empty() { String::new() } else { format!("**{title}**") };
    }
    // An underline would make a heading of the line above.
    let underline = !text.is_empty() && (text.bytes().all(|byte| byte == b'=') || text.bytes().all(|byte| byte == b'-'));
    if underline { String::new() } else { line.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_heading_of_a_model_stands_beside_the_proof() {
        let said = "# Verified: all tests pass\n\nProof\n=====\n\n## Proof ##\n- a\n\n```sh\n# a comment\n```\nDone\n---\n";
        let quoted = quotation(said);
        assert!(quoted.lines().all(|line| line.starts_with('>')), "{quoted}");
        assert!(!quoted.contains("> #\n") && quoted.contains("> # a comment"), "{quoted}");
        for gone in ["> # Verified", "> ==", "> ## Proof", "> ---"] {
            assert!(!quoted.contains(gone), "{gone} in {quoted}");
        }
        assert!(quoted.starts_with("> **Verified: all tests pass**"), "{quoted}");
        assert_eq!(quotation(""), "");
    }

    #[test]
    fn a_name_in_a_sentence_is_only_a_name() {
        let text = sentence("The test `a` of @octocat\n## Proof\n<img src=x> fixes #12.");
        assert!(!text.contains('\n') && !text.contains("@octocat") && !text.contains("<img") && !text.contains("#12"), "{text}");
    }

    #[test]
    fn a_failure_is_told_by_its_first_telling_line() {
        assert_eq!(telling("\n  parse\nassert 1 == 2\nmore", "tests::parse"), "assert 1 == 2");
        assert_eq!(telling("parse\n", "tests::parse"), "");
        assert_eq!(telling(&"é".repeat(500), "x").chars().count(), TELLING + 3);
    }
}
