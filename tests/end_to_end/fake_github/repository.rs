//! The repository itself, its branches and its people.

use serde_json::json;

use super::call::{Call, Reply, answer, refuse};
use super::state::Rights;
use super::{git, views};

pub async fn show(call: Call) -> Reply {
    answer(200, views::repository(&call.shared))
}

pub async fn by_id(call: Call) -> Reply {
    match call.param("id") {
        "700001" => answer(200, views::repository(&call.shared)),
        "700002" => answer(200, json!({ "id": 700_002, "full_name": "acme/elsewhere", "default_branch": "main" })),
        _ => Err(refuse(404, "Not Found")),
    }
}

pub async fn user(call: Call) -> Reply {
    let login = call.login()?;
    match call.token.as_ref().map(|token| &token.rights) {
        Some(Rights::App(_)) => Err(refuse(403, "Resource not accessible by integration")),
        _ => answer(200, views::account(login)),
    }
}

pub async fn permission(call: Call) -> Reply {
    call.login()?;
    let (state, login) = (call.shared.state(), call.param("login"));
    if !state.roles.contains_key(login) {
        return Err(refuse(404, &format!("{login} is not a user")));
    }
    let role = state.role(login);
    let legacy = match role {
        "maintain" => "write",
        "triage" => "read",
        known if super::call::rank(known) > 0 || known == "none" => known,
        _ => "write",
    };
    answer(200, json!({ "permission": legacy, "role_name": role, "user": views::account(login) }))
}

pub async fn reference(call: Call) -> Reply {
    call.may_read("contents")?;
    let reference = call.param("reference");
    let branch = reference.strip_prefix("heads/").unwrap_or_default();
    match git::head(&call.shared.bare(), branch) {
        Some(sha) => answer(200, json!({ "ref": format!("refs/{reference}"), "object": { "sha": sha, "type": "commit" } })),
        None => Err(refuse(404, "Not Found")),
    }
}
