//! Settings: defaults < loom.toml < environment < flags, resolved once into a checked `Config`.
//! The only room that reads environment variables. Owns secrets until a client needs one.

mod host;
mod settings;
mod span;

pub use host::HostEnvironment;
pub use settings::{
    AgentSettings, Checks, Config, GateSettings, GitHubSettings, GitSettings, Labels, ModelSettings, Paths, PullRequestSettings,
    SandboxSettings, TestSettings, WithoutTests,
};
pub use span::Span;
