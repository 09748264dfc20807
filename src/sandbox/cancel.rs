//! One flag that ends everything: set by a signal or a deadline, looked at by every wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::error::{Failure, Kind, Result};

/// A shared request to stop; clones share the flag.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    flag: Arc<AtomicU8>,
    parent: Option<Arc<Cancel>>,
}

impl Cancel {
    /// A request that also stands when this one does; asked by itself it leaves this one alone.
    pub fn child(&self) -> Cancel {
        Cancel { flag: Arc::default(), parent: Some(Arc::new(self.clone())) }
    }

    /// Asks everybody to stop, for `kind`; the first reason stays.
    pub fn request(&self, kind: Kind) {
        let code = kind.exit_code();
        let _ = self.flag.compare_exchange(0, code, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// Why to stop, if so.
    pub fn requested(&self) -> Option<Kind> {
        let code = self.flag.load(Ordering::SeqCst);
        Kind::ALL.into_iter().find(|kind| kind.exit_code() == code).or_else(|| self.parent.as_ref().and_then(|parent| parent.requested()))
    }

    /// Fails once a stop is asked for.
    pub fn check(&self) -> Result<()> {
        match self.requested() {
            Some(kind) => Err(Failure::new(kind, kind.meaning())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_hears_its_parent_and_not_the_other_way_round() {
        let parent = Cancel::default();
        let child = parent.child();
        child.request(Kind::Budget);
        assert_eq!((parent.requested(), child.requested()), (None, Some(Kind::Budget)));
        let other = parent.child();
        parent.request(Kind::Interrupted);
        parent.request(Kind::Terminated);
        assert_eq!(other.requested(), Some(Kind::Interrupted));
        assert_eq!(child.requested(), Some(Kind::Budget));
    }
}
