//! The pull request's title and body, rendered from a template. Owns the shape of the page and its size;
//! the words of the built-in template are in `pull_request.md.j2`.

use serde::Serialize;
use serde_json::json;

use super::Proposal;
use super::figures::{self, Figures};
use super::template::render;
use crate::error::Result;
use crate::guard::pull_request_text;
use crate::task::IssueRef;
use crate::verify::Ruling;

const BUILT_IN: &str = include_str!("pull_request.md.j2");
/// GitHub refuses bodies over 65,536 characters.
const BODY_LIMIT: usize = 60_000;
/// GitHub refuses titles over 256 characters.
const TITLE_LIMIT: usize = 200;
/// Longest block of test output on the page.
const LINES_LIMIT: usize = 1_500;
/// Longest list on the page.
const LIST_LIMIT: usize = 30;

/// What the maintainers say about the page.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// Replaces the built-in template.
    pub template: Option<String>,
    /// The repository's own pull request template, for people to fill in.
    pub form: Option<String>,
    /// `Closes`, `Fixes`, `Resolves` or `Refs`.
    pub keyword: String,
}

#[derive(Serialize)]
struct File<'a> {
    path: &'a str,
    added: u64,
    removed: u64,
    side: &'static str,
}

#[derive(Serialize)]
struct Shown {
    name: String,
    note: String,
    lines: String,
}

/// Title and body of the pull request.
pub fn pull_request(proposal: &Proposal, layout: &Layout) -> Result<(String, String)> {
    let verdict = proposal.verdict();
    let evidence = &verdict.evidence;
    let (questions, reasons) = match &verdict.ruling {
        Ruling::Review(questions) => (asked(questions.iter().map(|q| (&*q.name, &*q.text, &*q.lines))), Vec::new()),
        Ruling::Rejected(reasons) => (Vec::new(), asked(reasons.iter().map(|r| (&*r.name, &*r.text, &*r.lines)))),
        Ruling::Verified(_) | Ruling::Inconclusive(_) => (Vec::new(), Vec::new()),
    };
    let files = proposal.patch().files.iter().take(LIST_LIMIT).map(|file| File {
        path: &file.path,
        added: file.added,
        removed: file.removed,
        side: if evidence.test_files.contains(&file.path) { "test" } else { "source" },
    });
    let proven = evidence.fail_to_pass.iter().take(LIST_LIMIT).map(|p| (p.test.as_str(), figures::red_words(p.red), &*p.lines));
    let flips = evidence.flips.iter().take(LIST_LIMIT);
    let values = json!({
        "reference": reference(proposal, &layout.keyword),
        "word": verdict.word(),
        "figures": Figures::of(verdict),
        "questions": questions,
        "reasons": reasons,
        "summary": proposal.summary,
        "files": files.collect::<Vec<_>>(),
        "more_files": proposal.patch().files.len().saturating_sub(LIST_LIMIT),
        "proven": shown(proven),
        "more_proven": evidence.fail_to_pass.len().saturating_sub(LIST_LIMIT),
        "flips": flips.map(|f| json!({"name": f.test, "old": cap(&f.old, LINES_LIMIT), "new": cap(&f.new, LINES_LIMIT)})).collect::<Vec<_>>(),
        "red_before": evidence.red_before.iter().take(LIST_LIMIT).collect::<Vec<_>>(),
        "more_red_before": evidence.red_before.len().saturating_sub(LIST_LIMIT),
        "flaky": evidence.flaky,
        "not_verified": evidence.not_verified.iter().map(|text| harmless(text)).collect::<Vec<_>>(),
        "notes": evidence.notes.iter().map(|text| harmless(text)).collect::<Vec<_>>(),
        "tier": evidence.tier,
        "base": proposal.base().short(),
        "base_branch": proposal.target.base,
        "base_tree": proposal.patch().base_tree.short(),
        "head_tree": proposal.patch().head_tree.short(),
        "work": proposal.work,
        "elapsed": figures::seconds(proposal.work.elapsed_ms),
        "form": layout.form,
    });
    let body = render("the pull request template", layout.template.as_deref().unwrap_or(BUILT_IN), &values)?;
    Ok((cap(&proposal.title.replace(['\n', '\r'], " "), TITLE_LIMIT), cap(&body, BODY_LIMIT)))
}

fn reference(proposal: &Proposal, keyword: &str) -> String {
    match &proposal.issue.reference {
        IssueRef::GitHub { number, .. } => format!("{keyword} #{number}"),
        IssueRef::File(path) => {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            format!("For the issue in `{}`: {}", name.replace('`', ""), harmless(&proposal.issue.title))
        }
    }
}

fn shown<'a>(rows: impl Iterator<Item = (&'a str, &'a str, &'a str)>) -> Vec<Shown> {
    rows.map(|(name, note, lines)| Shown { name: name.to_owned(), note: note.to_owned(), lines: cap(lines, LINES_LIMIT) }).collect()
}

/// The same for sentences of loom's own.
fn asked<'a>(rows: impl Iterator<Item = (&'a str, &'a str, &'a str)>) -> Vec<Shown> {
    shown(rows).into_iter().map(|one| Shown { note: harmless(&one.note), ..one }).collect()
}

/// A sentence of loom's own that quotes file names, test names or output of the repository: nothing in it may act.
fn harmless(text: &str) -> String {
    pull_request_text(text, None, LINES_LIMIT * 2).text
}

/// The text, or its beginning with a word about the rest; never cuts a character in two.
fn cap(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}\n[... {} more bytes]", text[..at].trim_end(), text.len() - at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_and_tests_do_nothing_on_the_page() {
        let told = harmless("Closes #7: @team/all.py, ![x](https://evil.example/a.png) <img src=x> and `tests/a.py` changed.");
        for acting in ["Closes #7", "@team", "![x]", "<img"] {
            assert!(!told.contains(acting), "{told}");
        }
        assert!(told.contains("`tests/a.py` changed"), "{told}");
    }

    #[test]
    fn long_text_says_how_much_is_missing() {
        assert_eq!(cap("äöü", 2), "äö\n[... 2 more bytes]");
        assert_eq!(cap("äöü", 3), "äöü");
    }
}
