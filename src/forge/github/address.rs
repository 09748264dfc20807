//! Where GitHub is: the API, the pages, the clones. Owns the derivation of one from the other and the rule that a token
//! goes over an encrypted line only.

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::config::GitHubSettings;
use crate::error::{Failure, Kind, OrFail as _, Result};
use crate::task::RepoName;

/// Checked base URLs, without a slash at the end.
#[derive(Debug, Clone)]
pub(super) struct Address {
    api: String,
    server: String,
}

impl Address {
    pub(super) fn new(settings: &GitHubSettings, token: Option<&SecretString>) -> Result<Address> {
        let api = checked("github.api_url", &settings.api_url)?;
        let server = match &settings.server_url {
            Some(server) => checked("github.server_url", server)?,
            None => server_of(&api),
        };
        if let Some(token) = token {
            for url in [&api, &server] {
                refuse_plain(url)?;
            }
            refuse_unsendable(token)?;
        }
        Ok(Address { api: bare(&api), server: bare(&server) })
    }

    /// Base of the REST API.
    pub(super) fn api(&self) -> &str {
        &self.api
    }

    /// Base of pages and clones.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// What git clones.
    pub(super) fn clone_url(&self, repo: &RepoName) -> String {
        format!("{}/{repo}.git", self.server)
    }

    /// The page with the settings of a repository.
    pub(super) fn settings_page(&self, repo: &RepoName) -> String {
        format!("{}/{repo}/settings/actions", self.server)
    }

    /// Path and query below the API's base, of a URL the API itself named; none when it leads elsewhere.
    pub(super) fn below(&self, url: &str) -> Option<String> {
        let rest = url.strip_prefix(self.api.as_str()).or_else(|| url.starts_with('/').then_some(url))?;
        (rest.starts_with('/') && !rest.starts_with("//")).then(|| rest.to_owned())
    }
}

fn checked(name: &str, text: &str) -> Result<Url> {
    let hint = "write it like https://api.github.com, or https://HOST/api/v3 for a GitHub Enterprise Server";
    let wrong = |why: &str| Failure::new(Kind::Config, format_args!("{name} {text:?} {why}")).hint(hint);
    let url = Url::parse(text).or_fail(Kind::Config, || format!("{name} {text:?}")).map_err(|failure| failure.hint(hint))?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
        return Err(wrong("is no web address"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            Failure::new(Kind::Config, format_args!("{name} holds a user name or a password")).hint("keep the token in GITHUB_TOKEN")
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("has a query"));
    }
    Ok(url)
}

/// `api.github.com` and `api.TENANT.ghe.com` have their pages beside them, a GitHub Enterprise Server below the same host.
fn server_of(api: &Url) -> Url {
    let mut server = api.clone();
    let host = api.host_str().unwrap_or_default();
    if let Some(rest) = host.strip_prefix("api.").filter(|rest| *rest == "github.com" || rest.ends_with(".ghe.com")) {
        let _ = server.set_host(Some(rest));
    }
    let path = api.path().trim_end_matches('/');
    server.set_path(path.strip_suffix("/api/v3").unwrap_or(path));
    server
}

fn bare(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

fn refuse_plain(url: &Url) -> Result<()> {
    let near = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    if url.scheme() == "https" || near {
        return Ok(());
    }
    Err(Failure::new(Kind::Config, format_args!("{url} is not encrypted: the token would travel in the clear"))
        .hint("use an https address"))
}

fn refuse_unsendable(token: &SecretString) -> Result<()> {
    let text = token.expose_secret();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    let what = if text.is_empty() { "is empty" } else { "has spaces, line ends or other characters no token has" };
    Err(Failure::new(Kind::Config, format_args!("the token in GITHUB_TOKEN {what}")).hint("set it again, without quotes or a line end"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(api: &str) -> Result<Address> {
        Address::new(&GitHubSettings { api_url: api.into(), ..GitHubSettings::default() }, Some(&"ghp_x".into()))
    }

    #[test]
    fn clones_are_found_from_the_api() {
        for (api, clone) in [
            ("https://api.github.com", "https://github.com/acme/widget.git"),
            ("https://api.github.com/", "https://github.com/acme/widget.git"),
            ("https://ghe.example/api/v3", "https://ghe.example/acme/widget.git"),
            ("https://ghe.example:8443/api/v3/", "https://ghe.example:8443/acme/widget.git"),
            ("https://api.octo.ghe.com", "https://octo.ghe.com/acme/widget.git"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/acme/widget.git"),
        ] {
            assert_eq!(address(api).unwrap().clone_url(&"acme/widget".parse().unwrap()), clone, "{api}");
        }
    }

    #[test]
    fn nonsense_and_open_lines_are_refused() {
        for api in ["", "github.com", "ftp://x", "https://me:pw@x.y", "https://x.y/?a=b", "http://ghe.example/api/v3"] {
            assert_eq!(address(api).unwrap_err().kind, Kind::Config, "{api}");
        }
    }

    #[test]
    fn a_token_with_a_line_end_is_refused_without_showing_it() {
        let failure = Address::new(&GitHubSettings::default(), Some(&"ghp_secret\n".into())).unwrap_err();
        assert_eq!(failure.kind, Kind::Config);
        assert!(!failure.line().contains("ghp_secret"));
    }

    #[test]
    fn only_the_api_itself_is_followed() {
        let address = address("https://ghe.example/api/v3").unwrap();
        assert_eq!(address.below("https://ghe.example/api/v3/repositories/7").as_deref(), Some("/repositories/7"));
        assert_eq!(address.below("/repositories/7?page=2").as_deref(), Some("/repositories/7?page=2"));
        for foreign in ["https://evil.example/x", "https://ghe.example/api/v3evil", "//evil.example/x"] {
            assert_eq!(address.below(foreign), None, "{foreign}");
        }
    }
}
