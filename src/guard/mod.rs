//! Pure policies on text, trees and actors: whom to admit, what to leave out, what to hide, which paths are protected.
//! No I/O; each policy answers with its reason.

mod admit;

pub use admit::admits_comment;
