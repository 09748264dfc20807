//! One flag that ends everything: set by a signal or a deadline, looked at by every wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::error::{Failure, Kind, Result};

/// A shared request to stop; clones share the flag.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicU8>);

impl Cancel {
    /// Asks everybody to stop, for `kind`; the first reason stays.
    pub fn request(&self, kind: Kind) {
        let code = kind.exit_code();
        let _ = self.0.compare_exchange(0, code, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// Why to stop, if so.
    pub fn requested(&self) -> Option<Kind> {
        let code = self.0.load(Ordering::SeqCst);
        Kind::ALL.into_iter().find(|kind| kind.exit_code() == code)
    }

    /// Fails once a stop is asked for.
    pub fn check(&self) -> Result<()> {
        match self.requested() {
            Some(kind) => Err(Failure::new(kind, kind.meaning())),
            None => Ok(()),
        }
    }
}
