//! Reading the log, and waiting for more of it.

pub(crate) mod claims;
pub(crate) mod decoder;
pub(crate) mod read;
pub(crate) mod reader;
pub(crate) mod snapshot;
pub(crate) mod streams;
pub(crate) mod waiting;
