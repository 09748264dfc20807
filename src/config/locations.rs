//! Where loom keeps its files: the settings, or the XDG folders, or their defaults below the home folder.

use std::path::{Path, PathBuf};

use super::{Config, HostEnvironment};
use crate::error::{Failure, Kind, Result};
use crate::task::TaskId;

/// The folders and the queue file of one run, absolute. Nothing is created here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locations {
    /// Tasks, proposals, logs.
    pub state: PathBuf,
    /// Bare clones and package caches.
    pub cache: PathBuf,
    /// The queue file.
    pub queue: PathBuf,
}

impl Locations {
    /// Where the proposal of a task is, or will be.
    pub fn proposal(&self, task: TaskId) -> PathBuf {
        self.state.join("tasks").join(task.to_string()).join("proposal")
    }
}

impl HostEnvironment {
    /// loom's folder below `XDG_CONFIG_HOME`.
    pub fn config_folder(&self) -> Option<PathBuf> {
        self.xdg("XDG_CONFIG_HOME", ".config")
    }

    /// A relative XDG folder is to be ignored, says its specification.
    fn xdg(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        self.folder(variable).or_else(|| Some(self.home()?.join(below_home))).map(|folder| folder.join("loom"))
    }
}

impl Config {
    /// Where files go; relative settings count from `folder`, `~/` from the home folder.
    pub fn locations(&self, environment: &HostEnvironment, folder: &Path) -> Result<Locations> {
        let choose = |setting: &Option<PathBuf>, key: &str, fallback: Option<PathBuf>| match setting {
            Some(path) => absolute(path, environment, folder),
            None => fallback.ok_or_else(|| no_home(key)),
        };
        let state = choose(&self.paths.state, "paths.state", environment.xdg("XDG_STATE_HOME", ".local/state"))?;
        let cache = choose(&self.paths.cache, "paths.cache", environment.xdg("XDG_CACHE_HOME", ".cache"))?;
        let queue = choose(&self.paths.queue, "paths.queue", Some(state.join("queue.sqlite")))?;
        Ok(Locations { state, cache, queue })
    }
}

fn absolute(path: &Path, environment: &HostEnvironment, folder: &Path) -> Result<PathBuf> {
    match path.strip_prefix("~") {
        Ok(rest) => environment.home().map(|home| home.join(rest)).ok_or_else(|| no_home(&path.display().to_string())),
        Err(_) => Ok(folder.join(path)),
    }
}

fn no_home(what: &str) -> Failure {
    Failure::new(Kind::Config, format_args!("no folder for {what}: HOME is not set")).hint("set HOME, or paths.state and paths.cache")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> HostEnvironment {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn settings_stand_above_xdg_and_xdg_above_home() {
        let folder = Path::new("/srv");
        let mut config = Config::default();
        let home = environment(&[("HOME", "/home/ann")]);
        let locations = config.locations(&home, folder).unwrap();
        assert_eq!(locations.state, Path::new("/home/ann/.local/state/loom"));
        assert_eq!(locations.queue, Path::new("/home/ann/.local/state/loom/queue.sqlite"));
        let xdg = environment(&[("HOME", "/home/ann"), ("XDG_STATE_HOME", "/s"), ("XDG_CACHE_HOME", "relative")]);
        let locations = config.locations(&xdg, folder).unwrap();
        assert_eq!((locations.state.as_path(), locations.cache.as_path()), (Path::new("/s/loom"), Path::new("/home/ann/.cache/loom")));
        config.paths.state = Some("state".into());
        config.paths.cache = Some("~/c".into());
        let locations = config.locations(&home, folder).unwrap();
        assert_eq!(locations.queue, Path::new("/srv/state/queue.sqlite"));
        assert_eq!(locations.cache, Path::new("/home/ann/c"));
    }

    #[test]
    fn without_a_home_the_setting_is_named() {
        let failure = Config::default().locations(&HostEnvironment::default(), Path::new("/")).unwrap_err();
        assert!(failure.line().contains("paths.state"));
    }
}
