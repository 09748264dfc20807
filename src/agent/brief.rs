//! What the model is told: the fixed instructions, the task, notices. The words are in `prompts/`.

use minijinja::{Environment, Value, context};

use super::tools::{look, summary_of};
use super::{Assignment, programs};
use crate::error::{Kind, OrFail, Result};
use crate::guard;
use crate::runner::{Outcome as TestOutcome, Report};
use crate::task::{Issue, IssueRef};

/// How the baseline's notice begins.
pub(super) const BASELINE: &str = "Notice: the tests on the untouched source:";
/// How the notice of a limit begins.
pub(super) const LIMIT: &str = "Notice: a limit is near:";

/// Longest issue, comments included, in bytes.
const ISSUE: usize = 24_000;
/// What is told of a setup that was only partial, in bytes.
const WARNINGS: usize = 800;
/// Longest repair text in bytes.
const REPAIR: usize = 12_000;
/// The fixed instructions.
pub(super) fn system() -> String {
    include_str!("prompts/system.md").trim_end().to_owned()
}

/// The first message of a round: the task, what the gate said, or both.
pub(super) fn opening(assignment: &Assignment<'_>, is_first: bool) -> Result<String> {
    let mut parts = Vec::new();
    if is_first {
        parts.push(task(assignment)?);
    }
    if let Some(reasons) = assignment.repair {
        parts.push(render(include_str!("prompts/repair.md"), context! { reasons => capped(reasons, REPAIR) })?);
    }
    Ok(parts.join("\n\n"))
}

fn task(assignment: &Assignment<'_>) -> Result<String> {
    let config = assignment.config;
    let suites: Vec<Value> = assignment
        .bench
        .suites
        .iter()
        .map(|suite| {
            context! { dir => &suite.dir, command => &suite.command, name => super::tools::suite_name(suite) }
        })
        .collect();
    let look = look(assignment.workspace);
    let programs = programs::present(assignment, &look.extensions);
    // the tag depends on the text it fences: no text can contain its own
    let fence = format!("issue-{}", assignment.issue.digest().short());
    render(
        include_str!("prompts/task.md"),
        context! {
            repository => repository(assignment.issue),
            point => assignment.tree.point.display().to_string(),
            suites,
            programs => programs.join(", "),
            turns => config.agent.max_turns,
            minutes => config.agent.timeout.to_string(),
            command => config.agent.command_timeout.to_string(),
            test => config.test.timeout.to_string(),
            protected => config.gate.protected.join(" "),
            warnings => capped(&assignment.bench.warnings.join("; "), WARNINGS),
            listing => look.listing,
            reference => reference(assignment.issue),
            fence,
            issue => issue_text(assignment.issue),
        },
    )
}

fn repository(issue: &Issue) -> String {
    match &issue.reference {
        IssueRef::GitHub { repo, .. } => repo.to_string(),
        IssueRef::File(_) => "the repository".to_owned(),
    }
}

fn reference(issue: &Issue) -> String {
    match &issue.reference {
        IssueRef::GitHub { number, .. } => format!("#{number}"),
        IssueRef::File(path) => path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
    }
}

/// What a person sees of the issue: hidden text is taken out, and what is too long is cut.
fn issue_text(issue: &Issue) -> String {
    let seen = |text: &str| guard::issue_text(text).text.trim().to_owned();
    let body = seen(&issue.body);
    let body = if body.is_empty() { "(no text beside the title)".to_owned() } else { body };
    let mut text = format!("# {}\n\n{body}\n", seen(&issue.title));
    for comment in &issue.comments {
        text.push_str(&format!("\nComment by {}:\n{}\n", comment.author, seen(&comment.body)));
    }
    capped(text.trim_end(), ISSUE)
}

/// Beginning and end of a long text, the cut marked by its size.
pub(super) fn capped(text: &str, most: usize) -> String {
    guard::cap_text(text, most).unwrap_or_else(|| text.to_owned())
}

fn render(template: &str, values: Value) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    let text = environment.render_str(template, values).or_fail(Kind::Internal, || "rendering a prompt")?;
    Ok(text.trim().to_owned())
}

fn notice(template: &str, values: Value) -> String {
    render(template, values).unwrap_or_else(|_| template.to_owned())
}

/// Tells that an answer called nothing.
pub(super) fn no_calls() -> String {
    include_str!("prompts/no_calls.md").trim_end().to_owned()
}

/// Tells that an answer was too long.
pub(super) fn cut_off() -> String {
    include_str!("prompts/cut_off.md").trim_end().to_owned()
}

/// Tells that the model goes in circles.
pub(super) fn repeating(call: &str, times: u32) -> String {
    notice(include_str!("prompts/repeating.md"), context! { call => capped(call, 300), times })
}

/// Tells that a limit is near.
pub(super) fn wrap_up(limit: &str, share: f64) -> String {
    notice(include_str!("prompts/wrap_up.md"), context! { limit, share => format!("{:.0} %", share * 100.0) })
}

/// Tells what the tests said before any change.
pub(super) fn baseline(reports: &[Report]) -> String {
    let mut text = BASELINE.to_owned();
    for report in reports {
        text.push_str(&format!("\n{}", summary_of(report)));
        let red = report.cases.iter().filter(|(_, case)| matches!(case.outcome, TestOutcome::Failed(_))).map(|(id, _)| id.as_str());
        let red: Vec<&str> = red.collect();
        for id in red.iter().take(20) {
            text.push_str(&format!("\n  red before: {id}"));
        }
        if red.len() > 20 {
            text.push_str(&format!("\n  and {} more", red.len() - 20));
        }
        for trouble in report.troubles.iter().take(3) {
            text.push_str(&format!("\n  trouble: {}", capped(&trouble.message, 400)));
        }
    }
    text
}
