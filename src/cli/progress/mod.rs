//! Draws events while work goes on: a live line on a terminal, plain lines in a pipe or under CI, JSON when asked for.
//! Owns which events are shown at which level of talk; their wording is in `words`.

mod live;
mod words;

use std::sync::{Mutex, PoisonError};

use live::Live;

use super::screen::{Form, Screen, Talk};
use crate::task::{Event, Reporter};

/// Shows events as they come, until it is dropped.
pub struct Progress {
    screen: Screen,
    manner: Manner,
}

enum Manner {
    Json,
    Lines,
    Live(Mutex<Live>),
}

impl Progress {
    /// In the manner that fits the screen.
    pub fn begin(screen: &Screen) -> Progress {
        let manner = match (screen.form, screen.live && screen.talk > Talk::Quiet) {
            (Form::Json, _) => Manner::Json,
            (Form::Text, true) => Manner::Live(Mutex::new(Live::begin(screen))),
            (Form::Text, false) => Manner::Lines,
        };
        Progress { screen: screen.clone(), manner }
    }

    fn line(&self, event: &Event) {
        if self.screen.talk >= level(event)
            && let Some(line) = words::line(event, &self.screen)
        {
            self.screen.say(line);
        }
    }
}

impl Reporter for Progress {
    fn event(&self, event: &Event) {
        match &self.manner {
            Manner::Json if self.screen.talk > Talk::Quiet => self.screen.show_json(event),
            Manner::Json => {}
            Manner::Lines => self.line(event),
            Manner::Live(live) => {
                // What begins is seen on the moving line; only what is done stays.
                if !matches!(event, Event::StageBegan { .. }) {
                    self.line(event);
                }
                live.lock().unwrap_or_else(PoisonError::into_inner).note(event, &self.screen);
            }
        }
    }
}

/// From which level of talk on an event is a line of its own.
fn level(event: &Event) -> Talk {
    match event {
        Event::Started { .. } | Event::StageBegan { .. } | Event::StageEnded { .. } | Event::Tests { .. } | Event::Warning { .. } => {
            Talk::Normal
        }
        Event::Turn { .. } | Event::Tool { .. } | Event::Said { .. } | Event::Clue { .. } => Talk::Verbose,
        Event::Progress { .. } => Talk::Everything,
    }
}
