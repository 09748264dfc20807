//! Starts every child process. Two profiles: *untrusted* (`Sandbox::run`: no network, no secret, an allow-list of
//! mounts) and *trusted git* (`git`: network and a credential, never inside a tree the agent wrote).
//! Owns limits, output caps and the end of the whole process tree; what to run is everybody else's business.

mod bare;
mod cancel;
mod capture;
mod confined;
mod environment;
mod git;
mod job;
mod layout;
mod moves;
mod probe;
mod rations;
mod registries;
mod relay;
mod services;
mod spawn;
mod strays;
mod system;
mod toolchains;
mod tree;
#[cfg(test)]
mod trial;
mod untrusted;
mod watch;

pub use cancel::Cancel;
pub use git::{Credential, GitJob, git};
pub use job::{Capture, Ending, Finished, Job, Limits, Mount, Network};
pub use relay::relay;
pub use strays::end_strays;
pub use untrusted::{Sandbox, Tier};
