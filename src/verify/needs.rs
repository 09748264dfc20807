//! Tests that are red because something outside of the repository is not there: a database, a service, the network.
//! They are told as not run, with what they need; a new test of this kind proves nothing and blames nobody. Pure.

use std::sync::LazyLock;

use regex::Regex;

use super::facts::some_of;
use crate::runner::{Fault, Outcome, Report, TestId};

/// What programs say when nobody answers.
const SIGNS: [&str; 20] = [
    "Connection refused",
    "connection refused",
    "ECONNREFUSED",
    "ENOTFOUND",
    "EAI_AGAIN",
    "ENETUNREACH",
    "Network is unreachable",
    "network is unreachable",
    "No route to host",
    "Temporary failure in name resolution",
    "Name or service not known",
    "nodename nor servname",
    "Could not resolve host",
    "no such host",
    "failed to lookup address",
    "php_network_getaddresses",
    "could not connect to server",
    "Can't connect to",
    "UnknownHostException",
    "NameResolutionError",
];

static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?P<host>localhost|::1|\d{1,3}(?:\.\d{1,3}){3}|[A-Za-z0-9][\w-]*(?:\.[\w-]+)*\.[a-z]{2,})["')\]]*(?:, |:| )(?:(?:TCP )?port )?(?P<port>\d{2,5})\b"#)
        .expect("a constant pattern that the tests compile")
});
static HOST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:ENOTFOUND|EAI_AGAIN|resolve host:?|lookup|resolve|UnknownHostException:|getaddresses: getaddrinfo for|getaddrinfo\()\s*["'(]*(?P<host>[A-Za-z0-9][\w-]*(?:\.[\w-]+)+)"#)
        .expect("a constant pattern that the tests compile")
});

/// What a failure needed and did not find.
pub fn of(fault: &Fault) -> Option<String> {
    let said = format!("{}\n{}", fault.message, fault.trace);
    if !SIGNS.iter().any(|sign| said.contains(sign)) {
        return None;
    }
    let address = ADDRESS.captures(&said).map(|found| format!("{}:{}", &found["host"], &found["port"]));
    Some(
        address
            .or_else(|| HOST.captures(&said).map(|found| found["host"].to_owned()))
            .unwrap_or_else(|| "a service or the network".to_owned()),
    )
}

/// Sorts tests that are red in both reports: those that need something go, and a sentence is told for each such thing.
pub fn sort(red: &mut Vec<TestId>, before: &Report, now: &Report) -> Vec<String> {
    let need = |report: &Report, id: &TestId| match report.cases.get(id).map(|case| &case.outcome) {
        Some(Outcome::Failed(fault)) => of(fault),
        _ => None,
    };
    let mut needs: Vec<(String, Vec<TestId>)> = Vec::new();
    red.retain(|id| {
        let Some(what) = need(before, id).filter(|_| need(now, id).is_some()) else { return true };
        match needs.iter_mut().find(|(known, _)| *known == what) {
            Some((_, tests)) => tests.push(id.clone()),
            None => needs.push((what, vec![id.clone()])),
        }
        false
    });
    let told = needs.iter().map(|(what, tests)| format!("Not run: needs {what}: {}.", some_of(tests.iter().map(TestId::as_str))));
    told.collect()
}

/// The cause why nothing can be known, when a new or changed test needs something that is not there.
pub fn unproven(failing: &[TestId], now: &Report) -> Option<String> {
    failing.iter().find_map(|id| match now.cases.get(id).map(|case| &case.outcome) {
        Some(Outcome::Failed(fault)) => Some((id, of(fault)?)),
        _ => None,
    })
    .map(|(id, what)| format!("`{id}` was not run: it needs {what}, which tests do not reach here (`sandbox.allow` lets a service on this machine through)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::FaultKind;

    fn needs(message: &str) -> Option<String> {
        of(&Fault { kind: FaultKind::Error, message: message.into(), trace: String::new() })
    }

    #[test]
    fn what_is_missing_is_named() {
        for (message, what) in [
            ("connect ECONNREFUSED 127.0.0.1:5432", "127.0.0.1:5432"),
            ("connection to server at \"localhost\" (127.0.0.1), port 5432 failed: Connection refused", "127.0.0.1:5432"),
            ("dial tcp 127.0.0.1:6379: connect: connection refused", "127.0.0.1:6379"),
            ("socket.create_connection((\"127.0.0.1\", 5432))\nConnectionRefusedError: [Errno 111] Connection refused", "127.0.0.1:5432"),
            ("getaddrinfo ENOTFOUND api.example.org", "api.example.org"),
            ("Could not resolve host: api.example.org", "api.example.org"),
            ("[Errno -3] Temporary failure in name resolution", "a service or the network"),
        ] {
            assert_eq!(needs(message).as_deref(), Some(what), "{message}");
        }
        assert_eq!(needs("assert 127.0.0.1:80 == 3"), None);
    }
}
