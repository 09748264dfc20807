//! The pages of a proof, rendered from templates: pull request, check run, terminal. Owns what is on them and their
//! size; their words are in the `.j2` files beside it.

use serde::Serialize;
use serde_json::{Value, json};

use super::figures::{self, Figures};
use super::record::{Circumstances, Moved};
use super::template::render;
use super::{Proposal, words};
use crate::error::Result;
use crate::guard;
use crate::task::{CommitId, IssueRef};
use crate::verify::{Checked, Evidence, Proven, Ruling, Verdict, is_documentation};
use crate::workspace::{FileChange, Patch};

const BUILT_IN: &str = include_str!("pull_request.md.j2");
/// GitHub refuses bodies over 65,536 characters; redaction may add some.
const BODY_LIMIT: usize = 60_000;
/// GitHub refuses titles over 256 characters.
const TITLE_LIMIT: usize = 200;
/// At most so many findings of one tool.
const FAULTS: usize = 10;
/// How much of tests' output (characters of one block) and of lists (rows) there is; the next one is taken where the
/// page is too long for the forge.
const ROOMS: [Room; 4] =
    [Room { block: 1_500, rows: 30 }, Room { block: 500, rows: 30 }, Room { block: 150, rows: 20 }, Room { block: 0, rows: 10 }];

/// The same on a terminal, where nothing limits the page.
const TERMINAL: Room = Room { block: 1_500, rows: 100 };

#[derive(Clone, Copy)]
struct Room {
    block: usize,
    rows: usize,
}

/// What the maintainers say about the page.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// Replaces the built-in template.
    pub template: Option<String>,
    /// The repository's own pull request template, for people to fill in.
    pub form: Option<String>,
    /// Set when the base branch has moved on.
    pub moved: Option<Moved>,
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
struct Said {
    name: String,
    note: String,
    says: String,
    lines: String,
}

/// Title and body of the pull request. The body has as much of the evidence as the forge takes.
pub fn pull_request(proposal: &Proposal, layout: &Layout) -> Result<(String, String)> {
    let template = layout.template.as_deref().unwrap_or(BUILT_IN);
    let mut body = String::new();
    for room in ROOMS {
        body = render("the pull request template", template, &values(proposal, layout, room))?;
        if body.chars().count() <= BODY_LIMIT {
            break;
        }
    }
    Ok((cap(&proposal.title.replace(['\n', '\r'], " "), TITLE_LIMIT), cap(&body, BODY_LIMIT)))
}

/// The proof for the page of a check run, as long as a forge takes.
pub fn check_run(shown: &Shown<'_>) -> Result<String> {
    let mut body = String::new();
    for room in ROOMS {
        body = render("the check run's page", include_str!("check_run.md.j2"), &shown.values(room))?;
        if body.chars().count() <= BODY_LIMIT {
            break;
        }
    }
    Ok(cap(&body, BODY_LIMIT))
}

/// The proof for a terminal: the word first, then what it rests on. Foreign text in it is only made safe by who prints it.
pub fn terminal(shown: &Shown<'_>) -> Result<String> {
    render("the proof's page", include_str!("terminal.txt.j2"), &shown.values(TERMINAL))
}

/// A proof and what it is about, as pages show it.
pub struct Shown<'a> {
    /// The word and what it rests on.
    pub verdict: &'a Verdict,
    /// The change.
    pub patch: &'a Patch,
    /// How it was made.
    pub about: &'a Circumstances,
    /// What the change goes into, where it has a name.
    pub base_branch: Option<&'a str>,
}

impl Shown<'_> {
    /// What the templates of the proof itself need.
    fn values(&self, room: Room) -> Value {
        let (verdict, about) = (self.verdict, self.about);
        let evidence = &verdict.evidence;
        let (questions, reasons) = match &verdict.ruling {
            Ruling::Review(questions) => (asked(questions.iter().map(|q| (&*q.name, &*q.text, &*q.lines)), room), Vec::new()),
            Ruling::Rejected(reasons) => (Vec::new(), asked(reasons.iter().map(|r| (&*r.name, &*r.text, &*r.lines)), room)),
            Ruling::Verified(_) | Ruling::Inconclusive(_) => (Vec::new(), Vec::new()),
        };
        let sentences = |texts: &[String]| texts.iter().take(room.rows).map(|text| words::sentence(text)).collect::<Vec<_>>();
        let flips = evidence.flips.iter().take(room.rows);
        let more = |all: usize| all.saturating_sub(room.rows);
        json!({
            "word": verdict.word(),
            "figures": Figures::of(verdict),
            "table": figures::table(verdict),
            "questions": questions,
            "more_questions": match &verdict.ruling { Ruling::Review(questions) => more(questions.len()), _ => 0 },
            "reasons": reasons,
            "files": self.patch.files.iter().take(room.rows).map(|file| shown_file(file, evidence)).collect::<Vec<_>>(),
            "more_files": more(self.patch.files.len()),
            "proven": evidence.fail_to_pass.iter().take(room.rows).map(|proven| shown_proof(proven, room)).collect::<Vec<_>>(),
            "more_proven": more(evidence.fail_to_pass.len()),
            "flips": flips.map(|f| json!({"name": f.test, "old": block(&f.old, room), "new": block(&f.new, room)})).collect::<Vec<_>>(),
            "more_flips": more(evidence.flips.len()),
            "red_before": evidence.red_before.iter().take(room.rows).collect::<Vec<_>>(),
            "more_red_before": more(evidence.red_before.len()),
            "flaky": evidence.flaky.iter().take(room.rows).map(|one| json!({"name": one.test, "says": one.says()})).collect::<Vec<_>>(),
            "more_flaky": more(evidence.flaky.len()),
            "not_verified": sentences(&evidence.not_verified),
            "checks": evidence.checks.iter().take(room.rows).map(|one| shown_check(one, room)).collect::<Vec<_>>(),
            "notes": sentences(&evidence.notes),
            "tier": evidence.tier,
            "base": verdict.base.short(),
            "base_branch": self.base_branch,
            "base_tree": self.patch.base_tree.short(),
            "head": about.head.as_ref().map(CommitId::short),
            "head_tree": verdict.head_tree.short(),
            "stale": about.moved.as_ref().map(|moved| words::sentence(&moved.sentence())),
            "environment": (!about.environment.loom.is_empty()).then_some(&about.environment),
            "elapsed": figures::seconds(about.elapsed_ms),
        })
    }
}

fn values(proposal: &Proposal, layout: &Layout, room: Room) -> Value {
    let about = Circumstances { moved: layout.moved.clone(), ..Circumstances::default() };
    let branch = Some(proposal.target.base.as_str());
    let mut values = Shown { verdict: proposal.verdict(), patch: proposal.patch(), about: &about, base_branch: branch }.values(room);
    values["reference"] = json!(reference(proposal, &layout.keyword));
    values["summary"] = json!(words::quotation(&proposal.summary));
    values["work"] = json!(proposal.work);
    values["amount"] = json!({
        "turns": figures::count(proposal.work.turns.into(), "turn"),
        "repairs": figures::count(proposal.work.repairs.into(), "round"),
    });
    values["elapsed"] = json!(figures::seconds(proposal.work.elapsed_ms));
    values["form"] = json!(layout.form);
    values
}

fn shown_check(checked: &Checked, room: Room) -> Value {
    let faults = checked.faults();
    let shown: Vec<String> = faults.iter().take(room.rows.min(FAULTS)).map(|fault| words::sentence(fault)).collect();
    json!({ "text": words::sentence(&checked.sentence()), "more": faults.len() - shown.len(), "faults": shown })
}

fn shown_file<'a>(file: &'a FileChange, evidence: &Evidence) -> File<'a> {
    let in_list = |list: &[String]| list.contains(&file.path);
    let side = match (in_list(&evidence.source_files), in_list(&evidence.test_files)) {
        (true, true) => "source, tests",
        (_, true) => "tests",
        _ if is_documentation(&file.path) => "docs",
        (true, false) => "source",
        (false, false) => "other",
    };
    File { path: &file.path, added: file.added, removed: file.removed, side }
}

fn shown_proof(proven: &Proven, room: Room) -> Said {
    let name = proven.test.as_str();
    Said {
        name: name.to_owned(),
        note: figures::red_words(proven.red).to_owned(),
        says: words::telling(&proven.lines, name),
        lines: block(&proven.lines, room),
    }
}

fn reference(proposal: &Proposal, keyword: &str) -> String {
    match &proposal.issue.reference {
        IssueRef::GitHub { number, .. } => format!("{keyword} #{number}"),
        IssueRef::File(path) => {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            format!("For the issue in `{}`: {}", name.replace('`', ""), words::sentence(&proposal.issue.title))
        }
    }
}

fn asked<'a>(rows: impl Iterator<Item = (&'a str, &'a str, &'a str)>, room: Room) -> Vec<Said> {
    let rows = rows.take(room.rows);
    rows.map(|(name, note, lines)| Said {
        name: name.to_owned(),
        note: words::sentence(note),
        says: String::new(),
        lines: block(lines, room),
    })
    .collect()
}

/// What a program printed, as far as there is room.
fn block(text: &str, room: Room) -> String {
    cap(&guard::plain_text(text), room.block)
}

/// The text, or its beginning with a word about the rest; never cuts a character in two.
fn cap(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some(_) if limit == 0 => String::new(),
        None => text.to_owned(),
        Some((at, _)) => format!("{}\n[... {} more bytes]", text[..at].trim_end(), text.len() - at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_says_how_much_is_missing() {
        assert_eq!(cap("äöü", 2), "äö\n[... 2 more bytes]");
        assert_eq!(cap("äöü", 3), "äöü");
    }
}
