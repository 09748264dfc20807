//! STUB: signatures other rooms build on; the bodies move to files of their own.
use std::time::Instant;

use secrecy::SecretString;

use super::{Answer, Conversation};
use crate::config::ModelSettings;
use crate::error::Result;
use crate::sandbox::Cancel;

/// Something that answers conversations.
pub trait Model: Send {
    /// `provider/name`, or `replay of PATH`.
    fn name(&self) -> &str;

    /// One answer, retried inside; gives up at `deadline`. `delta` hears the words as they come.
    fn answer(&mut self, conversation: &Conversation, deadline: Instant, delta: &mut dyn FnMut(&str), cancel: &Cancel) -> Result<Answer>;
}

/// The model that the settings name; `key` as `config` found it.
pub fn connect(_settings: &ModelSettings, _key: Option<SecretString>) -> Result<Box<dyn Model>> {
    todo!()
}
