//! Books rooms by the hour.

pub mod calendar;
pub mod price;

mod names;

pub use names::initials;
