//! `loom config`: every setting that is in force and where it came from; secrets by their variable only.

use serde_json::{Value, json};

use super::session::Session;
use crate::config::all_keys;
use crate::error::{Kind, OrFail, Result};

/// Shows the settings.
pub fn show(session: &Session) -> Result<()> {
    let values = serde_json::to_value(&session.resolved.config).or_fail(Kind::Internal, || "showing the settings")?;
    let rows: Vec<Row> = all_keys().iter().map(|key| row(session, &values, &key.path, &key.variable)).collect();
    session.screen.show(text(session, &rows));
    session.screen.show_json(&json!({
        "file": session.resolved.file,
        "settings": rows.iter().map(|row| json!({
            "key": row.key, "value": row.value, "source": row.source, "variable": row.variable,
        })).collect::<Vec<_>>(),
        "secrets": secrets(session).into_iter().map(|(what, state)| json!({"secret": what, "state": state})).collect::<Vec<_>>(),
        "folders": { "state": session.locations.state, "cache": session.locations.cache, "queue": session.locations.queue },
    }));
    Ok(())
}

struct Row {
    key: String,
    value: Value,
    source: String,
    variable: String,
}

fn row(session: &Session, values: &Value, key: &str, variable: &str) -> Row {
    let mut value = values.pointer(&format!("/{}", key.replace('.', "/"))).cloned().unwrap_or(Value::Null);
    // A gateway's header is often its key.
    if let ("model.headers", Value::Object(headers)) = (key, &mut value) {
        headers.values_mut().for_each(|header| *header = json!("set"));
    }
    Row { key: key.to_owned(), value, source: session.resolved.source(key).to_string(), variable: variable.to_owned() }
}

/// TOML that can be pasted back, the source of each value behind it.
fn text<'a>(session: &Session, rows: &'a [Row]) -> String {
    let mut lines = match &session.resolved.file {
        Some(file) => vec![format!("# settings file: {}", file.display())],
        None => vec!["# no settings file; copy loom.toml.example to loom.toml to make one".to_owned()],
    };
    let split = |row: &'a Row| row.key.rsplit_once('.').unwrap_or(("", &row.key));
    let sections: Vec<&str> = rows.iter().map(|row| split(row).0).collect();
    let mut rows: Vec<&Row> = rows.iter().collect();
    // A section may stand between the keys of its parent in the types; TOML wants each once.
    rows.sort_by_key(|row| sections.iter().position(|section| *section == split(row).0));
    let mut section = "";
    for row in rows {
        let (of, name) = split(row);
        if of != section {
            lines.push(format!("\n[{of}]"));
            section = of;
        }
        let assignment = match toml_value(&row.value) {
            Some(value) => format!("{name} = {value}"),
            None => format!("# {name} is not set"),
        };
        lines.push(format!("{assignment:<48} # {}", row.source));
    }
    lines.push("\n# keys".to_owned());
    lines.extend(secrets(session).into_iter().map(|(what, state)| format!("# {what}: {state}")));
    lines.push("\n# files".to_owned());
    let places = [("state", &session.locations.state), ("cache", &session.locations.cache), ("queue", &session.locations.queue)];
    lines.extend(places.map(|(what, path)| format!("# {what}: {}", path.display())));
    lines.join("\n")
}

/// The value right of `=`; none for what is not set.
fn toml_value(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        other => toml::Value::try_from(other).ok().map(|value| value.to_string()),
    }
}

fn secrets(session: &Session) -> [(&'static str, String); 2] {
    let state = |from: Option<&str>, usable: Result<Option<secrecy::SecretString>>, absent: &str| match (from, usable) {
        (_, Err(failure)) => format!("withheld: {}", failure.line()),
        (Some(variable), Ok(_)) => format!("set (from {variable})"),
        (None, Ok(_)) => format!("not set ({absent})"),
    };
    let secrets = &session.secrets;
    [
        ("model key", state(secrets.model_key_from(), secrets.model_key(), "ANTHROPIC_API_KEY, OPENAI_API_KEY or LOOM_API_KEY")),
        ("GitHub token", state(secrets.forge_token_from(), secrets.forge_token(), "GITHUB_TOKEN, GH_TOKEN or LOOM_GITHUB_TOKEN")),
    ]
}
