//! Letters about commands and events.

pub(crate) mod annotation;
pub(crate) mod dead_letter;
pub(crate) mod fault;
pub(crate) mod parked;
pub(crate) mod parked_sql;
