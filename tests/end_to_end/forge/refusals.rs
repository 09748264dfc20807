//! The forge when GitHub refuses, limits, breaks, or a person cancels.

use std::time::{Duration, Instant};

use super::*;

#[test]
fn missing_rights_are_named() {
    let hub = FakeGitHub::start();
    let number = hub.issue("x", "y");
    let reader = hub.state().workflow_token(&[("contents", "read"), ("issues", "read"), ("pull_requests", "read")]);
    let forge_of_reader = forge_with(&hub, Some(&reader), |_| {});
    let failure = refused(forge_of_reader.publish(&issue(number), &draft(&hub)));
    assert_eq!(failure.kind, Kind::Forge);
    assert_eq!(failure.hints[0], "the token lacks a permission: pull_requests: write");
    let failure = refused(forge_of_reader.comment(&issue(number), MARKER, "x"));
    assert_eq!(failure.hints[0], "the token lacks a permission: issues: write");

    let failure = refused(forge_with(&hub, Some("token-nobody-knows"), |_| {}).issue(&issue(number)));
    assert_eq!(failure.kind, Kind::Config);
    assert!(failure.hints[0].contains("GITHUB_TOKEN"), "{:?}", failure.hints);

    let writer = hub.state().workflow_token(&[("contents", "write"), ("issues", "write"), ("pull_requests", "write")]);
    hub.state().actions_may_open_pulls = false;
    let failure = refused(forge_with(&hub, Some(&writer), |_| {}).publish(&issue(number), &draft(&hub)));
    assert!(failure.hints[0].contains("Settings > Actions > General"), "{:?}", failure.hints);
    assert!(hub.state().pulls().is_empty());
    assert!(hub.state().comments.is_empty());

    hub.state().issues.get_mut(&number).unwrap().locked = true;
    let failure = refused(forge_with(&hub, Some("token-of-trina"), |_| {}).comment(&issue(number), MARKER, "x"));
    assert!(failure.hints[0].contains("locked"), "{:?}", failure.hints);
}

#[test]
fn without_a_token_only_public_reading_works() {
    let hub = FakeGitHub::start();
    let number = hub.issue("x", "y");
    let forge = forge_with(&hub, None, |_| {});
    assert_eq!(forge.issue(&issue(number)).unwrap().title, "x");
    for failure in [
        refused(forge.status(&issue(number), Status::Running)),
        refused(forge.comment(&issue(number), MARKER, "x")),
        refused(forge.role(&issue(number), "maya")),
    ] {
        assert_eq!(failure.kind, Kind::Config);
        assert!(failure.hints[0].contains("GITHUB_TOKEN"), "{failure:?}");
    }
    hub.state().private = true;
    let failure = refused(forge.issue(&issue(number)));
    assert_eq!(failure.kind, Kind::Config);
    assert!(failure.hints[0].contains("GITHUB_TOKEN"), "{failure:?}");
}

#[test]
fn limits_are_waited_for_within_the_budget_only() {
    let hub = FakeGitHub::start();
    let number = hub.issue("x", "y");
    let limited = || Fault::answer("POST", "/comments", 403, "You have exceeded a secondary rate limit.");
    hub.fault(limited().header("retry-after", 0));
    forge(&hub).comment(&issue(number), MARKER, "one").unwrap();
    assert_eq!(hub.state().comments_with(number, MARKER).len(), 1);

    hub.fault(
        Fault::answer("GET", "/issues/1", 403, "API rate limit exceeded")
            .header("x-ratelimit-remaining", 0)
            .header("x-ratelimit-reset", jiff::Timestamp::now().as_second() + 3000),
    );
    let began = Instant::now();
    let failure = refused(forge(&hub).issue(&issue(number)));
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(failure.kind, Kind::Forge);
    assert!(failure.line().contains("GitHub asks to come back at"), "{}", failure.line());
    assert!(failure.hints[0].starts_with("run again after"), "{:?}", failure.hints);
}

#[test]
fn a_storm_ends_with_the_budget() {
    let hub = FakeGitHub::start();
    let number = hub.issue("x", "y");
    hub.fault(Fault::page("", "", 502).times(3));
    assert_eq!(forge(&hub).issue(&issue(number)).unwrap().title, "x");
    hub.fault(Fault::answer("", "", 503, "No server is available").times(1000));
    let impatient = forge_with(&hub, Some("token-of-loom-bot"), |config| config.github.retry_budget = "300ms".parse().unwrap());
    let failure = refused(impatient.issue(&issue(number)));
    assert_eq!(failure.kind, Kind::Forge);
    assert!(failure.line().contains("gave up after") && failure.line().ends_with("No server is available"), "{}", failure.line());
}

#[test]
fn a_cancelled_call_ends_while_it_waits() {
    let hub = FakeGitHub::start();
    let number = hub.issue("x", "y");
    hub.fault(Fault::slow("GET", "/issues/1", Duration::from_secs(600)));
    let cancel = Cancel::default();
    let forge = connect(&config(&hub), Some("token-of-loom-bot".into()), &issue(1), None, Path::new("/nowhere"), &cancel).unwrap();
    let failure = std::thread::scope(|scope| {
        let call = scope.spawn(|| refused(forge.issue(&issue(number))));
        while hub.requests().is_empty() {
            std::thread::yield_now();
        }
        cancel.request(Kind::Interrupted);
        call.join().unwrap()
    });
    assert_eq!(failure.kind, Kind::Interrupted);
}
