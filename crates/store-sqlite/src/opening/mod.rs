//! From a path to a file that is ready, and what is wrong with it.

pub(crate) mod connection;
pub(crate) mod damage;
pub(crate) mod files;
pub(crate) mod location;
pub(crate) mod migrations;
pub(crate) mod open_error;
pub(crate) mod driver_error;
