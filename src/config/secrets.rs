//! The secrets of one run: picked from the environment, handed to the client that needs one, never shown.
//! Owns where each comes from and when it is withheld: a settings file that merely lies in the working folder must
//! not send a key to another host, and no key travels in clear text.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::source::Source;
use super::{Config, HostEnvironment, Resolved};
use crate::error::{Failure, Kind, Result};

/// Variables that hold secrets by their usual names; all that are set are redacted, used or not.
const SECRET_VARIABLES: [&str; 6] =
    ["LOOM_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "LOOM_GITHUB_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"];

/// The forge's token, most particular name first.
const TOKEN_VARIABLES: [&str; 3] = ["LOOM_GITHUB_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"];

/// A secret and the variable it came from.
#[derive(Clone)]
struct Held {
    variable: String,
    value: SecretString,
}

/// All secrets of one run.
#[derive(Clone)]
pub struct Secrets {
    model: Option<Held>,
    model_withheld: Option<String>,
    forge: Option<Held>,
    forge_withheld: Option<String>,
    all: Vec<SecretString>,
}

impl Secrets {
    /// Picks them from the environment as the settings say.
    pub fn read(resolved: &Resolved, environment: &HostEnvironment) -> Secrets {
        let model = model_variables(&resolved.config).iter().find_map(|variable| held(environment, variable));
        let forge = TOKEN_VARIABLES.iter().find_map(|variable| held(environment, variable));
        let settings = &resolved.config;
        let model_withheld = model.as_ref().and_then(|key| {
            let url = settings.model.base_url.as_deref()?;
            unfit(key).or_else(|| withheld(resolved, "model.base_url", url, key))
        });
        let model_withheld = model_withheld.or_else(|| model.as_ref().and_then(unfit)).or_else(|| missing(settings, &model));
        let forge_withheld = forge.as_ref().and_then(|token| {
            let server = settings.github.server_url.as_deref();
            unfit(token)
                .or_else(|| withheld(resolved, "github.api_url", &settings.github.api_url, token))
                .or_else(|| withheld(resolved, "github.server_url", server?, token))
        });
        Secrets { all: every_value(settings, environment), model, model_withheld, forge, forge_withheld }
    }

    /// The model's key; none when no variable holds one. Fails when there is one that must not be used.
    pub fn model_key(&self) -> Result<Option<SecretString>> {
        hand_out(&self.model, &self.model_withheld, "the model's key")
    }

    /// The forge's token; none when no variable holds one. Fails when there is one that must not be used.
    pub fn forge_token(&self) -> Result<Option<SecretString>> {
        hand_out(&self.forge, &self.forge_withheld, "the GitHub token")
    }

    /// Which variable the model's key came from.
    pub fn model_key_from(&self) -> Option<&str> {
        self.model.as_ref().map(|held| held.variable.as_str())
    }

    /// Which variable the forge's token came from.
    pub fn forge_token_from(&self) -> Option<&str> {
        self.forge.as_ref().map(|held| held.variable.as_str())
    }

    /// Every secret value there is, for the redactor.
    pub fn all(&self) -> &[SecretString] {
        &self.all
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("model", &self.model_key_from()).field("forge", &self.forge_token_from()).finish()
    }
}

impl HostEnvironment {
    /// The values of all variables that hold secrets by their usual names; what can be hidden before settings are read.
    pub fn secret_values(&self) -> Vec<SecretString> {
        every_value(&Config::default(), self)
    }
}

impl Config {
    /// HostEnvironment variables that the settings name.
    pub(super) fn named_variables(&self) -> impl Iterator<Item = &str> {
        self.model.api_key_env.as_deref().into_iter().chain(self.sandbox.env.iter().map(String::as_str))
    }
}

/// Does this variable hold a secret of loom?
pub(super) fn is_secret_variable(config: &Config, name: &str) -> bool {
    SECRET_VARIABLES.contains(&name) || config.model.api_key_env.as_deref() == Some(name)
}

/// Does a header of this name carry a secret?
fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["auth", "key", "token", "secret", "cookie", "password", "signature"].iter().any(|part| name.contains(part))
}

/// Where the key may come from. A server that only speaks the same protocol never gets a provider's own key.
fn model_variables(config: &Config) -> Vec<&str> {
    match (&config.model.api_key_env, config.model.name.split('/').next()) {
        (Some(named), _) => vec![named.as_str()],
        (None, Some("anthropic")) => vec!["LOOM_API_KEY", "ANTHROPIC_API_KEY"],
        (None, Some("openai")) => vec!["LOOM_API_KEY", "OPENAI_API_KEY"],
        (None, Some("compatible")) => vec!["LOOM_API_KEY"],
        (None, _) => Vec::new(),
    }
}

fn held(environment: &HostEnvironment, variable: &str) -> Option<Held> {
    let value = environment.variable(variable)?.trim();
    (!value.is_empty()).then(|| Held { variable: variable.to_owned(), value: value.into() })
}

fn missing(config: &Config, model: &Option<Held>) -> Option<String> {
    let named = config.model.api_key_env.as_deref()?;
    model.is_none().then(|| format!("model.api_key_env names {named}, and that variable is not set"))
}

/// A value that cannot be sent as a header; its text is not shown.
fn unfit(held: &Held) -> Option<String> {
    let unprintable = held.value.expose_secret().chars().any(|c| c.is_control() || c.is_whitespace() || !c.is_ascii());
    unprintable.then(|| format!("{} holds blanks or unprintable characters, so it is no key", held.variable))
}

/// Why this secret must not be sent to `url`.
fn withheld(resolved: &Resolved, key: &str, url: &str, held: &Held) -> Option<String> {
    let url = Url::parse(url).ok()?;
    if is_loopback(&url) {
        return None;
    }
    if url.scheme() != "https" {
        return Some(format!("{key} is not https, and {} would travel in clear text", held.variable));
    }
    match resolved.source(key) {
        Source::File { path, line, found: true, .. } => Some(format!(
            "{key} is set by {}:{line}, which merely lies in the working folder; {} is not sent to {} on its word",
            path.display(),
            held.variable,
            url.host_str().unwrap_or_default()
        )),
        _ => None,
    }
}

/// Does the URL stay on this machine?
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn hand_out(held: &Option<Held>, withheld: &Option<String>, what: &str) -> Result<Option<SecretString>> {
    match withheld {
        Some(reason) => Err(Failure::new(Kind::Config, reason).context(format_args!("taking {what}")).hint(
            "if the address is right, vouch for it: --config FILE, the file in your own configuration folder, or the key's LOOM_ variable",
        )),
        None => Ok(held.as_ref().map(|held| held.value.clone())),
    }
}

fn every_value(config: &Config, environment: &HostEnvironment) -> Vec<SecretString> {
    let variables = SECRET_VARIABLES.iter().copied().chain(config.model.api_key_env.as_deref());
    let values = variables.filter_map(|variable| environment.variable(variable));
    let headers = config.model.headers.iter().filter(|(name, _)| is_secret_header(name)).map(|(_, value)| value.as_str());
    let mut all: Vec<&str> = values.chain(headers).map(str::trim).filter(|value| !value.is_empty()).collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter().map(SecretString::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Inputs;

    fn secrets(file: Option<&str>, variables: &[(&str, &str)]) -> Secrets {
        let folder = tempfile::tempdir().unwrap();
        if let Some(text) = file {
            std::fs::write(folder.path().join("loom.toml"), text).unwrap();
        }
        let environment: HostEnvironment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let inputs = Inputs { folder: folder.path().to_owned(), environment: environment.clone(), ..Inputs::default() };
        Secrets::read(&Resolved::load(&inputs).unwrap(), &environment)
    }

    fn key(secrets: &Secrets) -> Option<String> {
        secrets.model_key().unwrap().map(|key| key.expose_secret().to_owned())
    }

    #[test]
    fn each_provider_has_its_own_key() {
        let both = [("ANTHROPIC_API_KEY", "a-key\n"), ("OPENAI_API_KEY", "o-key")];
        let with = |model: &'static str| [&both[..], &[("LOOM_MODEL", model)]].concat();
        assert_eq!(key(&secrets(None, &with("anthropic/x"))).as_deref(), Some("a-key"));
        assert_eq!(key(&secrets(None, &with("openai/x"))).as_deref(), Some("o-key"));
        let compatible = [&with("compatible/x")[..], &[("LOOM_MODEL_BASE_URL", "https://other.example/v1")]].concat();
        assert_eq!(key(&secrets(None, &compatible)), None);
        assert_eq!(secrets(None, &with("openai/x")).all().len(), 2);
    }

    #[test]
    fn a_file_that_merely_lies_there_cannot_redirect_a_key() {
        let file = "[model]\nname = \"openai/x\"\nbase_url = \"https://evil.example/v1\"\n[github]\napi_url = \"https://evil.example\"\n";
        let secrets = secrets(Some(file), &[("OPENAI_API_KEY", "o-key"), ("GITHUB_TOKEN", "t")]);
        assert!(secrets.model_key().unwrap_err().line().contains("evil.example"));
        assert!(secrets.forge_token().unwrap_err().line().contains("loom.toml:5"));
        let vouched = [("OPENAI_API_KEY", "o-key"), ("LOOM_MODEL_BASE_URL", "https://gateway.example/v1")];
        assert_eq!(key(&self::secrets(Some(file), &vouched)).as_deref(), Some("o-key"));
        let local = "[model]\nname = \"compatible/x\"\nbase_url = \"http://127.0.0.1:11434/v1\"\n";
        assert_eq!(key(&self::secrets(Some(local), &[("LOOM_API_KEY", "k")])).as_deref(), Some("k"));
    }

    #[test]
    fn no_key_travels_in_clear_text_or_broken() {
        let http = [("LOOM_MODEL", "openai/x"), ("LOOM_MODEL_BASE_URL", "http://gateway.example/v1"), ("OPENAI_API_KEY", "o-key")];
        assert!(secrets(None, &http).model_key().unwrap_err().line().contains("clear text"));
        assert_eq!(key(&secrets(None, &http[..2])), None);
        let broken = secrets(None, &[("LOOM_MODEL", "anthropic/x"), ("ANTHROPIC_API_KEY", "two words")]);
        let failure = broken.model_key().unwrap_err();
        assert!(failure.line().contains("ANTHROPIC_API_KEY") && !failure.line().contains("words"));
        let named = secrets(None, &[("LOOM_MODEL", "anthropic/x"), ("LOOM_MODEL_API_KEY_ENV", "MY_KEY"), ("ANTHROPIC_API_KEY", "k")]);
        assert!(named.model_key().unwrap_err().line().contains("MY_KEY"));
    }

    #[test]
    fn secrets_are_never_shown() {
        let secrets = secrets(None, &[("LOOM_MODEL", "anthropic/x"), ("ANTHROPIC_API_KEY", "sk-hidden"), ("GH_TOKEN", "ghp_hidden")]);
        let shown = format!("{secrets:?}");
        assert!(!shown.contains("hidden") && shown.contains("GH_TOKEN") && shown.contains("ANTHROPIC_API_KEY"));
    }
}
