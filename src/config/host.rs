//! The environment this process was started with, as a value. Which of it a child may see is `sandbox`'s decision.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A snapshot of the environment variables, taken once and handed around.
#[derive(Clone, Default)]
pub struct HostEnvironment {
    variables: BTreeMap<String, String>,
}

impl HostEnvironment {
    /// Of this process. Variables that are not UTF-8 are left out: nothing loom passes on needs them.
    pub fn current() -> HostEnvironment {
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
    }

    /// The value of `name`, when it is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Every variable whose name `wanted` accepts, in the order of their names.
    pub fn variables(&self, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().filter(move |(name, _)| wanted(name)).map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The user's home.
    pub fn home(&self) -> Option<&Path> {
        self.variable("HOME").map(Path::new).filter(|home| home.is_absolute())
    }

    /// The folder a variable names, when it is an absolute path.
    pub fn folder(&self, name: &str) -> Option<PathBuf> {
        self.variable(name).map(PathBuf::from).filter(|folder| folder.is_absolute())
    }

    /// The absolute folders in PATH, each once, in their order.
    pub fn path(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = Vec::new();
        for folder in std::env::split_paths(self.variable("PATH").unwrap_or("/usr/local/bin:/usr/bin:/bin")) {
            if folder.is_absolute() && !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        folders
    }
}

impl FromIterator<(String, String)> for HostEnvironment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        HostEnvironment { variables: variables.into_iter().collect() }
    }
}

/// Names only: values may be secrets.
impl std::fmt::Debug for HostEnvironment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_keeps_its_order_and_drops_what_is_relative_or_twice() {
        let host: HostEnvironment = [("PATH".to_string(), "/b:/a::bin:.:/b:/c".to_string())].into_iter().collect();
        assert_eq!(host.path(), ["/b", "/a", "/c"].map(PathBuf::from));
    }

    #[test]
    fn the_debug_text_never_shows_a_value() {
        let host: HostEnvironment = [("GITHUB_TOKEN".to_string(), "ghp_planted".to_string())].into_iter().collect();
        assert!(!format!("{host:?}").contains("ghp_planted"));
        assert!(host.home().is_none());
    }
}
