//! What flags mean for the settings.

use serde_json::{Value, json};

use super::arguments::{Command, ModelOptions, RunIssue, TestOptions};
use crate::config::Override;
use crate::error::Result;

/// The settings that these arguments make.
pub fn of(command: &Command, set: &[String]) -> Result<Vec<Override>> {
    let mut overrides = set.iter().map(|text| Override::parse("--set", text)).collect::<Result<Vec<_>>>()?;
    overrides.extend(match command {
        Command::RunIssue(run) => run_issue(run),
        Command::Verify(run) => tests(&run.tests),
        Command::Publish(run) => tests(&run.tests),
        Command::Status(_) | Command::Flakes(_) | Command::Config => Vec::new(),
    });
    Ok(overrides)
}

fn run_issue(run: &RunIssue) -> Vec<Override> {
    let mut overrides = present([one("github.base", "--base", &run.base)]);
    overrides.extend(model(&run.model));
    overrides.extend(tests(&run.tests));
    overrides
}

fn model(options: &ModelOptions) -> Vec<Override> {
    present([
        one("model.name", "--model", &options.model),
        one("model.base_url", "--base-url", &options.base_url),
        one("agent.max_turns", "--max-turns", &options.max_turns),
        one("agent.max_tokens", "--max-tokens", &options.max_tokens),
        one("agent.repair_rounds", "--repair-rounds", &options.repair_rounds),
    ])
}

fn tests(options: &TestOptions) -> Vec<Override> {
    let setup = (!options.setup.is_empty()).then_some(&options.setup);
    present([
        one("test.command", "--test-command", &options.test_command),
        one("test.setup", "--setup", &setup),
        one("sandbox.unsafe_none", "--unsafe-no-sandbox", &options.unsafe_no_sandbox.then_some(true)),
    ])
}

fn one(key: &'static str, flag: &'static str, value: &Option<impl serde::Serialize>) -> Option<Override> {
    let value: Value = json!(value.as_ref()?);
    Some(Override { key, flag, value })
}

fn present<const N: usize>(overrides: [Option<Override>; N]) -> Vec<Override> {
    overrides.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments;

    fn settings(line: &str) -> Vec<(&'static str, Value)> {
        let arguments = arguments::read(line.split(' ').map(Into::into)).unwrap();
        of(&arguments.command, &arguments.general.set).unwrap().into_iter().map(|one| (one.key, one.value)).collect()
    }

    #[test]
    fn each_flag_is_a_setting() {
        let line = "loom run-issue a/b#1 --set agent.timeout=1h --model openai/x --max-turns 3 --setup one --setup two --unsafe-no-sandbox --base dev";
        let expected = [
            ("agent.timeout", json!("1h")),
            ("github.base", json!("dev")),
            ("model.name", json!("openai/x")),
            ("agent.max_turns", json!(3)),
            ("test.setup", json!(["one", "two"])),
            ("sandbox.unsafe_none", json!(true)),
        ];
        assert_eq!(settings(line), expected);
        assert!(settings("loom run-issue a/b#1").is_empty());
    }
}
