//! The pipeline's words: names of branches, commit messages, what goes back to the agent, what a failed end is called.
//! Owns no decision about code; long texts are in `texts/`.

use serde_json::json;

use crate::agent::{Ended, Outcome};
use crate::config::{Config, GateSettings, Resolved};
use crate::error::{Failure, Kind, Result};
use crate::forge::{Forge, Status};
use crate::guard::{self, Admission, Violation, Weight};
use crate::proposal::{Layout, Proposal, episode_name, render};
use crate::task::{Event, Issue, IssueRef, IssueState, Reporter, Stage, TreeId};
use crate::verify::{Checked, Reason, Ruling, Verdict};
use crate::workspace::{Cache, Patch};

/// Begins the trailer that marks a commit as loom's own.
const TRAILER: &str = "Loom-Episode: ";

/// Where repositories keep their own pull request template.
const FORMS: [&str; 6] = [
    ".github/pull_request_template.md",
    ".github/PULL_REQUEST_TEMPLATE.md",
    "pull_request_template.md",
    "PULL_REQUEST_TEMPLATE.md",
    "docs/pull_request_template.md",
    "docs/PULL_REQUEST_TEMPLATE.md",
];

/// Decides whether to work on the issue: who asked for it, or why not and which label says so.
pub fn admit(issue: &Issue, forge: &dyn Forge, config: &Config) -> Result<String, (Status, Failure)> {
    let failed = |failure| (Status::Failed, failure);
    let role = match &issue.trigger {
        Some(trigger) => Some(forge.role(&issue.reference, &trigger.actor).map_err(failed)?),
        None => None,
    };
    let label = format!("set the label `{}` again", config.github.labels.ready);
    let refused = |why, what: &str| Failure::new(Kind::Skipped, why).hint(format!("{what}, then {label}"));
    match guard::admit(issue, role.as_deref(), &config.github) {
        Admission::Accepted => Ok(asked_by(issue)),
        Admission::NeedsInfo(what) => Err((Status::NeedsInfo, refused(what, "edit the issue"))),
        Admission::Refused(why) if issue.state == IssueState::Closed => Err(failed(refused(why, "reopen it"))),
        Admission::Refused(why) => {
            let failure = Failure::new(Kind::Skipped, why);
            Err(failed(failure.hint(format!("somebody with write access can look the issue over and {label}"))))
        }
    }
}

fn asked_by(issue: &Issue) -> String {
    match &issue.trigger {
        Some(trigger) => format!("asked for by {}", trigger.actor),
        None => "asked for at a terminal".to_owned(),
    }
}

/// What came of a stage, as far as it concerns people who read the issue.
pub fn for_the_issue(stage: Stage, note: &str) -> String {
    let part = match stage {
        Stage::Generate => note.split(',').next().unwrap_or_default(),
        Stage::Verify => note.split(':').next().unwrap_or_default(),
        // The link stands above the list.
        Stage::Publish => "",
        _ => note,
    };
    sentence(part)
}

/// Foreign words within a sentence of loom's own: one line, and nothing in it acts.
pub fn sentence(text: &str) -> String {
    guard::pull_request_text(&one_line(text), None, SUMMARY).text
}

/// The branch of a task: the same for the same issue and episode, on every machine.
pub fn branch(prefix: &str, issue: &Issue, repository_id: &str, episode: &str) -> String {
    let name = match &issue.reference {
        IssueRef::GitHub { number, .. } => number.to_string(),
        IssueRef::File(_) => slug(&issue.title),
    };
    format!("{prefix}issue-{name}-{}", episode_name(repository_id, episode))
}

/// The model as the start of a run announces it: a replay is called one.
pub fn announced(model: &str) -> String {
    match model.strip_prefix("replay/") {
        Some(path) => format!("replay of {path}: a recorded run is played, no model is asked"),
        None => model.to_owned(),
    }
}

fn slug(text: &str) -> String {
    let words: Vec<String> =
        text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).take(6).collect();
    if words.is_empty() { "file".to_owned() } else { words.join("-").chars().take(40).collect::<String>().trim_end_matches('-').to_owned() }
}

/// Subject, body and loom's trailer.
pub fn commit_message(proposal: &Proposal) -> String {
    let about = match &proposal.issue.reference {
        IssueRef::GitHub { number, .. } => format!("For issue {number}"),
        IssueRef::File(_) => "For a local issue".to_owned(),
    };
    let verdict = crate::proposal::claim(proposal.verdict());
    let (title, issue) = (guard::commit_text(&proposal.title, TITLE), guard::commit_text(&proposal.issue.title, TITLE));
    format!("{title}\n\n{about}: {issue}\n\nloom: {verdict}\n\n{}\n", trailer(proposal))
}

/// The line that marks a commit as loom's own work on this episode.
pub fn trailer(proposal: &Proposal) -> String {
    format!("{TRAILER}{}", episode_name(&proposal.target.repository_id, &proposal.target.episode))
}

/// Longest title and summary of a pull request, in bytes.
const TITLE: usize = 200;
const SUMMARY: usize = 8_000;
/// More findings of one tool are only counted for the agent.
const FINDINGS: usize = 30;
/// Longest foreign line in a comment.
const LINE: usize = 300;

/// Title and summary as people may see them.
pub fn for_people(outcome: &Outcome, issue: &Issue) -> (String, String) {
    let own = guard::title_text(&outcome.title, TITLE);
    let title = if own.trim().is_empty() { guard::title_text(&issue.title, TITLE) } else { own };
    let number = match &issue.reference {
        IssueRef::GitHub { number, .. } => Some(*number),
        IssueRef::File(_) => None,
    };
    (title.trim().to_owned(), guard::pull_request_text(&outcome.summary, number, SUMMARY).text)
}

/// How the maintainers want the page.
pub fn layout(config: &Config, cache: &Cache, base_tree: &TreeId) -> Result<Layout> {
    let template = match &config.pull_request.template {
        None => None,
        Some(path) => {
            let bytes = cache.blob(base_tree, path)?.ok_or_else(|| {
                Failure::new(Kind::Config, format_args!("pull_request.template names {path:?}, which is not in the base tree"))
            })?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        }
    };
    let mut form = None;
    for path in FORMS {
        if form.is_none() {
            form = cache.blob(base_tree, path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    Ok(Layout { template, form, moved: None, keyword: config.pull_request.keyword.clone() })
}

/// Settings with what the base tree's own `loom.toml` may say.
pub fn with_repository_settings(settings: &Resolved, cache: &Cache, base_tree: &TreeId, reporter: &dyn Reporter) -> Result<Config> {
    let Some(bytes) = cache.blob(base_tree, "loom.toml")? else { return Ok(settings.config.clone()) };
    let (resolved, ignored) = settings.with_repository(&String::from_utf8_lossy(&bytes))?;
    if !ignored.is_empty() {
        let text = format!("the repository's loom.toml may not set {}", ignored.join(", "));
        reporter.event(&Event::Warning { text });
    }
    Ok(resolved.config)
}

/// Does the repository's guide ask for `Signed-off-by`?
pub fn asks_for_sign_off(cache: &Cache, tree: &TreeId) -> Result<bool> {
    for path in ["CONTRIBUTING.md", ".github/CONTRIBUTING.md", "docs/CONTRIBUTING.md", "CONTRIBUTING.rst", "DCO", "DCO.txt"] {
        if let Some(bytes) = cache.blob(tree, path)?
            && (path.starts_with("DCO") || String::from_utf8_lossy(&bytes).contains("Signed-off-by"))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What the patch touches and may not; large or binary files are for the reader of the pull request.
pub fn refused_paths(cache: &Cache, patch: &Patch, settings: &GateSettings) -> Result<Vec<Violation>> {
    let mut violations = guard::violations(&cache.touched(patch)?, settings)?;
    violations.retain(|violation| violation.weight == Weight::Refuse);
    Ok(violations)
}

/// The gate's reasons as the agent reads them.
pub fn repair(reasons: &[Reason]) -> Result<String> {
    render("the gate's reasons", include_str!("texts/repair.md"), &json!({ "reasons": reasons }))
}

/// New findings of the repository's own checks as the agent reads them.
pub fn repair_findings(checked: &[Checked]) -> Result<String> {
    let tools: Vec<_> = checked.iter().filter(|one| !one.faults().is_empty()).collect();
    let tools: Vec<_> = tools
        .iter()
        .map(|one| {
            let faults = one.faults();
            let more = faults.len().saturating_sub(FINDINGS);
            json!({ "name": one.name, "command": one.command, "faults": faults.into_iter().take(FINDINGS).collect::<Vec<_>>(), "more": more })
        })
        .collect();
    render("the findings", include_str!("texts/findings.md"), &json!({ "tools": tools }))
}

/// The protected paths as the agent reads them.
pub fn repair_protected(violations: &[Violation]) -> Result<String> {
    let list: Vec<&str> = violations.iter().map(|one| one.reason.as_str()).collect();
    render("the protected paths", include_str!("texts/protected.md"), &json!({ "violations": list }))
}

/// The end of a task whose agent would not leave protected paths alone.
pub fn protected_failure(violations: &[Violation]) -> Failure {
    let list: Vec<&str> = violations.iter().map(|one| one.reason.as_str()).collect();
    Failure::new(Kind::Rejected, format_args!("the patch touches protected paths: {}", list.join("; ")))
        .hint("gate.protected and the built-in list say which; such changes need a person")
}

/// The end of a task whose agent changed nothing.
pub fn no_patch(outcome: &Outcome) -> Failure {
    let say_more = "say more in the issue (what happens, what should happen, how to reproduce), then run it again with --again";
    let (kind, why, hint) = match &outcome.ended {
        Ended::Submitted => (Kind::NoPatch, "it submitted without a change".to_owned(), say_more),
        Ended::GaveUp(words) => (Kind::NoPatch, format!("it gave up: {words}"), say_more),
        Ended::Refused(words) => {
            (Kind::Model, format!("the model refused: {words}"), "reword the issue, or choose another model by --model, with --again")
        }
        Ended::Limit(limit) => (Kind::Budget, spent(limit), limit_hint(limit)),
    };
    Failure::new(kind, format_args!("the agent left no change; {why}")).hint(hint)
}

/// Which limit ended the agent's work, in words.
fn spent(limit: &str) -> String {
    match limit {
        "loop" => "it repeated the same call without end".to_owned(),
        "no calls" => "it only talked and called no tool".to_owned(),
        limit => format!("it reached the limit of {limit}"),
    }
}

/// What lifts a limit of the agent.
fn limit_hint(limit: &str) -> &'static str {
    match limit {
        "turns" => "agent.max_turns (--max-turns) sets it; start a new episode with --again",
        "tokens" => "agent.max_tokens (--max-tokens) sets it; start a new episode with --again",
        "time" => "agent.timeout sets it; start a new episode with --again",
        _ => "choose another model by --model, or say more in the issue, and start a new episode with --again",
    }
}

/// May the agent be asked again after it ended so?
pub fn may_go_on(ended: &Ended) -> bool {
    matches!(ended, Ended::Submitted)
}

/// Why the agent ended early, in one line.
pub fn ended_early(ended: &Ended) -> Option<String> {
    match ended {
        Ended::Submitted => None,
        Ended::GaveUp(words) => Some(format!("it gave up: {}", one_line(words))),
        Ended::Refused(words) => Some(format!("the model refused: {}", one_line(words))),
        Ended::Limit(limit) => Some(spent(limit)),
    }
}

fn one_line(text: &str) -> String {
    guard::title_text(&text.split_whitespace().collect::<Vec<_>>().join(" "), LINE)
}

/// The failure that a verdict means, when nothing may be published on it.
pub fn refusal(verdict: &Verdict) -> Option<Failure> {
    match &verdict.ruling {
        Ruling::Verified(_) | Ruling::Review(_) => None,
        Ruling::Rejected(reasons) => {
            let texts: Vec<&str> = reasons.iter().map(|reason| reason.text.as_str()).collect();
            Some(Failure::new(Kind::Rejected, format_args!("the gate rejected the patch: {}", texts.join(" "))))
        }
        Ruling::Inconclusive(cause) => {
            let failure = Failure::new(Kind::Inconclusive, format_args!("the gate cannot know: {cause}"));
            let too_long = cause.contains("limit of");
            let failure = if too_long { failure.hint("test.timeout and test.build_timeout set the limits of one run") } else { failure };
            Some(failure.hint("loom verify PROPOSAL proves it again once the cause is mended"))
        }
    }
}

/// The first line of the status comment after a failure.
pub const fn headline(kind: Kind) -> &'static str {
    match kind {
        Kind::NoPatch => "No pull request: loom found no change to make.",
        Kind::Rejected => "No pull request: the patch did not pass the gate.",
        Kind::Inconclusive => "No pull request: whether the patch works could not be known here.",
        Kind::Budget => "No pull request: a budget or a deadline is spent.",
        Kind::Cancelled => "Cancelled.",
        Kind::Skipped => "Not taken up.",
        _ => "No pull request: loom could not finish.",
    }
}

/// Foreign words as a quotation.
pub fn quoted(text: &str) -> String {
    guard::pull_request_text(text, None, SUMMARY).text.lines().map(|line| format!("> {line}\n")).collect()
}

/// CPU time of loom's own process so far.
pub fn own_cpu_ms() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1000 + u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000
}
