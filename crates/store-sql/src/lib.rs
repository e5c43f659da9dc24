//! What the SQL stores have in common. It names no database driver.
//!
//! It is a seam between crates of this project. Applications do not use it.

mod migrations;

pub use migrations::{AppliedMigration, Migrations, SchemaError, Script};
