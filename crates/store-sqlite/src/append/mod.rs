//! Writing to the file: one thread, one transaction at a time.

pub(crate) mod appends;
pub(crate) mod change;
pub(crate) mod event_rows;
pub(crate) mod memory;
pub(crate) mod metadata_text;
pub(crate) mod transaction;
pub(crate) mod writer;
