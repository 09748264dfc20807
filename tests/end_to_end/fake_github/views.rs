//! What GitHub shows of its things, as JSON.

use serde_json::{Value, json};

use super::state::{CheckRun, Comment, Event, Issue, Pull, State};
use super::{REPO, Shared};

pub fn account(login: &str) -> Value {
    json!({ "login": login, "id": login.len(), "type": if login.ends_with("[bot]") { "Bot" } else { "User" } })
}

pub fn repository(shared: &Shared) -> Value {
    json!({
        "id": 700_001, "full_name": REPO, "name": "widget", "owner": account("acme"), "default_branch": "main",
        "clone_url": format!("{}/{REPO}.git", shared.server), "archived": false,
    })
}

pub fn label(state: &State, name: &str) -> Value {
    json!({ "id": 5000, "name": name, "color": state.labels.get(name) })
}

pub fn issue(shared: &Shared, state: &State, number: u64, issue: &Issue) -> Value {
    let kind = if issue.pull.is_some() { "pull" } else { "issues" };
    let comments = state.comments.iter().filter(|comment| comment.issue == number).count();
    let mut shown = json!({
        "id": 30_000 + number, "number": number, "title": issue.title, "body": issue.body, "user": account(&issue.author),
        "state": if issue.open { "open" } else { "closed" }, "locked": issue.locked, "comments": comments,
        "labels": issue.labels.iter().map(|name| label(state, name)).collect::<Vec<_>>(),
        "author_association": state.association(&issue.author),
        "html_url": format!("{}/{REPO}/{kind}/{number}", shared.server),
    });
    if issue.pull.is_some() {
        shown["pull_request"] = json!({ "url": format!("{}/api/v3/repos/{REPO}/pulls/{number}", shared.server) });
    }
    shown
}

pub fn pull(shared: &Shared, state: &State, number: u64, shown: &Issue, pull: &Pull) -> Value {
    let mut view = issue(shared, state, number, shown);
    let side = |branch: &str| {
        let here = super::git::head(&shared.bare(), branch).filter(|_| branch != pull.head || !is_fork(shared, number));
        let sha = here.or_else(|| super::git::reference(&shared.bare(), &format!("refs/pull/{number}/head")));
        let sha = sha.unwrap_or_else(|| "0".repeat(40));
        json!({ "ref": branch, "label": format!("acme:{branch}"), "sha": sha })
    };
    let object = view.as_object_mut().unwrap();
    object.remove("pull_request");
    object.insert("draft".into(), pull.draft.into());
    object.insert("head".into(), side(&pull.head));
    object.insert("base".into(), side(&pull.base));
    object.insert("requested_reviewers".into(), pull.reviewers.iter().map(|login| account(login)).collect());
    view
}

/// A pull request from a fork has nothing but its own reference here.
fn is_fork(shared: &Shared, number: u64) -> bool {
    super::git::reference(&shared.bare(), &format!("refs/pull/{number}/head")).is_some()
}

pub fn check_run(shared: &Shared, run: &CheckRun) -> Value {
    json!({
        "id": run.id, "head_sha": run.commit, "name": run.name, "external_id": run.external_id, "status": run.status,
        "conclusion": run.conclusion, "output": { "title": run.title, "summary": run.summary },
        "html_url": format!("{}/{REPO}/runs/{}", shared.server, run.id), "app": { "id": 15368, "slug": "github-actions" },
    })
}

pub fn comment(state: &State, comment: &Comment) -> Value {
    json!({
        "id": comment.id, "body": comment.body, "user": account(&comment.author), "created_at": comment.at, "updated_at": comment.at,
        "author_association": state.association(&comment.author), "performed_via_github_app": null,
    })
}

pub fn event(event: &Event) -> Value {
    let mut shown = json!({ "id": event.id, "event": event.kind, "actor": account(&event.actor), "created_at": event.at });
    if event.actor == "ghost" {
        shown["actor"] = Value::Null;
    }
    if !event.label.is_empty() {
        shown["label"] = json!({ "name": event.label, "color": "ededed" });
    }
    shown
}
