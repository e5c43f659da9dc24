//! What the product stands on, measured bare: the best it could ever do.

pub(crate) mod echo;
pub(crate) mod raw_log;
