//! The audit trail of what operators and administrators did, in the log itself.

mod logged;
mod trail;

pub use logged::OperationDay;
pub use trail::{Asked, InvalidPlace, NewOperation, OperationTrail, TrailError, TrailPlace};
