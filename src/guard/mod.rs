//! Pure policies on text, trees and actors: whom to admit, what to leave out, what to hide, which paths are protected.
//! No I/O; each policy answers with its reason.

mod admit;
mod cap;
mod markdown;
mod protected;
mod redact;
mod sanitise;
mod unseen;

pub use admit::{Admission, Role, admit, admitted_comments, needed_roles};
pub use cap::{cap_issue, cap_text};
pub use protected::{Touched, Violation, Weight, violations};
pub use redact::Redactor;
pub use sanitise::{Cleaned, Removed, commit_text, issue_text, plain_text, pull_request_text, title_text};
