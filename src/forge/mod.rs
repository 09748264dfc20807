//! Where issues come from and pull requests go: GitHub through octocrab, and local (Markdown file, git branch).
//! Owns the async runtime, retries and the pause between writes. What the texts say is decided above, whom to admit in `guard`.

mod calls;
mod connect;
mod github;
mod incoming;
mod local;
mod retry;

pub use calls::{Draft, Forge, Home, PullRequest, Status};
pub use connect::connect;
pub use incoming::{CheckRun, Conclusion, Incoming, PullRequests};
