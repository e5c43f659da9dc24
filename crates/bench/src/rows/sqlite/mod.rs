//! Rows whose limit is rusqlite.

#[cfg(feature = "driver-comparison")]
pub(crate) mod drivers;
pub(crate) mod p4;
pub(crate) mod p7;
pub(crate) mod p8;
pub(crate) mod p11;
pub(crate) mod scan;
