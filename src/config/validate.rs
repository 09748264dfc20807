//! Do the values make sense? Everything that can be known without the network or the disk, all of it reported together.

use globset::Glob;
use url::Url;

use super::{Config, Resolved, Source, Span, secrets};

/// Nothing that loom waits for takes longer than a day.
const LONGEST: Span = Span::minutes(24 * 60);
const RUNNERS: [&str; 16] = [
    "cargo", "nextest", "pytest", "unittest", "jest", "vitest", "mocha", "ava", "node", "go", "phpunit", "rspec", "minitest", "prove",
    "tap", "junit",
];
const PROVIDERS: [&str; 4] = ["anthropic", "openai", "compatible", "replay"];
const KEYWORDS: [&str; 10] = ["close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved", "refs"];

/// All that is wrong, one line each: the key, why, and where the value came from.
pub(super) fn problems(resolved: &Resolved) -> Vec<String> {
    let mut check = Check { resolved, problems: Vec::new() };
    model(&mut check, &resolved.config);
    limits(&mut check, &resolved.config);
    repository(&mut check, &resolved.config);
    sandbox(&mut check, &resolved.config);
    github(&mut check, &resolved.config);
    publishing(&mut check, &resolved.config);
    check.problems
}

struct Check<'a> {
    resolved: &'a Resolved,
    problems: Vec<String>,
}

impl Check<'_> {
    fn refuse(&mut self, key: &str, why: impl std::fmt::Display) {
        self.problems.push(format!("{key}: {why} (from {})", self.resolved.source(key)));
    }

    fn demand(&mut self, holds: bool, key: &str, why: impl std::fmt::Display) {
        if !holds {
            self.refuse(key, why);
        }
    }

    fn url(&mut self, key: &str, text: &str) {
        match Url::parse(text) {
            Err(error) => self.refuse(key, format_args!("{text:?} is no URL: {error}")),
            Ok(url) if !matches!(url.scheme(), "http" | "https") => self.refuse(key, format_args!("{text:?} must begin with https://")),
            // Not shown: the user part may be a password.
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                self.refuse(key, "a URL of the settings carries no user or password; keys come from environment variables");
            }
            Ok(url) => self.demand(url.query().is_none() && url.fragment().is_none(), key, "a base URL has no ? or #"),
        }
    }

    fn globs(&mut self, key: &str, patterns: &[String]) {
        for pattern in patterns {
            if let Err(error) = Glob::new(pattern) {
                self.refuse(key, format_args!("{pattern:?} is no glob: {error}"));
            }
        }
    }
}

fn model(check: &mut Check<'_>, config: &Config) {
    let model = &config.model;
    let (provider, name) = model.name.split_once('/').unwrap_or((&model.name, ""));
    if !model.name.is_empty() && (!PROVIDERS.contains(&provider) || name.is_empty() || name.chars().any(char::is_control)) {
        check.refuse("model.name", format_args!("{:?} is not PROVIDER/NAME with one of {}", model.name, PROVIDERS.join(", ")));
    }
    if let Some(url) = &model.base_url {
        check.url("model.base_url", url);
    } else if provider == "compatible" {
        check.refuse("model.name", "compatible/NAME needs model.base_url, the address of the server's API");
    }
    if let Some(name) = &model.api_key_env {
        check.demand(is_variable(name), "model.api_key_env", "is the name of an environment variable, not the key itself");
    }
    for (name, value) in &model.headers {
        let sendable = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) && !name.is_empty();
        // The value may be a secret, so it is not shown.
        check.demand(
            sendable && !value.chars().any(char::is_control),
            "model.headers",
            format_args!("{name:?} cannot be sent as a header"),
        );
    }
    check.demand(model.temperature.is_none_or(|t| (0.0..=2.0).contains(&t)), "model.temperature", "must be from 0 to 2");
    check.demand((256..=1_000_000).contains(&model.max_output_tokens), "model.max_output_tokens", "must be from 256 to 1,000,000");
}

fn limits(check: &mut Check<'_>, config: &Config) {
    let spans = [
        ("model.idle_timeout", config.model.idle_timeout),
        ("model.retry_budget", config.model.retry_budget),
        ("agent.timeout", config.agent.timeout),
        ("agent.command_timeout", config.agent.command_timeout),
        ("test.setup_timeout", config.test.setup_timeout),
        ("test.build_timeout", config.test.build_timeout),
        ("gate.mutants_budget", config.gate.mutants_budget),
        ("test.timeout", config.test.timeout),
        ("test.case_timeout", config.test.case_timeout),
        ("gate.budget", config.gate.budget),
        ("checks.timeout", config.checks.timeout),
        ("github.write_interval", config.github.write_interval),
        ("github.retry_budget", config.github.retry_budget),
    ];
    for (key, span) in spans {
        check.demand(span <= LONGEST, key, format_args!("{span} is more than a day"));
    }
    check.demand((1..=1000).contains(&config.agent.max_turns), "agent.max_turns", "must be from 1 to 1,000");
    check.demand(config.agent.max_tokens >= 1000, "agent.max_tokens", "must be at least 1,000");
    check.demand(config.agent.repair_rounds <= 10, "agent.repair_rounds", "must be at most 10");
    check.demand((1..=20).contains(&config.gate.reruns), "gate.reruns", "must be from 1 to 20");
    check.demand(config.gate.mutants <= 200, "gate.mutants", "must be at most 200");
}

fn repository(check: &mut Check<'_>, config: &Config) {
    let test = &config.test;
    let blank = |text: &String| text.trim().is_empty() || text.contains('\0');
    if let Some(runner) = &test.runner {
        check.demand(RUNNERS.contains(&runner.as_str()), "test.runner", format_args!("{runner:?} is none of {}", RUNNERS.join(", ")));
    }
    check.demand(!test.command.as_ref().is_some_and(blank), "test.command", "is empty; leave it out to have it detected");
    check.demand(!test.setup.iter().flatten().any(blank), "test.setup", "one of its commands is empty");
    check.demand(!test.build.iter().any(blank), "test.build", "one of its commands is empty");
    check.globs("test.junit", test.junit.as_slice());
    check.demand(test.junit.as_ref().is_none_or(|path| is_inside(path)), "test.junit", "must be a glob below the root");
    check.demand(test.paths.iter().all(|path| is_inside(path)), "test.paths", "must be folders below the root");
    check.globs("gate.protected", &config.gate.protected);
    let word = |name: &String| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    check.demand(config.gate.allow.iter().all(word), "gate.allow", "holds names of findings, like tampering-skipped-test");
}

fn sandbox(check: &mut Check<'_>, config: &Config) {
    for service in &config.sandbox.allow {
        let local = Url::parse(&format!("tcp://{service}"))
            .is_ok_and(|url| secrets::is_loopback(&url) && url.port().is_some_and(|p| p > 0))
            || service.parse::<std::net::SocketAddr>().is_ok_and(|address| address.ip().is_loopback() && address.port() > 0);
        check.demand(local, "sandbox.allow", format_args!("{service:?} is no service of this machine, like 127.0.0.1:5432"));
    }
    for folder in &config.sandbox.read {
        check.demand(folder.is_absolute(), "sandbox.read", format_args!("{} must be an absolute path", folder.display()));
    }
    for name in &config.sandbox.env {
        check.demand(is_variable(name), "sandbox.env", format_args!("{name:?} is no name of an environment variable"));
        check.demand(
            !secrets::is_secret_variable(config, name),
            "sandbox.env",
            format_args!("{name} holds a key; model-written code never sees one"),
        );
    }
    let found = matches!(check.resolved.source("sandbox.unsafe_none"), Source::File { found: true, .. });
    check.demand(
        !(config.sandbox.unsafe_none && found),
        "sandbox.unsafe_none",
        "a file that merely lies in the working folder cannot take the sandbox away; --unsafe-no-sandbox can",
    );
    check.demand(config.sandbox.memory_mib.is_none_or(|mib| mib >= 64), "sandbox.memory_mib", "must be at least 64");
}

fn github(check: &mut Check<'_>, config: &Config) {
    let github = &config.github;
    check.url("github.api_url", &github.api_url);
    if let Some(url) = &github.server_url {
        check.url("github.server_url", url);
    }
    if let Some(base) = &github.base {
        check.demand(is_branch(base), "github.base", format_args!("{base:?} is no branch name"));
    }
    let labels = &github.labels;
    let words = [
        ("github.labels.ready", &labels.ready),
        ("github.labels.running", &labels.running),
        ("github.labels.completed", &labels.completed),
        ("github.labels.failed", &labels.failed),
        ("github.labels.needs_info", &labels.needs_info),
    ];
    for (at, (key, label)) in words.iter().enumerate() {
        check.demand(is_label(label), key, format_args!("{label:?} is no label: 1 to 50 characters, no comma"));
        let twice = words[..at].iter().any(|(_, other)| other.eq_ignore_ascii_case(label));
        check.demand(!twice, key, format_args!("{label:?} already stands for another state"));
    }
}

fn publishing(check: &mut Check<'_>, config: &Config) {
    let pull_request = &config.pull_request;
    for login in &pull_request.reviewers {
        let allowed = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        let known = login.split('/').count() <= 2 && login.split('/').all(allowed);
        check.demand(known, "pull_request.reviewers", format_args!("{login:?} is no login, nor a team like acme/core"));
    }
    check.demand(
        pull_request.labels.iter().all(|label| is_label(label)),
        "pull_request.labels",
        "a label has 1 to 50 characters, no comma",
    );
    let template = pull_request.template.as_ref();
    check.demand(template.is_none_or(|path| is_inside(path)), "pull_request.template", "must be a file below the repository's root");
    let prefix = &pull_request.branch_prefix;
    // A branch's name begins with the prefix, so the prefix is tried with what follows it.
    let usable = prefix.len() <= 100 && is_branch(&format!("{prefix}issue-1"));
    check.demand(usable && !prefix.is_empty(), "pull_request.branch_prefix", format_args!("no branch name can begin with {prefix:?}"));
    let keyword = pull_request.keyword.to_lowercase();
    check.demand(KEYWORDS.contains(&keyword.as_str()), "pull_request.keyword", "must be Closes, Fixes, Resolves or Refs");
    let plain = |text: &str| !text.trim().is_empty() && !text.contains(|c: char| c.is_control() || "<>".contains(c));
    check.demand(plain(&config.git.name), "git.name", "must be a name without < and >");
    check.demand(plain(&config.git.email) && config.git.email.contains('@'), "git.email", "must be an address");
}

fn is_variable(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && name.bytes().next().is_some_and(|b| !b.is_ascii_digit())
}

fn is_label(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= 50 && !text.contains(|c: char| c.is_control() || c == ',')
}

fn is_inside(path: &str) -> bool {
    !path.is_empty() && !path.starts_with('/') && !path.contains('\0') && path.split('/').all(|part| part != "..")
}

/// The rules of `git check-ref-format`, and no leading dash, which programs take for an option.
fn is_branch(name: &str) -> bool {
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    !name.starts_with('-')
        && !name.ends_with('.')
        && name != "@"
        && !name.contains("..")
        && !name.contains("@{")
        && !name.contains(|c: char| c.is_control() || " ~^:?*[\\".contains(c))
        && name.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use crate::config::{HostEnvironment, Inputs, Resolved};

    fn load(text: &str) -> crate::error::Result<Resolved> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("loom.toml"), text).unwrap();
        Resolved::load(&Inputs { folder: folder.path().to_owned(), environment: HostEnvironment::default(), ..Inputs::default() })
    }

    #[test]
    fn the_defaults_make_sense() {
        load("").unwrap();
    }

    #[test]
    fn all_problems_come_together_with_their_place() {
        let failure = load("[model]\nname = \"gpt\"\n[agent]\nmax_turns = 0\n[pull_request]\nbranch_prefix = \"a b\"\n").unwrap_err();
        let text = failure.line();
        assert!(text.starts_with("3 settings are wrong"), "{text}");
        assert!(text.contains("model.name: \"gpt\" is not PROVIDER/NAME") && text.contains("(from loom.toml:4:1)"), "{text}");
    }

    #[test]
    fn each_rule_can_fail() {
        let wrong = [
            "[model]\nname = \"compatible/x\"",
            "[model]\nbase_url = \"ftp://x\"",
            "[model]\nbase_url = \"https://user:pass@x.example\"",
            "[model]\napi_key_env = \"sk-123\"",
            "[model]\ntemperature = 3",
            "[model]\nmax_output_tokens = 0",
            "[model.headers]\n\"a b\" = \"x\"",
            "[agent]\ntimeout = \"48h\"",
            "[test]\nrunner = \"karma\"",
            "[test]\ncommand = \" \"",
            "[test]\njunit = \"../x.xml\"",
            "[test]\npaths = [\"/etc\"]",
            "[gate]\nprotected = [\"a[\"]",
            "[gate]\nallow = [\"Skipped Test\"]",
            "[sandbox]\nallow = [\"10.0.0.1:80\"]",
            "[sandbox]\nallow = [\"127.0.0.1\"]",
            "[sandbox]\nread = [\"here\"]",
            "[sandbox]\nenv = [\"GITHUB_TOKEN\"]",
            "[sandbox]\nenv = [\"A=B\"]",
            "[sandbox]\nunsafe_none = true",
            "[github]\napi_url = \"github.com\"",
            "[github]\nbase = \"-x\"",
            "[github.labels]\nready = \"LOOM:running\"",
            "[pull_request]\nreviewers = [\"a b\"]",
            "[pull_request]\ntemplate = \"/etc/passwd\"",
            "[pull_request]\nkeyword = \"Maybe\"",
            "[git]\nname = \"a <b>\"",
            "[git]\nemail = \"nobody\"",
        ];
        for text in wrong {
            assert!(load(text).is_err(), "{text}");
        }
        let right = "[sandbox]\nallow = [\"127.0.0.1:5432\", \"localhost:6379\", \"[::1]:80\"]\n[pull_request]\nbranch_prefix = \"bot-\"\n\
                     reviewers = [\"ann\", \"acme/core\"]\n[github]\nbase = \"release/1.x\"\n";
        load(right).unwrap();
    }

    #[test]
    fn a_password_in_a_url_is_not_repeated() {
        let failure = load("[model]\nbase_url = \"https://user:hunter2@x.example\"").unwrap_err();
        assert!(!failure.line().contains("hunter2"));
    }
}
