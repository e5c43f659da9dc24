//! Reading the log, and loading streams.

pub(crate) mod claims;
pub(crate) mod decoder;
pub(crate) mod load_batcher;
pub(crate) mod load;
pub(crate) mod load_sql;
pub(crate) mod read;
pub(crate) mod snapshot;
pub(crate) mod streams;
