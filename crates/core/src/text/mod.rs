//! Makes texts for people.

pub(crate) mod printable;
pub(crate) mod known;
pub(crate) mod cause;
