//! What the SQL stores have in common. It names no database driver.
//!
//! It is a seam between crates of this project. Applications do not use it.

mod columns;
mod migrations;
mod payloads;

pub use columns::{Unreadable, claim_record, codec, codec_column, limit_column};
pub use migrations::{AppliedMigration, Migrations, SchemaError, Script};
pub use payloads::Payloads;
