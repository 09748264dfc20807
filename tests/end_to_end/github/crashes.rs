//! The process is killed at every point where GitHub can tell, and started again, on the same machine and on another.

use super::scene::Scene;
use crate::fake_github::Fault;

/// What GitHub sees last, and how often the model may have been asked in all on one machine.
fn points() -> Vec<(&'static str, Fault)> {
    vec![
        ("before the first comment", Fault::hold("POST", "/comments")),
        ("after the first comment", Fault::hold_after("POST", "/comments")),
        ("before the label is swapped", Fault::hold("POST", "/1/labels")),
        ("after the ready label is gone", Fault::hold_after("DELETE", "/labels/loom%3Aready")),
        ("before the push", Fault::hold("POST", "/git-receive-pack")),
        ("after the push", Fault::hold_after("POST", "/git-receive-pack")),
        ("before the pull request", Fault::hold("POST", "/pulls")),
        ("after the pull request", Fault::hold_after("POST", "/pulls")),
        ("before the report", Fault::hold("POST", "/1/labels").after(1)),
        ("between the labels of the report", Fault::hold_after("POST", "/1/labels").after(1)),
        ("after the labels of the report", Fault::hold_after("DELETE", "/labels/loom%3Arunning")),
    ]
}

#[test]
fn a_killed_run_goes_on_where_it_stopped() {
    for (point, fault) in points() {
        let scene = Scene::new();
        scene.hub.fault(fault);
        scene.run_until_held_and_kill();
        let ended = scene.run_with_events(&[]);
        assert_eq!(ended.code, 0, "{point}: {ended:#?}");
        scene.stands();
        let made = scene.recorded_answers();
        assert_eq!(made, 1, "{point}: a finished turn is never paid twice");
    }
}

#[test]
fn another_machine_takes_over_from_a_killed_one() {
    // Before something is done the other machine sees what it saw one point earlier.
    for (point, fault) in points().into_iter().filter(|(point, _)| !point.starts_with("before")) {
        let scene = Scene::new();
        scene.hub.fault(fault);
        scene.run_until_held_and_kill();
        let opened = scene.hub.state().pulls().len();
        let other = scene.other_machine();
        let ended = other.run_with_events(&[]);
        assert_eq!(ended.code, 0, "{point}: {ended:#?}");
        other.stands();
        let asked = ended.stdout.contains("\"event\":\"turn\"");
        assert_eq!(asked, opened == 0, "{point}: a pull request that stands is adopted, no model is asked");
    }
}
