//! Check runs on commits: only apps write them.

use serde_json::{Value, json};

use super::call::{Call, Refusal, Reply, answer, custom, invalid, refuse};
use super::state::{CheckRun, Rights, State};
use super::{git, views};

/// GitHub's limit of a summary, in characters.
const LONGEST: usize = 65_535;

fn may_write(call: &Call, state: &State) -> Result<(), Refusal> {
    match call.token.as_ref().map(|token| &token.rights) {
        Some(Rights::App(_)) => call.may_write(state, "checks", "write"),
        Some(Rights::Person) => Err(refuse(403, "You must authenticate via a GitHub App.")),
        None => Err(refuse(401, "Requires authentication")),
    }
}

/// Takes over what the request says.
fn written(call: &Call, run: &mut CheckRun) -> Result<(), Refusal> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    run.external_id = text(&call.body["external_id"]).unwrap_or_else(|| run.external_id.clone());
    run.conclusion = text(&call.body["conclusion"]);
    run.status = match &run.conclusion {
        Some(_) => "completed".into(),
        None => text(&call.body["status"]).unwrap_or_else(|| "queued".into()),
    };
    if run.status == "completed" && run.conclusion.is_none() {
        return Err(custom("CheckRun", "conclusion is missing"));
    }
    if let Some(output) = call.body.get("output") {
        run.title = text(&output["title"]).ok_or_else(|| invalid("CheckRun", "title", "missing_field"))?;
        run.summary = text(&output["summary"]).ok_or_else(|| invalid("CheckRun", "summary", "missing_field"))?;
    }
    if run.summary.chars().count() > LONGEST {
        return Err(custom("CheckRun", "summary is too long (maximum is 65535 characters)"));
    }
    Ok(())
}

pub async fn create(call: Call) -> Reply {
    let mut state = call.shared.state();
    may_write(&call, &state)?;
    let (name, commit) = (call.text("CheckRun", "name")?, call.text("CheckRun", "head_sha")?);
    if git::reference(&call.shared.bare(), &commit).is_none() {
        return Err(custom("CheckRun", &format!("No commit found for SHA: {commit}")));
    }
    let mut run = CheckRun {
        id: 40_001 + state.check_runs.len() as u64,
        commit,
        name,
        external_id: String::new(),
        status: String::new(),
        conclusion: None,
        title: String::new(),
        summary: String::new(),
    };
    written(&call, &mut run)?;
    state.check_runs.push(run.clone());
    answer(201, views::check_run(&call.shared, &run))
}

pub async fn update(call: Call) -> Reply {
    let mut state = call.shared.state();
    may_write(&call, &state)?;
    let id: u64 = call.param("id").parse().map_err(|_| refuse(404, "Not Found"))?;
    let run = state.check_runs.iter_mut().find(|run| run.id == id).ok_or_else(|| refuse(404, "Not Found"))?;
    written(&call, run)?;
    let run = run.clone();
    answer(200, views::check_run(&call.shared, &run))
}

pub async fn list(call: Call) -> Reply {
    call.may_read("checks")?;
    let (state, commit, name) = (call.shared.state(), call.param("sha"), call.query.get("check_name"));
    let fits = |run: &&CheckRun| run.commit == commit && name.is_none_or(|name| *name == run.name);
    let runs: Vec<Value> = state.check_runs.iter().filter(fits).map(|run| views::check_run(&call.shared, run)).collect();
    answer(200, json!({ "total_count": runs.len(), "check_runs": runs }))
}
