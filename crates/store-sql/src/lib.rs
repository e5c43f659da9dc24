//! Contains what the SQL stores share. It names no database driver.
//!
//! This is a seam between crates of this project. Applications do not use it.

mod batch;
mod call;
mod columns;
mod meter;
mod migrations;
mod pace;
mod payloads;

pub use batch::{Failures, Size, fill, may_be_of_one_call, others_first};
pub use call::{APPEND, Answer, Call};
pub use columns::{Unreadable, claim_record, codec, codec_column, limit_column};
pub use meter::CommitMeter;
pub use migrations::{AppliedMigration, Migrations, SchemaError, Script};
pub use pace::Pace;
pub use payloads::Payloads;
