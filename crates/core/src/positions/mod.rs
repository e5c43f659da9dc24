//! Contains places in the log, and the readers that use them.

pub(crate) mod position;
pub(crate) mod log_partition;
pub(crate) mod bookmark;
pub(crate) mod cursor;
pub(crate) mod begin;
pub(crate) mod resequencer;
pub(crate) mod subscribe_error;
