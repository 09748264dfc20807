//! One event as one line for people.

use std::time::Duration;

use crate::cli::screen::Screen;
use crate::cli::{amounts, plain};
use crate::task::Event;

const GREEN: u8 = 32;
const YELLOW: u8 = 33;
const CYAN: u8 = 36;
const GREY: u8 = 90;

/// The event's line; none for one that says nothing.
pub fn line(event: &Event, screen: &Screen) -> Option<String> {
    Some(match event {
        Event::Started { task, issue, title, model } => {
            let title = plain::cut(&plain::line(title), 100);
            format!("{}\n  {}, task {task}\n  model {}", screen.painted(CYAN, &title), plain::line(issue), plain::line(model))
        }
        Event::StageBegan { stage } => screen.painted(GREY, &format!("> {stage}")),
        Event::StageEnded { stage, elapsed_ms, outcome, resumed } => {
            let time = if *resumed { "earlier".to_owned() } else { elapsed(*elapsed_ms) };
            format!("{} {:<9} {time:>8}  {}", screen.painted(GREEN, "✓"), stage.as_str(), plain::line(outcome)).trim_end().to_owned()
        }
        Event::Turn { turn, of, usage } => {
            screen.painted(GREY, &format!("  turn {turn}/{of}, {} tokens so far", amounts::count(usage.total())))
        }
        Event::Tool { name, about } => format!("  {} {}", screen.painted(CYAN, &plain::line(name)), plain::cut(&plain::line(about), 100)),
        Event::Said { text } => format!("  \"{}\"", plain::cut(&plain::line(text), 200)),
        Event::Tests { cell, passed, failed, skipped, elapsed_ms } => {
            let results = tests(*passed, *failed, *skipped);
            format!("  {:<16} {results}  {}", format!("{}:", plain::line(cell)), elapsed(*elapsed_ms))
        }
        Event::Clue { place, says, means } => {
            let found = format!("  {}: {}", plain::line(place), plain::cut(&plain::line(says), 100));
            format!("{}: {}", screen.painted(GREY, &found), plain::cut(&plain::line(means), 200))
        }
        Event::Progress { what } => screen.painted(GREY, &format!("  {}", plain::cut(&plain::line(what), 200))),
        Event::Warning { text } => format!("{} {}", screen.painted(YELLOW, "warning:"), plain::line(text)),
    })
}

/// Counts of a run of tests; what there is none of is left out.
pub fn tests(passed: u64, failed: u64, skipped: u64) -> String {
    let mut parts: Vec<String> = (passed > 0 || failed + skipped == 0).then(|| format!("{passed} passed")).into_iter().collect();
    parts.extend((failed > 0).then(|| format!("{failed} failed")));
    parts.extend((skipped > 0).then(|| format!("{skipped} skipped")));
    parts.join(", ")
}

fn elapsed(milliseconds: u64) -> String {
    amounts::elapsed(Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::General;
    use crate::config::HostEnvironment;
    use crate::task::{Stage, TaskId, Usage};

    #[test]
    fn each_event_is_one_plain_line() {
        let screen = Screen::new(&General::default(), &HostEnvironment::default());
        let usage = Usage { requests: 3, input_tokens: 12_000, cached_tokens: 0, output_tokens: 430 };
        let events = [
            Event::Started { task: TaskId(7), issue: "acme/widget#12".into(), title: "It \x1b[1mbreaks".into(), model: "openai/x".into() },
            Event::StageBegan { stage: Stage::Clone },
            Event::StageEnded { stage: Stage::Clone, elapsed_ms: 1234, outcome: "base 0123456789".into(), resumed: false },
            Event::StageEnded { stage: Stage::Setup, elapsed_ms: 0, outcome: String::new(), resumed: true },
            Event::Turn { turn: 3, of: 60, usage },
            Event::Tool { name: "read".into(), about: "src/lib.rs 10-40".into() },
            Event::Said { text: "I see\nit".into() },
            Event::Tests { cell: "baseline".into(), passed: 42, failed: 1, skipped: 0, elapsed_ms: 800 },
            Event::Progress { what: "fetching".into() },
            Event::Warning { text: "the label could not be set".into() },
        ];
        let lines: Vec<String> = events.iter().filter_map(|event| line(event, &screen)).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        It  [1mbreaks
          acme/widget#12, task 7
          model openai/x
        > clone
        ✓ clone         1.2s  base 0123456789
        ✓ setup      earlier
          turn 3/60, 12.4k tokens so far
          read src/lib.rs 10-40
          "I see it"
          baseline:        42 passed, 1 failed  0.8s
          fetching
        warning: the label could not be set
        "#);
    }
}
