//! The variables a child sees: by name from the host, the rest is loom's own. Values that carry a password are left
//! out unless the maintainer names the variable in `sandbox.env`.

use std::collections::BTreeMap;
use std::path::Path;

use super::Network;
use crate::config::HostEnvironment;

/// Where toolchains are and how text is written.
const ALWAYS: [&str; 40] = [
    "LANG",
    "LANGUAGE",
    "TZ",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "RUSTUP_AUTO_INSTALL",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "NVM_DIR",
    "VOLTA_HOME",
    "FNM_DIR",
    "ASDF_DIR",
    "ASDF_DATA_DIR",
    "MISE_DATA_DIR",
    "RBENV_ROOT",
    "NODENV_ROOT",
    "GOENV_ROOT",
    "JENV_ROOT",
    "UV_PYTHON_INSTALL_DIR",
    "UV_TOOL_DIR",
    "UV_PYTHON",
    "PIPX_HOME",
    "SDKMAN_DIR",
    "DENO_INSTALL",
    "JAVA_HOME",
    "GOROOT",
    "GOTOOLCHAIN",
    "GOFLAGS",
    "M2_HOME",
    "MAVEN_HOME",
    "GRADLE_HOME",
    "DOTNET_ROOT",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "PYTHONDONTWRITEBYTECODE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NIX_SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "LD_LIBRARY_PATH",
];

/// How to reach the network and the package registries.
const NETWORK: [&str; 31] = [
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_TRUSTED_HOST",
    "PIP_NO_INDEX",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_RETRIES",
    "UV_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_NATIVE_TLS",
    "CARGO_HTTP_CAINFO",
    "CARGO_HTTP_PROXY",
    "CARGO_REGISTRIES_CRATES_IO_PROTOCOL",
    "RUSTUP_DIST_SERVER",
    "RUSTUP_UPDATE_ROOT",
    "GOPROXY",
    "GOSUMDB",
];

/// Set by cargo for what it runs, loom itself perhaps (`cargo run`): passed on they would override the toolchain that a
/// repository pins and lead its programs to loom's own libraries.
const OF_CARGO: [&str; 2] = ["RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH"];

/// npm reads its settings from variables in any case.
const NPM: [&str; 6] = ["registry", "cafile", "proxy", "https_proxy", "noproxy", "strict_ssl"];

/// The private home, unless the job brings its own.
pub(super) const HOME: &str = "/tmp/home";

/// What a child on `network` sees, before its job adds to it.
pub(super) fn variables(host: &HostEnvironment, named: &[String], network: Network) -> BTreeMap<String, String> {
    let wanted = |name: &str| match network {
        Network::Private => always(name),
        Network::Host => always(name) || reaches_out(name),
    };
    let under_cargo = host.variable("CARGO_MANIFEST_DIR").is_some();
    let mut seen: BTreeMap<String, String> = host
        .variables(wanted)
        .filter(|(name, _)| !(under_cargo && OF_CARGO.contains(name)))
        .filter(|(_, value)| !carries_password(value))
        .chain(named.iter().filter_map(|name| Some((name.as_str(), host.variable(name)?))))
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    for (name, below_home) in [("RUSTUP_HOME", ".rustup"), ("PYENV_ROOT", ".pyenv")] {
        let usual = host.home().map(|home| home.join(below_home)).filter(|folder| folder.is_dir());
        if let Some(folder) = usual.filter(|_| !seen.contains_key(name)) {
            seen.insert(name.to_string(), folder.display().to_string());
        }
    }
    seen.entry("LANG".to_string()).or_insert_with(|| "C.UTF-8".to_string());
    for (name, value) in [("HOME", HOME), ("TMPDIR", "/tmp"), ("USER", "loom"), ("LOGNAME", "loom"), ("SHELL", "/bin/sh")] {
        seen.insert(name.to_string(), value.to_string());
    }
    seen
}

/// The host's PATH without what children do not see.
pub(super) fn path(host: &HostEnvironment, sees: impl Fn(&Path) -> bool) -> String {
    let folders: Vec<String> =
        host.path().iter().filter(|folder| sees(folder)).filter_map(|folder| folder.to_str().map(str::to_string)).collect();
    folders.join(":")
}

fn always(name: &str) -> bool {
    ALWAYS.contains(&name) || name.starts_with("LC_")
}

fn reaches_out(name: &str) -> bool {
    let npm = name.to_ascii_lowercase();
    NETWORK.contains(&name) || npm.strip_prefix("npm_config_").is_some_and(|key| NPM.contains(&key))
}

/// `https://user:password@host/`, or a token in the user's place.
pub(super) fn carries_password(value: &str) -> bool {
    value.split_whitespace().any(|word| {
        let Some((_, rest)) = word.split_once("://") else { return false };
        rest.split('/').next().is_some_and(|authority| authority.contains('@'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(variables: &[(&str, &str)]) -> HostEnvironment {
        variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn registries_are_for_children_with_network_and_passwords_for_none() {
        let host = host(&[
            ("npm_config_registry", "https://n.example/"),
            ("npm_config__authToken", "planted"),
            ("PIP_EXTRA_INDEX_URL", "https://a.example/ https://token@b.example/simple"),
            ("HTTP_PROXY", "http://proxy.example:3128"),
            ("AWS_SECRET_ACCESS_KEY", "planted"),
        ]);
        let networked = variables(&host, &[], Network::Host);
        assert_eq!(networked["npm_config_registry"], "https://n.example/");
        assert!(networked.contains_key("HTTP_PROXY") && !networked.contains_key("PIP_EXTRA_INDEX_URL"));
        assert!(!variables(&host, &[], Network::Private).contains_key("npm_config_registry"));
        assert!(!networked.values().any(|value| value == "planted"));
        let named = variables(&host, &["PIP_EXTRA_INDEX_URL".into()], Network::Private);
        assert!(named["PIP_EXTRA_INDEX_URL"].contains("token@"), "what the maintainer names is passed as it is");
    }

    #[test]
    fn a_pinned_toolchain_is_not_overridden_by_the_one_that_runs_loom() {
        let chosen = [("RUSTUP_TOOLCHAIN", "nightly")];
        assert_eq!(variables(&host(&chosen), &[], Network::Private)["RUSTUP_TOOLCHAIN"], "nightly");
        let run = [chosen[0], ("CARGO_MANIFEST_DIR", "/src/loom")];
        assert!(!variables(&host(&run), &[], Network::Private).contains_key("RUSTUP_TOOLCHAIN"));
    }

    #[test]
    fn an_at_sign_in_a_path_is_no_password() {
        assert!(!carries_password("https://h.example/@scope/x"));
        assert!(carries_password("//h.example/ socks5://u:p@proxy"));
    }
}
