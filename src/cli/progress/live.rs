//! The moving line at the foot of a terminal: stage, turn, tokens, tests, what is being done, and for how long.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::words;
use crate::cli::screen::Screen;
use crate::cli::{amounts, plain};
use crate::task::{Event, Stage};

/// Smooth enough for the eye, and next to no work.
const TICK: Duration = Duration::from_millis(125);

/// What the line tells, and the bar that draws it.
pub struct Live {
    bar: ProgressBar,
    screen: Screen,
    now: Now,
}

/// What is going on.
#[derive(Default)]
struct Now {
    stage: Option<Stage>,
    turn: Option<(u32, u32)>,
    tokens: u64,
    doing: String,
}

impl Live {
    /// Draws from now on; lines that the screen says go above it.
    pub fn begin(screen: &Screen) -> Live {
        let bar = ProgressBar::new_spinner().with_style(style());
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        bar.enable_steady_tick(TICK);
        screen.attach(&bar);
        Live { bar, screen: screen.clone(), now: Now::default() }
    }

    /// Takes note of one event.
    pub fn note(&mut self, event: &Event, screen: &Screen) {
        if let Event::StageBegan { .. } = event {
            self.bar.reset_elapsed();
        }
        self.now.note(event);
        self.bar.set_message(screen.redacted(&self.now.line()));
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.screen.detach();
        self.bar.finish_and_clear();
    }
}

fn style() -> ProgressStyle {
    let plain = ProgressStyle::default_spinner();
    ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}").map(|style| style.tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ")).unwrap_or(plain)
}

impl Now {
    fn note(&mut self, event: &Event) {
        match event {
            Event::StageBegan { stage } => {
                self.stage = Some(*stage);
                self.turn = None;
                self.doing.clear();
            }
            Event::Turn { turn, of, usage } => {
                self.turn = Some((*turn, *of));
                self.tokens = usage.total();
                self.doing = "thinking".to_owned();
            }
            Event::Tool { name, about } => self.doing = plain::line(&format!("{name} {about}")),
            Event::Progress { what } => self.doing = plain::line(what),
            Event::Tests { cell, passed, failed, skipped, .. } => {
                self.doing = plain::line(&format!("{cell}: {}", words::tests(*passed, *failed, *skipped)));
            }
            Event::StageEnded { .. } => self.doing.clear(),
            Event::Started { .. } | Event::Said { .. } | Event::Clue { .. } | Event::Warning { .. } => {}
        }
    }

    fn line(&self) -> String {
        let mut parts: Vec<String> = self.stage.iter().map(|stage| stage.to_string()).collect();
        parts.extend(self.turn.map(|(turn, of)| format!("turn {turn}/{of}")));
        parts.extend((self.tokens > 0).then(|| format!("{} tokens", amounts::count(self.tokens))));
        parts.extend((!self.doing.is_empty()).then(|| self.doing.clone()));
        parts.join("  ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Usage;

    #[test]
    fn the_line_tells_where_the_work_is() {
        let mut now = Now::default();
        let mut after = |event: Event| {
            now.note(&event);
            now.line()
        };
        assert_eq!(after(Event::StageBegan { stage: Stage::Generate }), "generate");
        let usage = Usage { input_tokens: 12_000, output_tokens: 400, ..Usage::default() };
        assert_eq!(after(Event::Turn { turn: 3, of: 60, usage }), "generate  turn 3/60  12.4k tokens  thinking");
        let tool = Event::Tool { name: "read".into(), about: "a\x07.rs".into() };
        assert_eq!(after(tool), "generate  turn 3/60  12.4k tokens  read a .rs");
        let tests = Event::Tests { cell: "must-pass".into(), passed: 9, failed: 0, skipped: 2, elapsed_ms: 1 };
        assert_eq!(after(tests), "generate  turn 3/60  12.4k tokens  must-pass: 9 passed, 2 skipped");
        assert_eq!(after(Event::StageBegan { stage: Stage::Verify }), "verify  12.4k tokens");
    }

    #[test]
    fn the_template_is_understood() {
        assert!(ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}").is_ok());
    }
}
