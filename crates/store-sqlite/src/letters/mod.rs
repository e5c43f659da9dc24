//! Letters about commands and events.

pub(crate) mod dead_letter;
pub(crate) mod parked;
