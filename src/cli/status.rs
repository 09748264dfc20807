//! `loom status`: all tasks as a table of 80 columns, or one with its stages, its log and its links.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::arguments::Status;
use super::session::Session;
use super::{amounts, plain};
use crate::config::GitHubSettings;
use crate::error::{Failure, Kind, Result};
use crate::queue::{Glance, LogLine, Queue, StageRow, Task};
use crate::task::{IssueRef, TaskId, TaskState};

/// How wide a line may be.
const WIDTH: usize = 80;

const EMPTY: &str = "No tasks yet. The first one:\n  loom run-issue owner/repo#12 --model PROVIDER/NAME --dry-run\n  \
                     loom run-issue bug.md --repo . --model PROVIDER/NAME";

/// Shows the queue, or one task of it.
pub fn show(session: &Session, asked: &Status) -> Result<()> {
    let queue = Queue::open_existing(&session.locations.queue)?;
    let now = Timestamp::now();
    match (asked.task, queue) {
        (Some(task), queue) => show_task(session, queue.as_ref(), task, asked.limit, now),
        (None, queue) => {
            let glances = queue.map(|queue| queue.glances(asked.limit)).transpose()?.unwrap_or_default();
            session.screen.show(if glances.is_empty() { EMPTY.to_owned() } else { table(&glances, now) });
            let tasks: Vec<Value> = glances.iter().map(|glance| with_standing(json!(glance), &glance.task, now)).collect();
            session.screen.show_json(&json!({ "tasks": tasks }));
            Ok(())
        }
    }
}

fn show_task(session: &Session, queue: Option<&Queue>, id: TaskId, limit: usize, now: Timestamp) -> Result<()> {
    let task = queue.map(|queue| queue.task(id)).transpose()?.flatten();
    let (Some(queue), Some(task)) = (queue, task) else {
        return Err(Failure::new(Kind::Skipped, format_args!("there is no task {id}")).hint("`loom status` lists the tasks there are"));
    };
    let (stages, log) = (queue.stages(id)?, queue.log(id, limit)?);
    let proposal = Some(session.locations.proposal(id)).filter(|folder| folder.join("proposal.json").exists());
    session.screen.show(detail(&session.resolved.config.github, &task, proposal.as_deref(), &stages, &log, now));
    let mut value = with_standing(json!(task), &task, now);
    value["link"] = json!(link(&session.resolved.config.github, &task.issue));
    value["proposal"] = json!(proposal);
    value["stages"] = json!(stages);
    value["log"] = json!(log);
    session.screen.show_json(&value);
    Ok(())
}

/// A running task whose process is gone waits for whoever takes it up; people should not wait for it.
fn standing(task: &Task, now: Timestamp) -> &'static str {
    if task.state == TaskState::Running && !task.held(now) { "stopped" } else { task.state.as_str() }
}

fn with_standing(mut value: Value, task: &Task, now: Timestamp) -> Value {
    value["standing"] = json!(standing(task, now));
    value
}

fn table(glances: &[Glance], now: Timestamp) -> String {
    let mut lines = vec![row(["TASK", "STATE", "AGE", "STAGE", "TRY", "TOKENS", "PR", "ISSUE"])];
    for glance in glances {
        let task = &glance.task;
        lines.push(row([
            &task.id.to_string(),
            standing(task, now),
            &amounts::age(task.created_at, now),
            glance.stage.map_or("-", |stage| stage.as_str()),
            &task.attempts.to_string(),
            &amounts::count(task.tokens),
            &pull_request(task),
            &plain::line(&format!("{} {}", name(&task.issue), task.title)),
        ]));
        let last = task.error.as_deref().or(glance.last_line.as_deref());
        lines.extend(last.map(|last| plain::cut(&format!("      {}", plain::line(last)), WIDTH)));
    }
    lines.join("\n")
}

fn row([id, state, age, stage, attempts, tokens, pull_request, issue]: [&str; 8]) -> String {
    let line = format!("{id:>4}  {state:<9} {age:>4}  {stage:<8}  {attempts:>3}  {tokens:>6}  {pull_request:<5}  {issue}");
    plain::cut(line.trim_end(), WIDTH)
}

fn pull_request(task: &Task) -> String {
    match (task.pr_number, &task.pr_url) {
        (Some(number), _) => format!("#{number}"),
        (None, Some(_)) => "local".to_owned(),
        (None, None) => "-".to_owned(),
    }
}

/// Short enough for a table: of a file its name.
fn name(issue: &IssueRef) -> String {
    match issue {
        IssueRef::GitHub { .. } => issue.to_string(),
        IssueRef::File(path) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
    }
}

fn link(github: &GitHubSettings, issue: &IssueRef) -> String {
    match issue {
        IssueRef::GitHub { repo, number } => format!("{}/{repo}/issues/{number}", github.server()),
        IssueRef::File(path) => path.display().to_string(),
    }
}

fn detail(github: &GitHubSettings, task: &Task, proposal: Option<&Path>, stages: &[StageRow], log: &[LogLine], now: Timestamp) -> String {
    let ago = |at: Timestamp| format!("{} ({} ago)", clock(at), amounts::age(at, now));
    let mut lines = vec![plain::line(&format!("task {}: {}", task.id, task.title))];
    let mut fact = |what: &str, value: Option<String>| lines.extend(value.map(|value| format!("  {what:<13} {}", plain::line(&value))));
    fact("issue", Some(link(github, &task.issue)));
    fact("state", Some(standing_in_words(task, now)));
    fact("error", task.error.clone());
    fact("verdict", task.verdict.clone());
    fact("pull request", task.pr_url.clone());
    fact("proposal", proposal.map(|folder| folder.display().to_string()));
    fact("attempts", Some(task.attempts.to_string()));
    fact("tokens", Some(amounts::count(task.tokens)));
    fact("episode", Some(task.episode.clone()));
    fact("added", Some(ago(task.created_at)));
    fact("taken up", task.started_at.map(ago));
    fact("ended", task.finished_at.map(ago));
    if !stages.is_empty() {
        lines.push("\nstages".to_owned());
        lines.extend(stages.iter().map(|row| stage(row, task, now)));
    }
    if !log.is_empty() {
        lines.push(format!("\nlog (last {}; more with -n)", log.len()));
        lines.extend(log.iter().map(|line| format!("  {}  {:<5} {}", clock(line.at), line.level, plain::line(&line.message))));
    }
    lines.join("\n")
}

fn standing_in_words(task: &Task, now: Timestamp) -> String {
    let owner = || task.owner.as_ref().map(ToString::to_string).unwrap_or_default();
    match standing(task, now) {
        "stopped" => format!("stopped: {} is gone; run it again to go on", owner()),
        "running" => format!("running, by {}", owner()),
        "pending" => "pending: run it again to go on".to_owned(),
        other => other.to_owned(),
    }
}

fn stage(row: &StageRow, task: &Task, now: Timestamp) -> String {
    let outcome = match row.ended_at {
        Some(ended) => amounts::elapsed(std::time::Duration::try_from(ended.duration_since(row.began_at)).unwrap_or_default()),
        None if task.held(now) => format!("going on, {}", amounts::age(row.began_at, now)),
        None => "not ended".to_owned(),
    };
    let round = if row.round == 0 { String::new() } else { format!("  repair round {}", row.round) };
    let attempt = if row.attempt <= 1 { String::new() } else { format!("  attempt {}", row.attempt) };
    format!("  {}  {:<9} {outcome:>8}{round}{attempt}", clock(row.began_at), row.stage.as_str())
}

fn clock(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Owner;
    use crate::task::Stage;

    fn task(id: i64, state: TaskState) -> Task {
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        Task {
            id: TaskId(id),
            repository_id: "R1".into(),
            issue: "acme/widget#12".parse().unwrap(),
            github_issue_id: 12,
            title: "It breaks when the input is empty, and nobody knows why".into(),
            episode: "event-1".into(),
            state,
            attempts: 1,
            pr_number: None,
            pr_url: None,
            verdict: None,
            tokens: 12_430,
            error: None,
            owner: None,
            lease_until: None,
            created_at: at,
            updated_at: at,
            started_at: Some(at),
            finished_at: None,
        }
    }

    fn now() -> Timestamp {
        Timestamp::from_second(1_700_000_200).unwrap()
    }

    #[test]
    fn the_table_fits_eighty_columns() {
        let done = Task { pr_number: Some(31), ..task(4, TaskState::Completed) };
        let failed = Task {
            error: Some("answered 502\nagain and again, until the budget of one call was spent and nothing more could be done".into()),
            ..task(5, TaskState::Failed)
        };
        let glance = |task, last: Option<&str>| Glance { task, stage: Some(Stage::Generate), last_line: last.map(str::to_owned) };
        let glances = [glance(failed, None), glance(task(6, TaskState::Running), Some("edit src/lib.rs")), glance(done, None)];
        let table = table(&glances, now());
        assert!(table.lines().all(|line| line.chars().count() <= WIDTH));
        insta::assert_snapshot!(table, @r"
        TASK  STATE      AGE  STAGE     TRY  TOKENS  PR     ISSUE
           5  failed      3m  generate    1   12.4k  -      acme/widget#12 It breaks wh…
              answered 502 again and again, until the budget of one call was spent and …
           6  stopped     3m  generate    1   12.4k  -      acme/widget#12 It breaks wh…
              edit src/lib.rs
           4  completed   3m  generate    1   12.4k  #31    acme/widget#12 It breaks wh…
        ");
    }

    #[test]
    fn the_detail_tells_stages_and_log() {
        let at = now();
        let stages = [
            StageRow {
                stage: Stage::Clone,
                round: 0,
                attempt: 1,
                began_at: at,
                ended_at: Some(at + std::time::Duration::from_millis(1200)),
                result: None,
            },
            StageRow { stage: Stage::Generate, round: 1, attempt: 2, began_at: at, ended_at: None, result: None },
        ];
        let log = [LogLine { id: 1, at, level: "warn".into(), message: "slow\x1b[1m".into(), metadata: "null".into() }];
        let gone = Owner { host: "builder/x/y".into(), pid: 7, start: "1".into() };
        let task = Task { owner: Some(gone), ..task(7, TaskState::Running) };
        insta::assert_snapshot!(detail(&GitHubSettings::default(), &task, Some(Path::new("/state/tasks/7/proposal")), &stages, &log, at), @r"
        task 7: It breaks when the input is empty, and nobody knows why
          issue         https://github.com/acme/widget/issues/12
          state         stopped: process 7 on builder is gone; run it again to go on
          proposal      /state/tasks/7/proposal
          attempts      1
          tokens        12.4k
          episode       event-1
          added         2023-11-14 22:13:20 (3m ago)
          taken up      2023-11-14 22:13:20 (3m ago)

        stages
          2023-11-14 22:16:40  clone         1.2s
          2023-11-14 22:16:40  generate  not ended  repair round 1  attempt 2

        log (last 1; more with -n)
          2023-11-14 22:16:40  warn  slow [1m
        ");
    }
}
