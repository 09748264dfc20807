//! What a failing test says that it lacks: a service, a host, a program that is not to be had where the proof is made.
//! Such a test was not run, whoever wrote it. Pure over what was printed.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::compare::Comparison;
use super::facts::{Facts, some_of};
use crate::runner::{Fault, Outcome, Report, TestId};

/// Ports at which services wait that nobody's tests bring with them.
const SERVICES: [&str; 20] = [
    "1433", "1521", "2181", "2379", "3306", "4222", "4566", "5432", "5672", "6379", "7687", "8086", "8500", "9042", "9092", "9200",
    "11211", "26257", "27017", "50000",
];

static LACKS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        // An address that refused, by the words of Node, Go, Python's drivers, Rust, Java.
        r"ECONNREFUSED (?P<at>[\w.:\[\]-]+:\d+)",
        r"dial tcp (?P<at>[\w.:\[\]-]+:\d+): connect: (?:connection refused|network is unreachable)",
        r#"connection to server at "(?P<host>[^"]+)".*port (?P<port>\d+) failed"#,
        r"rror \d+ connecting to (?P<at>[\w.-]+:\d+)\. Connection refused",
        r"Can't connect to MySQL server on '(?P<at>[\w.-]+(?::\d+)?)'",
        r"(?P<at>[\w.-]+:\d+): \[Errno 111\] Connection refused",
        r"Connection to (?P<at>[\w.-]+:\d+) refused",
        r"HTTPS?ConnectionPool\(host='(?P<host>[^']+)', port=(?P<port>\d+)\).*(?:refused|resol|unreachable)",
        // A name that leads nowhere.
        r"getaddrinfo (?:ENOTFOUND|EAI_AGAIN) (?P<at>[\w.-]+)",
        r"dial tcp: lookup (?P<at>[\w.-]+)",
        r"UnknownHostException: (?P<at>[\w.-]+)",
        r"Could not resolve host: (?P<at>[\w.-]+)",
        r"(?P<network>Temporary failure in name resolution|Name or service not known|Network is unreachable|ENETUNREACH)",
        // A program.
        r"spawn (?P<program>[\w.+-]+) ENOENT",
        r#"exec: "(?P<program>[\w.+-]+)": executable file not found"#,
        r"(?s)_execute_child.*No such file or directory: '(?P<program>[\w.+-]+)'",
        r"(?m)^(?:\S*sh: )?(?:line )?(?:\d+: )?(?P<program>[\w.+-]+): (?:command )?not found$",
        // Refused, and not said by whom.
        r"(?P<unnamed>Connection refused|ConnectionRefused|ECONNREFUSED)",
    ]
    .iter()
    .map(|pattern| Regex::new(pattern).expect("a fixed pattern"))
    .collect()
});

/// Something that is not here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// A service on this machine.
    Service(String),
    /// A host elsewhere, or the network itself.
    Network(String),
    /// A program.
    Program(String),
    /// A service that the message does not name.
    Unnamed,
}

impl Need {
    fn says(&self) -> String {
        match self {
            Need::Service(at) => format!("{at}, which `sandbox.allow = [\"{at}\"]` opens where such a service runs beside the job"),
            Need::Network(at) => format!("{at}, and tests have no network here"),
            Need::Program(name) => format!("the program `{name}`, which is not installed here"),
            Need::Unnamed => "a service that refuses connections here; `sandbox.allow` opens one beside the job".to_owned(),
        }
    }

    /// Whether it can be nothing but the surroundings. On a port of its own a test may well ask what the patch should serve.
    fn is_outside(&self) -> bool {
        match self {
            Need::Service(at) => at.rsplit(':').next().is_some_and(|port| SERVICES.contains(&port)),
            Need::Network(_) | Need::Program(_) => true,
            Need::Unnamed => false,
        }
    }
}

/// What a failure lacks.
pub fn need(fault: &Fault) -> Option<Need> {
    let said = format!("{}\n{}", fault.message, fault.trace);
    let found = LACKS.iter().find_map(|pattern| pattern.captures(&said))?;
    let text = |name: &str| found.name(name).map(|one| one.as_str().to_owned());
    if let Some(program) = text("program") {
        return Some(Need::Program(program));
    }
    if text("unnamed").is_some() {
        return Some(Need::Unnamed);
    }
    if text("network").is_some() {
        return Some(Need::Network("the network".to_owned()));
    }
    let at = text("at").or_else(|| Some(format!("{}:{}", text("host")?, text("port")?)))?;
    let local = ["127.", "localhost", "[::1]", "::1", "0.0.0.0"].iter().any(|host| at.starts_with(host));
    let at =
        at.replace("localhost", "127.0.0.1").replace("[::1]", "127.0.0.1").replace("::1:", "127.0.0.1:").replace("0.0.0.0", "127.0.0.1");
    Some(if local { Need::Service(at) } else { Need::Network(at) })
}

/// Takes tests that lack something out of what is judged: those that were red before for the same lack were not run; where a
/// new test lacks something, nothing can be known. Answers with sentences for what was not verified.
pub fn take_out(facts: &mut Facts, compared: &mut Comparison, baseline: &Report, head: &Report) -> Vec<String> {
    let lack = |report: &Report, id: &TestId| match report.cases.get(id).map(|case| &case.outcome) {
        Some(Outcome::Failed(fault)) => need(fault),
        _ => None,
    };
    let mut unrun: BTreeMap<Need, Vec<TestId>> = BTreeMap::new();
    compared.red_before.retain(|id| match (lack(baseline, id), lack(head, id)) {
        (Some(before), Some(now)) if before == now => {
            unrun.entry(now).or_default().push(id.clone());
            false
        }
        _ => true,
    });
    for one in &compared.failing {
        if let Some(need) = lack(head, &one.test).filter(|need| need.is_outside() || unrun.contains_key(need)) {
            facts.unknowable = Some(format!("`{}`, which is new or changed in this patch, needs {}", one.test, need.says()));
        }
    }
    let count = |tests: &[TestId]| if tests.len() == 1 { "1 test was".to_owned() } else { format!("{} tests were", tests.len()) };
    let each = unrun.iter().map(|(need, tests)| {
        format!(
            "{} not run, with and without the patch: needs {} ({}).",
            count(tests),
            need.says(),
            some_of(tests.iter().map(TestId::as_str))
        )
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::super::compare::tests::{id, report};
    use super::super::facts::Broken;
    use super::*;
    use crate::runner::FaultKind;

    fn fault(said: &str) -> Fault {
        Fault { kind: FaultKind::Error, message: said.lines().next().unwrap_or_default().into(), trace: said.into() }
    }

    #[test]
    fn every_tongue_names_what_it_lacks() {
        for (said, wanted) in [
            ("Error: connect ECONNREFUSED 127.0.0.1:5432", Need::Service("127.0.0.1:5432".into())),
            (
                "redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused.",
                Need::Service("127.0.0.1:6379".into()),
            ),
            (
                "connection to server at \"localhost\" (127.0.0.1), port 5432 failed: Connection refused",
                Need::Service("127.0.0.1:5432".into()),
            ),
            ("dial tcp [::1]:3306: connect: connection refused", Need::Service("127.0.0.1:3306".into())),
            ("Error: getaddrinfo EAI_AGAIN example.org", Need::Network("example.org".into())),
            (
                "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='example.org', port=443): Max retries exceeded with url: / (Caused by NameResolutionError(\"Failed to resolve\"))",
                Need::Network("example.org:443".into()),
            ),
            ("socket.gaierror: [Errno -3] Temporary failure in name resolution", Need::Network("the network".into())),
            ("Error: spawn ffmpeg ENOENT", Need::Program("ffmpeg".into())),
            ("exec: \"docker\": executable file not found in $PATH", Need::Program("docker".into())),
            ("sh: 1: docker: not found", Need::Program("docker".into())),
            ("ConnectionRefusedError: [Errno 111] Connection refused", Need::Unnamed),
            ("called `Result::unwrap()` on an `Err` value: Os { code: 111, kind: ConnectionRefused }", Need::Unnamed),
        ] {
            assert_eq!(need(&fault(said)), Some(wanted), "{said}");
        }
        for said in ["AssertionError: 1 != 2", "FileNotFoundError: [Errno 2] No such file or directory: 'data.txt'", "KeyError: 'refused'"]
        {
            assert_eq!(need(&fault(said)), None, "{said}");
        }
    }

    #[test]
    fn what_lacks_the_same_before_and_now_was_not_run_and_a_new_test_that_does_leaves_nothing_known() {
        let red = |said: &str| Outcome::Failed(fault(said));
        let refused = "Error: connect ECONNREFUSED 127.0.0.1:4999";
        let base = report(&[("test_db", red(refused)), ("test_red", red("assert 1 == 2"))]);
        let head = report(&[("test_db", red(refused)), ("test_red", red("assert 1 == 2")), ("test_new", red(refused))]);
        let mut compared = Comparison { red_before: vec![id("test_db"), id("test_red")], ..Comparison::default() };
        let mut facts = Facts::default();
        let said = take_out(&mut facts, &mut compared, &base, &head);
        assert!(
            said[0].starts_with("1 test was not run, with and without the patch: needs 127.0.0.1:4999, which `sandbox.allow"),
            "{said:?}"
        );
        assert_eq!((compared.red_before.clone(), facts.unknowable.clone()), (vec![id("test_red")], None));
        compared.failing = vec![Broken { test: id("test_new"), lines: String::new() }];
        take_out(&mut facts, &mut compared, &base, &head);
        assert_eq!(facts.unknowable, None, "a port that no other test asks for may be the patch's own to serve");
        compared.red_before.push(id("test_db"));
        take_out(&mut facts, &mut compared, &base, &head);
        assert!(facts.unknowable.unwrap().contains("test_new`, which is new or changed in this patch, needs 127.0.0.1:4999"));
    }
}
