//! Rows whose limit is what sqlx does on held connections to PostgreSQL.

mod disk;
pub(crate) mod growth;
pub(crate) mod layout;
pub(crate) mod p1;
pub(crate) mod p2;
pub(crate) mod p3;
pub(crate) mod p4;
pub(crate) mod p5;
pub(crate) mod p6;
pub(crate) mod p11;
pub(crate) mod p14;
pub(crate) mod raw;
