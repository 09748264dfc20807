//! The tools: one file each. Here they are told to the model, called, and their failures turned into words it can act on.

mod edit;
mod input;
mod list;
mod nearest;
mod outline;
mod paths;
mod read;
#[cfg(test)]
mod scenes;
mod search;
mod shell;
mod submit;
mod test;
mod write;

use std::time::Duration;

use serde_json::{Value, json};

use super::Assignment;
use crate::error::Result;
use crate::model::ToolSpec;
use crate::task::Event;

pub(super) use list::look;
pub(super) use submit::Submission;
pub(super) use test::{suite_name, summary_of};

/// What a tool answers.
#[derive(Debug, Default)]
pub(super) struct Reply {
    /// For the model.
    pub(super) text: String,
    /// Whether the call failed.
    pub(super) error: bool,
    /// The model wants to end.
    pub(super) submission: Option<Submission>,
}

impl Reply {
    /// A good answer.
    pub(super) fn text(text: impl Into<String>) -> Reply {
        Reply { text: text.into(), ..Reply::default() }
    }

    /// What went wrong, and what to do instead.
    pub(super) fn error(text: impl Into<String>) -> Reply {
        Reply { text: text.into(), error: true, ..Reply::default() }
    }
}

/// All tools, at one assignment.
pub(super) struct Toolbox<'a> {
    assignment: &'a Assignment<'a>,
    known_tests: test::KnownTests,
    touched: bool,
}

impl<'a> Toolbox<'a> {
    pub(super) fn new(assignment: &'a Assignment<'a>) -> Toolbox<'a> {
        Toolbox { assignment, known_tests: test::KnownTests::default(), touched: false }
    }

    /// The tools as the model sees them.
    pub(super) fn specs(&self) -> Vec<ToolSpec> {
        let seconds = self.assignment.config.agent.command_timeout.duration().as_secs();
        specs(seconds)
    }

    /// Whether a call since the last question may have changed files.
    pub(super) fn take_touched(&mut self) -> bool {
        std::mem::take(&mut self.touched)
    }

    /// Calls a tool; fails only when nothing can go on.
    pub(super) fn call(&mut self, name: &str, input: &Value, left: Duration) -> Result<Reply> {
        self.assignment.cancel.check()?;
        let event = Event::Tool { name: printable(name), about: about(input) };
        self.assignment.reporter.event(&event);
        let desk = self.assignment;
        self.touched |= matches!(name, "edit" | "write" | "shell" | "test");
        let reply = match name {
            "read" => input::with(name, input, |input| read::run(desk, input)),
            "search" => input::with(name, input, |input| search::run(desk, input)),
            "list" => input::with(name, input, |input| list::run(desk, input)),
            "edit" => input::with(name, input, |input| edit::run(desk, input)),
            "write" => input::with(name, input, |input| write::run(desk, input)),
            "shell" => input::with(name, input, |input| shell::run(desk, input, left)),
            "test" => input::with(name, input, |input| test::run(desk, input, left, &mut self.known_tests)),
            "submit" => input::with(name, input, |input| submit::run(desk, input)),
            _ => Ok(Reply::error(format!("there is no tool {name:?}; there are: {}", names().join(", ")))),
        };
        self.assignment.cancel.check()?;
        reply
    }
}

/// A tool in `tools.json`.
#[derive(serde::Deserialize)]
struct Entry {
    name: String,
    description: String,
    parameters: serde_json::Map<String, Value>,
    example: Value,
}

fn entries() -> Vec<Entry> {
    serde_json::from_str(include_str!("../prompts/tools.json")).expect("a test reads the file")
}

fn names() -> Vec<String> {
    entries().into_iter().map(|entry| entry.name).collect()
}

/// An example of a tool's input, for error messages.
fn example(tool: &str) -> String {
    entries().into_iter().find(|entry| entry.name == tool).map(|entry| entry.example.to_string()).unwrap_or_default()
}

fn specs(command_seconds: u64) -> Vec<ToolSpec> {
    let spec = |entry: Entry| ToolSpec {
        schema: schema(&entry.parameters),
        description: entry.description.replace("{command_timeout}", &command_seconds.to_string()),
        name: entry.name,
    };
    entries().into_iter().map(spec).collect()
}

/// The JSON schema of parameters; a name with `?` may be left out.
fn schema(parameters: &serde_json::Map<String, Value>) -> Value {
    let mut properties = serde_json::Map::new();
    let mut required = Vec::new();
    for (name, kind) in parameters {
        let plain = name.trim_end_matches('?');
        let shape = match kind.as_str() {
            Some("strings") => json!({ "type": "array", "items": { "type": "string" } }),
            _ => json!({ "type": kind }),
        };
        properties.insert(plain.to_owned(), shape);
        if plain == name {
            required.push(plain.to_owned());
        }
    }
    match required.is_empty() {
        true => json!({ "type": "object", "properties": properties }),
        false => json!({ "type": "object", "properties": properties, "required": required }),
    }
}

/// One line about a call, for people.
fn about(input: &Value) -> String {
    let text = |field: &str| input[field].as_str().map(str::to_owned);
    let listed = |field: &str| Some(input[field].as_array()?.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "));
    let main = ["path", "pattern", "command", "title", "give_up"].iter().find_map(|field| text(field));
    let main = main.or_else(|| listed("files")).or_else(|| listed("tests")).unwrap_or_default();
    let range = match (input["from"].as_u64(), input["to"].as_u64()) {
        (None, None) => String::new(),
        (from, to) => format!(" {}-{}", from.unwrap_or(1), to.map(|to| to.to_string()).unwrap_or_default()),
    };
    printable(&format!("{main}{range}"))
}

/// The first line, without control characters, not too long.
fn printable(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.chars().filter(|one| !one.is_control()).take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixed_part_of_a_request_stays_small() {
        let specs = specs(120);
        let tools: usize = specs
            .iter()
            .map(|spec| json!({"name": spec.name, "description": spec.description, "input_schema": spec.schema}).to_string().len())
            .sum();
        let system = crate::agent::brief::system().len();
        assert!((tools + system) / 4 < 1_500, "{} tokens", (tools + system) / 4);
        assert_eq!(specs.len(), 8);
        assert!(specs.iter().all(|spec| !spec.description.contains('{')));
    }

    #[test]
    fn calls_are_told_in_one_line() {
        assert_eq!(about(&json!({"path": "a.rs", "from": 3})), "a.rs 3-");
        assert_eq!(about(&json!({"command": "ls\nrm \u{1b}[2J"})), "ls");
        assert_eq!(about(&json!("broken")), "");
    }
}
