//! Writing to the file: one thread, one transaction at a time.

mod answering;
pub(crate) mod appends;
pub(crate) mod change;
pub(crate) mod event_rows;
mod job;
pub(crate) mod memory;
pub(crate) mod metadata_text;
mod session;
mod thread;
pub(crate) mod transaction;
pub(crate) mod writer;
