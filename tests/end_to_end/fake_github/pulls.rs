//! Pull requests.

use serde_json::Value;

use super::call::{Call, Refusal, Reply, answer, custom, invalid, refuse};
use super::state::{Issue, Pull, Rights, State};
use super::{git, views};

fn shown(call: &Call, state: &State, number: u64) -> Result<Value, Refusal> {
    let issue = state.issues.get(&number).ok_or_else(|| refuse(404, "Not Found"))?;
    let pull = issue.pull.as_ref().ok_or_else(|| refuse(404, "Not Found"))?;
    Ok(views::pull(&call.shared, state, number, issue, pull))
}

pub async fn list(call: Call) -> Reply {
    call.may_read("pull_requests")?;
    let state = call.shared.state();
    let wanted = call.query.get("state").map_or("open", String::as_str);
    // A head without an owner is no filter at all.
    let head = call.query.get("head").filter(|head| head.contains(':'));
    let fits = |issue: &Issue, pull: &Pull| {
        (wanted == "all" || issue.open == (wanted == "open")) && head.is_none_or(|head| *head == format!("acme:{}", pull.head))
    };
    let pulls = state.pulls().into_iter().rev().filter(|(_, issue, pull)| fits(issue, pull));
    call.page(pulls.map(|(number, issue, pull)| views::pull(&call.shared, &state, number, issue, pull)).collect())
}

pub async fn show(call: Call) -> Reply {
    call.may_read("pull_requests")?;
    answer(200, shown(&call, &call.shared.state(), call.number()?)?)
}

pub async fn open(call: Call) -> Reply {
    let mut state = call.shared.state();
    call.may_write(&state, "pull_requests", "write")?;
    if matches!(call.token.as_ref().map(|token| &token.rights), Some(Rights::App(_))) && !state.actions_may_open_pulls {
        return Err(refuse(403, "GitHub Actions is not permitted to create or approve pull requests."));
    }
    let text = |field| call.text("PullRequest", field);
    let (title, head, base, body) = (text("title")?, text("head")?, text("base")?, text("body")?);
    let commit = |branch: &str| git::head(&call.shared.bare(), branch);
    let tip = commit(&head).ok_or_else(|| invalid("PullRequest", "head", "invalid"))?;
    let below = commit(&base).ok_or_else(|| invalid("PullRequest", "base", "invalid"))?;
    if tip == below {
        return Err(custom("PullRequest", &format!("No commits between {base} and {head}")));
    }
    if state.pulls().iter().any(|(_, issue, pull)| issue.open && pull.head == head) {
        return Err(custom("PullRequest", &format!("A pull request already exists for acme:{head}.")));
    }
    let draft = call.body["draft"] == Value::Bool(true);
    if draft && !state.drafts_supported {
        return Err(refuse(422, "Draft pull requests are not supported in this repository."));
    }
    let pull = Some(Pull { head, base, draft, reviewers: Vec::new() });
    let author = call.login()?.to_owned();
    let number = state.add(Issue { title, body: Some(body), author, open: true, locked: false, labels: Vec::new(), pull });
    answer(201, shown(&call, &state, number)?)
}

pub async fn edit(call: Call) -> Reply {
    let mut state = call.shared.state();
    call.may_write(&state, "pull_requests", "write")?;
    let number = call.number()?;
    shown(&call, &state, number)?;
    let issue = state.issues.get_mut(&number).unwrap();
    if let Some(title) = call.body["title"].as_str() {
        issue.title = title.into();
    }
    if let Some(body) = call.body["body"].as_str() {
        issue.body = Some(body.into());
    }
    answer(200, shown(&call, &state, number)?)
}

pub async fn ask_reviewers(call: Call) -> Reply {
    let mut state = call.shared.state();
    call.may_write(&state, "pull_requests", "write")?;
    let number = call.number()?;
    shown(&call, &state, number)?;
    let asked = call.texts("reviewers");
    if asked.iter().any(|login| state.roles.get(login).is_none_or(|role| role == "none")) {
        return Err(refuse(422, "Reviews may only be requested from collaborators."));
    }
    let issue = state.issues.get_mut(&number).unwrap();
    if asked.contains(&issue.author) {
        return Err(refuse(422, "Review cannot be requested from pull request author."));
    }
    if let Some(pull) = issue.pull.as_mut() {
        pull.reviewers.extend(asked);
    }
    answer(201, shown(&call, &state, number)?)
}
