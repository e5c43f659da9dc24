//! Contains the seams that a store implements, and helps to read from it.

pub(crate) mod snapshot;
pub(crate) mod schema;
pub(crate) mod append;
pub(crate) mod seams;
pub(crate) mod log;
pub mod reading;
