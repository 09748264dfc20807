//! Lays the sources over each other: defaults < loom.toml < environment < flags. Owns their order and which file is
//! read; what each source may say is its own file's work, whether the values make sense is `validate`'s.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::source::{Setting, Source};
use super::{Config, HostEnvironment, environment, keys, toml_text, validate};
use crate::error::{Failure, Kind, OrFail, Result};

/// A settings file larger than this is something else.
const LARGEST_FILE: u64 = 1 << 20;

/// Everything that settings are made from.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// Where loom was started; `loom.toml` is looked for here.
    pub folder: PathBuf,
    /// The variables.
    pub environment: HostEnvironment,
    /// What flags say.
    pub overrides: Vec<Override>,
}

/// One flag's word.
#[derive(Debug, Clone)]
pub struct Override {
    /// The key's path, like `model.name`.
    pub key: &'static str,
    /// The flag as it is typed, like `--model`.
    pub flag: &'static str,
    /// The value.
    pub value: Value,
}

impl Override {
    /// Reads `KEY=VALUE`, the value as it would stand in an environment variable.
    pub fn parse(flag: &'static str, text: &str) -> Result<Override> {
        let wrong = |what: String| Failure::new(Kind::Usage, what).hint("`loom config` shows all keys");
        let (path, value) = text.split_once('=').ok_or_else(|| wrong(format!("{flag} {text}: write it as KEY=VALUE")))?;
        let path = path.trim();
        let Some(key) = keys::named(path) else {
            let near = keys::nearest(path, keys::all().iter().map(|key| key.path.as_str()));
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(wrong(format!("{flag}: unknown key `{path}`{near}")));
        };
        let value = environment::read(key, value.trim()).map_err(|reason| wrong(format!("{flag} {path}: {reason}")))?;
        Ok(Override { key: &key.path, flag, value })
    }
}

/// The settings of one run, checked, and where each came from.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The settings.
    pub config: Config,
    /// Where each key's value came from; every key is in it.
    pub sources: BTreeMap<String, Source>,
    /// The settings file that was read.
    pub file: Option<PathBuf>,
}

impl Resolved {
    /// Reads all sources and checks the result. All that is wrong in one source is reported together.
    pub fn load(inputs: &Inputs) -> Result<Resolved> {
        let (file, mut settings) = file_settings(inputs)?;
        settings.extend(inputs.environment.settings().map_err(wrong_settings)?);
        for one in &inputs.overrides {
            keys::accepts(one.key, &one.value).map_err(|reason| {
                Failure::new(Kind::Usage, format_args!("{} {}: {reason}", one.flag, one.value)).hint("see `loom help run-issue`")
            })?;
            let source = Source::Flag { flag: one.flag.to_owned() };
            settings.push(Setting { key: one.key.to_owned(), value: one.value.clone(), source });
        }
        let defaults = keys::all().iter().map(|key| (key.path.clone(), Source::Default)).collect();
        let resolved = Resolved { config: Config::default(), sources: defaults, file }.with(settings)?;
        let mentioned: Vec<&str> = resolved.config.named_variables().collect();
        let unknown = inputs.environment.unknown(&mentioned);
        if !unknown.is_empty() {
            return Err(wrong_settings(unknown).hint("unset it, or see `loom config` for the variable of each key"));
        }
        resolved.checked()
    }

    /// These settings with others laid over them, not yet checked.
    pub(super) fn with(&self, settings: Vec<Setting>) -> Result<Resolved> {
        let mut values = serde_json::to_value(&self.config).or_fail(Kind::Internal, || "laying settings over each other")?;
        let mut sources = self.sources.clone();
        for setting in settings {
            let pointer = format!("/{}", setting.key.replace('.', "/"));
            if let Some(place) = values.pointer_mut(&pointer) {
                *place = setting.value;
            }
            sources.insert(setting.key, setting.source);
        }
        let config = serde_json::from_value(values).or_fail(Kind::Internal, || "laying settings over each other")?;
        Ok(Resolved { config, sources, file: self.file.clone() })
    }

    /// These settings, when all values make sense.
    pub(super) fn checked(self) -> Result<Resolved> {
        let problems = validate::problems(&self);
        if problems.is_empty() { Ok(self) } else { Err(wrong_settings(problems)) }
    }

    /// Where this key's value came from.
    pub fn source(&self, key: &str) -> &Source {
        self.sources.get(key).unwrap_or(&Source::Default)
    }

    /// Fails with the next step when no model is named.
    pub fn demand_model(&self) -> Result<()> {
        if !self.config.model.name.is_empty() {
            return Ok(());
        }
        Err(Failure::new(Kind::Config, "no model is named")
            .hint("name one: --model anthropic/NAME, or `name` under [model] in loom.toml, or LOOM_MODEL")
            .hint("`--model replay/PATH` plays a recorded trajectory.jsonl without any key"))
    }
}

/// One failure for everything that is wrong with the settings.
pub(super) fn wrong_settings(problems: Vec<String>) -> Failure {
    let failure = match problems.as_slice() {
        [one] => Failure::new(Kind::Config, one),
        many => Failure::new(Kind::Config, format_args!("{} settings are wrong:\n  {}", many.len(), many.join("\n  "))),
    };
    failure.hint("loom.toml.example lists every setting; `loom config` shows what is in force and where it came from")
}

fn file_settings(inputs: &Inputs) -> Result<(Option<PathBuf>, Vec<Setting>)> {
    let Some((path, text, found)) = settings_file(inputs)? else { return Ok((None, Vec::new())) };
    let source = |place: toml_text::Place| Source::File { path: path.clone(), line: place.line, column: place.column, found };
    let settings = toml_text::read(&text, &path.display().to_string(), &source).map_err(wrong_settings)?;
    Ok((Some(path), settings))
}

/// The one file that counts: the named one, else `loom.toml` here, else the user's own.
fn settings_file(inputs: &Inputs) -> Result<Option<(PathBuf, String, bool)>> {
    if let Some(path) = inputs.file.clone().or_else(|| inputs.environment.variable("LOOM_CONFIG").map(PathBuf::from)) {
        let text = contents(&path)?.ok_or_else(|| {
            Failure::new(Kind::Config, format_args!("there is no settings file {}", path.display()))
                .hint("check --config (or LOOM_CONFIG); loom.toml.example shows what such a file looks like")
        })?;
        return Ok(Some((path, text, false)));
    }
    let here = PathBuf::from("loom.toml");
    if let Some(text) = contents(&inputs.folder.join(&here))? {
        return Ok(Some((here, text, true)));
    }
    let Some(own) = inputs.environment.config_folder().map(|folder| folder.join("loom.toml")) else { return Ok(None) };
    Ok(contents(&own)?.map(|text| (own, text, false)))
}

fn unusable(failure: Failure) -> Failure {
    failure.hint("settings are a TOML file in UTF-8; loom.toml.example shows what such a file looks like")
}

/// The file's text; none when there is no such file.
fn contents(path: &Path) -> Result<Option<String>> {
    let doing = || format!("reading the settings file {}", path.display());
    let size = match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => metadata.len(),
        Ok(_) => return Err(unusable(Failure::new(Kind::Config, "it is not a regular file").context(doing()))),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(error).or_fail(Kind::Config, doing).map_err(unusable),
    };
    if size > LARGEST_FILE {
        return Err(Failure::new(Kind::Config, format_args!("it has {size} bytes; settings have at most {LARGEST_FILE}")).context(doing()));
    }
    std::fs::read_to_string(path).or_fail(Kind::Config, doing).map(Some).map_err(unusable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn inputs(folder: &Path, variables: &[(&str, &str)]) -> Inputs {
        let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Inputs { folder: folder.to_owned(), environment, ..Inputs::default() }
    }

    #[test]
    fn later_sources_win_and_are_remembered() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("loom.toml"), "[agent]\nmax_turns = 2\nrepair_rounds = 1\n[model]\nname = \"openai/a\"\n")
            .unwrap();
        let mut inputs = inputs(folder.path(), &[("LOOM_AGENT_MAX_TURNS", "3"), ("LOOM_MODEL", "openai/b")]);
        inputs.overrides.push(Override { key: "model.name", flag: "--model", value: json!("openai/c") });
        let resolved = Resolved::load(&inputs).unwrap();
        assert_eq!(resolved.config.agent.repair_rounds, 1);
        assert_eq!(resolved.source("agent.repair_rounds").to_string(), "loom.toml:3:1");
        assert_eq!(resolved.config.agent.max_turns, 3);
        assert_eq!(resolved.source("agent.max_turns").to_string(), "LOOM_AGENT_MAX_TURNS");
        assert_eq!(resolved.config.model.name, "openai/c");
        assert_eq!(resolved.source("model.name").to_string(), "--model");
        assert_eq!(resolved.source("git.name"), &Source::Default);
        assert_eq!(resolved.sources.len(), keys::all().len());
    }

    #[test]
    fn a_keys_own_variable_stands_above_its_short_form() {
        let folder = tempfile::tempdir().unwrap();
        let both = inputs(folder.path(), &[("LOOM_MODEL", "openai/short"), ("LOOM_MODEL_NAME", "openai/long")]);
        assert_eq!(Resolved::load(&both).unwrap().config.model.name, "openai/long");
        let api = inputs(folder.path(), &[("GITHUB_API_URL", "https://ghe.example/api/v3")]);
        assert_eq!(Resolved::load(&api).unwrap().config.github.api_url, "https://ghe.example/api/v3");
    }

    #[test]
    fn the_users_own_file_is_read_when_none_is_here() {
        let (folder, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::create_dir(home.path().join("loom")).unwrap();
        std::fs::write(home.path().join("loom/loom.toml"), "[git]\nname = \"own\"\n").unwrap();
        let inputs = inputs(folder.path(), &[("XDG_CONFIG_HOME", home.path().to_str().unwrap())]);
        assert_eq!(Resolved::load(&inputs).unwrap().config.git.name, "own");
        std::fs::write(folder.path().join("loom.toml"), "[git]\nemail = \"here@example.org\"\n").unwrap();
        let resolved = Resolved::load(&inputs).unwrap();
        assert_eq!((resolved.config.git.name.as_str(), resolved.config.git.email.as_str()), ("loom", "here@example.org"));
    }

    #[test]
    fn a_named_file_must_be_there_and_be_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut inputs = inputs(folder.path(), &[]);
        inputs.file = Some(folder.path().join("missing.toml"));
        let failure = Resolved::load(&inputs).unwrap_err();
        assert!(failure.kind == Kind::Config && failure.line().contains("missing.toml") && !failure.hints.is_empty());
        inputs.file = Some(folder.path().to_owned());
        assert!(Resolved::load(&inputs).unwrap_err().line().contains("not a regular file"));
        std::fs::write(folder.path().join("latin.toml"), b"[git]\nname = \"J\xfcrgen\"\n").unwrap();
        inputs.file = Some(folder.path().join("latin.toml"));
        assert!(Resolved::load(&inputs).unwrap_err().line().contains("latin.toml"));
    }

    #[test]
    fn a_variable_that_holds_the_key_is_no_unknown_one() {
        let folder = tempfile::tempdir().unwrap();
        let named = inputs(folder.path(), &[("LOOM_MODEL_API_KEY_ENV", "LOOM_MY_KEY"), ("LOOM_MY_KEY", "x")]);
        Resolved::load(&named).unwrap();
        let unnamed = inputs(folder.path(), &[("LOOM_MY_KEY", "x")]);
        assert!(Resolved::load(&unnamed).unwrap_err().line().contains("LOOM_MY_KEY"));
    }
}
