//! The loop: ask, do what the answer calls for, tell what came of it, until the model submits or a limit ends it.

use super::session::{Opened, Session, Step};
use super::{Assignment, Outcome};
use crate::error::Result;
use crate::model::Model;

/// Works until the model submits or a limit ends it. Fails only when the model cannot be reached or a stop was asked for;
/// called again it goes on where the trajectory ends.
pub fn work(assignment: &Assignment<'_>, model: &mut dyn Model) -> Result<Outcome> {
    let mut session = match Session::open(assignment, model.name())? {
        Opened::Over(outcome) => return Ok(outcome),
        Opened::Open(session) => session,
    };
    loop {
        let answer = match session.unfinished() {
            Some(answer) => answer,
            None => match session.ask(model)? {
                Ok(answer) => answer,
                Err(ended) => return session.end(ended),
            },
        };
        match session.react(&answer)? {
            Step::Next => {}
            Step::Submitted(submission) => return session.submitted(submission),
            Step::Ended(ended) => return session.end(ended),
        }
    }
}
