//! Writing to the log.

pub(crate) mod commits;
mod compare;
pub(crate) mod memory;
pub(crate) mod lookup;
pub(crate) mod plan;
pub(crate) mod rows;
pub(crate) mod session;
pub(crate) mod settle;
pub(crate) mod writer;
pub(crate) mod writers;
