//! Where the user's package managers get packages from, without what opens private ones: copies of their settings
//! with nothing left in them but mirrors, proxies and certificates.
//!
//! Cargo's are shown to every child: the names of its cached packages depend on the registry they came from, so that a
//! build without network must know the mirror too. pip's and npm's are for children with network only.

use std::path::{Path, PathBuf};

use super::Network;
use super::environment::carries_password;
use super::layout::Layout;
use crate::config::HostEnvironment;
use crate::error::{Kind, OrFail, Result};

/// Cargo looks for `.cargo/config.toml` in every folder above the working one; this is above all of them.
const CARGO: &str = "/.cargo/config.toml";
const PIP: &str = "/etc/loom/pip.conf";
const NPM: &str = "/etc/loom/npmrc";

/// Cargo's tables that say where packages come from. `[build]`, `[env]` and the like would change what is built.
const CARGO_TABLES: [&str; 5] = ["source", "registries", "registry", "net", "http"];
/// Keys in them that are secret, or that start a program which asks for one.
const CARGO_SECRETS: [&str; 4] = ["token", "secret-key", "credential-provider", "global-credential-providers"];
/// npm's settings that say where packages, and node's headers for native ones, come from; `@scope:registry` beside them.
const NPM_KEYS: [&str; 11] = [
    "registry",
    "cafile",
    "ca",
    "strict-ssl",
    "proxy",
    "https-proxy",
    "noproxy",
    "nodedir",
    "replace-registry-host",
    "omit-lockfile-registry-resolved",
    "fetch-timeout",
];
/// The same for pip.
const PIP_KEYS: [&str; 9] =
    ["index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "cert", "proxy", "timeout", "retries"];

/// The copies, by where children find them.
pub(super) struct Registries {
    cargo: Option<PathBuf>,
    pip: Option<PathBuf>,
    npm: Option<PathBuf>,
}

impl Registries {
    /// Reads the user's settings and writes the copies into `folder`. What cannot be read or understood is left out:
    /// then the package manager's own defaults hold.
    pub(super) fn of(host: &HostEnvironment, folder: &Path) -> Result<Registries> {
        let home = host.home().unwrap_or(Path::new("/nonexistent"));
        let below = |variable: &str, usual: &str| host.folder(variable).unwrap_or_else(|| home.join(usual));
        let cargo = below("CARGO_HOME", ".cargo");
        let cargo = first_text(&[cargo.join("config.toml"), cargo.join("config")]).and_then(|text| cargo_sources(&text));
        let pip = [
            below("PIP_CONFIG_FILE", ".config/pip/pip.conf"),
            below("XDG_CONFIG_HOME", ".config").join("pip/pip.conf"),
            home.join(".pip/pip.conf"),
            "/etc/pip.conf".into(),
        ];
        let pip = first_text(&pip).map(|text| pip_sources(&text));
        let npm = [below("NPM_CONFIG_USERCONFIG", ".npmrc"), "/etc/npmrc".into(), "/usr/etc/npmrc".into()];
        let npm = first_text(&npm).map(|text| npm_sources(&text));
        Ok(Registries { cargo: kept(cargo, folder, "cargo.toml")?, pip: kept(pip, folder, "pip.conf")?, npm: kept(npm, folder, "npmrc")? })
    }

    /// Shows the copies a child on `network` may use.
    pub(super) fn show(&self, layout: &mut Layout, network: Network) {
        let copies = match network {
            Network::Private => vec![(&self.cargo, CARGO)],
            Network::Host => vec![(&self.cargo, CARGO), (&self.pip, PIP), (&self.npm, NPM)],
        };
        for (copy, inside) in copies {
            if let Some(copy) = copy {
                layout.read_only(copy, Path::new(inside));
            }
        }
    }

    /// The variables that lead package managers to their copies.
    pub(super) fn variables(&self, network: Network) -> Vec<(String, String)> {
        let led = [(&self.pip, "PIP_CONFIG_FILE", PIP), (&self.npm, "NPM_CONFIG_USERCONFIG", NPM)];
        match network {
            Network::Private => Vec::new(),
            Network::Host => led
                .into_iter()
                .filter(|(copy, ..)| copy.is_some())
                .map(|(_, name, inside)| (name.to_string(), inside.to_string()))
                .collect(),
        }
    }
}

fn first_text(files: &[PathBuf]) -> Option<String> {
    files.iter().find_map(|file| std::fs::read_to_string(file).ok())
}

/// Writes a copy that says something.
fn kept(text: Option<String>, folder: &Path, name: &str) -> Result<Option<PathBuf>> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    let file = folder.join(name);
    std::fs::write(&file, text).or_fail(Kind::Workspace, || format!("writing {}", file.display()))?;
    Ok(Some(file))
}

fn cargo_sources(text: &str) -> Option<String> {
    let mut settings: toml::Table = text.parse().ok()?;
    settings.retain(|table, _| CARGO_TABLES.contains(&table));
    settings.iter_mut().for_each(|(_, value)| without_secrets(value));
    toml::to_string(&settings).ok()
}

fn without_secrets(value: &mut toml::Value) {
    if let toml::Value::Table(table) = value {
        table.retain(|key, value| !CARGO_SECRETS.contains(&key) && !value.as_str().is_some_and(carries_password));
        table.iter_mut().for_each(|(_, value)| without_secrets(value));
    }
}

/// An INI file: sections are kept, continued lines go with their key.
fn pip_sources(text: &str) -> String {
    let mut keep = false;
    let lines = text.lines().filter(|line| {
        if line.trim_start().starts_with('[') {
            keep = false;
            return true;
        }
        if !line.starts_with(char::is_whitespace) {
            keep = key(line).is_some_and(|key| PIP_KEYS.contains(&key.replace('_', "-").as_str()));
        }
        keep && !carries_password(line)
    });
    lines.map(|line| format!("{line}\n")).collect()
}

fn npm_sources(text: &str) -> String {
    let source = |key: &str| NPM_KEYS.contains(&key) || key.starts_with('@') && key.ends_with(":registry");
    let lines = text.lines().filter(|line| key(line).is_some_and(source) && !carries_password(line) && !line.contains("${"));
    lines.map(|line| format!("{line}\n")).collect()
}

fn key(line: &str) -> Option<&str> {
    line.split_once('=').map(|(key, _)| key.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_keeps_its_mirror_and_no_token() {
        let text = "[source.crates-io]\nreplace-with = 'mirror'\n[source.mirror]\nregistry = 'sparse+https://m.example/'\n\
                    [registries.private]\nindex = 'https://user:planted@p.example/'\ntoken = 'planted'\n\
                    [registry]\ntoken = 'planted'\n[env]\nKEY = 'planted'\n[build]\nrustflags = ['--cfg', 'x']\n[http]\ncainfo = '/ca.pem'\n";
        let kept = cargo_sources(text).unwrap();
        assert!(kept.contains("sparse+https://m.example/") && kept.contains("/ca.pem"), "{kept}");
        assert!(!kept.contains("planted") && !kept.contains("rustflags"), "{kept}");
    }

    #[test]
    fn npm_keeps_its_registries_and_no_password() {
        let text = "registry=https://n.example/\n@acme:registry = https://a.example/\n//a.example/:_authToken=planted\n\
                    _auth=planted\nproxy=http://user:planted@proxy:1\nemail=a@b.example\n";
        assert_eq!(npm_sources(text), "registry=https://n.example/\n@acme:registry = https://a.example/\n");
    }

    #[test]
    fn pip_keeps_its_index_and_no_password() {
        let text = "[global]\nindex-url = https://p.example/simple\nextra-index-url =\n    https://e.example/\n    https://u:planted@s.example/\n\
                    keyring-provider = subprocess\n[install]\nfind_links = /wheels\n";
        let kept = pip_sources(text);
        assert!(kept.contains("https://p.example/simple") && kept.contains("https://e.example/") && kept.contains("/wheels"), "{kept}");
        assert!(!kept.contains("planted") && !kept.contains("keyring"), "{kept}");
    }
}
