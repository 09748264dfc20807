//! `write`: a whole file, new or replaced.

use serde::Deserialize;

use super::{Reply, outline, paths};
use crate::agent::Assignment;
use crate::error::Result;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    path: String,
    #[serde(alias = "content")]
    text: String,
}

pub(super) fn run(desk: &Assignment<'_>, input: Input) -> Result<Reply> {
    let path = paths::relative(desk, &input.path);
    if let Some(refusal) = paths::protected(desk, &path, input.text.len())? {
        return Ok(refusal);
    }
    let was_there = desk.workspace.is_file(&path);
    if let Err(failure) = desk.workspace.write(&path, input.text.as_bytes()) {
        return Ok(Reply::error(failure.line()));
    }
    let what = if was_there { "replaced" } else { "made" };
    let broken = outline::newly_broken(&path, b"", input.text.as_bytes());
    let warning = broken.map(|line| format!("\nBut it does not parse: see line {line}")).unwrap_or_default();
    Ok(Reply::text(format!("{path}: {what}, {} lines{warning}", input.text.lines().count())))
}
