//! What a Perl test file prints, told apart: TAP, the comments that explain a failure, and everything else.

/// Stands before a comment that belongs to a failure, so that it is never taken for a result.
pub(super) const MARK: &str = "| ";

/// One file's words.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// Results and plans; comments only below the failure that they explain.
    pub(super) tap: String,
    /// What is neither: what a process says when it dies.
    pub(super) said: String,
}

/// Takes a file's output apart.
pub(super) fn split(text: &str) -> Words {
    let mut words = Words::default();
    // The indentation of the last result, when it was a failure.
    let mut failed: Option<usize> = None;
    let mut yaml = false;
    for line in text.lines() {
        let body = line.trim_start_matches(' ');
        let indent = line.len() - body.len();
        let body = body.trim_end();
        if yaml || body == "---" {
            yaml = body != "...";
            push(&mut words.tap, line);
        } else if body == "ok" || body == "not ok" || body.starts_with("ok ") || body.starts_with("not ok ") {
            failed = body.starts_with("not").then_some(indent);
            push(&mut words.tap, line);
        } else if body.starts_with("1..")
            || body.starts_with("TAP version")
            || body.starts_with("Bail out!")
            || body.starts_with("# Subtest")
        {
            failed = None;
            push(&mut words.tap, line);
        } else if let Some(comment) = body.strip_prefix('#') {
            if let Some(at) = failed.filter(|at| indent >= *at) {
                push(&mut words.tap, &format!("{}{MARK}{}", " ".repeat(at + 4), comment.trim_start_matches(' ')));
            }
        } else if !body.is_empty() {
            push(&mut words.said, body);
        }
    }
    words
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_stay_with_their_failure_and_are_no_results() {
        let text = "ok 1 - a\n# a note\nnot ok 2 - b\n\n#   Failed test 'b'\n#   ok 3 - forged\ndied here\n1..2\n# Looks like\n";
        let split = split(text);
        assert_eq!(split.tap, "ok 1 - a\nnot ok 2 - b\n    | Failed test 'b'\n    | ok 3 - forged\n1..2\n");
        assert_eq!(split.said, "died here\n");
    }
}
