//! Issues with their comments, labels and events.

use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::call::{Call, Refusal, Reply, answer, invalid, rank, refuse};
use super::state::{Comment, State};
use super::{gate, views};

pub async fn show(call: Call) -> Response {
    let shown = || {
        call.may_read("issues")?;
        let state = call.shared.state();
        let number = existing(&call, &state)?;
        answer(200, views::issue(&call.shared, &state, number, &state.issues[&number]))
    };
    let elsewhere = call.number().ok().and_then(|number| call.shared.state().transferred.get(&number).cloned());
    match elsewhere {
        Some(target) => gate::redirected("GET", format!("{}{target}", call.shared.server)),
        None => shown().into_response(),
    }
}

fn existing(call: &Call, state: &State) -> Result<u64, Refusal> {
    let number = call.number()?;
    if state.issues.contains_key(&number) { Ok(number) } else { Err(refuse(404, "Not Found")) }
}

pub async fn comments(call: Call) -> Reply {
    call.may_read("issues")?;
    let state = call.shared.state();
    let number = existing(&call, &state)?;
    let here = state.comments.iter().filter(|comment| comment.issue == number);
    call.page(here.map(|comment| views::comment(&state, comment)).collect())
}

pub async fn comment(call: Call) -> Reply {
    let mut state = call.shared.state();
    let number = existing(&call, &state)?;
    call.may_write(&state, "issues", "read")?;
    let login = call.login()?;
    if state.issues[&number].locked && rank(state.role(login)) < rank("write") {
        return Err(refuse(403, "Unable to create comment because issue is locked."));
    }
    let id = state.comment(number, login, &call.text("IssueComment", "body")?);
    let shown = state.comments.iter().find(|comment| comment.id == id).map(|comment| views::comment(&state, comment));
    answer(201, shown.unwrap_or_default())
}

fn own_or_write(call: &Call, state: &State) -> Result<usize, Refusal> {
    let found = state.comments.iter().position(|comment| comment.id.to_string() == call.param("id"));
    let at = found.ok_or_else(|| refuse(404, "Not Found"))?;
    let own = state.comments[at].author == call.login()?;
    call.may_write(state, "issues", if own { "read" } else { "write" })?;
    Ok(at)
}

pub async fn edit_comment(call: Call) -> Reply {
    let mut state = call.shared.state();
    let at = own_or_write(&call, &state)?;
    state.comments[at].body = call.text("IssueComment", "body")?;
    let comment: Comment = state.comments[at].clone();
    answer(200, views::comment(&state, &comment))
}

pub async fn delete_comment(call: Call) -> Reply {
    let mut state = call.shared.state();
    let at = own_or_write(&call, &state)?;
    state.comments.remove(at);
    answer(204, Value::Null)
}

pub async fn events(call: Call) -> Reply {
    call.may_read("issues")?;
    let state = call.shared.state();
    let number = existing(&call, &state)?;
    call.page(state.events.iter().filter(|event| event.issue == number).map(views::event).collect())
}

fn shown_labels(state: &State, number: u64) -> Vec<Value> {
    state.issues[&number].labels.iter().map(|name| views::label(state, name)).collect()
}

pub async fn labels(call: Call) -> Reply {
    call.may_read("issues")?;
    let state = call.shared.state();
    let number = existing(&call, &state)?;
    call.page(shown_labels(&state, number))
}

pub async fn add_labels(call: Call) -> Reply {
    let mut state = call.shared.state();
    let number = existing(&call, &state)?;
    call.may_write(&state, "issues", "triage")?;
    let login = call.login()?;
    for label in call.texts("labels") {
        state.label(number, &label, login);
    }
    answer(200, shown_labels(&state, number).into())
}

pub async fn remove_label(call: Call) -> Reply {
    let mut state = call.shared.state();
    let number = existing(&call, &state)?;
    call.may_write(&state, "issues", "triage")?;
    let label = call.param("label");
    if !state.issues[&number].labels.iter().any(|known| known.eq_ignore_ascii_case(label)) {
        return Err(refuse(404, "Label does not exist"));
    }
    state.unlabel(number, label, call.login()?);
    answer(200, shown_labels(&state, number).into())
}

pub async fn show_label(call: Call) -> Reply {
    let state = call.shared.state();
    match state.labels.keys().find(|known| known.eq_ignore_ascii_case(call.param("label"))) {
        Some(name) => answer(200, views::label(&state, name)),
        None => Err(refuse(404, "Not Found")),
    }
}

pub async fn make_label(call: Call) -> Reply {
    let mut state = call.shared.state();
    call.may_write(&state, "issues", "write")?;
    let name = call.text("Label", "name")?;
    if state.labels.keys().any(|known| known.eq_ignore_ascii_case(&name)) {
        return Err(invalid("Label", "name", "already_exists"));
    }
    state.labels.insert(name.clone(), call.text("Label", "color")?);
    answer(201, views::label(&state, &name))
}
