//! Measures what the product stands on, bare: the best that the product could ever do. The limit of PostgreSQL is in
//! the library.

pub(crate) mod broadcast;
pub(crate) mod echo;
pub(crate) mod raw_sqlite;
