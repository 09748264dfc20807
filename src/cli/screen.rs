//! Where words go: data to stdout, talk to stderr. The one place that writes to either.
//! Owns redaction of everything that is shown, and that a closed pipe is no error.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::ProgressBar;
use secrecy::SecretString;
use serde::Serialize;

use super::arguments::General;
use crate::config::HostEnvironment;
use crate::guard::Redactor;

/// How much talk there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Talk {
    /// Errors only.
    Quiet,
    /// Stages and warnings.
    Normal,
    /// Tools and words of the model.
    Verbose,
    /// Every step.
    Everything,
}

/// In which form stdout gets its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// One JSON value per line.
    Json,
}

/// Both outputs of one run. Clones write to the same.
#[derive(Clone)]
pub struct Screen {
    /// How much talk.
    pub talk: Talk,
    /// The form of the data.
    pub form: Form,
    /// Stderr is a terminal where lines may move.
    pub live: bool,
    /// Colours may be used on stderr.
    pub colour: bool,
    redactor: Redactor,
    hidden: Vec<SecretString>,
    /// The moving line; other lines go above it.
    bar: Arc<Mutex<Option<ProgressBar>>>,
}

impl Screen {
    /// As the options and the environment ask for.
    pub fn new(general: &General, environment: &HostEnvironment) -> Screen {
        let talk = match (general.quiet, general.verbose) {
            (true, _) => Talk::Quiet,
            (false, 0) => Talk::Normal,
            (false, 1) => Talk::Verbose,
            (false, _) => Talk::Everything,
        };
        let form = if general.json { Form::Json } else { Form::Text };
        let terminal = std::io::stderr().is_terminal() && environment.variable("TERM") != Some("dumb");
        let live = terminal && environment.variable("CI").is_none();
        let colour = live && environment.variable("NO_COLOR").is_none();
        let hidden = environment.secret_values();
        Screen { talk, form, live, colour, redactor: Redactor::new(&hidden), hidden, bar: Arc::default() }
    }

    /// The same screen that hides these values too.
    pub fn hiding(self, secrets: &[SecretString]) -> Screen {
        let hidden = [&self.hidden[..], secrets].concat();
        Screen { redactor: Redactor::new(&hidden), hidden, ..self }
    }

    /// The text without secrets.
    pub fn redacted(&self, text: &str) -> String {
        self.redactor.text(text)
    }

    /// One line of talk, whatever the level.
    pub fn say(&self, line: impl std::fmt::Display) {
        let text = self.redacted(&line.to_string());
        let bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        match bar.as_ref() {
            Some(bar) => bar.println(text),
            None => write_line(std::io::stderr().lock(), &text),
        }
    }

    /// Says lines above this moving line from now on.
    pub fn attach(&self, bar: &ProgressBar) {
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
    }

    /// Says lines as ever.
    pub fn detach(&self) {
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Data for people; nothing when JSON was asked for.
    pub fn show(&self, text: impl std::fmt::Display) {
        if self.form == Form::Text {
            write_line(std::io::stdout().lock(), self.redacted(&text.to_string()).trim_end());
        }
    }

    /// One JSON value on a line of its own; nothing when text was asked for.
    pub fn show_json(&self, value: &impl Serialize) {
        if self.form == Form::Json {
            let text = serde_json::to_string(value).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"));
            // Spelled out it is the same JSON, and no command for the runner of GitHub Actions.
            write_line(std::io::stdout().lock(), &self.redacted(&text).replace("##[", "#\\u0023["));
        }
    }

    /// The text in this colour (an SGR number), where colours are allowed.
    pub fn painted(&self, colour: u8, text: &str) -> String {
        if self.colour { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A reader that went away (`| head`) is no error of ours.
fn write_line(mut to: impl Write, text: &str) {
    let _ = to.write_all(text.as_bytes()).and_then(|()| to.write_all(b"\n")).and_then(|()| to.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_is_hidden_the_longest_first() {
        let environment: HostEnvironment = [("GITHUB_TOKEN", "ghp_abcdef"), ("OPENAI_API_KEY", "ghp_abcdefghi")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect();
        let screen = Screen::new(&General::default(), &environment).hiding(&["header-value".into()]);
        assert_eq!(screen.redacted("ghp_abcdefghi ghp_abcdef header-value"), "[redacted] [redacted] [redacted]");
    }
}
