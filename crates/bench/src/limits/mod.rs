//! What the product stands on, measured bare: the best it could ever do. PostgreSQL's is in the library.

pub(crate) mod echo;
pub(crate) mod raw_sqlite;
