//! What goes wrong on purpose: a queue of faults, each for the next requests that match.

use std::time::Duration;

/// One kind of trouble.
#[derive(Debug, Clone)]
pub(super) enum Trouble {
    /// This answer instead, nothing done.
    Answer { status: u16, headers: Vec<(&'static str, String)>, body: String },
    /// Nothing done, no answer.
    Drop,
    /// Done, and the answer lost.
    DropAfter,
    /// Done, and half of the answer sent as if it were all.
    Truncate,
    /// Done, late.
    Slow(Duration),
    /// Nothing done, and no answer for as long as the client waits.
    Hold,
    /// Done, and no answer for as long as the client waits.
    HoldAfter,
}

/// A fault for the next requests of one kind.
#[derive(Debug, Clone)]
pub struct Fault {
    method: &'static str,
    path: &'static str,
    skip: u32,
    times: u32,
    pub(super) trouble: Trouble,
}

impl Fault {
    fn new(method: &'static str, path: &'static str, trouble: Trouble) -> Fault {
        Fault { method, path, skip: 0, times: 1, trouble }
    }

    /// `path` is how the request's path ends; empty for any.
    pub fn answer(method: &'static str, path: &'static str, status: u16, message: &str) -> Fault {
        let body = serde_json::json!({ "message": message, "documentation_url": "https://docs.github.com/rest" }).to_string();
        Fault::new(method, path, Trouble::Answer { status, headers: Vec::new(), body })
    }

    /// A page of HTML, as a proxy in between sends it.
    pub fn page(method: &'static str, path: &'static str, status: u16) -> Fault {
        let body = "<html><body><h1>Unicorn!</h1></body></html>".to_owned();
        Fault::new(method, path, Trouble::Answer { status, headers: Vec::new(), body })
    }

    pub fn drop(method: &'static str, path: &'static str) -> Fault {
        Fault::new(method, path, Trouble::Drop)
    }

    pub fn drop_after(method: &'static str, path: &'static str) -> Fault {
        Fault::new(method, path, Trouble::DropAfter)
    }

    pub fn truncate(method: &'static str, path: &'static str) -> Fault {
        Fault::new(method, path, Trouble::Truncate)
    }

    pub fn slow(method: &'static str, path: &'static str, span: Duration) -> Fault {
        Fault::new(method, path, Trouble::Slow(span))
    }

    /// The request never gets further: where a test kills the client before something is done.
    pub fn hold(method: &'static str, path: &'static str) -> Fault {
        Fault::new(method, path, Trouble::Hold)
    }

    /// What was asked is done and never answered: where a test kills the client after it.
    pub fn hold_after(method: &'static str, path: &'static str) -> Fault {
        Fault::new(method, path, Trouble::HoldAfter)
    }

    /// Adds a header to an answer.
    pub fn header(mut self, name: &'static str, value: impl ToString) -> Fault {
        if let Trouble::Answer { headers, .. } = &mut self.trouble {
            headers.push((name, value.to_string()));
        }
        self
    }

    /// For so many requests instead of one.
    pub fn times(self, times: u32) -> Fault {
        Fault { times, ..self }
    }

    /// Lets so many requests pass first.
    pub fn after(self, skip: u32) -> Fault {
        Fault { skip, ..self }
    }

    /// The trouble for this request, taken from the queue.
    pub(super) fn take(queue: &mut [Fault], method: &str, path: &str) -> Option<Trouble> {
        let fits =
            |fault: &&mut Fault| fault.times > 0 && (fault.method.is_empty() || fault.method == method) && path.ends_with(fault.path);
        let fault = queue.iter_mut().find(fits)?;
        if fault.skip > 0 {
            fault.skip -= 1;
            return None;
        }
        fault.times -= 1;
        Some(fault.trouble.clone())
    }
}
