//! The seams that a store implements, and what is read from it.

pub(crate) mod snapshot;
pub(crate) mod schema;
pub(crate) mod append;
pub(crate) mod seams;
pub(crate) mod log;
pub mod reading;
