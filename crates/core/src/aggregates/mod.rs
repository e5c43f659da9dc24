//! Contains what an application developer writes, and the loops over it.

pub(crate) mod aggregate;
pub(crate) mod fold;
pub(crate) mod panic_message;
pub(crate) mod field_path;
pub(crate) mod premises;
