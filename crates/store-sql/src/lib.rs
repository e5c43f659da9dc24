//! Contains what the SQL stores have in common. It names no database driver.
//!
//! This is a seam between crates of this project. Applications do not use it.

mod batch;
mod call;
mod meter;

pub use batch::{Size, fill, may_be_of_one_call, others_first};
pub use call::{APPEND, Answer, Call};
pub use meter::CommitMeter;
