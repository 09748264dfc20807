//! Everything the fake knows, as plain data, and the few rules that keep it consistent.

use std::collections::BTreeMap;

use super::{Fault, REPO};

/// The whole state of the fake.
#[derive(Debug)]
pub struct State {
    /// Former names that redirect to the repository.
    pub former_names: Vec<String>,
    pub private: bool,
    pub drafts_supported: bool,
    pub actions_may_open_pulls: bool,
    /// Role by login.
    pub roles: BTreeMap<String, String>,
    pub tokens: BTreeMap<String, Token>,
    /// Colour by name.
    pub labels: BTreeMap<String, String>,
    /// Issues and pull requests by their common number.
    pub issues: BTreeMap<u64, Issue>,
    pub comments: Vec<Comment>,
    pub events: Vec<Event>,
    pub check_runs: Vec<CheckRun>,
    pub faults: Vec<Fault>,
    pub requests: Vec<String>,
    /// Numbers of issues that went to another repository.
    pub transferred: BTreeMap<u64, String>,
    moment: i64,
}

/// What a token may do and for whom it speaks.
#[derive(Debug, Clone)]
pub struct Token {
    pub login: String,
    pub rights: Rights,
}

/// A person's token can do what the person can; an app's has permissions.
#[derive(Debug, Clone)]
pub enum Rights {
    Person,
    App(BTreeMap<&'static str, &'static str>),
}

#[derive(Debug, Clone)]
pub struct Issue {
    pub title: String,
    pub body: Option<String>,
    pub author: String,
    pub open: bool,
    pub locked: bool,
    pub labels: Vec<String>,
    pub pull: Option<Pull>,
}

#[derive(Debug, Clone)]
pub struct Pull {
    pub head: String,
    pub base: String,
    pub draft: bool,
    pub reviewers: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Comment {
    pub id: u64,
    pub issue: u64,
    pub author: String,
    pub body: String,
    pub at: String,
}

#[derive(Debug, Clone)]
pub struct CheckRun {
    pub id: u64,
    pub commit: String,
    pub name: String,
    pub external_id: String,
    pub status: String,
    pub conclusion: Option<String>,
    pub title: String,
    pub summary: String,
}

#[derive(Debug, Clone)]
pub struct Event {
    pub id: u64,
    pub issue: u64,
    pub kind: &'static str,
    pub actor: String,
    pub label: String,
    pub at: String,
}

const PEOPLE: [(&str, &str); 7] = [
    ("octo-admin", "admin"),
    ("maya", "maintain"),
    ("wes", "write"),
    ("loom-bot", "write"),
    ("trina", "triage"),
    ("rita", "read"),
    ("mallory", "none"),
];

impl State {
    pub(super) fn fresh() -> State {
        let tokens = PEOPLE.map(|(login, _)| (format!("token-of-{login}"), Token { login: login.into(), rights: Rights::Person }));
        State {
            former_names: Vec::new(),
            private: false,
            drafts_supported: true,
            actions_may_open_pulls: true,
            roles: PEOPLE.map(|(login, role)| (login.to_owned(), role.to_owned())).into(),
            tokens: tokens.into(),
            labels: BTreeMap::from([("bug".to_owned(), "d73a4a".to_owned())]),
            issues: BTreeMap::new(),
            comments: Vec::new(),
            events: Vec::new(),
            check_runs: Vec::new(),
            faults: Vec::new(),
            requests: Vec::new(),
            transferred: BTreeMap::new(),
            moment: 1_767_607_200,
        }
    }

    /// A token as a workflow gets it, with these permissions.
    pub fn workflow_token(&mut self, rights: &[(&'static str, &'static str)]) -> String {
        let text = format!("token-of-a-workflow-{}", self.tokens.len());
        let rights = Rights::App(rights.iter().copied().collect());
        self.tokens.insert(text.clone(), Token { login: "github-actions[bot]".into(), rights });
        text
    }

    /// The next moment: each thing that happens has its own.
    pub(super) fn now(&mut self) -> String {
        self.moment += 1;
        jiff::Timestamp::from_second(self.moment).unwrap().to_string()
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(REPO)
    }

    pub fn open_issue(&mut self, title: &str, body: &str, author: &str) -> u64 {
        let body = (!body.is_empty()).then(|| body.to_owned());
        self.add(Issue { title: title.into(), body, author: author.into(), open: true, locked: false, labels: Vec::new(), pull: None })
    }

    /// A pull request to `main` from this branch, which may be a fork's.
    pub fn open_pull(&mut self, title: &str, author: &str, head: &str) -> u64 {
        let pull = Some(Pull { head: head.into(), base: "main".into(), draft: false, reviewers: Vec::new() });
        self.add(Issue { title: title.into(), body: None, author: author.into(), open: true, locked: false, labels: Vec::new(), pull })
    }

    pub(super) fn add(&mut self, issue: Issue) -> u64 {
        let number = self.issues.keys().next_back().map_or(1, |last| last + 1);
        self.issues.insert(number, issue);
        number
    }

    pub fn label(&mut self, number: u64, label: &str, actor: &str) {
        self.labels.entry(label.to_owned()).or_insert_with(|| "ededed".into());
        let issue = self.issues.get_mut(&number).unwrap();
        if !issue.labels.iter().any(|known| known.eq_ignore_ascii_case(label)) {
            issue.labels.push(label.to_owned());
            self.happened(number, "labeled", actor, label);
        }
    }

    pub fn unlabel(&mut self, number: u64, label: &str, actor: &str) {
        self.issues.get_mut(&number).unwrap().labels.retain(|known| !known.eq_ignore_ascii_case(label));
        self.happened(number, "unlabeled", actor, label);
    }

    pub fn happened(&mut self, issue: u64, kind: &'static str, actor: &str, label: &str) {
        let (id, at) = (70_001 + self.events.len() as u64, self.now());
        self.events.push(Event { id, issue, kind, actor: actor.into(), label: label.into(), at });
    }

    pub fn comment(&mut self, issue: u64, author: &str, body: &str) -> u64 {
        let id = self.comments.last().map_or(90_001, |last| last.id + 1);
        let at = self.now();
        self.comments.push(Comment { id, issue, author: author.into(), body: body.into(), at });
        id
    }

    /// All pull requests, oldest first.
    pub fn pulls(&self) -> Vec<(u64, &Issue, &Pull)> {
        self.issues.iter().filter_map(|(number, issue)| Some((*number, issue, issue.pull.as_ref()?))).collect()
    }

    /// Bodies of an issue's comments that hold `text`.
    pub fn comments_with(&self, issue: u64, text: &str) -> Vec<&str> {
        let here = self.comments.iter().filter(|comment| comment.issue == issue && comment.body.contains(text));
        here.map(|comment| comment.body.as_str()).collect()
    }

    pub(super) fn role(&self, login: &str) -> &str {
        match self.roles.get(login).map(String::as_str) {
            None | Some("none") if !self.private => "read",
            Some(role) => role,
            None => "none",
        }
    }

    pub(super) fn association(&self, login: &str) -> &'static str {
        match self.roles.get(login).map(String::as_str) {
            Some("admin" | "maintain") => "MEMBER",
            Some("write" | "triage") => "COLLABORATOR",
            _ => "NONE",
        }
    }
}
