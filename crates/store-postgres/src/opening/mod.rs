//! From a URL to a database that is ready.

pub(crate) mod connection;
pub(crate) mod connections;
pub(crate) mod servers;
pub(crate) mod location;
pub(crate) mod pooling;
pub(crate) mod migrations;
pub(crate) mod open_error;
pub(crate) mod partitions;
pub(crate) mod driver_error;
pub(crate) mod rights;
