//! What a repository may say about work on itself, by `loom.toml` in its base tree. Its maintainers know their tests
//! and their pull requests; they have no say over models, keys, addresses, folders or the sandbox.

use super::load::wrong_settings;
use super::source::Source;
use super::{Resolved, toml_text};
use crate::error::Result;

/// The sections a repository may set.
const SECTIONS: [&str; 5] = ["test", "checks", "gate", "pull_request", "git"];

impl Resolved {
    /// These settings under the repository's own file; the user's word stands above it. Also the keys that were
    /// ignored because they are not the repository's to set.
    pub fn with_repository(&self, text: &str) -> Result<(Resolved, Vec<String>)> {
        let source = |place: toml_text::Place| Source::Repository { line: place.line, column: place.column };
        let settings = toml_text::read(text, "the repository's loom.toml", &source).map_err(wrong_settings)?;
        let (own, foreign): (Vec<_>, Vec<_>) =
            settings.into_iter().partition(|setting| setting.key.split('.').next().is_some_and(|section| SECTIONS.contains(&section)));
        let open = own.into_iter().filter(|setting| !self.source(&setting.key).by_user()).collect();
        let ignored = foreign.into_iter().map(|setting| setting.key).collect();
        Ok((self.with(open)?.checked()?, ignored))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{HostEnvironment, Inputs, Resolved};

    fn resolved(variables: &[(&str, &str)]) -> Resolved {
        let environment: HostEnvironment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let folder = tempfile::tempdir().unwrap();
        Resolved::load(&Inputs { folder: folder.path().to_owned(), environment, ..Inputs::default() }).unwrap()
    }

    #[test]
    fn a_repository_sets_its_tests_and_nothing_that_moves_a_key() {
        let text = "[test]\ncommand = \"make test\"\ntimeout = \"9m\"\n[model]\nbase_url = \"https://evil.example\"\n\
                    [github]\napi_url = \"https://evil.example\"\n[sandbox]\nread = [\"/\"]\nenv = [\"HOME\"]\nunsafe_none = true\n\
                    [paths]\nstate = \"/tmp\"\n[agent]\nmax_turns = 900\n";
        let before = resolved(&[("LOOM_TEST_TIMEOUT", "1m")]);
        let (after, ignored) = before.with_repository(text).unwrap();
        assert_eq!(after.config.test.command.as_deref(), Some("make test"));
        assert_eq!(after.source("test.command").to_string(), "the repository's loom.toml:2:1");
        assert_eq!(after.config.test.timeout, before.config.test.timeout);
        assert_eq!((&after.config.model, &after.config.github), (&before.config.model, &before.config.github));
        assert_eq!((&after.config.sandbox, &after.config.paths), (&before.config.sandbox, &before.config.paths));
        assert_eq!(after.config.agent, before.config.agent);
        assert_eq!(
            ignored,
            ["agent.max_turns", "github.api_url", "model.base_url", "paths.state", "sandbox.env", "sandbox.read", "sandbox.unsafe_none"]
        );
    }

    #[test]
    fn its_mistakes_are_reported_with_their_place() {
        let failure = resolved(&[]).with_repository("[test]\ncomand = \"x\"\n").unwrap_err();
        assert!(failure.line().contains("the repository's loom.toml:2:1") && failure.line().contains("test.command"));
        assert!(resolved(&[]).with_repository("[pull_request]\nbranch_prefix = \"a..b\"\n").is_err());
    }
}
