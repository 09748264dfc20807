//! Every setting, its type and its default. Reading and layering are in the neighbours.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Span;

macro_rules! settings {
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $ty:ty = $default:expr,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name { $($(#[$fdoc])* pub $field: $ty,)+ }

        impl Default for $name {
            fn default() -> Self {
                $name { $($field: $default,)+ }
            }
        }
    };
}

settings!(
    /// All settings of one run, checked.
    Config {
        /// What answers.
        model: ModelSettings = ModelSettings::default(),
        /// The agent's limits.
        agent: AgentSettings = AgentSettings::default(),
        /// How the repository is tested.
        test: TestSettings = TestSettings::default(),
        /// The repository's own formatter, linter and type check.
        checks: CheckSettings = CheckSettings::default(),
        /// What a patch needs to be published.
        gate: GateSettings = GateSettings::default(),
        /// What children may see.
        sandbox: SandboxSettings = SandboxSettings::default(),
        /// The forge.
        github: GitHubSettings = GitHubSettings::default(),
        /// What the pull request looks like.
        pull_request: PullRequestSettings = PullRequestSettings::default(),
        /// Who commits.
        git: GitSettings = GitSettings::default(),
        /// Where loom keeps its files.
        paths: Paths = Paths::default(),
    }
);

settings!(
    /// `[model]`: what answers.
    ModelSettings {
        /// `anthropic/NAME`, `openai/NAME`, `compatible/NAME` (with `base_url`) or `replay/PATH` of a trajectory.
        name: String = String::new(),
        /// Base URL of the API, for compatible and local servers.
        base_url: Option<String> = None,
        /// Name of the environment variable that holds the key; by default the provider's usual one.
        api_key_env: Option<String> = None,
        /// Further headers of each request (Azure, gateways).
        headers: BTreeMap<String, String> = BTreeMap::new(),
        /// Largest answer in tokens.
        max_output_tokens: u32 = 16_384,
        /// Sampling temperature; not sent when absent.
        temperature: Option<f64> = None,
        /// Longest silence of a stream before the call counts as broken.
        idle_timeout: Span = Span::minutes(3),
        /// All tries of one request together.
        retry_budget: Span = Span::minutes(10),
    }
);

settings!(
    /// `[agent]`: hard limits; at 80 % the model is told to wrap up.
    AgentSettings {
        /// Turns (one request each) in one round.
        max_turns: u32 = 60,
        /// Prompt and answer tokens of the whole task.
        max_tokens: u64 = 3_000_000,
        /// Wall clock of the whole agent's work.
        timeout: Span = Span::minutes(45),
        /// How often a rejected patch goes back to the agent.
        repair_rounds: u32 = 2,
        /// Default limit of one shell command.
        command_timeout: Span = Span::minutes(2),
    }
);

settings!(
    /// `[test]`: the repository's own tests; detected where absent.
    TestSettings {
        /// The test command, run by `bash -c` at the root of the tree.
        command: Option<String> = None,
        /// Which reader the command's results need: `cargo`, `nextest`, `pytest`, `unittest`, `jest`, `vitest`, `mocha`, `ava`,
        /// `node`, `go`, `phpunit`, `rspec`, `minitest`, `prove`, `tap`, `junit`.
        runner: Option<String> = None,
        /// Where the command leaves JUnit XML, as a glob below the root.
        junit: Option<String> = None,
        /// Installs what the tests need; with network, before any model-written code exists.
        setup: Option<Vec<String>> = None,
        /// What must be built before the tests, in each tree, without network.
        build: Vec<String> = Vec::new(),
        /// Folders that hold tests, beside the usual ones.
        paths: Vec<String> = Vec::new(),
        /// Limit of the setup.
        setup_timeout: Span = Span::minutes(30),
        /// Limit of a build of the tests.
        build_timeout: Span = Span::minutes(30),
        /// Limit of one run of the suite.
        timeout: Span = Span::minutes(5),
        /// Limit of a single test; one that is still running then hangs. Where the runner can be held to one.
        case_timeout: Span = Span::minutes(1),
    }
);

settings!(
    /// `[checks]`: the repository's own formatter, linter and type check; detected where absent, none where empty.
    CheckSettings {
        /// Commands that print findings as `path:line: message`, run at the root of the tree.
        lint: Option<Vec<String>> = None,
        /// By glob of files: a command that reads a file on standard input and prints it formatted; `{path}` is its path.
        format: Option<BTreeMap<String, String>> = None,
        /// Limit of all checks of one patch.
        timeout: Span = Span::minutes(10),
    }
);

/// What becomes of a patch in a repository without tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WithoutTests {
    /// No pull request.
    #[default]
    Refuse,
    /// A draft that says that nothing was proved.
    Draft,
}

settings!(
    /// `[gate]`: what a patch needs to be published.
    GateSettings {
        /// What becomes of a patch in a repository without tests.
        without_tests: WithoutTests = WithoutTests::Refuse,
        /// Whole proof, all cells.
        budget: Span = Span::minutes(60),
        /// How often what differs is run again on each tree, from the second time on under other conditions.
        reruns: u32 = 2,
        /// Most small faults that are put into the lines of a verified patch, to see whether a test notices; none when 0.
        mutants: u32 = 12,
        /// Limit of all of them together.
        mutants_budget: Span = Span::minutes(5),
        /// Findings in the text of a patch that the maintainers allow, by name.
        allow: Vec<String> = Vec::new(),
        /// Labels of issues that ask for no new behaviour (refactoring, performance).
        no_regression_labels: Vec<String> = vec!["refactoring".into(), "refactor".into(), "performance".into()],
        /// Paths the agent may never change, as globs, beside the built-in ones.
        protected: Vec<String> = Vec::new(),
    }
);

settings!(
    /// `[sandbox]`: what children may see.
    SandboxSettings {
        /// Services beside the job that tests may reach, as `127.0.0.1:5432`.
        allow: Vec<String> = Vec::new(),
        /// Further host folders that children may read.
        read: Vec<PathBuf> = Vec::new(),
        /// Further environment variables that children may see, by name.
        env: Vec<String> = Vec::new(),
        /// Most memory of one child tree in MiB; none when absent.
        memory_mib: Option<u64> = None,
        /// Runs children without any sandbox. For throw-away machines only.
        unsafe_none: bool = false,
    }
);

settings!(
    /// `[github.labels]`: the words that drive loom.
    Labels {
        /// Asks for work.
        ready: String = "loom:ready".into(),
        /// Work goes on.
        running: String = "loom:running".into(),
        /// A pull request was opened.
        completed: String = "loom:completed".into(),
        /// No pull request could be opened.
        failed: String = "loom:failed".into(),
        /// The issue must say more.
        needs_info: String = "loom:needs-info".into(),
    }
);

settings!(
    /// `[github]`: the forge.
    GitHubSettings {
        /// Base of the REST API.
        api_url: String = "https://api.github.com".into(),
        /// Base of pages and clones; derived from `api_url` when absent.
        server_url: Option<String> = None,
        /// The branch to work on; the repository's default when absent.
        base: Option<String> = None,
        /// The labels.
        labels: Labels = Labels::default(),
        /// Least time between two writes.
        write_interval: Span = Span::seconds(1),
        /// All tries of one call together.
        retry_budget: Span = Span::minutes(5),
    }
);

impl GitHubSettings {
    /// Base of pages and clones, without a slash at its end.
    pub fn server(&self) -> String {
        let api = self.api_url.trim_end_matches('/');
        let derived = if api == "https://api.github.com" { "https://github.com" } else { api.trim_end_matches("/api/v3") };
        self.server_url.as_deref().unwrap_or(derived).trim_end_matches('/').to_owned()
    }
}

settings!(
    /// `[pull_request]`: what the pull request looks like.
    PullRequestSettings {
        /// Opens it as a draft.
        draft: bool = true,
        /// Logins to ask for a review.
        reviewers: Vec<String> = Vec::new(),
        /// Labels of the pull request.
        labels: Vec<String> = Vec::new(),
        /// A template file in the repository's base tree, in place of the built-in text.
        template: Option<String> = None,
        /// What branch names begin with.
        branch_prefix: String = "loom/".into(),
        /// The word before the number: `Closes`, `Fixes`, `Resolves`, or `Refs` to close nothing.
        keyword: String = "Closes".into(),
    }
);

settings!(
    /// `[git]`: who commits.
    GitSettings {
        /// Author and committer.
        name: String = "loom".into(),
        /// Their address.
        email: String = "loom@users.noreply.github.com".into(),
        /// Adds `Signed-off-by`; when absent, where the repository's guide asks for it.
        sign_off: Option<bool> = None,
    }
);

settings!(
    /// `[paths]`: where loom keeps its files. Absent: below `XDG_STATE_HOME` and `XDG_CACHE_HOME`.
    Paths {
        /// Tasks, proposals, logs.
        state: Option<PathBuf> = None,
        /// Bare clones and package caches.
        cache: Option<PathBuf> = None,
        /// The queue file; below `state` when absent.
        queue: Option<PathBuf> = None,
    }
);
