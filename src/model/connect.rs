//! From the settings to something that answers: which provider, which address, which key.

use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::anthropic::Anthropic;
use super::codec::Codec;
use super::openai_chat::OpenAiChat;
use super::remote::{Backoff, Remote};
use super::replay::Replay;
use super::{Answer, Conversation};
use crate::config::ModelSettings;
use crate::error::{Explain, Failure, Kind, OrFail, Result};
use crate::sandbox::Cancel;

/// Something that answers conversations.
pub trait Model: Send {
    /// `provider/name`, or `replay of PATH`.
    fn name(&self) -> &str;

    /// One answer, retried inside. At `deadline` it fails with `Kind::Budget`. The words of a try that broke are heard
    /// again in the next.
    fn answer(
        &mut self,
        conversation: &Conversation,
        deadline: Instant,
        hear: &mut dyn FnMut(Heard<'_>),
        cancel: &Cancel,
    ) -> Result<Answer>;
}

/// What comes while an answer is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard<'a> {
    /// New words of the answer.
    Words(&'a str),
    /// A try failed for this reason; the next one begins after this wait.
    Again(String, Duration),
}

/// How `model.name` is written.
const SPELLING: &str = "write model.name (or --model) as anthropic/NAME, openai/NAME, compatible/NAME (with model.base_url) or replay/PATH";

/// Headers that can carry a key: with one of them in the settings none is needed.
const KEY_HEADERS: [&str; 4] = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];

/// The model that the settings name; `key` as `config` found it.
pub fn connect(settings: &ModelSettings, key: Option<SecretString>) -> Result<Box<dyn Model>> {
    match settings.name.split_once('/') {
        Some(("replay", path)) if !path.is_empty() => Ok(Box::new(Replay::open(path.as_ref())?)),
        _ => Ok(Box::new(remote(settings, key)?)),
    }
}

/// A model behind HTTP.
pub(super) fn remote(settings: &ModelSettings, key: Option<SecretString>) -> Result<Remote> {
    if settings.name.trim().is_empty() {
        return Err(Failure::new(Kind::Config, "no model is chosen").hint(SPELLING));
    }
    let unknown = || Failure::new(Kind::Config, format_args!("not a model: {:?}", settings.name)).hint(SPELLING);
    let (provider, name) = settings.name.split_once('/').filter(|(_, name)| !name.trim().is_empty()).ok_or_else(unknown)?;
    let (codec, base, variable): (Box<dyn Codec>, _, _) = match provider {
        "anthropic" => (Box::new(Anthropic::new(name, settings)), Some("https://api.anthropic.com"), Some("ANTHROPIC_API_KEY")),
        "openai" => (Box::new(OpenAiChat::openai(name, settings)), Some("https://api.openai.com/v1"), Some("OPENAI_API_KEY")),
        "compatible" => (Box::new(OpenAiChat::compatible(name, settings)), None, None),
        _ => return Err(unknown()),
    };
    let base = base_url(settings, base)?;
    let key_variable = settings.api_key_env.as_deref().or(variable).unwrap_or("LOOM_API_KEY");
    let key = key.filter(|key| !key.expose_secret().trim().is_empty());
    if key.is_none() && variable.is_some() && !carries_key(settings) {
        return Err(Failure::new(Kind::Config, format_args!("{} needs a key, and {key_variable} is not set", settings.name))
            .hint(format!("set {key_variable}, or name another variable by model.api_key_env")));
    }
    Ok(Remote {
        name: settings.name.clone(),
        model: name.to_owned(),
        url: codec.endpoint(&base),
        headers: headers(codec.as_ref(), settings, key.as_ref(), key_variable)?,
        codec,
        key,
        key_variable: key_variable.to_owned(),
        idle: settings.idle_timeout.duration(),
        budget: settings.retry_budget.duration(),
        backoff: Backoff { first: Duration::from_secs(1), most: Duration::from_secs(60) },
        http: None,
    })
}

fn base_url(settings: &ModelSettings, usual: Option<&str>) -> Result<Url> {
    let text = settings.base_url.as_deref().or(usual).ok_or_else(|| {
        Failure::new(Kind::Config, format_args!("{} needs model.base_url", settings.name))
            .hint("set it to the server's address, like http://127.0.0.1:11434/v1")
    })?;
    let wrong = || format!("reading model.base_url {text:?}");
    let url = Url::parse(text.trim()).or_fail(Kind::Config, wrong).hint("write it like http://127.0.0.1:11434/v1")?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(Failure::new(Kind::Config, "neither http nor https").context(wrong()));
    }
    Ok(url)
}

fn carries_key(settings: &ModelSettings) -> bool {
    settings.headers.keys().any(|name| KEY_HEADERS.contains(&name.to_ascii_lowercase().as_str()))
}

fn headers(codec: &dyn Codec, settings: &ModelSettings, key: Option<&SecretString>, key_variable: &str) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in codec.headers() {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    if let Some(key) = key {
        let (name, value) = codec.key_header(key.expose_secret().trim());
        let mut value = HeaderValue::from_str(&value).or_fail(Kind::Config, || format!("using the key in {key_variable}"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    for (name, value) in &settings.headers {
        let doing = || format!("reading the header {name:?} of model.headers");
        let mut value = HeaderValue::from_str(value).or_fail(Kind::Config, doing)?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_bytes(name.as_bytes()).or_fail(Kind::Config, doing)?, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(name: &str, base_url: Option<&str>) -> ModelSettings {
        ModelSettings { name: name.into(), base_url: base_url.map(Into::into), ..ModelSettings::default() }
    }

    fn refused(settings: &ModelSettings) -> Failure {
        connect(settings, None).err().expect("refused")
    }

    #[test]
    fn what_is_missing_is_named() {
        for (name, word) in [("", "anthropic/NAME"), ("gpt", "openai/NAME"), ("acme/x", "anthropic/NAME"), ("openai/", "openai/NAME")] {
            let failure = refused(&settings(name, None));
            assert_eq!(failure.kind, Kind::Config, "{name}");
            assert!(failure.hints[0].contains(word), "{name}");
        }
        assert!(refused(&settings("anthropic/m", None)).hints[0].contains("ANTHROPIC_API_KEY"));
        assert!(refused(&settings("openai/m", None)).line().contains("OPENAI_API_KEY"));
        assert!(refused(&settings("compatible/m", None)).line().contains("model.base_url"));
        assert!(refused(&settings("compatible/m", Some("localhost:1/v1"))).line().contains("model.base_url"));
        let other = ModelSettings { api_key_env: Some("MY_KEY".into()), ..settings("openai/m", None) };
        assert!(refused(&other).line().contains("MY_KEY"));
    }

    #[test]
    fn a_header_can_carry_the_key_and_local_servers_need_none() {
        assert!(connect(&settings("compatible/org/name", Some("http://127.0.0.1:1/v1")), None).is_ok());
        let headers = [("api-key".to_owned(), "k".to_owned())].into();
        assert!(connect(&ModelSettings { headers, ..settings("openai/m", Some("https://x.example")) }, None).is_ok());
    }

    #[test]
    fn addresses_are_completed() {
        let endpoint = |codec: &dyn Codec, base: &str| codec.endpoint(&Url::parse(base).unwrap()).to_string();
        let some = ModelSettings::default();
        let (anthropic, chat) = (Anthropic::new("m", &some), OpenAiChat::openai("m", &some));
        for base in ["http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/messages"] {
            assert_eq!(endpoint(&anthropic, base), "http://h:1/v1/messages");
        }
        assert_eq!(endpoint(&chat, "http://h:1/v1/"), "http://h:1/v1/chat/completions");
        let azure = "https://x.example/openai/deployments/d?api-version=2";
        assert_eq!(endpoint(&chat, azure), "https://x.example/openai/deployments/d/chat/completions?api-version=2");
    }
}
