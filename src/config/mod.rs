//! Settings: defaults < loom.toml < environment < flags, resolved once into a checked `Config`.
//! The only room that reads environment variables. Owns secrets until a client needs one.

mod environment;
#[cfg(test)]
mod example;
mod host;
mod keys;
mod load;
mod locations;
mod repository;
mod secrets;
mod settings;
mod source;
mod span;
mod toml_text;
mod validate;

pub use host::HostEnvironment;
pub use keys::{Key, Shape, all as all_keys};
pub use load::{Inputs, Override, Resolved};
pub use locations::Locations;
pub use secrets::Secrets;
pub use settings::{
    AgentSettings, CheckSettings, Config, GateSettings, GitHubSettings, GitSettings, Labels, ModelSettings, Paths, PullRequestSettings,
    SandboxSettings, TestSettings, WithoutTests,
};
pub use source::Source;
pub use span::Span;
