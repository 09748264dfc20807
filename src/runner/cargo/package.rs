//! What cargo tells a test about its package through the environment.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Flags, environment};
use crate::error::Result;
use crate::runner::session::{Child, Deadline, Session};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    packages: Vec<Package>,
}

/// One package of the workspace, as `cargo metadata` tells.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::runner) struct Package {
    pub(in crate::runner) id: String,
    pub(in crate::runner) name: String,
    version: String,
    authors: Vec<String>,
    description: Option<String>,
    homepage: Option<String>,
    repository: Option<String>,
    license: Option<String>,
    license_file: Option<String>,
    readme: Option<String>,
    rust_version: Option<String>,
    manifest_path: String,
}

/// The workspace's packages by id; empty when cargo does not tell.
pub(in crate::runner) fn packages(session: &Session<'_>, flags: &Flags) -> Result<BTreeMap<String, Package>> {
    let mut argv = flags.cargo();
    argv.extend(["metadata", "--no-deps", "--offline", "--format-version", "1"].map(str::to_owned));
    let mut child = Child::new(argv).parsed();
    child.env.extend(environment(session));
    let finished = session.start(child, Deadline::after(session.settings.build_timeout.duration()))?;
    let metadata: Metadata = serde_json::from_str(finished.stdout.text().trim()).unwrap_or_default();
    Ok(metadata.packages.into_iter().map(|package| (package.id.clone(), package)).collect())
}

/// Where the compiler's own shared libraries are, which tests of procedural macros load.
pub(in crate::runner) fn sysroot_libraries(session: &Session<'_>) -> Result<Option<String>> {
    let child = Child::new(["rustc", "--print", "target-libdir"]);
    let finished = session.start(child, Deadline::after(session.settings.build_timeout.duration()))?;
    let folder = finished.stdout.text().trim().to_owned();
    Ok((finished.ok() && folder.starts_with('/')).then_some(folder))
}

impl Package {
    /// `CARGO_MANIFEST_DIR` and the `CARGO_PKG_*` variables.
    pub(in crate::runner) fn environment(&self) -> Vec<(String, String)> {
        let (numbers, pre) = match self.version.split('+').next().unwrap_or_default().split_once('-') {
            Some((numbers, pre)) => (numbers, pre),
            None => (self.version.split('+').next().unwrap_or_default(), ""),
        };
        let mut numbers = numbers.split('.');
        let mut number = || numbers.next().unwrap_or_default().to_owned();
        let folder = self.manifest_path.strip_suffix("/Cargo.toml").unwrap_or(&self.manifest_path).to_owned();
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        [
            ("CARGO_MANIFEST_DIR", folder),
            ("CARGO_MANIFEST_PATH", self.manifest_path.clone()),
            ("CARGO_PKG_NAME", self.name.clone()),
            ("CARGO_PKG_VERSION", self.version.clone()),
            ("CARGO_PKG_VERSION_MAJOR", number()),
            ("CARGO_PKG_VERSION_MINOR", number()),
            ("CARGO_PKG_VERSION_PATCH", number()),
            ("CARGO_PKG_VERSION_PRE", pre.to_owned()),
            ("CARGO_PKG_AUTHORS", self.authors.join(":")),
            ("CARGO_PKG_DESCRIPTION", text(&self.description)),
            ("CARGO_PKG_HOMEPAGE", text(&self.homepage)),
            ("CARGO_PKG_REPOSITORY", text(&self.repository)),
            ("CARGO_PKG_LICENSE", text(&self.license)),
            ("CARGO_PKG_LICENSE_FILE", text(&self.license_file)),
            ("CARGO_PKG_README", text(&self.readme)),
            ("CARGO_PKG_RUST_VERSION", text(&self.rust_version)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}
