//! What a refusal means and what to do about it: GitHub's answer as a failure with hints.
//! Owns the words; whether another try helps was judged before.

use std::fmt;

use serde_json::Value;

use super::line::Answer;
use crate::error::{Failure, Kind};

/// GitHub's own words about a refusal.
#[derive(Debug, Default)]
pub(super) struct Words {
    message: String,
    errors: Vec<String>,
    page: Option<String>,
}

impl Words {
    /// Reads what is there; a page of HTML becomes its plain text.
    pub(super) fn of(answer: &Answer) -> Words {
        let Ok(Value::Object(body)) = serde_json::from_str(&answer.body) else {
            return Words { message: plain(&answer.body), ..Words::default() };
        };
        let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
        let errors = body.get("errors").and_then(Value::as_array).map(|errors| errors.iter().map(one_error).collect());
        Words {
            message: text("message").unwrap_or_else(|| "no message".into()),
            errors: errors.unwrap_or_default(),
            page: text("documentation_url"),
        }
    }

    /// Whether any of the words holds this phrase.
    pub(super) fn mention(&self, phrase: &str) -> bool {
        let phrase = phrase.to_ascii_lowercase();
        self.errors.iter().chain([&self.message]).any(|text| text.to_ascii_lowercase().contains(&phrase))
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.errors.is_empty() {
            write!(f, ": {}", self.errors.join("; "))?;
        }
        Ok(())
    }
}

fn one_error(error: &Value) -> String {
    let text = |key: &str| error.get(key).and_then(Value::as_str);
    match (error.as_str(), text("message")) {
        (Some(text), _) | (None, Some(text)) => text.to_owned(),
        (None, None) => ["resource", "field", "code"].iter().filter_map(|key| text(key)).collect::<Vec<_>>().join(" "),
    }
}

/// The first words of a page, without its tags.
fn plain(page: &str) -> String {
    let mut inside = false;
    let text: String = page
        .chars()
        .map(|c| match c {
            '<' => {
                inside = true;
                ' '
            }
            '>' => {
                inside = false;
                ' '
            }
            _ if inside => ' ',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect();
    let words = text.split_whitespace().take(20).collect::<Vec<_>>().join(" ");
    if words.is_empty() { "no message".into() } else { words }
}

/// The failure that a final, bad answer means. `anonymous` when no token was sent.
pub(super) fn refusal(answer: &Answer, anonymous: bool) -> Failure {
    let words = Words::of(answer);
    let failure = Failure::new(kind(answer.status, anonymous), format_args!("GitHub answered {}: {words}", answer.status));
    let failure = advice(answer, &words, anonymous).into_iter().fold(failure, Failure::hint);
    match words.page.filter(|_| answer.status != 404) {
        Some(page) => failure.hint(format!("GitHub points to {page}")),
        None => failure,
    }
}

fn kind(status: u16, anonymous: bool) -> Kind {
    match status {
        401 => Kind::Config,
        403 if anonymous => Kind::Config,
        _ => Kind::Forge,
    }
}

fn advice(answer: &Answer, words: &Words, anonymous: bool) -> Vec<String> {
    match answer.status {
        401 | 403 if anonymous => vec!["set GITHUB_TOKEN to a token that may do this".into()],
        401 => vec!["set GITHUB_TOKEN to a valid token: this one has expired, was revoked or is for another server".into()],
        403 | 404 if answer.header("x-github-sso").is_some() => vec![single_sign_on(answer)],
        403 => forbidden(answer, words),
        404 if anonymous => vec!["private repositories need a token: set GITHUB_TOKEN".into()],
        404 => vec!["check the spelling, and that the token in GITHUB_TOKEN can see the repository".into()],
        410 => vec!["it was deleted, or issues are switched off in this repository".into()],
        451 => vec!["the repository is blocked for legal reasons".into()],
        _ => Vec::new(),
    }
}

fn forbidden(answer: &Answer, words: &Words) -> Vec<String> {
    if words.mention("not permitted to create or approve pull requests") {
        return vec![
            "allow it in Settings > Actions > General > Workflow permissions > \"Allow GitHub Actions to create and approve pull requests\" \
             (an organisation may forbid it above the repository)"
                .into(),
            "or set GITHUB_TOKEN to the token of a GitHub App or of a person".into(),
        ];
    }
    if words.mention("locked") {
        return vec!["the conversation is locked: unlock it, or give the token's owner write access".into()];
    }
    if words.mention("archived") {
        return vec!["the repository is archived and can only be read: unarchive it first".into()];
    }
    missing_right(answer)
}

/// Fine-grained tokens and apps are told the permissions, classic tokens the scopes.
fn missing_right(answer: &Answer) -> Vec<String> {
    if let Some(needed) = answer.header("x-accepted-github-permissions").filter(|needed| !needed.is_empty()) {
        let needed = needed.replace('=', ": ").replace(';', " or ").replace(',', " and ");
        let needed = needed.split_whitespace().collect::<Vec<_>>().join(" ");
        return vec![
            format!("the token lacks a permission: {needed}"),
            "loom needs `contents: write`, `issues: write` and `pull-requests: write`: in a workflow below `permissions:`, for a \
             fine-grained token or an app in its settings"
                .into(),
        ];
    }
    let scopes = |name: &str| answer.header(name).map(str::trim).filter(|scopes| !scopes.is_empty());
    let mut advice = vec!["the owner of the token needs write access to the repository".to_owned()];
    if let Some(needed) = scopes("x-accepted-oauth-scopes") {
        advice.push(format!("the token has the scopes {}; one of {needed} is needed", scopes("x-oauth-scopes").unwrap_or("none")));
    }
    advice
}

fn single_sign_on(answer: &Answer) -> String {
    let page = answer.header("x-github-sso").and_then(|header| header.split("url=").nth(1)).unwrap_or("the organisation's page");
    format!("the organisation wants single sign-on: authorise the token at {page}")
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn refused(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Failure {
        let headers =
            HeaderMap::from_iter(headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))));
        refusal(&Answer { status, headers, body: body.into() }, false)
    }

    #[test]
    fn validation_errors_are_dug_out() {
        let failure = refused(
            422,
            &[],
            r#"{"message":"Validation Failed","errors":[{"resource":"PullRequest","field":"head","code":"invalid"},{"message":"No commits"},"odd"]}"#,
        );
        assert_eq!(failure.line(), "GitHub answered 422: Validation Failed: PullRequest head invalid; No commits; odd");
        assert_eq!(failure.kind, Kind::Forge);
    }

    #[test]
    fn the_missing_right_is_named() {
        let headers = [("x-accepted-github-permissions", "issues=write; pull_requests=write")];
        let failure = refused(403, &headers, r#"{"message":"Resource not accessible by integration"}"#);
        assert_eq!(failure.hints[0], "the token lacks a permission: issues: write or pull_requests: write");
        let headers = [("x-oauth-scopes", "read:org"), ("x-accepted-oauth-scopes", "repo")];
        let failure = refused(403, &headers, r#"{"message":"Must have push access"}"#);
        assert_eq!(failure.hints[1], "the token has the scopes read:org; one of repo is needed");
    }

    #[test]
    fn a_bad_token_is_a_matter_of_configuration() {
        let failure = refused(401, &[], r#"{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest"}"#);
        assert_eq!(failure.kind, Kind::Config);
        assert!(failure.hints[0].contains("GITHUB_TOKEN"));
        assert_eq!(failure.hints[1], "GitHub points to https://docs.github.com/rest");
    }

    #[test]
    fn a_page_of_html_becomes_words() {
        let failure = refused(502, &[], "<html><body><h1>502 Bad\nGateway</h1>\x1b[31mUnicorn!</body></html>");
        assert_eq!(failure.line(), "GitHub answered 502: 502 Bad Gateway [31mUnicorn!");
        assert_eq!(refused(500, &[], "").line(), "GitHub answered 500: no message");
    }

    #[test]
    fn workflows_that_may_not_open_pull_requests_are_told_where_to_allow_it() {
        let failure = refused(403, &[], r#"{"message":"GitHub Actions is not permitted to create or approve pull requests."}"#);
        assert!(failure.hints[0].contains("Settings > Actions > General"), "{:?}", failure.hints);
    }
}
