//! The command line as it is typed. What it means for the settings is in `overrides`.

use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::error::{Failure, Kind};
use crate::task::{IssueRef, TaskId};

/// Turns a labelled issue into a draft pull request that proves its tests work.
#[derive(Debug, Parser)]
#[command(name = "loom", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What every subcommand understands.
    #[command(flatten)]
    pub general: General,
}

/// Options of every subcommand.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "General")]
pub struct General {
    /// Settings file; else ./loom.toml, else the one in your configuration folder
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One setting, like agent.timeout=1h; stands above file and environment; may be repeated
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Prints JSON on stdout: events one per line, the result last
    #[arg(long, global = true)]
    pub json: bool,
    /// Says more: tools and words of the model; -vv also every step inside a stage
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Says nothing but the result and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Works on one issue, up to a draft pull request that proves its tests
    #[command(name = "run-issue", after_help = include_str!("text/run_issue.txt"))]
    RunIssue(RunIssue),
    /// Proves that a change works: a branch, a pull request, a proposal; whoever wrote it
    #[command(after_help = include_str!("text/verify.txt"))]
    Verify(Verify),
    /// Opens the draft pull request of a proposal that `run-issue --dry-run` left
    Publish(ProposalRun),
    /// Shows tasks, or one of them in detail
    #[command(after_help = include_str!("text/status.txt"))]
    Status(Status),
    /// Shows the flaky tests that earlier proofs noticed, or forgets some
    #[command(after_help = include_str!("text/flakes.txt"))]
    Flakes(Flakes),
    /// Shows every setting that is in force and where it came from
    Config,
}

/// `loom run-issue`.
#[derive(Debug, Args)]
pub struct RunIssue {
    /// owner/repo#12, the issue's URL, or a Markdown file
    #[arg(value_name = "ISSUE", value_parser = issue)]
    pub issue: IssueRef,
    /// Repository of a Markdown issue: a path or a URL that git can clone
    #[arg(long, value_name = "PATH_OR_URL")]
    pub repo: Option<String>,
    /// Branch to start from [default: the repository's default branch]
    #[arg(long, value_name = "BRANCH")]
    pub base: Option<String>,
    /// Stops before publishing and leaves the proposal folder
    #[arg(long)]
    pub dry_run: bool,
    /// Starts anew where this issue was already worked on
    #[arg(long)]
    pub again: bool,
    /// The model.
    #[command(flatten)]
    pub model: ModelOptions,
    /// The tests.
    #[command(flatten)]
    pub tests: TestOptions,
}

/// Which model, and how much of it.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Model")]
pub struct ModelOptions {
    /// anthropic/NAME, openai/NAME, compatible/NAME (with --base-url), or replay/PATH of a recorded trajectory
    #[arg(long, short, value_name = "PROVIDER/NAME")]
    pub model: Option<String>,
    /// Address of the model's API, for local and compatible servers
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Most turns of the agent in one round
    #[arg(long, value_name = "N")]
    pub max_turns: Option<u32>,
    /// Most tokens of the whole task
    #[arg(long, value_name = "N")]
    pub max_tokens: Option<u64>,
    /// How often a rejected patch goes back to the agent
    #[arg(long, value_name = "N")]
    pub repair_rounds: Option<u32>,
}

/// How the repository is tested.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Tests and sandbox")]
pub struct TestOptions {
    /// The test command, run at the root of the repository [default: detected]
    #[arg(long, value_name = "CMD")]
    pub test_command: Option<String>,
    /// Installs what the tests need, with network, before the model writes anything; may be repeated [default: detected]
    #[arg(long, value_name = "CMD")]
    pub setup: Vec<String>,
    /// Runs tests and model-written commands without any sandbox; for throw-away machines only
    #[arg(long)]
    pub unsafe_no_sandbox: bool,
}

/// `loom verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// owner/repo#34 or the URL of a pull request, or a proposal folder; without it, --head is proved against --base
    #[arg(value_name = "WHAT")]
    pub what: Option<String>,
    /// Where the repository is [default: the one around this folder; for a proposal, where it was found]
    #[arg(long, value_name = "PATH_OR_URL")]
    pub repo: Option<String>,
    /// What the work is to go into: a branch, a tag, a commit [default: the repository's default branch]
    #[arg(long, value_name = "REV")]
    pub base: Option<String>,
    /// The work: a branch, a tag, a commit [default: HEAD]
    #[arg(long, value_name = "REV")]
    pub head: Option<String>,
    /// A label of the change, like `refactoring`; decides whether new tests are asked for; may be repeated
    #[arg(long, value_name = "LABEL")]
    pub label: Vec<String>,
    /// Puts small faults into the changed lines of verified work, and tells which ones no test notices
    #[arg(long)]
    pub mutants: bool,
    /// Writes the proof as JUnit XML, for CI systems that show it
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Sets a check run on the pull request's head commit; needs a token with `checks: write`
    #[arg(long)]
    pub check_run: bool,
    /// The tests.
    #[command(flatten)]
    pub tests: TestOptions,
}

/// `loom publish`.
#[derive(Debug, Args)]
pub struct ProposalRun {
    /// The proposal folder
    #[arg(value_name = "PROPOSAL")]
    pub proposal: PathBuf,
    /// Where the repository is, when not where the proposal found it
    #[arg(long, value_name = "PATH_OR_URL")]
    pub repo: Option<String>,
    /// The tests.
    #[command(flatten)]
    pub tests: TestOptions,
}

/// `loom status`.
#[derive(Debug, Args)]
pub struct Status {
    /// The task's number, for stages, log and links
    #[arg(value_name = "TASK", value_parser = task_id)]
    pub task: Option<TaskId>,
    /// Most tasks, or lines of a task's log, to show
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    pub limit: usize,
}

/// `loom flakes`.
#[derive(Debug, Args)]
pub struct Flakes {
    /// Of this repository alone: owner/repo, a folder or a URL
    #[arg(long, global = true, value_name = "REPOSITORY")]
    pub repo: Option<String>,
    /// What to do with them.
    #[command(subcommand)]
    pub action: Option<FlakesAction>,
}

/// What can be done with known flakes.
#[derive(Debug, Subcommand)]
pub enum FlakesAction {
    /// Takes tests out of the list: they were mended, or are wanted as proof again
    Forget {
        /// The tests, by their whole ids
        #[arg(value_name = "TEST", required = true)]
        tests: Vec<String>,
    },
}

fn issue(text: &str) -> Result<IssueRef, String> {
    text.parse().map_err(|failure: Failure| std::iter::once(failure.line()).chain(failure.hints).collect::<Vec<_>>().join("; "))
}

fn task_id(text: &str) -> Result<TaskId, String> {
    text.parse().ok().filter(|row: &i64| *row > 0).map(TaskId).ok_or_else(|| "the number in the first column of `loom status`".into())
}

/// Reads what was typed; `Err` is also how `--help` and `--version` answer.
pub fn read(words: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Arguments, clap::Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(words)?;
    Arguments::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// The whole command line with its long help.
pub fn command() -> clap::Command {
    Arguments::command().after_help("`loom --help` shows examples and exit codes.").after_long_help(format!(
        "{}\nExit codes:\n{}",
        include_str!("text/examples.txt"),
        exit_codes()
    ))
}

/// One line per exit code.
fn exit_codes() -> String {
    let failures = Kind::ALL.map(|kind| (kind.exit_code(), kind.meaning()));
    let success = (0, "done: pull request opened or adopted, or the command succeeded");
    std::iter::once(success).chain(failures).map(|(code, meaning)| format!("  {code:>3}  {meaning}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &str) -> Result<Arguments, clap::Error> {
        read(line.split(' ').map(Into::into))
    }

    #[test]
    fn clap_finds_no_fault_with_the_definition() {
        command().debug_assert();
    }

    #[test]
    fn general_options_stand_anywhere() {
        let arguments = typed("loom --json status 7 -v --config x.toml").unwrap();
        assert!(arguments.general.json && arguments.general.verbose == 1);
        let Command::Status(status) = arguments.command else { panic!("status") };
        assert_eq!(status.task, Some(TaskId(7)));
    }

    #[test]
    fn nonsense_is_refused_with_its_reason() {
        for line in
            ["loom status seven", "loom status 0", "loom run-issue", "loom run-issue https://x", "loom frobnicate", "loom -q -v config"]
        {
            assert_eq!(typed(line).unwrap_err().exit_code(), 2, "{line}");
        }
        assert!(typed("loom run-issue acme/widget#0").unwrap_err().to_string().contains("owner/repo#12"));
    }

    #[test]
    fn long_help_teaches_codes_and_examples() {
        let help = command().render_long_help().to_string();
        assert!(help.contains("130  interrupted") && help.contains("loom run-issue owner/repo#12"));
    }
}
