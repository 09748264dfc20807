//! The ground a task stands on: its folder, the cache, the base commit. The same for a run and for a proof made again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::{Config, Locations, Resolved};
use crate::error::{Kind, OrFail, Result};
use crate::runner::{self, Bench, Suite};
use crate::sandbox::{Cancel, Sandbox, Tier};
use crate::task::{CommitId, Event, Flake, Reporter, TreeId};
use crate::workspace::Cache;

/// Longest wait for git's network calls.
pub const GIT_WALL: Duration = Duration::from_secs(15 * 60);

/// Where one task keeps its files.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder of this name below loom's state.
    pub fn open(locations: &Locations, name: &str) -> Result<Folder> {
        let root = locations.state.join("tasks").join(name);
        fs::create_dir_all(&root)
            .or_fail(Kind::Workspace, || format!("making {}", root.display()))
            .map_err(|failure| failure.hint("paths.state says where loom keeps its files"))?;
        Ok(Folder(root))
    }

    /// A folder that is there already.
    pub(super) fn at_path(path: PathBuf) -> Folder {
        Folder(path)
    }

    /// A path inside.
    pub fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The proposal's folder.
    pub fn proposal(&self) -> PathBuf {
        self.at("proposal")
    }

    /// An empty folder of this name: what was there is removed.
    pub fn fresh(&self, name: &str) -> Result<PathBuf> {
        let path = self.at(name);
        remove(&path)?;
        fs::create_dir_all(&path).or_fail(Kind::Workspace, || format!("making {}", path.display()))?;
        Ok(path)
    }

    /// Ends what a killed attempt left running on these files.
    pub fn end_strays(&self) {
        crate::sandbox::end_strays(&self.0);
    }

    /// Puts aside what only the work itself needed; the proposal stays. Quick: [`sweep`] frees the room.
    pub fn tidy(&self) {
        let Some(aside) = self.aside() else { return };
        for name in ["base", "base.done", "work", "private", "private.tools", "deps", "cells", "checks", "here"] {
            let _ = fs::rename(self.at(name), aside.join(name));
        }
    }

    /// Puts the whole folder aside.
    pub(super) fn put_aside(&self) {
        let Some(aside) = self.aside() else { return };
        let _ = fs::rename(&self.0, aside.join("all"));
    }

    /// A new place in the trash.
    fn aside(&self) -> Option<PathBuf> {
        let trash = self.0.ancestors().nth(2)?.join(TRASH);
        let aside = tempfile::Builder::new().tempdir_in(&trash).or_else(|_| {
            fs::create_dir_all(&trash)?;
            tempfile::Builder::new().tempdir_in(&trash)
        });
        aside.ok().map(tempfile::TempDir::keep)
    }
}

/// Below loom's state: what finished tasks left to be removed.
const TRASH: &str = "trash";

/// Removes what finished tasks put aside: gigabytes of build output take a while, and nobody should wait for a result
/// because of them. What cannot be removed now is left to the next call.
pub fn sweep(locations: &Locations) {
    let _ = remove(&locations.state.join(TRASH));
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).or_fail(Kind::Workspace, || format!("clearing {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// The repository at one commit.
pub struct Ground {
    /// The task's folder.
    pub folder: Folder,
    /// Where trees come from.
    pub cache: Cache,
    /// Where the work begins.
    pub base: CommitId,
    /// Its tree.
    pub base_tree: TreeId,
    /// Settings with what the maintainers say in the base tree's own `loom.toml`.
    pub config: Config,
    /// Starts children.
    pub sandbox: Sandbox,
    /// What earlier proofs noted about the repository's tests.
    pub flakes: Vec<Flake>,
}

impl Ground {
    /// Takes the base tree's own settings in and probes the sandbox.
    pub fn new(folder: Folder, cache: Cache, base: CommitId, settings: &Resolved, reporter: &dyn Reporter) -> Result<Ground> {
        let base_tree = cache.tree_of(&base)?;
        let config = super::text::with_repository_settings(settings, &cache, &base_tree, reporter)?;
        let sandbox = Sandbox::new(&config.sandbox)?;
        if sandbox.tier() == Tier::None {
            let text = "no sandbox: tests and the model's commands have your files, your network and your rights".to_owned();
            reporter.event(&Event::Warning { text });
        }
        Ok(Ground { folder, cache, base, base_tree, config, sandbox, flakes: Vec::new() })
    }

    /// The same, with what the ledger knows of the repository at this address.
    pub fn with_ledger(self, locations: &Locations, url: &str) -> Result<Ground> {
        Ok(Ground { flakes: super::ledger::known(locations, url)?, ..self })
    }

    /// The base tree on disk.
    pub(super) fn exported(&self) -> Result<PathBuf> {
        let host = self.folder.at("base");
        if !self.folder.at("base.done").exists() {
            self.cache.export(&self.base_tree, &self.folder.fresh("base")?)?;
            fs::write(self.folder.at("base.done"), self.base_tree.as_str())
                .or_fail(Kind::Workspace, || "noting the export of the base tree")?;
        }
        Ok(host)
    }

    /// The suites of a tree on disk; what was found and what became of it is told.
    pub fn suites(&self, host: &Path, reporter: &dyn Reporter) -> Result<Vec<Suite>> {
        let detection = runner::explore(host, &self.config.test, &self.sandbox)?;
        for clue in &detection.clues {
            reporter.event(&Event::Clue { place: clue.place(), says: clue.says.clone(), means: clue.means() });
        }
        Ok(detection.suites)
    }

    /// Exports the base tree, finds its suites and installs what they need; what an earlier attempt installed is used again.
    pub fn bench(&self, reporter: &dyn Reporter, cancel: &Cancel) -> Result<Bench> {
        let host = self.exported()?;
        let suites = self.suites(&host, reporter)?;
        let shared = self.folder.at("deps");
        fs::create_dir_all(&shared).or_fail(Kind::Workspace, || format!("making {}", shared.display()))?;
        runner::prepare(&self.sandbox, suites, &host, &shared, &self.config.test, reporter, cancel)
    }
}
